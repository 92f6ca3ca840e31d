package bodydiff

import (
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
)

// fromString writes the content of the JSON string that is the body.
func fromString(m *matcher, body []byte) bool {
	var s string
	if json.Unmarshal(body, &s) != nil {
		return false
	}
	m.addString(s)
	return true
}

// toString writes body as a JSON string.
func toString(m *matcher, body []byte) bool {
	m.addByte('"')
	for len(body) > 0 {
		r, size := utf8.DecodeRune(body)
		jsonStyle{}.writeRune(m, r)
		body = body[size:]
	}
	m.addByte('"')
	return true
}

// jsonStyle is the style in which an encoder writes JSON.
type jsonStyle struct {
	spaced bool // a space follows colons and commas, as in Python
	ascii  bool // characters that are not ASCII are escaped, as in Python
	html   bool // characters that are special in HTML and JavaScript are escaped, as in Go

	// If width is not 0, each member and item has a line of its own, indented by width times indent
	// per level. Strings are then copied unchanged, as by json.Indent.
	indent byte
	width  int
}

func styles() []jsonStyle {
	return []jsonStyle{
		{},
		{spaced: true},
		{ascii: true},
		{ascii: true, spaced: true},
		{html: true},
		{indent: ' ', width: 2},
		{indent: ' ', width: 4},
		{indent: '\t', width: 1},
	}
}

// write writes body, which is valid JSON, in the style.
func (style jsonStyle) write(m *matcher, body []byte) bool {
	depth := 0
	for at := 0; at < len(body) && !m.full(); at++ {
		switch c := body[at]; c {
		case ' ', '\t', '\r', '\n':
		case '"':
			end := stringEnd(body, at)
			style.writeString(m, body[at:end])
			at = end - 1
		case '{', '[':
			m.addByte(c)
			if next := skipSpace(body, at+1); body[next] == c+2 { // '}' or ']'
				m.addByte(c + 2)
				at = next
				continue
			}
			depth++
			style.writeLine(m, depth)
		case '}', ']':
			depth--
			style.writeLine(m, depth)
			m.addByte(c)
		case ',':
			m.addByte(c)
			if style.spaced {
				m.addByte(' ')
			}
			style.writeLine(m, depth)
		case ':':
			m.addByte(c)
			if style.spaced || style.width > 0 {
				m.addByte(' ')
			}
		default:
			m.addByte(c)
		}
	}
	return true
}

// writeLine begins a line at depth, if the style has lines.
func (style jsonStyle) writeLine(m *matcher, depth int) {
	if style.width == 0 {
		return
	}
	m.addByte('\n')
	for n := depth * style.width; n > 0 && !m.full(); n-- {
		m.addByte(style.indent)
	}
}

// writeString writes a JSON string, with its quotes, in the style.
func (style jsonStyle) writeString(m *matcher, text []byte) {
	if style.width > 0 {
		m.add(text...)
		return
	}
	m.addByte('"')
	for text = text[1 : len(text)-1]; len(text) > 0; {
		r, size := decodeRune(text)
		style.writeRune(m, r)
		text = text[size:]
	}
	m.addByte('"')
}

// writeRune writes a character of a JSON string in the style.
func (style jsonStyle) writeRune(m *matcher, r rune) {
	switch r {
	case '"', '\\':
		m.add('\\', byte(r))
		return
	case '\b':
		m.add('\\', 'b')
		return
	case '\f':
		m.add('\\', 'f')
		return
	case '\n':
		m.add('\\', 'n')
		return
	case '\r':
		m.add('\\', 'r')
		return
	case '\t':
		m.add('\\', 't')
		return
	}
	switch {
	case r < ' ', style.html && isSpecial(r), style.ascii && r > '~' && r <= 0xffff:
		writeEscape(m, r)
	case style.ascii && r > 0xffff:
		high, low := utf16.EncodeRune(r)
		writeEscape(m, high)
		writeEscape(m, low)
	case r < utf8.RuneSelf:
		m.addByte(byte(r))
	default:
		var buf [utf8.UTFMax]byte
		m.add(utf8.AppendRune(buf[:0], r)...)
	}
}

// isSpecial reports whether encoding/json escapes a character only because it is special in HTML or
// JavaScript.
func isSpecial(r rune) bool {
	return r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029'
}

// writeEscape writes the escape of a UTF-16 code unit.
func writeEscape(m *matcher, unit rune) {
	const digits = "0123456789abcdef"
	m.add('\\', 'u', digits[unit>>12&15], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}

// decodeRune returns the first character in text, the inside of a JSON string, and its encoded
// length. Like encoding/json, it returns U+FFFD for half a surrogate pair and for invalid UTF-8.
func decodeRune(text []byte) (r rune, size int) {
	if text[0] != '\\' {
		return utf8.DecodeRune(text)
	}
	switch c := text[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(c), 2
	}
	r = decodeUnit(text)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if pair := utf16.DecodeRune(r, decodeUnit(text[6:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// decodeUnit returns the UTF-16 code unit of the escape at the beginning of text.
func decodeUnit(text []byte) rune {
	var unit rune
	for _, c := range text[2:6] {
		if c > '9' {
			c += 9 // The low four bits of 'A' and 'a' are 1.
		}
		unit = unit<<4 | rune(c&15)
	}
	return unit
}

// stringEnd returns the end of the JSON string at at, after its closing quote.
func stringEnd(body []byte, at int) int {
	for at++; body[at] != '"'; at++ {
		if body[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// skipSpace returns the position of the first byte from at on that is not white space.
func skipSpace(body []byte, at int) int {
	for body[at] == ' ' || body[at] == '\t' || body[at] == '\r' || body[at] == '\n' {
		at++
	}
	return at
}
