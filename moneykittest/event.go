package moneykittest

import (
	"time"

	"github.com/moneykit/moneykit-go"
)

// webhookEvent is the body of a webhook.
type webhookEvent struct {
	Name         moneykit.EventType `json:"webhook_event"`
	Major        int                `json:"webhook_major_version"`
	Minor        int                `json:"webhook_minor_version"`
	Key          string             `json:"webhook_idempotency_key"`
	Timestamp    moneykit.Timestamp `json:"webhook_timestamp"`
	LinkID       string             `json:"link_id"`
	Tags         []string           `json:"link_tags"`
	Product      moneykit.Product   `json:"product,omitempty"`
	State        string             `json:"state,omitempty"` // of the link or the product
	ChangedAt    moneykit.Timestamp `json:"state_changed_at,omitzero"`
	Error        moneykit.LinkError `json:"error,omitempty"`
	ErrorMessage string             `json:"error_message,omitempty"`
	HasHistory   *bool              `json:"has_history,omitempty"`
}

// newEvent returns what all events have.
func (l *link) newEvent(name moneykit.EventType, now time.Time) webhookEvent {
	return webhookEvent{
		Name: name, Major: 1, Key: secretID(), Timestamp: stamp(now), LinkID: l.id,
		Tags: append([]string{}, l.tags...), // never null
	}
}

// become puts a link into a state, and announces it if it is another. A link that Connect makes is
// not announced before its token is exchanged: nobody who could be told knows it.
func (c *core) become(l *link, state moneykit.LinkState, reason moneykit.LinkError, now time.Time) {
	if l.state == state && l.reason == reason {
		return
	}
	l.state, l.reason = state, reason
	c.announce(l, l.stateEvent(now), now)
}

func (l *link) stateEvent(now time.Time) webhookEvent {
	e := l.newEvent(moneykit.EventTypeLinkStateChanged, now)
	e.State = string(l.state)
	if l.reason != "" {
		e.Error, e.ErrorMessage = l.reason, unusable(l.reason)
	}
	return e
}

// announceRefresh announces how the last attempt to fetch a product has ended.
func (c *core) announceRefresh(l *link, name moneykit.Product, now time.Time) {
	c.announce(l, l.refreshEvent(c.cfg.refreshEvent, name, now), now)
}

func (l *link) refreshEvent(event moneykit.EventType, name moneykit.Product, now time.Time) webhookEvent {
	e := l.newEvent(event, now)
	e.Product, e.State, e.ChangedAt = name, string(moneykit.ProductStateCompleted), stamp(now)
	p := l.products[name]
	if p == nil {
		return e
	}
	if !p.attempted.IsZero() {
		e.ChangedAt = stamp(p.attempted)
	} else if !p.refreshed.IsZero() {
		e.ChangedAt = stamp(p.refreshed)
	}
	if p.failure != "" {
		e.State, e.ErrorMessage = string(moneykit.ProductStateFailed), failed(p.failure)
	}
	return e
}

// announceTransactions announces that there is more to sync than before.
func (c *core) announceTransactions(l *link, before int, now time.Time) {
	if l.ledger.changes != before {
		c.announce(l, l.transactionsEvent(now), now)
	}
}

func (l *link) transactionsEvent(now time.Time) webhookEvent {
	e := l.newEvent(moneykit.EventTypeTransactionsUpdatesAvailable, now)
	if p := l.products[moneykit.ProductTransactions]; p != nil {
		history := !p.refreshed.IsZero()
		e.HasHistory = &history
	}
	return e
}

// testEvent returns an event that says how the link is now. Which product MoneyKit chooses is not
// published.
func (c *core) testEvent(l *link, name moneykit.EventType, now time.Time) webhookEvent {
	switch name {
	case moneykit.EventTypeLinkProductRefresh, moneykit.EventTypeProductStateChanged:
		return l.refreshEvent(name, moneykit.ProductAccounts, now)
	case moneykit.EventTypeTransactionsUpdatesAvailable:
		return l.transactionsEvent(now)
	case moneykit.EventTypeLinkStateChanged:
	}
	return l.stateEvent(now)
}

// announce queues an event for the link's webhook, if it has one.
func (c *core) announce(l *link, e webhookEvent, now time.Time) {
	if l.webhook != "" {
		c.queue(l, e, now)
	}
}
