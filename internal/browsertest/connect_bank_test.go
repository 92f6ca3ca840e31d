package browsertest

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// atOAuth opens Connect and goes to the screen that leads to the OAuth Bank.
func atOAuth(t *testing.T, change func(*moneykit.LinkSessionParams)) *app {
	t.Helper()
	a := newApp(t, change).link()
	pick(a.frame, moneykittest.OAuthBank)
	submit(a.frame, "Permissions")
	shown(a.frame, "OAuth")
	return a
}

// bankPages returns how many windows and pages show the bank.
func (a *app) bankPages() (n int) {
	a.t.Helper()
	targets, err := chromedp.Targets(a.page.ctx)
	require.NoError(a.t, err)
	for _, target := range targets {
		if target.Type == "page" && strings.HasPrefix(target.URL, a.host.URL+bankPath) {
			n++
		}
	}
	return n
}

// count returns how often an event was heard.
func count(steps []string, event string) (n int) {
	for _, step := range steps {
		if step == event {
			n++
		}
	}
	return n
}

// The bank reports a wrong password, lists the data that the application wants, and leads back.
func TestConnectBankPage(t *testing.T) {
	t.Parallel()
	a := atOAuth(t, func(params *moneykit.LinkSessionParams) {
		params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
			Transactions: &moneykit.ProductSettings{Reason: "show what you spend"},
		}}
	})
	bank := a.openBank(a.frame)
	state(a.frame, "open")
	bank.until("document.querySelector('input[name=password]') !== null")
	enter(bank, map[string]string{"username": `user "<b>`, "password": "pass_good"})
	corrected(bank, "The user name or the password is wrong")
	assert.Equal(t, []string{`user "<b>`, ""}, eval[[]string](bank, "[username.value, password.value]"))
	enter(bank, login("user_good"))
	bank.until("document.querySelector('button[value=allow]') !== null")
	assert.Equal(t, []string{"Share with the application?"}, texts(bank, "h1"))
	assert.Equal(t, []string{"Accounts and balances", "Transactions is used to show what you spend"}, texts(bank, ".shared li"))
	bank.click("button[value=allow]")
	shown(a.frame, "Accounts")
	check(a.frame, "Brokerage")
	link, accounts := a.linked()
	assert.Equal(t, moneykittest.OAuthBank, link.InstitutionID)
	assert.Equal(t, []string{"Brokerage"}, accounts)
	assert.NotNil(t, link.Products.Transactions)
	assert.Nil(t, link.Products.Identity)
	a.page.gone(a.origin + "/connect/oauth")
	assert.Equal(t, 1, count(a.steps(), "open_oauth"))
}

// A user who has refused can go to the bank again.
func TestConnectBankRefused(t *testing.T) {
	t.Parallel()
	a := atOAuth(t, nil)
	answer(a.openBank(a.frame), false)
	shown(a.frame, "Error")
	assert.Equal(t, []string{"You did not allow access"}, texts(a.frame, "h1"))
	a.frame.click("[data-action=retry]")
	answer(a.openBank(a.frame), true)
	shown(a.frame, "Accounts")
	link, _ := a.linked()
	assert.Equal(t, moneykittest.OAuthBank, link.InstitutionID)
	assert.Equal(t, 1, count(a.steps(), "error moneykittest.user_oauth_denied"))

	a = atOAuth(t, nil)
	answer(a.openBank(a.frame), false)
	giveUp(a.frame)
	assert.Equal(t, "moneykittest.user_oauth_denied", a.exited())
	assert.Empty(t, a.stored())
}

// If windows are blocked, the user can allow them, or go to the bank in this window.
func TestConnectBankBlocked(t *testing.T) {
	t.Parallel()
	a := atOAuth(t, nil)
	a.frame.do("window.real = open; window.open = () => null")
	a.frame.do("document.querySelector('[data-bank=open]').focus()")
	a.frame.click("[data-bank=open]")
	state(a.frame, "blocked")
	assert.Equal(t, []string{"Open OAuth Bank in this window", "Try again"}, texts(a.frame, ".actions button"))
	assert.Equal(t, "Open OAuth Bank in this window", eval[string](a.frame, "document.activeElement.innerText"))
	a.frame.click("[data-bank=open][data-state=blocked]")
	state(a.frame, "blocked")
	a.frame.do("window.open = real")
	answer(a.openBank(a.frame), true)
	shown(a.frame, "Accounts")
	a.linked()

	a = atOAuth(t, nil)
	a.frame.do("window.open = () => null")
	a.frame.click("[data-bank=open]")
	a.frame.click("[data-bank=here]")
	a.page.until("location.pathname === '" + bankPath + "'")
	logIn(a.page)
	a.page.click("button[value=allow]")
	a.page.until("location.pathname === '/' && window.connect")
	a.page.do("go(connect.resume())")
	a.frame = a.site.frame(a.page, "continue")
	shown(a.frame, "Accounts")
	a.linked()
	assert.Equal(t, 1, count(a.steps(), "open_oauth"))
}

// The bank's window can be closed and opened again, also while it is open. There is only one.
func TestConnectBankWindow(t *testing.T) {
	t.Parallel()
	a := atOAuth(t, nil)
	bank := a.openBank(a.frame)
	bank.closes()
	state(a.frame, "closed")
	assert.Equal(t, []string{"Go to OAuth Bank"}, texts(a.frame, ".actions button"))
	bank = a.openBank(a.frame)
	state(a.frame, "open")
	bank.until("document.querySelector('input[name=password]') !== null")
	assert.Equal(t, []string{"Show the window", "Open again"}, texts(a.frame, ".actions button"))
	logIn(bank)
	a.frame.click("[data-bank=open][data-state~=open]")
	bank.until("document.querySelector('input[name=password]') !== null") // The same window begins again.
	a.frame.click("[data-bank=show]")
	state(a.frame, "open")
	assert.Equal(t, 1, a.bankPages())
	answer(bank, true)
	shown(a.frame, "Accounts")
	a.linked()
	assert.Zero(t, a.bankPages())
}

// Back leads from the bank to another one. The bank's window is closed, and its page no longer
// works.
func TestConnectBankLeft(t *testing.T) {
	t.Parallel()
	a := atOAuth(t, nil)
	url := eval[string](a.openBank(a.frame), "location.href")
	a.back("Permissions", "Finder")
	a.page.gone(a.host.URL + bankPath)
	a.visit("Credentials")
	bank := a.page.beside()
	bank.open(url)
	assert.Equal(t, []string{"This cannot go on"}, texts(bank, "h1"))
	assert.Contains(t, eval[string](bank, "document.body.innerText"), "belongs to a session that has ended")
	enter(a.frame, login("user_good"))
	shown(a.frame, "Accounts")
	link, _ := a.linked()
	assert.Equal(t, moneykittest.CredentialsBank, link.InstitutionID)
}

// A user who closes Connect while the bank is open does not come back from there.
func TestConnectClosedWhileAtBank(t *testing.T) {
	t.Parallel()
	a := atOAuth(t, nil)
	a.openBank(a.frame)
	leave(a.frame)
	assert.Empty(t, a.exited())
	a.page.gone(a.host.URL + bankPath)
	assert.Empty(t, a.stored())
	assert.Equal(t, "exit", a.steps()[len(a.steps())-1])
}

// After a wrong return the user gets a message, and the application gets an exit.
func TestConnectWrongReturn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change    func(a *app, returned string) string
		title, id string
		buttons   []string
	}{
		"changed": {
			func(_ *app, returned string) string { return returned + "&x=1" },
			"The way back was not right", "changed_return",
			[]string{"Try again", "Choose another bank", "Close"},
		},
		"late": {func(a *app, returned string) string {
			a.mk.Advance(24 * time.Hour)
			return returned
		}, "This took too long", "expired_return", []string{"Close"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := atOAuth(t, nil)
			a.frame.do("window.open = () => null")
			a.frame.click("[data-bank=open]")
			a.frame.click("[data-bank=here]")
			a.page.until("location.pathname === '" + bankPath + "'")
			returned := tc.change(a, a.intercept(a.page))
			a.page.open(returned)
			a.page.until("location.pathname === '/' && window.connect")
			a.page.do("go(connect.resume())")
			a.frame = a.site.frame(a.page, "continue")
			shown(a.frame, "Error")
			assert.Equal(t, []string{tc.title}, texts(a.frame, "h1"))
			assert.Equal(t, tc.buttons, texts(a.frame, ".actions button"))
			giveUp(a.frame)
			assert.Equal(t, "moneykittest."+tc.id, a.exited())
			assert.Empty(t, a.stored())
			assert.Contains(t, a.steps(), "error moneykittest."+tc.id)
		})
	}
}
