package transport_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/transport"
)

func TestSameOrigin(t *testing.T) {
	tests := []struct {
		from, to string
		follow   bool
	}{
		{"https://api.example.com/a", "https://api.example.com/b", true},
		{"https://api.example.com/a", "https://API.example.com:443/b", true},
		{"http://localhost:80/a", "http://localhost/b", true},
		{"https://api.example.com/a", "http://api.example.com/b", false},
		{"https://api.example.com/a", "https://evil.example/b", false},
		{"https://api.example.com/a", "https://api.example.com.evil.example/b", false},
		{"https://api.example.com/a", "https://api.example.com:8443/b", false},
		{"https://api.example.com/a", "https://sub.api.example.com/b", false},
	}
	for _, tt := range tests {
		t.Run(tt.to, func(t *testing.T) {
			to, err := url.Parse(tt.to)
			require.NoError(t, err)
			from, err := url.Parse(tt.from)
			require.NoError(t, err)
			err = transport.SameOrigin(nil)(&http.Request{URL: to}, []*http.Request{{URL: from}})
			if tt.follow {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, http.ErrUseLastResponse)
			}
		})
	}
}

func TestSameOriginCallsNext(t *testing.T) {
	no := errors.New("no")
	u := &url.URL{Scheme: "https", Host: "api.example.com"}
	check := transport.SameOrigin(func(*http.Request, []*http.Request) error { return no })
	require.ErrorIs(t, check(&http.Request{URL: u}, []*http.Request{{URL: u}}), no)
}

// TestRefusedRedirectIsFinal checks that a redirect that CheckRedirect refuses is not retried, and
// that the text of its error is not shown.
func TestRefusedRedirectIsFinal(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	defer server.Close()
	no := errors.New("canary")
	client := server.Client()
	client.CheckRedirect = transport.SameOrigin(func(*http.Request, []*http.Request) error { return no })
	call := transport.Call{When: transport.Always, Policy: transport.Policy{MaxRetries: 3}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	require.NoError(t, err)
	_, err = call.Do(client, req, nil)
	err = transport.Cause(err)
	require.ErrorIs(t, err, no)
	require.EqualError(t, err, "CheckRedirect of the HTTP client refused a redirect with an error of type *errors.errorString")
	assert.Equal(t, int32(1), requests.Load())
}

func TestSameOriginLimitsRedirects(t *testing.T) {
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	defer loop.Close()
	client := loop.Client()
	client.CheckRedirect = transport.SameOrigin(nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, loop.URL, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusFound, resp.StatusCode, "the last redirect is handed back")
}

// TestRedirectsOfACall counts the requests of one call if each attempt is redirected many times and
// then fails.
func TestRedirectsOfACall(t *testing.T) {
	var sent atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := sent.Add(1); n%8 != 0 {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	client := server.Client()
	client.CheckRedirect = transport.SameOrigin(nil)
	client.Transport = &transport.Wire{Base: client.Transport, MaxBytes: 1024}
	ctx := transport.WithCall(t.Context(), "GET /", 0)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	call := &transport.Call{Policy: transport.Policy{MaxRetries: 3}, When: transport.Always}
	resp, err := call.Do(client, req, nil)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusTemporaryRedirect, resp.StatusCode)
	assert.LessOrEqual(t, sent.Load(), int32(4+10), "attempts, and ten redirects over all of them")
}
