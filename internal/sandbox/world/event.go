package world

import (
	"time"

	"github.com/moneykit/moneykit-go"
)

// Event is a change that is reported to the webhook of a link.
type Event struct {
	Token        string    // identifies the delivery
	URL          string    // webhook of the link when the event happened
	At           time.Time // when it happened
	Name         moneykit.EventType
	Key          string // idempotency key
	LinkID       string
	Tags         []string // never nil
	Product      moneykit.Product
	State        string    // state of the link or the product
	ChangedAt    time.Time // when State changed; zero if the event does not say
	Error        moneykit.LinkError
	ErrorMessage string
	HasHistory   *bool // nil if the event is not about transactions
}

// TakeEvents returns the events since the last call, oldest first.
func (w *World) TakeEvents() []Event {
	events := w.Events
	w.Events = nil
	return events
}

// announce queues an event for the link's webhook, if it has one.
func (w *World) announce(l *Link, e Event) {
	if l.Webhook == "" {
		return
	}
	e.URL = l.Webhook
	w.Events = append(w.Events, e)
	w.stirred = true
}

// AnnounceTest announces a test event and returns the token of its delivery. The event describes
// the current state of the link. An event about a product is about accounts, because MoneyKit does
// not publish which product it chooses. The two names of a refresh event both announce
// Settings.RefreshEvent, because MoneyKit's document has one payload for both. The link must have a
// webhook.
func (w *World) AnnounceTest(l *Link, name moneykit.EventType, key string, now time.Time) string {
	e := l.stateEvent(now)
	switch name {
	case moneykit.EventTypeLinkProductRefresh, moneykit.EventTypeProductStateChanged:
		e = l.refreshEvent(w.RefreshEvent, moneykit.ProductAccounts, now)
	case moneykit.EventTypeTransactionsUpdatesAvailable:
		e = l.transactionsEvent(now)
	case moneykit.EventTypeLinkStateChanged:
	}
	e.Key = key
	w.announce(l, e)
	return e.Token
}

// newEvent returns an event with the fields that all events have.
func (l *Link) newEvent(name moneykit.EventType, now time.Time) Event {
	return Event{
		Token: NewToken(), At: now, Name: name, Key: NewToken(), LinkID: l.ID,
		Tags: append([]string{}, l.Tags...),
	}
}

// become sets the state of a link, and announces the state if it has changed. Connect does not call
// it for a new link, because the application does not know the link before it exchanges the token.
func (w *World) become(l *Link, state moneykit.LinkState, reason moneykit.LinkError, now time.Time) {
	if l.State == state && l.Reason == reason {
		return
	}
	w.Touch(l)
	l.State, l.Reason = state, reason
	w.announce(l, l.stateEvent(now))
}

func (l *Link) stateEvent(now time.Time) Event {
	e := l.newEvent(moneykit.EventTypeLinkStateChanged, now)
	e.State = string(l.State)
	if l.Reason != "" {
		e.Error, e.ErrorMessage = l.Reason, Unusable(l.Reason)
	}
	return e
}

// Unusable returns the message for a link that cannot be used.
func Unusable(reason moneykit.LinkError) string { return "the link cannot be used: " + string(reason) }

// announceRefresh announces the result of the last attempt to fetch a product.
func (w *World) announceRefresh(l *Link, name moneykit.Product, now time.Time) {
	w.announce(l, l.refreshEvent(w.RefreshEvent, name, now))
}

func (l *Link) refreshEvent(event moneykit.EventType, name moneykit.Product, now time.Time) Event {
	e := l.newEvent(event, now)
	e.Product, e.State, e.ChangedAt = name, string(moneykit.ProductStateCompleted), now
	p := l.Products[name]
	if p == nil {
		return e
	}
	if !p.Attempted.IsZero() {
		e.ChangedAt = p.Attempted
	} else if !p.Refreshed.IsZero() {
		e.ChangedAt = p.Refreshed
	}
	if p.Failure != "" {
		e.State, e.ErrorMessage = string(moneykit.ProductStateFailed), Failed(p.Failure)
	}
	return e
}

// Failed returns the message for a product that could not be refreshed.
func Failed(reason moneykit.ProductError) string { return "the refresh failed: " + string(reason) }

// announceFirst announces the transactions that were fetched when the link was created, or when it
// got the product transactions. If there are none, it announces nothing.
func (w *World) announceFirst(l *Link, now time.Time) {
	if p := l.Products[moneykit.ProductTransactions]; l.Webhook != "" && p != nil && !p.Refreshed.IsZero() {
		w.Ledger(l)
		w.announceTransactions(l, 0, now)
	}
}

// announceTransactions announces new changes to sync. before is the number of changes that were
// known.
func (w *World) announceTransactions(l *Link, before int, now time.Time) {
	if l.Ledger.Changes != before {
		w.announce(l, l.transactionsEvent(now))
	}
}

func (l *Link) transactionsEvent(now time.Time) Event {
	e := l.newEvent(moneykit.EventTypeTransactionsUpdatesAvailable, now)
	if p := l.Products[moneykit.ProductTransactions]; p != nil {
		history := !p.Refreshed.IsZero()
		e.HasHistory = &history
	}
	return e
}
