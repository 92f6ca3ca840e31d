package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxHeader bounds the header of a response. MoneyKit's have less than 4 KiB.
const maxHeader = 256 << 10

// newBase returns what all platforms have in common.
func newBase() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          200,
		MaxIdleConnsPerHost:   100,
		IdleConnTimeout:       90 * time.Second,
		// Larger than what Wire accepts: over HTTP/2, net/http ends the connection, and with it all
		// other calls, for a header that is larger than this.
		MaxResponseHeaderBytes: 4 * maxHeader,
		// A connection that is dead is noticed within 8 seconds, rather than when the kernel gives
		// up.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 4 * time.Second, PingTimeout: 4 * time.Second},
		// net/http would make an error of what the proxy says.
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &ProxyError{Status: resp.StatusCode}
			}
			return nil
		},
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

	buffers sync.Pool // of *[]byte that a Body was released from
}

// RoundTrip sends req. The response's Body is a [*Body]; a body larger than MaxBytes is a
// [*TooLargeError].
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, ok := req.Context().Deadline(); w.Timeout > 0 && (!ok || !w.Yields) {
		ctx, cancel := context.WithTimeoutCause(req.Context(), w.Timeout, &TimeoutError{After: w.Timeout})
		defer cancel()
		req = req.WithContext(ctx)
	}
	resp, err := w.Base.RoundTrip(prepare(w.Base, req))
	if resp != nil && resp.Body != nil {
		defer resp.Body.Close()
	}
	switch {
	case err != nil && headerTooLarge(err):
		return nil, &TooLargeError{Limit: maxHeader, header: true}
	case err != nil:
		return nil, timeoutCause(req.Context(), err)
	case resp == nil:
		return nil, noResponseError{}
	case size(resp.Header) > maxHeader:
		return nil, &TooLargeError{Limit: maxHeader, header: true}
	}
	// The body and the header of a response of net/http's are never nil; those of others may be.
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	data, err := read(resp, req.Method, w.limit(req.Context()), decodes(w.Base), w.buffer)
	if err != nil {
		return nil, timeoutCause(req.Context(), err)
	}
	resp.Body = &Body{Reader: *bytes.NewReader(data), data: data, wire: w}
	return resp, nil
}

// leastReused is the size from which on the memory of a body is worth keeping for another one.
const leastReused = 32 << 10

// buffer returns memory for a body of that length, negative if it is not known.
func (w *Wire) buffer(length int64) []byte {
	if length < 0 || length >= leastReused {
		if spare, ok := w.buffers.Get().(*[]byte); ok && length < int64(cap(*spare)) {
			return (*spare)[:0]
		}
	}
	return make([]byte, 0, min(max(length, bytes.MinRead), trusted)+1) // One more, for a read that finds the end.
}

// headerTooLarge reports whether err says that the header of a response is larger than
// [http.Transport].MaxResponseHeaderBytes. net/http has no type for it.
func headerTooLarge(err error) bool {
	text := err.Error()
	return strings.Contains(text, "server response headers exceeded") ||
		strings.Contains(text, "response header list larger than advertised limit")
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

// read returns the body of a response without its content encoding. decoded says that the transport
// removes all encodings, and leaves the header as it came.
func read(resp *http.Response, method string, most int64, decoded bool, buffer func(int64) []byte) ([]byte, error) {
	if bodyless(method, resp.StatusCode) {
		return nil, nil
	}
	if decoded { // The length is that of the encoded body.
		resp.ContentLength, resp.Uncompressed = -1, true
	}
	if resp.ContentLength > most {
		return nil, &TooLargeError{Limit: most}
	}
	data, err := readAll(resp.Body, buffer(resp.ContentLength), most)
	if err == nil && int64(len(data)) < resp.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return decode(resp, data, most)
}

// bodyless reports whether no body follows the header of a response.
func bodyless(method string, status int) bool {
	return method == http.MethodHead || status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
}

// readAll reads r to its end, into data as long as that has room. More than most is a
// [*TooLargeError].
func readAll(r io.Reader, data []byte, most int64) ([]byte, error) {
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > most:
			return nil, &TooLargeError{Limit: most}
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
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
	wire *Wire
}

// Close does nothing: the network side was closed when the body had been read.
func (*Body) Close() error { return nil }

// Bytes returns the whole body.
func (b *Body) Bytes() []byte { return b.data }

// Release gives the memory of the body to another response. The caller must hold no part of
// [Body.Bytes].
func (b *Body) Release() {
	if c := cap(b.data); b.wire != nil && c >= leastReused && c <= 2*trusted {
		spare := b.data
		b.wire.buffers.Put(&spare)
	}
	b.data = nil
	b.Reset(nil)
}

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

// noResponseError says that a transport broke its contract.
type noResponseError struct{}

func (noResponseError) Error() string {
	return "the transport returned neither a response nor an error"
}

func (noResponseError) own() {}

// ProxyError says that a proxy did not let the client through to the server.
type ProxyError struct{ Status int }

func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy refused the connection with status %d", e.Status)
}

func (e *ProxyError) own() {}

// final reports whether the next attempt would be refused as well.
func (e *ProxyError) final() bool { return e.Status < 500 && e.Status != http.StatusTooManyRequests }

// TimeoutError says that one attempt took longer than the client allows.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("no complete response within %v", e.After) }

func (e *TimeoutError) own() {}

// Timeout makes TimeoutError a net.Error's equal for those who ask.
func (e *TimeoutError) Timeout() bool { return true }

// Unwrap lets errors.Is find context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }
