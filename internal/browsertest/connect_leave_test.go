package browsertest

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// visit goes to a screen of Connect for a new link.
func (a *app) visit(screen string) {
	a.t.Helper()
	if screen == "Finder" {
		shown(a.frame, screen)
		return
	}
	bank := moneykittest.CredentialsBank
	if screen == "OAuth" {
		bank = moneykittest.OAuthBank
	}
	pick(a.frame, bank)
	if screen == "Duplicate Institution" || screen == "Permissions" {
		shown(a.frame, screen)
		return
	}
	submit(a.frame, "Permissions")
	if screen == "Credentials" || screen == "OAuth" {
		shown(a.frame, screen)
		return
	}
	shown(a.frame, "Credentials")
	enter(a.frame, login(map[string]string{
		"OTP Device": "user_otp", "OTP": "user_otp", "Security Question": "user_question", "Waiting": "user_slow",
		"Accounts": "user_good", "Success": "user_good", "Error": "user_down",
	}[screen]))
	switch screen {
	case "OTP":
		submit(a.frame, "OTP Device")
	case "Success":
		submit(a.frame, "Accounts")
	}
	shown(a.frame, screen)
}

// Back leads to the previous screen, and so on to the first. Screens after a login or a failure
// have no Back.
func TestConnectBack(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	for _, screens := range [][]string{
		{"Permissions", "Finder"},
		{"Credentials", "Permissions", "Finder"},
		{"OTP Device", "Credentials", "Permissions", "Finder"},
		{"OTP", "OTP Device", "Credentials", "Permissions", "Finder"},
		{"Security Question", "Credentials", "Permissions", "Finder"},
		{"Waiting", "Credentials", "Permissions", "Finder"},
		{"OAuth", "Permissions", "Finder"},
	} {
		a.visit(screens[0])
		a.back(screens[1:]...)
	}
	a.visit("Error")
	a.back()
	a.frame.click("[data-action=restart]")
	a.visit("Accounts")
	a.back()
	submit(a.frame, "Accounts")
	shown(a.frame, "Success")
	a.back()
	_, accounts := a.linked()
	assert.Equal(t, allAccounts(), accounts)
}

// back goes back to one screen after another. The last one has no Back.
func (a *app) back(screens ...string) {
	a.t.Helper()
	for _, screen := range screens {
		a.frame.click("#back:not([hidden])")
		shown(a.frame, screen)
	}
	assert.True(a.t, eval[bool](a.frame, "document.querySelector('#back').hidden"))
}

func TestConnectBackFromDuplicate(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(params *moneykit.LinkSessionParams) {
		params.ConnectFeatures = &moneykit.ConnectFeatures{DuplicateInstitutionWarning: true}
	})
	a.add(moneykittest.CredentialsBank)
	a.link()
	a.visit("Duplicate Institution")
	a.back("Finder")
	a.visit("Duplicate Institution")
	submit(a.frame, "Duplicate Institution")
	shown(a.frame, "Permissions")
	a.back("Finder")
}

// Without a choice of banks, Back ends at the first screen. The same applies to a relink.
func TestConnectBackWithoutFinder(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(params *moneykit.LinkSessionParams) { params.InstitutionID = moneykittest.CredentialsBank }).link()
	submit(a.frame, "Permissions")
	shown(a.frame, "Credentials")
	a.back("Permissions")

	a = newApp(t, nil)
	a.relink(a.broken(moneykittest.LinkSpec{
		InstitutionID: moneykittest.CredentialsBank, Products: []moneykit.Product{moneykit.ProductTransactions},
	}))
	submit(a.frame, "Reconnect")
	submit(a.frame, "Permissions")
	shown(a.frame, "Credentials")
	a.back("Permissions", "Reconnect")
}

// Declined products stay declined when the user comes back to the consent, and the bank does not
// ask for them.
func TestConnectBackToConsent(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	pick(a.frame, moneykittest.OAuthBank)
	shown(a.frame, "Permissions")
	check(a.frame, "Transactions")
	submit(a.frame, "Permissions")
	shown(a.frame, "OAuth")
	a.frame.click("#back")
	shown(a.frame, "Permissions")
	assert.Equal(t, []string{"Accounts and balances Required", "Transactions"}, texts(a.frame, "label.row:has(:checked) .name"))
	submit(a.frame, "Permissions")
	bank := a.openBank(a.frame)
	logIn(bank)
	assert.Equal(t, []string{"Accounts and balances", "Transactions"}, texts(bank, ".shared li"))
	bank.click("button[value=allow]")
	shown(a.frame, "Accounts")
	link, _ := a.linked()
	assert.NotNil(t, link.Products.Transactions)
	assert.Nil(t, link.Products.Identity)
}

// Close asks for confirmation only if the user would lose something.
func TestConnectClose(t *testing.T) {
	t.Parallel()
	for screen, tc := range map[string]struct {
		asks bool
		id   string // of the error
	}{"Finder": {}, "Credentials": {asks: true}, "Error": {true, "moneykittest.institution_error"}, "Success": {}} {
		t.Run(screen, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, nil).link()
			a.visit(screen)
			a.frame.click("#close")
			if tc.asks {
				a.frame.click("#leave[open] [value=leave]")
			}
			if screen == "Success" {
				assert.Equal(t, "linked", settled(a.page)["outcome"])
				assert.Len(t, a.stored(), 1)
				return
			}
			assert.Equal(t, tc.id, a.exited())
			assert.Empty(t, a.stored())
			assert.Equal(t, 1, count(a.steps(), "exit"))
			a.page.gone(a.host.URL + "/start")
		})
	}
}

// A user who stays continues at the same screen.
func TestConnectStay(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	stay := func(screen string) {
		t.Helper()
		shown(a.frame, screen)
		a.frame.click("#close")
		a.frame.click("#leave[open] button:not([value])")
		a.frame.until("!document.querySelector('#leave').open")
		shown(a.frame, screen)
	}
	a.visit("OAuth")
	stay("OAuth")
	a.back("Permissions", "Finder")
	a.visit("Security Question")
	stay("Security Question")
	a.back("Credentials", "Permissions", "Finder")
	a.visit("Permissions")
	stay("Permissions")
	submit(a.frame, "Permissions")
	stay("Credentials")
	enter(a.frame, login("user_otp"))
	stay("OTP Device")
	submit(a.frame, "OTP Device")
	stay("OTP")
	enter(a.frame, map[string]string{"code": "123456"})
	stay("Accounts")
	a.linked()
	assert.Zero(t, count(a.steps(), "exit"))
}

// press presses a key in the page, whose frame has the focus.
func press(b tab, key string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.KeyEvent(key)))
}

// Escape closes the innermost open element: the panel, the question, and then Connect.
func TestConnectEscape(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	shown(a.frame, "Finder")
	a.frame.do(`search.focus(); search.value = "chase"; search.dispatchEvent(new Event("input", { bubbles: true }))`)
	press(a.page, kb.Escape)
	a.frame.until("search.value === '' && document.querySelector('.featured').checkVisibility()")
	shown(a.frame, "Finder")
	a.visit("Credentials")

	a.frame.do("document.querySelector('.panel').open = true; document.querySelector('.panel button').focus()")
	press(a.page, kb.Escape)
	a.frame.until("!document.querySelector('.panel').open && document.activeElement.matches('summary')")
	assert.False(t, eval[bool](a.frame, "document.querySelector('#leave').open"))

	press(a.page, kb.Escape)
	a.frame.until("document.querySelector('#leave').open")
	press(a.page, kb.Escape)
	a.frame.until("!document.querySelector('#leave').open")
	shown(a.frame, "Credentials")
	press(a.page, kb.Escape)
	a.frame.until("document.querySelector('#leave').open && document.activeElement.innerText === 'Stay'")
	press(a.page, kb.Tab)
	a.frame.until("document.activeElement.innerText === 'Leave'")
	press(a.page, kb.Enter)
	assert.Empty(t, a.exited())

	a = newApp(t, nil).link()
	shown(a.frame, "Finder")
	a.frame.do("search.focus()")
	press(a.page, kb.Escape)
	assert.Empty(t, a.exited())
}

// The application receives events in order.
func TestConnectEvents(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	shown(a.frame, "Finder")
	a.frame.do(`search.value = "cred"; search.dispatchEvent(new Event("input", { bubbles: true }))`)
	a.visit("Permissions")
	a.frame.click("#back")
	a.visit("Credentials")
	enter(a.frame, map[string]string{"username": "user_otp", "password": "x"})
	corrected(a.frame, "password is wrong")
	enter(a.frame, login("user_otp"))
	submit(a.frame, "OTP Device")
	shown(a.frame, "OTP")
	enter(a.frame, map[string]string{"code": "123456"})
	shown(a.frame, "Accounts")
	a.linked()
	assert.Equal(t, []string{
		"open", "change_screen Finder", "search_institution cred", "select_institution moneykit-creds-bank",
		"change_screen Permissions", "change_screen Finder", "select_institution moneykit-creds-bank",
		"change_screen Permissions", "submit_permissions",
		"change_screen Credentials", "submit_credentials", "error moneykittest.invalid_credentials", "submit_credentials",
		"change_screen OTP Device", "submit_otp_device", "change_screen OTP", "submit_otp",
		"change_screen Accounts", "submit_accounts", "change_screen Success", "success",
	}, a.steps())
	a.mu.Lock()
	defer a.mu.Unlock()
	chosen := false
	for _, event := range a.events {
		chosen = chosen || event.Name == moneykit.ConnectEventSelectInstitution
		if event.Properties["current_screen_name"] == "Finder" {
			chosen = false
		}
		assert.Equal(t, "link", event.LinkType)
		assert.Equal(t, a.events[0].SessionID, event.SessionID)
		assert.Equal(t, chosen, event.Institution.Name == "Credentials Bank", event.Name)
		assert.Equal(t, chosen, event.Institution.ID != "", event.Name)
	}
}

// The first screen reports a session that cannot be used any more.
func TestConnectSessionIsOver(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before    func(a *app, token string)
		title, id string
	}{
		"used": {func(a *app, token string) {
			a.mk.Connect(token, moneykit.ConnectWeb, moneykittest.Play{Leave: true})
		}, "This session is in use already", "used_session"},
		"expired": {func(a *app, _ string) { a.mk.Advance(24 * time.Hour) }, "This took too long", "expired_session"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, nil)
			a.around = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/start" {
					tc.before(a, r.URL.Query().Get("linkSessionToken"))
				}
				return false
			}
			a.link()
			shown(a.frame, "Error")
			assert.Equal(t, []string{tc.title}, texts(a.frame, "h1"))
			assert.Equal(t, []string{"Close"}, texts(a.frame, ".actions button"))
			a.frame.click("#close") // There is nothing to ask.
			assert.Equal(t, "moneykittest."+tc.id, a.exited())
			assert.Equal(t, []string{"open", "error moneykittest." + tc.id, "change_screen Error", "exit"}, a.steps())
			assert.Empty(t, a.stored())
		})
	}
}

// The session may also expire while the user is in Connect.
func TestConnectSessionExpires(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	a.visit("Credentials")
	a.mk.Advance(24 * time.Hour)
	enter(a.frame, login("user_good"))
	shown(a.frame, "Error")
	assert.Equal(t, []string{"This took too long"}, texts(a.frame, "h1"))
	giveUp(a.frame)
	assert.Equal(t, "moneykittest.expired_session", a.exited())
	steps := a.steps()
	assert.Equal(t, []string{"error moneykittest.expired_session", "change_screen Error", "exit"}, steps[len(steps)-3:])
	assert.Equal(t, 1, count(steps, "open"))
}

// If a step does not reach the server, the user can retry or leave.
func TestConnectUnreachable(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	newDown := func() *app {
		a := newApp(t, nil)
		a.around = func(w http.ResponseWriter, r *http.Request) bool {
			if down.Load() && r.URL.Path == "/connect/step" {
				cut(w, r)
				return true
			}
			return false
		}
		a.link()
		a.visit("Credentials")
		down.Store(true)
		enter(a.frame, login("user_good"))
		a.frame.until("document.querySelector('#trouble').innerText.includes('could not reach MoneyKit')")
		return a
	}
	a := newDown()
	a.frame.click("#trouble button")
	a.frame.until("document.querySelector('#trouble button') !== null && document.querySelector('main').ariaBusy === 'false'")
	down.Store(false)
	a.frame.click("#trouble button")
	shown(a.frame, "Accounts")
	a.linked()
	assert.Equal(t, 1, count(a.steps(), "submit_credentials"))

	a = newDown()
	leave(a.frame)
	assert.Empty(t, a.exited())
	assert.Empty(t, a.stored())
	down.Store(false)
}
