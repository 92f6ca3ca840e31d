package moneykit_test

import (
	"database/sql"
	"database/sql/driver"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

var (
	_ sql.Scanner   = (*moneykit.Decimal)(nil)
	_ driver.Valuer = moneykit.Decimal{}
	_ sql.Scanner   = (*moneykit.Date)(nil)
	_ driver.Valuer = moneykit.Date{}
	_ sql.Scanner   = (*moneykit.Timestamp)(nil)
	_ driver.Valuer = moneykit.Timestamp{}
)

func TestDecimalArithmetic(t *testing.T) {
	t.Parallel()
	d := moneykit.MustDecimal
	for _, tt := range []struct{ got, want moneykit.Decimal }{
		{d("0.1").Add(d("0.2")), d("0.3")},
		{d("10.50").Add(d("1")), d("11.50")},
		{d("-1").Add(d("0.25")), d("-0.75")},
		{d("1").Sub(d("1.00")), d("0.00")},
		{d("1e2").Add(d("5e-1")), d("100.5")},
		{d("0.001").Sub(d("1")), d("-0.999")},
		{moneykit.Decimal{}.Add(d("2")), d("2")},
		{d("12345678901234567890.01").Add(d("0.99")), d("12345678901234567891.00")},
		{d("5").Neg(), d("-5")},
		{d("-5.0").Neg(), d("5.0")},
		{d("-0.0").Neg(), d("0.0")},
		{moneykit.Decimal{}.Neg(), moneykit.Decimal{}},
		{d("2.345").Round(2), d("2.35")},
		{d("-2.345").Round(2), d("-2.35")},
		{d("2.344").Round(2), d("2.34")},
		{d("2.5").Round(0), d("3")},
		{d("0.4").Round(0), d("0")},
		{d("-0.4").Round(0), d("0")},
		{d("99.995").Round(2), d("100.00")},
		{d("7").Round(2), d("7.00")},
		{d("7.5").Round(-3), d("8")},
		{d("1e-5").Round(3), d("0.000")},
	} {
		assert.Equal(t, tt.want.String(), tt.got.String())
	}
	assert.LessOrEqual(t, len(d("1").Round(math.MaxInt).String()), 1100, "zeros are bounded")
}

// TestDecimalArithmeticIsExact compares sums with sums of math/big.
func TestDecimalArithmeticIsExact(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	random := func() moneykit.Decimal {
		s := []string{"", "-"}[r.IntN(2)] + big.NewInt(r.Int64()).String()
		if r.IntN(2) == 0 {
			s += "." + strings.Repeat("7", 1+r.IntN(30))
		}
		if r.IntN(3) == 0 {
			s += []string{"e", "E+", "e-"}[r.IntN(3)] + big.NewInt(r.Int64N(40)).String()
		}
		return moneykit.MustDecimal(s)
	}
	for range 2000 {
		a, b := random(), random()
		sum := new(big.Rat).Add(a.Rat(), b.Rat())
		require.Zero(t, sum.Cmp(a.Add(b).Rat()), "%s + %s", a, b)
		require.Zero(t, new(big.Rat).Sub(a.Rat(), b.Rat()).Cmp(a.Sub(b).Rat()), "%s - %s", a, b)
		require.Equal(t, a.Add(b), b.Add(a))
		require.Zero(t, new(big.Rat).Neg(a.Rat()).Cmp(a.Neg().Rat()))
		rounded := a.Round(3)
		off := new(big.Rat).Sub(rounded.Rat(), a.Rat())
		require.LessOrEqual(t, off.Abs(off).Cmp(big.NewRat(1, 2000)), 0, "%s rounds to %s", a, rounded)
	}
}

func TestMustDecimalPanics(t *testing.T) {
	t.Parallel()
	assert.PanicsWithError(t, `moneykit: "1,5" is not a decimal number`, func() { moneykit.MustDecimal("1,5") })
}

func TestDecimalInDatabases(t *testing.T) {
	t.Parallel()
	for _, src := range []any{"10.50", []byte("10.50")} {
		var d moneykit.Decimal
		require.NoError(t, d.Scan(src))
		assert.Equal(t, "10.50", d.String())
		value, err := d.Value()
		require.NoError(t, err)
		assert.Equal(t, "10.50", value)
	}
	for src, want := range map[any]string{int64(-7): "-7", 10.25: "10.25", 1e21: "1000000000000000000000"} {
		var d moneykit.Decimal
		require.NoError(t, d.Scan(src))
		assert.Equal(t, want, d.String())
	}
	for _, src := range []any{nil, true, "x", []byte("1,5"), []int{1}} {
		d := moneykit.MustDecimal("7")
		err := d.Scan(src)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "1,5")
		assert.Equal(t, "7", d.String(), "a refused value changes nothing")
	}
}
