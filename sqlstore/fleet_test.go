//go:build unix

package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

func testOpen(t *testing.T, d *database) {
	t.Helper()
	db := d.open(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, err := sqlstore.Open(t.Context(), db, d.dialect)
			assert.NoError(t, err)
		})
	}
	group.Wait()
	_, err := sqlstore.Open(t.Context(), nil, d.dialect)
	require.ErrorContains(t, err, "must not be nil")
	_, err = sqlstore.Open(t.Context(), db, 0)
	require.ErrorContains(t, err, "the dialect must be SQLite or PostgreSQL")
	_, err = db.ExecContext(t.Context(), d.text("INSERT INTO moneykit_schema (version) VALUES ($1)"), sqlstore.Newest+1)
	require.NoError(t, err)
	_, err = sqlstore.Open(t.Context(), db, d.dialect)
	require.ErrorContains(t, err, "they have version 2, but this program knows version 1 only (update the program)")
}

// testStatements counts what an update costs.
func testStatements(t *testing.T, d *database) {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	s, err := sqlstore.Open(t.Context(), d.hooked(t, func(query string) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, query)
	}), d.dialect)
	require.NoError(t, err)
	seen = nil
	u := update("mk_1", "", "a", rows(500)...)
	u.DropPending, u.DropOlder, u.Remove = true, true, []string{"txn_1", "txn_2"}
	require.NoError(t, s.ApplyUpdate(t.Context(), u))
	most := 7 // begin, position, pending rows, rows, removed rows, older rows, commit
	if d.dialect == sqlstore.SQLite {
		most += 500/25 - 1
	}
	assert.LessOrEqual(t, len(seen), most, strings.Join(seen, "\n"))
}

func testLimiter(t *testing.T, d *database) {
	t.Helper()
	const operation, perLink = "GET /links/{id}/accounts", 4
	db := d.open(t)
	first, err := sqlstore.Open(t.Context(), db, d.dialect)
	require.NoError(t, err)
	limiters := []moneykit.Limiter{first.Limiter(), d.store(t).Limiter()}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var granted atomic.Int32
	burst := func() {
		var group sync.WaitGroup
		for i := range 12 {
			group.Go(func() {
				err := limiters[i%2].Wait(ctx, operation, "mk_1")
				if err == nil {
					granted.Add(1)
					return
				}
				var refusal *moneykit.Error
				if !errors.Is(err, moneykit.ErrRateLimited) || !errors.As(err, &refusal) || refusal.RetryAfter < 30*time.Second {
					t.Errorf("the refusal is %v", err)
				}
			})
		}
		group.Wait()
	}
	burst()
	assert.Equal(t, int32(perLink), granted.Load())
	require.NoError(t, limiters[0].Wait(ctx, operation, "mk_2"))
	require.NoError(t, limiters[0].Wait(ctx, "GET /unlimited", ""))

	// Half of the slots become free.
	_, err = db.ExecContext(ctx, d.text(`UPDATE moneykit_slots SET used_at = used_at - $1 WHERE (budget, slot) IN
		(SELECT budget, slot FROM moneykit_slots WHERE budget LIKE '% mk_1' LIMIT 2)`), sqlstore.BudgetWindow.Milliseconds())
	require.NoError(t, err)
	burst()
	assert.Equal(t, int32(perLink+2), granted.Load())

	ended, end := context.WithCancel(ctx)
	end()
	require.Error(t, limiters[0].Wait(ended, operation, "mk_3"))
	waiting, give := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() { gaveUp <- limiters[0].Wait(waiting, operation, "mk_1") }()
	give()
	require.ErrorIs(t, <-gaveUp, context.Canceled)

	// A budget of the application, over all links.
	for i := range 40 {
		_, err = db.ExecContext(ctx, d.text(`INSERT INTO moneykit_slots (budget, slot, used_at)
			SELECT $1, $2, max(used_at) FROM moneykit_slots`), "GET /institutions", i)
		require.NoError(t, err)
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	require.ErrorIs(t, limiters[1].Wait(short, "GET /institutions", ""), moneykit.ErrRateLimited)
	_, err = db.ExecContext(ctx, d.text("UPDATE moneykit_slots SET used_at = used_at - $1"), 10*sqlstore.BudgetWindow.Milliseconds())
	require.NoError(t, err)
	for range 1000 { // Now and then old slots are deleted.
		require.NoError(t, limiters[1].Wait(ctx, "GET /links/{id}", fmt.Sprint("mk_", time.Now().UnixNano()%7)))
		if d.count(t, "SELECT count(*) FROM moneykit_slots WHERE budget LIKE 'GET /institutions%'") == 0 {
			return
		}
		_, err = db.ExecContext(ctx, d.text("UPDATE moneykit_slots SET used_at = used_at - $1"), sqlstore.BudgetWindow.Milliseconds())
		require.NoError(t, err)
	}
	t.Error("old slots are never deleted")
}

// testTokenTakeover lets the process end that fetches.
func testTokenTakeover(t *testing.T, d *database) {
	t.Helper()
	db := d.open(t)
	s, err := sqlstore.Open(t.Context(), db, d.dialect)
	require.NoError(t, err)
	began := make(chan struct{})
	hang := s.Tokens(func(ctx context.Context) (moneykit.Token, error) {
		close(began)
		<-t.Context().Done()
		return moneykit.Token{}, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, _ = hang.Token(ctx, "") }()
	<-began
	cancel()
	other := d.store(t).Tokens(func(context.Context) (moneykit.Token, error) { return moneykit.Token{AccessToken: "mine"}, nil })
	waiting, give := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer give()
	_, err = other.Token(waiting, "")
	require.ErrorIs(t, err, context.DeadlineExceeded, "the lease lasts")
	_, err = db.ExecContext(t.Context(), "UPDATE moneykit_tokens SET leased_to = leased_to - 25000")
	require.NoError(t, err)
	got, err := other.Token(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, "mine", got.AccessToken)
}

// testTokenRenewal renews a token early, while it still serves.
func testTokenRenewal(t *testing.T, d *database) {
	t.Helper()
	db := d.open(t)
	s, err := sqlstore.Open(t.Context(), db, d.dialect)
	require.NoError(t, err)
	var n atomic.Int32
	fetch := func(context.Context) (moneykit.Token, error) {
		return moneykit.Token{AccessToken: fmt.Sprint("token-", n.Add(1)), Expiry: time.Now().Add(time.Hour)}, nil
	}
	got, err := s.Tokens(fetch).Token(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "token-1", got.AccessToken)
	_, err = db.ExecContext(t.Context(), "UPDATE moneykit_tokens SET renew_at = renew_at - 3600000")
	require.NoError(t, err)
	late := d.store(t).Tokens(fetch)
	for got.AccessToken == "token-1" {
		got, err = late.Token(t.Context(), "")
		require.NoError(t, err)
	}
	assert.Equal(t, "token-2", got.AccessToken)
	assert.Equal(t, int32(2), n.Load())
}

// testDeduperForgets deletes old keys on Commit.
func testDeduperForgets(t *testing.T, d *database) {
	t.Helper()
	db := d.open(t)
	s, err := sqlstore.Open(t.Context(), db, d.dialect)
	require.NoError(t, err)
	handle := func(key string) {
		t.Helper()
		token, state, err := s.Deduper().Claim(t.Context(), key, longLease)
		require.NoError(t, err)
		require.Equal(t, moneykit.ClaimGranted, state)
		require.NoError(t, s.Deduper().Commit(t.Context(), key, token))
	}
	for i := range 30 {
		handle(fmt.Sprint(i))
	}
	_, err = db.ExecContext(t.Context(), "UPDATE moneykit_claims SET leased_to = leased_to - 49 * 3600000")
	require.NoError(t, err)
	handle("a")
	handle("b")
	assert.Equal(t, 2, d.count(t, "SELECT count(*) FROM moneykit_claims"))
}

// testTwoWorkers syncs one link from two stores at once, while its transactions change.
func testTwoWorkers(t *testing.T, d *database) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{})
	stores := []*sqlstore.Store{d.store(t), d.store(t)}
	for range 3 {
		var group sync.WaitGroup
		for _, s := range stores {
			client := mk.Client()
			group.Go(func() {
				_, err := client.SyncTransactions(t.Context(), link.ID, s, moneykit.WithPageSize(7))
				assert.NoError(t, err)
			})
		}
		group.Wait()
		same(t, mk, stores[0], link.ID)
		mk.Advance(24 * time.Hour)
	}
}

// testRestart ends PostgreSQL in the middle of a sync.
func testRestart(t *testing.T, d *database) {
	t.Helper()
	if d.server == nil {
		return
	}
	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{})
	pages := 0
	s, err := sqlstore.Open(t.Context(), d.hooked(t, func(query string) {
		if strings.Contains(query, "INSERT INTO moneykit_transactions") {
			if pages++; pages == 2 {
				d.server.Restart(t)
			}
		}
	}), d.dialect)
	require.NoError(t, err)
	_, err = mk.Client().SyncTransactions(t.Context(), link.ID, s, moneykit.WithPageSize(10))
	require.ErrorContains(t, err, "the store cannot apply the update")
	at, err := s.LoadPosition(t.Context(), link.ID)
	require.NoError(t, err, "there are new connections")
	assert.True(t, at.Partial)
	_, err = mk.Client().SyncTransactions(t.Context(), link.ID, s, moneykit.WithPageSize(10))
	require.NoError(t, err)
	same(t, mk, s, link.ID)
}

// TestSQLiteStaysLocked gives up when another process keeps the lock, also if each try waits for
// the busy timeout, and stores the update once the lock is free.
func TestSQLiteStaysLocked(t *testing.T) {
	t.Parallel()
	d := &database{sqlstore.SQLite, "sqlite", "file:" + t.TempDir() + "/locked.db?_pragma=busy_timeout(20)", nil}
	var tries atomic.Int32
	s, err := sqlstore.Open(t.Context(), d.hooked(t, func(query string) {
		if query == "BEGIN IMMEDIATE" {
			tries.Add(1)
		}
	}), d.dialect)
	require.NoError(t, err)
	sqlstore.SetPatience(s, 10*time.Millisecond)
	tries.Store(0)
	holder, err := d.open(t).Conn(t.Context())
	require.NoError(t, err)
	defer holder.Close()
	_, err = holder.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	require.ErrorContains(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", row(1))), "database is locked")
	assert.Equal(t, int32(1), tries.Load())
	_, err = holder.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", row(1))))
}

// testRestrictedRole opens and uses tables that another role has created.
func testRestrictedRole(t *testing.T, d *database) {
	t.Helper()
	if d.server == nil {
		return
	}
	owner := d.open(t)
	_, err := sqlstore.Open(t.Context(), owner, d.dialect)
	require.NoError(t, err)
	var schema string
	require.NoError(t, owner.QueryRowContext(t.Context(), "SELECT current_schema()").Scan(&schema))
	for _, query := range []string{
		"CREATE ROLE program_%s",
		"GRANT USAGE ON SCHEMA %[1]s TO program_%[1]s",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %[1]s TO program_%[1]s",
	} {
		_, err := owner.ExecContext(t.Context(), fmt.Sprintf(query, schema))
		require.NoError(t, err)
	}
	limited := *d
	limited.source += "&role=program_" + schema
	_, err = limited.open(t).ExecContext(t.Context(), "CREATE TABLE more (n INTEGER)")
	require.ErrorContains(t, err, "permission denied")
	s := limited.store(t)
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", row(1))))
	_, err = s.Tokens(func(context.Context) (moneykit.Token, error) { return moneykit.Token{AccessToken: "token"}, nil }).Token(t.Context(), "")
	require.NoError(t, err)
}

// TestSQLiteInMemory uses one connection, and is refused with more.
func TestSQLiteInMemory(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	defer db.Close()
	_, err = sqlstore.Open(t.Context(), db, sqlstore.SQLite)
	require.ErrorContains(t, err, "call SetMaxOpenConns(1)")
	one, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	defer one.Close()
	one.SetMaxOpenConns(1)
	s, err := sqlstore.Open(t.Context(), one, sqlstore.SQLite)
	require.NoError(t, err)
	moneykittest.StoreSuite(t, func() (moneykit.TransactionStore, func(string) ([]moneykit.Transaction, error)) {
		return s, func(linkID string) ([]moneykit.Transaction, error) { return all(t.Context(), s, linkID) }
	})
	moneykittest.DeduperSuite(t, s.Deduper)
}

// TestSQLiteWithoutSettings has neither a busy timeout nor a write-ahead log.
func TestSQLiteWithoutSettings(t *testing.T) {
	t.Parallel()
	d := &database{sqlstore.SQLite, "sqlite", "file:" + t.TempDir() + "/plain.db", nil}
	s := d.store(t)
	moneykittest.StoreSuite(t, func() (moneykit.TransactionStore, func(string) ([]moneykit.Transaction, error)) {
		return s, func(linkID string) ([]moneykit.Transaction, error) { return all(t.Context(), s, linkID) }
	})
	moneykittest.DeduperSuite(t, func() moneykit.Deduper { return d.store(t).Deduper() })
}
