package moneykit

import (
	"maps"
	"strings"
	"sync"
	"time"
)

// recent remembers values for a while, in the memory of this process. Its zero value remembers
// nothing.
type recent[V any] struct {
	life time.Duration

	mu      sync.Mutex
	entries map[string]recentEntry[V]
	pruned  time.Time
}

type recentEntry[V any] struct {
	value V
	at    time.Time
}

func (r *recent[V]) get(key string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.find(key)
}

func (r *recent[V]) find(key string) (V, bool) {
	entry, ok := r.entries[key]
	if !ok || time.Since(entry.at) >= r.life {
		var none V
		return none, false
	}
	return entry.value, true
}

func (r *recent[V]) put(key string, value V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store(key, recentEntry[V]{value, time.Now()})
}

func (r *recent[V]) store(key string, entry recentEntry[V]) {
	now := time.Now()
	if r.entries == nil {
		r.entries = map[string]recentEntry[V]{}
	}
	if now.Sub(r.pruned) >= r.life {
		r.pruned = now
		maps.DeleteFunc(r.entries, func(_ string, e recentEntry[V]) bool { return now.Sub(e.at) >= r.life })
	}
	r.entries[key] = entry
}

// change replaces the value of a key, which keeps its age: it is forgotten when the first value
// would have been.
func (r *recent[V]) change(key string, f func(V) V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, ok := r.find(key)
	entry := recentEntry[V]{f(old), time.Now()}
	if ok {
		entry.at = r.entries[key].at
	}
	r.store(key, entry)
	return entry.value
}

// left returns how long the value of a key is still remembered.
func (r *recent[V]) left(key string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.find(key); !ok {
		return 0
	}
	return r.life - time.Since(r.entries[key].at)
}

// forget forgets all keys with a prefix.
func (r *recent[V]) forget(prefix string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.entries, func(key string, _ recentEntry[V]) bool { return strings.HasPrefix(key, prefix) })
}
