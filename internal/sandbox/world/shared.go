package world

import (
	"sync"
	"time"
)

// Shared is a [World] with a lock and a clock. It is safe for concurrent use.
type Shared struct {
	clock func() time.Time

	mu    sync.Mutex // guards the following fields
	world *World
	watch func(*World)
	keep  func(w *World, now time.Time)
}

// NewShared returns w with a lock and a clock. Do not use w directly afterwards.
func NewShared(w *World, clock func() time.Time) *Shared {
	return &Shared{clock: clock, world: w}
}

// Watch sets a function to be called when there are new events to take, or when the time of the
// next due job may have changed. The call is at the end of [Shared.Do] or [Shared.Advance], with
// the world locked. There is one watcher. Call Watch before the world is used.
func (s *Shared) Watch(f func(*World)) { s.watch = f }

// Keep sets a function to be called at the end of each [Shared.Do] and [Shared.Advance], after the
// watcher, with the world locked. There is one keeper.
func (s *Shared) Keep(f func(w *World, now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = f
}

// Do calls f with the world and its time. The world is locked during the call. f must not call
// methods of s.
func (s *Shared) Do(f func(w *World, now time.Time)) {
	now := s.clock() // before the lock, because the clock of a test may use the world
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
