package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestRequestsAreCopies(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	ask(t, mk, http.MethodPost, "/link-session?a=b", `{"n":1.50,"h":"<&>"}`, "X-Custom: c")
	first := mk.Requests()
	body := []byte(`{"h":"<&>","n":1.50}`)
	assert.Equal(t, body, first[0].Body)
	assert.Equal(t, 422, first[0].Status)
	first[0].Body[0] = 'x'
	first[0].Query["a"][0] = "x"
	first[0].Header["X-Custom"][0] = "x"
	second := mk.Requests()
	assert.Equal(t, body, second[0].Body)
	assert.Equal(t, "b", second[0].Query.Get("a"))
	assert.Equal(t, "c", second[0].Header.Get("X-Custom"))
}

func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	client := mk.Client(moneykit.WithHeaderAuth())
	handler := mk.handler
	const most = 10_000
	for i := range most + 5 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("/links/mk_%d", i), nil)
		require.NoError(t, err)
		handler.ServeHTTP(discard{}, req)
	}
	requests := mk.Requests()
	require.Len(t, requests, most)
	assert.Equal(t, "/links/mk_5", requests[0].Path)
	_, err := client.Auth.Introspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "instrospect_client", mk.Requests()[most-1].Operation)
}

func TestRequestBytesAreBounded(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	for i := range 40 {
		ask(t, mk, http.MethodPost, "/link-session", fmt.Sprintf(`{"n":%d,"x":%q}`, i, strings.Repeat("x", 1_000_000)))
	}
	for i := range 40 {
		ask(t, mk, http.MethodGet, fmt.Sprintf("/links?cursor=%d%s", i, strings.Repeat("y", 10_000)), "", "X-Long: "+strings.Repeat("z", 1_000_000))
	}
	requests := mk.Requests()
	assert.InDelta(t, 32, len(requests), 2)
	assert.Equal(t, "39", requests[len(requests)-1].Query.Get("cursor")[:2])
}

// discard is a ResponseWriter that discards the response.
type discard struct{}

func (discard) Header() http.Header { return http.Header{} }

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (discard) WriteHeader(int) {}
