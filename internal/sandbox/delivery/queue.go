package delivery

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Delivery is a webhook of a [Courier] with its attempts.
type Delivery struct {
	Token          string
	Event          string
	LinkID         string
	IdempotencyKey string
	URL            string // webhook of the link when the event happened
	Body           []byte
	QueuedAt       time.Time
	State          State
	Attempts       []Attempt
	Next           time.Time // when the next attempt is due; zero if there will be none
}

// State is the state of a delivery.
type State string

// The states of a delivery.
const (
	Pending State = "pending" // the next attempt is due at Next
	Done    State = "delivered"
	GivenUp State = "given_up" // no attempt within two hours was accepted
)

// Attempt is one request to a webhook.
type Attempt struct {
	At     time.Time
	Status int   // status of the response; 0 if there is none, or none yet
	Err    error // why there is no response
}

// Limits of deliveries. MoneyKit's documentation says that it retries for two hours, with growing
// delays.
const (
	maxDeliveries = 10_000
	maxBodies     = 32 << 20 // bytes
	deliverFor    = 2 * time.Hour
	firstWait     = 10 * time.Second
)

// delivery is a Delivery with the state of its processing.
type delivery struct {
	Delivery

	signature string // signature of the last attempt
	rounds    int    // number of rounds of attempts, which determines the next delay
	open      int    // number of claimed attempts that have not ended
	accepted  bool   // at least one attempt was accepted
	resent    time.Time
}

// Deliveries returns the queued webhooks, oldest first. Only the last 10,000 are kept. If the
// bodies exceed 32 MiB, the oldest webhooks that are not pending are deleted earlier.
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

// collect queues a delivery for each new event.
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

// forget deletes the oldest delivery that is not pending. If all are pending, it deletes the oldest
// one if there are too many, and returns false if not.
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
	c.deliveries = c.deliveries[1:] // append copies the slice from time to time, not for each delivery
	return true
}

// catchUp runs due refreshes and gives up expired deliveries. It sends no requests.
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

// end returns when a delivery with at least one attempt is given up.
func (d *delivery) end() time.Time {
	from := d.Attempts[0].At
	if d.resent.After(from) {
		from = d.resent
	}
	return from.Add(deliverFor)
}

// Resend makes a webhook due again, as if it were new, in any state. A webhook that is being sent
// is not changed. It returns an error if the token is unknown.
func (c *Courier) Resend(token string) error {
	err := errors.New("there is no delivery with this token")
	c.World.Do(func(_ *world.World, now time.Time) {
		for _, d := range c.deliveries {
			if d.Token == token {
				err = nil
				if d.open == 0 { // else it is being sent
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

// index rebuilds the fields that are derived from deliveries.
func (c *Courier) index() {
	c.pending, c.bodies = nil, 0
	for _, d := range c.deliveries {
		c.bodies += len(d.Body)
		if d.State == Pending {
			c.pending = append(c.pending, d)
		}
	}
}

// claim returns the deliveries that are due, in the order in which they became due, and reserves
// them for the caller. The caller attempts each of them so many times.
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

// claimIdle claims the due deliveries of links that have no claimed delivery, by link.
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

// release ends one attempt of a claimed delivery. After the last attempt, it sets the new state of
// the delivery.
func (c *Courier) release(d *delivery, now time.Time) {
	d.open--
	switch {
	case d.open > 0:
		return
	case d.accepted:
		d.State, d.Next = Done, time.Time{}
	case len(d.Attempts) == 0: // the context ended before the attempt
	case !now.Before(d.end()):
		d.State, d.Next = GivenUp, time.Time{}
	default:
		wait := deliverFor
		if d.rounds < 20 { // far more rounds than possible, without an overflow
			wait = firstWait << d.rounds
		}
		d.rounds++
		d.Next = now.Add(wait)
		if end := d.end(); d.Next.After(end) {
			d.Next = end // the last attempt is at the end of the two hours
		}
	}
	c.nudge()
}

// nextDue returns when the next delivery or job is due, and false if there is none.
func (c *Courier) nextDue(w *world.World) (time.Time, bool) {
	next, ok := w.NextDue()
	for _, d := range c.pending {
		if d.State == Pending && d.open == 0 && (!ok || d.Next.Before(next)) {
			next, ok = d.Next, true
		}
	}
	return next, ok
}
