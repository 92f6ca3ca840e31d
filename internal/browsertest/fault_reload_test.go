package browsertest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// reload loads a frame again, and waits until it shows a screen.
func reload(frame tab, screen string) {
	frame.t.Helper()
	frame.do("window.before = true; location.reload()")
	frame.until("!window.before")
	shown(frame, screen)
	frame.until("document.querySelector('main').ariaBusy === 'false'")
}

// After a reload of its frame, Connect continues at the same screen. No event is sent twice.
func TestReloadOfFrame(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	reload(frame, "Finder")
	pick(frame, moneykittest.CredentialsBank)
	shown(frame, "Permissions")
	reload(frame, "Permissions")
	frame.click("#back")
	shown(frame, "Finder")
	reload(frame, "Finder")
	toCredentials(frame)
	fillIn(frame, "Credentials", map[string]string{"username": "user_question", "password": "wrong"})
	submit(frame, "Credentials")
	frame.until("document.querySelector('[aria-invalid]')")
	reload(frame, "Credentials")
	assert.Equal(t, "user_question", eval[string](frame, "document.querySelector('#username').value"))
	fillIn(frame, "Credentials", map[string]string{"password": "pass_good"})
	submit(frame, "Credentials")
	shown(frame, "Security Question")
	reload(frame, "Security Question")
	fillIn(frame, "Security Question", map[string]string{"answer": "blue"})
	submit(frame, "Security Question")
	shown(frame, "Accounts")
	reload(frame, "Accounts")
	submit(frame, "Accounts")
	shown(frame, "Success")
	reload(frame, "Success")
	submit(frame, "Success")
	shows(b, "Credentials Bank: linked")
	s.heardOnly([]string{
		"open", "change_screen", "select_institution", "change_screen", "change_screen", "select_institution", "change_screen",
		"submit_permissions", "change_screen", "submit_credentials", "error", "submit_credentials", "change_screen", "submit_mfa",
		"change_screen", "submit_accounts", "change_screen", "success",
	})
	assert.Len(t, s.stored(), 1)
	assert.Empty(t, b.said())
}

// The frame is loaded again while a step has no response. The step has been carried out, or not.
func TestReloadOfFrameDuringStep(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		f      fault
		screen string
	}{
		"carried out": {hangingAfter, "Security Question"},
		"not":         {hanging, "Credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			w := s.disturb()
			b := s.visit()
			b.click("#link")
			frame := s.frame(b, "start")
			toCredentials(frame)
			w.next("credentials", tc.f)
			fillIn(frame, "Credentials", map[string]string{"username": "user_question", "password": "pass_good"})
			submit(frame, "Credentials")
			require.True(t, within(func() bool { return w.count("credentials") > 0 }))
			reload(frame, tc.screen)
			if tc.screen == "Credentials" {
				fillIn(frame, "Credentials", map[string]string{"username": "user_question", "password": "pass_good"})
				submit(frame, "Credentials")
			}
			fillIn(frame, "Security Question", map[string]string{"answer": "blue"})
			submit(frame, "Security Question")
			submit(frame, "Accounts")
			submit(frame, "Success")
			shows(b, "linked")
			s.heardOnly([]string{
				"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen", "submit_credentials",
				"change_screen", "submit_mfa", "change_screen", "submit_accounts", "change_screen", "success",
			})
		})
	}
}

// The application's page is reloaded. Its user starts over, without messages from before.
func TestReloadOfPage(t *testing.T) {
	t.Parallel()
	for _, screen := range []string{"Finder", "Credentials", "Success"} {
		t.Run(screen, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			b := s.visit()
			b.click("#link")
			frame := s.frame(b, "start")
			switch screen {
			case "Credentials":
				toCredentials(frame)
			case "Success":
				pick(frame, moneykittest.InstantBank)
				submit(frame, "Permissions")
				submit(frame, "Accounts")
			}
			shown(frame, screen)
			require.NoError(t, chromedp.Do(b.ctx, chromedp.Reload()))
			b.until(isReady)
			b.gone(s.host.URL)
			assert.Empty(t, eval[string](b, "document.querySelector('#status').textContent"))
			assert.Empty(t, s.stored())
			b.click("#link")
			choose(s.frame(b, "start"), moneykittest.InstantBank)
			shows(b, "Instant Bank: linked")
			assert.Equal(t, 2, s.count("session"))
			assert.Equal(t, 1, s.count("result"))
			assert.Len(t, s.stored(), 1)
			assert.Equal(t, "0", eval[string](b, "String(sessionStorage.length)"))
		})
	}
}

// The page is reloaded while the user is at the bank. The flow then continues in the bank's window.
func TestReloadOfPageWhileAtBank(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.OAuthBank)
	bank := b.find("page", s.host.URL+bankPath)
	require.NoError(t, chromedp.Do(b.ctx, chromedp.Reload()))
	b.until(isReady)
	answer(bank, true)
	goOn(s.frame(bank, "continue"))
	shows(bank, "OAuth Bank: linked")
	assert.Len(t, s.stored(), 1)
	assert.Equal(t, 1, s.count("result"))
}

// The page goes back in its own history, which does not affect the frame.
func TestBackWithinPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.do("history.pushState({}, '', '/?step=2')")
	b.click("#link")
	frame := s.frame(b, "start")
	toCredentials(frame)
	b.do("history.back()")
	b.until("location.search === ''")
	assert.Equal(t, "Credentials", eval[string](frame, "document.querySelector('.screen').dataset.name"))
	b.do("history.forward()")
	b.until("location.search !== ''")
	assert.Equal(t, "Credentials", eval[string](frame, "document.querySelector('.screen').dataset.name"))
	fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "pass_good"})
	submit(frame, "Credentials")
	submit(frame, "Accounts")
	submit(frame, "Success")
	shows(b, "linked")
}

// The user leaves the page with the browser's buttons, and comes back.
func TestBackAndForward(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.open(s.origin + "/?before")
	b.open(s.origin + "/")
	b.until(isReady)
	b.click("#link")
	toCredentials(s.frame(b, "start"))
	b.do("history.back()")
	b.until("location.search === '?before' && (" + isReady + ")")
	b.do("history.forward()")
	b.until("location.search === '' && (" + isReady + ")")
	if eval[bool](b, "document.querySelector('iframe') !== null") { // The browser has kept the page.
		leave(s.frame(b, "start"))
		shows(b, "exited")
	}
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	shows(b, "linked")
	assert.Len(t, s.stored(), 1)
}

// The user goes back from the bank's page to the application, without an answer.
func TestBackFromBank(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	goToBank(s.frame(b, "start"))
	b.until("location.pathname === '" + bankPath + "'")
	b.do("history.back()")
	b.until("location.pathname === '/' && (" + isReady + ")")
	if eval[bool](b, "document.querySelector('iframe') !== null") {
		frame := s.frame(b, "start")
		frame.do("window.open = () => null")
		frame.click("[data-bank=here]")
	} else {
		b.click("#link")
		goToBank(s.frame(b, "start"))
	}
	b.until("location.pathname === '" + bankPath + "'")
	answer(b, true)
	goOn(s.frame(b, "continue"))
	shows(b, "OAuth Bank: linked")
	assert.Len(t, s.stored(), 1)

	// Nor does the bank's page do anything after the end.
	b.do("history.back()")
	b.until("location.pathname === '" + bankPath + "' || document.body.innerText.includes('ERR_CACHE_MISS')")
	assert.Equal(t, 1, s.count("result"))
}

// A Chromium that is set to keep the host of Connect, or all frames of other sites, from storing.
func TestBrowserForbidsStorage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ preferences, stored string }{
		"of the host": {`{"profile": {"content_settings": {"exceptions": {"cookies": {"127.0.0.1,*": {"setting": 2}}}}}}`, "SecurityError"},
		"third party": {`{"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": true}}`, "object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(folder, "Default"), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "Default", "Preferences"), []byte(tc.preferences), 0o600))
			allocator, stop := chromedp.NewExecAllocator(t.Context(), append(browserOptions(), chromedp.UserDataDir(folder))...)
			t.Cleanup(stop)
			s := newSite(t, nil)
			b := attach(t, allocator, func(*chromedp.Context) {})
			b.open(s.origin + "/")
			b.until(isReady)
			b.click("#link")
			frame := s.frame(b, "start")
			assert.Equal(t, tc.stored, eval[string](frame, "(() => { try { return typeof sessionStorage } catch ({ name }) { return name } })()"))
			choose(frame, moneykittest.OAuthBank)
			answer(b.find("page", s.host.URL+bankPath), true)
			goOn(frame)
			shows(b, "OAuth Bank: linked")
			b.click("#link")
			goToBank(s.frame(b, "start"))
			b.until("location.pathname === '" + bankPath + "'")
			answer(b, true)
			goOn(s.frame(b, "continue"))
			shows(b, "OAuth Bank: linked")
			assert.Len(t, s.stored(), 2)

			b.click("#link")
			frame = s.frame(b, "start")
			if tc.stored == "object" {
				reload(frame, "Finder")
				return
			}
			reload(frame, "Error") // This is all that does not work.
			assert.Contains(t, eval[string](frame, "document.querySelector('.screen').innerText"), "in use already")
			giveUp(frame)
			shows(b, "used before")
		})
	}
}
