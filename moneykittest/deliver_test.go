package moneykittest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// breakAll breaks new links, one after the other, and returns their IDs.
func breakAll(mk *moneykittest.Server, n int) []string {
	var ids []string
	for range n {
		link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook, Accounts: []moneykit.Account{}})
		mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
		ids = append(ids, link.ID)
	}
	return ids
}

func linksOf(t *testing.T, posts []post) []string {
	t.Helper()
	var ids []string
	for _, p := range posts {
		ids = append(ids, p.event(t)["link_id"].(string))
	}
	return ids
}

// TestDeliverOptions delivers four webhooks with each option.
func TestDeliverOptions(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, stopped(), moneykittest.WithReceiver(in))
	order := func(opts ...moneykittest.DeliverOption) []int {
		ids := breakAll(mk, 4)
		delivered := mk.Deliver(opts...)
		assert.Len(t, delivered, 4)
		var order []int
		for _, id := range linksOf(t, in.take()) {
			order = append(order, slices.Index(ids, id))
		}
		return order
	}
	assert.Equal(t, []int{0, 1, 2, 3}, order(nil))
	assert.Equal(t, []int{3, 2, 1, 0}, order(moneykittest.Reversed()))
	assert.Equal(t, []int{0, 0, 1, 1, 2, 2, 3, 3}, order(moneykittest.Duplicated(2)))
	assert.Equal(t, []int{0, 1, 2, 3}, order(moneykittest.Duplicated(0), moneykittest.Concurrently(0)))
	one := order(moneykittest.Duplicated(3), moneykittest.Shuffled(1))
	assert.Equal(t, one, order(moneykittest.Duplicated(3), moneykittest.Shuffled(1)))
	assert.NotEqual(t, one, order(moneykittest.Duplicated(3), moneykittest.Shuffled(2)))
	assert.Len(t, order(moneykittest.Concurrently(4)), 4)
}

// Deliver and Deliveries return copies with everything about a delivery.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	in := &inbox{statuses: []int{500}}
	mk := moneykittest.NewServer(t, stopped(), moneykittest.WithReceiver(in))
	id := breakAll(mk, 1)[0]
	want := moneykittest.Delivery{
		Event: "link.state_changed", LinkID: id, URL: hook, QueuedAt: mk.Now(),
		State: moneykittest.DeliveryPending, Next: mk.Now(),
	}
	strip := func(d moneykittest.Delivery) moneykittest.Delivery {
		assert.NotEmpty(t, d.Token)
		assert.NotEmpty(t, d.IdempotencyKey)
		assert.True(t, json.Valid(d.Body))
		d.Token, d.IdempotencyKey, d.Body = "", "", nil
		return d
	}
	require.Len(t, mk.Deliveries(), 1)
	assert.Equal(t, want, strip(mk.Deliveries()[0]))
	want.Attempts = []moneykittest.DeliveryAttempt{{At: mk.Now(), Status: 500}}
	want.Next = mk.Now().Add(10 * time.Second)
	assert.Equal(t, want, strip(mk.Deliver()[0]))
	mk.Advance(10 * time.Second)
	mk.Deliver()
	d := mk.Deliveries()[0]
	assert.Equal(t, moneykittest.DeliveryDone, d.State)
	d.Body[0], d.Attempts[0].Status = 'x', 1
	assert.True(t, json.Valid(mk.Deliveries()[0].Body))
	assert.Equal(t, 500, mk.Deliveries()[0].Attempts[0].Status)
}

// A nil receiver and a nil transport are the same as no option.
func TestDeliverNowhere(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t, moneykittest.WithReceiver(nil), moneykittest.WithDeliveryTransport(nil))
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: "ftp://app.example"})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	d := mk.Deliver()[0]
	require.EqualError(t, d.Attempts[0].Err, "the webhook is no http or https URL")
	assert.Len(t, tb.logs, 1)

	mk, tb = newFake(t, moneykittest.WithReceiver(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") })))
	breakAll(mk, 1)
	mk.Deliver()
	require.Len(t, tb.errors, 1)
	assert.Contains(t, tb.errors[0], "the receiver panicked: oh")
}

// A receiver may call all methods of the server, even Deliver.
func TestDeliverToReceiverThatUsesServer(t *testing.T) {
	t.Parallel()
	var mk *moneykittest.Server
	var states []moneykit.LinkState
	nested := 0
	receiver := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, link := range mk.Deliveries() {
			got, err := mk.Client().Links.Get(r.Context(), link.LinkID)
			assert.NoError(t, err)
			states = append(states, got.State)
			mk.Break(link.LinkID, "")
			mk.Advance(time.Second)
		}
		nested += len(mk.Deliver()) //nolint:contextcheck // it has none
	})
	mk = moneykittest.NewServer(t, moneykittest.WithReceiver(receiver))
	breakAll(mk, 1)
	assert.Len(t, mk.Deliver(), 1)
	assert.Equal(t, 1, nested, "what happened meanwhile, and not the same again")
	assert.Equal(t, moneykit.LinkStateError, states[0])
	for _, d := range mk.Deliveries() {
		assert.Equal(t, moneykittest.DeliveryDone, d.State)
	}
}

// TestAutoDeliveryInParallel is for the race detector.
func TestAutoDeliveryInParallel(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	server := httptest.NewServer(in)
	defer server.Close()
	mk := moneykittest.NewServer(t, moneykittest.WithAutoDelivery())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				link := mk.AddLink(moneykittest.LinkSpec{Webhook: server.URL})
				mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
				mk.Advance(time.Millisecond)
				mk.Deliver(moneykittest.Concurrently(2))
				mk.RotateKeys()
				mk.Deliveries()
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool {
		for _, d := range mk.Deliveries() {
			if d.State != moneykittest.DeliveryDone {
				return false
			}
		}
		return true
	}, 10*time.Second, time.Millisecond)
	assert.Len(t, in.take(), 40, "none twice")
}

func TestCloseDuringDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mk, tb := newFake(t, moneykittest.WithReceiver(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})))
		breakAll(mk, 2)
		ended := make(chan []moneykittest.Delivery)
		go func() { ended <- mk.Deliver() }()
		synctest.Wait()
		mk.Close()
		delivered := <-ended
		require.Len(t, delivered, 1, "the second was not begun")
		require.ErrorIs(t, delivered[0].Attempts[0].Err, context.Canceled)
		assert.Equal(t, moneykittest.DeliveryPending, mk.Deliveries()[1].State)
		assert.Empty(t, mk.Deliver())
		assert.Empty(t, tb.logs)
	})
}
