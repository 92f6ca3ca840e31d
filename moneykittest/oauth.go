package moneykittest

import (
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

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
	now := c.lock()
	returnURL, end := c.authorize(linkSessionToken, play, now)
	c.mu.Unlock()
	c.tellOf("Authorize", end)
	return returnURL
}

func (c *core) authorize(token string, play Play, now time.Time) (string, ending) {
	session, end, ok := c.enter(token, now)
	if !ok {
		return "", end
	}
	end, ok = c.reach(session, play, now)
	switch _, stays := play.goesOn(); {
	case !stays:
		end, ok = mistake("no_bank", "a user who leaves Connect does not come to the bank"), false
	case ok && session.institution.id != OAuthBank:
		end, ok = mistake("no_bank", session.institution.name+" has no pages of its own"), false
	}
	if !ok {
		session.end(end, now)
		return "", end
	}
	session.failure = play.Failure
	session.back, session.sent = session.params.RedirectURI+"?"+returnQuery(), now
	c.returns[session.back] = session
	return session.back, ending{}
}

// returnQuery makes up a query. Its form is one that is easily changed by whoever takes it apart and
// puts it together again.
func returnQuery() string {
	name := func() string { return secretID()[:8] }
	value := func() string { return strings.ReplaceAll(secretID(), "-", "") }
	return "z" + name() + "=" + value() + "&a" + name() + "=" + value() + "%2f+" + value() + "&m" + name()
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
	now := c.lock()
	end := c.resume(linkSessionToken, returnURL, play, now)
	c.mu.Unlock()
	return c.callBack("Continue", end, source)
}

func (c *core) resume(token, returnURL string, play Play, now time.Time) ending {
	session := c.sessions[token]
	switch {
	case session == nil:
		return mistake("unknown_session", "the link session token is unknown")
	case session.over:
		return noted("used_return", "Connect has ended before with this link session")
	}
	session.open(now) // if it is not; a stranger's URL can come before the user has begun
	end, ok := c.checkReturn(session, returnURL, now)
	if ok {
		end, ok = play.goesOn()
	}
	if ok {
		end = c.conclude(session, play, now)
	}
	session.end(end, now)
	return end
}

func (c *core) checkReturn(session *session, returnURL string, now time.Time) (ending, bool) {
	owner := c.returns[returnURL]
	switch {
	case owner == nil && session.back == "":
		return mistake("no_return", "this link session has not been to a bank"), false
	case owner == nil:
		return noted("changed_return", "the bank did not send the user back to this URL"), false
	case owner != session:
		return noted("other_return", "the bank sent the user of another link session back to this URL"), false
	case c.isOld(session.sent, now):
		return noted("expired_return", "the bank sent the user back too long ago"), false
	}
	return ending{}, true
}
