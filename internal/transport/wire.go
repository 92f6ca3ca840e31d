package transport

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxHeader bounds the header of a response. MoneyKit's have less than 4 KiB.
const maxHeader = 256 << 10

// newBase returns what all platforms have in common.
func newBase() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           200,
		MaxIdleConnsPerHost:    100,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
		// A connection that is dead is noticed within 9 seconds, rather than when the kernel gives
		// up.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 4 * time.Second},
	}
}

// Wire sends one attempt and reads its response whole, so that a body that breaks off is a failure
// of the attempt and can be retried like one. It deliberately has no CloseIdleConnections:
// go-retryablehttp calls that after a failed call and would empty a pool that others use.
type Wire struct {
	Base     http.RoundTripper
	MaxBytes int64         // the largest body that is accepted, after decompression
	Timeout  time.Duration // for one attempt
	Yields   bool          // Timeout counts only where the context has no deadline of its own
}

// RoundTrip sends req. The response's Body is a [*Body]; a body larger than MaxBytes is a
// [*TooLargeError].
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, ok := req.Context().Deadline(); w.Timeout > 0 && (!ok || !w.Yields) {
		ctx, cancel := context.WithTimeoutCause(req.Context(), w.Timeout, &TimeoutError{After: w.Timeout})
		defer cancel()
		req = req.WithContext(ctx)
	}
	resp, err := w.Base.RoundTrip(req)
	switch {
	case err != nil:
		return nil, timeoutCause(req.Context(), err)
	case resp == nil:
		return nil, noResponseError{}
	}
	if resp.Body == nil { // net/http's own never is; others' may be.
		resp.Body = http.NoBody
	}
	defer resp.Body.Close()
	if size(resp.Header) > maxHeader {
		return nil, &TooLargeError{Limit: maxHeader, header: true}
	}
	data, err := read(resp, req.Method, w.limit(req.Context()))
	if err != nil {
		return nil, timeoutCause(req.Context(), err)
	}
	resp.Body = &Body{Reader: *bytes.NewReader(data), data: data}
	return resp, nil
}

// size returns the size of a header as it is sent, roughly.
func size(h http.Header) int {
	n := 0
	for key, values := range h {
		for _, value := range values {
			n += len(key) + len(value) + len(": \r\n")
		}
	}
	return n
}

// trusted bounds what is allocated on the word of a Content-Length header alone.
const trusted = 1 << 20

func (w *Wire) limit(ctx context.Context) int64 {
	if i := infoFrom(ctx); i != nil && i.limit > 0 {
		return min(i.limit, w.MaxBytes)
	}
	return w.MaxBytes
}

func read(resp *http.Response, method string, most int64) ([]byte, error) {
	if method == http.MethodHead || resp.StatusCode == http.StatusNoContent { // No body follows.
		return nil, nil
	}
	body, err := decompressed(resp)
	if err != nil {
		return nil, err
	}
	var data []byte
	if length := resp.ContentLength; 0 < length && length <= min(trusted, most) {
		data = make([]byte, length)
		_, err = io.ReadFull(body, data)
	} else if length <= most {
		data, err = io.ReadAll(io.LimitReader(body, most+1))
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the response body: %w", err)
	case resp.ContentLength > most || int64(len(data)) > most:
		return nil, &TooLargeError{Limit: most}
	}
	return data, nil
}

// decompressed returns a reader of the body without its content encoding. net/http removes gzip
// only where it has asked for it itself; proxies, and transports that are not net/http's, leave it.
func decompressed(resp *http.Response) (io.Reader, error) {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(resp.Header.Values("Content-Encoding"), ",")))
	var body io.Reader
	var err error
	switch encoding {
	case "", "identity":
		return resp.Body, nil
	case "gzip", "x-gzip":
		body, err = gzip.NewReader(resp.Body)
	case "deflate":
		body, err = zlib.NewReader(resp.Body)
	default:
		return nil, &EncodingError{}
	}
	if errors.Is(err, io.EOF) { // There is no body to compress.
		resp.Header.Del("Content-Encoding")
		return http.NoBody, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the response body: %w", err)
	}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength, resp.Uncompressed = -1, true
	return body, nil
}

// timeoutCause names this package's own timeout in place of a bare "context deadline exceeded".
func timeoutCause(ctx context.Context, err error) error {
	var timeout *TimeoutError
	if errors.As(context.Cause(ctx), &timeout) {
		return timeout
	}
	return err
}

// Body is a response body that was read whole.
type Body struct {
	bytes.Reader

	data []byte
}

// Close does nothing: the network side was closed when the body had been read.
func (*Body) Close() error { return nil }

// Bytes returns the whole body.
func (b *Body) Bytes() []byte { return b.data }

// TooLargeError says that a response was larger than the client accepts.
type TooLargeError struct {
	Limit  int64
	header bool
}

func (e *TooLargeError) Error() string {
	part := "body"
	if e.header {
		part = "header"
	}
	return fmt.Sprintf("the response %s is larger than %d bytes", part, e.Limit)
}

func (e *TooLargeError) own() {}

// EncodingError says that a response has a content encoding that was not asked for and that the
// client does not know.
type EncodingError struct{}

func (e *EncodingError) Error() string {
	return "the response has a content encoding other than gzip, deflate and identity"
}

func (e *EncodingError) own() {}

// noResponseError says that a transport broke its contract.
type noResponseError struct{}

func (noResponseError) Error() string {
	return "the transport returned neither a response nor an error"
}

func (noResponseError) own() {}

// TimeoutError says that one attempt took longer than the client allows.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("no complete response within %v", e.After) }

func (e *TimeoutError) own() {}

// Timeout makes TimeoutError a net.Error's equal for those who ask.
func (e *TimeoutError) Timeout() bool { return true }

// Unwrap lets errors.Is find context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }
