package browsertest

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// doubleClick clicks a button with the mouse, waits until the next screen is there, and then clicks
// a second time at the same place.
func doubleClick(b, frame tab, selector, next string) {
	b.t.Helper()
	x, y := middle(frame, selector)
	b.press(x, y, 1)
	shown(frame, next)
	before := eval[string](frame, boxes)
	b.press(x, y, 2)
	// A second click that had an effect would have sent its step before this one.
	frame.do("document.querySelector('#close').focus()")
	assert.Equal(b.t, next, eval[string](frame, "document.querySelector('.screen').dataset.name"), selector)
	assert.Equal(b.t, before, eval[string](frame, boxes), selector)
	assert.False(b.t, eval[bool](frame, "document.querySelector('#leave').open"))
	assert.Equal(b.t, "false", eval[string](frame, "document.querySelector('main').ariaBusy"), selector)
}

// boxes is JavaScript that returns the checked boxes.
const boxes = "[...document.querySelectorAll('main input')].map((box) => box.checked).join()"

// The second click of a double click must not submit the screen that the first click opened.
func TestDoubleClickOnEachScreen(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	b := s.visit()
	b.look(320, "light") // so that buttons are where buttons were
	b.click("#link")
	frame := s.frame(b, "start")
	doubleClick(b, frame, ".featured [value="+moneykittest.CredentialsBank+"]", "Permissions")
	doubleClick(b, frame, "#back", "Finder")
	doubleClick(b, frame, ".banks [value="+moneykittest.CredentialsBank+"]", "Permissions")
	doubleClick(b, frame, ".actions .main", "Credentials")

	fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "wrong"})
	x, y := middle(frame, ".actions .main")
	b.press(x, y, 1)
	frame.until("document.querySelector('[aria-invalid]')")
	b.press(x, y, 2)
	frame.do("document.querySelector('#close').focus()")
	assert.Equal(t, 1, w.count("credentials"), "a second wrong password")

	fillIn(frame, "Credentials", map[string]string{"username": "user_otp", "password": "pass_good"})
	doubleClick(b, frame, ".actions .main", "OTP Device")
	doubleClick(b, frame, ".actions .main", "OTP")
	fillIn(frame, "OTP", map[string]string{"code": "123456"})
	doubleClick(b, frame, ".actions .main", "Accounts")
	doubleClick(b, frame, ".actions .main", "Success")
	b.press(x, y, 1) // a single click at a place without a button
	x, y = middle(frame, ".actions .main")
	b.press(x, y, 1)
	shows(b, "linked")
	assert.Len(t, s.stored(), 1)
	for _, action := range []string{"permissions", "device", "otp", "accounts", "done", "back"} {
		assert.Equal(t, 1, w.count(action), action)
	}
	assert.Equal(t, 2, w.count("choose"))
	assert.Equal(t, 2, w.count("credentials"))
}

// Both clicks come before the response.
func TestDoubleClickBeforeResponse(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.disturb()
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	twice := func(selector, action, next string) {
		release := make(chan struct{})
		w.next(action, held(release))
		x, y := middle(frame, selector)
		b.press(x, y, 1)
		b.press(x, y, 2)
		assert.True(t, within(func() bool { return w.count(action) > 0 }))
		// Nor do other buttons do anything meanwhile.
		frame.do("document.querySelectorAll('.screen button, #back').forEach((button) => button.click())")
		close(release)
		shown(frame, next)
		assert.Equal(t, 1, w.count(action), action)
		assert.False(t, eval[bool](frame, "document.querySelector('#leave').open"))
	}
	twice(".featured [value="+moneykittest.CredentialsBank+"]", "choose", "Permissions")
	twice(".actions .main", "permissions", "Credentials")
	fillIn(frame, "Credentials", map[string]string{"username": "user_question", "password": "pass_good"})
	twice(".actions .main", "credentials", "Security Question")
	fillIn(frame, "Security Question", map[string]string{"answer": "blue"})
	twice(".actions .main", "mfa", "Accounts")
	twice(".actions .main", "accounts", "Success")
	x, y := middle(frame, ".actions .main")
	b.press(x, y, 1)
	b.press(x, y, 2)
	shows(b, "linked")
	assert.Equal(t, 1, w.count("done"))
	assert.Zero(t, w.count("help")+w.count("reset_password")+w.count("back"))
	s.heardOnly([]string{
		"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen", "submit_credentials",
		"change_screen", "submit_mfa", "change_screen", "submit_accounts", "change_screen", "success",
	})
	assert.Empty(t, b.said())
}

// A double click on Close asks once, and one on the answer does not touch the screen below.
func TestDoubleClickOnClose(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.look(320, "light")
	b.click("#link")
	frame := s.frame(b, "start")
	pick(frame, moneykittest.InstantBank)
	shown(frame, "Permissions")
	before := eval[string](frame, boxes)
	for count := 1; count <= 3; count++ {
		x, y := middle(frame, "#close")
		b.press(x, y, count)
	}
	assert.True(t, eval[bool](frame, "document.querySelector('#leave').open"))
	x, y := middle(frame, "#leave .plain")
	b.press(x, y, 1)
	frame.until("!document.querySelector('#leave').open")
	for count := 2; count <= 3; count++ {
		b.press(x, y, count)
	}
	assert.Equal(t, before, eval[string](frame, boxes))
	x, y = middle(frame, "#close")
	b.press(x, y, 1)
	x, y = middle(frame, "#leave .danger")
	b.press(x, y, 1)
	b.press(x, y, 2)
	shows(b, "Connect: exited")
	assert.Equal(t, 1, s.count("result"))
}

// Buttons that are clicked several times on one screen react each time.
func TestQuickClicksOnOneScreen(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	toCredentials(frame)
	x, y := middle(frame, "[data-reveal]")
	for count, kind := range []string{"text", "password", "text"} {
		b.press(x, y, count+1)
		assert.Equal(t, kind, eval[string](frame, "document.querySelector('#password').type"))
	}
	x, y = middle(frame, "#back")
	b.press(x, y, 1)
	shown(frame, "Permissions")
	x, y = middle(frame, "input:enabled")
	for count, checked := range []bool{false, true, false} {
		b.press(x, y, count+1)
		assert.Equal(t, checked, eval[bool](frame, "document.querySelector('input:enabled').checked"))
	}
}

// enter sends an event of the key Enter.
func (b tab) enter(event input.DispatchKeyEventType, repeat bool) {
	b.t.Helper()
	key := input.DispatchKeyEventParams{Type: event, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, AutoRepeat: &repeat}
	if event == input.DispatchKeyEventTypeKeyDown {
		key.Text, key.UnmodifiedText = "\r", "\r"
	}
	_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, key)
	require.NoError(b.t, err)
}

// A held key submits only one screen. Pressing it many times does nothing twice.
func TestEnterIsHeld(t *testing.T) {
	t.Parallel()
	const down, up = input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp
	s := newSite(t, nil)
	w := s.disturb()
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	toCredentials(frame)
	release := make(chan struct{})
	w.next("credentials", held(release))
	fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "wrong"})
	frame.do("document.querySelector('#password').focus()")
	for range 5 {
		b.enter(down, false)
		b.enter(up, false)
	}
	assert.True(t, within(func() bool { return w.count("credentials") > 0 }))
	close(release)
	frame.until("document.querySelector('[aria-invalid]')")
	b.enter(down, false) // The password is wrong a second time.
	frame.until("document.querySelector('main').ariaBusy === 'false'")
	for range 5 {
		b.enter(down, true)
	}
	b.enter(up, false)
	assert.Equal(t, 2, w.count("credentials"))

	fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "pass_good"})
	for _, name := range []string{"Accounts", "Success"} {
		b.enter(down, false)
		shown(frame, name)
		frame.do("document.querySelector('.actions .main').focus()")
		for range 5 {
			b.enter(down, true)
		}
		b.enter(up, false)
		assert.Equal(t, name, eval[string](frame, "document.querySelector('.screen').dataset.name"))
		assert.Equal(t, "false", eval[string](frame, "document.querySelector('main').ariaBusy"))
	}
	b.enter(down, false)
	shows(b, "linked")
	assert.Equal(t, 1, w.count("accounts"))
	assert.Equal(t, 1, w.count("done"))
}

// The same goes for the bank's page.
func TestDoubleClickAtBank(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	choose(frame, moneykittest.OAuthBank)
	bank := b.find("page", s.host.URL+bankPath)
	bank.until("document.querySelector('input[name=password]') !== null")
	bank.do("const form = document.forms[0]; form.username.value = 'user_good'; form.password.value = 'pass_good'")
	x, y := middle(bank, "button.main")
	bank.press(x, y, 1)
	bank.until("document.querySelector('button[value=allow]') !== null")
	for _, value := range []string{"allow", "refuse"} {
		bank.do("addEventListener('submit', () => { window.submitted = true })")
		x, y = middle(bank, "button[value="+value+"]")
		bank.press(x, y, 2)
		assert.False(t, eval[bool](bank, "Boolean(window.submitted)"), value)
	}
	bank.press(x, y, 1)
	bank.press(x, y, 2)
	shown(frame, "Error")
	assert.Contains(t, eval[string](frame, "document.querySelector('h1').innerText"), "You did not allow access")
}
