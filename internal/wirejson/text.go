package wirejson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string and returns its text. own is true if the text is in c.spare, and false if it
// is in the document. As in encoding/json, each byte that is not UTF-8 and each half of a surrogate
// pair becomes U+FFFD.
func (c *Cursor) str() (text []byte, own bool) {
	data := c.data
	start := c.at + 1
	ascii := true
	for i := start; ; i++ {
		for i+8 <= len(data) {
			found := special(binary.LittleEndian.Uint64(data[i:]))
			if found != 0 {
				i += bits.TrailingZeros64(found) / 8
				break
			}
			i += 8
		}
		if i >= len(data) {
			break
		}
		switch b := data[i]; {
		case b == '"':
			c.at = i + 1
			if text = data[start:i]; ascii || utf8.Valid(text) {
				return text, false
			}
			c.spare = appendValid(c.spare[:0], text)
			return c.spare, true
		case b == '\\':
			c.at = i
			return c.unescape(data[start:i]), true
		case b < ' ':
			c.syntax()
			return nil, false
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	c.syntax()
	return nil, false
}

// special sets the highest bit of the first byte of word that is a quote, a backslash, a control
// character or not ASCII. It may also set the highest bit of any later byte.
func special(word uint64) uint64 {
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
	)
	quote, backslash := word^('"'*ones), word^('\\'*ones)
	return ((quote-ones)&^quote | (backslash-ones)&^backslash | (word-' '*ones)&^word | word) & high
}

// unescape reads the rest of a string, from its first backslash on, and returns the text of the
// whole string. before is the text before the backslash.
func (c *Cursor) unescape(before []byte) []byte {
	data, i := c.data, c.at
	text := append(c.spare[:0], before...)
	for i < len(data) {
		b := data[i]
		i++
		switch {
		case b == '"':
			c.at = i
			if !utf8.Valid(text) {
				text = appendValid(nil, text)
			}
			c.spare = text
			return text
		case b < ' ':
			c.syntax()
			return nil
		case b != '\\':
			text = append(text, b)
			continue
		case i == len(data):
			continue
		}
		b = data[i]
		i++
		if b != 'u' {
			at := strings.IndexByte(`"\/bfnrt`, b)
			if at < 0 {
				c.syntax()
				return nil
			}
			text = append(text, "\"\\/\b\f\n\r\t"[at])
			continue
		}
		r := hex(data[i:])
		if r < 0 {
			c.syntax()
			return nil
		}
		i += 4
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if i+2 <= len(data) && data[i] == '\\' && data[i+1] == 'u' {
				pair = utf16.DecodeRune(r, hex(data[i+2:]))
			}
			if r = pair; r != utf8.RuneError {
				i += 6
			}
		}
		text = utf8.AppendRune(text, r)
	}
	c.syntax()
	return nil
}

// hex returns the value of the four hexadecimal digits at the beginning of data, or -1 if there are
// none.
func hex(data []byte) rune {
	if len(data) < 4 {
		return -1
	}
	var r rune
	for _, b := range data[:4] {
		switch {
		case isDigit(b):
			b -= '0'
		case 'a' <= b|0x20 && b|0x20 <= 'f':
			b = b | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(b)
	}
	return r
}

// appendValid appends text, with U+FFFD in place of each byte that is not UTF-8.
func appendValid(to, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		to, text = utf8.AppendRune(to, r), text[n:]
	}
	return to
}

// Fold returns the name of a member in lower case, and whether that differs from name. All of
// MoneyKit's names are in lower case. Like encoding/json, Fold also folds the two letters that
// Unicode folds to ASCII letters.
func Fold(name []byte) ([]byte, bool) {
	other := func(b byte) bool { return 'A' <= b && b <= 'Z' || b >= utf8.RuneSelf }
	if !slices.ContainsFunc(name, other) {
		return name, false
	}
	return bytes.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case r == '\u017F': // the long s
			return 's'
		case r == '\u212A': // the kelvin sign
			return 'k'
		}
		return r
	}, name), true
}
