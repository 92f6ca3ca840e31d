package moneykit

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// Limits of a Decimal. They are far beyond any amount of money or shares. Without them, computing
// with a short text such as "1e999999999" would take gigabytes.
const (
	maxDecimalLen = 256
	maxDecimalExp = 1000
)

// Decimal is an exact decimal number: money, a quantity, a rate. It keeps the digits as MoneyKit
// wrote them, so "10.50" stays "10.50". The zero value is 0. Compare values with [Decimal.Cmp]: ==
// compares the digits, and those of "1.0" and "1.00" differ.
//
// MoneyKit sends some decimals as JSON strings and some as JSON numbers; both are accepted
// everywhere, and a Decimal marshals as a string. [Balances], whose fields are numbers on the wire,
// marshals them as numbers.
type Decimal struct{ digits string }

// ParseDecimal reads a decimal number in JSON's notation: an optional minus, digits, an optional
// fraction, an optional exponent from -1000 to 1000. A leading plus, leading zeros, spaces,
// infinities, hexadecimals and texts of more than 256 bytes are errors.
func ParseDecimal(s string) (Decimal, error) {
	if !isDecimal(s) {
		return Decimal{}, fmt.Errorf("moneykit: %s is not a decimal number", plain.Quote(s))
	}
	return Decimal{s}, nil
}

// isDecimal reports whether s is a JSON number within the bounds of a Decimal.
func isDecimal(s string) bool {
	if s == "" || len(s) > maxDecimalLen {
		return false
	}
	rest := strings.TrimPrefix(s, "-")
	whole := leadingDigits(rest)
	if whole == 0 || (whole > 1 && rest[0] == '0') {
		return false
	}
	rest = rest[whole:]
	if strings.HasPrefix(rest, ".") {
		fraction := leadingDigits(rest[1:])
		if fraction == 0 {
			return false
		}
		rest = rest[1+fraction:]
	}
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	digits := rest[1:]
	if digits != "" && (digits[0] == '+' || digits[0] == '-') {
		digits = digits[1:]
	}
	if n := leadingDigits(digits); n == 0 || n != len(digits) {
		return false
	}
	exp, err := strconv.Atoi(rest[1:])
	return err == nil && -maxDecimalExp <= exp && exp <= maxDecimalExp
}

// isPlainDecimal reports whether text is a short decimal number without an exponent, as nearly all
// are.
func isPlainDecimal(text []byte) bool {
	digits := bytes.TrimPrefix(text, []byte("-"))
	if len(digits) == 0 || len(digits) > 32 || digits[0] == '0' && len(digits) > 1 && digits[1] != '.' {
		return false
	}
	point := -1
	for i, b := range digits {
		switch {
		case '0' <= b && b <= '9':
		case b == '.' && point < 0 && i > 0:
			point = i
		default:
			return false
		}
	}
	return point != len(digits)-1
}

func leadingDigits(s string) int {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return i
}

// MustDecimal is [ParseDecimal] for numbers in a program's source. It panics if s is not a decimal
// number.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// String returns the number as it was written, "0" for the zero value.
func (d Decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	return d.digits
}

// Rat returns the exact value.
func (d Decimal) Rat() *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok { // unreachable: only ParseDecimal and the decoders set digits
		return new(big.Rat)
	}
	return r
}

// Float64 returns the nearest float64. Do not add up money with it.
func (d Decimal) Float64() float64 {
	f, _ := strconv.ParseFloat(d.String(), 64) // out of range is ±Inf, as documented by strconv
	return f
}

// IsZero reports whether the value is 0, however it is written.
func (d Decimal) IsZero() bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(d.digits), "e")
	return strings.Trim(mantissa, "-0.") == ""
}

// Sign returns -1 below zero, 0 at zero and +1 above.
func (d Decimal) Sign() int {
	switch {
	case d.IsZero():
		return 0
	case d.digits[0] == '-':
		return -1
	}
	return 1
}

// Cmp compares the values: -1 if d is below x, 0 if they are equal, +1 if d is above.
func (d Decimal) Cmp(x Decimal) int {
	if d.digits == x.digits {
		return 0
	}
	return d.Rat().Cmp(x.Rat())
}

// MarshalText returns the digits.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText accepts the same texts as [ParseDecimal].
func (d *Decimal) UnmarshalText(text []byte) error { return d.set(string(text)) }

// wantDecimal is what an error says that a text is not.
const wantDecimal = "a decimal number"

func (d *Decimal) set(text string) error {
	if !isDecimal(text) {
		return &wirejson.ValueError{Want: wantDecimal}
	}
	*d = Decimal{text}
	return nil
}

// MarshalJSON returns the digits as a JSON string.
func (d Decimal) MarshalJSON() ([]byte, error) {
	s := d.String()
	out := make([]byte, 0, len(s)+2)
	out = append(out, '"')
	out = append(out, s...)
	return append(out, '"'), nil
}

// UnmarshalJSON accepts a JSON string or number. null leaves d unchanged.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		return nil
	}
	if text, ok := jsonText(data); ok {
		return d.set(text)
	}
	return d.UnmarshalText(data)
}

// decode reads a JSON string or number. null leaves d unchanged.
func (d *Decimal) decode(c *wirejson.Cursor) {
	text, kind := c.Scalar()
	switch {
	case kind == wirejson.KindNull:
	case kind == wirejson.KindOther || !isPlainDecimal(text) && !isDecimal(string(text)):
		c.Wrong(wantDecimal)
	default:
		d.digits = c.Keep(text)
	}
}

// Scan reads a number from a database: a text, a number, or the bytes of a text. NULL is an error,
// because absent money is not zero: scan a column that may be NULL into a **Decimal.
func (d *Decimal) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return d.set(v)
	case []byte:
		return d.UnmarshalText(v)
	case int64:
		*d = Decimal{strconv.FormatInt(v, 10)}
		return nil
	case float64:
		return d.UnmarshalText(strconv.AppendFloat(nil, v, 'f', -1, 64))
	}
	return fmt.Errorf("moneykit: cannot scan a %T into a Decimal", src)
}

// Value returns the digits as a text, which databases convert to their own decimal type.
func (d Decimal) Value() (driver.Value, error) { return d.String(), nil }
