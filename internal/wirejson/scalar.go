package wirejson

import (
	"math"
	"strconv"
)

// Text returns the text that data, one JSON value, is: a string, or the digits of a number.
func Text(data []byte) (string, bool) {
	text, kind := scalar(data)
	return string(text), kind == KindString || kind == KindNumber
}

// Bool returns the value of data, which is one JSON value, as a bool: true, false, or one of them
// in a string.
func Bool(data []byte) (value, ok bool) {
	c := Cursor{data: data}
	c.Bool(&value)
	return value, c.End() == nil && string(data) != "null"
}

// Number returns the number that data, one JSON value, is: a number, or one in a string.
func Number(data []byte) (float64, bool) { return parseNumber(scalar(data)) }

// Int returns the whole number that data, one JSON value, is, in whatever spelling: 100, 1e2,
// 100.0, "100".
func Int(data []byte) (int64, bool) { return parseInt(scalar(data)) }

// scalar returns the text of data, which is one JSON value without white space around it. All else
// is KindOther.
func scalar(data []byte) ([]byte, Kind) {
	c := Cursor{data: data}
	space := len(data) > 0 && data[0] <= ' '
	text, kind := c.Scalar()
	if c.err != nil || space || c.at != len(data) {
		return nil, KindOther
	}
	return text, kind
}

// number returns the digits of a number. A string must be a number in JSON's notation.
func number(text []byte, kind Kind) (digits string, ok bool) {
	if kind == KindString {
		text, kind = scalar(text)
	}
	return string(text), kind == KindNumber
}

func parseNumber(text []byte, kind Kind) (float64, bool) {
	digits, ok := number(text, kind)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(digits, 64)
	return n, err == nil
}

func parseInt(text []byte, kind Kind) (int64, bool) {
	digits, ok := number(text, kind)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return n, true
	}
	n, err := strconv.ParseFloat(digits, 64)
	const exact = 1 << 53 // Beyond it a float64 skips whole numbers.
	if err != nil || n != math.Trunc(n) || math.Abs(n) > exact {
		return 0, false
	}
	return int64(n), true
}
