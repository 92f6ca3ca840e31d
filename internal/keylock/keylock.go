// Package keylock has locks by key whose waiters can give up.
package keylock

import (
	"context"
	"sync"
)

// Locks holds one lock for each key. The zero value is ready for use, and takes no memory for keys
// that nobody holds.
type Locks struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed on release
}

// Acquire waits until the caller has the lock of key, or returns the error of ctx. Call release
// once.
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
