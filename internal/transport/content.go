package transport

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxEncodings bounds how many content encodings a body has, one over the other.
const maxEncodings = 4

// decode returns a body without its content encodings. net/http removes gzip only where it has
// asked for it itself; proxies, and transports that are not net/http's, leave it. Some of them
// remove it and leave the header, and some servers send it without a header, so gzip is known by
// its first bytes.
func decode(resp *http.Response, data []byte, most int64) ([]byte, error) {
	if len(data) == 0 {
		return data, nil
	}
	var names []string
	if !resp.Uncompressed {
		names = encodings(resp.Header)
	}
	if len(names) > maxEncodings {
		return nil, &EncodingError{}
	}
	raw := data
	for i := len(names) - 1; i >= -1; i-- {
		var r io.Reader
		var err error
		switch {
		case i < 0 || names[i] == "gzip" || names[i] == "x-gzip":
			if !isGzip(data) {
				continue
			}
			r, err = gzip.NewReader(bytes.NewReader(data))
		case names[i] == "deflate":
			r, err = inflate(data)
		default:
			return nil, &EncodingError{}
		}
		if err == nil {
			data, err = readAll(r, make([]byte, 0, min(len(data), trusted)+bytes.MinRead), most)
		}
		if err != nil {
			return nil, damaged(err)
		}
	}
	if len(names) > 0 || len(raw) != len(data) {
		resp.Header = resp.Header.Clone() // The map of a transport for tests may be shared.
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
	}
	return data, nil
}

// encodings returns the content encodings of a response in the order in which they were applied.
func encodings(h http.Header) []string {
	var names []string
	for _, value := range h.Values("Content-Encoding") {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" && name != "identity" {
				names = append(names, name)
			}
		}
	}
	return names
}

// isGzip reports whether data is in gzip's format. No JSON begins like it.
func isGzip(data []byte) bool {
	return len(data) > 2 && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8
}

// inflate reads "deflate", which is zlib's format. Some servers send it without zlib's header.
func inflate(data []byte) (io.Reader, error) {
	if len(data) > 1 && data[0]&0x0f == 8 && (int(data[0])<<8|int(data[1]))%31 == 0 {
		return zlib.NewReader(bytes.NewReader(data))
	}
	return flate.NewReader(bytes.NewReader(data)), nil
}

// damaged returns a [*DamagedError] for an error of a decompressor. A body that ends too early is
// left what it is.
func damaged(err error) error {
	var tooLarge *TooLargeError
	if errors.As(err, &tooLarge) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return &DamagedError{err}
}

// DamagedError says that the body of a response cannot be decompressed.
type DamagedError struct{ err error }

func (e *DamagedError) Error() string { return "the compressed response body is damaged" }

// Unwrap returns the decompressor's error.
func (e *DamagedError) Unwrap() error { return e.err }

func (e *DamagedError) own() {}

// EncodingError says that a response has a content encoding that was not asked for and that the
// client does not know.
type EncodingError struct{}

func (e *EncodingError) Error() string {
	return "the response has a content encoding other than gzip, deflate and identity"
}

func (e *EncodingError) own() {}
