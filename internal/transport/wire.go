package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// NewBase returns the transport that a client has when it is given none: the standard library's,
// with a pool that is wide enough for one API host and a bound on every wait before the answer.
func NewBase() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          200,
		MaxIdleConnsPerHost:   100,
		IdleConnTimeout:       90 * time.Second,
	}
}

// Wire sends one attempt and reads its answer whole, so that a body that breaks off is a failure
// of the attempt and can be retried like one. It deliberately has no CloseIdleConnections:
// go-retryablehttp calls that after a failed call and would empty a pool that others use.
type Wire struct {
	Base     http.RoundTripper
	MaxBytes int64         // the largest body that is accepted
	Timeout  time.Duration // for one attempt whose context has no deadline of its own
}

// RoundTrip sends req. The answer's Body is a [*Body]; a body larger than MaxBytes is a
// [*TooLargeError].
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, ok := req.Context().Deadline(); !ok && w.Timeout > 0 {
		ctx, cancel := context.WithTimeoutCause(req.Context(), w.Timeout, &TimeoutError{After: w.Timeout})
		defer cancel()
		req = req.WithContext(ctx)
	}
	resp, err := w.Base.RoundTrip(req)
	if err != nil {
		return nil, timeoutCause(req.Context(), err)
	}
	if resp.Body == nil { // net/http's own never is; others' may
		resp.Body = http.NoBody
	}
	defer resp.Body.Close()
	data, err := read(resp, req.Method, w.limit(req.Context()))
	if err != nil {
		return nil, timeoutCause(req.Context(), err)
	}
	resp.Body = &Body{Reader: *bytes.NewReader(data), data: data}
	return resp, nil
}

// trusted bounds what is allocated on the word of a Content-Length header alone.
const trusted = 1 << 20

// limitKey is the context key of WithLimit.
type limitKey struct{}

// WithLimit lets no body be larger than n for requests with the context that it returns.
func WithLimit(ctx context.Context, n int64) context.Context {
	return context.WithValue(ctx, limitKey{}, n)
}

func (w *Wire) limit(ctx context.Context) int64 {
	if n, ok := ctx.Value(limitKey{}).(int64); ok {
		return min(n, w.MaxBytes)
	}
	return w.MaxBytes
}

func read(resp *http.Response, method string, most int64) ([]byte, error) {
	if method == http.MethodHead { // its length is that of a body that does not come
		return nil, nil
	}
	var data []byte
	var err error
	if length := resp.ContentLength; 0 < length && length <= min(trusted, most) {
		data = make([]byte, length)
		_, err = io.ReadFull(resp.Body, data)
	} else if length <= most {
		data, err = io.ReadAll(io.LimitReader(resp.Body, most+1))
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the response body: %w", err)
	case resp.ContentLength > most || int64(len(data)) > most:
		return nil, &TooLargeError{Limit: most}
	}
	return data, nil
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

// TooLargeError says that a response body was larger than the client accepts.
type TooLargeError struct{ Limit int64 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("response body is larger than %d bytes", e.Limit)
}

// TimeoutError says that one attempt took longer than the client allows.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("no complete response within %v", e.After) }

// Timeout makes TimeoutError a net.Error's equal for those who ask.
func (e *TimeoutError) Timeout() bool { return true }

// Unwrap lets errors.Is find context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }
