package moneykit_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// pausing is a store whose ApplyUpdate pauses before the update has any effect.
type pausing struct {
	*moneykittest.MemoryStore

	once   sync.Once
	paused func() // what happens meanwhile
}

func (p *pausing) ApplyUpdate(ctx context.Context, update *moneykit.SyncUpdate) error {
	p.once.Do(p.paused)
	return p.MemoryStore.ApplyUpdate(ctx, update)
}

// TestSyncPausedWhileAnotherFinishes pauses a process after it has read a page. Another process
// syncs the removal of a row in this page, before the first process stores the page.
func TestSyncPausedWhileAnotherFinishes(t *testing.T) {
	t.Parallel()
	for _, pages := range []int{1, 2, 500} {
		t.Run(fmt.Sprint(pages, " rows a page"), func(t *testing.T) {
			t.Parallel()
			mk := moneykittest.NewServer(t, moneykittest.WithHistory(0))
			link := mk.AddLink(moneykittest.LinkSpec{})
			one, other := mk.Client(), mk.Client() // Locks in one process do not help.
			rows := func(ids ...string) {
				for _, id := range ids {
					mk.AddTransactions(link.ID, moneykit.Transaction{ID: id, Amount: moneykit.MustDecimal("1"), Type: moneykit.TransactionTypeDebit})
				}
			}
			rows("txn_a", "txn_b", "txn_c")
			store := &pausing{MemoryStore: &moneykittest.MemoryStore{}, paused: func() {}}
			_, err := one.SyncTransactions(t.Context(), link.ID, store, moneykit.WithPageSize(pages))
			require.NoError(t, err)

			rows("txn_d")
			late := &pausing{MemoryStore: store.MemoryStore, paused: func() {
				mk.RemoveTransaction(link.ID, "txn_d")
				_, err := other.SyncTransactions(t.Context(), link.ID, store.MemoryStore, moneykit.WithPageSize(pages))
				require.NoError(t, err)
				require.Equal(t, mk.Transactions(link.ID), store.Transactions(link.ID))
			}}
			progress, err := one.SyncTransactions(t.Context(), link.ID, late, moneykit.WithPageSize(pages))
			require.NoError(t, err)
			assert.True(t, progress.Done)
			assert.Equal(t, mk.Transactions(link.ID), store.Transactions(link.ID), "the removed row must not come back")
		})
	}
}

// TestSyncStopsAfterRepeatedConflicts uses a store that always returns ErrSyncConflict.
func TestSyncStopsAfterRepeatedConflicts(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{})
	_, err := mk.Client().SyncTransactions(t.Context(), link.ID, &refusingStore{err: fmt.Errorf("row 7: %w", moneykit.ErrSyncConflict)})
	require.ErrorIs(t, err, moneykit.ErrSyncConflict)
	reads := slices.DeleteFunc(mk.Requests(), func(r moneykittest.Request) bool { return r.Method != http.MethodGet })
	assert.LessOrEqual(t, len(reads), 5, "a retry is useless if no other process makes progress")
	assert.Equal(t, moneykit.ActionRetry, moneykit.ActionFor(err))
}

// recording is a store that records the updates.
type recording struct {
	moneykittest.MemoryStore

	updates []moneykit.SyncUpdate
}

func (r *recording) ApplyUpdate(ctx context.Context, update *moneykit.SyncUpdate) error {
	r.updates = append(r.updates, *update)
	return r.MemoryStore.ApplyUpdate(ctx, update)
}

// TestSyncUpdatesHaveEachIDOnce serves a page that lists ids several times, as real pages do.
func TestSyncUpdatesHaveEachIDOnce(t *testing.T) {
	t.Parallel()
	c := changes{"": {
		created: []string{"a", "b", "c", "a", "d"}, updated: []string{"b", "e", "e", "d"}, removed: []string{"c", "x", "c", "d"}, cursor: "1",
	}}
	store := &recording{}
	_, err := syncer(t, c, store)()
	require.NoError(t, err)
	require.Len(t, store.updates, 1)
	seen := map[string]int{}
	for _, row := range store.updates[0].Upsert {
		seen[row.ID]++
	}
	for _, id := range store.updates[0].Remove {
		seen[id]++
	}
	assert.Equal(t, map[string]int{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "x": 1}, seen)
	assert.Equal(t, []string{"a", "b", "e"}, stored(&store.MemoryStore))
}

// TestSyncIgnoresEarlierRefreshTime keeps pending rows when refreshed_at is earlier than before.
func TestSyncIgnoresEarlierRefreshTime(t *testing.T) {
	t.Parallel()
	const early, later = "2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z"
	c := changes{"": {created: []string{"a", "p1"}, cursor: "1", refreshed: later}}
	store := &recording{}
	run := syncer(t, c, store)
	_, err := run()
	require.NoError(t, err)
	c["1"] = change{created: []string{"b"}, cursor: "2", refreshed: early}
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "p1"}, stored(&store.MemoryStore))
	c["2"] = change{created: []string{"c"}, cursor: "3", refreshed: later}
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c", "p1"}, stored(&store.MemoryStore), "the position keeps the later refresh")
	c["3"] = change{created: []string{"p2"}, cursor: "4", refreshed: "2026-03-01T12:00:01Z"}
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c", "p2"}, stored(&store.MemoryStore))
	assert.False(t, store.updates[1].DropPending)
}

// TestProxiesDoNotRestartASync responds with statuses of MoneyKit but the pages of a proxy.
func TestProxiesDoNotRestartASync(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 422} {
		for _, body := range []string{"<html>Bad request", "", `{}`, `[]`, `{"error":"bad"}`, `{"message":"bad cursor"}`} {
			mock := newMock(t)
			c := changes{"": {created: []string{"a"}, cursor: "1"}}
			broken := false
			mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions/sync", func(r *http.Request) (*http.Response, error) {
				if broken {
					return answers(status, body)(r)
				}
				return c.serve(r)
			})
			client, store := newClient(t, mock), &moneykittest.MemoryStore{}
			_, err := client.SyncTransactions(t.Context(), "mk_1", store)
			require.NoError(t, err)
			broken = true
			progress, err := client.SyncTransactions(t.Context(), "mk_1", store)
			require.Error(t, err)
			assert.Zero(t, progress.Restarts, "%d %s", status, body)
		}
	}
}

// TestEndlessSyncPages checks that cycles of any length are detected with bounded memory.
func TestEndlessSyncPages(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1, 2, 3, 900, 1500, 5000} {
		mock := newMock(t)
		n := 0
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions/sync", func(r *http.Request) (*http.Response, error) {
			n++
			at := 0
			if _, err := fmt.Sscan(r.URL.Query().Get("cursor"), &at); err == nil {
				at++
			}
			if at == 1200+length {
				at = 1200
			}
			return answers(200, fmt.Sprintf(`{"transactions":{},"cursor":{"next":"%d"},"has_more":true,"link":%s}`, at, linkJSON))(r)
		})
		client := newClient(t, mock)
		var err error
		for _, err = range client.Transactions.Sync(t.Context(), "mk_1", "") {
			if n > 50_000 {
				break
			}
		}
		require.ErrorContains(t, err, "leads back to a page that was read before", "a circle of %d", length)
	}
}

// TestExampleStore tests the store of ExampleTransactionStore with StoreSuite.
func TestExampleStore(t *testing.T) {
	t.Parallel()
	moneykittest.StoreSuite(t, func() (moneykit.TransactionStore, func(string) ([]moneykit.Transaction, error)) {
		store := &copyStore{links: map[string]linkCopy{}}
		return store, func(linkID string) (rows []moneykit.Transaction, err error) {
			store.mu.Lock()
			defer store.mu.Unlock()
			for _, row := range store.links[linkID].rows {
				rows = append(rows, row.Transaction)
			}
			return rows, nil
		}
	})
}
