package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPaths sends requests to unknown paths, and with methods that a path does not allow.
func TestPaths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/", 404, ""},
		{"GET", "/institution", 404, ""},
		{"POST", "/links/x/y", 404, ""},
		{"GET", "/links/", 404, ""},
		{"OPTIONS", "/nowhere", 404, ""},
		{"PUT", "/links/x", 405, "GET, HEAD, PATCH, DELETE"},
		{"GET", "/link-session", 405, "POST"},
		{"POST", "/institutions", 405, "GET, HEAD"},
		{"DELETE", "/auth/token", 405, "POST"},
		{"OPTIONS", "/links", 405, "GET, HEAD"},
		{"BREW", "/links/x/products", 405, "POST"},
		{"PUT", "/links/import", 405, "GET, HEAD, POST, PATCH, DELETE"},
	} {
		mk := newFake(t)
		a := ask(t, mk, tt.method, tt.path, "")
		assert.Equal(t, tt.status, a.status, "%s %s", tt.method, tt.path)
		assert.Equal(t, tt.allow, a.header.Get("Allow"), "%s %s", tt.method, tt.path)
		assert.Equal(t, "application/json", a.header.Get("Content-Type"))
		assert.NotEmpty(t, a.field(t, "error_message"))
		assert.NotContains(t, string(a.body), "error_code", "MoneyKit has no code for it")
		require.Len(t, mk.errors, 1)
		assert.Contains(t, mk.errors[0], "there is no operation for "+tt.method+" "+tt.path)
		if tt.allow != "" {
			assert.Contains(t, mk.errors[0], "the path allows "+tt.allow)
		}
		requests := mk.Requests()
		require.Len(t, requests, 1)
		assert.Equal(t, tt.status, requests[0].Status)
		assert.Empty(t, requests[0].Operation)
	}
	mk := newFake(t)
	assert.Equal(t, 404, ask(t, mk, http.MethodGet, "/links/a%2Fb", "").status, "an escaped slash is part of an id")
	assert.Empty(t, mk.errors)
}
