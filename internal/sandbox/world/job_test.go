package world_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// nextJob finds the next job in a scan of all links.
func nextJob(w *world.World) (next time.Time, ok bool) {
	for _, l := range w.Links {
		if l.State != moneykit.LinkStateDeleted && len(l.Jobs) > 0 && (!ok || l.Jobs[0].At.Before(next)) {
			next, ok = l.Jobs[0].At, true
		}
	}
	return next, ok
}

// TestJobModel schedules refreshes at random, also with a clock that goes back. It compares NextDue
// with a scan of all links.
func TestJobModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		w := newWorld(func(s *world.Settings) { s.RefreshDelay = 10 * time.Minute })
		r := rand.New(rand.NewPCG(seed, 0))
		for range 6 {
			add(t, w, world.LinkSpec{Webhook: hook, Accounts: []moneykit.Account{}})
		}
		now := start
		for step := range 120 {
			now = now.Add(time.Duration(r.IntN(9)-2) * time.Minute)
			link := w.Links[w.Order[r.IntN(len(w.Order))]]
			switch kind := r.IntN(12); {
			case kind < 5 && link.State == moneykit.LinkStateConnected:
				w.Schedule(link, []moneykit.Product{moneykit.ProductIdentity}, now)
			case kind < 7:
				w.Find(link.ID, now)
			case kind < 10:
				w.CatchUp(now)
				next, ok := nextJob(w)
				require.False(t, ok && !next.After(now), "seed %d, step %d", seed, step)
				order := map[string]int{}
				for i, id := range w.Order {
					order[id] = i
				}
				last := -1
				for _, e := range w.TakeEvents() {
					require.LessOrEqual(t, last, order[e.LinkID], "the events of the oldest link come first")
					last = order[e.LinkID]
				}
			case kind == 10 && r.IntN(10) == 0:
				w.Delete(link, now)
			case kind == 11 && r.IntN(4) == 0:
				data, err := json.Marshal(w)
				require.NoError(t, err)
				w = &world.World{}
				require.NoError(t, json.Unmarshal(data, w))
			}
			w.TakeEvents()
			want, wanted := nextJob(w)
			next, ok := w.NextDue()
			require.Equal(t, wanted, ok, "seed %d, step %d", seed, step)
			assert.True(t, want.Equal(next), "seed %d, step %d: %v, not %v", seed, step, next, want)
		}
	}
}
