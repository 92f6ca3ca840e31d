package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/moneykit/moneykit-go/sqlstore"
)

// database is what the processes share: the rows of sqlstore and the jobs of River, side by side so
// that one transaction writes both.
type database struct {
	db        *sql.DB
	store     *sqlstore.Store
	driver    riverdriver.Driver[*sql.Tx]
	listeners *pgxpool.Pool // nil with SQLite
}

// openDatabase opens the database of the settings and creates missing tables.
func openDatabase(ctx context.Context, s settings) (*database, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // Other processes may be creating tables.
	defer cancel()
	if s.postgres != "" {
		return openPostgres(ctx, s)
	}
	return openSQLite(ctx, s.db)
}

func (d *database) close() {
	if d.listeners != nil {
		d.listeners.Close()
	}
	_ = d.db.Close()
}

// openSQLite opens a database for the processes of one machine.
func openSQLite(ctx context.Context, file string) (*database, error) {
	// A transaction that begins with a read cannot write after somebody else did, so all of them
	// begin as writers.
	source := ":memory:?_txlock=immediate"
	if file != "" {
		source = "file:" + (&url.URL{Path: file}).EscapedPath() +
			"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	}
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // River asks for that, and each connection to :memory: is another database.
	d := &database{db: db, driver: riversqlite.New(db)}
	if err := d.migrateSQLite(ctx); err != nil {
		d.close()
		return nil, fmt.Errorf("the database %q cannot be used: name a file in a folder that exists and can be written: %w", file, err)
	}
	return d, nil
}

func (d *database) migrateSQLite(ctx context.Context) (err error) {
	if d.store, err = sqlstore.Open(ctx, d.db, sqlstore.SQLite); err != nil {
		return err
	}
	if _, err := d.db.ExecContext(ctx, notices); err != nil {
		return err
	}
	// Another process may create a table of River's first. The next try finds it.
	const tries = 10 // more than River has versions
	for range tries {
		if err = d.migrateRiver(ctx); err == nil {
			return nil
		}
	}
	return err
}

// migrateRiver creates River's tables.
func (d *database) migrateRiver(ctx context.Context) error {
	migrator, err := rivermigrate.New(d.driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// openPostgres opens a database for the processes of many machines. Its errors have none of the
// driver's words, which may repeat parts of the URL and thus the password, but may have the
// server's.
func openPostgres(ctx context.Context, s settings) (*database, error) {
	config, err := pgx.ParseConfig(s.postgres)
	if err != nil {
		return nil, errors.New("DATABASE_URL must be the URL of a PostgreSQL, such as postgres://user:password@localhost/links")
	}
	d, err := dialPostgres(ctx, config, s)
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("the PostgreSQL of DATABASE_URL cannot be used: it says: %s", refused.Message)
	case err != nil:
		return nil, errors.New("the PostgreSQL of DATABASE_URL cannot be used: check that it runs, and the host and port in the URL")
	}
	return d, nil
}

func dialPostgres(ctx context.Context, config *pgx.ConnConfig, s settings) (*database, error) {
	listening, err := pgxpool.ParseConfig(s.postgres)
	if err != nil {
		return nil, err
	}
	listening.MinConns, listening.MaxConns = 0, 1 // River takes one connection for itself.
	listeners, err := pgxpool.NewWithConfig(ctx, listening)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config)
	conns := min(s.workers+5, 50) // Jobs are in the network most of the time.
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	d := &database{db: db, driver: riverdatabasesql.NewWithPgxListener(db, listeners), listeners: listeners}
	if err := d.migratePostgres(ctx); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// migrationLock is the key of the advisory lock that processes take before they create tables.
const migrationLock = 0x6d6b776f726b6572

func (d *database) migratePostgres(ctx context.Context) (err error) {
	if d.store, err = sqlstore.Open(ctx, d.db, sqlstore.PostgreSQL); err != nil {
		return err
	}
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // The connection is only given back.
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return err
	}
	defer func() {
		_, failed := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(migrationLock))
		err = errors.Join(err, failed)
	}()
	if _, err := conn.ExecContext(ctx, notices); err != nil {
		return err
	}
	return d.migrateRiver(ctx)
}

// inTx calls fn in a transaction, and commits if fn returns nil.
func (d *database) inTx(ctx context.Context, fn func(tx *sql.Tx, store *sqlstore.Store) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // It fails after the commit.
	if err := fn(tx, d.store.InTx(tx)); err != nil {
		return err
	}
	return tx.Commit()
}
