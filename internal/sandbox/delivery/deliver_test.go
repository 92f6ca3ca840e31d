package delivery_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
)

// breakAll adds n links, puts one after the other into state error, and returns their ids.
func breakAll(mk *fake, n int) []string {
	var ids []string
	for range n {
		link := mk.addLink(hook)
		mk.breakLink(link, moneykit.LinkErrorAuthExpired)
		ids = append(ids, link)
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

func TestDeliverRetries(t *testing.T) {
	t.Parallel()
	for _, fresh := range []bool{false, true} {
		in := &inbox{}
		options := []option{stopped(), receiving(in)}
		if fresh {
			options = append(options, withFreshSignatures())
		}
		mk := newFake(t, options...)
		breakAll(mk, 1)
		start := mk.World.Now()
		assert.Empty(t, in.take(), "no webhook is sent without a call")
		require.Len(t, mk.Deliveries(), 1)
		assert.Equal(t, delivery.Pending, mk.Deliveries()[0].State)

		in.statuses = []int{500, 302, 404, 400, 503, 500, 500, 500, 500, 500, 500, 500, 500, 500}
		var first post
		for i, wait := range []int{0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 2090} {
			if i > 0 {
				mk.World.Advance(time.Duration(wait)*time.Second - 1)
				assert.Empty(t, mk.deliver(), "no webhook is due")
				mk.World.Advance(1)
			}
			delivered := mk.deliver()
			require.Len(t, delivered, 1, i)
			posts := in.take()
			require.Len(t, posts, 1)
			p := posts[0]
			if i == 0 {
				first = p
				assert.Equal(t, "POST", p.method)
				assert.Equal(t, "app.example/hooks?tenant=1", p.url)
				assert.Equal(t, "application/json", p.header.Get("Content-Type"))
				assert.NotEmpty(t, p.header.Get("MoneyKit-Delivery-Token"))
			}
			assert.Equal(t, strconv.Itoa(i+1), p.header.Get("MoneyKit-Delivery-Attempt"))
			assert.Equal(t, first.header.Get("MoneyKit-Delivery-Token"), p.header.Get("MoneyKit-Delivery-Token"))
			assert.Equal(t, first.body, p.body)
			if fresh {
				assert.Equal(t, mk.World.Now().Unix(), p.issuedAt(t, mk))
			} else {
				assert.Equal(t, start.Unix(), p.issuedAt(t, mk))
				assert.Equal(t, first.header.Get("MoneyKit-Signature"), p.header.Get("MoneyKit-Signature"))
			}
		}
		assert.Equal(t, start.Add(2*time.Hour), mk.World.Now())
		assert.Equal(t, delivery.GivenUp, mk.Deliveries()[0].State)
		assert.Empty(t, mk.deliver())
		mk.World.Advance(48 * time.Hour)
		assert.Empty(t, mk.deliver())
		d := mk.Deliveries()[0]
		assert.Equal(t, delivery.GivenUp, d.State)
		assert.True(t, d.Next.IsZero())
		require.Len(t, d.Attempts, 11)
		assert.Equal(t, delivery.Attempt{At: start.Add(10 * time.Second), Status: 302}, d.Attempts[1])
		assert.Equal(t, first.body, d.Body)
		assert.Equal(t, hook, d.URL)
		assert.Equal(t, "link.state_changed", d.Event)
		assert.Equal(t, start, d.QueuedAt)
		d.Body[0], d.Attempts[0].Status = 'x', 1
		assert.Equal(t, first.body, mk.Deliveries()[0].Body)
		assert.Equal(t, 500, mk.Deliveries()[0].Attempts[0].Status)
	}
}

func TestDeliverGivesUpBetweenCalls(t *testing.T) {
	t.Parallel()
	in := &inbox{statuses: []int{500}}
	mk := newFake(t, stopped(), receiving(in))
	breakAll(mk, 1)
	mk.World.Advance(24 * time.Hour) // there was no attempt, so the two hours have not begun
	mk.deliver()
	next := mk.Deliveries()[0].Next
	assert.Equal(t, mk.World.Now().Add(10*time.Second), next)
	mk.World.Advance(2*time.Hour + 1)
	assert.Equal(t, delivery.GivenUp, mk.Deliveries()[0].State)
	assert.Empty(t, mk.deliver())
}

func reversed(n int, swap func(i, j int)) {
	for i := range n / 2 {
		swap(i, n-1-i)
	}
}

// Webhooks are sent in the order in which they became due, including retries.
func TestDeliverOrder(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := newFake(t, stopped(), receiving(in))
	ids := breakAll(mk, 4)
	assert.Len(t, mk.deliver(), 4)
	assert.Equal(t, ids, linksOf(t, in.take()))

	ids = breakAll(mk, 4)
	delivered := mk.Deliver(delivery.Course{Reorder: reversed})
	assert.Equal(t, []string{ids[3], ids[2], ids[1], ids[0]}, linksOf(t, in.take()))
	assert.Equal(t, ids[3], delivered[0].LinkID)

	ids = breakAll(mk, 3)
	delivered = mk.Deliver(delivery.Course{Times: 2})
	posts := in.take()
	assert.Equal(t, []string{ids[0], ids[0], ids[1], ids[1], ids[2], ids[2]}, linksOf(t, posts))
	assert.Equal(t, posts[0].body, posts[1].body)
	assert.Equal(t, "1", posts[0].header.Get("MoneyKit-Delivery-Attempt"))
	assert.Equal(t, "2", posts[1].header.Get("MoneyKit-Delivery-Attempt"))
	require.Len(t, delivered, 3)
	assert.Len(t, delivered[2].Attempts, 2)

	shuffled := func(seed uint64) []int {
		ids := breakAll(mk, 8)
		mk.Deliver(delivery.Course{Times: 3, Reorder: rand.New(rand.NewPCG(seed, 0)).Shuffle})
		number := map[string]int{}
		for i, id := range ids {
			number[id] = i
		}
		var order []int
		for _, id := range linksOf(t, in.take()) {
			order = append(order, number[id])
		}
		assert.Len(t, order, 24)
		return order
	}
	one := shuffled(1)
	assert.Equal(t, one, shuffled(1))
	assert.NotEqual(t, one, shuffled(2))

	in.statuses = []int{500}
	first := breakAll(mk, 1)
	mk.deliver()
	mk.World.Advance(9 * time.Second)
	second := breakAll(mk, 1)
	mk.World.Advance(2 * time.Second)
	third := breakAll(mk, 1)
	in.take()
	mk.deliver()
	assert.Equal(t, []string{second[0], first[0], third[0]}, linksOf(t, in.take()))
}

// A delivery succeeds if one of its duplicates is accepted.
func TestDeliverDuplicatesWithOneFailure(t *testing.T) {
	t.Parallel()
	in := &inbox{statuses: []int{200, 500, 500}}
	mk := newFake(t, receiving(in))
	breakAll(mk, 1)
	delivered := mk.Deliver(delivery.Course{Times: 3})
	require.Len(t, delivered, 1)
	assert.Equal(t, delivery.Done, delivered[0].State)
	assert.Len(t, in.take(), 3)

	// The delay after failed duplicates is the delay after a single attempt.
	mk = newFake(t, stopped(), receiving(in))
	in.statuses = []int{500, 500, 500}
	breakAll(mk, 1)
	assert.Equal(t, mk.World.Now().Add(10*time.Second), mk.Deliver(delivery.Course{Times: 3})[0].Next)
}

// Refreshes of several links that become due together are announced in the order of the links.
func TestDeliverRefreshes(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := newFake(t, stopped(), receiving(in), withRefreshDelay(time.Hour))
	var ids []string
	for range 5 {
		link := mk.addLink(hook)
		ids = append(ids, link)
		mk.refresh(link, moneykit.ProductIdentity)
	}
	assert.Empty(t, mk.deliver())
	mk.World.Advance(time.Hour)
	assert.Len(t, mk.deliver(), 5)
	assert.Equal(t, ids, linksOf(t, in.take()))
}

func TestDeliverConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		mk := newFake(t, receiving(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
		})))
		breakAll(mk, 7)
		start := time.Now()
		assert.Len(t, mk.Deliver(delivery.Course{Parallel: 3}), 7)
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Equal(t, 3, most)
		breakAll(mk, 2)
		mk.deliver()
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestDeliverOverHTTP(t *testing.T) {
	t.Parallel()
	in := &inbox{statuses: []int{307}}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		in.ServeHTTP(w, r)
	}))
	defer server.Close()
	plain := httptest.NewServer(in)
	defer plain.Close()

	trusting := newFake(t, stopped(), through(server.Client().Transport))
	strict := newFake(t, stopped())
	send := func(mk *fake, target string) delivery.Delivery {
		link := mk.addLink(target)
		mk.breakLink(link, moneykit.LinkErrorAuthExpired)
		delivered := mk.deliver()
		require.Len(t, delivered, 1)
		return delivered[0]
	}
	d := send(trusting, server.URL+"/hook")
	assert.Equal(t, 307, d.Attempts[0].Status, "redirects are not followed")
	require.Len(t, in.take(), 1)
	trusting.World.Advance(10 * time.Second)
	trusting.deliver()
	posts := in.take()
	require.Len(t, posts, 1)
	posts[0].issuedAt(t, trusting)

	d = send(strict, server.URL)
	assert.Equal(t, delivery.Pending, d.State)
	require.ErrorContains(t, d.Attempts[0].Err, "certificate")
	assert.NotContains(t, d.Attempts[0].Err.Error(), server.URL)
	d = send(strict, plain.URL)
	assert.Equal(t, delivery.Done, d.State)
	in.take()

	for _, target := range []string{"ftp://app.example", "app.example", "http://", ":", "/hook"} {
		d = send(strict, target)
		require.EqualError(t, d.Attempts[0].Err, "the webhook is no http or https URL", target)
		assert.Zero(t, d.Attempts[0].Status)
	}
}

func TestDeliverToSlowReceiver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mk := newFake(t, receiving(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})))
		breakAll(mk, 1)
		start := time.Now()
		d := mk.deliver()[0]
		require.ErrorIs(t, d.Attempts[0].Err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Equal(t, time.Now().Add(10*time.Second), d.Next)
	})
}
