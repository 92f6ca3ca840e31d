package world

import (
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Session is a link session and the state of Connect in it.
type Session struct {
	Token   string
	ID      string // id of the session in Connect's events
	Params  moneykit.LinkSessionParams
	Created time.Time
	Used    bool   // Connect has been opened with it
	Over    bool   // Connect has ended
	Steps   []Step // steps of the user in Connect
	Posted  int    // number of steps that Connect's pages have posted to the front end
	Version string // version of Connect on the platform; empty means the default

	Institution Institution        // zero before it is chosen
	Return      string             // URL to which the bank sends the user; "" before the bank does
	Sent        time.Time          // when the bank sends the user back
	Returned    bool               // the user has come back
	Forgotten   bool               // Return is no longer valid
	Failure     moneykit.LinkError // why the bank denies access after the user comes back or signs in

	Visit
}

// Step is a step of a user in Connect. Connect reports it to the front end as an event.
type Step struct {
	Name        moneykit.ConnectEventName
	Properties  map[string]any // values are strings or nil
	At          time.Time
	Institution Institution // zero before it is chosen
}

// Exchange is an exchangeable token.
type Exchange struct {
	LinkID  string
	Created time.Time
	Used    bool
}

// OpenSession creates a link session. If the session names an existing link, the link must exist,
// and OpenSession replaces its webhook and tags.
func (w *World) OpenSession(params moneykit.LinkSessionParams, now time.Time) *Session {
	if l := w.Links[params.ExistingLinkID]; l != nil {
		w.Touch(l)
		l.Webhook, l.Tags = params.Webhook, slices.Clone(params.Tags)
	}
	session := &Session{Token: NewToken(), ID: NewToken(), Params: params, Created: now}
	w.Sessions[session.Token] = session
	w.Session(session.Token)
	w.issued(session.Token, now)
	return session
}

// ExchangeToken connects the link of an exchangeable token and returns the link. It returns nil if
// the token is unknown, expired or used, or if the link was deleted.
func (w *World) ExchangeToken(token string, now time.Time) *Link {
	e := w.exchange(token)
	if e == nil || e.Used || w.isOld(e.Created, now) {
		return nil
	}
	l := w.Links[e.LinkID]
	w.Touch(l)
	if l.State == moneykit.LinkStateDeleted {
		return nil
	}
	e.Used = true
	w.spend(token)
	if l.State == moneykit.LinkStateAwaitingTokenExchange {
		w.become(l, moneykit.LinkStateConnected, "", now)
		w.announceFirst(l, now)
	}
	return l
}

// maxSpent is the number of used tokens that are kept.
const maxSpent = 1000

// Issued is a link session token or exchangeable token, with its time of issue.
type Issued struct {
	Token string
	At    time.Time
}

// issued records a new link session token or exchangeable token, and deletes those that expired
// long ago. A session can be in use for twice its lifetime: once until the user goes to the bank,
// and once until the user comes back.
func (w *World) issued(token string, now time.Time) {
	for len(w.Issued) > 0 && now.Sub(w.Issued[0].At) >= 2*w.SessionLife {
		w.forget(w.Issued[0].Token)
		w.Issued = w.Issued[1:]
	}
	if len(w.Issued) > 2*(len(w.Sessions)+len(w.Exchanges)) { // most of them were deleted
		w.Issued = slices.DeleteFunc(w.Issued, func(i Issued) bool { return w.Sessions[i.Token] == nil && w.Exchanges[i.Token] == nil })
	}
	w.Issued = append(w.Issued, Issued{token, now})
}

// spend records that a token was used, and deletes the oldest used tokens beyond maxSpent.
func (w *World) spend(token string) {
	w.Spent = append(w.Spent, token)
	if len(w.Spent) > maxSpent {
		w.forget(w.Spent[0])
		w.Spent = w.Spent[1:]
	}
}

// forget deletes the link session or the exchange of a token.
func (w *World) forget(token string) {
	if session := w.Session(token); session != nil {
		delete(w.Returns, session.Return)
	}
	w.exchange(token)
	delete(w.Sessions, token)
	delete(w.Exchanges, token)
}

// finish ends Connect for a session.
func (w *World) finish(s *Session, end Ending, now time.Time) {
	s.end(end, now)
	w.spend(s.Token)
}

// isOld reports whether a token that was created at a time has expired.
func (w *World) isOld(created, now time.Time) bool { return now.Sub(created) >= w.SessionLife }

// Features returns the features of Connect that the session requests.
func (s *Session) Features() moneykit.ConnectFeatures {
	if s.Params.ConnectFeatures == nil {
		return moneykit.ConnectFeatures{}
	}
	return *s.Params.ConnectFeatures
}

// products returns the products that the session requests.
func (s *Session) products() *moneykit.SessionProducts {
	if settings := s.Params.Settings; settings != nil && settings.Products != nil {
		return settings.Products
	}
	return appProducts()
}

// happened records a step.
func (s *Session) happened(name moneykit.ConnectEventName, properties map[string]any, now time.Time) {
	if len(s.Steps) < maxSteps {
		s.Steps = append(s.Steps, Step{name, properties, now, s.Institution})
	}
}

// see records that the user sees a screen.
func (s *Session) see(screen string, now time.Time) {
	s.happened(moneykit.ConnectEventChangeScreen, map[string]any{"current_screen_name": screen}, now)
}

// open records that Connect is opened, at most once.
func (s *Session) open(now time.Time) {
	if !s.Used {
		s.Used = true
		s.happened(moneykit.ConnectEventOpen, nil, now)
	}
}

// end records how Connect ends.
func (s *Session) end(end Ending, now time.Time) {
	s.Over = true
	switch {
	case end.LinkID != "":
		s.happened(moneykit.ConnectEventSuccess, nil, now)
		return
	case end.Err != nil:
		s.tell(end.Err, now)
	}
	s.happened(moneykit.ConnectEventExit, nil, now)
}

// tell records that the user sees an error. Consecutive equal errors are recorded once.
func (s *Session) tell(err *moneykit.ConnectError, now time.Time) {
	if s.Told == *err {
		return
	}
	s.Told = *err
	properties := map[string]any{"error_id": err.ID, "displayed_message": err.DisplayedMessage, "request_id": nil}
	if err.RequestID != "" {
		properties["request_id"] = err.RequestID
	}
	s.happened(moneykit.ConnectEventError, properties, now)
}
