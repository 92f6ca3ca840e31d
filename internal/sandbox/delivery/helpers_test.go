package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

const hook = "https://app.example/hooks?tenant=1"

// fake is a courier with its world.
type fake struct {
	*delivery.Courier

	close context.CancelFunc

	mu           sync.Mutex
	errors, logs []string
}

// setup contains the settings that options change.
type setup struct {
	delivery delivery.Settings
	world    world.Settings
	clock    func() time.Time
}

type option func(*setup)

func receiving(h http.Handler) option { return through(delivery.Receiver(h)) }

func through(t http.RoundTripper) option { return func(s *setup) { s.delivery.Transport = t } }

func withFreshSignatures() option { return func(s *setup) { s.delivery.FreshSignatures = true } }

func withKeyOverlap(d time.Duration) option { return func(s *setup) { s.delivery.KeyOverlap = d } }

func withRefreshDelay(d time.Duration) option { return func(s *setup) { s.world.RefreshDelay = d } }

func withClock(now func() time.Time) option { return func(s *setup) { s.clock = now } }

// stopped sets a clock that only Advance moves.
func stopped() option {
	now := time.Now()
	return withClock(func() time.Time { return now })
}

func newFake(t *testing.T, opts ...option) *fake {
	t.Helper()
	s := setup{clock: time.Now, delivery: delivery.Settings{Transport: delivery.Network()}}
	for _, opt := range opts {
		opt(&s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	f := &fake{close: cancel}
	note := func(list *[]string) func(string, ...any) {
		return func(format string, args ...any) {
			f.mu.Lock()
			defer f.mu.Unlock()
			*list = append(*list, fmt.Sprintf(format, args...))
		}
	}
	f.Courier = delivery.New(ctx, s.delivery, delivery.Surroundings{
		World: world.NewShared(world.New(s.world), s.clock), Errorf: note(&f.errors), Logf: note(&f.logs),
	})
	return f
}

// addLink adds a link without accounts, which is fast.
func (f *fake) addLink(webhook string) string {
	var id string
	f.World.Do(func(w *world.World, now time.Time) {
		link, _ := w.AddLink(world.LinkSpec{Webhook: webhook, Accounts: []moneykit.Account{}}, now)
		id = link.ID
	})
	return id
}

func (f *fake) breakLink(id string, reason moneykit.LinkError) {
	f.World.Do(func(w *world.World, now time.Time) { _ = w.Break(id, reason, now) })
}

// refresh schedules a refresh.
func (f *fake) refresh(id string, products ...moneykit.Product) {
	f.World.Do(func(w *world.World, now time.Time) { w.Schedule(w.Find(id, now), products, now) })
}

// keys returns the published keys.
func (f *fake) keys(t *testing.T) []map[string]string {
	t.Helper()
	var document struct{ Keys []map[string]string }
	f.World.Do(func(_ *world.World, now time.Time) {
		data, err := f.Keys(now)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &document))
	})
	return document.Keys
}

// deliver sends the webhooks that are due, in order.
func (f *fake) deliver() []delivery.Delivery { return f.Deliver(delivery.Course{}) }
