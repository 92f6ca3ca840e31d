// Package bodydiff explains why a body is not the one that was signed.
package bodydiff

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/moneykit/moneykit-go/internal/strictjson"
)

// maxExplain bounds the bodies that are looked into: whoever saw a signature can send it with any.
const maxExplain = 64 << 10

// Explain says how a body probably came to differ from the signed one, whose hash is signed. It undoes
// what servers, frameworks and gateways do to bodies, until the hash is the signed one. encoding is
// the content encoding that the request names, if any.
func Explain(encoding string, body []byte, signed [sha256.Size]byte) string {
	switch {
	case len(body) == 0:
		return "it is empty: something has read it before"
	case len(body) > maxExplain:
		return "it is too large to find out why"
	}
	for _, m := range mendings() {
		before := m.mend(body)
		if before != nil && sha256.Sum256(before) == signed {
			return m.says
		}
	}
	switch {
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return "it is compressed"
	case !json.Valid(body):
		return "it was cut off or altered: it is not JSON"
	case isSorted(body):
		return "it may have been decoded and encoded again: its members are in alphabetical order, as maps have them"
	}
	return "it was altered, or decoded and encoded again with its members in another order, or the signature is another delivery's"
}

// mending undoes one thing that may have happened to a body.
type mending struct {
	says string
	mend func([]byte) []byte // nil for a body that it cannot have happened to
}

func mendings() []mending {
	const encodedAgain = "it was decoded and encoded again: its white space or the escapes in its texts differ"
	list := []mending{
		{"a byte order mark was put before it", func(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }},
		{"the byte order mark before it was lost", func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }},
		{"its line ends were changed to CRLF", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }},
		{"its line ends were changed from CRLF", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }},
		{"white space was put around it", bytes.TrimSpace},
		{"the line end after it was lost", func(b []byte) []byte { return append(bytes.Clone(b), '\n') }},
		{"it was encoded twice: it is a JSON text that holds the body", fromText},
		{"it was decoded twice: it is what the signed JSON text held", toText},
		{"it is the body in base64, as gateways hand it to functions", fromBase64},
		{"it is compressed, and the signature is for what it was before", decompressed},
		{"it was decoded as a form: plus signs became spaces", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(" "), []byte("+")) }},
		{"it was escaped as in a URL", fromURL},
	}
	for _, style := range []jsonStyle{{}, {spaced: true}, {ascii: true}, {ascii: true, spaced: true}, {html: true}} {
		list = append(list, mending{encodedAgain, style.apply})
	}
	for _, indent := range []string{"  ", "    ", "\t"} {
		list = append(list, mending{encodedAgain, func(b []byte) []byte {
			var out bytes.Buffer
			// What is nested deeper than that would grow a thousandfold.
			if strictjson.Unique(b) != nil {
				return nil
			}
			if json.Indent(&out, bytes.TrimSpace(b), "", indent) != nil {
				return nil
			}
			return out.Bytes()
		}})
	}
	return list
}

func fromText(b []byte) []byte {
	var s string
	if json.Unmarshal(b, &s) != nil {
		return nil
	}
	return []byte(s)
}

func toText(b []byte) []byte {
	return jsonStyle{}.text(nil, string(b))
}

func fromBase64(b []byte) []byte {
	out, err := base64.StdEncoding.DecodeString(string(b))
	if err != nil {
		return nil
	}
	return out
}

func fromURL(b []byte) []byte {
	s, err := url.QueryUnescape(string(b))
	if err != nil {
		return nil
	}
	return []byte(s)
}

func decompressed(b []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(r, maxExplain))
	if err != nil {
		return nil
	}
	return out
}

// isSorted reports whether the members of an object are in alphabetical order.
func isSorted(body []byte) bool {
	var names []string
	err := strictjson.Object(body, nil, func(name string, _ []byte) error {
		names = append(names, name)
		return nil
	})
	return err == nil && len(names) > 1 && slices.IsSorted(names)
}

// jsonStyle is how an encoder writes what JSON leaves it free to write in several ways.
type jsonStyle struct {
	spaced bool // a space after colons and commas, as Python has
	ascii  bool // everything beyond ASCII is escaped, as in Python
	html   bool // <, > and & are escaped, as in Go
}

// apply writes a JSON value in that style.
func (style jsonStyle) apply(data []byte) []byte {
	var out []byte
	for dec := data; len(dec) > 0; {
		switch c := dec[0]; c {
		case ' ', '\t', '\r', '\n':
			dec = dec[1:]
		case '"':
			end, err := endOfText(dec)
			if err != nil {
				return nil
			}
			s, ok := strictjson.String(dec[:end])
			if !ok {
				return nil
			}
			out, dec = style.text(out, s), dec[end:]
		default:
			out, dec = append(out, c), dec[1:]
			if style.spaced && (c == ':' || c == ',') {
				out = append(out, ' ')
			}
		}
	}
	return out
}

func endOfText(data []byte) (int, error) {
	for i := 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1, nil
		}
	}
	return 0, errors.New("a text does not end")
}

// text appends a JSON text in that style.
func (style jsonStyle) text(out []byte, s string) []byte {
	const digits = "0123456789abcdef"
	escape := func(unit uint16) {
		out = append(out, '\\', 'u', digits[unit>>12], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
	}
	out = append(out, '"')
	for _, r := range s {
		short := strings.IndexRune("\"\\\b\f\n\r\t", r)
		switch {
		case short >= 0:
			out = append(out, '\\', `"\bfnrt`[short])
		case r < ' ', style.html && (r == '<' || r == '>' || r == '&'), style.ascii && r > '~' && r <= 0xffff:
			escape(uint16(r)) //nolint:gosec // it fits
		case style.ascii && r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escape(uint16(high)) //nolint:gosec // it fits
			escape(uint16(low))  //nolint:gosec // it fits
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}
