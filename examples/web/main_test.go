package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestSite(t *testing.T) {
	sandbox := moneykittest.NewServer(t)
	site, err := newSite(sandbox, "http://localhost:8080", t.TempDir())
	require.NoError(t, err)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080"+path, nil))
		require.Equal(t, http.StatusOK, w.Code, path)
		return w
	}
	for _, path := range []string{"/app.js", "/style.css", "/connect/connect.js", "/connect/oauth?a"} {
		get(path)
	}
	page := get("/")
	assert.Contains(t, page.Header().Get("Content-Security-Policy"), "frame-src "+sandbox.URL())
	assert.Contains(t, page.Body.String(), `"query-string": "/modules/query-string/index.js"`)
	assert.NotContains(t, page.Body.String(), "Reconnect")

	post := func(path, body string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost:8080"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		return w.Body.String()
	}
	_, token, _ := strings.Cut(post("/connect/session", "{}"), `"link_session_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	post("/connect/result", `{"result": `+string(sandbox.Connect(token, moneykit.ConnectWeb, moneykittest.Play{}))+`}`)
	assert.Contains(t, get("/").Body.String(), "Instant Bank is connected")
}

// TestScriptIsShort checks that the page needs at most ten lines of script.
func TestScriptIsShort(t *testing.T) {
	script, err := files.ReadFile("app.js")
	require.NoError(t, err)
	assert.LessOrEqual(t, bytes.Count(script, []byte("\n")), 10)
}

func TestRunRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"-modules":            {"-modules", t.TempDir()},
		"unexpected argument": {"x"},
		"not defined":         {"-x"},
	} {
		require.ErrorContains(t, run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}), want)
	}
}
