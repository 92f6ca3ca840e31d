package connect_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestScript(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.TrustedOrigins = []string{"https://app.example"} })
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	get := func(t *testing.T, method, name string, header http.Header) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/connect/"+name, nil)
		require.NoError(t, err)
		r.Header = header
		res, err := server.Client().Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res, string(body)
	}
	for name, kind := range map[string]string{
		"connect.js":   "text/javascript; charset=utf-8",
		"connect.d.ts": "application/typescript; charset=utf-8",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(name)
			require.NoError(t, err)
			res, body := get(t, http.MethodGet, name, nil)
			assert.Equal(t, http.StatusOK, res.StatusCode)
			assert.Equal(t, string(want), body)
			assert.Equal(t, kind, res.Header.Get("Content-Type"))
			assert.Equal(t, "no-cache", res.Header.Get("Cache-Control"))
			assert.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
			assert.Equal(t, "Origin", res.Header.Get("Vary"))
			assert.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))
			tag := res.Header.Get("ETag")
			assert.Regexp(t, `^"[0-9a-f]{64}"$`, tag)

			res, body = get(t, http.MethodHead, name, nil)
			assert.Equal(t, http.StatusOK, res.StatusCode)
			assert.Equal(t, int64(len(want)), res.ContentLength)
			assert.Empty(t, body)

			res, body = get(t, http.MethodGet, name, http.Header{"If-None-Match": {tag}})
			assert.Equal(t, http.StatusNotModified, res.StatusCode)
			assert.Empty(t, body)

			// A module of another origin is loaded with CORS.
			res, _ = get(t, http.MethodGet, name, http.Header{"Origin": {"https://app.example"}})
			assert.Equal(t, "https://app.example", res.Header.Get("Access-Control-Allow-Origin"))
			res, _ = get(t, http.MethodGet, name, http.Header{"Origin": {"https://evil.example"}})
			assert.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))

			res, body = get(t, http.MethodPost, name, http.Header{"Content-Type": {"application/json"}})
			assert.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
			assert.Equal(t, "GET, HEAD", res.Header.Get("Allow"))
			assert.Contains(t, body, "method_not_allowed")
		})
	}
}
