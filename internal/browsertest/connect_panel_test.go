package browsertest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// fill clicks a button of the tester's panel, and then the focused button.
func fill(b view, label, text string) {
	b.test().Helper()
	const button = "[...document.querySelectorAll('.panel [data-fill]')].find((b) => b.innerText.replace(/\\s+/g, ' ') === %q)"
	b.until("document.querySelector('.panel') !== null")
	b.do("document.querySelector('.panel').open = true")
	found := fmt.Sprintf(button, label+" "+text)
	b.until(found)
	b.do(found + ".click()")
	b.until("document.activeElement.matches('button:not(.panel *)')")
}

// The tester's panel fills in the input for each outcome. The focus is then on the button that
// continues.
func TestConnectPanel(t *testing.T) {
	t.Parallel()
	toBank := func(a *app) {
		fill(a.frame, "Credentials Bank", "user name and password")
		assert.Equal(t, "Credentials Bank", eval[string](a.frame, "search.value"))
		a.frame.do("document.activeElement.click()")
		submit(a.frame, "Permissions")
		shown(a.frame, "Credentials")
	}
	t.Run("failures", func(t *testing.T) {
		t.Parallel()
		a := newApp(t, nil).link()
		for user, does := range map[string]string{
			"user_custom": "has the accounts of custom_sandbox_data", // There are none.
			"user_none":   "has no accounts",
			"user_setup":  "has to do something at the bank first",
			"user_locked": "is locked out",
			"user_down":   "finds the bank down",
		} {
			toBank(a)
			fill(a.frame, user, does)
			a.frame.do("document.activeElement.click()")
			shown(a.frame, "Error")
			a.frame.click("[data-action=restart]")
			shown(a.frame, "Finder")
		}
	})
	for user, tc := range map[string]struct{ does, screen string }{
		"user_good": {"signs in", "Accounts"},
		"user_more": {"has one more account when a link is reconnected", "Accounts"},
		"user_slow": {"has to wait for the bank", "Waiting"},
	} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, nil).link()
			toBank(a)
			fill(a.frame, "user_good", "with a wrong password")
			a.frame.do("document.activeElement.click()")
			corrected(a.frame, "password is wrong")
			fill(a.frame, user, tc.does)
			a.frame.do("document.activeElement.click()")
			shown(a.frame, tc.screen)
		})
	}
	t.Run("code", func(t *testing.T) {
		t.Parallel()
		a := newApp(t, nil).link()
		toBank(a)
		fill(a.frame, "user_otp", "is sent a code")
		a.frame.do("document.activeElement.click()")
		submit(a.frame, "OTP Device")
		panelAsks(a, "OTP", "000000", "123456")
	})
	t.Run("question", func(t *testing.T) {
		t.Parallel()
		a := newApp(t, nil).link()
		toBank(a)
		fill(a.frame, "user_question", "has to answer a question")
		a.frame.do("document.activeElement.click()")
		panelAsks(a, "Security Question", "red", "blue")
	})
	t.Run("bank", func(t *testing.T) {
		t.Parallel()
		a := newApp(t, nil).link()
		shown(a.frame, "Finder")
		fill(a.frame, "OAuth Bank", "its own page")
		a.frame.do("document.activeElement.click()")
		goOn(a.frame)
		a.frame.click("[data-bank=open]")
		bank := a.page.find("page", a.host.URL+bankPath)
		fill(bank, "user_good", "with a wrong password")
		bank.do("document.activeElement.click()")
		bank.until("document.querySelector('#error')?.innerText.includes('password is wrong')")
		fill(bank, "user_good", "logs in")
		bank.do("document.activeElement.click()")
		bank.click("button[value=allow]")
		link, _ := a.linked()
		assert.Equal(t, moneykittest.OAuthBank, link.InstitutionID)
	})
}

// panelAsks enters first wrong and then right answers, with the panel.
func panelAsks(a *app, screen, wrong, right string) {
	a.t.Helper()
	shown(a.frame, screen)
	fill(a.frame, wrong, "is wrong")
	a.frame.do("document.activeElement.click()")
	corrected(a.frame, "is wrong")
	fill(a.frame, right, "is right")
	a.frame.do("document.activeElement.click()")
	shown(a.frame, "Accounts")
}

// The panel has all test users, and the tests above cover all of them.
func TestConnectPanelIsComplete(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	labels := map[string][]string{}
	for _, screen := range []string{"Finder", "Permissions", "Credentials", "OTP Device", "OTP", "Accounts"} {
		shown(a.frame, screen)
		if eval[bool](a.frame, "document.querySelector('.panel') !== null") {
			a.frame.do("document.querySelector('.panel').open = true")
			labels[screen] = texts(a.frame, ".panel code")
		}
		switch screen {
		case "Finder":
			pick(a.frame, moneykittest.CredentialsBank)
		case "Credentials":
			enter(a.frame, login("user_otp"))
		case "OTP":
			enter(a.frame, map[string]string{"code": "123456"})
		default:
			submit(a.frame, screen)
		}
	}
	assert.Equal(t, []string{"Credentials", "Finder", "OTP"}, slices.Sorted(maps.Keys(labels)))
	assert.Equal(t, []string{"Instant Bank", "Credentials Bank", "OAuth Bank"}, labels["Finder"])
	assert.Len(t, labels["Credentials"], 11)
	assert.Equal(t, []string{"123456", "000000"}, labels["OTP"])
	a.linked()
}
