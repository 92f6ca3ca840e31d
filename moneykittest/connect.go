package moneykittest

import (
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Play is what a user does in Connect. The zero value links all accounts at the institution of the
// link session, or at the Instant Bank if it names none.
//
// Its JSON has the names in the tags of the fields. Accounts are those of the API, and exit is an
// object with error_id, displayed_message and request_id. Other members are an error.
type Play struct {
	// Institution is the id of the bank that the user chooses, if the link session does not: one of
	// this package's constants, or another of [moneykit.InstitutionsService.All].
	Institution string `json:"institution,omitempty"`
	// Username is the name to sign in with at a bank that asks for one. Empty means user_good. The
	// Credentials Bank is chosen if there is a Username and no Institution. With user_custom the
	// accounts are those of the link session's CustomSandboxData. The banks also know user_otp,
	// user_question, user_more, user_slow, user_none, user_setup, user_locked and user_down, which
	// are not MoneyKit's, and refuse all other names.
	Username string `json:"username,omitempty"`
	// Accounts are the types of the accounts that the user shares, such as "depository.checking".
	// Empty means all. With an existing link they select among NewAccounts; accounts that were
	// shared before stay shared.
	Accounts []string `json:"accounts,omitempty"`
	// NewAccounts are accounts that the user has at the bank besides the made-up ones or, with an
	// existing link, besides those of the link. Ids may be left empty.
	NewAccounts []moneykit.Account `json:"new_accounts,omitempty"`
	// Decline are the products that the user does not permit. Products that the session requires
	// are granted all the same.
	Decline []moneykit.Product `json:"decline,omitempty"`
	// Provider is how MoneyKit reaches the bank from now on. Empty means MoneyKit itself for a new
	// link, and no change for an existing one.
	Provider moneykit.Provider `json:"provider,omitempty"`
	// Failure is why the bank does not let the user in. Connect then ends with an error, and an
	// existing link is in state error for this reason. The reason user_oauth_denied, a user who
	// refuses on the bank's own pages, works at the OAuth Bank only.
	Failure moneykit.LinkError `json:"failure,omitempty"`
	// Exit ends Connect with an error.
	Exit *moneykit.ConnectError `json:"exit,omitempty"`
	// Leave ends Connect without an error: the user closes it.
	Leave bool `json:"leave,omitempty"`
	// Version is the version of Connect on the platform, whose payloads differ:
	//
	//   - web: 0.3.28, or 0.3.16, which reports no link id;
	//   - ios: 1.10.7, or 1.1 with other names in errors and events, or 2.0 without the token;
	//   - android: 0.4.2;
	//   - react_native: what its types declare, or what its bridges send: 2.9.0-ios,
	//     2.9.0-android, 3-ios and 3-android, without Expo.
	//
	// Empty means the first.
	Version string `json:"version,omitempty"`
}

// Connect plays a user who goes through Connect with the token of a link session, on the platform
// source, and returns what the front end would post: the payload of the success or exit callback,
// which [moneykit.ParseConnectResult] reads. After a success the new link awaits the exchange of
// its token, or the existing link of the session is connected again. An exit creates nothing. At
// the OAuth Bank the user goes to the bank's pages and comes back; [Server.Authorize] and
// [Server.Continue] do this in two steps.
//
// A session is good once. Connect ends with an error in these cases:
//   - The token is unknown, used or expired.
//   - The bank refuses the user name or, with [Play].Failure, the user.
//   - There is no account to share.
//   - The session rejects an institution that the user has linked before.
//
// The ids of these errors begin with "moneykittest.", because MoneyKit's are not published. What
// can only be a mistake is also reported to the test: a token that is unknown or used, an
// institution that does not exist, accounts that the user does not have, new accounts with ids that
// are taken, user_oauth_denied at a bank without pages of its own, and an unknown source.
func (s *Server) Connect(linkSessionToken string, source moneykit.ConnectSource, play Play) []byte {
	c := s.core()
	var end world.Ending
	c.World.Do(func(w *world.World, now time.Time) { end = w.Connect(linkSessionToken, world.Play(play), now) })
	return c.callBack("Connect", linkSessionToken, end, source)
}

// callBack returns what a front end is called back with, and reports mistakes to the test.
func (c *core) callBack(method, token string, end world.Ending, source moneykit.ConnectSource) []byte {
	c.ended(method, end)
	payload, err := c.CallBack(token, end, source)
	if err != nil {
		c.errorf("%s: %v", method, err)
	}
	return payload
}

// ended reports an ending of Connect that is a mistake, and logs one that may be.
func (c *core) ended(method string, end world.Ending) {
	if end.Mistake {
		c.errorf("%s: %s", method, end.Err.DisplayedMessage)
	} else if end.Note {
		c.logf("%s: %s", method, end.Err.DisplayedMessage)
	}
}

// Authorize plays the first half of Connect with the token of a link session at the OAuth Bank: the
// user goes to the bank's own pages, and permits or, with [Play].Failure, refuses there. It returns
// the URL to which the bank sends the user back: the session's redirect URI with a query that is
// different each time. Do not rely on the names and values in it. [Server.Continue] plays the
// second half. To play a user who never comes back, do not call it.
//
// It returns "" if Connect ends before the user is at the bank, for example because the session has
// expired. The mistakes of [Server.Connect], a bank without pages of its own, and a Play that ends
// Connect before are also reported to the test.
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
// returns and reports what [Server.Connect] does. It ignores the institution of the Play.
//
// The URL must be the one of this session, byte for byte, and is good once. If it is another URL,
// that of another session, or older than the lifetime of sessions, Connect ends with an error, and
// so does the session. These errors are written to the test's log. A session that has not been to a
// bank is reported to the test.
func (s *Server) Continue(linkSessionToken, returnURL string, source moneykit.ConnectSource, play Play) []byte {
	c := s.core()
	var end world.Ending
	c.World.Do(func(w *world.World, now time.Time) {
		end = w.Continue(linkSessionToken, returnURL, world.Play(play), now)
	})
	return c.callBack("Continue", linkSessionToken, end, source)
}

// ConnectEvents returns what Connect has called its event callback with so far, for the link
// session with this token and on the platform source: payloads that [moneykit.ParseConnectEvent]
// reads, oldest first. Before Connect is opened with the session there are none. The server makes
// only events whose meaning is published; Connect has more. A user who is warned about linking an
// institution again sees the screen "Duplicate Institution". An unknown token or source is reported
// to the test.
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
