package moneykittest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// breakAll breaks new links, one after the other, and returns their ids.
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

func TestDeliverRetries(t *testing.T) {
	t.Parallel()
	for _, fresh := range []bool{false, true} {
		in := &inbox{}
		options := []moneykittest.Option{stopped(), moneykittest.WithReceiver(in)}
		if fresh {
			options = append(options, moneykittest.WithFreshSignatures())
		}
		mk := moneykittest.NewServer(t, options...)
		breakAll(mk, 1)
		start := mk.Now()
		assert.Empty(t, in.take(), "nothing is sent by itself")
		require.Len(t, mk.Deliveries(), 1)
		assert.Equal(t, moneykittest.DeliveryPending, mk.Deliveries()[0].State)

		in.statuses = []int{500, 302, 404, 400, 503, 500, 500, 500, 500, 500, 500, 500, 500, 500}
		var first post
		for i, wait := range []int{0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 2090} {
			if i > 0 {
				mk.Advance(time.Duration(wait)*time.Second - 1)
				assert.Empty(t, mk.Deliver(), "it is not due")
				mk.Advance(1)
			}
			delivered := mk.Deliver()
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
				assert.Equal(t, mk.Now().Unix(), p.issuedAt(t, mk))
			} else {
				assert.Equal(t, start.Unix(), p.issuedAt(t, mk))
				assert.Equal(t, first.header.Get("MoneyKit-Signature"), p.header.Get("MoneyKit-Signature"))
			}
		}
		assert.Equal(t, start.Add(2*time.Hour), mk.Now())
		assert.Equal(t, moneykittest.DeliveryGivenUp, mk.Deliveries()[0].State)
		assert.Empty(t, mk.Deliver())
		mk.Advance(48 * time.Hour)
		assert.Empty(t, mk.Deliver())
		d := mk.Deliveries()[0]
		assert.Equal(t, moneykittest.DeliveryGivenUp, d.State)
		assert.True(t, d.Next.IsZero())
		require.Len(t, d.Attempts, 11)
		assert.Equal(t, moneykittest.DeliveryAttempt{At: start.Add(10 * time.Second), Status: 302}, d.Attempts[1])
		assert.Equal(t, first.body, d.Body)
		assert.Equal(t, hook, d.URL)
		assert.Equal(t, "link.state_changed", d.Event)
		assert.Equal(t, start, d.QueuedAt)
		d.Body[0], d.Attempts[0].Status = 'x', 1
		assert.Equal(t, first.body, mk.Deliveries()[0].Body)
		assert.Equal(t, 500, mk.Deliveries()[0].Attempts[0].Status)
	}
}

func TestDeliverGivesUpInBetween(t *testing.T) {
	t.Parallel()
	in := &inbox{statuses: []int{500}}
	mk := moneykittest.NewServer(t, stopped(), moneykittest.WithReceiver(in))
	breakAll(mk, 1)
	mk.Advance(24 * time.Hour) // it was never tried, so that the two hours have not begun
	mk.Deliver()
	next := mk.Deliveries()[0].Next
	assert.Equal(t, mk.Now().Add(10*time.Second), next)
	mk.Advance(2*time.Hour + 1)
	assert.Equal(t, moneykittest.DeliveryGivenUp, mk.Deliveries()[0].State)
	assert.Empty(t, mk.Deliver())
}

// What is due earlier comes first, also when a retry meets what is new.
func TestDeliverOrder(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, stopped(), moneykittest.WithReceiver(in))
	ids := breakAll(mk, 4)
	assert.Len(t, mk.Deliver(nil), 4)
	assert.Equal(t, ids, linksOf(t, in.take()))

	ids = breakAll(mk, 4)
	delivered := mk.Deliver(moneykittest.Reversed())
	assert.Equal(t, []string{ids[3], ids[2], ids[1], ids[0]}, linksOf(t, in.take()))
	assert.Equal(t, ids[3], delivered[0].LinkID)

	ids = breakAll(mk, 3)
	delivered = mk.Deliver(moneykittest.Duplicated(2))
	posts := in.take()
	assert.Equal(t, []string{ids[0], ids[0], ids[1], ids[1], ids[2], ids[2]}, linksOf(t, posts))
	assert.Equal(t, posts[0].body, posts[1].body)
	assert.Equal(t, "1", posts[0].header.Get("MoneyKit-Delivery-Attempt"))
	assert.Equal(t, "2", posts[1].header.Get("MoneyKit-Delivery-Attempt"))
	require.Len(t, delivered, 3)
	assert.Len(t, delivered[2].Attempts, 2)

	shuffled := func(seed uint64) []int {
		ids := breakAll(mk, 8)
		mk.Deliver(moneykittest.Duplicated(3), moneykittest.Shuffled(seed))
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
	mk.Deliver()
	mk.Advance(9 * time.Second)
	second := breakAll(mk, 1)
	mk.Advance(2 * time.Second)
	third := breakAll(mk, 1)
	in.take()
	mk.Deliver()
	assert.Equal(t, []string{second[0], first[0], third[0]}, linksOf(t, in.take()))
}

// One accepted attempt is enough, whatever comes after it.
func TestDeliverDuplicatesOfWhichOneFails(t *testing.T) {
	t.Parallel()
	in := &inbox{statuses: []int{200, 500, 500}}
	mk := moneykittest.NewServer(t, moneykittest.WithReceiver(in))
	breakAll(mk, 1)
	delivered := mk.Deliver(moneykittest.Duplicated(3), moneykittest.Concurrently(0))
	require.Len(t, delivered, 1)
	assert.Equal(t, moneykittest.DeliveryDone, delivered[0].State)
	assert.Len(t, in.take(), 3)

	// All that fail together are one attempt as far as the waits are concerned.
	mk = moneykittest.NewServer(t, stopped(), moneykittest.WithReceiver(in))
	in.statuses = []int{500, 500, 500}
	breakAll(mk, 1)
	assert.Equal(t, mk.Now().Add(10*time.Second), mk.Deliver(moneykittest.Duplicated(3))[0].Next)
}

// Refreshes of several links that become due together are announced in the order of the links.
func TestDeliverRefreshes(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, stopped(), moneykittest.WithReceiver(in), moneykittest.WithRefreshDelay(time.Hour))
	var ids []string
	for range 5 {
		link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook})
		ids = append(ids, link.ID)
		_, err := mk.Client().Products.Refresh(t.Context(), link.ID, []moneykit.Product{moneykit.ProductIdentity})
		require.NoError(t, err)
	}
	assert.Empty(t, mk.Deliver())
	mk.Advance(time.Hour)
	assert.Len(t, mk.Deliver(), 5)
	assert.Equal(t, ids, linksOf(t, in.take()))
}

func TestDeliverConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		mk := moneykittest.NewServer(t, moneykittest.WithReceiver(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
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
		assert.Len(t, mk.Deliver(moneykittest.Concurrently(3)), 7)
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Equal(t, 3, most)
		breakAll(mk, 2)
		mk.Deliver()
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

// A receiver may do anything with the server, even deliver.
func TestDeliverToOneThatCallsBack(t *testing.T) {
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

	trusting := moneykittest.NewServer(t, stopped(), moneykittest.WithDeliveryTransport(server.Client().Transport), moneykittest.WithReceiver(nil))
	strict := moneykittest.NewServer(t, stopped(), moneykittest.WithDeliveryTransport(nil))
	send := func(mk *moneykittest.Server, target string) moneykittest.Delivery {
		link := mk.AddLink(moneykittest.LinkSpec{Webhook: target})
		mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
		delivered := mk.Deliver()
		require.Len(t, delivered, 1)
		return delivered[0]
	}
	d := send(trusting, server.URL+"/hook")
	assert.Equal(t, 307, d.Attempts[0].Status, "it is not followed")
	require.Len(t, in.take(), 1)
	trusting.Advance(10 * time.Second)
	trusting.Deliver()
	posts := in.take()
	require.Len(t, posts, 1)
	posts[0].issuedAt(t, trusting)

	d = send(strict, server.URL)
	assert.Equal(t, moneykittest.DeliveryPending, d.State)
	require.ErrorContains(t, d.Attempts[0].Err, "certificate")
	assert.NotContains(t, d.Attempts[0].Err.Error(), server.URL)
	d = send(strict, plain.URL)
	assert.Equal(t, moneykittest.DeliveryDone, d.State)
	in.take()

	for _, target := range []string{"ftp://app.example", "app.example", "http://", ":", "/hook"} {
		d = send(strict, target)
		require.EqualError(t, d.Attempts[0].Err, "the webhook is no http or https URL", target)
		assert.Zero(t, d.Attempts[0].Status)
	}
}

func TestReceiver(t *testing.T) {
	t.Parallel()
	type outcome struct {
		status int
		err    string
		report int
	}
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		want   outcome
	}{
		"nothing": {func(http.ResponseWriter, *http.Request) {}, outcome{status: 200}},
		"text":    {func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<17)); w.Write([]byte("x")) }, outcome{status: 200}},
		"twice": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(202)
			w.WriteHeader(500)
		}, outcome{status: 202}},
		"redirect":  {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, outcome{status: 302}},
		"panic":     {func(http.ResponseWriter, *http.Request) { panic("oh") }, outcome{err: "the receiver panicked: oh", report: 1}},
		"no status": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(99) }, outcome{err: "the receiver panicked: invalid WriteHeader code 99", report: 1}},
		"abort":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, outcome{err: "the receiver aborted the connection"}},
		"goexit":    {func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, outcome{err: "the receiver ended without an answer"}},
		"request": {func(w http.ResponseWriter, r *http.Request) {
			if r.TLS == nil || r.URL.Host != "" || r.URL.Path != "/hooks" || r.Host != "app.example" || r.FormValue("tenant") != "1" {
				w.WriteHeader(500)
			}
		}, outcome{status: 200}},
	} {
		mk, tb := newFake(t, moneykittest.WithReceiver(http.HandlerFunc(test.answer)))
		breakAll(mk, 1)
		attempt := mk.Deliver()[0].Attempts[0]
		got := outcome{status: attempt.Status, report: len(tb.errors)}
		if attempt.Err != nil {
			got.err = attempt.Err.Error()
		}
		assert.Equal(t, test.want, got, name)
		if got.status != 200 && got.status != 202 && got.report == 0 {
			assert.Len(t, tb.logs, 1, name)
		}
	}
	// The transport also works for requests that did not go through a client.
	var host string
	mk := moneykittest.NewServer(t, moneykittest.WithReceiver(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host = r.Host })))
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: "http://user:word@app.example:8080/a%2Fb"})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	mk.Deliver()
	assert.Equal(t, "app.example:8080", host)
}

func TestDeliverToOneThatIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mk := moneykittest.NewServer(t, moneykittest.WithReceiver(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})))
		breakAll(mk, 1)
		start := time.Now()
		d := mk.Deliver()[0]
		require.ErrorIs(t, d.Attempts[0].Err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Equal(t, time.Now().Add(10*time.Second), d.Next)
	})
}

func TestAutoDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := &inbox{}
		mk := moneykittest.NewServer(t, moneykittest.WithReceiver(in), moneykittest.WithAutoDelivery(), moneykittest.WithRefreshDelay(time.Minute))
		breakAll(mk, 1)
		synctest.Wait()
		require.Len(t, in.take(), 1)

		// The clock makes retries due, and so does Advance.
		in.mu.Lock()
		in.statuses = []int{500, 500}
		in.mu.Unlock()
		link := breakAll(mk, 1)[0]
		synctest.Wait()
		require.Len(t, in.take(), 1)
		<-time.After(10*time.Second - 1)
		synctest.Wait()
		require.Empty(t, in.take())
		<-time.After(1)
		synctest.Wait()
		require.Len(t, in.take(), 1)
		mk.Advance(20 * time.Second)
		synctest.Wait()
		require.Len(t, in.take(), 1)
		assert.Equal(t, moneykittest.DeliveryDone, mk.Deliveries()[1].State)

		// Refreshes that are due announce themselves.
		mk.Break(link, "")
		_, err := mk.Client().Products.Refresh(t.Context(), link, []moneykit.Product{moneykit.ProductIdentity})
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, in.take(), 1)
		<-time.After(time.Minute)
		synctest.Wait()
		require.Len(t, in.take(), 1)
	})
}

// A refresh that a link does not live to see keeps nobody busy.
func TestAutoDeliveryOfADeletedLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		start := time.Now()
		mk := moneykittest.NewServer(t, moneykittest.WithReceiver(&inbox{}), moneykittest.WithAutoDelivery(),
			moneykittest.WithRefreshDelay(time.Hour), moneykittest.WithClock(func() time.Time {
				calls.Add(1)
				return start
			}))
		client := mk.Client()
		link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook})
		_, err := client.Products.Refresh(t.Context(), link.ID, []moneykit.Product{moneykit.ProductIdentity})
		require.NoError(t, err)
		require.NoError(t, client.Links.Delete(t.Context(), link.ID))
		mk.Advance(365 * 24 * time.Hour)
		synctest.Wait()
		before := calls.Load()
		<-time.After(time.Hour)
		synctest.Wait()
		assert.Equal(t, before, calls.Load())
	})
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

func TestDeliveriesAreBounded(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, moneykittest.WithReceiver(in))
	ids := breakAll(mk, 2)
	mk.Deliver()
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook, Accounts: []moneykit.Account{}})
	for i := range 10_000 {
		mk.Break(link.ID, []moneykit.LinkError{moneykit.LinkErrorAuthExpired, ""}[i%2])
	}
	all := mk.Deliveries()
	require.Len(t, all, 10_000)
	assert.Equal(t, link.ID, all[0].LinkID, "those that are done go first")
	token := all[1].Token
	mk.Break(ids[0], moneykit.LinkErrorIncomplete)
	assert.Equal(t, token, mk.Deliveries()[0].Token)
}

func TestNow(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	mk := moneykittest.NewServer(t, moneykittest.WithClock(func() time.Time { return start }))
	assert.Equal(t, start, mk.Now())
	mk.Advance(time.Hour)
	assert.Equal(t, start.Add(time.Hour), mk.Now())
}
