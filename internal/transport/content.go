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

// maxEncodings limits how many content encodings were applied to a body.
const maxEncodings = 4

// decode returns a body without its content encodings. net/http removes gzip only if it has
// requested it itself. Proxies and other transports may remove gzip but keep the header, and some
// servers send gzip without the header. decode therefore recognizes gzip by its first bytes.
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
		resp.Header = resp.Header.Clone() // A test's transport may return the same map again.
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

// isGzip reports whether data begins like gzip. No JSON does.
func isGzip(data []byte) bool {
	return len(data) > 2 && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8
}

// inflate reads the encoding deflate, which is the format of zlib. Some servers omit zlib's header.
func inflate(data []byte) (io.Reader, error) {
	if len(data) > 1 && data[0]&0x0f == 8 && (int(data[0])<<8|int(data[1]))%31 == 0 {
		return zlib.NewReader(bytes.NewReader(data))
	}
	return flate.NewReader(bytes.NewReader(data)), nil
}

// damaged returns a [*DamagedError] for an error of a decompressor. It returns the error for a body
// that ends too early unchanged.
func damaged(err error) error {
	var tooLarge *TooLargeError
	if errors.As(err, &tooLarge) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return &DamagedError{err}
}

// DamagedError is the error for a response body that cannot be decompressed.
type DamagedError struct{ err error }

func (e *DamagedError) Error() string { return "the compressed response body is damaged" }

// Unwrap returns the decompressor's error.
func (e *DamagedError) Unwrap() error { return e.err }

func (e *DamagedError) own() {}

// EncodingError is the error for a response with a content encoding that the client neither
// requested nor knows.
type EncodingError struct{}

func (e *EncodingError) Error() string {
	return "the response has a content encoding other than gzip, deflate and identity"
}

func (e *EncodingError) own() {}
