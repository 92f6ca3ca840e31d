package connect_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// corsHeaders returns the names of the CORS headers of a response.
func corsHeaders(header http.Header) (names []string) {
	for name := range header {
		if strings.HasPrefix(name, "Access-Control-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func preflight(tb testing.TB, endpoint, origin string) *http.Request {
	tb.Helper()
	r := newRequest(tb, "", endpoint, nil)
	r.Method = http.MethodOptions
	r.Header = http.Header{
		"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"},
		"Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type"},
	}
	return r
}

func TestCORSForTrustedOrigins(t *testing.T) {
	t.Parallel()
	origins := map[string]string{ // as a browser sends it, and as it is configured
		"https://app.example":     "https://app.example",
		"http://localhost:3000":   "http://localhost:3000",
		"https://upper.example":   "HTTPS://Upper.example",
		"https://port.example":    "https://port.example:443",
		"capacitor://localhost":   "capacitor://localhost",
		"https://[::1]:8443":      "https://[::1]:8443",
		"https://xn--4ca.example": "https://xn--4ca.example",
	}
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		for _, origin := range origins {
			c.TrustedOrigins = append(c.TrustedOrigins, origin)
		}
	})
	readable := []string{"Access-Control-Allow-Credentials", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}
	for origin := range origins {
		for endpoint, body := range map[string]string{
			"session": "", "relink": "{}", "result": `{"result":null}`, "event": `{"name":"open"}`, "nowhere": "",
		} {
			w := s.serve(t, preflight(t, endpoint, origin))
			if endpoint == "nowhere" {
				refused(t, w, http.StatusNotFound, "not_found")
			} else {
				assert.Equal(t, http.StatusNoContent, w.Code)
				assert.Equal(t, "POST", w.Header().Get("Access-Control-Allow-Methods"))
				assert.Equal(t, "Authorization, Content-Type", w.Header().Get("Access-Control-Allow-Headers"))
				assert.NotEmpty(t, w.Header().Get("Access-Control-Max-Age"))
			}

			// Refusals can be read, too.
			for _, user := range []string{me, ""} {
				r := newRequest(t, user, endpoint, strings.NewReader(body))
				r.Header.Set("Origin", origin)
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				w = s.serve(t, r)
				assert.NotEqual(t, http.StatusForbidden, w.Code)
				assert.Equal(t, []string{origin}, w.Header().Values("Access-Control-Allow-Origin"))
				assert.Equal(t, []string{"true"}, w.Header().Values("Access-Control-Allow-Credentials"))
				assert.Equal(t, []string{"Origin"}, w.Header().Values("Vary"))
				assert.Equal(t, readable, corsHeaders(w.Header()))
			}
		}
	}
}

func TestCORSForNobodyElse(t *testing.T) {
	t.Parallel()
	for name, trusted := range map[string][]string{"none": nil, "one": {"https://app.example"}} {
		s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.TrustedOrigins = trusted })
		for _, origin := range []string{
			"https://evil.example", "https://app.example.evil.example", "http://app.example", "https://app.example:444",
			"https://app.example/", "https://APP.example", "https://app.example https://app.example", "null", "*", "https://example.com",
		} {
			for _, endpoint := range []string{"session", "relink", "result", "event"} {
				problem := refused(t, s.serve(t, preflight(t, endpoint, origin)), http.StatusForbidden, "cross_origin")
				assert.NotContains(t, problem.Message, "our side")
				for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodOptions} {
					r := newRequest(t, me, endpoint, nil)
					r.Method = method
					r.Header.Set("Origin", origin)
					w := s.serve(t, r)
					assert.Empty(t, corsHeaders(w.Header()), "%s %s", name, origin)
					assert.Equal(t, trusted != nil, slices.Equal(w.Header().Values("Vary"), []string{"Origin"}))
				}
			}
			w := s.serve(t, preflight(t, "nowhere", origin))
			refused(t, w, http.StatusNotFound, "not_found")
			assert.Empty(t, corsHeaders(w.Header()))
		}
		w := s.post(t, me, "session", "")
		require.Equal(t, http.StatusOK, w.Code)
		assert.Empty(t, corsHeaders(w.Header()))
	}
}

// Pages of other origins must not read the return page and its query.
func TestCORSNotForReturnPage(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.TrustedOrigins = []string{"https://app.example"} })
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		r := preflight(t, "../oauth?code=1", "https://app.example")
		r.URL.Path, r.Method = "/oauth", method
		w := visitRequest(s.handler, r)
		assert.Empty(t, corsHeaders(w.Header()))
		checkGuards(t, w)
	}
}
