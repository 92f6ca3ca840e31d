package browsertest

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// fails calls link, which must fail, and returns the error.
func fails(b tab, code string) map[string]any {
	b.t.Helper()
	b.do("go(connect.link())")
	told := settled(b)
	assert.Equal(b.t, code, told["code"], told)
	assert.Regexp(b.t, `^[A-Z].*\.$`, told["error"], "a sentence for the user")
	b.until("document.querySelector('iframe') === null")
	return told
}

func TestHostIsUnreachable(t *testing.T) {
	t.Parallel()
	silent := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<p>An error page") }))
	unframed := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Frame-Options", "DENY") }))
	hosts := map[string]string{"nobody listens": "http://" + steadyAddress(t), "other page": silent.URL, "not in a frame": unframed.URL}
	for name, host := range hosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *connect.Config) { c.Host = host })
			b := s.probed("{ patience: 0.5 }")
			told := fails(b, "unreachable")
			assert.Contains(t, told["error"], "could not open")
			assert.Contains(t, told["detail"], host)
			assert.Contains(t, b.said(), "unreachable")
			fails(b, "unreachable") // It can be tried again.
		})
	}
}

func TestHostMismatch(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	// The host of Connect's pages sends the frame to another one.
	s.around = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/start" {
			http.Redirect(w, r, s.mk.URL()+r.URL.RequestURI(), http.StatusFound)
		}
		return r.URL.Path == "/start"
	}
	b := s.probed("{}")
	told := fails(b, "host_mismatch")
	assert.Contains(t, told["detail"], "come from "+s.mk.URL()+", but the back end says "+s.host.URL)
	assert.Contains(t, b.said(), "connect.Config.Host")
}

// The return page may be configured separately.
func TestHostMismatchOfReturnPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	other, err := connect.ReturnPage(connect.ReturnPageConfig{RedirectURI: s.origin + "/connect/oauth"}) // for MoneyKit itself
	require.NoError(t, err)
	s.returns = other
	b := s.probed("{}")
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.OAuthBank)
	answer(b.find("page", s.host.URL+bankPath), true)
	told := settled(b)
	assert.Equal(t, "host_mismatch", told["code"])
	assert.Contains(t, told["detail"], "the return page expects Connect's pages at https://connect.moneykit.com")
}

func TestPolicyBlocksFrame(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.header.Set("Content-Security-Policy", "default-src 'self'; script-src 'self' 'nonce-nonce'")
	b := s.probed("{}")
	assert.Contains(t, fails(b, "blocked")["detail"], `add "frame-src `+s.host.URL+`"`)
}

func TestApplicationRemovesFrame(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.probed("{ onEvent: (event) => { (window.events ??= []).push(event.name); } }")
	b.do("go(connect.link())")
	s.frame(b, "start")
	b.do("document.querySelector('iframe').remove()")
	assert.Equal(t, map[string]any{"outcome": "exited"}, settled(b))
	s.hears("exited")

	// The package still listens for the removed frame, and receives messages of the next one.
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	assert.Equal(t, "linked", settled(b)["outcome"])
	names := eval[[]string](b, "window.events")
	assert.Len(t, slices.DeleteFunc(names, func(name string) bool { return name != "success" }), 1)
}

func TestOptionsAreWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.probed("{ containerID: 'missing' }")
	assert.Contains(t, fails(b, "failed")["detail"], "missing")
	for _, call := range []string{"start({})", "start()", "start({ MoneyKit: {}, moneyui: {} })"} {
		text := eval[string](b, `import("/connect/connect.js").then(({ start }) => `+call+`).then(() => "", String)`)
		assert.Contains(t, text, "TypeError: start needs the exports")
	}

	s = newSite(t, nil)
	b = s.probed("{ base: '/elsewhere' }")
	assert.Contains(t, fails(b, "invalid_response")["detail"], s.origin+"/elsewhere/ answered with status 404")
}

func TestBackEndFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		respond    http.HandlerFunc
		code, says string
	}{
		"logged out": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error": {"code": "unauthenticated", "message": "Please log in again.", "action": "none"}}`)
		}, "unauthenticated", "Please log in again."},
		"too often": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"error": {"code": "rate_limited", "message": "Too often.", "action": "retry_later", "retry_after": 42}}`)
		}, "rate_limited", "Too often."},
		"proxy": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<h1>Bad gateway", http.StatusBadGateway)
		}, "invalid_response", "Something went wrong on our side. Please try again later."},
		"login page": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<h1>Log in")
		}, "invalid_response", "Something went wrong on our side. Please try again later."},
		"other JSON": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"call": "link"}`)
		}, "invalid_response", "Something went wrong on our side. Please try again later."},
		"connection lost": {cut, "offline", "We could not reach the server. Please check your internet connection and try again."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			s.before = func(w http.ResponseWriter, r *http.Request) bool { tc.respond(w, r); return true }
			b := s.probed("{}")
			told := fails(b, tc.code)
			assert.Equal(t, tc.says, told["error"])
			if name == "too often" {
				assert.InDelta(t, 42, told["retryAfter"], 0)
			}
			s.mend()
			b.do("go(connect.link())")
			choose(s.frame(b, "start"), moneykittest.InstantBank)
			assert.Equal(t, "linked", settled(b)["outcome"])
		})
	}
}

// cut closes the connection without a response.
func cut(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// A token works once, so the result is posted until it is stored.
func TestResultIsRetried(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	var posts atomic.Int32
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/connect/result" {
			return false
		}
		switch posts.Add(1) {
		case 1:
			http.Error(w, "", http.StatusServiceUnavailable)
		case 2:
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"error": {"code": "not_connected", "message": "One moment.", "action": "wait"}}`)
		default:
			return false
		}
		return true
	}
	b := s.probed("{}")
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	assert.Equal(t, "linked", settled(b)["outcome"])
	assert.Equal(t, [][]any{
		{"Something went wrong on our side. Please try again later.", 1.0}, {"One moment.", 2.0},
	}, eval[[][]any](b, "waits"))
	assert.Len(t, s.stored(), 1)
}

// A result that could not be stored is posted when the user retries, and after a reload.
func TestResultIsKept(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(s *site, b tab){
		"link": func(_ *site, b tab) { b.do("go(connect.link())") },
		"reload": func(s *site, b tab) {
			b.open(s.origin + "/")
			b.until("window.connect")
			b.do("go(connect.resume())")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			loggedOut := func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/result") {
					return false
				}
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, `{"error": {"code": "unauthenticated", "message": "Please log in again.", "action": "none"}}`)
				return true
			}
			s.before = loggedOut
			b := s.probed("{}")
			b.do("go(connect.link())")
			choose(s.frame(b, "start"), moneykittest.InstantBank)
			assert.Equal(t, "unauthenticated", settled(b)["code"])
			assert.Empty(t, s.stored())

			s.mend()
			again(s, b)
			assert.Equal(t, "linked", settled(b)["outcome"])
			assert.Len(t, s.stored(), 1)
			assert.Equal(t, 1, s.count("session"), "Connect is not opened again")
			assert.Equal(t, "0", eval[string](b, "String(sessionStorage.length)"))
		})
	}
}

// The user may leave the page as soon as Connect has called back.
func TestPageIsLeftAfterSuccess(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.probed(`{}; addEventListener("message", ({ data }) => { if (data?.type === "link.complete") location.replace("/?left"); })`)
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	b.until("location.search === '?left' && window.connect")
	b.do("go(connect.resume())")
	assert.Equal(t, "linked", settled(b)["outcome"])
	assert.Len(t, s.stored(), 1)
	assert.Equal(t, "0", eval[string](b, "String(sessionStorage.length)"))
}

// A bank may take long to connect a link again. The user can link another meanwhile.
func TestLinkWhileRelinkWaits(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	link := s.add(moneykittest.InstantBank)
	s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	handle := connect.LinkHandle(user, link.ID)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if r.URL.Path != "/connect/result" || !strings.Contains(string(body), handle) {
			return false
		}
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"error": {"code": "not_connected", "message": "One moment.", "action": "wait", "retry_after": 100}}`)
		return true
	}
	b := s.probed("{}")
	b.do("go(connect.relink('" + handle + "'))")
	choose(s.frame(b, "relink"), moneykittest.InstantBank)
	assert.Equal(t, "not_connected", settled(b)["code"])
	b.do("go(connect.relink('" + handle + "'))")
	assert.Equal(t, "not_connected", settled(b)["code"])
	assert.Equal(t, 1, s.count("relink"), "the user has done it already")
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	assert.Equal(t, "linked", settled(b)["outcome"])
}

// A result that will never be stored is dropped, and does not keep the user from linking.
func TestResultIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/result") {
			return false
		}
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"error": {"code": "expired", "message": "Please start again.", "action": "gone"}}`)
		return true
	}
	b := s.probed("{}")
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	assert.Equal(t, "expired", settled(b)["code"])
	s.mend()
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	assert.Equal(t, "linked", settled(b)["outcome"])
}

// An exit resolves even if it cannot be posted to the back end.
func TestExitIsNotPosted(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/result") {
			cut(w, r)
			return true
		}
		return false
	}
	b := s.probed("{}")
	b.do("go(connect.link())")
	leave(s.frame(b, "start"))
	assert.Equal(t, map[string]any{"outcome": "exited"}, settled(b))
}

func TestSessionExpired(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	s.mk.Advance(24 * time.Hour)
	choose(frame, moneykittest.InstantBank)
	giveUp(frame)
	shows(b, "expired")
	assert.Empty(t, s.stored())
}
