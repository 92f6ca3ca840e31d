package moneykit

import (
	"math/big"
	"strconv"
	"strings"
)

// scaled returns the value of d as an integer and the number of its decimal places.
func (d Decimal) scaled() (value *big.Int, places int) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(d.String()), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	value, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok { // unreachable: only ParseDecimal and the decoders set digits.
		value = new(big.Int)
	}
	shift, _ := strconv.Atoi(exponent) // 0 without one
	places = len(fraction) - shift
	if places < 0 {
		value.Mul(value, power(-places))
		places = 0
	}
	return value, places
}

// power returns 10 to the power of n.
func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// fromScaled returns value with the decimal point before its last places digits.
func fromScaled(value *big.Int, places int) Decimal {
	digits := new(big.Int).Abs(value).String()
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if places > 0 {
		digits = digits[:len(digits)-places] + "." + digits[len(digits)-places:]
	}
	if value.Sign() < 0 {
		digits = "-" + digits
	}
	return Decimal{digits}
}

// Add returns the exact sum d + x, with the larger of the two numbers of decimal places. A result
// of more than 256 characters, such as the sum of 1e1000 and 1, cannot be parsed again.
func (d Decimal) Add(x Decimal) Decimal {
	a, places := d.scaled()
	b, more := x.scaled()
	switch {
	case more > places:
		a.Mul(a, power(more-places))
		places = more
	case more < places:
		b.Mul(b, power(places-more))
	}
	return fromScaled(a.Add(a, b), places)
}

// Sub returns the exact difference d - x, with the larger of the two numbers of decimal places.
func (d Decimal) Sub(x Decimal) Decimal { return d.Add(x.Neg()) }

// Neg returns -d, with the same digits. The negative of zero has no minus sign.
func (d Decimal) Neg() Decimal {
	switch d.Sign() {
	case 0:
		return Decimal{strings.TrimPrefix(d.digits, "-")}
	case -1:
		return Decimal{d.digits[1:]}
	}
	return Decimal{"-" + d.digits}
}

// Round returns d with the given number of decimal places, rounded half away from zero, as banks
// round amounts: 2.345 becomes 2.35, and -2.345 becomes -2.35. It adds zeros if d has fewer places.
// A negative number of places means 0, and a number above 1000 means 1000.
func (d Decimal) Round(places int) Decimal {
	places = min(max(places, 0), maxDecimalExp)
	value, has := d.scaled()
	if has <= places {
		return fromScaled(value.Mul(value, power(places-has)), places)
	}
	unit := power(has - places)
	half := new(big.Int).Quo(unit, big.NewInt(2))
	if value.Sign() < 0 {
		half.Neg(half)
	}
	return fromScaled(value.Quo(value.Add(value, half), unit), places)
}
