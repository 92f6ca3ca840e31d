// Package recent provides a map whose entries expire.
package recent

import (
	"container/list"
	"sync"
	"time"
)

// Map is a map whose entries expire. Beyond Limit entries it evicts the oldest. The zero value
// keeps no entries. It is safe for concurrent use.
type Map[K comparable, V any] struct {
	Life  time.Duration // time until an entry expires
	Limit int           // maximum number of entries; zero means no limit

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

// Put sets the value of a key. The entry expires after Life.
func (m *Map[K, V]) Put(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok {
		m.drop(e)
	}
	m.add(key, value)
}

// Change calls f with the value of a key, or with the zero value if there is none, and replaces the
// value by the result. It returns the new value. The entry keeps its age.
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

// Left returns the time until the entry of a key expires, 0 if there is no entry.
func (m *Map[K, V]) Left(key K) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.find(key); e != nil {
		return m.Life - time.Since(e.at)
	}
	return 0
}

// Delete removes the entry of a key.
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

// find returns the entry of a key, nil if there is none. It first removes the expired entries,
// which are at the front of the list.
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
	return e.Value.(*entry[K, V]) //nolint:forcetypeassert // The list contains nothing else.
}
