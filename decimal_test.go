package moneykit_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// decimals are numbers that must keep their digits.
var decimals = []string{
	"0", "-0", "0.00", "1", "-1", "10.50", "384.05", "4000.00", "0.1", "-0.001",
	"123456789012345678", "999999999999999999.99", "0.123456789012345678", "-123456789.987654321",
	"1e3", "1E3", "1.5e-7", "-2.50E+10", "0e0", "1e1000", "1e-1000",
	strings.Repeat("9", 256),
}

func TestDecimalKeepsItsDigits(t *testing.T) {
	t.Parallel()
	for _, s := range decimals {
		t.Run(s, func(t *testing.T) {
			d, err := moneykit.ParseDecimal(s)
			require.NoError(t, err)
			assert.Equal(t, s, d.String())

			out, err := json.Marshal(d)
			require.NoError(t, err)
			assert.Equal(t, `"`+s+`"`, string(out))

			for _, in := range []string{s, `"` + s + `"`} {
				var back moneykit.Decimal
				require.NoError(t, json.Unmarshal([]byte(in), &back))
				assert.Equal(t, d, back)
			}
			text, err := d.MarshalText()
			require.NoError(t, err)
			assert.Equal(t, s, string(text))

			want, ok := new(big.Rat).SetString(s)
			require.True(t, ok)
			assert.Zero(t, want.Cmp(d.Rat()))
			assert.Equal(t, want.Sign(), d.Sign())
			assert.Equal(t, want.Sign() == 0, d.IsZero())
		})
	}
}

func TestDecimalRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "-", "+1", "01", "-01", "1.", ".5", "1..2", "1e", "1e+", "e5", "1e1001", "1e-1001", "1e99999999999",
		"0x10", "Inf", "NaN", "1,5", "1 ", " 1", "1_000", "１", "1\n", "--1", strings.Repeat("9", 257),
	} {
		t.Run(s, func(t *testing.T) {
			_, err := moneykit.ParseDecimal(s)
			require.Error(t, err)
			assert.Less(t, len(err.Error()), 120)

			text, err := json.Marshal(s)
			require.NoError(t, err)
			d, err := moneykit.ParseDecimal("7")
			require.NoError(t, err)
			require.Error(t, json.Unmarshal(text, &d))
			assert.Equal(t, "7", d.String(), "a refused value changes nothing")
		})
	}
	for _, in := range []string{`true`, `{}`, `[]`} {
		var d moneykit.Decimal
		require.Error(t, json.Unmarshal([]byte(in), &d), in)
	}
}

func TestDecimalErrorContainsNoValue(t *testing.T) {
	t.Parallel()
	var a moneykit.Account
	err := json.Unmarshal([]byte(`{"balances":{"available":"12,34"}}`), &a)
	require.ErrorContains(t, err, "the value is not a decimal number")
	assert.NotContains(t, err.Error(), "12,34")
}

func TestDecimalZeroValue(t *testing.T) {
	t.Parallel()
	var d moneykit.Decimal
	assert.Equal(t, "0", d.String())
	assert.True(t, d.IsZero())
	assert.Zero(t, d.Sign())
	assert.Zero(t, d.Float64())
	one, err := moneykit.ParseDecimal("1")
	require.NoError(t, err)
	assert.Equal(t, -1, d.Cmp(one))
	require.NoError(t, json.Unmarshal([]byte("null"), &one))
	assert.Equal(t, "1", one.String(), "null leaves the value")
}

func TestDecimalCmp(t *testing.T) {
	t.Parallel()
	for _, a := range decimals {
		for _, b := range decimals {
			x, err := moneykit.ParseDecimal(a)
			require.NoError(t, err)
			y, err := moneykit.ParseDecimal(b)
			require.NoError(t, err)
			bigX, okX := new(big.Rat).SetString(a)
			bigY, okY := new(big.Rat).SetString(b)
			require.True(t, okX && okY)
			assert.Equal(t, bigX.Cmp(bigY), x.Cmp(y), "%s %s", a, b)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	for _, s := range decimals {
		f.Add(s)
	}
	f.Add("1e99999999999")
	f.Add("+1")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := moneykit.ParseDecimal(s)
		valid := json.Valid([]byte(s)) && s != "" && strings.ContainsAny(s[:1], "-0123456789") &&
			strings.TrimSpace(s) == s
		if err != nil {
			if valid && len(s) < 100 && !strings.ContainsAny(s, "eE") {
				t.Fatalf("%q is a number in JSON, but: %v", s, err)
			}
			return
		}
		if !valid {
			t.Fatalf("%q is not a number in JSON", s)
		}
		if d.String() != s {
			t.Fatalf("%q became %q", s, d.String())
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || want.Cmp(d.Rat()) != 0 || want.Sign() != d.Sign() || d.Cmp(d) != 0 {
			t.Fatalf("%q has the wrong value %v", s, d.Rat())
		}
		var back moneykit.Decimal
		if err := json.Unmarshal([]byte(s), &back); err != nil || back != d {
			t.Fatalf("%q decodes to %v, %v", s, back, err)
		}
	})
}
