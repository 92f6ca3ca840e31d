//go:build unix

package sqlstore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/sqlstore"
)

const longLease = 10 * time.Minute

func testWork(t *testing.T, d *database) {
	t.Helper()
	s, other, ctx := d.store(t), d.store(t), t.Context()
	_, err := s.Begin(ctx, "mk_1", "sync", longLease)
	require.ErrorIs(t, err, sqlstore.ErrNoWork)
	_, err = s.Begin(ctx, "mk_1", "sync", 0)
	require.Error(t, err)
	for range 3 {
		require.NoError(t, s.Request(ctx, "mk_1", "sync"))
	}
	work, err := s.Begin(ctx, "mk_1", "sync", longLease)
	require.NoError(t, err)
	assert.Equal(t, "mk_1", work.LinkID)
	assert.Equal(t, "sync", work.Task)
	_, err = other.Begin(ctx, "mk_1", "sync", longLease)
	var busy *sqlstore.BusyError
	require.ErrorAs(t, err, &busy)
	assert.Greater(t, busy.For, longLease/2)
	assert.LessOrEqual(t, busy.For, longLease)
	_, err = other.Begin(ctx, "mk_1", "refresh", longLease)
	require.ErrorIs(t, err, sqlstore.ErrNoWork)
	_, err = other.Begin(ctx, "mk_2", "sync", longLease)
	require.ErrorIs(t, err, sqlstore.ErrNoWork)

	require.NoError(t, other.Request(ctx, "mk_1", "sync"), "while it runs")
	more, err := s.Finish(ctx, work)
	require.NoError(t, err)
	assert.True(t, more)
	_, err = s.Finish(ctx, work)
	require.ErrorIs(t, err, sqlstore.ErrWorkLost)

	work, err = other.Begin(ctx, "mk_1", "sync", longLease)
	require.NoError(t, err)
	require.NoError(t, other.Release(ctx, work))
	require.NoError(t, other.Release(ctx, work))
	work, err = s.Begin(ctx, "mk_1", "sync", longLease)
	require.NoError(t, err, "released work is not done")
	more, err = s.Finish(ctx, work)
	require.NoError(t, err)
	assert.False(t, more)
	_, err = s.Begin(ctx, "mk_1", "sync", longLease)
	require.ErrorIs(t, err, sqlstore.ErrNoWork)

	_, err = s.Finish(ctx, sqlstore.Work{LinkID: "mk_1", Task: "sync"})
	require.ErrorIs(t, err, sqlstore.ErrWorkLost, "the zero work claims nothing")
	require.NoError(t, s.Release(ctx, sqlstore.Work{LinkID: "mk_1", Task: "sync"}))
}

// testWorkLost lets a worker stall until another one takes over.
func testWorkLost(t *testing.T, d *database) {
	t.Helper()
	s, ctx := d.store(t), t.Context()
	require.NoError(t, s.Request(ctx, "mk_1", "sync"))
	stalled, err := s.Begin(ctx, "mk_1", "sync", time.Millisecond)
	require.NoError(t, err)
	next := begin(ctx, t, s)
	_, err = s.Finish(ctx, stalled)
	require.ErrorIs(t, err, sqlstore.ErrWorkLost)
	require.ErrorIs(t, s.Extend(ctx, stalled, longLease), sqlstore.ErrWorkLost)
	require.NoError(t, s.Release(ctx, stalled))
	require.NoError(t, s.Extend(ctx, next, longLease))
	_, err = s.Begin(ctx, "mk_1", "sync", longLease)
	require.ErrorAs(t, err, new(*sqlstore.BusyError))
	more, err := s.Finish(ctx, next)
	require.NoError(t, err)
	assert.False(t, more)

	// A lease that has ended is no harm if nobody has taken over.
	require.NoError(t, s.Request(ctx, "mk_1", "sync"))
	late, err := s.Begin(ctx, "mk_1", "sync", time.Millisecond)
	require.NoError(t, err)
	<-time.After(5 * time.Millisecond)
	_, err = s.Finish(ctx, late)
	require.NoError(t, err)
}

// begin claims work as soon as it can.
func begin(ctx context.Context, t *testing.T, s *sqlstore.Store) sqlstore.Work {
	t.Helper()
	for {
		work, err := s.Begin(ctx, "mk_1", "sync", longLease)
		var busy *sqlstore.BusyError
		if !errors.As(err, &busy) {
			require.NoError(t, err)
			return work
		}
		<-time.After(min(busy.For, 10*time.Millisecond))
	}
}

// testWorkModel lets workers run what others request: each request is followed by a run that begins
// after it, and no two run at once.
func testWorkModel(t *testing.T, d *database) {
	t.Helper()
	const requests, workers = 40, 4
	s, ctx := d.store(t), t.Context()
	var mu sync.Mutex
	asked, done := 0, 0
	var running atomic.Int32
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for range requests / 2 {
				mu.Lock()
				err := s.Request(ctx, "mk_1", "sync")
				asked++
				mu.Unlock()
				assert.NoError(t, err)
			}
		})
	}
	for range workers {
		group.Go(func() {
			for {
				mu.Lock()
				ready := done == requests
				mu.Unlock()
				if ready {
					return
				}
				mu.Lock()
				work, err := s.Begin(ctx, "mk_1", "sync", longLease)
				covers := asked
				mu.Unlock()
				if errors.Is(err, sqlstore.ErrNoWork) || errors.As(err, new(*sqlstore.BusyError)) {
					<-time.After(time.Millisecond)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				assert.Equal(t, int32(1), running.Add(1))
				running.Add(-1)
				_, err = s.Finish(ctx, work)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				done = max(done, covers)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	_, err := s.Begin(ctx, "mk_1", "sync", longLease)
	require.ErrorIs(t, err, sqlstore.ErrNoWork)
}

func testInbox(t *testing.T, d *database) {
	t.Helper()
	db := d.open(t)
	s, err := sqlstore.Open(t.Context(), db, d.dialect)
	require.NoError(t, err)
	ctx := t.Context()
	event := moneykit.EventMeta{IdempotencyKey: "key-1", LinkID: "mk_1", Type: moneykit.EventTypeLinkStateChanged}
	receive := func(meta moneykit.EventMeta, commit, want bool) {
		t.Helper()
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		first, err := s.InTx(tx).Receive(ctx, meta)
		require.NoError(t, err)
		assert.Equal(t, want, first)
		if first {
			require.NoError(t, s.InTx(tx).Request(ctx, meta.LinkID, "sync"))
		}
		if commit {
			require.NoError(t, tx.Commit())
		} else {
			require.NoError(t, tx.Rollback())
		}
	}
	receive(event, false, true)
	_, err = s.Begin(ctx, "mk_1", "sync", longLease)
	require.ErrorIs(t, err, sqlstore.ErrNoWork, "key and request are undone together")
	receive(event, true, true)
	receive(event, true, false)
	other := event
	other.LinkID = "mk_2"
	receive(other, true, true)
	unknown := moneykit.EventMeta{LinkID: "mk_1", Raw: []byte("{}")}
	receive(unknown, true, true)
	receive(unknown, true, false)
	_, err = s.Receive(ctx, moneykit.EventMeta{LinkID: "mk_1"})
	require.Error(t, err)

	require.NoError(t, s.ForgetEvents(ctx, time.Hour))
	receive(event, true, false)
	_, err = db.ExecContext(ctx, "UPDATE moneykit_inbox SET received_at = received_at - 3700000")
	require.NoError(t, err)
	require.NoError(t, s.ForgetEvents(ctx, time.Hour))
	assert.Zero(t, d.count(t, "SELECT count(*) FROM moneykit_inbox"))

	// Of many deliveries at once, one is the first.
	var firsts int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			first, err := s.Receive(ctx, event)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if first {
				firsts++
			}
		})
	}
	group.Wait()
	assert.Equal(t, 1, firsts)
}
