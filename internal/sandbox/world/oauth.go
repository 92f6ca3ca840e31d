package world

import (
	"cmp"
	"strings"
	"time"
)

// Authorize plays the first half of Connect at the OAuth Bank: the user goes to the bank's own
// pages, and permits or, with a Failure, refuses there. It returns the URL to which the bank sends
// the user: the session's redirect URI with a query that is different each time. If Connect ends
// before, the URL is "".
func (w *World) Authorize(token string, play Play, now time.Time) (returnURL string, end Ending) {
	session, end, ok := w.enter(token, now)
	if !ok {
		return "", end
	}
	session.Version = play.Version
	end, ok = w.reach(session, play, now)
	switch _, stays := play.goesOn(); {
	case !stays:
		end, ok = mistake("no_bank", "a user who leaves Connect does not come to the bank"), false
	case ok && session.Institution.ID != OAuthBank:
		end, ok = mistake("no_bank", session.Institution.Name+" has no pages of its own"), false
	}
	if !ok {
		w.finish(session, end, now)
		return "", end
	}
	session.Failure = play.Failure
	session.Return, session.Sent = session.Params.RedirectURI+"?"+returnQuery(), now
	w.Returns[session.Return] = token
	return session.Return, Ending{}
}

// returnQuery makes up a query. Its form is one that is easily changed by whoever takes it apart
// and puts it together again.
func returnQuery() string {
	name := func() string { return NewToken()[:8] }
	value := func() string { return strings.ReplaceAll(NewToken(), "-", "") }
	return "z" + name() + "=" + value() + "&a" + name() + "=" + value() + "%2f+" + value() + "&m" + name()
}

// Continue plays the second half of Connect, after [World.Authorize]: the user is back at
// returnURL. The URL must be the one of this session, byte for byte, and is good once.
func (w *World) Continue(token, returnURL string, play Play, now time.Time) Ending {
	session := w.Sessions[token]
	switch {
	case session == nil:
		return mistake("unknown_session", "the link session token is unknown")
	case session.Over:
		return noted("used_return", "Connect has ended before with this link session")
	}
	session.Version = cmp.Or(play.Version, session.Version)
	session.open(now) // if it is not; a stranger's URL can come before the user has begun
	end, ok := w.checkReturn(session, returnURL, now)
	if ok {
		end, ok = play.goesOn()
	}
	if ok {
		end = w.conclude(session, play, now)
	}
	w.finish(session, end, now)
	return end
}

func (w *World) checkReturn(session *Session, returnURL string, now time.Time) (Ending, bool) {
	owner, known := w.Returns[returnURL]
	switch {
	case !known && session.Return == "":
		return mistake("no_return", "this link session has not been to a bank"), false
	case !known:
		return noted("changed_return", "the bank did not send the user back to this URL"), false
	case owner != session.Token:
		return noted("other_return", "the bank sent the user of another link session back to this URL"), false
	case w.isOld(session.Sent, now):
		return noted("expired_return", "the bank sent the user back too long ago"), false
	}
	return Ending{}, true
}
