package world

import (
	"cmp"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
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
	switch _, stays := play.goesOn(); {
	case !stays:
		end, ok = mistake("no_bank", "a user who leaves Connect does not come to the bank"), false
	default:
		end, ok = w.beginPlay(session, play, now)
	}
	if ok && session.Screen != ScreenError && session.Institution.ID != OAuthBank {
		end, ok = mistake("no_bank", session.Institution.Name+" has no pages of its own"), false
	}
	if !ok {
		w.finish(session, end, now)
		return "", end
	}
	if w.advance(session, play, now); session.Screen != ScreenOAuth {
		return "", w.conclude(session, play, now)
	}
	w.Act(session, Action{Name: "oauth"}, now)
	return w.sendBack(session, play.Failure, now), Ending{}
}

// sendBack returns the URL to which the bank sends the user, who has refused there for a reason or
// has not.
func (w *World) sendBack(s *Session, failure moneykit.LinkError, now time.Time) string {
	delete(w.Returns, s.Return)
	s.Failure, s.Sent, s.Returned, s.Forgotten = failure, now, false, false
	s.Return = s.Params.RedirectURI + "?" + returnQuery()
	w.Returns[s.Return] = s.Token
	return s.Return
}

// AtBank returns the session of a user who is at the pages of a bank, nil if there is none.
func (w *World) AtBank(token string, now time.Time) *Session {
	s := w.Session(token)
	if s == nil || s.Over || s.Screen != ScreenOAuth || (w.isOld(s.Created, now) && (s.Sent.IsZero() || w.isOld(s.Sent, now))) {
		return nil
	}
	return s
}

// Answer plays the user who allows or refuses something on the pages of the bank, and returns the
// URL to which the bank sends the user.
func (w *World) Answer(s *Session, allow bool, now time.Time) string {
	if !allow {
		return w.sendBack(s, moneykit.LinkErrorUserOAuthDenied, now)
	}
	return w.sendBack(s, "", now)
}

// Return comes back from the bank's pages to a page of Connect, which need not be the one that the
// user left. If the URL is not right, the user can go on where the session is.
func (w *World) Return(token, page, returnURL string, now time.Time) (*Session, Ending, bool) {
	s := w.Session(token)
	switch {
	case s == nil:
		return nil, mistake("unknown_session", "the link session token is unknown"), false
	case s.Returned && s.Page == page: // the page is reloaded
		return s, Ending{}, true
	case s.Over || s.Returned:
		return nil, noted("used_return", "the user has come back with this link session before"), false
	}
	if end, ok := w.checkReturn(s, returnURL, now); !ok {
		return nil, end, false
	}
	if s.Page != page {
		s.Page, s.Acted = page, 0
	}
	s.Returned = true
	w.found(s, nil, now)
	return s, Ending{}, true
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
	session := w.Session(token)
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
		session.Failure = cmp.Or(session.Failure, play.Failure)
		end, ok = w.check(session, play, now)
	}
	if !ok {
		w.finish(session, end, now)
		return end
	}
	session.Returned, session.More, session.Provider = true, play.NewAccounts, cmp.Or(play.Provider, session.Provider)
	session.Declined = append(session.Declined, play.Decline...)
	w.found(session, nil, now)
	return w.conclude(session, play, now)
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
