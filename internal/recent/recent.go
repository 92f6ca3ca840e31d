// Package recent remembers values for a limited time, in the memory of one process.
package recent

import (
	"container/list"
	"sync"
	"time"
)

// Map is a map whose entries expire. It is bounded: beyond Limit entries it forgets the oldest. Its
// zero value remembers nothing. It is safe for concurrent use.
type Map[K comparable, V any] struct {
	Life  time.Duration // of an entry
	Limit int           // number of entries; no limit if zero

	mu      sync.Mutex
	entries map[K]*list.Element
	oldest  list.List // of *entry[K, V], by age
}

type entry[K comparable, V any] struct {
	key   K
	value V
	at    time.Time
}

// Get returns the value of a key.
func (m *Map[K, V]) Get(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.find(key); e != nil {
		return e.value, true
	}
	var none V
	return none, false
}

// Put sets the value of a key and starts its life anew.
func (m *Map[K, V]) Put(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok {
		m.drop(e)
	}
	m.add(key, value)
}

// Change replaces the value of a key by what f returns for it, or for the zero value if there is
// none, and returns the new value. The entry keeps its age.
func (m *Map[K, V]) Change(key K, f func(V) V) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.find(key); e != nil {
		e.value = f(e.value)
		return e.value
	}
	var none V
	value := f(none)
	m.add(key, value)
	return value
}

// Left returns how long the value of a key will be remembered, 0 if it is not.
func (m *Map[K, V]) Left(key K) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.find(key); e != nil {
		return m.Life - time.Since(e.at)
	}
	return 0
}

// Delete forgets the value of a key.
func (m *Map[K, V]) Delete(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok {
		m.drop(e)
	}
}

// Len returns the number of entries that have not expired.
func (m *Map[K, V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire()
	return len(m.entries)
}

// find returns the entry of a key, nil if there is none. Entries that have expired are dropped
// first: they stand at the front of the list, so each call does work only for what it drops.
func (m *Map[K, V]) find(key K) *entry[K, V] {
	m.expire()
	if e, ok := m.entries[key]; ok {
		return m.of(e)
	}
	return nil
}

func (m *Map[K, V]) add(key K, value V) {
	m.expire()
	if m.Limit > 0 && len(m.entries) >= m.Limit {
		m.drop(m.oldest.Front())
	}
	if m.entries == nil {
		m.entries = map[K]*list.Element{}
	}
	m.entries[key] = m.oldest.PushBack(&entry[K, V]{key, value, time.Now()})
}

func (m *Map[K, V]) expire() {
	for e := m.oldest.Front(); e != nil && time.Since(m.of(e).at) >= m.Life; e = m.oldest.Front() {
		m.drop(e)
	}
}

func (m *Map[K, V]) drop(e *list.Element) {
	delete(m.entries, m.of(e).key)
	m.oldest.Remove(e)
}

func (m *Map[K, V]) of(e *list.Element) *entry[K, V] {
	return e.Value.(*entry[K, V]) //nolint:forcetypeassert // The list holds nothing else.
}
