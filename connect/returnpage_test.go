package connect_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/connect"
)

// returnQuery contains characters that a page must not repeat and that a query parser would change.
const returnQuery = `state=s3cret-st4te&code=a%2Fb%0D%0A+c;d&&code=2&empty=&bare&%zz=~!$'()*,:@/?[]{}|\^"<b>` + "`"

func newReturnPage(tb testing.TB, config connect.ReturnPageConfig) http.Handler {
	tb.Helper()
	if config.RedirectURI == "" {
		config.RedirectURI = redirectURI
	}
	h, err := connect.ReturnPage(config)
	require.NoError(tb, err)
	return h
}

// visit sends a request as a server receives it; the host is that of a server behind a proxy.
func visit(tb testing.TB, h http.Handler, method, target string) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(tb.Context(), method, target, nil)
	r.Host = "10.0.0.1:8080"
	h.ServeHTTP(w, r)
	return w
}

func visitRequest(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// policy returns the directives of a response's Content-Security-Policy.
func policy(tb testing.TB, w *httptest.ResponseRecorder) map[string]string {
	tb.Helper()
	require.Len(tb, w.Header().Values("Content-Security-Policy"), 1)
	directives := map[string]string{}
	for part := range strings.SplitSeq(w.Header().Get("Content-Security-Policy"), "; ") {
		name, value, _ := strings.Cut(part, " ")
		require.NotContains(tb, directives, name)
		directives[name] = value
	}
	return directives
}

var (
	nonceInPolicy = regexp.MustCompile(`^'nonce-([A-Za-z0-9+/=]{22,})'`)
	scriptTag     = regexp.MustCompile(`(?i)<script[^>]*>`)
	handlerInTag  = regexp.MustCompile(`(?i)<[^>]*\s(on\w+|style)\s*=|javascript:`)
)

// checkGuards checks the headers of all responses.
func checkGuards(tb testing.TB, w *httptest.ResponseRecorder) map[string]string {
	tb.Helper()
	for name, want := range map[string]string{
		"Cache-Control":              "no-store",
		"Referrer-Policy":            "no-referrer",
		"X-Content-Type-Options":     "nosniff",
		"Cross-Origin-Opener-Policy": "unsafe-none",
	} {
		assert.Equal(tb, []string{want}, w.Header().Values(name), name)
	}
	p := policy(tb, w)
	for _, name := range []string{"default-src", "base-uri", "form-action", "frame-ancestors"} {
		assert.Equal(tb, "'none'", p[name], name)
	}
	return p
}

// checkPage checks a response with a script, and returns its nonce.
func checkPage(tb testing.TB, w *httptest.ResponseRecorder) (nonce string) {
	tb.Helper()
	assert.Equal(tb, http.StatusOK, w.Code)
	assert.Equal(tb, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	match := nonceInPolicy.FindStringSubmatch(checkGuards(tb, w)["script-src"])
	require.NotNil(tb, match)
	tags := scriptTag.FindAllString(w.Body.String(), -1)
	assert.Len(tb, tags, 1)
	for _, tag := range tags {
		assert.Contains(tb, tag, ` nonce="`+match[1]+`"`)
	}
	assert.NotRegexp(tb, handlerInTag, w.Body.String())
	assert.Equal(tb, "data:", policy(tb, w)["img-src"])
	assert.Contains(tb, w.Body.String(), `<link rel="icon" href="data:,">`)
	return match[1]
}

func TestReturnPage(t *testing.T) {
	t.Parallel()
	const html = "/oauth?a=%22%3E%3Cscript%3E&b=<script>alert(1)</script>&\"onload='s3cret'"
	for name, tc := range map[string]struct {
		config           connect.ReturnPageConfig
		script, frame    string
		contains, absent string
	}{
		"popup": {
			config:   connect.ReturnPageConfig{},
			contains: `const host = "https://connect.moneykit.com";`, absent: "src=",
		},
		"popup of another Connect": {
			config:   connect.ReturnPageConfig{Host: "http://127.0.0.1:8080"},
			contains: `const host = "http://127.0.0.1:8080";`, absent: "moneykit.com",
		},
		"popup of another Connect, with a slash": {
			config:   connect.ReturnPageConfig{Host: "HTTP://LocalHost:80/"},
			contains: `const host = "http://localhost";`, absent: "moneykit.com",
		},
		"module": {
			config: connect.ReturnPageConfig{Script: "/app/oauth.js?v=1&w=2"},
			script: "'strict-dynamic'", frame: "https://connect.moneykit.com",
			contains: `type="module"`, absent: "postMessage",
		},
		"module from elsewhere": {
			config: connect.ReturnPageConfig{Script: "https://cdn.example.com/oauth.js", Host: "https://connect.example.com"},
			script: "'strict-dynamic'", frame: "https://connect.example.com",
			contains: `src="https://cdn.example.com/oauth.js"`, absent: "postMessage",
		},
		"no app for this request": {
			config: connect.ReturnPageConfig{
				Script: "/oauth.js", ForwardTargets: forwardTargets, Forward: func(*http.Request) string { return "" },
			},
			script: "'strict-dynamic'", frame: "https://connect.moneykit.com",
			contains: `src="/oauth.js"`, absent: "myfinanceapp",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newReturnPage(t, tc.config)
			seen := map[string]bool{}
			var page string
			for _, query := range []string{"/oauth?code=s3cret", html, html, "http://evil.example/oauth?s3cret"} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/oauth?x", nil)
				var err error
				r.URL, err = url.Parse(query)
				require.NoError(t, err)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				nonce := checkPage(t, w)
				assert.False(t, seen[nonce], "the nonce is used twice")
				seen[nonce] = true
				p := policy(t, w)
				assert.Equal(t, strings.TrimSpace("'nonce-"+nonce+"' "+tc.script), p["script-src"])
				assert.Equal(t, tc.frame, p["frame-src"])
				if tc.script != "" {
					assert.Equal(t, "'self'", p["connect-src"])
				} else {
					assert.NotContains(t, p, "connect-src")
				}
				assert.Contains(t, w.Body.String(), tc.contains)
				assert.NotContains(t, w.Body.String(), tc.absent)
				// The query changes nothing in the page; only the nonce differs.
				same := strings.ReplaceAll(w.Body.String(), nonce, "")
				if page != "" {
					assert.Equal(t, page, same)
				}
				page = same
			}
		})
	}
}

// The page sends the message of Connect's launcher, and only to Connect. The channel and the
// storage belong to the page's own origin.
func TestReturnPagePassesURL(t *testing.T) {
	t.Parallel()
	body := visit(t, newReturnPage(t, connect.ReturnPageConfig{}), http.MethodGet, "/oauth?code=s3cret").Body.String()
	assert.Contains(t, body, `const url = window.location.href;`)
	assert.Contains(t, body, `window.opener.postMessage({moneykit: true, type: "link.resume", eventData: {redirectURL: url}}, host);`)
	assert.Equal(t, 1, strings.Count(body, "opener.postMessage"))
	assert.Equal(t, 2, strings.Count(body, ", url}"), "the URL is given to the page that started Connect")
	assert.NotContains(t, body, `"*"`)
}

func TestReturnPageLinksHome(t *testing.T) {
	t.Parallel()
	for home, want := range map[string]string{"": "/", "/banks?tab=1&x=2": "/banks?tab=1&amp;x=2", "https://app.example/": "https://app.example/"} {
		h := newReturnPage(t, connect.ReturnPageConfig{Home: home})
		for _, target := range []string{"/oauth?a", "/oauth"} {
			assert.Contains(t, visit(t, h, http.MethodGet, target).Body.String(), `<a href="`+want+`">`, target)
		}
	}
}

func TestReturnPageRefuses(t *testing.T) {
	t.Parallel()
	h := newReturnPage(t, connect.ReturnPageConfig{Script: "/oauth.js"})
	for target, want := range map[string]string{
		"/oauth":                        "has no query",
		"/oauth?":                       "has no query",
		"/evil?<script>s3cret</script>": "another path",
		"/oauth/?s3cret":                "another path",
		"/OAUTH?s3cret":                 "another path",
		"/oauth%2Fs3cret?s3cret":        "encoded slash",
		"/oauth?s3cret#a":               "no fragment",
		"/oauth?s3cret\x7f":             "visible ASCII",
		"/%3Cscript%3Es3cret?a":         "another path",
		"/oauth?" + strings.Repeat("s3cret", 3000): "more than 16384 bytes",
		"http://example.com//oauth?s3cret":         "another path",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		u, err := url.ParseRequestURI(strings.ReplaceAll(target, "\x7f", ""))
		require.NoError(t, err)
		if strings.Contains(target, "\x7f") {
			u.RawQuery += "\x7f" // net/http refuses it; other servers may not
		}
		r.URL = u
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, http.StatusBadRequest, w.Code, target)
		assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
		assert.Contains(t, w.Body.String(), want)
		for _, absent := range []string{"s3cret", "evil", "<script"} {
			assert.NotContains(t, w.Body.String(), absent)
		}
		assert.NotContains(t, checkGuards(t, w), "script-src")
	}
}

func TestReturnPageMethods(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.Handler{
		"page":    newReturnPage(t, connect.ReturnPageConfig{}),
		"forward": newReturnPage(t, connect.ReturnPageConfig{ForwardTargets: []string{"myfinanceapp://oauth"}}),
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace, "get", "S3CRET"} {
			w := visit(t, h, method, "/oauth?s3cret")
			assert.Equal(t, http.StatusMethodNotAllowed, w.Code, name)
			assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
			assert.Empty(t, w.Header().Get("Location"))
			assert.NotContains(t, strings.ToLower(w.Body.String()), "s3cret")
			checkGuards(t, w)
		}
	}
}

// The response to HEAD has no body, and otherwise equals the response to GET.
func TestReturnPageOverTheWire(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/oauth", newReturnPage(t, connect.ReturnPageConfig{}))
	mux.Handle("/native", newReturnPage(t, connect.ReturnPageConfig{
		RedirectURI: "https://example.com/native", ForwardTargets: []string{"myfinanceapp://oauth"},
	}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for path, want := range map[string]int{"/oauth?code=1": 200, "/oauth": 400, "/native?code=1;2&%0a": 303, "/native": 400} {
			r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
			require.NoError(t, err)
			res, err := client.Do(r)
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			res.Body.Close()
			assert.Equal(t, want, res.StatusCode, path)
			assert.Equal(t, method == http.MethodGet && want != 303, len(body) > 0)
			assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
			if want == 303 {
				assert.Equal(t, "myfinanceapp://oauth?code=1;2&%0a", res.Header.Get("Location"))
			}
		}
	}
}

func TestReturnPageForwardsToTheOnlyTarget(t *testing.T) {
	t.Parallel()
	targets := []string{"myfinanceapp://oauth"}
	h := newReturnPage(t, connect.ReturnPageConfig{ForwardTargets: targets})
	targets[0] = "https://evil.example/"
	w := visit(t, h, http.MethodGet, "/oauth?"+"code=a%2Fb;c&&d")
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Equal(t, "myfinanceapp://oauth?code=a%2Fb;c&&d", w.Header().Get("Location"))
	checkGuards(t, w)
	w = visit(t, h, http.MethodGet, "/oauth")
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Empty(t, w.Header().Get("Location"))
}

func TestReturnPageConfig(t *testing.T) {
	t.Parallel()
	choose := func(*http.Request) string { return "" }
	for want, configs := range map[string][]connect.ReturnPageConfig{
		"RedirectURI must": {
			{},
			{RedirectURI: "/oauth"},
			{RedirectURI: "https://example.com/oauth?a"},
			{RedirectURI: "myfinanceapp://oauth"},
			{RedirectURI: "https://example.com/a%5Cb"},
		},
		"Script must": {
			{RedirectURI: redirectURI, Script: "oauth.js"},
			{RedirectURI: redirectURI, Script: "//cdn.example.com/oauth.js"},
			{RedirectURI: redirectURI, Script: `/\cdn.example.com/oauth.js`},
			{RedirectURI: redirectURI, Script: "http://cdn.example.com/oauth.js"},
			{RedirectURI: redirectURI, Script: "https:///oauth.js"},
			{RedirectURI: redirectURI, Script: "https://a:s3cret@cdn.example.com/oauth.js"},
			{RedirectURI: redirectURI, Script: "javascript:alert(1)"},
			{RedirectURI: redirectURI, Script: "data:text/javascript,alert(1)"},
			{RedirectURI: redirectURI, Script: "/oauth.js#a"},
			{RedirectURI: redirectURI, Script: "/oauth.js\n"},
			{RedirectURI: redirectURI, Script: "/%zz"},
		},
		"Home must": {
			{RedirectURI: redirectURI, Home: "banks"},
			{RedirectURI: redirectURI, Home: "//evil.example/"},
			{RedirectURI: redirectURI, Home: "javascript:alert(1)"},
			{RedirectURI: redirectURI, Home: "http://app.example/"},
		},
		"Host must": {
			{RedirectURI: redirectURI, Host: "*"},
			{RedirectURI: redirectURI, Host: "connect.moneykit.com"},
			{RedirectURI: redirectURI, Host: "http://connect.moneykit.com"},
			{RedirectURI: redirectURI, Host: "https://connect.moneykit.com//"},
			{RedirectURI: redirectURI, Host: "https://connect.moneykit.com/start"},
			{RedirectURI: redirectURI, Host: "https://connect.moneykit.com?a"},
			{RedirectURI: redirectURI, Host: "https://connect.moneykit.com:"},
			{RedirectURI: redirectURI, Host: "http://10.0.0.1:8787"},
			{RedirectURI: redirectURI, Host: "https://*.moneykit.com"},
			{RedirectURI: redirectURI, Host: "https://connect.moneykit.com;script-src"},
			{RedirectURI: redirectURI, Host: "https://a@connect.moneykit.com"},
			{RedirectURI: redirectURI, Host: "https://%zz"},
		},
		"ForwardTargets[1] must": {
			{RedirectURI: redirectURI, Forward: choose, ForwardTargets: []string{"myfinanceapp://oauth", "http://example.com/"}},
			{RedirectURI: redirectURI, Forward: choose, ForwardTargets: []string{"myfinanceapp://oauth", redirectURI}},
			{RedirectURI: redirectURI, Forward: choose, ForwardTargets: []string{"myfinanceapp://oauth", ""}},
		},
		"Forward must":        {{RedirectURI: redirectURI, ForwardTargets: forwardTargets}},
		"ForwardTargets must": {{RedirectURI: redirectURI, Forward: choose}},
	} {
		for _, config := range configs {
			h, err := connect.ReturnPage(config)
			require.ErrorContains(t, err, want, "%+v", config)
			assert.True(t, strings.HasPrefix(err.Error(), "connect: "), err)
			assert.NotContains(t, err.Error(), "s3cret")
			assert.Nil(t, h)
		}
	}
}

func FuzzReturnPage(f *testing.F) {
	for _, query := range []string{returnQuery, "a", `"><script>alert(1)</script>`, "'onload=x", "</script>", "{{.Nonce}}", "<!--", "a\r\nb"} {
		f.Add("/oauth", query)
		f.Add("/"+query, query)
	}
	h := newReturnPage(f, connect.ReturnPageConfig{Script: "/oauth.js"})
	pages := map[int]string{}
	for _, target := range []string{"/oauth?a", "/oauth"} {
		w := visit(f, h, http.MethodGet, target)
		pages[w.Code] = w.Body.String()
	}
	nonce := regexp.MustCompile(` nonce="[^"]*"`)
	reason := regexp.MustCompile(`Reason: [A-Za-z0-9 ,]*\.`)
	f.Fuzz(func(t *testing.T, path, query string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}})
		plain := func(page string) string {
			return reason.ReplaceAllString(nonce.ReplaceAllString(page, ""), "")
		}
		if want := pages[w.Code]; want == "" || plain(want) != plain(w.Body.String()) {
			t.Fatalf("%q and %q show in the page: %d %s", path, query, w.Code, w.Body)
		}
	})
}

// forwardTargets are the app URLs to which a page forwards.
var forwardTargets = []string{"myfinanceapp://oauth", "https://app.example.com/oauth"}

// otherTargets are not in forwardTargets. The first are URLs of other apps, the last are no app
// URLs.
var otherTargets = []string{
	"https://evil.example/oauth",
	"https://app.example.com.evil.example/oauth",
	"https://evilapp.example.com/oauth",
	"https://app-example.com/oauth",
	"https://xn--pp-example-96a.com/oauth",
	"https://xn--pp-6kc.example.com/oauth",
	"https://example.com/oauth",
	"https://app.example.com",
	"https://app.example.com/",
	"https://app.example.com/oauth/",
	"https://app.example.com/oauth/x",
	"https://app.example.com/OAUTH",
	"https://APP.example.com/oauth",
	"HTTPS://app.example.com/oauth",
	"myfinanceapp://oauth/",
	"myfinanceapp://oauth2",
	"myfinanceapp://oauth.evil.example",
	"myfinanceapp:///oauth",
	"MyFinanceApp://oauth",
	"evilapp://oauth",
	"//evil.example/oauth", "/\\evil.example", "https:evil.example", "http://evil.example", "javascript:alert(1)", "data:text/html,x",
	"https://app.example.com@evil.example/oauth", "https://app.example.com/oauth?next=1", "https://app.example.com/oauth#",
	"https://app.example.com:443/oauth", "https://app.example.com/oauth\r\nSet-Cookie:a=b", "https://app.example.com/oauth%0d%0aSet-Cookie:a=b",
	" https://app.example.com/oauth", "https://app.example.com/oauth ", "https://app.example.com/\x00", "myfinanceapp://oauth#",
}

// forwarding returns a page that forwards to the URL in the header X-App.
func forwarding(tb testing.TB) http.Handler {
	tb.Helper()
	h, err := connect.ReturnPage(connect.ReturnPageConfig{
		RedirectURI:    redirectURI,
		ForwardTargets: forwardTargets,
		Forward:        func(r *http.Request) string { return r.Header.Get("X-App") },
	})
	require.NoError(tb, err)
	return h
}

func forward(tb testing.TB, h http.Handler, target, query string) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, &http.Request{
		Method: http.MethodGet,
		URL:    &url.URL{Path: "/oauth", RawQuery: query},
		Header: http.Header{"X-App": {target}},
	})
	return w
}

func TestReturnPageIsNoOpenRedirect(t *testing.T) {
	t.Parallel()
	h := forwarding(t)
	for _, target := range otherTargets {
		w := forward(t, h, target, returnQuery)
		assert.Equal(t, http.StatusBadRequest, w.Code, "%q", target)
		assert.Empty(t, w.Header().Get("Location"), "%q", target)
		assert.NotContains(t, w.Body.String(), "evil")
		assert.NotContains(t, w.Body.String(), "s3cret")
	}
	for _, target := range forwardTargets {
		w := forward(t, h, target, returnQuery)
		assert.Equal(t, http.StatusSeeOther, w.Code)
		assert.Equal(t, target+"?"+returnQuery, w.Header().Get("Location"))
		assert.Empty(t, w.Body.String())
	}
}

func FuzzReturnPageForwards(f *testing.F) {
	for _, target := range slices.Concat(forwardTargets, otherTargets) {
		f.Add(target, returnQuery)
	}
	f.Add(forwardTargets[0], "a\r\nb")
	f.Add(forwardTargets[0], "a#b")
	h := forwarding(f)
	f.Fuzz(func(t *testing.T, target, query string) {
		w := forward(t, h, target, query)
		location := w.Header().Get("Location")
		if location != "" && (!slices.Contains(forwardTargets, target) || location != target+"?"+query || w.Code != http.StatusSeeOther) {
			t.Fatalf("%q is followed to %q", target, location)
		}
		if strings.ContainsFunc(location, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("%q is not fit for a header", location)
		}
	})
}
