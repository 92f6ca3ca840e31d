package moneykittest

import (
	"math/rand/v2"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
)

// Delivery is a webhook that a [Server] delivers or has delivered. The JSON members are named in
// the tags of the fields. The JSON contains the body unchanged.
type Delivery struct {
	Token          string            `json:"token"` // MoneyKit-Delivery-Token
	Event          string            `json:"event"` // webhook_event
	LinkID         string            `json:"link_id"`
	IdempotencyKey string            `json:"idempotency_key"`
	URL            string            `json:"url"` // the link's webhook when the event happened
	Body           []byte            `json:"body"`
	QueuedAt       time.Time         `json:"queued_at"` // all times are by the server's clock
	State          DeliveryState     `json:"state"`
	Attempts       []DeliveryAttempt `json:"attempts"`      // the first is MoneyKit-Delivery-Attempt 1
	Next           time.Time         `json:"next,omitzero"` // when the next attempt is due, zero if there will be none
}

// DeliveryState is the progress of a delivery: pending, delivered or given up.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending DeliveryState = DeliveryState(delivery.Pending) // an attempt is still to come
	DeliveryDone    DeliveryState = DeliveryState(delivery.Done)
	DeliveryGivenUp DeliveryState = DeliveryState(delivery.GivenUp) // two hours after the first attempt
)

// DeliveryAttempt is one request to a webhook. The JSON members are named in the tags of the
// fields. The error is text in JSON.
type DeliveryAttempt struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitempty"` // of the response, 0 before or without one
	Err    error     `json:"error,omitempty"`  // why there is no response
}

// DeliverOption changes how [Server.Deliver] delivers.
type DeliverOption func(*course)

type course struct{ delivery.Course }

// Duplicated sends each webhook n times, even if the first attempt is accepted. MoneyKit does so
// when a response is lost. Each request counts as an attempt.
func Duplicated(n int) DeliverOption {
	return func(c *course) { c.Times = n }
}

// Reversed sends the webhooks in reverse order.
func Reversed() DeliverOption {
	return func(c *course) { c.Reorder = delivery.Reverse }
}

// Shuffled sends the webhooks, including duplicates, in an order that depends only on the seed.
func Shuffled(seed uint64) DeliverOption {
	return func(c *course) {
		c.Reorder = func(n int, swap func(i, j int)) {
			rand.New(rand.NewPCG(seed, 0)).Shuffle(n, swap) //nolint:gosec // an order, no secret
		}
	}
}

// Concurrently sends up to n webhooks at the same time.
func Concurrently(n int) DeliverOption {
	return func(c *course) { c.Parallel = n }
}

// Deliver sends the webhooks that are due by the server's clock, one at a time and in the order in
// which they became due, and returns them after one attempt each. Webhooks that are queued
// meanwhile wait for the next call.
//
// A webhook is queued in these cases, if the link has a webhook URL at that moment:
//
//   - The state of a link changes.
//   - A refresh of a product ends.
//   - There are transactions to sync.
//   - [moneykit.WebhooksService.SendTest] is called.
//
// A response with a status of 2xx accepts it. After another status, or without a response within 10
// seconds, it is due again after 10 seconds by the server's clock, then after 20, and so on. The
// last attempt is two hours after the first. All attempts have the same event, body, token and
// signature (but see [WithFreshSignatures]). Redirects are not followed. MoneyKit publishes neither
// its waits nor how it handles redirects.
func (s *Server) Deliver(opts ...DeliverOption) []Delivery {
	var how course
	for _, opt := range opts {
		if opt != nil {
			opt(&how)
		}
	}
	var out []Delivery
	for _, d := range s.core().Courier.Deliver(how.Course) {
		out = append(out, deliveryOf(d))
	}
	return out
}

// Deliveries returns the last 10,000 webhooks that were queued, oldest first. If their bodies have
// more than 32 MiB, it leaves out webhooks that are not pending.
func (s *Server) Deliveries() []Delivery {
	queued := s.core().Courier.Deliveries()
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
