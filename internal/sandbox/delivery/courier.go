// Package delivery tells webhooks what happens in the fake MoneyKit: it writes the events of a
// [world.World] as JSON, signs and sends them, and publishes the keys. It can also make webhooks
// that are genuine or forged.
package delivery

import (
	"context"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Settings is how a [Courier] behaves.
type Settings struct {
	Transport       http.RoundTripper // to the webhooks; see Network and Receiver
	FreshSignatures bool              // every attempt is signed anew, else it has the signature of the first
	KeyOverlap      time.Duration     // how long a key is published after it was replaced
	Nulls           bool              // write absent optional members as null
	Zoneless        bool              // write times without a zone, with six decimals
}

// Surroundings is what a [Courier] needs of the program that it is part of.
type Surroundings struct {
	World *world.Shared
	// Errorf reports a mistake of the receiver, such as a panic.
	Errorf func(format string, args ...any)
	// Logf logs attempts that fail.
	Logf func(format string, args ...any)
	// Observe is told each delivery when it is queued and after each attempt. It is called with the
	// world locked, and may be nil.
	Observe func(Delivery)
}

// Courier delivers the events of a world. Make one with [New], before the world is used; it is safe
// for concurrent use.
type Courier struct {
	Settings
	Surroundings

	ctx  context.Context // ends all deliveries
	wake chan struct{}   // for Run: something may be due

	// The lock of the world guards what follows.
	receiver   http.RoundTripper // replaces Transport if it is not nil
	deliveries []*delivery
	pending    []*delivery     // of these, in their order, and perhaps some that were pending until now
	bodies     int             // bytes of the bodies of deliveries
	keys       []*signingKey   // the last one signs; none before the first use
	touched    map[string]bool // tokens of deliveries, nil if nobody wants them
	keysTaken  int
	restored   map[string]int // places in deliveries by token, while they are restored
}

// New returns a courier that delivers until ctx ends. Its settings are final.
func New(ctx context.Context, settings Settings, around Surroundings) *Courier {
	c := &Courier{Settings: settings, Surroundings: around, ctx: ctx, wake: make(chan struct{}, 1)}
	c.World.Watch(func(w *world.World) {
		c.collect(w)
		c.nudge()
	})
	return c
}

// Receive delivers to h in memory from now on. With nil it delivers through Settings.Transport
// again.
func (c *Courier) Receive(h http.Handler) {
	c.World.Do(func(*world.World, time.Time) {
		c.receiver = nil
		if h != nil {
			c.receiver = Receiver(h)
		}
	})
}

// Run delivers what is due, in order and one at a time, until the context of the courier ends.
func (c *Courier) Run() { c.run(func() { c.Deliver(Course{}) }) }

// maxLinks is to how many links RunByLink delivers at the same time.
const maxLinks = 16

// RunByLink is like [Courier.Run], but an endpoint that hangs holds up only the webhooks of its own
// link, which stay in order.
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
		if ok { // not sooner, in case that the clock stands still
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

// nudge tells Run that something may be due.
func (c *Courier) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // it has been told already, or does not run
	}
}
