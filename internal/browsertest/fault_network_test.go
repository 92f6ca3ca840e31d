package browsertest

import (
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// linkedNames are the events of a user who enters a wrong password once, and then links the bank.
var linkedNames = []string{
	"open", "change_screen", "search_institution", "select_institution", "change_screen", "submit_permissions", "change_screen",
	"submit_credentials", "error", "submit_credentials", "change_screen", "submit_accounts", "change_screen", "success",
}

// linkWithFaults links a bank while each step of the user fails once, unless f is nil. hangs means
// that the steps fail by a timeout.
func linkWithFaults(t *testing.T, f fault, hangs bool) {
	t.Helper()
	s := newSite(t, nil)
	w := s.disturb()
	again := func(frame tab, action string) {
		if hangs {
			require.True(t, within(func() bool { return w.count(action) > 0 }), action)
			runOut(frame)
		}
		if f != nil {
			tryAgain(frame)
		}
	}
	for _, action := range []string{"choose", "permissions", "credentials", "accounts", "done"} {
		if f != nil {
			w.next(action, f)
		}
	}
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	holdTimeouts(frame)
	frame.do("search.value = 'bank'; search.dispatchEvent(new Event('input', { bubbles: true }))")
	pick(frame, moneykittest.CredentialsBank)
	again(frame, "choose")
	submit(frame, "Permissions")
	again(frame, "permissions")
	fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "wrong"})
	submit(frame, "Credentials")
	again(frame, "credentials")
	frame.until("document.querySelector('[aria-invalid]')")
	assert.Equal(t, "user_good", eval[string](frame, "document.querySelector('#username').value"))
	fillIn(frame, "Credentials", map[string]string{"password": "pass_good"})
	submit(frame, "Credentials")
	submit(frame, "Accounts")
	again(frame, "accounts")
	submit(frame, "Success")
	again(frame, "done")
	shows(b, "Credentials Bank: linked")
	s.heardOnly(linkedNames)
	assert.Len(t, s.stored(), 1)
	assert.Equal(t, 1, s.count("result"))
	assert.Empty(t, b.said())
	assert.NotContains(t, frame.said(), "exception")
}

// The user can retry a step that fails. It is not carried out twice.
func TestFaultOfSteps(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{
		"connection closed": broken, "response lost": lost,
		"status 500": html(http.StatusInternalServerError), "status 502": html(http.StatusBadGateway), "login page": html(http.StatusOK),
		"other JSON": other(`{"error": "no"}`), "null": other("null"), "empty": other(""), "array": other(`["html"]`),
		"other HTML":            other(`{"html": "<p>Sorry"}`),
		"end of something else": other(`{"over": true}`), "messages": other(`{"html": "", "messages": "x"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			linkWithFaults(t, f, false)
		})
	}
	for name, f := range map[string]fault{"no response": hanging, "no response after the step": hangingAfter} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			linkWithFaults(t, f, true)
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		linkWithFaults(t, nil, false)
	})
}

// The browser sends a step again by itself. It does not count as a second wrong password.
func TestBrowserRepeatsStep(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	toCredentials(frame)
	for range 4 { // The fifth wrong password would lock the user out.
		w.next("credentials", lostSilently)
		fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "wrong"})
		submit(frame, "Credentials")
		frame.until("document.querySelector('main').ariaBusy === 'false' || " + isTroubled)
		frame.do("document.querySelector('#trouble button')?.click()")
		frame.until("document.querySelector('main').ariaBusy === 'false' && document.querySelector('[aria-invalid]')")
	}
	assert.Greater(t, w.count("credentials"), 4)
	fillIn(frame, "Credentials", map[string]string{"password": "pass_good"})
	submit(frame, "Credentials")
	submit(frame, "Accounts")
	submit(frame, "Success")
	shows(b, "Credentials Bank: linked")
}

// Several steps in a row fail, and each of them in several ways.
func TestFaultsInARow(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	w.next("open", lost, broken, html(http.StatusBadGateway))
	w.next("poll", lost, broken, lost)
	b := s.visit()
	b.click("#link")
	frame := b.find("iframe", s.host.URL+"/start")
	for range 3 {
		tryAgain(frame)
	}
	toCredentials(frame)
	fillIn(frame, "Credentials", map[string]string{"username": "user_slow", "password": "pass_good"})
	submit(frame, "Credentials")
	waited(frame)
	for range 3 {
		tryAgain(frame)
	}
	waited(frame)
	waited(frame)
	submit(frame, "Accounts")
	submit(frame, "Success")
	shows(b, "Credentials Bank: linked")
	assert.Equal(t, 3+3, w.count("poll"), "a poll that was lost counts once")
	s.heardOnly([]string{
		"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen", "submit_credentials",
		"change_screen", "change_screen", "submit_accounts", "change_screen", "success",
	})
}

// offline emulates that a frame has no network, or has it again.
func (b tab) offline(off bool) {
	b.t.Helper()
	conditions := &network.Conditions{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}
	_, err := chromedp.Call(b.ctx, network.EmulateNetworkConditionsByRule,
		network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{conditions}})
	require.NoError(b.t, err)
	_, err = chromedp.Call(b.ctx, network.OverrideNetworkState,
		network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1})
	require.NoError(b.t, err)
}

// When the network is back, a step is sent again by itself.
func TestNetworkIsBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	_, err := chromedp.Call(frame.ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	pick(frame, moneykittest.InstantBank)
	shown(frame, "Permissions")
	frame.offline(true)
	submit(frame, "Permissions")
	frame.until(isTroubled)
	assert.Zero(t, w.count("permissions"))
	frame.click("#trouble button") // It does not help yet.
	frame.until(isTroubled)
	frame.offline(false)
	shown(frame, "Accounts")
	assert.False(t, eval[bool](frame, "Boolean("+isTroubled+")"))
	goOn(frame)
	shows(b, "Instant Bank: linked")
	assert.Equal(t, 1, w.count("permissions"))
	assert.NotContains(t, frame.said(), "exception")
}

// The server loses its state, like a restarted program.
func TestServerIsRestarted(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	toCredentials(frame)
	w.connectTo(moneykittest.NewServer(t).Handler())
	fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "pass_good"})
	submit(frame, "Credentials")
	shown(frame, "Error")
	assert.Contains(t, eval[string](frame, "document.querySelector('.screen').innerText"), "This session is not known")
	assert.Equal(t, []string{"Close"}, eval[[]string](frame, "[...document.querySelectorAll('.screen button')].map((b) => b.innerText)"))
	giveUp(frame)
	shows(b, "unknown")
	assert.Contains(t, s.lastResult(), "moneykittest.unknown_session")
	s.hears("exited")
	assert.Empty(t, s.stored())
	b.gone(s.host.URL)

	w.connectTo(s.mk.Handler())
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	shows(b, "Instant Bank: linked")
}

// The server is restarted while the user is at the bank, in a window and in place of the page.
func TestServerIsRestartedAtBank(t *testing.T) {
	t.Parallel()
	for name, popup := range map[string]bool{"popup": true, "full page": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			w := s.disturb()
			b := s.visit()
			b.click("#link")
			frame, bank, next := s.frame(b, "start"), b, "start"
			if popup {
				choose(frame, moneykittest.OAuthBank)
				bank = b.find("page", s.host.URL+bankPath)
			} else {
				goToBank(frame)
				next = "continue"
			}
			logIn(bank)
			w.connectTo(moneykittest.NewServer(t).Handler())
			bank.click("button[value=allow]")
			bank.until("document.body.innerText.includes('not known')")
			returned := s.origin + "/connect/oauth?a=b"
			bank.do("location.href = '" + returned + "'") // as if the bank had not forgotten
			frame = s.frame(b, next)
			shown(frame, "Error")
			assert.Contains(t, eval[string](frame, "document.querySelector('.screen').innerText"), "This session is not known")
			giveUp(frame)
			shows(b, "unknown")
			assert.Empty(t, s.stored())
		})
	}
}

// The server is down for a while, and then continues with its state.
func TestServerIsDownForAWhile(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	down := http.HandlerFunc(cut)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	toCredentials(frame)
	w.connectTo(down)
	fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "pass_good"})
	submit(frame, "Credentials")
	frame.until(isTroubled)
	frame.do("for (const button of document.querySelectorAll('.screen button')) button.click()") // They have no effect.
	frame.click("#trouble button")
	frame.until(isTroubled)
	w.connectTo(s.mk.Handler())
	tryAgain(frame)
	submit(frame, "Accounts")
	submit(frame, "Success")
	shows(b, "Credentials Bank: linked")
	s.heardOnly([]string{
		"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen", "submit_credentials",
		"change_screen", "submit_accounts", "change_screen", "success",
	})
}

// bankedNames are the events of a user who links the OAuth Bank.
var bankedNames = []string{
	"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen", "open_oauth",
	"change_screen", "submit_accounts", "change_screen", "success",
}

// endsAtBank continues from the accounts of the OAuth Bank to the end, and checks that nothing has
// happened twice.
func (s *site) endsAtBank(b, frame tab) {
	s.t.Helper()
	shown(frame, "Accounts")
	goOn(frame)
	shows(b, "OAuth Bank: linked")
	s.heardOnly(bankedNames)
	assert.Len(s.t, s.stored(), 1)
}

// The steps to the bank and back fail, too.
func TestFaultsAroundBank(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	w.next("oauth", lost, broken)
	w.next("resume", lost, html(http.StatusBadGateway))
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	choose(frame, moneykittest.OAuthBank)
	tryAgain(frame)
	answer(b.find("page", s.host.URL+bankPath), true) // before the user tries again
	b.gone(s.host.URL + bankPath)
	for range 3 {
		tryAgain(frame)
	}
	s.endsAtBank(b, frame)
}

func TestFaultsAfterFullPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	b := s.visit()
	b.click("#link")
	goToBank(s.frame(b, "start"))
	b.until("location.pathname === '" + bankPath + "'")
	w.next("open", lost, broken, lost, html(http.StatusBadGateway))
	answer(b, true)
	frame := b.find("iframe", s.host.URL+"/continue")
	for range 4 {
		tryAgain(frame)
	}
	s.endsAtBank(b, frame)
}

// Steps that stay on their screen, go back, or choose again are not carried out twice either.
func TestFaultsOfOtherSteps(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	for _, action := range []string{"help", "reset_password", "back", "credentials", "website", "retry", "restart"} {
		w.next(action, lost)
	}
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	toCredentials(frame)
	click := func(selector, screen string) {
		t.Helper()
		frame.click(selector)
		tryAgain(frame)
		shown(frame, screen)
		frame.until("document.querySelector('main').ariaBusy === 'false'")
	}
	click("[data-action=help]", "Credentials")
	click("[data-action=reset_password]", "Credentials")
	click("#back", "Permissions")
	submit(frame, "Permissions")
	fillIn(frame, "Credentials", map[string]string{"username": "user_setup", "password": "pass_good"})
	click(".actions .main", "Error")
	click("[data-action=website]", "Error")
	click("[data-action=retry]", "Credentials")
	fillIn(frame, "Credentials", map[string]string{"username": "user_down", "password": "pass_good"})
	submit(frame, "Credentials")
	shown(frame, "Error")
	click("[data-action=restart]", "Finder")
	leave(frame)
	shows(b, "exited")
	s.heardOnly([]string{
		"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen", "select_help",
		"select_reset_password", "change_screen", "submit_permissions", "change_screen", "submit_credentials", "error", "change_screen",
		"open_institution_website", "change_screen", "submit_credentials", "error", "change_screen", "change_screen", "exit", "exited",
	})
}
