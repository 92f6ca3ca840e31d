//go:build unix

package sqlstore_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// testTexts writes and removes rows whose texts a database could misread. Ids that become the same
// text are one row, the last one.
func testTexts(t *testing.T, d *database) {
	t.Helper()
	s, ctx := d.store(t), t.Context()
	long := strings.Repeat("🏦 \\\"{},'", 200)
	same := []string{"a\xff\xfeb", "a\xffb", "a\ufffdb", "a\x00b"}
	distinct := []string{
		"", " ", "NULL", "null", "{}", `\`, `\\`, `"`, "a,b", "\n\r\t\x01\x1f\x7f", "🏦", "e\u0301", "\u2028", "a\ufffd\ufffdb", "$1", "?",
	}
	for _, id := range append(same, distinct...) {
		u := update("mk_"+id, "", id+"cursor", moneykit.Transaction{ID: "other"})
		for _, id := range append(same, distinct...) {
			r := row(1)
			r.ID, r.AccountID, r.Currency, r.OriginalID, r.Description, r.RawDescription = id, id, id, id, long, id
			u.Upsert = append(u.Upsert, r)
		}
		require.NoError(t, s.DeleteLink(ctx, "user", u.LinkID))
		var err error
		u.Previous, err = s.LoadPosition(ctx, u.LinkID)
		require.NoError(t, err)
		require.NoError(t, s.ApplyUpdate(ctx, u), "%q", id)
		got, err := all(ctx, s, u.LinkID)
		require.NoError(t, err)
		require.Len(t, ids(got), len(distinct)+2)
		for i := range got {
			assert.True(t, got[i].ID == "other" || got[i].Description == long, "%q", got[i].ID)
		}
		next := update(u.LinkID, u.Position.Cursor, "next")
		next.Previous, next.Remove = u.Position, append(distinct, same[0])
		require.NoError(t, s.ApplyUpdate(ctx, next))
		got, err = all(ctx, s, u.LinkID)
		require.NoError(t, err)
		require.Equal(t, []string{"other"}, ids(got))
	}
}

func ids(rows []moneykit.Transaction) (list []string) {
	for i := range rows {
		list = append(list, rows[i].ID)
	}
	return list
}

// testManyRows writes and removes more than a statement may have arguments. The driver of SQLite is
// slow under the race detector, so it writes fewer rows.
func testManyRows(t *testing.T, d *database) {
	t.Helper()
	const n = 70_000 // PostgreSQL permits 65,535
	written := n
	if d.dialect == sqlstore.SQLite {
		written = 2500
	}
	s := d.store(t)
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", rows(written)...)))
	assert.Equal(t, written, d.count(t, "SELECT count(*) FROM moneykit_transactions"))
	u := update("mk_1", "a", "b")
	for i := range n {
		u.Remove = append(u.Remove, row(i).ID)
	}
	require.NoError(t, s.ApplyUpdate(t.Context(), u))
	assert.Zero(t, d.count(t, "SELECT count(*) FROM moneykit_transactions"))
}

// testCanceled cancels an update at each of its statements: nothing is stored, and the only
// connection is free for the next update.
func testCanceled(t *testing.T, d *database) {
	t.Helper()
	var at atomic.Int32
	var cancel atomic.Value
	db := d.hooked(t, func(string) {
		if end, ok := cancel.Load().(context.CancelFunc); ok && at.Add(-1) == 0 {
			end()
		}
	})
	db.SetMaxOpenConns(1)
	s, err := sqlstore.Open(t.Context(), db, d.dialect)
	require.NoError(t, err)
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", rows(60)...)))
	for statement := int32(1); ; statement++ {
		ctx, end := context.WithCancel(t.Context())
		cancel.Store(end)
		at.Store(statement)
		u := update("mk_1", "a", "b", rows(90)...)
		u.DropPending, u.DropOlder, u.Remove = true, true, []string{row(1).ID}
		err := s.ApplyUpdate(ctx, u)
		left := at.Load()
		at.Store(0)
		end()
		if left > 0 { // The update has fewer statements.
			require.NoError(t, err)
			return
		}
		position, loading := s.LoadPosition(t.Context(), "mk_1")
		require.NoError(t, loading, "the connection is free")
		if position.Cursor == "b" {
			return // The commit came first.
		}
		require.Error(t, err)
		require.Equal(t, 60, d.count(t, "SELECT count(*) FROM moneykit_transactions"))
	}
}

// testOneConnection calls methods in loops over others, with one connection for all.
func testOneConnection(t *testing.T, d *database) {
	t.Helper()
	db, ctx := d.open(t), t.Context()
	db.SetMaxOpenConns(1)
	s, err := sqlstore.Open(ctx, db, d.dialect)
	require.NoError(t, err)
	require.NoError(t, s.ApplyUpdate(ctx, update("mk_1", "", "a", rows(600)...)))
	client := s.Tokens(func(context.Context) (moneykit.Token, error) { return moneykit.Token{AccessToken: "token"}, nil })
	n := 0
	for r, err := range s.Transactions(ctx, "mk_1") {
		require.NoError(t, err)
		if n++; n%100 != 0 {
			continue
		}
		require.NoError(t, s.SaveLink(ctx, "user", &moneykit.Link{ID: r.ID}))
		require.NoError(t, s.ApplyUpdate(ctx, update(r.ID, "", "a", row(n))))
		_, err := client.Token(ctx, "")
		require.NoError(t, err)
		require.NoError(t, s.Limiter().Wait(ctx, "GET /links/{id}/accounts", r.ID))
	}
	assert.Equal(t, 600, n)
	for link, err := range s.AllLinks(ctx) {
		require.NoError(t, err)
		require.NoError(t, s.DeleteLink(ctx, "user", link.ID))
	}
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	in := s.InTx(tx)
	for r, err := range in.Transactions(ctx, "mk_1") {
		require.NoError(t, err)
		require.NoError(t, in.Request(ctx, r.ID, "sync"))
	}
	require.NoError(t, tx.Commit())
	assert.Equal(t, 600, d.count(t, "SELECT count(*) FROM moneykit_work"))
}
