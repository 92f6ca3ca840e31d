package recent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go/internal/recent"
)

func TestMap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := recent.Map[string, int]{Life: time.Minute}
		_, ok := m.Get("a")
		assert.False(t, ok)
		m.Put("a", 1)
		<-time.After(59 * time.Second)
		m.Put("b", 2)
		got, ok := m.Get("a")
		assert.True(t, ok)
		assert.Equal(t, 1, got)
		assert.Equal(t, time.Second, m.Left("a"))
		<-time.After(time.Second)
		_, ok = m.Get("a")
		assert.False(t, ok, "its life is over")
		assert.Equal(t, 1, m.Len())
		assert.Zero(t, m.Left("a"))
		m.Delete("b")
		m.Delete("b")
		assert.Zero(t, m.Len())
	})
}

func TestMapChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := recent.Map[string, int]{Life: time.Minute}
		next := func(n int) int { return n + 1 }
		assert.Equal(t, 1, m.Change("a", next))
		<-time.After(40 * time.Second)
		assert.Equal(t, 2, m.Change("a", next))
		assert.Equal(t, 20*time.Second, m.Left("a"), "a change does not renew the entry")
		<-time.After(20 * time.Second)
		assert.Equal(t, 1, m.Change("a", next))
		m.Put("a", 5)
		<-time.After(30 * time.Second)
		m.Put("a", 6)
		<-time.After(40 * time.Second)
		got, ok := m.Get("a")
		assert.True(t, ok, "Put renews the entry")
		assert.Equal(t, 6, got)
	})
}

func TestMapLimit(t *testing.T) {
	t.Parallel()
	m := recent.Map[int, int]{Life: time.Hour, Limit: 3}
	for i := range 5 {
		m.Put(i, i)
	}
	assert.Equal(t, 3, m.Len())
	_, ok := m.Get(1)
	assert.False(t, ok, "the oldest go first")
	_, ok = m.Get(2)
	assert.True(t, ok)
	m.Put(2, 20)
	m.Put(5, 5)
	_, ok = m.Get(2)
	assert.True(t, ok, "Put makes an entry the youngest")
}

func TestMapZeroValue(t *testing.T) {
	t.Parallel()
	var m recent.Map[string, int]
	m.Put("a", 1)
	_, ok := m.Get("a")
	assert.False(t, ok)
}
