package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Dialect is the kind of a database. The zero value is none.
type Dialect int

// The dialects.
const (
	SQLite Dialect = iota + 1
	PostgreSQL
)

// String returns the name of the database.
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	}
	return fmt.Sprintf("Dialect(%d)", int(d))
}

// Store keeps what several processes of a back end share. It is a [moneykit.TransactionStore]. A
// Store is safe for concurrent use. The Store that [Store.InTx] returns is not, because its
// transaction is not.
type Store struct {
	db      *sql.DB
	tx      *sql.Tx // nil outside of InTx
	dialect Dialect
	words   *strings.Replacer
	app     string        // the client id of Application, empty for none
	stall   time.Duration // how long a process may pause in a transaction

	patience time.Duration // after which nothing is tried again that the database has undone
}

// Open returns a Store in db, after creating or upgrading its tables. Any number of processes may
// call it at once. The caller closes db.
//
// It returns an error if a newer version of this package has upgraded the tables.
func Open(ctx context.Context, db *sql.DB, dialect Dialect) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: the database must not be nil")
	}
	s := &Store{db: db, dialect: dialect, stall: 30 * time.Second, patience: 10 * time.Second}
	switch dialect {
	case SQLite:
		s.words = strings.NewReplacer("$", "?",
			"{now}", "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
			"{stamp}", "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
	case PostgreSQL:
		s.words = strings.NewReplacer(
			"{now}", "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
			"{stamp}", "clock_timestamp()")
	default:
		return nil, fmt.Errorf("sqlstore: the dialect must be SQLite or PostgreSQL, not %v", dialect)
	}
	if err := s.migrate(ctx); err != nil {
		return nil, fmt.Errorf("sqlstore: preparing the tables: %w", err)
	}
	return s, nil
}

// InTx returns a Store that works in a transaction of the caller, who commits it or rolls it back.
// Its methods retry nothing. After an error PostgreSQL accepts nothing but a rollback, unless the
// documentation of the method says otherwise.
//
// The sources of [Store.Tokens] and the limiters of [Store.Limiter] wait for other processes, so
// they never use the transaction.
func (s *Store) InTx(tx *sql.Tx) *Store {
	in := *s
	in.tx = tx
	return &in
}

// Application returns a Store whose [Store.Tokens] and [Store.Limiter] are those of one application
// of MoneyKit, named by its client id. Without it, they are the same for everyone who uses the
// database. Use it if several applications share the database, or if the credentials may change to
// those of another application. Everything else in the store belongs to links and events, and so
// needs no application.
func (s *Store) Application(clientID string) *Store {
	of := *s
	of.app = clean(clientID)
	return &of
}

// querier is a database or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

func (s *Store) querier() querier {
	if s.tx != nil {
		return s.tx
	}
	return s.db
}

// text returns a statement as the database understands it. In a statement, $1 is an argument, {now}
// the database's clock in milliseconds, and {stamp} the same as a time for a column.
func (s *Store) text(query string) string { return s.words.Replace(query) }

// exec runs a statement and returns how many rows it wrote.
func (s *Store) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.retry(ctx, func() error {
		n, err = affected(s.querier().ExecContext(ctx, s.text(query), args...))
		return err
	})
	return n, err
}

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row runs a statement that returns at most one row, and reads it.
func (s *Store) row(ctx context.Context, to []any, query string, args ...any) error {
	return s.retry(ctx, func() error {
		return s.querier().QueryRowContext(ctx, s.text(query), args...).Scan(to...)
	})
}

// stamp returns a time as an argument for the column state_at.
func (s *Store) stamp(t time.Time) any {
	if s.dialect == SQLite {
		return t.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	return t.UTC()
}

// millis returns d for a statement, rounded up.
func millis(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// clean returns a text that both databases can store.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}
