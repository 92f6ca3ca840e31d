package moneykit_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestMemoryDeduper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &moneykit.MemoryDeduper{Limit: 3, Age: time.Hour}
		claim := func(key string, want moneykit.ClaimState) string {
			token, state, err := d.Claim(t.Context(), key, time.Minute)
			require.NoError(t, err)
			assert.Equal(t, want, state)
			assert.Equal(t, want == moneykit.ClaimGranted, token != "")
			return token
		}
		a := claim("a", moneykit.ClaimGranted)
		claim("a", moneykit.ClaimBusy)
		require.NoError(t, d.Commit(t.Context(), "a", a))
		claim("a", moneykit.ClaimDone)
		require.ErrorIs(t, d.Commit(t.Context(), "a", a), moneykit.ErrClaimLost, "twice")
		require.NoError(t, d.Release(t.Context(), "a", a))
		claim("a", moneykit.ClaimDone) // It cannot be released.

		<-time.After(time.Hour)
		claim("a", moneykit.ClaimGranted) // It is forgotten.

		// Beyond the limit, handled events are evicted first, and then events whose claim has
		// ended.
		b := claim("b", moneykit.ClaimGranted)
		require.NoError(t, d.Commit(t.Context(), "b", b))
		claim("c", moneykit.ClaimGranted)
		claim("d", moneykit.ClaimGranted) // It forgets b.
		_, _, err := d.Claim(t.Context(), "e", time.Minute)
		require.ErrorContains(t, err, "too many events")
		claim("c", moneykit.ClaimBusy) // Others are not harmed.
		<-time.After(time.Minute)
		claim("e", moneykit.ClaimGranted)

		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err = d.Claim(canceled, "f", time.Minute)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// TestMemoryDeduperIsLimited checks the limit and its default.
func TestMemoryDeduperIsLimited(t *testing.T) { //nolint:paralleltest // it measures memory
	d := &moneykit.MemoryDeduper{}
	fill := func(from int) {
		for i := range 150_000 {
			key := fmt.Sprint("evt_", from+i)
			token, _, err := d.Claim(t.Context(), key, time.Minute)
			require.NoError(t, err)
			require.NoError(t, d.Commit(t.Context(), key, token))
		}
	}
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	fill(0)
	before := heap()
	fill(1_000_000)
	assert.Less(t, int64(heap())-int64(before), int64(8<<20))
	_, state, err := d.Claim(t.Context(), "evt_1149999", time.Minute)
	require.NoError(t, err)
	assert.Equal(t, moneykit.ClaimDone, state)
	runtime.KeepAlive(d)
}
