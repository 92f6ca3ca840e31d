package world_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func newShared(changes ...func(*world.Settings)) *world.Shared {
	return world.NewShared(newWorld(changes...), func() time.Time { return start })
}

func TestSharedClock(t *testing.T) {
	t.Parallel()
	s := newShared()
	assert.Equal(t, start, s.Now())
	s.Advance(time.Hour)
	assert.Equal(t, start.Add(time.Hour), s.Now())
	s.Do(func(_ *world.World, now time.Time) { assert.Equal(t, start.Add(time.Hour), now) })
}

func TestSharedWatch(t *testing.T) {
	t.Parallel()
	s := newShared(func(s *world.Settings) { s.RefreshDelay = time.Hour })
	calls, events := 0, 0
	s.Watch(func(w *world.World) {
		calls++
		events += len(w.TakeEvents())
	})
	var link *world.Link
	for _, step := range []struct {
		name          string
		do            func(w *world.World, now time.Time)
		calls, events int
	}{
		{"nothing", func(*world.World, time.Time) {}, 0, 0},
		{"a link", func(w *world.World, now time.Time) { link, _ = w.AddLink(world.LinkSpec{Webhook: hook}, now) }, 0, 0},
		{"an event", func(w *world.World, now time.Time) { w.Reset(link, now) }, 1, 1},
		{"two events", func(w *world.World, now time.Time) {
			_ = w.Break(link.ID, "", now)
			w.Reset(link, now)
		}, 1, 2},
		{"a job", func(w *world.World, now time.Time) {
			w.Schedule(link, []moneykit.Product{moneykit.ProductIdentity}, now)
		}, 1, 0},
	} {
		calls, events = 0, 0
		s.Do(step.do)
		assert.Equal(t, [2]int{step.calls, step.events}, [2]int{calls, events}, step.name)
	}
	s.Advance(time.Hour)
	assert.Equal(t, 2, calls, "the next due time may have changed")
}

// TestSharedConcurrently is for the race detector.
func TestSharedConcurrently(t *testing.T) {
	t.Parallel()
	s := newShared()
	s.Watch(func(w *world.World) { w.TakeEvents() })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s.Do(func(w *world.World, now time.Time) {
				link, _ := w.AddLink(world.LinkSpec{Webhook: hook}, now)
				_ = w.Break(link.ID, moneykit.LinkErrorAuthExpired, now)
			})
			s.Advance(time.Second)
			s.Now()
		})
	}
	wg.Wait()
	s.Do(func(w *world.World, now time.Time) { assert.Len(t, w.AllLinks(now), 8) })
	assert.Equal(t, start.Add(8*time.Second), s.Now())
}
