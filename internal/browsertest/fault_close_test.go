package browsertest

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// phase is a screen of Connect, the way to it, and the user's input there.
type phase struct {
	reach  func(frame tab)
	act    func(frame tab)
	action string // of the step that follows
}

// signedIn returns a function that signs a test user in at the Credentials Bank, up to a screen.
func signedIn(user, screen string) func(tab) {
	return func(frame tab) {
		frame.t.Helper()
		toCredentials(frame)
		fillIn(frame, "Credentials", map[string]string{"username": user, "password": "pass_good"})
		submit(frame, "Credentials")
		shown(frame, screen)
	}
}

// phases are all screens of a new link but the last.
var phases = map[string]phase{
	"Finder": {
		func(frame tab) { shown(frame, "Finder") },
		func(frame tab) { pick(frame, moneykittest.CredentialsBank) }, "choose",
	},
	"Permissions": {
		func(frame tab) { pick(frame, moneykittest.CredentialsBank); shown(frame, "Permissions") },
		func(frame tab) { submit(frame, "Permissions") }, "permissions",
	},
	"Credentials": {toCredentials, func(frame tab) { submit(frame, "Credentials") }, "credentials"},
	"OTP Device": {
		signedIn("user_otp", "OTP Device"),
		func(frame tab) { submit(frame, "OTP Device") }, "device",
	},
	"OTP": {
		func(frame tab) {
			signedIn("user_otp", "OTP Device")(frame)
			submit(frame, "OTP Device")
			shown(frame, "OTP")
		},
		func(frame tab) { submit(frame, "OTP") }, "otp",
	},
	"Security Question": {
		signedIn("user_question", "Security Question"),
		func(frame tab) { submit(frame, "Security Question") }, "mfa",
	},
	"Waiting": {signedIn("user_slow", "Waiting"), waited, "poll"},
	"OAuth": {
		func(frame tab) {
			pick(frame, moneykittest.OAuthBank)
			submit(frame, "Permissions")
			shown(frame, "OAuth")
		},
		func(frame tab) { frame.click("[data-bank=open]") }, "oauth",
	},
	"Accounts": {signedIn("user_good", "Accounts"), func(frame tab) { submit(frame, "Accounts") }, "accounts"},
	"Error":    {signedIn("user_down", "Error"), func(frame tab) { frame.click("[data-action=retry]") }, "retry"},
}

// hurryLeaving makes the timeouts of a frame short, and removes those that would keep the
// application from getting the end within two seconds. The package and connect.js take 0.6 seconds.
func hurryLeaving(frame tab) {
	frame.t.Helper()
	frame.do(`const timeout = AbortSignal.timeout;
		AbortSignal.timeout = (ms) => ms > 1400 ? new AbortController().signal : timeout.call(AbortSignal, 20)`)
}

// ways are the kinds of responses to a step while the user closes Connect.
var ways = map[string]func(w *wire, frame tab, p phase){
	"idle": func(*wire, tab, phase) {},
	"step hangs": func(w *wire, frame tab, p phase) {
		w.next("leave", hanging)
		w.next(p.action, hanging)
		hurryLeaving(frame)
		p.act(frame)
		assert.True(frame.t, within(func() bool { return w.count(p.action) > 0 }))
	},
	"step fails": func(w *wire, frame tab, p phase) {
		w.next("leave", html(http.StatusBadGateway))
		w.next(p.action, html(http.StatusBadGateway), broken)
		p.act(frame)
		tryAgain(frame)
		frame.until(isTroubled)
	},
	"response is late": func(w *wire, frame tab, p phase) {
		w.next(p.action, held(frame.t.Context().Done()))
		p.act(frame)
		assert.True(frame.t, within(func() bool { return w.count(p.action) > 0 }))
	},
}

// Users can close Connect at any time, also while a step gets no response and when it has failed.
func TestCloseInEachPhase(t *testing.T) {
	t.Parallel()
	for name, p := range phases {
		for way, happen := range ways {
			if (way == "step fails" || way == "response is late") && !slices.Contains([]string{"Credentials", "OAuth", "Accounts"}, name) {
				continue // The other screens have nothing more that could go wrong.
			}
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, nil)
				w := s.disturb()
				b := s.visit()
				b.click("#link")
				frame := s.frame(b, "start")
				p.reach(frame)
				happen(w, frame, p)
				b.do("addEventListener('message', ({ data }) => { if (data?.type !== 'link.event') (window.heard ??= []).push(data?.type) })")
				leave(frame)
				b.until("document.querySelector('#status').textContent !== ''")
				b.gone(s.host.URL + "/start")
				assert.Equal(t, 1, s.count("result"))
				if name == "Accounts" && way == "response is late" { // The step was the last one.
					assert.Equal(t, []string{"link.complete"}, eval[[]string](b, "heard"))
					assert.Len(t, s.stored(), 1)
					return
				}
				assert.Equal(t, []string{"link.exit"}, eval[[]string](b, "heard"))
				s.hears("exited")
				assert.Empty(t, s.stored())
				switch {
				case name == "Error" && way == "idle":
					assert.Contains(t, s.lastResult(), "moneykittest.institution_error")
				case way != "response is late": // Then the user may have entered something wrong before.
					assert.JSONEq(t, `{"result": [null]}`, s.lastResult())
				}
				b.gone(s.host.URL + bankPath)
				assert.Empty(t, b.said())
			})
		}
	}
}

// Before the first screen, and without a server, there is nothing to ask before leaving.
func TestCloseBeforeFirstScreen(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{"hangs": hanging, "fails": html(http.StatusBadGateway)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			w := s.disturb()
			w.next("open", f)
			w.next("leave", f)
			b := s.visit()
			b.click("#link")
			frame := b.find("iframe", s.host.URL+"/start")
			assert.True(t, within(func() bool { return w.count("open") > 0 }))
			hurryLeaving(frame)
			frame.click("#close")
			shows(b, "Connect: exited")
			s.heardOnly([]string{"exited"})
		})
	}
}

// After success Connect sends the end again until it arrives, unless the user closes Connect a
// second time.
func TestCloseAfterSuccess(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		faults []fault
		leave  fault
		shows  string
	}{
		"idle":                 {nil, nil, "linked"},
		"end fails once":       {[]fault{html(http.StatusBadGateway)}, nil, "linked"},
		"end hangs":            {[]fault{hanging}, nil, "linked"},
		"server does not come": {[]fault{hanging}, hanging, "exited"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			w := s.disturb()
			w.next("done", tc.faults...)
			if tc.leave != nil {
				w.next("leave", tc.leave)
			}
			b := s.visit()
			b.click("#link")
			frame := s.frame(b, "start")
			pick(frame, moneykittest.InstantBank)
			submit(frame, "Permissions")
			submit(frame, "Accounts")
			shown(frame, "Success")
			if tc.leave != nil {
				hurryLeaving(frame)
			}
			frame.click("#close")
			if tc.faults != nil {
				assert.True(t, within(func() bool { return w.count("done") > 0 }))
				frame.click("#close")
			}
			shows(b, tc.shows)
			if tc.shows == "linked" {
				assert.Len(t, s.stored(), 1)
				s.hears("success")
			} else {
				s.hears("exited")
			}
			assert.Equal(t, 1, s.count("result"))
		})
	}
}

// A user who stays continues at the same screen, even if the screen has changed behind the
// question.
func TestStay(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	release := make(chan struct{})
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	toCredentials(frame)
	w.next("credentials", held(release))
	fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "pass_good"})
	submit(frame, "Credentials")
	frame.click("#close")
	frame.until("document.querySelector('#leave').open")
	close(release)
	shown(frame, "Accounts")
	assert.True(t, eval[bool](frame, "document.querySelector('#leave').open"))
	frame.click("#leave button:not([value])")
	frame.until("!document.querySelector('#leave').open")
	submit(frame, "Accounts")
	submit(frame, "Success")
	shows(b, "linked")
}

// A relink that the user leaves does not change the link.
func TestCloseRelink(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	link := s.add(moneykittest.CredentialsBank)
	s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	w := s.disturb()
	w.next("leave", hanging)
	b := s.visit()
	b.click(".relink[value=" + connect.LinkHandle(user, link.ID) + "]")
	frame := s.frame(b, "relink")
	submit(frame, "Reconnect")
	shown(frame, "Credentials")
	w.next("credentials", hanging)
	hurryLeaving(frame)
	submit(frame, "Credentials")
	leave(frame)
	shows(b, "Connect: exited")
	assert.Equal(t, link.ID, s.stored()[0].ID)
}
