package moneykittest

import (
	"math/rand/v2"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
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
	DeliveryPending = DeliveryState(delivery.Pending) // it will be tried, or tried again
	DeliveryDone    = DeliveryState(delivery.Done)
	DeliveryGivenUp = DeliveryState(delivery.GivenUp) // two hours after the first attempt
)

// DeliveryAttempt is one request to a webhook.
type DeliveryAttempt struct {
	At     time.Time
	Status int   // of the answer, 0 if there is none (yet)
	Err    error // why there is no answer
}

// DeliverOption changes how [Server.Deliver] delivers.
type DeliverOption func(*course)

type course struct{ delivery.Course }

// Duplicated sends each webhook n times, even if the first is accepted. MoneyKit does that when an
// answer is lost; the attempts count on.
func Duplicated(n int) DeliverOption {
	return func(c *course) { c.Times = n }
}

// Reversed sends what is due in the opposite order.
func Reversed() DeliverOption {
	return func(c *course) {
		c.Reorder = func(n int, swap func(i, j int)) {
			for i := range n / 2 {
				swap(i, n-1-i)
			}
		}
	}
}

// Shuffled sends what is due in an order that depends on the seed alone, duplicates too.
func Shuffled(seed uint64) DeliverOption {
	return func(c *course) {
		c.Reorder = rand.New(rand.NewPCG(seed, 0)).Shuffle //nolint:gosec // an order, no secret
	}
}

// Concurrently sends up to n webhooks at the same time.
func Concurrently(n int) DeliverOption {
	return func(c *course) { c.Parallel = n }
}

// Deliver sends the webhooks that are due by the server's clock, in the order in which they became
// so and one at a time, and returns them when all have been tried. What is queued meanwhile waits
// for the next call.
//
// A webhook is queued when the state of a link changes, when a product was refreshed or could not
// be, when there are transactions to sync, and by [moneykit.WebhooksService.SendTest], if the link
// has a webhook at that moment. It is accepted with a status of 2xx. With another, and
// without an answer within 10 seconds, it is due again after 10 seconds by the server's clock,
// after 20, and so on. It is tried for the last time two hours after the first attempt. Event, body,
// token and signature stay the same (but see [WithFreshSignatures]). Redirects are not followed.
// MoneyKit publishes neither the waits nor what it does with redirects.
func (s *Server) Deliver(opts ...DeliverOption) []Delivery {
	var how course
	for _, opt := range opts {
		if opt != nil {
			opt(&how)
		}
	}
	var out []Delivery
	for _, d := range s.core().courier.Deliver(how.Course) {
		out = append(out, deliveryOf(d))
	}
	return out
}

// Deliveries returns the webhooks that were queued, oldest first; of very many the last 10,000.
func (s *Server) Deliveries() []Delivery {
	queued := s.core().courier.Deliveries()
	out := make([]Delivery, len(queued))
	for i, d := range queued {
		out[i] = deliveryOf(d)
	}
	return out
}

func deliveryOf(d delivery.Delivery) Delivery {
	out := Delivery{
		Token: d.Token, Event: d.Event, LinkID: d.LinkID, IdempotencyKey: d.IdempotencyKey, URL: d.URL,
		Body: d.Body, QueuedAt: d.QueuedAt, State: DeliveryState(d.State), Next: d.Next,
	}
	for _, attempt := range d.Attempts {
		out.Attempts = append(out.Attempts, DeliveryAttempt(attempt))
	}
	return out
}
