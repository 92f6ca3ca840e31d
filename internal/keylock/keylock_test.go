package keylock_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/keylock"
)

func TestLocksExclude(t *testing.T) {
	t.Parallel()
	var locks keylock.Locks
	count := map[string]*int{"a": new(int), "b": new(int)}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			key := []string{"a", "b"}[i%2]
			release, err := locks.Acquire(t.Context(), key)
			if assert.NoError(t, err) {
				*count[key]++ // The race detector sees it if two hold the lock.
				release()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 50, *count["a"])
	assert.Equal(t, 50, *count["b"])
}

func TestLocksEndWithContext(t *testing.T) {
	t.Parallel()
	var locks keylock.Locks
	release, err := locks.Acquire(t.Context(), "a")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = locks.Acquire(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
	release()
	release, err = locks.Acquire(t.Context(), "a")
	require.NoError(t, err)
	release()
}
