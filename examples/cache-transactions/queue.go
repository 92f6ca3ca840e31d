package main

import (
	"context"
	"slices"
	"sync"
)

// queue contains the links to sync, each once. One worker at a time gets a link. A link that is
// added while it is synced is queued again afterwards, so that no event is lost.
type queue struct {
	wake chan struct{} // has a value while the queue may have work

	mu      sync.Mutex // guards the fields below
	wanted  []string
	running map[string]bool
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1), running: map[string]bool{}} }

func (q *queue) add(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !slices.Contains(q.wanted, id) {
		q.wanted = append(q.wanted, id)
	}
	q.nudge()
}

// next waits for a link. It returns false when ctx ends.
func (q *queue) next(ctx context.Context) (id string, ok bool) {
	for ctx.Err() == nil {
		if id, ok := q.take(); ok {
			return id, true
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
	}
	return "", false
}

func (q *queue) take() (id string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.wanted, func(id string) bool { return !q.running[id] })
	if i < 0 {
		return "", false
	}
	id = q.wanted[i]
	q.wanted = slices.Delete(q.wanted, i, i+1)
	q.running[id] = true
	q.nudge() // There may be more work, for another worker.
	return id, true
}

// done records that the sync of a link has ended.
func (q *queue) done(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.running, id)
	q.nudge()
}

func (q *queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
