package conformance

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// This file compares the SDK's values with other implementations on random texts, the same in
// every run.

// manyRounds is the number of rounds in CI. It is large enough for rare cases to occur.
const manyRounds = 100_000

var rounds = flag.Int("rounds", 5_000, "how many values and tokens are generated for each comparison")

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2023)) }

// literal returns a random number in JSON's notation, with many zeros and exponents.
func literal(r *rand.Rand) string {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("0001234567899"[r.IntN(13)])
		}
		return b.String()
	}
	var b strings.Builder
	if r.IntN(2) == 0 {
		b.WriteByte('-')
	}
	if whole := strings.TrimLeft(digits(r.IntN(20)), "0"); whole == "" {
		b.WriteByte('0')
	} else {
		b.WriteString(whole)
	}
	if r.IntN(3) > 0 {
		b.WriteString("." + digits(1+r.IntN(12)))
	}
	switch r.IntN(20) {
	case 0, 1, 2:
		b.WriteString([]string{"e", "E", "e+", "E-", "e-0"}[r.IntN(5)] + strconv.Itoa(r.IntN(30)))
	case 3:
		b.WriteString([]string{"e", "e-"}[r.IntN(2)] + strconv.Itoa(r.IntN(1001)))
	}
	return b.String()
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	r := random(1)
	var last moneykit.Decimal
	var lastOracle decimal.Decimal
	for range *rounds {
		text := literal(r)
		d, err := moneykit.ParseDecimal(text)
		require.NoError(t, err)
		oracle, err := decimal.NewFromString(text)
		require.NoError(t, err)
		ok := d.String() == text && d.Sign() == oracle.Sign() && d.IsZero() == oracle.IsZero() &&
			d.Cmp(last) == oracle.Cmp(lastOracle) && last.Cmp(d) == lastOracle.Cmp(oracle)
		if !ok {
			require.Fail(t, "they differ", "%s %s", text, last)
		}
		// Numbers that are close, or equal but written in another way.
		near := oracle.Add(decimal.New(int64(r.IntN(3)-1), oracle.Exponent())).String()
		if len(near) < 200 {
			n, err := moneykit.ParseDecimal(near)
			require.NoError(t, err)
			if d.Cmp(n) != oracle.Cmp(decimal.RequireFromString(near)) {
				require.Fail(t, "they differ", "%s %s", text, near)
			}
		}
		last, lastOracle = d, oracle
	}
}

// TestDecimalNotation changes numbers into texts that may be invalid, and compares with
// encoding/json.
func TestDecimalNotation(t *testing.T) {
	t.Parallel()
	r := random(2)
	good := 0
	for range *rounds {
		text := []byte(literal(r))
		for range 1 + r.IntN(2) {
			text[r.IntN(len(text))] = "0123456789.-+eE x_"[r.IntN(18)]
		}
		var want json.Number
		err := json.Unmarshal(text, &want)
		// JSON allows spaces around a number, and exponents of any size.
		_, exponent, _ := strings.Cut(strings.ToLower(string(text)), "e")
		n, _ := strconv.Atoi(exponent)
		ok := err == nil && want.String() == string(text) && -1000 <= n && n <= 1000
		var fromNumber, fromText moneykit.Decimal
		_, parsed := moneykit.ParseDecimal(string(text))
		decoded := json.Unmarshal([]byte(strconv.Quote(string(text))), &fromText)
		if ok != (parsed == nil) || ok != (decoded == nil) {
			require.Fail(t, "they differ", "%q", text)
		}
		if ok {
			good++
			require.NoError(t, json.Unmarshal(text, &fromNumber))
			require.Equal(t, fromNumber, fromText)
			back, err := json.Marshal(fromText)
			require.NoError(t, err)
			require.Equal(t, strconv.Quote(string(text)), string(back))
		}
	}
	assert.Greater(t, good, *rounds/10)
	assert.Less(t, good, *rounds*9/10)
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	// All the layouts that a timestamp may have; time.Parse takes a fraction with each.
	layouts := []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	}
	r := random(3)
	good := 0
	for range *rounds {
		at := time.Unix(r.Int64N(1<<38)-1<<36, r.Int64N(1e9)).In(time.FixedZone("", 60*(r.IntN(24*60)-12*60)))
		layout := layouts[r.IntN(4)]
		if n := r.IntN(10); n > 0 {
			layout = strings.Replace(layout, "05", "05."+strings.Repeat("09"[n%2:n%2+1], n), 1)
		}
		text := []byte(at.Format(layout))
		if r.IntN(3) == 0 {
			text[r.IntN(len(text))] = "0123456789-:.,TZ+ x"[r.IntN(19)]
		}
		var want time.Time
		err := fmt.Errorf("not tried")
		for _, layout := range layouts {
			if err != nil {
				want, err = time.Parse(layout, string(text))
			}
		}
		_, zone := want.Zone()
		if max(zone, -zone) >= 24*3600 { // time.Parse takes them, but RFC 3339 has no such zones
			err = errors.New("the zone is too far")
		}
		got, parsed := moneykit.ParseTimestamp(string(text))
		var decoded moneykit.Timestamp
		failed := json.Unmarshal([]byte(strconv.Quote(string(text))), &decoded)
		require.Equal(t, parsed == nil, failed == nil, "%q: %v, %v", text, parsed, failed)
		if parsed != nil && err == nil { // time.Parse also takes an hour of one digit, an offset of 60 minutes, the year 0.
			require.Regexp(t, `[T ] ?\d:|:60$|^0000`, string(text), "%v", parsed)
		}
		if err != nil || parsed != nil { // ISO 8601 has more forms than these layouts.
			continue
		}
		good++
		_, gotZone := got.Zone()
		require.True(t, want.Equal(got.Time) && want.Equal(decoded.Time) && zone == gotZone, "%q", text)
		if !want.IsZero() {
			back, err := json.Marshal(got)
			require.NoError(t, err)
			require.Equal(t, strconv.Quote(want.Format(time.RFC3339Nano)), string(back))
		}
	}
	assert.Greater(t, good, *rounds/2)
	assert.Less(t, good, *rounds)
}

func TestDate(t *testing.T) {
	t.Parallel()
	r := random(4)
	good := 0
	last := moneykit.Date{Year: 2000, Month: time.January, Day: 1}
	for range *rounds {
		text := []byte(fmt.Sprintf("%04d-%02d-%02d", r.IntN(10000), r.IntN(14), r.IntN(33)))
		if r.IntN(10) == 0 {
			text[r.IntN(len(text))] = "0123456789-/ x"[r.IntN(14)]
		}
		want, err := time.Parse("2006-01-02", string(text))
		ok := err == nil && want.Year() > 0
		got, parsed := moneykit.ParseDate(string(text))
		var decoded moneykit.Date
		failed := json.Unmarshal([]byte(strconv.Quote(string(text))), &decoded)
		if ok != (parsed == nil) || ok != (failed == nil) {
			require.Fail(t, "they differ", "%q: %v, %v, %v", text, err, parsed, failed)
		}
		if !ok {
			continue
		}
		good++
		days := r.IntN(2000) - 1000
		later := want.AddDate(0, 0, days)
		require.True(t, got == decoded && got.String() == string(text) && got.Time(time.UTC).Equal(want) &&
			got.AddDays(days) == moneykit.DateOf(later) && got.Compare(last) == want.Compare(last.Time(time.UTC)), "%s", text)
		last = got
	}
	assert.Greater(t, good, *rounds/2)
	assert.Less(t, good, *rounds)
}
