package main

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
)

// get sends a GET request to the control API, and returns the response and its body.
func (s *program) get(path string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.info.Control+path, nil)
	require.NoError(s.t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	require.NoError(s.t, response.Body.Close())
	_, body := send(s.t, http.DefaultClient, r)
	return response, body
}

// TestPage loads the page and its files.
func TestPage(t *testing.T) {
	t.Parallel()
	s := start(t, "-client-id", `<b id="x">`)
	response, page := s.get("/")
	assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
	policy := response.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'; script-src 'self'; style-src 'self';")
	assert.Contains(t, policy, "frame-ancestors 'none'")
	assert.NotContains(t, policy, "unsafe")
	assert.Equal(t, "DENY", response.Header.Get("X-Frame-Options"))
	assert.Equal(t, "same-origin", response.Header.Get("Cross-Origin-Opener-Policy"))
	assert.Contains(t, page, s.info.API)
	assert.Contains(t, page, "&lt;b id=&#34;x&#34;&gt;")
	assert.NotRegexp(t, `(?i)<script(>| [^>]*>[^<])|<style| style=| on\w+=`, page, "nothing is inline")
	for _, v := range control.Verbs() {
		assert.Contains(t, page, `data-verb="`+v.Name+`"`)
	}
	files := regexp.MustCompile(`(?:src|href)="(/[^"]*|[^"#/][^"]*)"`).FindAllStringSubmatch(page, -1)
	require.GreaterOrEqual(t, len(files), 4)
	for _, file := range files {
		response, _ := s.get(file[1])
		assert.Equal(t, http.StatusOK, response.StatusCode, file[1])
		assert.NotContains(t, file[1], "://")
	}
	for name, media := range map[string]string{"page.js": "text/javascript", "verbs.js": "text/javascript", "page.css": "text/css"} {
		response, text := s.get("/" + name)
		assert.Equal(t, media+"; charset=utf-8", response.Header.Get("Content-Type"))
		assert.NotRegexp(t, `(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|@import|[: ]url\(`, text, name)
	}
	status, _ := s.ask(http.MethodPost, "/", `{}`)
	assert.Equal(t, http.StatusMethodNotAllowed, status)
}

// TestPageFlags checks that the flags on the page exist in the subcommands.
func TestPageFlags(t *testing.T) {
	t.Parallel()
	_, page := start(t).get("/")
	flags := 0
	for _, form := range regexp.MustCompile(`(?s)<form .*?</form>`).FindAllString(page, -1) {
		name := regexp.MustCompile(`data-verb="([^"]+)"`).FindStringSubmatch(form)[1]
		for _, v := range control.Verbs() {
			if v.Name != name {
				continue
			}
			c := newClient(name)
			addFlags(c.flags, map[string]any{}, control.Fields(v.Params))
			for _, flag := range regexp.MustCompile(`data-flag="([^"]+)"`).FindAllStringSubmatch(form, -1) {
				assert.NotNil(t, c.flags.Lookup(flag[1]), "%s -%s", name, flag[1])
				flags++
			}
		}
	}
	assert.Greater(t, flags, 50)
}

// TestForeignRequests sends the headers that browsers send for pages of other sites.
func TestForeignRequests(t *testing.T) {
	t.Parallel()
	s := start(t, "-control-hosts", "sandbox.test")
	own := strings.TrimPrefix(s.info.Control, "http://")
	opens := func(site, dest string) []string {
		return []string{"Sec-Fetch-Site", site, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", dest}
	}
	reads := func(site, origin string) []string {
		return []string{"Sec-Fetch-Site", site, "Sec-Fetch-Mode", "cors", "Origin", origin}
	}
	named := func(host, origin string) []string { return []string{"Host", host, "Origin", origin} }
	for name, tc := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"typed":                   {"/", opens("none", "document"), 200},
		"own script":              {"/control/links", reads("same-origin", "http://"+own), 200},
		"own script by a name":    {"/control/links", named("sandbox.test:1", "http://sandbox.test:1"), 200},
		"link to the page":        {"/", opens("cross-site", "document"), 200},
		"link to a list":          {"/control/links", opens("cross-site", "document"), 403},
		"frame":                   {"/", opens("cross-site", "iframe"), 403},
		"frame of another port":   {"/", opens("same-site", "iframe"), 403},
		"image":                   {"/icon.svg", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		"fetch":                   {"/control/links", reads("cross-site", "https://evil.test"), 403},
		"fetch of an old browser": {"/control/links", []string{"Origin", "https://evil.test"}, 403},
		"another port of a name":  {"/control/links", named("sandbox.test:1", "http://sandbox.test:2"), 403},
		"a sandboxed frame":       {"/control/links", []string{"Origin", "null"}, 403},
		"behind TLS":              {"/control/links", reads("same-origin", "https://"+own), 200},
		"WebSocket":               {"/control/events", []string{"Origin", "https://evil.test", "Upgrade", "websocket", "Connection", "Upgrade"}, 403},
		"an unknown site":         {"/control/links", []string{"Sec-Fetch-Site", "new-kind"}, 403},
		"rebinding":               {"/", []string{"Host", "evil.test", "Sec-Fetch-Site", "none"}, 403},
		"rebinding of a name":     {"/control/links", []string{"Host", "sandbox.test.evil.test"}, 403},
	} {
		status, data := s.ask(http.MethodGet, tc.path, "", tc.headers...)
		assert.Equal(t, tc.status, status, "%s: %s", name, data)
	}
}

// TestLast reads the last items of lists.
func TestLast(t *testing.T) {
	t.Parallel()
	s := start(t, "-no-delivery")
	s.link()
	last := s.link()
	var links []struct{ ID string }
	for query, want := range map[string]int{"?last=0": 0, "?last=1": 1, "?last=7": 2, "": 2} {
		_, data := s.ask(http.MethodGet, "/control/links"+query, "")
		require.NoError(t, json.Unmarshal([]byte(data), &links))
		require.Len(t, links, want, query)
		if want > 0 {
			assert.Equal(t, last, links[want-1].ID)
		}
	}
	for _, path := range []string{"/control/links?last=-1", "/control/links?last=x", "/control/state?last=1"} {
		status, data := s.ask(http.MethodGet, path, "")
		assert.Equal(t, 400, status, path)
		assert.Contains(t, data, "last must be a number of items")
	}
}

// TestReceived checks that requests are listed and reported with their refusal, also those without
// a response.
func TestReceived(t *testing.T) {
	t.Parallel()
	s := start(t, "-no-delivery")
	printed := newOutput()
	go run(t.Context(), []string{"tail", "-json", "-control", s.info.Control}, printed, printed)
	printed.until(t, `"number":`, func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.info.API+"/no/such", nil)
		require.NoError(t, err)
		send(t, http.DefaultClient, r)
	})
	s.ask(http.MethodPost, "/control/fail", `{"fault": {"reset": "before"}}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.info.API+"/auth/token", nil)
	require.NoError(t, err)
	_, err = http.DefaultClient.Do(r)
	require.Error(t, err)
	printed.await(t, `"operation":"create_access_token"`)
	var plain []map[string]any
	_, data := s.ask(http.MethodGet, "/control/requests", "")
	require.NoError(t, json.Unmarshal([]byte(data), &plain))
	first, last := plain[0], plain[len(plain)-1]
	assert.InDelta(t, 1, first["number"], 0)
	assert.Equal(t, "there is nothing at this path", first["refusal"])
	assert.Equal(t, "/no/such", first["path"])
	assert.InDelta(t, len(plain), last["number"], 0)
	assert.NotContains(t, last, "status")
	_, table, _ := s.command("requests")
	assert.Contains(t, table, "there is nothing at this path")
}

// TestWatch checks that changes by requests outside the API are reported.
func TestWatch(t *testing.T) {
	t.Parallel()
	s := start(t, "-no-delivery")
	token := s.session("")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.info.Control+"/control/events", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	heard := newOutput()
	go func() { _, _ = io.Copy(heard, response.Body) }()
	heard.await(t, "retry: 1000")
	step, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.info.API+"/connect/step",
		strings.NewReader(`{"link_session_token": "`+token+`", "visit": "1", "action": "open"}`))
	require.NoError(t, err)
	status, data := send(t, http.DefaultClient, step)
	require.Equal(t, http.StatusOK, status, data)
	heard.await(t, "event: change")
	_, data = s.ask(http.MethodGet, "/control/sessions", "")
	assert.Contains(t, data, `"screen":"`)
}
