package strictjson

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// The functions in this file find the end of a value and check its grammar.

// skipSpace moves r past white space. It returns the byte there, or 0 at the end of the document.
func (r *Reader) skipSpace() byte {
	for ; r.at < len(r.data); r.at++ {
		if c := r.data[r.at]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

func (r *Reader) skipWord(word string) {
	end := r.at + len(word)
	if end > len(r.data) || string(r.data[r.at:end]) != word {
		r.err = ErrInvalid
		return
	}
	r.at = end
}

// readText moves r past the string at r.
func (r *Reader) readText() {
	at, data := r.at+1, r.data
	for {
		at = skipPlain(data, at)
		if at == len(data) {
			break
		}
		switch c := data[at]; {
		case c == '"':
			r.at = at + 1
			return
		case c == '\\':
			n := escapeLen(data[at:])
			if n == 0 {
				r.err = ErrInvalid
				return
			}
			at += n
		case c < ' ':
			r.err = ErrInvalid
			return
		default:
			char, size := utf8.DecodeRune(data[at:])
			if char == utf8.RuneError && size == 1 {
				r.err = ErrInvalid
				return
			}
			at += size
		}
	}
	r.err = ErrInvalid
}

// skipPlain returns the position of the first byte from at on that is not plain text in a string: a
// quote, a backslash, a control character, or a byte that is not ASCII.
func skipPlain(data []byte, at int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	// Check eight bytes at a time. Each operand sets the high bit of a byte that matches. It may
	// also set high bits of later bytes, but never of earlier ones, so the first set bit is
	// right.
	for ; at+8 <= len(data); at += 8 {
		w := binary.LittleEndian.Uint64(data[at:])
		found := (w | (w - ones*' ') | ((w ^ ones*'"') - ones) | ((w ^ ones*'\\') - ones)) & highs
		if found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for ; at < len(data); at++ {
		if c := data[at]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return at
		}
	}
	return at
}

// escapeLen returns the length of the escape at the beginning of text, or 0 if it is invalid.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) >= 6 && isHex(text[2]) && isHex(text[3]) && isHex(text[4]) && isHex(text[5]) {
			return 6
		}
	}
	return 0
}

// skipNumber moves r past the number at r. If deep is set, a number that is too large for a float64
// is an error, because readers interpret such numbers differently.
func (r *Reader) skipNumber() {
	end, scientific := skipDecimal(r.data, r.at)
	if end < 0 {
		r.err = ErrInvalid
		return
	}
	const small = 300 // A number with up to 300 digits always fits.
	if r.deep && (scientific || end-r.at > small) {
		if _, err := strconv.ParseFloat(string(r.data[r.at:end]), 64); err != nil {
			r.err = ErrInvalid
			return
		}
	}
	r.at = end
}

// skipDecimal returns the end of the number at at, and whether the number has an exponent. The end
// is negative if there is no valid number.
func skipDecimal(data []byte, at int) (end int, scientific bool) {
	if data[at] == '-' {
		at++
	}
	if at < len(data) && data[at] == '0' {
		at++
	} else if at = skipDigits(data, at); at < 0 {
		return at, false
	}
	if at < len(data) && data[at] == '.' {
		if at = skipDigits(data, at+1); at < 0 {
			return at, false
		}
	}
	if at == len(data) || data[at]|0x20 != 'e' {
		return at, false
	}
	at++
	if at < len(data) && (data[at] == '+' || data[at] == '-') {
		at++
	}
	return skipDigits(data, at), true
}

// skipDigits returns the end of the digits at at, or -1 if there are none.
func skipDigits(data []byte, at int) int {
	start := at
	for at < len(data) && isDigit(data[at]) {
		at++
	}
	if at == start {
		return -1
	}
	return at
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || ('a' <= c|0x20 && c|0x20 <= 'f') }
