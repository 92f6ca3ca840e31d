package moneykit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// change is a page of changes that the server sends. Transactions with ids that begin with p are
// pending.
type change struct {
	created, updated, removed []string
	cursor                    string
	more                      bool
	refreshed                 string // "" for none
	status                    int    // of a failure, with code
	code                      string
}

// changes are the pages by cursor.
type changes map[string]change

func (c changes) serve(r *http.Request) (*http.Response, error) {
	page, ok := c[r.URL.Query().Get("cursor")]
	if !ok {
		return answers(422, `{"error_code":"api_error.request.validation_failed","error_message":"bad cursor"}`)(r)
	}
	if page.status != 0 {
		return answers(page.status, `{"error_code":"`+page.code+`"}`)(r)
	}
	rows := func(ids []string) []map[string]any {
		all := []map[string]any{}
		for _, id := range ids {
			all = append(all, map[string]any{"transaction_id": id, "amount": "1.00", "pending": id[0] == 'p'})
		}
		return all
	}
	product := map[string]any{"refreshed_at": nil, "has_history": true}
	if page.refreshed != "" {
		product["refreshed_at"] = page.refreshed
	}
	body, err := json.Marshal(map[string]any{
		"transactions": map[string]any{"created": rows(page.created), "updated": rows(page.updated), "removed": append([]string{}, page.removed...)},
		"cursor":       map[string]any{"next": page.cursor},
		"has_more":     page.more,
		"link":         map[string]any{"link_id": "mk_1", "products": map[string]any{"transactions": product}},
	})
	if err != nil {
		return nil, err
	}
	return answers(200, string(body))(r)
}

// syncer returns a function that syncs mk_1 from the current pages of changes.
func syncer(t *testing.T, c changes, store moneykit.TransactionStore) func() (moneykit.SyncProgress, error) {
	t.Helper()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions/sync", c.serve)
	client := newClient(t, mock, moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	return func() (moneykit.SyncProgress, error) {
		return client.SyncTransactions(t.Context(), "mk_1", store)
	}
}

func stored(store *moneykittest.MemoryStore) []string {
	ids := []string{}
	for _, tx := range store.Transactions("mk_1") {
		ids = append(ids, tx.ID)
	}
	return ids
}

const (
	day1 = "2023-02-16T09:00:00Z"
	day2 = "2023-02-17T09:00:00Z"
)

func TestSync(t *testing.T) {
	t.Parallel()
	store := &moneykittest.MemoryStore{}
	c := changes{
		"":   {created: []string{"a", "b", "p1"}, cursor: "c1", more: true, refreshed: day1},
		"c1": {created: []string{"c", "p2"}, updated: []string{"a"}, removed: []string{"b", "never seen"}, cursor: "c2", refreshed: day1},
	}
	run := syncer(t, c, store)
	progress, err := run()
	require.NoError(t, err)
	assert.Equal(t, moneykit.SyncProgress{Pages: 2, Upserted: 6, Removed: 2, Done: true}, progress)
	assert.Equal(t, []string{"a", "c", "p1", "p2"}, stored(store), "pending rows of both pages")

	c["c2"] = change{cursor: "c2", refreshed: day1}
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "c", "p1", "p2"}, stored(store), "nothing was refreshed: pending rows stay")

	c["c2"] = change{updated: []string{"a"}, cursor: "c3", refreshed: day1}
	c["c3"] = change{refreshed: day1} // no new cursor
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "c", "p1", "p2"}, stored(store), "a correction is not a refresh")
	position, err := store.LoadPosition(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, "c3", position.Cursor)
	_, err = run()
	require.NoError(t, err)
	position, err = store.LoadPosition(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, "c3", position.Cursor, "without a new cursor the old one stays")

	c["c3"] = change{created: []string{"d", "p3"}, cursor: "c4", refreshed: day2}
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "c", "d", "p3"}, stored(store), "a refresh replaces the pending rows")

	c["c4"] = change{cursor: "c5", refreshed: "2023-02-18T09:00:00Z"}
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "c", "d"}, stored(store), "even if there are none")
}

func TestSyncWithoutRefreshTime(t *testing.T) {
	t.Parallel()
	store := &moneykittest.MemoryStore{}
	c := changes{
		"":   {created: []string{"a", "p1"}, cursor: "c1", more: true},
		"c1": {created: []string{"p2"}, cursor: "c2"},
		"c2": {cursor: "c3"},
		"c3": {created: []string{"p3"}, cursor: "c4", more: true},
		"c4": {created: []string{"p4"}, cursor: "c5"},
	}
	run := syncer(t, c, store)
	_, err := run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "p1", "p2"}, stored(store))
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "p1", "p2"}, stored(store), "no pending row, no refresh")
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "p3", "p4"}, stored(store))
}

func TestSyncWithMissingRefreshTime(t *testing.T) {
	t.Parallel()
	store := &moneykittest.MemoryStore{}
	c := changes{
		"":   {created: []string{"a", "p1"}, cursor: "c1", refreshed: day1},
		"c1": {cursor: "c2"},
		"c2": {cursor: "c3", refreshed: day1},
	}
	run := syncer(t, c, store)
	for range 3 {
		_, err := run()
		require.NoError(t, err)
		assert.Equal(t, []string{"a", "p1"}, stored(store), "there was no refresh")
	}
}

func TestSyncRefreshBetweenPages(t *testing.T) {
	t.Parallel()
	store := &moneykittest.MemoryStore{}
	c := changes{
		"":   {created: []string{"a", "p1"}, cursor: "c1", more: true, refreshed: day1},
		"c1": {created: []string{"p2"}, cursor: "c2", refreshed: day2},
	}
	_, err := syncer(t, c, store)()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "p2"}, stored(store))
}

func TestSyncFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		c    changes
		want string
		is   error
		rows []string
	}{
		{"has_more with the same cursor", changes{
			"":   {created: []string{"a"}, cursor: "c1", more: true},
			"c1": {created: []string{"b"}, cursor: "c1", more: true},
		}, "read before (page 2)", nil, []string{"a"}},
		{"a cursor of an earlier page", changes{
			"":   {created: []string{"a"}, cursor: "c1", more: true},
			"c1": {created: []string{"b"}, cursor: "c2", more: true},
			"c2": {created: []string{"c"}, cursor: "c1", more: true},
		}, "read before (page 3)", nil, []string{"a", "b"}},
		{"has_more without a cursor", changes{"": {created: []string{"a"}, more: true}}, "read before (page 1)", nil, []string{}},
		{"a page that fails", changes{
			"":   {created: []string{"a"}, cursor: "c1", more: true},
			"c1": {status: 410, code: "link_error.deleted"},
		}, "page 2", moneykit.ErrLinkDeleted, []string{"a"}},
		{"a link in state error is not a refused cursor", changes{
			"":   {created: []string{"a"}, cursor: "c1", more: true},
			"c1": {status: 422, code: "link_error.bad_state"},
		}, "page 2", moneykit.ErrorCodeLinkBadState, []string{"a"}},
		{"reading is forbidden", changes{"": {status: 403, code: "link_error.forbidden_action"}}, "page 1", moneykit.ErrForbidden, []string{}},
		{"no cursor is accepted, not even the empty one", changes{"": {status: 400, code: "x"}}, "400 Bad Request, a code that", nil, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := &moneykittest.MemoryStore{}
			_, err := syncer(t, tt.c, store)()
			require.ErrorContains(t, err, tt.want)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			assert.Equal(t, tt.rows, stored(store))
		})
	}
}

func TestSyncResumesAfterAFailure(t *testing.T) {
	t.Parallel()
	c := changes{}
	for i := range 10 {
		c[cursor(i)] = change{created: []string{fmt.Sprint("a", i), fmt.Sprint("p", i)}, cursor: cursor(i + 1), more: i < 9, refreshed: day1}
	}
	good := c[cursor(6)]
	c[cursor(6)] = change{status: 500, code: "x"}
	store := &moneykittest.MemoryStore{}
	run := syncer(t, c, store)
	progress, err := run()
	require.ErrorContains(t, err, "(page 7)")
	assert.Equal(t, moneykit.SyncProgress{Pages: 6, Upserted: 12}, progress)
	assert.Len(t, stored(store), 12, "the rows before it are kept")
	c[cursor(6)] = good
	progress, err = run()
	require.NoError(t, err)
	assert.Equal(t, 4, progress.Pages)
	assert.Len(t, stored(store), 20, "pending rows from before the failure are kept")
}

func cursor(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint("c", n)
}

func TestSyncRebuildsAfterARefusedCursor(t *testing.T) {
	t.Parallel()
	store := &moneykittest.MemoryStore{}
	c := changes{"": {created: []string{"a", "b", "p1"}, cursor: "old", refreshed: day1}}
	run := syncer(t, c, store)
	_, err := run()
	require.NoError(t, err)

	// MoneyKit no longer has the cursor and the row b. The rebuild fails after its first page.
	c[""] = change{created: []string{"c"}, cursor: "new", more: true, refreshed: day1}
	c["new"] = change{status: 500, code: "x"}
	progress, err := run()
	require.Error(t, err)
	assert.Equal(t, 1, progress.Restarts)
	assert.Equal(t, []string{"a", "b", "c", "p1"}, stored(store), "the old rows stay readable")

	c["new"] = change{created: []string{"a", "p1"}, cursor: "newer", refreshed: day1}
	progress, err = run()
	require.NoError(t, err)
	assert.Equal(t, 0, progress.Restarts, "it resumes")
	assert.Equal(t, []string{"a", "c", "p1"}, stored(store), "rows that MoneyKit no longer has are removed at the end")

	position, err := store.LoadPosition(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, int64(2), position.Generation)
	assert.False(t, position.Rebuilding)
	assert.False(t, position.Partial)
}

func TestSyncRebuildsOnce(t *testing.T) {
	t.Parallel()
	c := changes{
		"":   {created: []string{"a"}, cursor: "c1", more: true},
		"c1": {status: 400, code: "x"}, // MoneyKit does not know its own cursor
	}
	store := &moneykittest.MemoryStore{}
	run := syncer(t, c, store)
	progress, err := run()
	require.ErrorContains(t, err, "400 Bad Request, a code that this package does not know (page 3)")
	assert.Equal(t, 1, progress.Restarts)
	assert.Equal(t, []string{"a"}, stored(store))
}

// faulty is a store whose calls can fail.
type faulty struct {
	moneykit.TransactionStore

	load, apply error
	after       bool // fail when the update has been made: the process dies before it is told
}

func (f *faulty) LoadPosition(ctx context.Context, linkID string) (moneykit.SyncPosition, error) {
	if f.load != nil {
		return moneykit.SyncPosition{}, f.load
	}
	return f.TransactionStore.LoadPosition(ctx, linkID)
}

func (f *faulty) ApplyUpdate(ctx context.Context, update *moneykit.SyncUpdate) error {
	if f.apply != nil && !f.after {
		return f.apply
	}
	err := f.TransactionStore.ApplyUpdate(ctx, update)
	if err == nil {
		err = f.apply
	}
	return err
}

func TestSyncStoreFails(t *testing.T) {
	t.Parallel()
	down := errors.New("the database is down")
	c := changes{
		"":   {created: []string{"a", "p1"}, cursor: "c1", more: true, refreshed: day1},
		"c1": {created: []string{"b", "p2"}, cursor: "c2", refreshed: day1},
		"c2": {cursor: "c2", refreshed: day1},
	}
	memory := &moneykittest.MemoryStore{}
	store := &faulty{TransactionStore: memory}
	run := syncer(t, c, store)

	store.load = down
	_, err := run()
	require.ErrorIs(t, err, down)
	store.load, store.apply = nil, down
	_, err = run()
	require.ErrorIs(t, err, down)
	require.ErrorContains(t, err, "page 1")
	assert.Empty(t, stored(memory))
	store.after = true
	for range 2 { // each run makes one update and dies
		progress, err := run()
		require.ErrorIs(t, err, down)
		assert.Zero(t, progress.Pages)
	}
	store.apply = nil
	_, err = run()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "p1", "p2"}, stored(memory), "no row is lost or duplicated")
}

func TestSyncProgress(t *testing.T) {
	t.Parallel()
	c := changes{
		"":   {created: []string{"a"}, cursor: "c1", more: true},
		"c1": {removed: []string{"a"}, cursor: "c2"},
	}
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions/sync", func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "7", r.URL.Query().Get("size"))
		return c.serve(r)
	})
	var told []moneykit.SyncProgress
	_, err := newClient(t, mock).SyncTransactions(t.Context(), "mk_1", &moneykittest.MemoryStore{},
		moneykit.WithPageSize(7), moneykit.WithProgress(func(p moneykit.SyncProgress) { told = append(told, p) }))
	require.NoError(t, err)
	assert.Equal(t, []moneykit.SyncProgress{{Pages: 1, Upserted: 1}, {Pages: 2, Upserted: 1, Removed: 1, Done: true}}, told)
}

func TestSyncOneAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := changes{"": {created: []string{"a"}, cursor: "c1"}, "c1": {cursor: "c1"}}
		var mu sync.Mutex
		running, most := 0, 0
		mock := newMock(t)
		serve := func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return c.serve(r)
		}
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions/sync", serve)
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_2/transactions/sync", serve)
		client := newClient(t, mock)
		store := &moneykittest.MemoryStore{}
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				_, err := client.SyncTransactions(t.Context(), "mk_1", store)
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assert.Equal(t, 1, most, "one sync of a link at a time")
		for _, id := range []string{"mk_1", "mk_2"} {
			wg.Go(func() {
				_, err := client.SyncTransactions(t.Context(), id, store)
				assert.NoError(t, err)
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := client.SyncTransactions(ctx, "mk_1", store)
		require.ErrorIs(t, err, context.DeadlineExceeded, "waiting ends with the context")
		wg.Wait()
		assert.Equal(t, 2, most, "two links at once")
	})
}

func TestSyncWithTheCursorOfAnotherLink(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	one, other := mk.AddLink(moneykittest.LinkSpec{}), mk.AddLink(moneykittest.LinkSpec{})
	client := mk.Client()
	store := &moneykittest.MemoryStore{}
	_, err := client.SyncTransactions(t.Context(), other.ID, store)
	require.NoError(t, err)
	position, err := store.LoadPosition(t.Context(), other.ID)
	require.NoError(t, err)
	require.NoError(t, store.ApplyUpdate(t.Context(), &moneykit.SyncUpdate{LinkID: one.ID, Position: position}))

	progress, err := client.SyncTransactions(t.Context(), one.ID, store)
	require.NoError(t, err)
	assert.Equal(t, 1, progress.Restarts)
	assert.Equal(t, mk.Transactions(one.ID), store.Transactions(one.ID))
	var errs []error
	for _, err := range client.Transactions.Sync(t.Context(), one.ID, position.Cursor) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], moneykit.ErrorCodeValidationFailed)
}
