package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// closing records that it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func answer(body io.Reader, length int64) (roundTrip, *closing) {
	c := &closing{Reader: body}
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: c, ContentLength: length}, nil
	}, c
}

func get(t *testing.T, ctx context.Context) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
	require.NoError(t, err)
	return req
}

func TestWireReadsTheBody(t *testing.T) {
	const limit = 1 << 10
	tests := []struct {
		name   string
		body   io.Reader
		length int64
		want   int
		tooBig bool
	}{
		{name: "of known length", body: strings.NewReader("hello"), length: 5, want: 5},
		{name: "of unknown length", body: strings.NewReader("hello"), length: -1, want: 5},
		{name: "empty", body: strings.NewReader(""), length: 0, want: 0},
		{name: "of a missing length", body: strings.NewReader("hello"), length: 0, want: 5},
		{name: "longer than its length", body: strings.NewReader("hello"), length: 3, want: 5},
		{name: "byte by byte", body: iotest.OneByteReader(strings.NewReader("hello")), length: 5, want: 5},
		{name: "that ends with its last bytes", body: iotest.DataErrReader(strings.NewReader("hello")), length: 5, want: 5},
		{name: "longer than one allocation", body: bytes.NewReader(make([]byte, limit)), length: 1, want: limit},
		{name: "just small enough", body: bytes.NewReader(make([]byte, limit)), length: -1, want: limit},
		{name: "announced too large", body: strings.NewReader("x"), length: limit + 1, tooBig: true},
		{name: "one byte too large", body: bytes.NewReader(make([]byte, limit+1)), length: -1, tooBig: true},
		{name: "endless", body: endless{}, length: -1, tooBig: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, body := answer(tt.body, tt.length)
			wire := &transport.Wire{Base: base, MaxBytes: limit}
			resp, err := wire.RoundTrip(get(t, t.Context()))
			assert.True(t, body.closed, "the network side is closed")
			if tt.tooBig {
				var tooLarge *transport.TooLargeError
				require.ErrorAs(t, err, &tooLarge)
				assert.Equal(t, "the response body is larger than 1024 bytes", err.Error())
				return
			}
			require.NoError(t, err)
			defer resp.Body.Close()
			read, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Len(t, read, tt.want)
			assert.Len(t, resp.Body.(*transport.Body).Bytes(), tt.want)
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestWireWithoutABody uses responses without a body and a header, which transports for tests may
// return.
func TestWireWithoutABody(t *testing.T) {
	for _, status := range []int{0, 101, 200, 204, 304, 404, 503, 999} {
		base := roundTrip(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: status}, nil })
		resp, err := (&transport.Wire{Base: base, MaxBytes: 1}).RoundTrip(get(t, t.Context()))
		require.NoError(t, err)
		assert.Empty(t, resp.Body.(*transport.Body).Bytes())
		resp.Header.Set("X", "a header can be written")
		resp.Body.Close()
	}
}

func TestWireIgnoresForbiddenBodies(t *testing.T) {
	for _, tt := range []struct {
		method string
		status int
	}{
		{http.MethodHead, 200}, {http.MethodGet, 101}, {http.MethodGet, 204}, {http.MethodGet, 304},
	} {
		base := roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: tt.status, ContentLength: 2, Body: io.NopCloser(failing{errors.New("was read")})}, nil
		})
		req := get(t, t.Context())
		req.Method = tt.method
		resp, err := (&transport.Wire{Base: base, MaxBytes: 1}).RoundTrip(req)
		require.NoError(t, err)
		resp.Body.Close()
	}
}

func TestWireReportsAShortBody(t *testing.T) {
	base, _ := answer(strings.NewReader("hell"), 5)
	_, err := (&transport.Wire{Base: base, MaxBytes: 1 << 10}).RoundTrip(get(t, t.Context()))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestWireWithResponseAndError(t *testing.T) {
	broken := errors.New("both")
	body := &closing{Reader: strings.NewReader("{}")}
	base := roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: body}, broken
	})
	resp, err := (&transport.Wire{Base: base, MaxBytes: 1 << 10}).RoundTrip(get(t, t.Context()))
	require.ErrorIs(t, err, broken)
	assert.Nil(t, resp)
	assert.True(t, body.closed)
}

func TestWireReportsABrokenBody(t *testing.T) {
	broken := errors.New("connection reset")
	base, _ := answer(io.MultiReader(strings.NewReader("{"), failing{broken}), -1)
	wire := &transport.Wire{Base: base, MaxBytes: 1 << 10}
	_, err := wire.RoundTrip(get(t, t.Context()))
	require.ErrorIs(t, err, broken)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestWireTimeout(t *testing.T) {
	hang := roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	tests := []struct {
		name     string
		deadline time.Duration // of the caller, 0 for none
		cancel   time.Duration // by the caller, 0 for never
		yields   bool
		want     time.Duration
		ours     bool
	}{
		{name: "without a deadline", want: time.Minute, ours: true},
		{name: "without a deadline, yielding", yields: true, want: time.Minute, ours: true},
		{name: "the caller's shorter deadline", deadline: time.Second, want: time.Second},
		{name: "the caller's shorter deadline, yielding", deadline: time.Second, yields: true, want: time.Second},
		{name: "the caller's longer deadline", deadline: time.Hour, want: time.Minute, ours: true},
		{name: "the caller's longer deadline, yielding", deadline: time.Hour, yields: true, want: time.Hour},
		{name: "the caller cancels", cancel: time.Second, want: time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				wire := &transport.Wire{Base: hang, MaxBytes: 1, Timeout: time.Minute, Yields: tt.yields}
				start := time.Now()
				_, err := wire.RoundTrip(get(t, ctx))
				assert.Equal(t, tt.want, time.Since(start))
				var timeout *transport.TimeoutError
				assert.Equal(t, tt.ours, errors.As(err, &timeout))
				if tt.cancel > 0 {
					require.ErrorIs(t, err, context.Canceled)
				} else {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
			})
		})
	}
}

func TestWireKeepsThePool(t *testing.T) {
	var rt http.RoundTripper = &transport.Wire{}
	_, closes := rt.(interface{ CloseIdleConnections() })
	assert.False(t, closes, "go-retryablehttp would close everybody's idle connections after one failure")
}

func TestWireBoundsTheHeader(t *testing.T) {
	for size, fits := range map[int]bool{250 << 10: true, 300 << 10: false, 9 << 20: false} {
		base := roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{"X-Large": {strings.Repeat("a", size)}}}, nil
		})
		_, err := (&transport.Wire{Base: base, MaxBytes: 1024}).RoundTrip(get(t, t.Context()))
		if fits {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, "the response header is larger than 262144 bytes")
		}
	}
}

func TestWireWithoutAResponse(t *testing.T) {
	base := roundTrip(func(*http.Request) (*http.Response, error) { return nil, nil }) //nolint:nilnil // The contract is broken.
	_, err := (&transport.Wire{Base: base, MaxBytes: 1024}).RoundTrip(get(t, t.Context()))
	require.ErrorContains(t, err, "neither a response nor an error")
}

// TestReleasedBodies reads bodies into memory that others have left, and leaves alone what was not
// released.
func TestReleasedBodies(t *testing.T) {
	const most = 4 << 20
	var kept []string
	var want []byte
	wire := &transport.Wire{MaxBytes: most}
	get := get(t, t.Context())
	receive := func(fill byte, n int, length int64) *transport.Body {
		want = bytes.Repeat([]byte{fill}, n)
		wire.Base, _ = answer(bytes.NewReader(want), length)
		resp, err := wire.RoundTrip(get)
		require.NoError(t, err)
		body := resp.Body.(*transport.Body)
		require.Equal(t, want, body.Bytes())
		return body
	}
	for i, n := range []int{100_000, 50_000, 200_000, 10, 0, 3 << 20, 100_001} {
		for _, length := range []int64{int64(n), -1} {
			held := receive('h', n, length)
			receive('r', n, length).Release()
			receive('r', n+i, -1).Release()
			require.Equal(t, bytes.Repeat([]byte{'h'}, n), held.Bytes())
			kept = append(kept, string(held.Bytes()))
			held.Release()
			assert.Empty(t, held.Bytes())
			held.Release() // There is nothing left of it to be given away twice.
			rest, err := io.ReadAll(held)
			require.NoError(t, err)
			assert.Empty(t, rest)
		}
	}
	for _, text := range kept {
		assert.Empty(t, strings.Trim(text, "h"))
	}
}
