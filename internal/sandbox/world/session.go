package world

import (
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Session is a link session.
type Session struct {
	Token   string
	ID      string // in Connect's events
	Params  moneykit.LinkSessionParams
	Created time.Time
	Used    bool   // Connect has been opened with it
	Over    bool   // and has ended
	Steps   []Step // of the user in Connect
	Posted  int    // how many of the steps Connect's pages have posted
	Version string // of Connect on the platform; the newest if empty

	Institution Institution        // zero before it is chosen
	Return      string             // where the bank sends the user, "" before
	Sent        time.Time          // when it does
	Returned    bool               // the user came back
	Forgotten   bool               // Return is good no more
	Failure     moneykit.LinkError // what the bank says when the user comes back, or has signed in

	Visit
}

// Step is a step of a user in Connect, which Connect tells the front end as an event.
type Step struct {
	Name        moneykit.ConnectEventName
	Properties  map[string]any // strings and nils
	At          time.Time
	Institution Institution // zero before it is chosen
}

// Exchange is an exchangeable token.
type Exchange struct {
	LinkID  string
	Created time.Time
	Used    bool
}

// OpenSession makes a link session. With an existing link it replaces the webhook and the tags of
// the link. There must be such a link, if the session names one.
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

// ExchangeToken connects the link of an exchangeable token and returns it. It returns nil for a
// token that is unknown, expired or used, and for one whose link is deleted.
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

// maxSpent is how many used tokens are remembered.
const maxSpent = 1000

// Issued is the token of a link session or of an exchange.
type Issued struct {
	Token string
	At    time.Time
}

// issued notes a new token of a link session or of an exchange, and forgets those that expired long
// ago. A session can be in use for twice its lifetime: until the user goes to the bank, and until
// the user comes back.
func (w *World) issued(token string, now time.Time) {
	for len(w.Issued) > 0 && now.Sub(w.Issued[0].At) >= 2*w.SessionLife {
		w.forget(w.Issued[0].Token)
		w.Issued = w.Issued[1:]
	}
	if len(w.Issued) > 2*(len(w.Sessions)+len(w.Exchanges)) { // most of them are forgotten
		w.Issued = slices.DeleteFunc(w.Issued, func(i Issued) bool { return w.Sessions[i.Token] == nil && w.Exchanges[i.Token] == nil })
	}
	w.Issued = append(w.Issued, Issued{token, now})
}

// spend notes that a token has been used, and forgets the oldest used token beyond the limit.
func (w *World) spend(token string) {
	w.Spent = append(w.Spent, token)
	if len(w.Spent) > maxSpent {
		w.forget(w.Spent[0])
		w.Spent = w.Spent[1:]
	}
}

// forget forgets a link session, or an exchange.
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

// isOld reports whether a token of a link session has expired.
func (w *World) isOld(created, now time.Time) bool { return now.Sub(created) >= w.SessionLife }

// Features returns what the session wants of Connect.
func (s *Session) Features() moneykit.ConnectFeatures {
	if s.Params.ConnectFeatures == nil {
		return moneykit.ConnectFeatures{}
	}
	return *s.Params.ConnectFeatures
}

// products returns what the session asks for.
func (s *Session) products() *moneykit.SessionProducts {
	if settings := s.Params.Settings; settings != nil && settings.Products != nil {
		return settings.Products
	}
	return appProducts()
}

// happened notes a step.
func (s *Session) happened(name moneykit.ConnectEventName, properties map[string]any, now time.Time) {
	if len(s.Steps) < maxSteps {
		s.Steps = append(s.Steps, Step{name, properties, now, s.Institution})
	}
}

// see notes that the user comes to a screen.
func (s *Session) see(screen string, now time.Time) {
	s.happened(moneykit.ConnectEventChangeScreen, map[string]any{"current_screen_name": screen}, now)
}

// open notes that Connect is opened, once.
func (s *Session) open(now time.Time) {
	if !s.Used {
		s.Used = true
		s.happened(moneykit.ConnectEventOpen, nil, now)
	}
}

// end notes how Connect ends.
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

// tell notes that the user sees an error, once.
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
