package moneykittest

import (
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Play is what a user does in Connect. The zero value links all accounts at the institution of the
// link session, or at the Instant Bank if it names none.
//
// The JSON members are named in the tags of the fields. Accounts have the form of the API, and exit
// is an object with error_id, displayed_message and request_id. Other members are an error.
type Play struct {
	// Institution is the ID of the bank that the user chooses, unless the link session names one.
	// It is one of this package's constants, or any other ID from
	// [moneykit.InstitutionsService.All].
	Institution string `json:"institution,omitempty"`
	// Username is the name to sign in with at a bank that asks for one. Empty means user_good. With
	// a Username and no Institution, the user chooses the Credentials Bank. With user_custom the
	// accounts come from the link session's CustomSandboxData. The banks also accept user_otp,
	// user_question, user_more, user_slow, user_none, user_setup, user_locked and user_down, which
	// MoneyKit does not have. They refuse all other names.
	Username string `json:"username,omitempty"`
	// Accounts are the types of the accounts that the user shares, such as "depository.checking".
	// Empty means all. For an existing link they select among NewAccounts; accounts that were
	// shared before stay shared.
	Accounts []string `json:"accounts,omitempty"`
	// NewAccounts are further accounts of the user at the bank, in addition to the made-up ones or
	// to the accounts of an existing link. IDs may be empty.
	NewAccounts []moneykit.Account `json:"new_accounts,omitempty"`
	// Decline are the products that the user does not permit. Products that the session requires
	// are granted nevertheless.
	Decline []moneykit.Product `json:"decline,omitempty"`
	// Provider is the provider of the link's connection from now on. Empty means MoneyKit itself
	// for a new link, and no change for an existing one.
	Provider moneykit.Provider `json:"provider,omitempty"`
	// Failure is the reason why the bank rejects the user. Connect then ends with an error, and an
	// existing link is in state error for this reason. The reason user_oauth_denied works only at
	// the OAuth Bank: the user refuses on the bank's own pages.
	Failure moneykit.LinkError `json:"failure,omitempty"`
	// Exit ends Connect with an error.
	Exit *moneykit.ConnectError `json:"exit,omitempty"`
	// Leave means that the user closes Connect, which ends it without an error.
	Leave bool `json:"leave,omitempty"`
	// Version is the version of Connect on the platform. Payloads differ between versions:
	//
	//   - web: 0.3.28, or 0.3.16, which reports no link ID;
	//   - ios: 1.10.7, or 1.1 with other names in errors and events, or 2.0 without the token;
	//   - android: 0.4.2;
	//   - react_native: empty for the payloads that its types declare, or 2.9.0-ios, 2.9.0-android,
	//     3-ios and 3-android for the payloads that its bridges send, without Expo.
	//
	// Empty means the first.
	Version string `json:"version,omitempty"`
}

// Connect plays a user who goes through Connect with the token of a link session, on the platform
// source. It returns the payload of the success or exit callback, which the front end would post
// and [moneykit.ParseConnectResult] reads. After a success the new link awaits the exchange of its
// token, or the existing link of the session is connected again. An exit creates nothing. At the
// OAuth Bank the user goes to the bank's pages and comes back; [Server.Authorize] and
// [Server.Continue] do this in two steps.
//
// A session works once. Connect ends with an error in these cases:
//   - The token is unknown, used or expired.
//   - The bank refuses the user name or, with [Play].Failure, the user.
//   - There is no account to share.
//   - The session rejects an institution that the user has linked before.
//
// The IDs of these errors begin with "moneykittest.", because MoneyKit's are not published.
// Mistakes are also reported to the test:
//
//   - The token is unknown or used.
//   - The institution does not exist, or the source is unknown.
//   - The user does not have the accounts, or the IDs of new accounts are taken.
//   - user_oauth_denied is used at a bank without its own pages.
func (s *Server) Connect(linkSessionToken string, source moneykit.ConnectSource, play Play) []byte {
	c := s.core()
	var end world.Ending
	c.World.Do(func(w *world.World, now time.Time) { end = w.Connect(linkSessionToken, world.Play(play), now) })
	return c.callBack("Connect", linkSessionToken, end, source)
}

// callBack returns the payload of Connect's callback, and reports mistakes to the test.
func (c *core) callBack(method, token string, end world.Ending, source moneykit.ConnectSource) []byte {
	c.ended(method, end)
	payload, err := c.CallBack(token, end, source)
	if err != nil {
		c.errorf("%s: %v", method, err)
	}
	return payload
}

// ended reports an ending of Connect that is a mistake, and logs an ending that may be one.
func (c *core) ended(method string, end world.Ending) {
	if end.Mistake {
		c.errorf("%s: %s", method, end.Err.DisplayedMessage)
	} else if end.Note {
		c.logf("%s: %s", method, end.Err.DisplayedMessage)
	}
}

// Authorize plays the first half of Connect with the token of a link session at the OAuth Bank. The
// user goes to the bank's own pages, and permits access or, with [Play].Failure, refuses it there.
// Authorize returns the URL to which the bank sends the user back: the session's redirect URI with
// a query that is different each time. Do not rely on the names and values in the query.
// [Server.Continue] plays the second half. To play a user who never comes back, do not call it.
//
// It returns "" if Connect ends before the user gets to the bank, for example because the session
// has expired. It reports the mistakes of [Server.Connect] to the test, as well as a bank without
// its own pages and a Play that ends Connect earlier.
func (s *Server) Authorize(linkSessionToken string, play Play) (returnURL string) {
	c := s.core()
	var end world.Ending
	c.World.Do(func(w *world.World, now time.Time) {
		returnURL, end = w.Authorize(linkSessionToken, world.Play(play), now)
	})
	c.ended("Authorize", end)
	return returnURL
}

// Continue plays the second half of Connect, after [Server.Authorize]: the user is back at
// returnURL, and the front end passes it to Connect with the token of the link session. Continue
// returns the payload of the callback, and reports the mistakes of [Server.Connect]. It ignores the
// institution of the Play.
//
// The URL must equal the session's URL byte for byte, and works once. For another URL, a URL of
// another session, or a URL older than the lifetime of sessions, Connect and the session end with
// an error, which is written to the test's log. A session without a call of Authorize is reported
// to the test.
func (s *Server) Continue(linkSessionToken, returnURL string, source moneykit.ConnectSource, play Play) []byte {
	c := s.core()
	var end world.Ending
	c.World.Do(func(w *world.World, now time.Time) {
		end = w.Continue(linkSessionToken, returnURL, world.Play(play), now)
	})
	return c.callBack("Continue", linkSessionToken, end, source)
}

// ConnectEvents returns the payloads of Connect's event callback so far, oldest first, for the link
// session with this token and on the platform source. [moneykit.ParseConnectEvent] reads them.
// There are none before Connect is opened with the session. The server makes only events whose
// meaning is published; Connect has more. A user who is warned about linking an institution again
// sees the screen "Duplicate Institution". An unknown token or source is reported to the test.
func (s *Server) ConnectEvents(linkSessionToken string, source moneykit.ConnectSource) [][]byte {
	payloads, err := s.core().ConnectEvents(linkSessionToken, source)
	if err != nil {
		s.core().errorf("ConnectEvents: %v", err)
	}
	return payloads
}

// known reports whether there is a link session with this token.
func (s *Server) known(linkSessionToken string) (known bool) {
	s.core().World.Do(func(w *world.World, _ time.Time) { known = w.Sessions[linkSessionToken] != nil })
	return known
}
