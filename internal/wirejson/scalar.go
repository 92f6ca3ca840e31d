package wirejson

import (
	"math"
	"strconv"
)

// Text returns the string in data, which is one JSON value. It also accepts a number and returns
// its text.
func Text(data []byte) (string, bool) {
	text, kind := scalar(data)
	return string(text), kind == KindString || kind == KindNumber
}

// Bool returns the bool in data, which is one JSON value: true, false, or one of them in a string.
func Bool(data []byte) (value, ok bool) {
	c := Cursor{data: data}
	c.Bool(&value)
	return value, c.End() == nil && string(data) != "null"
}

// Number returns the number in data, which is one JSON value: a number, or a number in a string.
func Number(data []byte) (float64, bool) { return parseNumber(scalar(data)) }

// Int returns the whole number in data, which is one JSON value in any notation: 100, 1e2, 100.0,
// "100".
func Int(data []byte) (int64, bool) { return parseInt(scalar(data)) }

// scalar returns the text and the kind of data, which must be one JSON value without white space
// around it. It returns KindOther for anything else.
func scalar(data []byte) ([]byte, Kind) {
	c := Cursor{data: data}
	space := len(data) > 0 && data[0] <= ' '
	text, kind := c.Scalar()
	if c.err != nil || space || c.at != len(data) {
		return nil, KindOther
	}
	return text, kind
}

// parseNumber returns the number in a text of the kind. A string must contain a number in JSON's
// notation.
func parseNumber(text []byte, kind Kind) (float64, bool) {
	if kind == KindString {
		if text, kind = scalar(text); kind != KindNumber {
			return 0, false
		}
	}
	if kind != KindNumber {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(text), 64)
	return n, err == nil
}

func parseInt(text []byte, kind Kind) (int64, bool) {
	if kind != KindString && kind != KindNumber {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && text[0] != '+' {
		return n, true
	}
	n, ok := parseNumber(text, kind)
	const exact = 1 << 53 // A float64 cannot represent all whole numbers beyond it.
	if !ok || n != math.Trunc(n) || math.Abs(n) > exact {
		return 0, false
	}
	return int64(n), true
}
