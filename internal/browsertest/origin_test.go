package browsertest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// The page of one origin uses the endpoints of another. It imports connect.js from there.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	front := serve(t, mux)
	origin := strings.Replace(front.URL, "127.0.0.1", "localhost", 1)
	s := newSite(t, func(c *connect.Config) { c.TrustedOrigins = []string{origin} })
	s.addPage(mux)
	s.server, s.origin = s.origin, origin
	b := s.visit()
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	shows(b, "Instant Bank: linked")
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.OAuthBank)
	answer(b.find("page", s.host.URL+bankPath), true)
	goOn(s.frame(b, "start"))
	shows(b, "OAuth Bank: linked")
	assert.Len(t, s.stored(), 2)
	assert.Empty(t, b.said())
}

func TestUntrustedOrigin(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	front := serve(t, mux)
	s := newSite(t, nil)
	s.addPage(mux)
	// The page has a copy of connect.js.
	mux.HandleFunc("GET /connect/connect.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "../../connect/connect.js")
	})
	server := s.origin
	s.origin = strings.Replace(front.URL, "127.0.0.1", "localhost", 1)
	b := s.probed("{ base: '" + server + "/connect/' }")
	assert.Contains(t, fails(b, "offline")["detail"], "connect.Config.TrustedOrigins does not have "+s.origin)
}
