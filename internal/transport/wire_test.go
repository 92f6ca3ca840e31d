package transport_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// roundTrip is a RoundTripper made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// closing notes that it was closed.
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
		{name: "of a length that is not said", body: strings.NewReader("hello"), length: 0, want: 5},
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

func TestWireWithoutABody(t *testing.T) {
	base := roundTrip(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 204}, nil })
	resp, err := (&transport.Wire{Base: base, MaxBytes: 1}).RoundTrip(get(t, t.Context()))
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Empty(t, resp.Body.(*transport.Body).Bytes())
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

func TestWireDecompresses(t *testing.T) {
	zip := func(w io.WriteCloser, buf *bytes.Buffer) string {
		_, err := w.Write([]byte(`{"a":1}`))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return buf.String()
	}
	var gz, zl, bomb bytes.Buffer
	gzipped, deflated := zip(gzip.NewWriter(&gz), &gz), zip(zlib.NewWriter(&zl), &zl)
	w := gzip.NewWriter(&bomb)
	_, err := w.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for _, tt := range []struct {
		name, encoding, body, want, wrong string
	}{
		{"gzip", "gzip", gzipped, `{"a":1}`, ""},
		{"gzip by its old name", " X-GZIP ", gzipped, `{"a":1}`, ""},
		{"deflate", "deflate", deflated, `{"a":1}`, ""},
		{"identity", "identity", `{"a":1}`, `{"a":1}`, ""},
		{"nothing", "gzip", "", "", ""},
		{"a bomb", "gzip", bomb.String(), "", "the response body is larger than 1024 bytes"},
		{"broken", "gzip", "{}", "", "reading the response body"},
		{"cut off", "gzip", gzipped[:len(gzipped)-9], "", "reading the response body"},
		{"an unknown one", "br", "x", "", "content encoding"},
		{"two", "gzip, gzip", gzipped, "", "content encoding"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: 200, ContentLength: int64(len(tt.body)), Body: io.NopCloser(strings.NewReader(tt.body)),
					Header: http.Header{"Content-Encoding": {tt.encoding}},
				}, nil
			})
			resp, err := (&transport.Wire{Base: base, MaxBytes: 1024}).RoundTrip(get(t, t.Context()))
			if tt.wrong != "" {
				require.ErrorContains(t, err, tt.wrong)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(resp.Body.(*transport.Body).Bytes()))
		})
	}
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
			require.ErrorContains(t, err, "the response header is larger than 262144 bytes")
		}
	}
}

func TestWireWithoutAResponse(t *testing.T) {
	base := roundTrip(func(*http.Request) (*http.Response, error) { return nil, nil }) //nolint:nilnil // The contract is broken.
	_, err := (&transport.Wire{Base: base, MaxBytes: 1024}).RoundTrip(get(t, t.Context()))
	require.ErrorContains(t, err, "neither a response nor an error")
}
