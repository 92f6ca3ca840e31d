//go:build unix

package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/postgrestest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// databases makes empty databases of one kind.
type databases struct {
	dialect sqlstore.Dialect
	server  *postgrestest.Server // for PostgreSQL
}

// database is a database for one test.
type database struct {
	dialect sqlstore.Dialect
	driver  string
	source  string
	server  *postgrestest.Server
}

var schemas atomic.Int64

// fresh returns an empty database: a file for SQLite, and a schema for PostgreSQL.
func (d databases) fresh(t testing.TB) *database {
	t.Helper()
	if d.dialect == sqlstore.SQLite {
		file := filepath.Join(t.TempDir(), "test.db")
		return &database{d.dialect, "sqlite", "file:" + file + "?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)", nil}
	}
	schema := fmt.Sprintf("test_%d", schemas.Add(1))
	db, err := sql.Open("pgx", d.server.URL)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	return &database{d.dialect, "pgx", d.server.URL + "&search_path=" + url.QueryEscape(schema), d.server}
}

// open opens the database once more, as another process does.
func (d *database) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.source)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// store opens a store with connections of its own.
func (d *database) store(t testing.TB) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), d.open(t), d.dialect)
	require.NoError(t, err)
	return s
}

// text returns a statement for the database: $1 is an argument.
func (d *database) text(query string) string {
	if d.dialect == sqlstore.SQLite {
		return strings.ReplaceAll(query, "$", "?")
	}
	return query
}

// count returns the number that a statement selects.
func (d *database) count(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	db, err := sql.Open(d.driver, d.source)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRowContext(context.WithoutCancel(t.Context()), d.text(query), args...).Scan(&n))
	return n
}

// all returns what the store has of a link.
func all(ctx context.Context, s *sqlstore.Store, linkID string) (rows []moneykit.Transaction, err error) {
	for row, err := range s.Transactions(ctx, linkID) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// row returns a transaction.
func row(n int) moneykit.Transaction {
	return moneykit.Transaction{
		ID: fmt.Sprintf("txn_%06d", n), AccountID: "acc_1", Type: moneykit.TransactionTypeDebit, Amount: moneykit.MustDecimal("12.50"),
		Currency: "USD", Date: moneykit.Date{Year: 2030, Month: time.March, Day: 1}.AddDays(n % 400), Description: "Coffee",
	}
}

func rows(n int) (list []moneykit.Transaction) {
	for i := range n {
		list = append(list, row(i))
	}
	return list
}
