package browsertest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// press presses keys in the page, whose frame has the focus.
func (s *stage) press(keys string, modifiers ...chromedp.Modifier) {
	s.t.Helper()
	require.NoError(s.t, chromedp.Do(s.page.ctx, chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...))))
}

// focused describes the focused element: its kind, and its label or its text.
const focused = `(() => {
	const e = document.activeElement;
	const label = e.labels?.[0]?.querySelector(".name")?.firstChild.textContent ?? e.labels?.[0]?.textContent;
	return e.localName + " " + (label || e.dataset.label || e.ariaLabel || e.textContent).trim().replace(/\s+/g, " ");
})()`

// has waits until an element has the focus.
func (s *stage) has(want string) {
	s.t.Helper()
	if !within(func() bool { return eval[string](s.frame, focused) == want }) {
		assert.Equal(s.t, want, eval[string](s.frame, focused))
	}
}

// says waits until the text for screen readers changes to a text.
func (s *stage) says(want string) {
	s.t.Helper()
	live := `document.querySelector("#live").textContent`
	if !within(func() bool { return eval[string](s.frame, live) == want }) {
		assert.Equal(s.t, want, eval[string](s.frame, live))
	}
}

// focusOf contains the first focus at each moment of the walks, and the text for screen readers.
var focusOf = map[string][2]string{
	"finder":            {"input Search banks", "Connect your bank"},
	"duplicate":         {"button Connect it anyway", "You have already connected Credentials Bank"},
	"permissions":       {"button Continue", "Acme Budget asks for"},
	"reconnect":         {"button Continue", "Reconnect Credentials Bank"},
	"credentials":       {"input User name", "Log in to Credentials Bank"},
	"credentials-error": {"input User name", "Log in to Credentials Bank. The user name or the password is wrong. Please try again."},
	"otp-device":        {"input •••• 4242", "Where shall the bank send a code?"},
	"otp":               {"input Code", "Enter the code"},
	"otp-error":         {"input Code", "Enter the code. This code is wrong. Please look again."},
	"question":          {"input What is your favorite color?", "Security question"},
	"question-error":    {"input What is your favorite color?", "Security question. This answer is wrong. Please try again."},
	"oauth-ready":       {"button Go to OAuth Bank", "Log in at OAuth Bank"},
	"oauth-blocked": {
		"button Open OAuth Bank in this window",
		"Your browser blocked the window. Allow windows for this page and try again, or open OAuth Bank in this window.",
	},
	"oauth-open":      {"button Show the window", "Finish in the bank’s window. This page continues by itself when you are done there."},
	"oauth-closed":    {"button Go to OAuth Bank", "The bank’s window was closed before you were done."},
	"accounts":        {"button Continue", "Choose accounts"},
	"accounts-one":    {"button Continue", "Choose an account"},
	"accounts-error":  {"input Everyday Checking", "Choose accounts. Please choose at least one account."},
	"waiting":         {"h1 One moment, please", "One moment, please. We are talking to Credentials Bank. This can take up to a minute."},
	"success":         {"button Done", "Connected to Credentials Bank. Acme Budget can now see one account."},
	"success-relink":  {"button Done", "Reconnected to Credentials Bank. Acme Budget can now see 5 accounts."},
	"error-locked":    {"button Try again", "The bank has locked your login. Unlock it at the bank’s website, and then try again."},
	"error-duplicate": {"h1 You have already connected this bank", "You have already connected this bank. It is not connected a second time."},
	"error-unknown":   {"h1 This session is not known", "This session is not known. Please go back to the application and start again."},
	"leave":           {"button Stay", "Acme Budget asks for"},
}

func TestFocus(t *testing.T) {
	t.Parallel()
	for name, walk := range walks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, "{}")
			s.page.look(320, "light")
			s.seen = func(name string) {
				if want, ok := focusOf[name]; ok {
					s.has(want[0])
					s.says(want[1])
					if !strings.HasSuffix(name, "-error") {
						assert.Zero(t, eval[float64](s.frame, "document.querySelector('.screen').scrollTop"), "%s is scrolled", name)
					}
				}
			}
			walk(s)
		})
	}
}

// round presses Tab until the focus is where it was, and returns the focused elements.
func (s *stage) round(modifiers ...chromedp.Modifier) []string {
	s.t.Helper()
	begin := eval[string](s.frame, focused)
	all := []string{begin}
	for range 30 {
		s.press(kb.Tab, modifiers...)
		at := all[len(all)-1]
		within(func() bool { at = eval[string](s.frame, focused); return at != all[len(all)-1] })
		if at == begin {
			break
		}
		all = append(all, at)
	}
	return all
}

func TestTabStaysInCard(t *testing.T) {
	t.Parallel()
	s := newStage(t, "{}")
	check := func(want ...string) {
		t.Helper()
		assert.Equal(t, want, s.round())
		back := slices.Clone(want[1:])
		slices.Reverse(back)
		assert.Equal(t, append(want[:1:1], back...), s.round(kb.ModifierShift))
		assert.True(t, eval[bool](s.frame, "document.hasFocus()"))
	}
	s.open(moneykit.LinkSessionParams{})
	s.has("input Search banks")
	check("input Search banks", "button Instant Bank", "summary Test users", "button Close")
	s.frame.click("[value=" + moneykittest.CredentialsBank + "]")
	shown(s.frame, "Permissions")
	s.has("button Continue")
	check("button Continue", "button Back", "button Close",
		"input Account and routing numbers", "input Name, address and contact details", "input Transactions", "input Investments")
	s.press(kb.Enter)
	shown(s.frame, "Credentials")
	s.has("input User name")
	check("input User name", "input Password", "button Show password", "button Forgot your password?", "button Help", "button Continue",
		"summary Test users", "button Back", "button Close")
	s.press(kb.Escape)
	s.has("button Stay")
	check("button Stay", "button Leave")
	s.press(kb.Escape)
	s.has("input User name")
	s.frame.do("document.querySelector('h1').focus()")
	s.press(kb.Tab, kb.ModifierShift)
	s.has("summary Test users")
	s.press(kb.Enter)
	s.press(kb.Tab)
	s.has("button user_good signs in")
	s.press(kb.Tab, kb.ModifierShift)
	s.has("summary Test users")
}

func TestEscape(t *testing.T) {
	t.Parallel()
	s := newStage(t, "{}")
	isOpen := func(selector string) bool {
		return eval[bool](s.frame, "document.querySelector('"+selector+"[open]') !== null")
	}
	s.open(moneykit.LinkSessionParams{InstitutionID: moneykittest.CredentialsBank})
	shown(s.frame, "Permissions")
	s.press(kb.Escape)
	require.True(t, isOpen("#leave"))
	s.has("button Stay")
	s.press(kb.Escape)
	assert.False(t, isOpen("#leave"))
	s.has("button Continue")
	s.press(kb.Enter)
	shown(s.frame, "Credentials")

	s.frame.do("document.querySelector('.panel').open = true; document.querySelector('.panel button').focus()")
	s.press(kb.Escape)
	assert.False(t, isOpen(".panel"))
	assert.False(t, isOpen("#leave"))
	s.has("summary Test users")
	s.press(kb.Escape)
	require.True(t, isOpen("#leave"))
	s.press(kb.Tab + kb.Enter)
	s.page.until("window.ended")
	assert.Equal(t, "exit", eval[string](s.page, "ended[0]"))

	// There is nothing to lose at the beginning, and nothing after the end.
	s.open(moneykit.LinkSessionParams{})
	s.press(kb.Escape)
	s.page.until("window.ended")
	s.logIn("user_good", nil)
	shown(s.frame, "Accounts")
	s.submit(nil)
	shown(s.frame, "Success")
	s.press(kb.Escape)
	s.page.until("window.ended")
	assert.Equal(t, "success", eval[string](s.page, "ended[0]"))
}

func TestKeysInFinder(t *testing.T) {
	t.Parallel()
	s := newStage(t, "{}")
	s.open(moneykit.LinkSessionParams{})
	value := func(want string) {
		t.Helper()
		assert.Equal(t, want, eval[string](s.frame, "document.querySelector('#search').value"))
	}
	s.has("input Search banks")
	s.press("beac")
	s.says("8 banks found")
	steps := func(pairs ...string) {
		t.Helper()
		for i := 0; i < len(pairs); i += 2 {
			s.press(pairs[i])
			s.has(pairs[i+1])
		}
	}
	steps(kb.ArrowDown, "button Beacon Hill Bank", kb.ArrowDown, "button Beacon Hill Bank plc", kb.ArrowRight, "button Beacon Hill Building Society",
		kb.ArrowLeft, "button Beacon Hill Bank plc", kb.End, "button Beacon Hill Wealth", kb.ArrowDown, "button Beacon Hill Wealth",
		kb.ArrowUp, "button Beacon Hill Trust", kb.Home, "button Beacon Hill Bank", kb.ArrowUp, "input Search banks",
		kb.ArrowDown, "button Beacon Hill Bank")
	s.press("a", kb.ModifierCtrl)
	s.has("button Beacon Hill Bank")
	value("beac")
	s.press("on hill sav")
	s.has("input Search banks")
	value("beacon hill sav")
	s.says("1 bank found")
	s.press(kb.ArrowDown)
	s.has("button Beacon Hill Savings & Loan")
	s.press(kb.Backspace)
	s.has("input Search banks")
	value("beacon hill sa")
	s.press(" qqq")
	s.says("No banks found")
	s.press(kb.ArrowDown)
	s.has("input Search banks")
	// Tab goes to where the user was in the list.
	s.frame.do("document.querySelector('[data-clear]').click()")
	value("")
	steps(kb.ArrowDown, "button Instant Bank", kb.ArrowDown, "button Credentials Bank",
		kb.Home, "button Instant Bank", kb.ArrowRight, "button Credentials Bank")
	s.press(kb.Tab)
	s.press(kb.Tab, kb.ModifierShift)
	s.has("button Credentials Bank")
	s.press(kb.Enter)
	shown(s.frame, "Permissions")

	// All the way to the end without a mouse.
	s.has("button Continue")
	s.press(kb.Enter)
	shown(s.frame, "Credentials")
	s.has("input User name")
	s.press("user_good" + kb.Tab + "pass_good" + kb.Enter)
	shown(s.frame, "Accounts")
	s.has("button Continue")
	s.press(kb.Enter)
	shown(s.frame, "Success")
	s.has("button Done")
	s.press(kb.Enter)
	s.page.until("window.ended")
	assert.Equal(t, "success", eval[string](s.page, "ended[0]"))
}

// On a touch screen, a field has the focus only after a tap or a mistake, so that the keyboard does
// not cover the page at once.
func TestTouch(t *testing.T) {
	t.Parallel()
	s := newStage(t, "{}")
	touch := func(b tab) {
		require.NoError(t, chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true})
			return err
		})))
	}
	s.open(moneykit.LinkSessionParams{})
	touch(s.page)
	touch(s.frame)
	s.frame.until("matchMedia('(pointer: coarse)').matches")
	s.frame.click("[value=" + moneykittest.CredentialsBank + "]")
	s.has("h1 Acme Budget asks for")
	s.submit(nil)
	s.has("h1 Log in to Credentials Bank")
	s.frame.click("#back")
	s.has("h1 Acme Budget asks for")
	s.frame.click("#back")
	s.has("h1 Connect your bank")
	s.frame.click("[value=" + moneykittest.CredentialsBank + "]")
	s.has("h1 Acme Budget asks for")
	s.submit(nil)
	s.has("h1 Log in to Credentials Bank")
	s.submit(map[string]string{"username": "user_good", "password": "wrong"})
	s.wrong()
	s.has("input User name")
}
