package world

import (
	"sync"
	"time"
)

// Shared is a [World] that many goroutines use, one at a time, together with its clock.
type Shared struct {
	clock func() time.Time

	mu    sync.Mutex // guards what follows
	world *World
	watch func(*World)
	keep  func(w *World, now time.Time)
}

// NewShared returns w with a clock. Do not use w directly from then on.
func NewShared(w *World, clock func() time.Time) *Shared {
	return &Shared{clock: clock, world: w}
}

// Watch calls f whenever there are new events to take, or when something is due at another time
// than before: at the end of [Shared.Do] and of [Shared.Advance], with the world locked. There is
// one watcher; call Watch before the world is used.
func (s *Shared) Watch(f func(*World)) { s.watch = f }

// Keep calls f at the end of each [Shared.Do] and of [Shared.Advance], with the world locked, when
// the watcher has been called. There is one keeper.
func (s *Shared) Keep(f func(w *World, now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = f
}

// Do calls f with the world locked, and with the time. f must not call methods of s.
func (s *Shared) Do(f func(w *World, now time.Time)) {
	now := s.clock() // before the lock: it may belong to a test that uses the world itself
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.world, now.Add(s.world.Offset))
	s.tell(now)
}

func (s *Shared) tell(now time.Time) {
	if s.watch != nil && s.world.stirred {
		s.world.stirred = false
		s.watch(s.world)
	}
	if s.keep != nil {
		s.keep(s.world, now.Add(s.world.Offset))
	}
}

// Now returns the time of the world.
func (s *Shared) Now() time.Time {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Add(s.world.Offset)
}

// Advance moves the clock forward by d.
func (s *Shared) Advance(d time.Duration) {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.Offset += d
	s.world.stirred = true
	s.tell(now)
}
