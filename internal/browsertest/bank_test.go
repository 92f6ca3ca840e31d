package browsertest

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// answers are the choices of users on the bank's page, and the results that the application shows
// and stores.
var answers = map[string]struct {
	allow bool
	shows string
	links int
}{
	"allowed": {true, "OAuth Bank: linked", 1},
	"refused": {false, "user_oauth_denied", 0},
}

// finish ends Connect in the frame after the user has allowed or refused access.
func finish(frame tab, allow bool) {
	frame.t.Helper()
	if allow {
		goOn(frame)
	} else {
		giveUp(frame)
	}
}

func TestPopup(t *testing.T) {
	t.Parallel()
	for name, tc := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			b := s.visit()
			b.click("#link")
			choose(s.frame(b, "start"), moneykittest.OAuthBank)
			answer(b.find("page", s.host.URL+bankPath), tc.allow)
			finish(s.frame(b, "start"), tc.allow)
			shows(b, tc.shows)
			assert.Len(t, s.stored(), tc.links)
			b.gone(s.origin + "/connect/oauth") // The window is closed.
			assert.Empty(t, b.said())
		})
	}
}

func TestFullPage(t *testing.T) {
	t.Parallel()
	for name, tc := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			b := s.visit()
			b.click("#link")
			goToBank(s.frame(b, "start"))
			b.until("location.pathname === '" + bankPath + "'")
			answer(b, tc.allow)
			finish(s.frame(b, "continue"), tc.allow)
			shows(b, tc.shows)
			assert.Equal(t, s.origin+"/", eval[string](b, "location.href"))
			assert.Len(t, s.stored(), tc.links)
			assert.Equal(t, "0", eval[string](b, "String(sessionStorage.length)"), "nothing is kept afterwards")

			// A reload does not continue again.
			b.open(s.origin + "/")
			b.until(isReady)
			assert.Equal(t, 1, s.count("session"))
			assert.Equal(t, 1, s.count("result"))
		})
	}
}

// The page stores the relinked link, the theme and the host before the user leaves it.
func TestRelinkAfterFullPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	other := s.add(moneykittest.InstantBank)
	link := s.add(moneykittest.OAuthBank)
	s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	b := s.visit()
	b.click(".relink[value=" + connect.LinkHandle(user, link.ID) + "]")
	goToBank(s.frame(b, "relink"))
	b.until("location.pathname === '" + bankPath + "'")

	// Meanwhile the user links another bank in another window of this browser.
	second := b.beside()
	second.open(s.origin + "/")
	second.click("#link")
	leave(s.frame(second, "start"))
	shows(second, "exited")

	answer(b, true)
	goOn(s.frame(b, "continue"))
	shows(b, "OAuth Bank: relinked")
	links := s.stored()
	assert.Equal(t, []string{other.ID, link.ID}, []string{links[0].ID, links[1].ID})
	assert.Equal(t, moneykit.LinkStateConnected, links[1].State)
	assert.Contains(t, s.results[len(s.results)-1], `"link":"`+connect.LinkHandle(user, link.ID)+`"`)
}

// A bank's page that cuts the connection to the window that opened it does not end the flow.
func TestBankCutsOpener(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.around = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == bankPath {
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		}
		return false
	}
	b := s.visit()
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.OAuthBank)
	answer(b.find("page", s.host.URL+bankPath), true)
	goOn(s.frame(b, "continue"))
	shows(b, "OAuth Bank: linked")
	assert.Contains(t, b.said(), "same-origin-allow-popups")
	assert.Len(t, s.stored(), 1)
}

// A page with this policy has no access to windows that it opens. Connect opens the bank in its
// place.
func TestOpenerPolicyOfPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.header.Set("Cross-Origin-Opener-Policy", "same-origin")
	b := s.visit()
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	shows(b, "Instant Bank: linked")

	b.click("#link")
	frame := s.frame(b, "start")
	choose(frame, moneykittest.OAuthBank)
	frame.click("[data-bank=here]")
	b.until("location.pathname === '" + bankPath + "'")
	answer(b, true)
	goOn(s.frame(b, "continue"))
	shows(b, "OAuth Bank: linked")
	assert.Len(t, s.stored(), 2)
}

// The page of the redirect URI may be the application's own.
func TestOwnReturnPage(t *testing.T) {
	t.Parallel()
	for name, popup := range map[string]bool{"popup": true, "full page": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *connect.Config) { c.ReturnPage.Script = "/own.js" })
			s.own = bundle(t, probe+"window.go(window.connect.resume(location.href));", false)
			b := s.visit()
			b.click("#link")
			if popup {
				choose(s.frame(b, "start"), moneykittest.OAuthBank)
				answer(b.find("page", s.host.URL+bankPath), true)
				goOn(s.frame(b, "start"))
				shows(b, "OAuth Bank: linked")
				b.gone(s.origin + "/connect/oauth")
				return
			}
			goToBank(s.frame(b, "start"))
			b.until("location.pathname === '" + bankPath + "'")
			answer(b, true)
			goOn(s.frame(b, "continue"))
			b.until("location.pathname === '/connect/oauth'")
			assert.Equal(t, "linked", settled(b)["outcome"])
			assert.Len(t, s.stored(), 1)
		})
	}
}

// openedByAnother opens the page in a window that a page of another site opens.
func (s *site) openedByAnother() tab {
	s.t.Helper()
	portal := newTab(s.t)
	portal.open(serve(s.t, http.NotFoundHandler()).URL)
	portal.do("window.open('" + s.origin + "/')")
	b := portal.find("page", s.origin+"/")
	b.until(isReady)
	return b
}

// A second call, as React's strict mode makes, must not treat the page as a window of the bank.
func TestOwnReturnPageContinuesTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *connect.Config) { c.ReturnPage.Script = "/own.js" })
	s.own = bundle(t, probe+`window.go(window.connect.resume(location.href));
addEventListener("pageshow", () => setTimeout(() => { window.again = connect.resume(location.href); }));`, false)
	release := make(chan struct{})
	s.around = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/continue" {
			<-release
		}
		return false
	}
	b := s.openedByAnother()
	b.click("#link")
	goToBank(s.frame(b, "start"))
	b.until("location.pathname === '" + bankPath + "'")
	answer(b, true)
	b.early("location.pathname === '/connect/oauth' && document.querySelector('iframe')")
	close(release)
	goOn(s.frame(b, "continue"))
	assert.Equal(t, "linked", settled(b)["outcome"])
	assert.Equal(t, "linked", eval[string](b, "again.then((result) => result?.outcome ?? 'none')"))
}

// A page may continue long after it was loaded. A window that it then opens must not treat it as a
// page that the user has left.
func TestFullPageContinuesLate(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	release := make(chan struct{})
	s.around = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/continue" {
			<-release
		}
		return false
	}
	b := s.probed("{}")
	b.do("go(connect.link())")
	goToBank(s.frame(b, "start"))
	b.until("location.pathname === '" + bankPath + "'")
	answer(b, true)
	b.until("location.pathname === '/' && window.connect")
	const left = "JSON.parse(sessionStorage.getItem('moneykit.connect.start')).left"
	assert.True(t, eval[bool](b, left))
	b.do("go(connect.resume())")
	b.until("document.querySelector('iframe')")
	assert.False(t, eval[bool](b, left))
	close(release)
	goOn(s.frame(b, "continue"))
	assert.Equal(t, "linked", settled(b)["outcome"])
}

// The application's own page at the redirect URI posts a result that was not stored.
func TestOwnReturnPageKeepsResult(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *connect.Config) { c.ReturnPage.Script = "/own.js" })
	s.own = bundle(t, probe+"window.go(window.connect.resume(location.href));", false)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/connect/result" {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error": {"code": "unauthenticated", "message": "Please log in again.", "action": "none"}}`)
		return true
	}
	b := s.visit()
	b.click("#link")
	goToBank(s.frame(b, "start"))
	b.until("location.pathname === '" + bankPath + "'")
	answer(b, true)
	goOn(s.frame(b, "continue"))
	b.until("location.pathname === '/connect/oauth'")
	assert.Equal(t, "unauthenticated", settled(b)["code"])
	s.mend()
	b.open(eval[string](b, "location.href"))
	assert.Equal(t, "linked", settled(b)["outcome"])
	assert.Len(t, s.stored(), 1)
}

// The npm package treats a page that has an opener as a window of the bank. Any other page may have
// opened the application.
func TestFullPageWithOpener(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.openedByAnother()
	b.click("#link")
	goToBank(s.frame(b, "start"))
	b.until("location.pathname === '" + bankPath + "'")
	answer(b, true)
	goOn(s.frame(b, "continue"))
	shows(b, "OAuth Bank: linked")
	assert.True(t, eval[bool](b, "window.opener !== null"), "the page keeps its opener")
	assert.Len(t, s.stored(), 1)
}

// The user has left the page while the bank's window is still open. The flow continues in that
// window.
func TestPageIsClosedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.OAuthBank)
	bank := b.find("page", s.host.URL+bankPath)
	b.open("about:blank")
	answer(bank, true)
	goOn(s.frame(bank, "continue"))
	shows(bank, "OAuth Bank: linked")
	assert.Equal(t, s.origin+"/", eval[string](bank, "location.href"))
	assert.Len(t, s.stored(), 1)
}
