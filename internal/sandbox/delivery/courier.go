// Package delivery delivers the webhooks of the fake MoneyKit: it encodes the events of a
// [world.World] as JSON, signs and sends them, and publishes the keys. It can also make single
// webhooks, genuine or forged.
package delivery

import (
	"context"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Settings configures a [Courier].
type Settings struct {
	Transport       http.RoundTripper // sends the webhooks; see Network and Receiver
	FreshSignatures bool              // sign each attempt; if false, all attempts have the signature of the first
	KeyOverlap      time.Duration     // how long a key is published after its replacement
	Nulls           bool              // write absent optional members as null
	Zoneless        bool              // write times without a zone, with six decimals
}

// Surroundings contains the dependencies of a [Courier].
type Surroundings struct {
	World *world.Shared
	// Errorf reports a mistake of the receiver, such as a panic.
	Errorf func(format string, args ...any)
	// Logf logs failed attempts.
	Logf func(format string, args ...any)
	// Observe is called for each delivery when it is queued and after each attempt. The world is
	// locked during the call. Observe may be nil.
	Observe func(Delivery)
}

// Courier delivers the events of a world. Make one with [New], before the world is used. It is safe
// for concurrent use.
type Courier struct {
	Settings
	Surroundings

	ctx  context.Context // ends all deliveries
	wake chan struct{}   // wakes Run when a delivery or a job may be due

	// The lock of the world guards the following fields.
	receiver   http.RoundTripper // replaces Transport unless nil
	deliveries []*delivery
	pending    []*delivery     // pending deliveries, in the same order; may contain some that are no longer pending
	bodies     int             // total size of the bodies of deliveries, in bytes
	keys       []*signingKey   // the last one signs; none before the first use
	touched    map[string]bool // tokens of changed deliveries; nil if changes are not tracked
	keysTaken  int
	restored   map[string]int // indexes in deliveries by token, during a restore
}

// New returns a courier that delivers until ctx ends. The settings must not be changed afterwards.
func New(ctx context.Context, settings Settings, around Surroundings) *Courier {
	c := &Courier{Settings: settings, Surroundings: around, ctx: ctx, wake: make(chan struct{}, 1)}
	c.World.Watch(func(w *world.World) {
		c.collect(w)
		c.nudge()
	})
	return c
}

// Receive makes the courier deliver to h in memory. With nil it delivers through Settings.Transport
// again.
func (c *Courier) Receive(h http.Handler) {
	c.World.Do(func(*world.World, time.Time) {
		c.receiver = nil
		if h != nil {
			c.receiver = Receiver(h)
		}
	})
}

// Run delivers webhooks when they are due, in order and one at a time, until the context of the
// courier ends.
func (c *Courier) Run() { c.run(func() { c.Deliver(Course{}) }) }

// maxLinks is the number of links for which RunByLink delivers concurrently.
const maxLinks = 16

// RunByLink is like [Courier.Run], but delivers for several links concurrently, so that an endpoint
// that hangs delays only the webhooks of its own link. The webhooks of a link stay in order.
func (c *Courier) RunByLink() {
	slots := make(chan struct{}, maxLinks)
	c.run(func() {
		var due map[string][]*delivery
		c.World.Do(func(w *world.World, now time.Time) {
			if c.ctx.Err() == nil {
				c.catchUp(w, now)
				due = c.claimIdle(now)
			}
		})
		for _, group := range due {
			slots <- struct{}{}
			go func() {
				for _, d := range group {
					c.attempt(d)
				}
				<-slots
				c.nudge()
			}()
		}
	})
}

func (c *Courier) run(deliver func()) {
	for {
		deliver()
		var next time.Time
		var ok bool
		var now time.Time
		c.World.Do(func(w *world.World, t time.Time) {
			now = t
			next, ok = c.nextDue(w)
		})
		var alarm <-chan time.Time
		if ok { // a minimum, so that a stopped clock does not cause a busy loop
			alarm = time.After(max(next.Sub(now), 10*time.Millisecond))
		}
		select {
		case <-alarm:
		case <-c.wake:
		case <-c.ctx.Done():
			return
		}
	}
}

// nudge wakes Run, because a delivery or a job may be due.
func (c *Courier) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // it will wake up anyway, or does not run
	}
}
