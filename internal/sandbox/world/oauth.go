package world

import (
	"cmp"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Authorize plays the first half of Connect at the OAuth Bank: the user goes to the bank's own
// pages and grants access there. With a Failure, the user refuses. It returns the URL to which the
// bank sends the user: the redirect URI of the session with a new query each time. If Connect ends
// before that, the URL is "".
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

// sendBack returns the URL to which the bank sends the user. failure is the reason of a refusal, or
// "" if the user granted access.
func (w *World) sendBack(s *Session, failure moneykit.LinkError, now time.Time) string {
	delete(w.Returns, s.Return)
	s.Failure, s.Sent, s.Returned, s.Forgotten = failure, now, false, false
	s.Return = s.Params.RedirectURI + "?" + returnQuery()
	w.Returns[s.Return] = s.Token
	return s.Return
}

// AtBank returns the session with a token if its user is at the pages of a bank, else nil.
func (w *World) AtBank(token string, now time.Time) *Session {
	s := w.Session(token)
	if s == nil || s.Over || s.Screen != ScreenOAuth || (w.isOld(s.Created, now) && (s.Sent.IsZero() || w.isOld(s.Sent, now))) {
		return nil
	}
	return s
}

// Answer plays a user who grants or refuses access on the pages of the bank. It returns the URL to
// which the bank sends the user.
func (w *World) Answer(s *Session, allow bool, now time.Time) string {
	if !allow {
		return w.sendBack(s, moneykit.LinkErrorUserOAuthDenied, now)
	}
	return w.sendBack(s, "", now)
}

// Return plays a user who comes back from the bank's pages to a page of Connect, which may be
// another page than the one that the user left. A wrong URL does not change the session, and the
// user can continue with it.
func (w *World) Return(token, page, returnURL string, now time.Time) (*Session, Ending, bool) {
	s := w.Session(token)
	switch {
	case s == nil:
		return nil, mistake("unknown_session", "the link session token is unknown"), false
	case s.Returned && s.Page == page: // the user reloaded the page
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

// returnQuery returns a made-up query. Parsing and re-encoding it is likely to change it.
func returnQuery() string {
	name := func() string { return NewToken()[:8] }
	value := func() string { return strings.ReplaceAll(NewToken(), "-", "") }
	return "z" + name() + "=" + value() + "&a" + name() + "=" + value() + "%2f+" + value() + "&m" + name()
}

// Continue plays the second half of Connect, after [World.Authorize]: the user has come back at
// returnURL. The URL must equal the return URL of this session byte for byte, and can be used once.
func (w *World) Continue(token, returnURL string, play Play, now time.Time) Ending {
	session := w.Session(token)
	switch {
	case session == nil:
		return mistake("unknown_session", "the link session token is unknown")
	case session.Over:
		return noted("used_return", "Connect has ended before with this link session")
	}
	session.Version = cmp.Or(play.Version, session.Version)
	session.open(now) // if it is not open yet: a URL of another session can come before the user has begun
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
