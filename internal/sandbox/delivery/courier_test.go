package delivery_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := &inbox{}
		mk := newFake(t, receiving(in), withRefreshDelay(time.Minute))
		go mk.Run()
		breakAll(mk, 1)
		synctest.Wait()
		require.Len(t, in.take(), 1)

		// Retries become due with the clock and with Advance.
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
		mk.World.Advance(20 * time.Second)
		synctest.Wait()
		require.Len(t, in.take(), 1)
		assert.Equal(t, delivery.Done, mk.Deliveries()[1].State)

		// Due refreshes are announced without a call.
		mk.breakLink(link, "")
		mk.refresh(link, moneykit.ProductIdentity)
		synctest.Wait()
		require.Len(t, in.take(), 1)
		<-time.After(time.Minute)
		synctest.Wait()
		require.Len(t, in.take(), 1)
	})
}

// A planned refresh of a deleted link does not keep Run busy.
func TestRunWithADeletedLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		start := time.Now()
		mk := newFake(t, receiving(&inbox{}), withRefreshDelay(time.Hour), withClock(func() time.Time {
			calls.Add(1)
			return start
		}))
		go mk.Run()
		link := mk.addLink(hook)
		mk.refresh(link, moneykit.ProductIdentity)
		mk.World.Do(func(w *world.World, now time.Time) { w.Delete(w.Find(link, now), now) })
		mk.World.Advance(365 * 24 * time.Hour)
		synctest.Wait()
		before := calls.Load()
		<-time.After(time.Hour)
		synctest.Wait()
		assert.Equal(t, before, calls.Load())
	})
}

func TestRunEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mk := newFake(t, receiving(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			mk.Run()
		}()
		breakAll(mk, 2)
		synctest.Wait()
		mk.close()
		<-ended
		all := mk.Deliveries()
		require.ErrorIs(t, all[0].Attempts[0].Err, context.Canceled)
		assert.Empty(t, all[1].Attempts, "the second delivery was not attempted")
		assert.Empty(t, mk.deliver())
	})
}
