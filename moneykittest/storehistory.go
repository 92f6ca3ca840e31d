package moneykittest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
)

// tiring is a context that ends after a number of calls to Done or Err.
type tiring struct {
	context.Context

	mu   sync.Mutex
	left int
	done chan struct{}
}

func (c *tiring) look() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		close(c.done)
	}
	return c.left > 0
}

// Done returns a channel that the last call closes.
func (c *tiring) Done() <-chan struct{} {
	c.look()
	return c.done
}

// Err returns context.Canceled at the last call, and at all later ones.
func (c *tiring) Err() error {
	if c.look() {
		return nil
	}
	return context.Canceled
}

// isAtomic ends the context at each moment at which the store checks it.
func (s *storeCase) isAtomic() {
	for looks := 1; looks <= 12; looks++ {
		link := s.link(fmt.Sprint(looks))
		id := func(name string, pending bool) moneykit.Transaction { return s.row(fmt.Sprint(looks, name), pending) }
		before := s.update(link, 1, id("a", true), id("b", false), id("c", false))
		s.apply(before)
		u := s.update(link, 2, id("d", true), id("e", false))
		u.Previous = before.Position
		u.DropPending, u.DropOlder, u.Remove = true, true, []string{id("b", false).ID}
		ctx := &tiring{Context: context.Background(), left: looks, done: make(chan struct{})}
		err := s.store.ApplyUpdate(ctx, u)
		old, done := s.differs(link, before.Position, before.Upsert), s.differs(link, u.Position, u.Upsert)
		switch {
		case err == nil && done != "":
			s.errorf("ApplyUpdate returned no error, but %s", done)
		case err != nil && old != "" && done != "":
			s.errorf("after the error %q: %s", err, old)
		}
	}
}

// isIsolated reads while a writer repeatedly replaces all rows.
func (s *storeCase) isIsolated() {
	const rounds, rows = 60, 4
	link := s.link("a")
	whole := func(round int) *moneykit.SyncUpdate {
		u := s.update(link, int64(round))
		for i := range rows {
			row := s.row(fmt.Sprintf("%d-%d", round, i), i%2 == 0)
			row.Description = fmt.Sprint(round)
			u.Upsert = append(u.Upsert, row)
			u.Remove = append(u.Remove, s.row(fmt.Sprintf("%d-%d", round-1, i), false).ID)
		}
		return u
	}
	s.apply(whole(1))
	done := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		defer close(done)
		for round := 2; round <= rounds; round++ {
			s.apply(whole(round))
		}
	})
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
			runtime.Gosched() // With GOOS=js, the writer runs only while this loop yields.
		}
		got, err := s.rows(link)
		if err != nil {
			s.errorf("reading the rows: %v", err)
			break
		}
		same := len(got) == rows
		for i := range got {
			same = same && got[i].Description == got[0].Description
		}
		if !same {
			s.errorf("a reader sees %d rows of more than one update", len(got))
			break
		}
	}
	writer.Wait()
	last := whole(rounds)
	s.holds(link, last.Position, last.Upsert...)
}

// isConcurrent updates two links concurrently.
func (s *storeCase) isConcurrent() {
	const rounds = 40
	step := func(link string, round int) *moneykit.SyncUpdate {
		u := s.update(link, int64(round), s.row(fmt.Sprint(link, round), round%2 == 0))
		u.DropPending = true
		return u
	}
	links := []string{s.link("a"), s.link("b")}
	var writers sync.WaitGroup
	for _, link := range links {
		writers.Go(func() {
			for round := 1; round <= rounds; round++ {
				s.apply(step(link, round))
			}
		})
	}
	writers.Wait()
	for _, link := range links {
		want := step(link, rounds).Upsert
		for round := 1; round < rounds; round += 2 {
			want = append(want, step(link, round).Upsert...)
		}
		s.holds(link, step(link, rounds).Position, want...)
	}
}

// followsModel compares the store to a MemoryStore after each step of a history of three links.
func (s *storeCase) followsModel() {
	r := s.random(1)
	model := &MemoryStore{}
	generations := map[string]int64{}
	for step := range 150 {
		link := s.link(fmt.Sprint(r.IntN(3)))
		u := s.anything(r, link, step)
		generations[link] = max(1, generations[link]+int64(r.IntN(5)/4))
		u.Position.Generation = generations[link]
		s.apply(u)
		if err := model.ApplyUpdate(context.Background(), u); err != nil {
			s.errorf("the model fails: %v", err) // cannot happen
		}
		if problem := s.differs(link, u.Position, model.Transactions(link)); problem != "" {
			s.errorf("in step %d: %s", step, problem)
			return // later errors would be consequences
		}
	}
	for i := range 3 {
		link := s.link(fmt.Sprint(i))
		position, _ := model.LoadPosition(context.Background(), link) // it never fails
		s.holds(link, position, model.Transactions(link)...)
	}
}

// anything returns a random update. Links do not share IDs, as in MoneyKit.
func (s *storeCase) anything(r *rand.Rand, link string, step int) *moneykit.SyncUpdate {
	id := func() string { return fmt.Sprint(link, r.IntN(12)) }
	u := s.update(link, 1)
	for range r.IntN(5) {
		row := s.row(id(), r.IntN(3) == 0)
		row.Amount, row.Description = cents(r.IntN(100_000)), fmt.Sprint("step ", step)
		u.Upsert = append(u.Upsert, row)
	}
	for range r.IntN(3) {
		u.Remove = append(u.Remove, s.row(id(), false).ID)
	}
	u.DropPending, u.DropOlder = r.IntN(4) == 0, r.IntN(6) == 0
	u.Position.Cursor = fmt.Sprint("step ", step)
	u.Position.Partial, u.Position.Rebuilding = r.IntN(2) == 0, r.IntN(2) == 0
	u.Position.RefreshedAt = moneykit.Timestamp{Time: time.Date(2030, 1, 1, 0, 0, step, 1000, time.UTC)}
	return u
}
