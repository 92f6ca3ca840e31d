package moneykittest

import (
	"errors"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/pages"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Play is what a user does in Connect. The zero value links all accounts at the institution of
// the link session, or at the Instant Bank if it names none.
type Play struct {
	// Institution is chosen, if the link session leaves the choice: one of this package's
	// constants, or another of [moneykit.InstitutionsService.All].
	Institution string
	// Username signs in at the Credentials Bank, which is chosen if there is a Username and no
	// Institution. It is user_good if empty. With user_custom the accounts are those of the link
	// session's CustomSandboxData. All others are refused.
	Username string
	// Accounts are the types of the accounts that the user shares, such as
	// "depository.checking"; all if empty. With an existing link they are said of NewAccounts: what
	// was shared before stays so.
	Accounts []string
	// NewAccounts are accounts that the user has at the bank besides those that this package makes
	// up. With an existing link they are new there, and offered to be shared too. Ids may be left
	// empty.
	NewAccounts []moneykit.Account
	// Decline are the products that the user does not permit. Those that the session requires
	// cannot be declined.
	Decline []moneykit.Product
	// Provider is how MoneyKit reaches the bank from now on; it can change with a relink. If it is
	// empty a new link has MoneyKit itself, and an existing one the provider that it had.
	Provider moneykit.Provider
	// Failure is why the bank does not let the user in, so that Connect ends with an error. An
	// existing link is then in state error for this reason. With user_oauth_denied the user refuses
	// on the pages of the OAuth Bank, and can do so nowhere else.
	Failure moneykit.LinkError
	// Exit ends Connect with an error.
	Exit *moneykit.ConnectError
	// Leave ends Connect without one: the user closes it.
	Leave bool
}

// Connect plays the user who goes through Connect with the token of a link session, on the
// platform of source, and returns what the front end would post: the payload of the success or
// exit callback, which [moneykit.ParseConnectResult] reads. After a success on a new link, the
// link awaits the exchange of its token; a link session for an existing link has connected it,
// whatever was wrong with it. An exit leaves nothing behind. At the OAuth Bank the user goes to the
// bank and comes back; [Server.Authorize] and [Server.Continue] do it in two steps.
//
// A session is good once. With a token that is unknown, used or expired Connect ends with an
// error; so it does with a user name that the bank refuses, without any account to share, and where
// the session rejects an institution that the user has linked before. The
// ids of these errors begin with "moneykittest.", because MoneyKit's are not published. What can
// only be a mistake is also reported to the test: a token that is unknown or used, an institution
// that does not exist, accounts that the user does not have, new accounts with ids that are taken,
// a refusal where there is nothing to refuse, an unknown source.
func (s *Server) Connect(linkSessionToken string, source moneykit.ConnectSource, play Play) []byte {
	c := s.core()
	var end world.Ending
	c.world.Do(func(w *world.World, now time.Time) { end = w.Connect(linkSessionToken, world.Play(play), now) })
	return c.callBack("Connect", end, source)
}

// callBack returns what a front end gets of an ending, and tells the test what is to be told.
func (c *core) callBack(method string, end world.Ending, source moneykit.ConnectSource) []byte {
	c.pages.Tell(method, end)
	payload, ok := pages.Payload(end, source)
	if !ok {
		c.errorf("%s: there is no source %q", method, source)
	}
	return payload
}

// Authorize plays the first half of Connect with the token of a link session at the OAuth Bank: the
// user goes to the bank's own pages, and permits or, with [Play].Failure, refuses there. It returns
// the URL to which the bank sends the user: the session's redirect URI with a query, whose names
// and values are Connect's own affair and different each time. [Server.Continue] plays the rest. A
// user who never comes back is one with whom Continue is not called.
//
// Reported to the test, with "" for a URL, is what [Server.Connect] reports, a bank without pages
// of its own, and a Play that ends Connect before the user is there. A session that has expired or
// whose Connect ends in another way before the bank gives "", too.
func (s *Server) Authorize(linkSessionToken string, play Play) (returnURL string) {
	c := s.core()
	var end world.Ending
	c.world.Do(func(w *world.World, now time.Time) {
		returnURL, end = w.Authorize(linkSessionToken, world.Play(play), now)
	})
	c.pages.Tell("Authorize", end)
	return returnURL
}

// Continue plays the second half of Connect, after [Server.Authorize]: the user is back at
// returnURL, and the front end hands it to Connect with the token of the link session that it keeps.
// What it returns, posts and reports is as with [Server.Connect]; the bank of the Play has been
// chosen before. It is the same where the bank was in a window of its own, and where the whole page
// went there.
//
// The URL must be the one of this session, byte for byte, and is good once. Connect ends with an
// error, and the session with it, when the URL is another, that of another session, or older than a
// session may become. These are noted in the test's log; reported to the test is a session that has
// not been to a bank.
func (s *Server) Continue(linkSessionToken, returnURL string, source moneykit.ConnectSource, play Play) []byte {
	c := s.core()
	var end world.Ending
	c.world.Do(func(w *world.World, now time.Time) {
		end = w.Continue(linkSessionToken, returnURL, world.Play(play), now)
	})
	return c.callBack("Continue", end, source)
}

// ConnectEvents returns what Connect has called its event callback with so far, for the link session
// with this token and on the platform of source: payloads that [moneykit.ParseConnectEvent] reads,
// oldest first. They are none before Connect was opened with the session. A user who is warned
// of linking an institution again comes to a screen "Duplicate Institution". The events are among
// those whose meaning is published; Connect has more. A token or a source that is unknown is reported
// to the test.
func (s *Server) ConnectEvents(linkSessionToken string, source moneykit.ConnectSource) [][]byte {
	var payloads [][]byte
	var err error
	s.core().world.Do(func(w *world.World, _ time.Time) {
		payloads, err = connectEvents(w.Sessions[linkSessionToken], source)
	})
	if err != nil {
		s.core().errorf("ConnectEvents: %v", err)
	}
	return payloads
}

func connectEvents(session *world.Session, source moneykit.ConnectSource) ([][]byte, error) {
	if session == nil {
		return nil, errors.New("the link session token is unknown")
	}
	var payloads [][]byte
	for _, step := range session.Steps {
		data, err := pages.Event(session, step, source)
		if err != nil {
			return nil, err
		}
		payloads = append(payloads, data)
	}
	return payloads, nil
}
