package wirejson

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// Text returns the value of data, which is one valid JSON value, as text: a string, or the digits
// of a number.
func Text(data []byte) (string, bool) {
	switch {
	case len(data) == 0:
		return "", false
	case data[0] == '"' && len(data) > 1 && bytes.IndexByte(data, '\\') < 0:
		return string(data[1 : len(data)-1]), true // The usual case needs no decoder.
	case data[0] == '"':
		var s string
		err := json.Unmarshal(data, &s)
		return s, err == nil
	case data[0] == '-' || (data[0] >= '0' && data[0] <= '9'):
		return string(data), json.Valid(data)
	}
	return "", false
}

// Bool returns the value of data, which is one JSON value, as a bool: true, false, or one of them
// in a string.
func Bool(data []byte) (value, ok bool) {
	s := string(data)
	if text, isText := Text(data); isText {
		s = text
	}
	return s == "true", s == "true" || s == "false"
}

// Number returns the value of data, which is one JSON value, as a float64: a number, or a number in
// a string.
func Number(data []byte) (float64, bool) {
	s, ok := Text(data)
	if !ok || !json.Valid([]byte(s)) || s == "" || (s[0] != '-' && (s[0] < '0' || s[0] > '9')) {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// Int returns the value of data, which is one JSON value, as an integer. It accepts all notations:
// 100, 1e2, 100.0, "100".
func Int(data []byte) (int64, bool) {
	s, ok := Text(data)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] != '+' {
		return n, true
	}
	n, ok := Number(data)
	const exact = 1 << 53 // A float64 cannot represent all larger integers.
	if !ok || n != math.Trunc(n) || math.Abs(n) > exact {
		return 0, false
	}
	return int64(n), true
}
