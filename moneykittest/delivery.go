package moneykittest

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Delivery is a webhook that a [Server] delivers, or has delivered.
type Delivery struct {
	Token          string // MoneyKit-Delivery-Token
	Event          string // webhook_event
	LinkID         string
	IdempotencyKey string
	URL            string // the link's webhook when the event happened
	Body           []byte
	QueuedAt       time.Time // by the server's clock, as are all times here
	State          DeliveryState
	Attempts       []DeliveryAttempt // the first is MoneyKit-Delivery-Attempt 1
	Next           time.Time         // when the next attempt is due, zero if there will be none
}

// DeliveryState says how far a delivery has got.
type DeliveryState string

// The states.
const (
	DeliveryPending DeliveryState = "pending" // it will be tried, or tried again
	DeliveryDone    DeliveryState = "delivered"
	DeliveryGivenUp DeliveryState = "given_up" // two hours after the first attempt
)

// DeliveryAttempt is one request to a webhook.
type DeliveryAttempt struct {
	At     time.Time
	Status int   // of the answer, 0 if there is none (yet)
	Err    error // why there is no answer
}

// Bounds of deliveries. MoneyKit publishes that it tries for two hours, with waits that grow.
const (
	maxDeliveries = 10_000
	deliverFor    = 2 * time.Hour
	firstWait     = 10 * time.Second
)

// delivery is a Delivery on its way.
type delivery struct {
	Delivery

	signature string // of the first attempt
	rounds    int    // calls of Deliver that tried it
	open      int    // attempts that somebody is about to make
	accepted  bool   // by one attempt at least
}

// Deliveries returns the webhooks that were queued, oldest first; of very many the last 10,000.
func (s *Server) Deliveries() []Delivery {
	c := s.core()
	now := c.lock()
	defer c.mu.Unlock()
	c.catchUp(now)
	out := make([]Delivery, len(c.deliveries))
	for i, d := range c.deliveries {
		out[i] = d.public()
	}
	return out
}

func (d *delivery) public() Delivery {
	out := d.Delivery
	out.Body = bytes.Clone(d.Body)
	out.Attempts = slices.Clone(d.Attempts)
	return out
}

// queue adds an event to what is to be delivered to the link's webhook.
func (c *core) queue(l *link, e webhookEvent, now time.Time) *delivery {
	body, err := json.Marshal(e)
	if err != nil { // only by a clock that is past the year 9999
		body = []byte("null")
	}
	if len(c.deliveries) >= maxDeliveries { // the oldest goes that nobody waits for, if there is one
		i := slices.IndexFunc(c.deliveries, func(d *delivery) bool { return d.State != DeliveryPending })
		i = max(i, 0)
		c.deliveries = slices.Delete(c.deliveries, i, i+1)
	}
	d := &delivery{Delivery: Delivery{
		Token: secretID(), Event: string(e.Name), LinkID: l.id, IdempotencyKey: e.Key, URL: l.webhook,
		Body: body, QueuedAt: now, State: DeliveryPending, Next: now,
	}}
	c.deliveries = append(c.deliveries, d)
	c.nudge()
	return d
}

// catchUp does what is due apart from calling out: refreshes, and giving up.
func (c *core) catchUp(now time.Time) {
	c.allLinks(now) // does the work of each
	for _, d := range c.deliveries {
		if d.State == DeliveryPending && d.open == 0 && len(d.Attempts) > 0 && now.After(d.end()) {
			d.State, d.Next = DeliveryGivenUp, time.Time{}
		}
	}
}

// end returns when a delivery that was tried is given up.
func (d *delivery) end() time.Time { return d.Attempts[0].At.Add(deliverFor) }

// claim returns what is due, in the order in which it became so, each to be tried so many times.
// Nobody else tries it meanwhile.
func (c *core) claim(now time.Time, times int) []*delivery {
	var due []*delivery
	for _, d := range c.deliveries {
		if d.State == DeliveryPending && d.open == 0 && !d.Next.After(now) {
			d.open = times
			due = append(due, d)
		}
	}
	slices.SortStableFunc(due, func(a, b *delivery) int { return a.Next.Compare(b.Next) })
	return due
}

// release ends a claim for one attempt, and with the last decides what becomes of the delivery.
func (c *core) release(d *delivery, now time.Time) {
	d.open--
	switch {
	case d.open > 0:
		return
	case d.accepted:
		d.State, d.Next = DeliveryDone, time.Time{}
	case len(d.Attempts) == 0: // the server was closed before
	case !now.Before(d.end()):
		d.State, d.Next = DeliveryGivenUp, time.Time{}
	default:
		wait := deliverFor
		if d.rounds < 20 { // far more than there can be, and no overflow
			wait = firstWait << d.rounds
		}
		d.rounds++
		d.Next = now.Add(wait)
		if end := d.end(); d.Next.After(end) {
			d.Next = end // the last attempt comes when the two hours are over
		}
	}
	c.nudge()
}

// nextDue returns when something will be due, and false if nothing will.
func (c *core) nextDue() (time.Time, bool) {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, d := range c.deliveries {
		if d.State == DeliveryPending && d.open == 0 {
			sooner(d.Next)
		}
	}
	for _, l := range c.links {
		if len(l.jobs) > 0 && l.state != moneykit.LinkStateDeleted {
			sooner(l.jobs[0].at)
		}
	}
	return next, !next.IsZero()
}
