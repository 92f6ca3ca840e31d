package moneykit_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

var goodRedirects = []string{
	"https://example.com",
	"https://example.com/",
	"https://example.com:8443/oauth.html",
	"HTTPS://example.com/a%20b",
	"https://żółć.example/powrót",
	"http://localhost:3000",
	"http://LOCALHOST/oauth",
	"http://127.0.0.1:8080/oauth",
	"http://127.9.9.9/",
	"http://[::1]:3000/",
	"myfinanceapp://oauth",
	"mymoneyapp://com.moneykit.moneykitexample",
	"com.example.app:/oauth",
}

var badRedirects = map[string]string{
	"":                                "must not be empty",
	"/oauth":                          "must be absolute",
	"oauth":                           "must be absolute",
	"//example.com/oauth":             "must be absolute",
	"example.com/oauth":               "must be absolute",
	"https://example.com/?a=b":        "must not have a query",
	"https://example.com/?":           "must not have a query",
	"https://example.com/#a":          "must not have a fragment",
	"https://example.com/#":           "must not have a fragment",
	"https://":                        "must have a host",
	"https:///oauth":                  "must have a host",
	"https:example.com":               "must have a host",
	"https://:443/":                   "must have a host",
	"https://user@example.com/":       "must not have credentials",
	"https://user:secret@example.com": "must not have credentials",
	"http://example.com":              "must begin with https:// except on localhost",
	"http://localhost.example.com/":   "must begin with https:// except on localhost",
	"http://127.0.0.1.example.com/":   "must begin with https:// except on localhost",
	"http://10.0.0.1/":                "must begin with https:// except on localhost",
	"http://":                         "must begin with https:// except on localhost",
	"javascript:alert(1)":             "must be a web address",
	"JavaScript:alert(1)":             "must be a web address",
	"data:text/html,x":                "must be a web address",
	"file:///etc/passwd":              "must be a web address",
	"intent://example.com/oauth":      "must be a web address",
	"view-source:https://example.com": "must be a web address",
	"tel:1":                           "must be a web address",
	"myapp:oauth":                     "must have // after its scheme",
	"myapp:":                          "must have // after its scheme",
	"https://example.com/a b":         "must not contain spaces",
	"https://example.com/\n":          "must not contain spaces",
	" https://example.com/":           "must not contain spaces",
	"https://example.com\\@evil/":     "must not contain spaces",
	"https://example.com/%zz":         "must be a URL",
	"https://example.com:port/":       "must be a URL",
	"https://[::1/":                   "must be a URL",
	"1app://oauth":                    "must be a URL",
}

func TestValidateRedirectURI(t *testing.T) {
	t.Parallel()
	for _, uri := range goodRedirects {
		require.NoError(t, moneykit.ValidateRedirectURI(uri), uri)
	}
	for uri, want := range badRedirects {
		require.ErrorContains(t, moneykit.ValidateRedirectURI(uri), want, uri)
	}
}

func FuzzValidateRedirectURI(f *testing.F) {
	for _, uri := range goodRedirects {
		f.Add(uri)
	}
	for uri := range badRedirects {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		err := moneykit.ValidateRedirectURI(uri)
		if err != nil {
			if strings.Contains(err.Error(), "secret") {
				t.Fatalf("the error repeats the URI: %v", err)
			}
			return
		}
		lower := strings.ToLower(uri)
		if strings.ContainsAny(uri, "?# \\\r\n\t") || strings.HasPrefix(lower, "javascript:") || strings.HasPrefix(lower, "data:") {
			t.Fatalf("%q is accepted", uri)
		}
	})
}

const (
	redirectURI = "https://example.com/oauth"
	// returnQuery has all characters of a query, including those that a parser would change.
	returnQuery = `state=s3cret-st4te&code=a%2Fb%0D%0A+c;d&&code=2&empty=&bare&%zz=~!$'()*,:@/?[]{}|\^"<b>` + "`"
)

func TestParseOAuthReturn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ redirect, returned, want string }{
		{redirectURI, "https://example.com/oauth?" + returnQuery, ""},
		{redirectURI, "/oauth?" + returnQuery, "https://example.com/oauth?" + returnQuery},
		{redirectURI, "HTTPS://EXAMPLE.com/oauth?" + returnQuery, ""},
		{redirectURI, "https://example.com:443/oauth?" + returnQuery, ""},
		{"https://example.com:443/oauth", "https://example.com/oauth?" + returnQuery, ""},
		{"http://localhost:80/", "http://localhost/?a", ""},
		{"https://example.com", "https://example.com/?a", ""},
		{"https://example.com", "/?a", "https://example.com/?a"},
		{"https://example.com/", "https://example.com?a", ""},
		{"https://example.com:8443/oauth", "/oauth?a", "https://example.com:8443/oauth?a"},
		{"http://[::1]:3000/oauth", "/oauth?a", "http://[::1]:3000/oauth?a"},
		{"https://example.com/powrót", "https://example.com/powr%C3%B3t?a", ""},
		{"https://example.com/a%20b", "/a%20b?a", "https://example.com/a%20b?a"},
		{"myfinanceapp://oauth", "myfinanceapp://oauth?" + returnQuery, ""},
		{"myfinanceapp://oauth", "myfinanceapp://oauth/?a", ""},
		{"com.example.app:/oauth", "com.example.app:/oauth?a", ""},
		{"com.example.app:/oauth", "/oauth?a", "com.example.app:/oauth?a"},
		{redirectURI, "/oauth?" + strings.Repeat("a", 16<<10), "https://example.com/oauth?" + strings.Repeat("a", 16<<10)},
	} {
		if tc.want == "" {
			tc.want = tc.returned
		}
		ret, err := moneykit.ParseOAuthReturn(tc.redirect, tc.returned)
		require.NoError(t, err, tc.returned)
		assert.Equal(t, tc.want, ret.ContinueURL())
	}
}

// badReturns are invalid returns for redirectURI. Each contains the word s3cret if possible.
var badReturns = map[string]string{
	"":                          "has no query",
	"https://example.com/oauth": "has no query",
	"/oauth":                    "has no query",
	"/oauth?":                   "has no query",
	"/oauth?" + strings.Repeat("s3cret", 16<<10): "more than 16384 bytes",
	"/oauth?" + strings.Repeat("a", 16<<10+1):    "more than 16384 bytes",
	"/oauth?s3cret#":                   "no fragment",
	"/oauth?s3cret#a":                  "no fragment",
	"/oauth#s3cret?a":                  "no fragment",
	"/oauth?s3cret a":                  "visible ASCII",
	"/oauth?s3cret\r\nSet-Cookie: a=b": "visible ASCII",
	"/oauth?s3cret\x00":                "visible ASCII",
	"/oauth?s3cret\x7f":                "visible ASCII",
	"/oauth?s3cret=ż":                  "visible ASCII",
	"/oauth?s3cret=\xff":               "visible ASCII",
	"/oauth?s3cret=\u202e":             "visible ASCII",
	"/oauth/?s3cret":                   "another path",
	"/OAuth?s3cret":                    "another path",
	"/?s3cret":                         "another path",
	"/oauth/s3cret?s3cret":             "another path",
	"/x/../oauth?s3cret":               "another path",
	"/./oauth?s3cret":                  "another path",
	"//oauth?s3cret":                   "another path",
	"//example.com/oauth?s3cret":       "another path",
	"/%6Fauth?s3cret":                  "another path",
	"/oauth;a=s3cret?s3cret":           "another path",
	"https://example.com?s3cret":       "another path",
	"/oauth%2F?s3cret":                 "encoded slash",
	"/oauth%2f..%2Fs3cret?s3cret":      "encoded slash",
	"/oauth%5c?s3cret":                 "encoded slash",
	`/oauth\?s3cret`:                   "backslash",
	`\\example.com\oauth?s3cret`:       "backslash",
	`https://example.com\@s3cret.example/oauth?s3cret`: "backslash",
	"https://s3cret.example/oauth?s3cret":              "another host",
	"https://example.com.s3cret.example/oauth?s3cret":  "another host",
	"https://s3cretexample.com/oauth?s3cret":           "another host",
	"https://example.com./oauth?s3cret":                "another host",
	"https://example.com:8443/oauth?s3cret":            "another host",
	"https://example.com:80/oauth?s3cret":              "another host",
	"https:///oauth?s3cret":                            "another host",
	"https:/oauth?s3cret":                              "another host",
	"https:oauth?s3cret":                               "another host",
	"http://example.com/oauth?s3cret":                  "another scheme",
	"myapp://example.com/oauth?s3cret":                 "another scheme",
	"javascript://example.com/oauth?s3cret":            "another scheme",
	"oauth?s3cret":                                     "another scheme",
	"?s3cret":                                          "another scheme",
	"https://s3cret@example.com/oauth?s3cret":          "must not have credentials",
	"https://a:s3cret@example.com/oauth?s3cret":        "must not have credentials",
	"https://@example.com/oauth?s3cret":                "must not have credentials",
	"https://example.com@s3cret.example/oauth?s3cret":  "must not have credentials",
	"https://example.com/oauth\n?s3cret":               "must be a URL",
	"/oauth%zzs3cret?s3cret":                           "must be a URL",
	"https://example.com:s3cret/oauth?s3cret":          "must be a URL",
	"https://[s3cret/oauth?s3cret":                     "must be a URL",
}

func TestParseOAuthReturnRefuses(t *testing.T) {
	t.Parallel()
	for returned, want := range badReturns {
		ret, err := moneykit.ParseOAuthReturn(redirectURI, returned)
		require.ErrorContains(t, err, want, "%.100q", returned)
		require.ErrorContains(t, err, "moneykit: the OAuth return ")
		assert.NotContains(t, err.Error(), "s3cret")
		assert.Nil(t, ret)
	}
	for uri, want := range badRedirects {
		_, err := moneykit.ParseOAuthReturn(uri, "/oauth?a")
		require.ErrorContains(t, err, "the redirect URI "+want, uri)
	}
	_, err := moneykit.ParseOAuthReturn("com.example.app:/", "com.example.app:oauth?a")
	require.ErrorContains(t, err, "another path")
	_, err = moneykit.ParseOAuthReturn("https://example.com/a%2Fb", "/a%2Fb?a")
	require.ErrorContains(t, err, "the redirect URI must not have an encoded slash")
}

func TestOAuthReturnHidesItsQuery(t *testing.T) {
	t.Parallel()
	ret, err := moneykit.ParseOAuthReturn(redirectURI, "/oauth?code=s3cret")
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("return", "pointer", ret, "value", *ret)
	shown := log.String() + fmt.Sprintf("%v %+v %#v %s %v %+v %#v", ret, ret, ret, ret, *ret, *ret, *ret)
	assert.NotContains(t, shown, "s3cret")
	assert.Contains(t, shown, "OAuth return")
}

var goodTargets = []string{
	"myfinanceapp://oauth",
	"mymoneyapp://com.moneykit.moneykitexample",
	"com.example.app:/oauth",
	"my-app+1.2://oauth/return/",
	"https://app.example.com",
	"https://app.example.com/",
	"https://app.example.com/oauth",
	"https://app.example.com/oauth/v1.0/",
	"https://xn--kwidoi-1ib5e.example/oauth",
}

// badTargets are invalid app URLs.
var badTargets = []string{
	"", " ", "/", "/oauth", "oauth", "//evil.example", "//evil.example/oauth", "///evil.example", "/\\evil.example",
	"\\\\evil.example", "https:", "https:/", "https://", "https:///", "https:evil.example", "https:/evil.example",
	"https:///evil.example", "https:\\\\evil.example", "https://\\evil.example", "http://evil.example",
	"http://localhost/oauth", "http://127.0.0.1/", "https://localhost/", "https://127.0.0.1/", "https://127.1/",
	"https://2130706433/", "https://0x7f000001/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
	"javascript:alert(1)", "JavaScript:alert(1)", "javascript://app.example.com/%0Aalert(1)", "java\tscript:alert(1)",
	"\x01javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "data://text/html,x", "vbscript:x",
	"file:///etc/passwd", "blob:https://app.example.com/1", "filesystem:https://app.example.com/1", "about:blank",
	"view-source:https://app.example.com", "intent://app.example.com/oauth", "mailto:a@evil.example", "tel:1",
	"https://app.example.com@evil.example/oauth", "https://app.example.com:pw@evil.example/",
	"https://app.example.com%40evil.example/", "https://app.example.com\\@evil.example/",
	"https://app.example.com\\.evil.example/", "https://app.example.com#@evil.example/",
	"https://app.example.com?@evil.example/", "https://app.example.com/oauth#", "https://app.example.com/oauth?",
	"https://app.example.com/oauth?next=1", "https://app.example.com/oauth#next", "https://app.example.com./oauth",
	"https://app.example.com:443/oauth", "https://app.example.com:8443/", "https://app.example.com:/oauth",
	"https://app..example.com/", "https://.example.com/", "https://-app.example.com/", "https://app_.example.com/",
	"https://аpp.example.com/", "https://app.example.com。evil.example/", "https://app。example.com/",
	"https://app.example.com\u2024evil.example/", "https://app.example.com/ oauth", "https://app.example.com/\toauth",
	"https://app.example.com/oauth\r\nSet-Cookie:a=b", "https://app.example.com/oauth%0d%0aSet-Cookie:a=b",
	"https://app.example.com/\x00", "https://app.example.com/%00", "https://app.example.com/%2f%2fevil.example",
	"https://app.example.com/%5cevil.example", "https://app.example.com/../evil", "https://app.example.com/./oauth",
	"https://app.example.com/%2e%2e/evil", "https://app.example.com//evil.example", "https://app.example.com/a//b",
	"https://app.example.com/oauth/..", "https://app.example.com/ó", "https://app.example.com/<script>",
	`https://app.example.com/"onload=`, "https://app.example.com/{oauth}", "myfinanceapp:", "myfinanceapp://",
	"myfinanceapp:oauth", "myfinanceapp://a@oauth", "myfinanceapp://oauth:1", "myfinanceapp://oauth#", "my_app://oauth",
	"myfinanceapp://oauth/../x", "1app://oauth", "://oauth", ":", "#", "?", "%", "https://%zz/",
}

func TestForwardTo(t *testing.T) {
	t.Parallel()
	ret, err := moneykit.ParseOAuthReturn(redirectURI, "/oauth?"+returnQuery)
	require.NoError(t, err)
	for _, target := range goodTargets {
		got, err := ret.ForwardTo(target)
		require.NoError(t, err, target)
		assert.Equal(t, target+"?"+returnQuery, got)
	}
	for _, target := range badTargets {
		got, err := ret.ForwardTo(target)
		require.ErrorContains(t, err, "moneykit: the app URL must ", "%q", target)
		assert.Empty(t, got)
		for _, part := range []string{"evil", "s3cret"} {
			assert.NotContains(t, err.Error(), part)
		}
	}
	_, err = moneykit.OAuthReturn{}.ForwardTo(goodTargets[0])
	require.ErrorContains(t, err, "no OAuth return to forward")
}

func FuzzParseOAuthReturn(f *testing.F) {
	for _, redirect := range []string{
		redirectURI, "https://example.com", "myfinanceapp://oauth", "http://localhost:80/a%20b", "https://example.com/powrót",
	} {
		f.Add(redirect, "/oauth?"+returnQuery)
		f.Add(redirect, redirect+"?"+returnQuery)
	}
	for returned := range badReturns {
		f.Add(redirectURI, returned)
	}
	f.Fuzz(func(t *testing.T, redirect, returned string) {
		ret, err := moneykit.ParseOAuthReturn(redirect, returned)
		if err != nil {
			if ret != nil || strings.Contains(err.Error(), "s3cret") {
				t.Fatalf("%q: %v", returned, err)
			}
			return
		}
		whole := ret.ContinueURL()
		if !strings.HasSuffix(whole, returned) || (returned[0] != '/' && whole != returned) {
			t.Fatalf("%q became %q", returned, whole)
		}
		want, err := url.Parse(redirect)
		if err != nil {
			t.Fatal(err)
		}
		got, err := url.Parse(whole)
		if err != nil {
			t.Fatal(err)
		}
		if got.Scheme != want.Scheme || !strings.EqualFold(got.Hostname(), want.Hostname()) || got.User != nil || got.Fragment != "" {
			t.Fatalf("%q leads elsewhere than %q", whole, redirect)
		}
		_, query, _ := strings.Cut(returned, "?")
		if got.RawQuery != query || query == "" || len(query) > 16<<10 || strings.ContainsAny(query, "# \r\n\x00\x7f") {
			t.Fatalf("%q has the query %q", whole, got.RawQuery)
		}
	})
}

func FuzzForwardTo(f *testing.F) {
	for _, target := range slices.Concat(goodTargets, badTargets) {
		f.Add(target, returnQuery)
	}
	f.Add(goodTargets[0], "a\r\nb")
	f.Add(goodTargets[0], "a#b")
	f.Fuzz(func(t *testing.T, target, query string) {
		ret, err := moneykit.ParseOAuthReturn(redirectURI, "/oauth?"+query)
		if err != nil {
			ret, query = &moneykit.OAuthReturn{}, "x"
		}
		location, err := ret.ForwardTo(target)
		if err != nil {
			return
		}
		got, errGot := url.Parse(location)
		want, errWant := url.Parse(target)
		if errGot != nil || errWant != nil || got.RawQuery != query {
			t.Fatalf("%q and %q became %q", target, query, location)
		}
		got.RawQuery = ""
		if *got != *want || got.User != nil || got.Port() != "" || got.Fragment != "" {
			t.Fatalf("%q leads elsewhere than %q", location, target)
		}
		if strings.ContainsFunc(location, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.Contains(target, `\`) {
			t.Fatalf("%q is not fit for a header", location)
		}
	})
}
