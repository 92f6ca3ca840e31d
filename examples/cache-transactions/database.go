package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/moneykit/moneykit-go/sqlstore"
)

// database contains the copies of transactions.
type database struct {
	db      *sql.DB
	store   *sqlstore.Store
	dialect sqlstore.Dialect
	file    string // of SQLite, else empty
	place   string // in words
}

func (d *database) close() { _ = d.db.Close() }

// openDatabase opens the PostgreSQL of DATABASE_URL, or a SQLite file if the variable is not set.
func (p *program) openDatabase(ctx context.Context) (*database, error) {
	source := p.getenv("DATABASE_URL")
	if source != "" && p.db != "" {
		return nil, wrong("-db and DATABASE_URL must not both be set: unset one of them")
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if source != "" {
		return openPostgres(ctx, source)
	}
	file := p.db
	if file == "" {
		folder, err := cacheFolder()
		if err != nil {
			return nil, err
		}
		file = filepath.Join(folder, "transactions.db")
	}
	return openSQLite(ctx, file)
}

// cacheFolder returns the folder of this program for files of the user. It creates the folder if it
// is missing.
func cacheFolder() (string, error) {
	folder, err := os.UserCacheDir()
	if err == nil {
		folder = filepath.Join(folder, "moneykit-cache-transactions")
		err = os.MkdirAll(folder, 0o700)
	}
	if err != nil {
		return "", fmt.Errorf("there is no folder for the database, so name its file with -db: %w", err)
	}
	return folder, nil
}

// openSQLite opens a file. Each transaction takes the write lock when it begins, so that several
// programs wait for each other instead of failing halfway.
func openSQLite(ctx context.Context, file string) (*database, error) {
	source := "file:" + (&url.URL{Path: file}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate"
	d := &database{dialect: sqlstore.SQLite, file: file, place: "SQLite, " + file}
	var err error
	if d.db, err = sql.Open("sqlite", source); err == nil {
		d.db.SetMaxOpenConns(1) // SQLite allows one writer. This pool serves waiting writers in order, unlike SQLite.
		err = d.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("the database %s cannot be used: name a file in a folder that exists and can be written: %w", file, err)
	}
	if err := os.Chmod(file, 0o600); err != nil { // The file contains personal data.
		return nil, errors.Join(fmt.Errorf("the database %s cannot be protected from other users: %w", file, err), d.db.Close())
	}
	return d, nil
}

func openPostgres(ctx context.Context, source string) (*database, error) {
	config, err := pgx.ParseConfig(source)
	if err != nil { // Its text may repeat the URL.
		return nil, errors.New("DATABASE_URL must be the URL of a PostgreSQL, such as postgres://user:password@localhost/cache")
	}
	d := &database{dialect: sqlstore.PostgreSQL, place: "PostgreSQL, " + config.Database + " at " + config.Host}
	if d.db, err = sql.Open("pgx", source); err == nil {
		err = d.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("the PostgreSQL of DATABASE_URL cannot be used: %w", d.words(err))
	}
	return d, nil
}

// open creates the tables. If it fails, it closes the database.
func (d *database) open(ctx context.Context) error {
	store, err := sqlstore.Open(ctx, d.db, d.dialect)
	if err == nil {
		d.store = store
		_, err = d.db.ExecContext(ctx, originSchema)
	}
	if err != nil {
		return errors.Join(err, d.db.Close())
	}
	return nil
}

// errUnreachable is the error of words for a PostgreSQL that does not respond.
var errUnreachable = errors.New("it does not respond: check that it runs, and the user, host and port in the URL")

// words returns err without messages of PostgreSQL's driver, which may repeat the URL and thus the
// password. It keeps messages of the server.
func (d *database) words(err error) error {
	var refused *pgconn.PgError
	var unreachable *pgconn.ConnectError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("the database says: %s", refused.Message)
	case errors.As(err, &unreachable), d.dialect == sqlstore.PostgreSQL && errors.Is(err, context.DeadlineExceeded):
		return errUnreachable
	}
	return err
}

// originSchema is a table of this program. Its row contains the origin of the links, so that one
// database never contains links of both a sandbox and MoneyKit itself.
const originSchema = `
CREATE TABLE IF NOT EXISTS cache_origin (
	one      INTEGER PRIMARY KEY,
	moneykit TEXT NOT NULL,
	id       TEXT NOT NULL
)`

// origin stores the origin of links in a new database, and refuses a database with another origin.
// It returns an ID of the database.
func (d *database) origin(ctx context.Context, name string) (id string, err error) {
	if _, err := d.db.ExecContext(ctx, `INSERT INTO cache_origin (one, moneykit, id) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING`,
		name, rand.Text()); err != nil {
		return "", fmt.Errorf("the database cannot be written: %w", d.words(err))
	}
	var found string
	if err := d.db.QueryRowContext(ctx, `SELECT moneykit, id FROM cache_origin WHERE one = 1`).Scan(&found, &id); err != nil {
		return "", fmt.Errorf("the database cannot be read: %w", d.words(err))
	}
	if found != name {
		return "", fmt.Errorf("the database has links of %s: name another one for %s, with -db or DATABASE_URL", clean(found), name)
	}
	return id, nil
}

// sandboxFile returns the file of a database's sandbox: next to SQLite's file, or in the user's
// cache folder for PostgreSQL.
func (d *database) sandboxFile(id string) (string, error) {
	if d.file != "" {
		return d.file + ".sandbox", nil
	}
	folder, err := cacheFolder()
	return filepath.Join(folder, cmp.Or(id, "postgres")+".sandbox"), err
}
