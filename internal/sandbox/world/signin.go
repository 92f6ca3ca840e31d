package world

import (
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// TestUser is a user of the test banks. MoneyKit publishes only user_good, its password, and
// user_custom. The other users exist only here.
type TestUser struct {
	Name string
	Does string // what happens to the user, in words
}

// The valid inputs of test users.
const (
	Password     = "pass_good"
	Code         = "123456"
	Question     = "What is your favorite color?"
	Answer       = "blue"
	userGood     = "user_good"
	userCustom   = "user_custom"
	userOTP      = "user_otp"
	userQuestion = "user_question"
	userMore     = "user_more"
	userNone     = "user_none"
	userSlow     = "user_slow"
	userLocked   = "user_locked"
	userDown     = "user_down"
	userSetup    = "user_setup"
)

// TestUsers returns the users of every bank with a sign-in form.
func TestUsers() []TestUser {
	return []TestUser{
		{userGood, "signs in"},
		{userCustom, "has the accounts of custom_sandbox_data"},
		{userOTP, "is sent a code"},
		{userQuestion, "has to answer a question"},
		{userMore, "has one more account when a link is reconnected"},
		{userSlow, "has to wait for the bank"},
		{userNone, "has no accounts"},
		{userSetup, "has to do something at the bank first"},
		{userLocked, "is locked out"},
		{userDown, "finds the bank down"},
	}
}

// Device is a device to which a bank can send a code.
type Device struct{ ID, Kind, Name string }

// Devices returns the devices of user_otp.
func Devices() []Device {
	return []Device{
		{"sms", "sms", "•••• 4242"},
		{"email", "email", "u•••@example.com"},
		{"phone", "phone", "•••• 4242"},
	}
}

// signIn shows the sign-in screen of the institution, if it has one.
func (w *World) signIn(s *Session, now time.Time) {
	switch s.Institution.ID {
	case InstantBank:
		w.found(s, nil, now)
	case OAuthBank:
		s.goTo(ScreenOAuth, now)
	default:
		s.goTo(ScreenCredentials, now)
	}
}

// authenticate plays the sign-in of a user at a bank.
func (w *World) authenticate(s *Session, a Action, now time.Time) {
	switch string(s.Screen) + " " + a.Name {
	case "Credentials credentials":
		s.Username = a.Username
		s.happened(moneykit.ConnectEventSubmitCredentials, nil, now)
		w.checkPassword(s, a.Password, now)
	case "OTP Device device":
		if !slices.ContainsFunc(Devices(), func(d Device) bool { return d.ID == a.Device }) {
			s.Wrong = "no_device"
			return
		}
		s.Device = a.Device
		s.happened(moneykit.ConnectEventSubmitOTPDevice, nil, now)
		s.goTo(ScreenCode, now)
	case "OTP otp":
		s.happened(moneykit.ConnectEventSubmitOTP, nil, now)
		w.verify(s, a.Code == Code, "wrong_code", now)
	case "Security Question mfa":
		s.happened(moneykit.ConnectEventSubmitMFA, nil, now)
		w.verify(s, a.Answer == Answer, "wrong_answer", now)
	case "Waiting poll":
		if s.Polls++; s.Polls >= slowness {
			w.found(s, nil, now)
		}
	}
}

// checkPassword plays the bank's response to a user name and a password.
func (w *World) checkPassword(s *Session, password string, now time.Time) {
	known := slices.ContainsFunc(TestUsers(), func(u TestUser) bool { return u.Name == s.Username })
	if !known || (password != Password && s.Username != userCustom) {
		w.verify(s, false, "invalid_credentials", now)
		return
	}
	switch s.Username {
	case userOTP:
		s.goTo(ScreenDevice, now)
	case userQuestion:
		s.goTo(ScreenQuestion, now)
	case userSlow:
		s.Polls = 0
		s.goTo(ScreenWaiting, now)
	case userLocked:
		s.fail("locked", "the bank has locked the user out", moneykit.LinkErrorUserSetupRequired, now)
	case userSetup:
		reason := moneykit.LinkErrorUserSetupRequired
		s.fail(string(reason), "the user has to do something at the bank first", reason, now)
	case userDown:
		reason := moneykit.LinkErrorInstitutionError
		s.fail(string(reason), "the bank cannot be reached", reason, now)
	default:
		var more []moneykit.Account
		if s.Username == userMore && s.Params.ExistingLinkID != "" {
			more = []moneykit.Account{{Type: "depository.savings", Name: "Holiday Savings", Mask: "7007"}}
		}
		w.found(s, more, now)
	}
}

// verify continues if the input of the user is right. If not, it shows the error with an id, and
// locks the user out after maxTries wrong inputs.
func (w *World) verify(s *Session, right bool, id string, now time.Time) {
	if right {
		w.found(s, nil, now)
		return
	}
	if s.Tries++; s.Tries >= maxTries {
		s.Tries = 0
		s.fail("locked", "the bank has locked the user out", moneykit.LinkErrorInvalidCredentials, now)
		return
	}
	s.Wrong = id
	s.tell(exit(id, wrongText(id)).Err, now)
}

// wrongText returns the message about a wrong input.
func wrongText(id string) string {
	switch id {
	case "invalid_credentials":
		return "the bank refuses the user name"
	case "wrong_code":
		return "the code is wrong"
	case "wrong_answer":
		return "the answer is wrong"
	case "no_accounts":
		return "the user has chosen no account"
	default:
		return "there is no such choice"
	}
}

// found plays a user who has signed in: the bank denies access, or the user can choose among the
// accounts that the session allows.
func (w *World) found(s *Session, more []moneykit.Account, now time.Time) {
	s.Trail = nil
	if reason := s.Failure; reason != "" {
		s.Failure = ""
		s.problem(refused(reason).Err, reason, now)
		return
	}
	more = append(slices.Clip(more), s.More...)
	if s.Params.ExistingLinkID != "" {
		w.foundMore(s, more, now)
		return
	}
	l := w.newLink(s.Params.CustomerUser.ID, s.Institution, now)
	switch {
	case s.Username == userCustom:
		l.Accounts = w.customAccounts(l, s.Params.CustomSandboxData, now)
	case s.Username != userNone:
		l.Accounts = w.seedAccounts(l, now)
	}
	accounts, err := w.discover(l, more, now)
	if err != nil {
		s.taken(err, now)
		return
	}
	l.Accounts, s.Draft = accounts, l
	s.Offered = permitted(slices.Clone(l.Accounts), s.Features())
	if len(s.Offered) == 0 {
		s.fail("no_accounts", "the user has no accounts to share", "", now)
		return
	}
	s.show(ScreenAccounts, now)
}

// taken shows the error that an account of a play has the id of another account.
func (s *Session) taken(err error, now time.Time) {
	s.Hopeless, s.Impossible = true, true
	s.problem(mistake("taken_account", err.Error()).Err, "", now)
}

// foundMore is found for an existing link: the user can choose among the accounts that the link
// does not have yet.
func (w *World) foundMore(s *Session, more []moneykit.Account, now time.Time) {
	l, err := w.existing(s.Params.ExistingLinkID, now)
	if err != nil { // the link was deleted while the user was at the bank
		s.lost(now)
		return
	}
	accounts, err := w.discover(l, more, now)
	if err != nil {
		s.taken(err, now)
		return
	}
	n := len(l.Accounts)
	s.Offered = permitted(accounts[n:], s.Features())
	if s.Features().PermitOnlyOneAccount && n > 0 {
		s.Offered = nil
	}
	if len(s.Offered) == 0 {
		w.finishVisit(s, nil, now)
		return
	}
	s.show(ScreenAccounts, now)
}

// finishVisit creates the new link, or connects the existing one again, with the accounts that the
// user has chosen. Then it ends Connect.
func (w *World) finishVisit(s *Session, chosen []moneykit.Account, now time.Time) {
	var end Ending
	if s.Draft != nil {
		end = w.linkAnew(s, chosen, now)
	} else {
		l, err := w.existing(s.Params.ExistingLinkID, now)
		if err != nil {
			s.lost(now)
			return
		}
		end = w.relink(s, l, chosen, now)
	}
	s.Draft, s.Offered = nil, nil
	s.show(ScreenSuccess, now)
	s.Result = &end
	w.finish(s, end, now)
}
