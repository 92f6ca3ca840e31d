package moneykit_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
)

// exactly counts how often each event is handled. Its handling often fails.
type exactly struct {
	running, succeeded, tries []atomic.Int32
	overlaps                  atomic.Int32
	answers                   [600]atomic.Int64
}

func (x *exactly) key(i int) string { return "evt_" + strconv.Itoa(i) }

// handle fails, panics or calls runtime.Goexit in a third of all first attempts.
func (x *exactly) handle(_ context.Context, event moneykit.Event) error {
	i, err := strconv.Atoi(strings.TrimPrefix(event.Meta().IdempotencyKey, "evt_"))
	if err != nil {
		return err
	}
	if x.running[i].Add(1) != 1 {
		x.overlaps.Add(1)
	}
	defer x.running[i].Add(-1)
	try := x.tries[i].Add(1)
	runtime.Gosched()
	switch {
	case try < 3 && i%9 == 0:
		return errors.New("not yet")
	case try < 3 && i%9 == 1:
		panic(fmt.Sprintf("event %d", i))
	}
	x.succeeded[i].Add(1)
	return nil
}

// work delivers the worker's share of the events until each is acknowledged. In between it also
// delivers events of other workers.
func (x *exactly) work(worker, workers int, deliver func(i int) int) {
	r := rand.New(rand.NewPCG(1, uint64(worker))) // the same in each run
	var mine []int
	for i := worker; i < len(x.succeeded); i += workers {
		mine = append(mine, i)
	}
	for len(mine) > 0 {
		at := r.IntN(len(mine))
		i := mine[at]
		if r.IntN(3) == 0 {
			x.answers[deliver(r.IntN(len(x.succeeded)))].Add(1)
		}
		status := deliver(i)
		x.answers[status].Add(1)
		if status != http.StatusNoContent {
			continue
		}
		if r.IntN(4) == 0 { // The response is lost, so MoneyKit delivers again.
			x.answers[deliver(i)].Add(1)
		}
		mine[at] = mine[len(mine)-1]
		mine = mine[:len(mine)-1]
	}
}

func (x *exactly) check(t *testing.T) {
	t.Helper()
	for i := range x.succeeded {
		if n := x.succeeded[i].Load(); n != 1 {
			t.Errorf("event %d was handled %d times", i, n)
		}
	}
	assert.Zero(t, x.overlaps.Load(), "events that were handled twice at once")
	for status := range x.answers {
		if n := x.answers[status].Load(); n > 0 {
			t.Logf("%d deliveries answered %d", n, status)
			assert.Contains(t, []int{http.StatusNoContent, http.StatusInternalServerError, http.StatusServiceUnavailable}, status)
		}
	}
}

func newExactly(n int) *exactly {
	return &exactly{running: make([]atomic.Int32, n), succeeded: make([]atomic.Int32, n), tries: make([]atomic.Int32, n)}
}

// events is the number of delivered events. CI delivers 20,000 under the race detector.
var events = flag.Int("events", 2_000, "how many events TestWebhookExactlyOnce delivers")

// Many workers deliver events, some more than once, until each has been acknowledged, to a function
// that often fails.
func TestWebhookExactlyOnce(t *testing.T) {
	t.Parallel()
	const workers = 64
	h := newHook(t)
	client := h.client()
	x := newExactly(*events)
	handler := client.Webhooks.Handler(x.handle, moneykit.WithDedupe(&moneykit.MemoryDeduper{}))
	bodies, tokens := make([]string, *events), make([]string, *events)
	for i := range *events {
		h.sends(strings.Replace(eventJSON, "evt_1", x.key(i), 1))
		bodies[i], tokens[i] = h.body, h.compact()
	}
	deliver := func(i int) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(bodies[i]))
		r.Header.Set("MoneyKit-Signature", tokens[i])
		w := httptest.NewRecorder()
		func() {
			defer func() { _ = recover() }() // Servers recover from panics, too.
			handler.ServeHTTP(w, r)
		}()
		return w.Code
	}
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() { x.work(worker, workers, deliver) })
	}
	wg.Wait()
	x.check(t)
}
