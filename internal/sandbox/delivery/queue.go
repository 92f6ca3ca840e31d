package delivery

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Delivery is a webhook that a [Courier] delivers, or has delivered.
type Delivery struct {
	Token          string
	Event          string
	LinkID         string
	IdempotencyKey string
	URL            string // the link's webhook when the event happened
	Body           []byte
	QueuedAt       time.Time
	State          State
	Attempts       []Attempt
	Next           time.Time // when the next attempt is due, zero if there will be none
}

// State says how far a delivery has got.
type State string

// The states.
const (
	Pending State = "pending" // it will be tried, or tried again
	Done    State = "delivered"
	GivenUp State = "given_up" // two hours after the first attempt
)

// Attempt is one request to a webhook.
type Attempt struct {
	At     time.Time
	Status int   // of the response, 0 if there is none (yet)
	Err    error // why there is no response
}

// Bounds of deliveries. MoneyKit publishes that it tries for two hours, with waits that grow.
const (
	maxDeliveries = 10_000
	maxBodies     = 32 << 20 // bytes
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
	resent    time.Time
}

// Deliveries returns the webhooks that were queued, oldest first; of very many the last 10,000.
// Those that are not pending are forgotten sooner if the bodies have more than 32 MiB.
func (c *Courier) Deliveries() []Delivery {
	var out []Delivery
	c.World.Do(func(w *world.World, now time.Time) {
		c.catchUp(w, now)
		out = make([]Delivery, len(c.deliveries))
		for i, d := range c.deliveries {
			out[i] = d.copy()
		}
	})
	return out
}

func (d *delivery) copy() Delivery {
	out := d.Delivery
	out.Body = bytes.Clone(d.Body)
	out.Attempts = slices.Clone(d.Attempts)
	return out
}

// collect queues the events that happened.
func (c *Courier) collect(w *world.World) {
	for _, e := range w.TakeEvents() {
		d := &delivery{Delivery: Delivery{
			Token: e.Token, Event: string(e.Name), LinkID: e.LinkID, IdempotencyKey: e.Key, URL: e.URL,
			Body: c.payload(e), QueuedAt: e.At, State: Pending, Next: e.At,
		}}
		c.deliveries, c.pending = append(c.deliveries, d), append(c.pending, d)
		c.bodies += len(d.Body)
		c.touch(d)
	}
	for len(c.deliveries) > maxDeliveries || c.bodies > maxBodies {
		if !c.forget() {
			return
		}
	}
}

// forget forgets the oldest delivery that is not pending. If all are, it forgets the oldest of too
// many, and else none and reports false.
func (c *Courier) forget() bool {
	i := slices.IndexFunc(c.deliveries, func(d *delivery) bool { return d.State != Pending })
	if i < 0 {
		if len(c.deliveries) <= maxDeliveries {
			return false
		}
		i = 0
		c.pending = slices.DeleteFunc(c.pending, func(d *delivery) bool { return d == c.deliveries[0] })
	}
	c.bodies -= len(c.deliveries[i].Body)
	copy(c.deliveries[1:i+1], c.deliveries[:i])
	c.deliveries[0] = nil
	c.deliveries = c.deliveries[1:] // append copies them now and then, not with each delivery
	return true
}

// catchUp does what is due apart from calling out: refreshes, and giving up.
func (c *Courier) catchUp(w *world.World, now time.Time) {
	w.CatchUp(now)
	c.collect(w)
	c.pending = slices.DeleteFunc(c.pending, func(d *delivery) bool { return d.State != Pending })
	for _, d := range c.pending {
		if d.open == 0 && len(d.Attempts) > 0 && now.After(d.end()) {
			d.State, d.Next = GivenUp, time.Time{}
			c.touch(d)
		}
	}
}

// end returns when a delivery that was tried is given up.
func (d *delivery) end() time.Time {
	from := d.Attempts[0].At
	if d.resent.After(from) {
		from = d.resent
	}
	return from.Add(deliverFor)
}

// Resend makes a webhook due again, delivered or not, as if it were new.
func (c *Courier) Resend(token string) error {
	err := errors.New("there is no delivery with this token")
	c.World.Do(func(_ *world.World, now time.Time) {
		for _, d := range c.deliveries {
			if d.Token == token {
				err = nil
				if d.open == 0 { // else it is on its way
					d.State, d.Next, d.resent, d.rounds, d.accepted = Pending, now, now, 0, false
					c.index()
					c.touch(d)
				}
			}
		}
	})
	if err == nil {
		c.nudge()
	}
	return err
}

// index finds out what follows from the deliveries.
func (c *Courier) index() {
	c.pending, c.bodies = nil, 0
	for _, d := range c.deliveries {
		c.bodies += len(d.Body)
		if d.State == Pending {
			c.pending = append(c.pending, d)
		}
	}
}

// claim returns what is due, in the order in which it became so, each to be tried so many times.
// Nobody else tries it meanwhile.
func (c *Courier) claim(now time.Time, times int) []*delivery {
	var due []*delivery
	for _, d := range c.pending {
		if d.State == Pending && d.open == 0 && !d.Next.After(now) {
			d.open = times
			due = append(due, d)
		}
	}
	slices.SortStableFunc(due, func(a, b *delivery) int { return a.Next.Compare(b.Next) })
	return due
}

// claimIdle claims what is due of links for which nobody tries a delivery, by link.
func (c *Courier) claimIdle(now time.Time) map[string][]*delivery {
	busy := map[string]bool{}
	for _, d := range c.pending {
		busy[d.LinkID] = busy[d.LinkID] || d.open > 0
	}
	due := map[string][]*delivery{}
	for _, d := range c.pending {
		if d.State == Pending && !busy[d.LinkID] && !d.Next.After(now) {
			d.open = 1
			due[d.LinkID] = append(due[d.LinkID], d)
		}
	}
	for _, group := range due {
		slices.SortStableFunc(group, func(a, b *delivery) int { return a.Next.Compare(b.Next) })
	}
	return due
}

// release ends a claim for one attempt, and with the last decides what becomes of the delivery.
func (c *Courier) release(d *delivery, now time.Time) {
	d.open--
	switch {
	case d.open > 0:
		return
	case d.accepted:
		d.State, d.Next = Done, time.Time{}
	case len(d.Attempts) == 0: // the context had ended before
	case !now.Before(d.end()):
		d.State, d.Next = GivenUp, time.Time{}
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
func (c *Courier) nextDue(w *world.World) (time.Time, bool) {
	next, ok := w.NextDue()
	for _, d := range c.pending {
		if d.State == Pending && d.open == 0 && (!ok || d.Next.Before(next)) {
			next, ok = d.Next, true
		}
	}
	return next, ok
}
