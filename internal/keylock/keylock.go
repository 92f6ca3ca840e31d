// Package keylock provides a lock for each key. Waiting for a lock ends with a context.
package keylock

import (
	"context"
	"sync"
)

// Locks is a set of locks, one for each key. The zero value is ready to use. A lock that is not
// held takes no memory.
type Locks struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed on release
}

// Acquire waits until the caller has the lock of key, and returns the function that releases it,
// which must be called once. It returns the error of ctx if ctx ends first.
func (l *Locks) Acquire(ctx context.Context, key string) (release func(), err error) {
	for {
		l.mu.Lock()
		other, taken := l.held[key]
		if !taken {
			if l.held == nil {
				l.held = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			l.held[key] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, key)
				l.mu.Unlock()
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
