package weburl_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/weburl"
)

func TestCheckBase(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://api.moneykit.com/":     "https://api.moneykit.com",
		"http://localhost:8787/mk//":    "http://localhost:8787/mk",
		"http://notmoneykit.com":        "http://notmoneykit.com",
		"http://api.moneykit.com.local": "http://api.moneykit.com.local",
	} {
		got, err := weburl.CheckBase(base)
		require.NoError(t, err, base)
		assert.Equal(t, want, got)
	}
	for base, want := range map[string]string{
		"http://api.moneykit.com":       "must begin with https:// for MoneyKit itself",
		"http://API.MoneyKit.com":       "must begin with https:// for MoneyKit itself",
		"http://api.moneykit.com.":      "must begin with https:// for MoneyKit itself",
		"http://moneykit.com..":         "must begin with https:// for MoneyKit itself",
		"http://api.moneykit.com.:80":   "must begin with https:// for MoneyKit itself",
		"http://%61pi.moneykit.com":     "must be a URL",
		"http://api。moneykit。com":       "must have a host in ASCII",
		"http://api.moneykit\u00ad.com": "must have a host in ASCII",
		"ftp://api.moneykit.com":        "must begin with https:// or http://",
		"https://user:pass@example.com": "must not have credentials",
		"https://example.com?":          "must not have a query",
		"https://example.com/#a":        "must not have a fragment",
		"https://:443":                  "must have a host",
	} {
		_, err := weburl.CheckBase(base)
		assert.EqualError(t, err, want, base)
	}
}

func TestSamePage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"https://example.com", "https://example.com/", true},
		{"https://example.com:443/a", "https://EXAMPLE.com/a", true},
		{"http://localhost:80/a", "http://localhost/a", true},
		{"https://example.com:80/a", "https://example.com/a", false},
		{"http://example.com/a", "https://example.com/a", false},
		{"https://example.com/a", "https://example.com/a/", false},
		{"https://example.com/%61", "https://example.com/a", false},
	} {
		a, err := url.Parse(tt.a)
		require.NoError(t, err)
		b, err := url.Parse(tt.b)
		require.NoError(t, err)
		assert.Equal(t, tt.want, weburl.SamePage(a, b), "%s and %s", tt.a, tt.b)
		assert.Equal(t, tt.want, weburl.SamePage(b, a), "%s and %s", tt.b, tt.a)
	}
}

func TestIsClean(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{
		"/": true, "/a": true, "/a/": true, "/a/b": true,
		"": false, "a": false, "//": false, "/a//b": false, "/a/../b": false, "/./a": false,
	} {
		assert.Equal(t, want, weburl.IsClean(p), p)
	}
}

func TestIsSecure(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		"https://example.com": true, "http://localhost:3000": true, "http://127.0.0.2": true, "http://[::1]:80": true,
		"http://example.com": false, "https://": false, "http://localhost.example.com": false, "myapp://localhost": false,
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		assert.Equal(t, want, weburl.IsSecure(u), raw)
	}
}

func TestCheckOrigin(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{
		"https://a.example": "https://a.example", "https://a.example/": "https://a.example",
		"HTTPS://A.Example:443": "https://a.example", "http://a.example:80/": "http://a.example",
		"http://a.example:443": "http://a.example:443", "https://[::1]:8443": "https://[::1]:8443",
		"capacitor://localhost": "capacitor://localhost", "https://xn--4ca.example": "https://xn--4ca.example",
	} {
		got, err := weburl.CheckOrigin(origin)
		require.NoError(t, err, origin)
		assert.Equal(t, want, got)
	}
	for _, origin := range []string{
		"", "/", "*", "null", "a.example", "//a.example", "https://", "https:", "https://:443", "https://a.example:", "https://a.example//",
		"https://a.example/b", "https://a.example?", "https://a.example#", "https://a.example?b", "https://user@a.example",
		"https://*.example", "https://ä.example", "https://a.example;", "https://a.example https://b.example", "https://%zz", "https://a.example\n",
	} {
		_, err := weburl.CheckOrigin(origin)
		require.ErrorContains(t, err, "must ", "%q", origin)
	}
}
