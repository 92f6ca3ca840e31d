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

// maxHeader limits the header of a response. MoneyKit's headers have less than 4 KiB.
const maxHeader = 256 << 10

// newBase returns the transport with the settings for all platforms.
func newBase() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          200,
		MaxIdleConnsPerHost:   100,
		IdleConnTimeout:       90 * time.Second,
		// This is larger than the limit of Wire: if an HTTP/2 header exceeds this limit, net/http
		// closes the connection, and all other calls on it fail.
		MaxResponseHeaderBytes: 4 * maxHeader,
		// Pings detect a dead connection within 8 seconds, earlier than the kernel does.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 4 * time.Second, PingTimeout: 4 * time.Second},
		// net/http would put the proxy's text into an error.
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &ProxyError{Status: resp.StatusCode}
			}
			return nil
		},
	}
}

// Wire sends one attempt and reads the whole response. An incomplete body is therefore a failure of
// the attempt and can be retried. Wire deliberately has no method CloseIdleConnections:
// go-retryablehttp would call it after a failed call and empty the pool of other calls.
type Wire struct {
	Base     http.RoundTripper
	MaxBytes int64         // maximum size of a body after decompression
	Timeout  time.Duration // maximum duration of one attempt
	Yields   bool          // whether a deadline of the context replaces Timeout

	buffers sync.Pool // of *[]byte that a Body was released from
}

// RoundTrip sends req. The Body of the response is a [*Body]. RoundTrip returns a [*TooLargeError]
// for a body larger than MaxBytes.
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
	// net/http never returns a nil body or header, but other transports may.
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

// headerTooLarge reports whether err means that the header of a response is larger than
// [http.Transport].MaxResponseHeaderBytes. net/http has no type for this error.
func headerTooLarge(err error) bool {
	text := err.Error()
	return strings.Contains(text, "server response headers exceeded") ||
		strings.Contains(text, "response header list larger than advertised limit")
}

// size returns the approximate size of a header on the wire.
func size(h http.Header) int {
	n := 0
	for key, values := range h {
		for _, value := range values {
			n += len(key) + len(value) + len(": \r\n")
		}
	}
	return n
}

// trusted limits the memory that is allocated because of a Content-Length header.
const trusted = 1 << 20

func (w *Wire) limit(ctx context.Context) int64 {
	if i := infoFrom(ctx); i != nil && i.limit > 0 {
		return min(i.limit, w.MaxBytes)
	}
	return w.MaxBytes
}

// read returns the body of a response without its content encodings. If decoded is true, the
// transport has removed the encodings without changing the header.
func read(resp *http.Response, method string, most int64, decoded bool, buffer func(int64) []byte) ([]byte, error) {
	if bodyless(method, resp.StatusCode) {
		return nil, nil
	}
	if decoded { // Content-Length is the length of the encoded body.
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

// timeoutCause returns the TimeoutError of Wire's own timeout in place of context.DeadlineExceeded.
func timeoutCause(ctx context.Context, err error) error {
	var timeout *TimeoutError
	if errors.As(context.Cause(ctx), &timeout) {
		return timeout
	}
	return err
}

// Body is a response body that was read completely.
type Body struct {
	bytes.Reader

	data []byte
	wire *Wire
}

// Close does nothing, because Wire has already closed the body of the network.
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

// noResponseError is the error for a transport that violates the contract of http.RoundTripper.
type noResponseError struct{}

func (noResponseError) Error() string {
	return "the transport returned neither a response nor an error"
}

func (noResponseError) own() {}

// ProxyError is the error for a proxy that refused the connection to the server.
type ProxyError struct{ Status int }

func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy refused the connection with status %d", e.Status)
}

func (e *ProxyError) own() {}

// final reports whether the proxy would refuse a retry as well.
func (e *ProxyError) final() bool { return e.Status < 500 && e.Status != http.StatusTooManyRequests }

// TimeoutError is the error for an attempt that took longer than the client allows.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("no complete response within %v", e.After) }

func (e *TimeoutError) own() {}

// Timeout returns true, so that a TimeoutError is recognized like a net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Unwrap returns [context.DeadlineExceeded], so that errors.Is matches it.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }
