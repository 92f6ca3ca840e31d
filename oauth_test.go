package moneykit_test

import (
	"strings"
	"testing"

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
	"https://user@example.com/":       "must not hold credentials",
	"https://user:secret@example.com": "must not hold credentials",
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
