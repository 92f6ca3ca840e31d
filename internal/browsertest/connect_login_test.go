package browsertest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// Each wrong input has a message at its field. Correct input leads to the next screen.
func TestConnectLogin(t *testing.T) {
	t.Parallel()
	type step struct {
		screen string
		fields map[string]string
		wrong  string // what the user has to correct afterwards
		event  string
	}
	for name, steps := range map[string][]step{
		"password": {
			{"Credentials", map[string]string{"username": "user_good", "password": "x"}, "password is wrong", "submit_credentials"},
			{"Credentials", login("user_bad"), "password is wrong", "submit_credentials"},
			{"Credentials", login("user_good"), "", "submit_credentials"},
		},
		"one-time code": {
			{"Credentials", login("user_otp"), "", "submit_credentials"},
			{"OTP Device", map[string]string{"device": "email"}, "", "submit_otp_device"},
			{"OTP", map[string]string{"code": "000000"}, "code is wrong", "submit_otp"},
			{"OTP", map[string]string{"code": "123456"}, "", "submit_otp"},
		},
		"security question": {
			{"Credentials", login("user_question"), "", "submit_credentials"},
			{"Security Question", map[string]string{"answer": "red"}, "answer is wrong", "submit_mfa"},
			{"Security Question", map[string]string{"answer": "blue"}, "", "submit_mfa"},
		},
		"the bank takes long": {{"Credentials", login("user_slow"), "", "submit_credentials"}, {screen: "Waiting"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := atBank(t, nil)
			var events []string
			for _, step := range steps {
				shown(a.frame, step.screen)
				if step.screen == "Waiting" {
					for range 3 {
						waited(a.frame)
					}
					continue
				}
				enter(a.frame, step.fields)
				events = append(events, step.event)
				if step.wrong != "" {
					corrected(a.frame, step.wrong)
				}
			}
			shown(a.frame, "Accounts")
			link, accounts := a.linked()
			assert.Equal(t, "moneykit-creds-bank", link.InstitutionID)
			assert.Equal(t, allAccounts(), accounts)
			heard := slices.DeleteFunc(a.steps(), func(event string) bool { return !slices.Contains(events, event) })
			assert.Equal(t, events, heard)
		})
	}
}

// After a wrong password the name is kept, and the password is not.
func TestConnectKeepsUserName(t *testing.T) {
	t.Parallel()
	a := atBank(t, nil)
	enter(a.frame, map[string]string{"username": `user "<b>`, "password": "secret"})
	corrected(a.frame, "password is wrong")
	assert.Equal(t, []string{`user "<b>`, ""}, eval[[]string](a.frame, "[username.value, password.value]"))
	assert.Equal(t, "password", eval[string](a.frame, "password.type"))
	a.frame.click("[data-reveal]")
	assert.Equal(t, "text", eval[string](a.frame, "password.type"))
	for _, help := range []string{"reset_password", "help"} {
		a.frame.click("[data-action=" + help + "]")
		a.frame.until("document.querySelector('main').ariaBusy === 'false'")
	}
	shown(a.frame, "Credentials")
	leave(a.frame)
	a.exited()
	assert.Subset(t, a.steps(), []string{"select_reset_password", "select_help"})
}

func TestConnectLocksAfterTooManyTries(t *testing.T) {
	t.Parallel()
	a := atBank(t, nil)
	for range 4 {
		enter(a.frame, map[string]string{"username": "user_good", "password": "x"})
		corrected(a.frame, "wrong")
	}
	enter(a.frame, map[string]string{"username": "user_good", "password": "x"})
	shown(a.frame, "Error")
	assert.Equal(t, []string{"The bank has locked your login"}, texts(a.frame, "h1"))
	a.frame.click("[data-leave]")
	assert.Equal(t, "moneykittest.locked", a.exited())
	assert.Empty(t, a.stored())
}

// The accounts of user_custom are those of the session, at each bank that asks for a name.
func TestConnectCustomUser(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(params *moneykit.LinkSessionParams) {
		params.CustomSandboxData = &moneykit.CustomSandboxData{Accounts: []moneykit.CustomSandboxAccount{
			{AccountType: "depository.checking", Name: "Mine", AccountNumber: "000123456789", RoutingNumber: "021000021"},
		}}
	}).link()
	choose(a.frame, "chase")
	enter(a.frame, map[string]string{"username": "user_custom", "password": "anything"})
	shown(a.frame, "Accounts")
	link, accounts := a.linked()
	assert.Equal(t, "chase", link.InstitutionID)
	assert.Equal(t, []string{"Mine"}, accounts)
}

// Each failure shows a reason. The user can retry, choose another bank, or leave with an error.
func TestConnectFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ title, id, website string }{
		"user_locked": {"The bank has locked your login", "locked", "Go to the bank’s website"},
		"user_setup":  {"The bank needs something from you", "user_setup_required", "Go to the bank’s website"},
		"user_down":   {"The bank cannot be reached", "institution_error", ""},
		"user_none":   {"There is nothing to share", "no_accounts", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fail := func(a *app) {
				t.Helper()
				enter(a.frame, login(name))
				shown(a.frame, "Error")
				assert.Equal(t, []string{tc.title}, texts(a.frame, "h1"))
				buttons := []string{"Try again", tc.website, "Choose another bank", "Close"}
				assert.Equal(t, slices.DeleteFunc(buttons, func(s string) bool { return s == "" }), texts(a.frame, ".actions button"))
			}
			a := atBank(t, nil)
			fail(a)
			if tc.website != "" {
				a.frame.click("[data-action=website]")
				a.frame.until("document.querySelector('main').ariaBusy === 'false'")
			}
			a.frame.click("[data-action=retry]")
			shown(a.frame, "Credentials")
			fail(a)
			a.frame.click("[data-action=restart]")
			pick(a.frame, moneykittest.InstantBank)
			shown(a.frame, "Permissions")
			link, accounts := a.linked()
			assert.Equal(t, "moneykit-instant-bank", link.InstitutionID)
			assert.Equal(t, allAccounts(), accounts)
			steps := a.steps()
			assert.Contains(t, steps, "error moneykittest."+tc.id)
			assert.Equal(t, tc.website != "", slices.Contains(steps, "open_institution_website"))

			b := atBank(t, nil)
			fail(b)
			b.frame.click("[data-leave]")
			assert.Equal(t, "moneykittest."+tc.id, b.exited())
			assert.Equal(t, "exit", b.steps()[len(b.steps())-1])
			assert.Empty(t, b.stored())
		})
	}
}

// Without a choice of banks, a failure does not offer another bank.
func TestConnectFailureAtOnlyBank(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(params *moneykit.LinkSessionParams) { params.InstitutionID = moneykittest.CredentialsBank }).link()
	submit(a.frame, "Permissions")
	shown(a.frame, "Credentials")
	enter(a.frame, login("user_down"))
	shown(a.frame, "Error")
	assert.Equal(t, []string{"Try again", "Close"}, texts(a.frame, ".actions button"))
	a.frame.click("[data-leave]")
	assert.Equal(t, "moneykittest.institution_error", a.exited())
}

func TestConnectAtInstantBank(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	pick(a.frame, moneykittest.InstantBank)
	submit(a.frame, "Permissions")
	shown(a.frame, "Accounts") // There is nothing to enter.
	submit(a.frame, "Accounts")
	shown(a.frame, "Success")
	waited(a.frame)
	assert.Equal(t, "linked", settled(a.page)["outcome"])
	links := a.stored()
	require.Len(t, links, 1)
	assert.Equal(t, "moneykit-instant-bank", links[0].InstitutionID)
	assert.Equal(t, allAccounts(), a.accounts(links[0].ID))
}
