package browsertest

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// says waits until the screen of Connect has a text.
func says(frame tab, text string) {
	frame.t.Helper()
	frame.until("document.querySelector('.screen')?.innerText.includes(`" + text + "`)")
}

// windows returns how many pages are at the bank.
func (s *site) windows(b tab) (n int) {
	b.t.Helper()
	targets, err := chromedp.Targets(b.ctx)
	require.NoError(b.t, err)
	for _, target := range targets {
		if target.Type == "page" && strings.HasPrefix(target.URL, s.host.URL+bankPath) {
			n++
		}
	}
	return n
}

// The user closes the bank's window, and opens it again.
func TestBankWindowIsClosed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	choose(frame, moneykittest.OAuthBank)
	says(frame, "Finish in the bank’s window")
	b.find("page", s.host.URL+bankPath).closes()
	says(frame, "The bank’s window was closed before you were done")
	assert.Contains(t, eval[string](frame, "document.querySelector('#live').textContent"), "window was closed")
	frame.click("[data-bank=open][data-state~=closed]")
	says(frame, "Finish in the bank’s window")
	answer(b.find("page", s.host.URL+bankPath), true)
	shown(frame, "Accounts")
	goOn(frame)
	shows(b, "OAuth Bank: linked")
	s.heardOnly([]string{
		"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen", "open_oauth", "open_oauth",
		"change_screen", "submit_accounts", "change_screen", "success",
	})
}

// The browser opens no window at first.
func TestBankWindowIsBlocked(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	frame.do("window.real = open; window.open = () => null")
	choose(frame, moneykittest.OAuthBank)
	says(frame, "Your browser blocked the window")
	frame.click("[data-bank=open][data-state=blocked]")
	says(frame, "Your browser blocked the window")
	assert.NotContains(t, s.told(), "open_oauth")
	frame.do("window.open = real")
	frame.click("[data-bank=open][data-state=blocked]")
	says(frame, "Finish in the bank’s window")
	answer(b.find("page", s.host.URL+bankPath), true)
	shown(frame, "Accounts")
	goOn(frame)
	shows(b, "OAuth Bank: linked")
	assert.Empty(t, b.said())
}

// There is only one window of the bank, even if the user opens it several times.
func TestBankWindowIsOpenedTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	choose(frame, moneykittest.OAuthBank)
	const show, again = "[data-bank=show]", "[data-bank=open][data-state~=open]"
	for _, button := range []string{show, again, show, again} {
		b.find("page", s.host.URL+bankPath)
		frame.until("document.querySelector('main').ariaBusy === 'false'")
		frame.click(button)
		says(frame, "Finish in the bank’s window")
		assert.True(t, within(func() bool { return s.windows(b) == 1 })) // A window that loads a page has no address.
	}
	answer(b.find("page", s.host.URL+bankPath), true)
	shown(frame, "Accounts")
	goOn(frame)
	shows(b, "OAuth Bank: linked")
	b.gone(s.origin + "/connect/oauth")
	b.gone(s.host.URL)
	assert.Len(t, s.stored(), 1)
}

// The return URL is opened several times, here in other tabs.
func TestReturnIsOpenedTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.OAuthBank)
	returned := s.intercept(b.find("page", s.host.URL+bankPath))
	for range 2 {
		beside := b.beside()
		beside.open(returned)
		beside.until("!document.querySelector('#close').hidden")
		shown(s.frame(b, "continue"), "Accounts")
	}
	goOn(s.frame(b, "continue"))
	shows(b, "OAuth Bank: linked")
	for range 2 {
		beside := b.beside()
		beside.open(returned)
		beside.until(isLost)
	}
	assert.Len(t, s.stored(), 1)
	assert.Equal(t, 1, s.count("result"))
	s.heardOnly([]string{
		"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen", "open_oauth",
		"change_screen", "submit_accounts", "change_screen", "success",
	})
}

// The same in the tab of the application.
func TestReturnIsOpenedTwiceInPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	goToBank(s.frame(b, "start"))
	b.until("location.pathname === '" + bankPath + "'")
	returned := s.intercept(b)
	for range 3 {
		b.open(returned)
		b.until("location.pathname === '/'")
		shown(s.frame(b, "continue"), "Accounts")
	}
	goOn(s.frame(b, "continue"))
	shows(b, "OAuth Bank: linked")
	for range 2 {
		b.open(returned)
		b.until(isLost)
	}
	assert.Len(t, s.stored(), 1)
	assert.Equal(t, 1, s.count("result"))
}

// change changes the query of a URL.
var change = map[string]func(string) string{
	"longer":  func(returned string) string { return returned + "&more=1" },
	"shorter": func(returned string) string { return returned[:len(returned)-1] },
	"none":    func(returned string) string { before, _, _ := strings.Cut(returned, "?"); return before + "?x" },
	"markup":  func(returned string) string { return returned + "<script>hacked=1</script>" },
	"twice":   func(returned string) string { return returned + "&" + returned },
}

// A return URL with a changed query is refused. In a window, the user can go to the bank again.
func TestReturnIsChanged(t *testing.T) {
	t.Parallel()
	for name, f := range change {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			b := s.visit()
			b.click("#link")
			frame := s.frame(b, "start")
			choose(frame, moneykittest.OAuthBank)
			bank := b.find("page", s.host.URL+bankPath)
			returned := s.intercept(bank)
			bank.do("setTimeout((url) => { location = url }, 0, `" + f(returned) + "`)")
			says(frame, "The way back was not right")
			b.gone(s.origin + "/connect/oauth")
			assert.Empty(t, s.stored())
			frame.click("[data-action=retry]")
			frame.click("[data-bank=open]")
			answer(b.find("page", s.host.URL+bankPath), true)
			shown(frame, "Accounts")
			goOn(frame)
			shows(b, "OAuth Bank: linked")
		})
	}
}

// If the bank has replaced the page, the right URL still works, until the user leaves Connect.
func TestReturnIsChangedInPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	for _, right := range []bool{true, false} {
		b.click("#link")
		goToBank(s.frame(b, "start"))
		b.until("location.pathname === '" + bankPath + "'")
		returned := s.intercept(b)
		b.open(returned + "&more=1")
		frame := s.frame(b, "continue")
		says(frame, "The way back was not right")
		if right {
			b.open(returned)
			b.until("location.pathname === '/'")
			frame = s.frame(b, "continue")
			shown(frame, "Accounts")
			goOn(frame)
			shows(b, "OAuth Bank: linked")
			continue
		}
		giveUp(frame)
		shows(b, "did not send the user back")
		assert.Contains(t, s.lastResult(), "moneykittest.changed_return")
		b.open(returned)
		b.until(isLost)
	}
	assert.Len(t, s.stored(), 1)
}

// The session has expired, or the user was at the bank for too long.
func TestReturnIsTooLate(t *testing.T) {
	t.Parallel()
	for name, popup := range map[string]bool{"popup": true, "full page": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			b := s.visit()
			b.click("#link")
			frame, bank := s.frame(b, "start"), b
			if popup {
				choose(frame, moneykittest.OAuthBank)
				bank = b.find("page", s.host.URL+bankPath)
			} else {
				goToBank(frame)
				b.until("location.pathname === '" + bankPath + "'")
			}
			returned := s.intercept(bank)
			s.mk.Advance(24 * time.Hour)
			bank.do("location.reload()")
			bank.until("document.body.innerText.includes('has ended')")
			bank.do("setTimeout((url) => { location = url }, 0, `" + returned + "`)")
			if !popup {
				b.until("location.pathname === '/'")
				frame = s.frame(b, "continue")
			}
			says(frame, "This took too long")
			giveUp(frame)
			b.until("document.querySelector('#status').textContent !== ''")
			assert.Contains(t, s.lastResult(), "moneykittest.expired_")
			s.hears("exited")
			assert.Empty(t, s.stored())
		})
	}
}

// The user leaves Connect while the bank's page is open in another tab.
func TestReturnAfterExit(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	choose(frame, moneykittest.OAuthBank)
	bank := b.find("page", s.host.URL+bankPath)
	address := eval[string](bank, "location.href")
	returned := s.intercept(bank)
	leave(frame)
	shows(b, "Connect: exited")
	b.gone(s.host.URL)
	beside := b.beside()
	beside.open(returned)
	beside.until(isLost)
	beside.open(address)
	beside.until("document.body.innerText.includes('has ended')")
	assert.Empty(t, s.stored())
	assert.Equal(t, 1, s.count("result"))
}
