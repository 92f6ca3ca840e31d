// Package bodydiff explains why the body of a webhook is not the body that was signed.
package bodydiff

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"strings"

	"github.com/moneykit/moneykit-go/internal/strictjson"
)

// Anyone who has seen a signature can send it with any body, so the cost of an explanation is
// limited. The limits leave ample room for an event, which has a few kilobytes.
const (
	maxBody = 64 << 10 // largest explained body in bytes

	// maxCompressed limits the gzip data that is decompressed. A deflate block of 30 bytes makes
	// compress/flate allocate 35 kB, so a limit on the output is not enough.
	maxCompressed = 4 << 10
)

const byteOrderMark = "\xef\xbb\xbf"

// Explain returns the probable reason why body differs from the signed body, whose hash is signed.
// It reverses each change that servers, frameworks and gateways make to bodies, one at a time, and
// compares the hash of the result with signed. encoding is the request's Content-Encoding, or "".
//
// Explain allocates less than 8 MB and hashes at most 2 MiB, whatever the body is.
func Explain(encoding string, body []byte, signed [sha256.Size]byte) string {
	return newMatcher(signed).explain(encoding, body)
}

func (m *matcher) explain(encoding string, body []byte) string {
	switch {
	case len(body) == 0:
		return "it is empty: something has read it before the handler"
	case len(body) > maxBody:
		return "it is too large to be explained"
	}
	for _, r := range repairs() {
		if m.matches(body, r.write) {
			return r.says
		}
	}
	valid := json.Valid(body)
	if valid { // JSON encoders write nothing else.
		if m.matches(body, fromString) {
			return "it was encoded twice: it is a JSON string that contains the signed body"
		}
		for _, style := range styles() {
			if m.matches(body, style.write) {
				return "it was decoded and encoded again: its white space or the escapes in its strings differ"
			}
		}
	}
	switch {
	case isCompressed(encoding, body):
		return "it is compressed"
	case !valid:
		return "it was cut off or altered: it is not JSON"
	case isSorted(body):
		return "it may have been decoded and encoded again: its members are in alphabetical order, as encoders write maps"
	}
	return "it was altered, or it was decoded and encoded again with its members in another order, " +
		"or the signature is another delivery's"
}

// repair reverses one kind of change to a body.
type repair struct {
	says string // the explanation

	// write writes the body without the change. It returns false if the change cannot have been
	// made to the body. It makes a fixed number of passes over the body. Each step writes
	// something or advances in the body, so the limits of the matcher also limit the steps.
	write func(m *matcher, body []byte) bool
}

// repairs returns the repairs for all bodies. The repairs for JSON are fromString and styles.
func repairs() []repair {
	return []repair{
		{"a byte order mark was put before it", func(m *matcher, body []byte) bool {
			rest, found := bytes.CutPrefix(body, []byte(byteOrderMark))
			m.add(rest...)
			return found
		}},
		{"the byte order mark before it was lost", func(m *matcher, body []byte) bool {
			m.addString(byteOrderMark)
			m.add(body...)
			return true
		}},
		{"its line ends were changed to CRLF", replace("\r\n", "\n")},
		{"its line ends were changed from CRLF", replace("\n", "\r\n")},
		{"white space was put around it", func(m *matcher, body []byte) bool {
			trimmed := bytes.TrimSpace(body)
			m.add(trimmed...)
			return len(trimmed) < len(body)
		}},
		{"the line end after it was lost", func(m *matcher, body []byte) bool {
			m.add(body...)
			m.addByte('\n')
			return true
		}},
		{"it was decoded twice: it is the content of the signed JSON string", toString},
		{"it is in base64, which gateways use to pass bodies to functions", fromBase64},
		{"it is compressed, and the signature is for the decompressed body", fromGzip},
		{"it was decoded as a form: plus signs became spaces", replace(" ", "+")},
		{"it was escaped as in a URL", fromURL},
	}
}

// replace returns a function that writes a body with each old replaced by replacement. The function
// returns false if the body does not contain old.
func replace(old, replacement string) func(*matcher, []byte) bool {
	return func(m *matcher, body []byte) bool {
		before, after, found := bytes.Cut(body, []byte(old))
		if !found {
			return false
		}
		for ; found; before, after, found = bytes.Cut(after, []byte(old)) {
			m.add(before...)
			m.addString(replacement)
		}
		m.add(before...)
		return true
	}
}

func fromBase64(m *matcher, body []byte) bool {
	decoded, err := base64.StdEncoding.AppendDecode(nil, body)
	m.add(decoded...)
	return err == nil
}

func fromURL(m *matcher, body []byte) bool {
	decoded, err := url.QueryUnescape(string(body))
	m.addString(decoded)
	return err == nil
}

func fromGzip(m *matcher, body []byte) bool {
	if len(body) > maxCompressed {
		return false
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return false
	}
	_, err = io.Copy(m, r) //nolint:gosec // Write limits the size.
	return err == nil
}

// isCompressed reports whether the Content-Encoding says that body is compressed, or body begins
// like gzip data.
func isCompressed(encoding string, body []byte) bool {
	return encoding != "" && !strings.EqualFold(encoding, "identity") || bytes.HasPrefix(body, []byte("\x1f\x8b"))
}

// isSorted reports whether body is an object with several members in alphabetical order.
func isSorted(body []byte) bool {
	last, members, sorted := "", 0, true
	err := strictjson.Outer(body, nil, func(name string, _ *strictjson.Reader) error {
		sorted = sorted && (members == 0 || last < name)
		last = name
		members++
		return nil
	})
	return err == nil && sorted && members > 1
}
