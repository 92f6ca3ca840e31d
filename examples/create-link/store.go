package main

import (
	"context"
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

	"github.com/moneykit/moneykit-go"
)

// schema is the only table that an application needs: it stores which link belongs to which user.
// Accounts and transactions are read from MoneyKit. The statement works in SQLite and PostgreSQL.
const schema = `
CREATE TABLE IF NOT EXISTS links (
	link_id        TEXT PRIMARY KEY,
	user_id        TEXT NOT NULL,
	institution_id TEXT NOT NULL,
	institution    TEXT NOT NULL,
	state          TEXT NOT NULL,
	error          TEXT NOT NULL,
	created_at     BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS links_of_user ON links (user_id, created_at);
CREATE TABLE IF NOT EXISTS moneykit (
	one  INTEGER PRIMARY KEY,
	name TEXT NOT NULL
);`

// The names of the two origins of links. A database contains links of only one.
const (
	itself     = "MoneyKit itself"
	theSandbox = "the sandbox"
)

// errNoLink means that a user has no such link.
var errNoLink = errors.New("no such link")

// storedLink is a row.
type storedLink struct {
	id, userID                 string
	institutionID, institution string
	state                      moneykit.LinkState
	problem                    moneykit.LinkError
	createdAt                  time.Time
}

// store keeps links in a database.
type store struct{ db *sql.DB }

// openDatabase opens the database of the settings, and returns a description of its location. One
// database never contains links of both the sandbox and MoneyKit itself.
func openDatabase(ctx context.Context, s settings) (*store, string, error) {
	opened, where, err := chooseDatabase(ctx, s)
	if err != nil {
		return nil, "", err
	}
	name := theSandbox
	if s.real {
		name = itself
	}
	if err := opened.belong(ctx, name); err != nil {
		opened.close()
		return nil, "", err
	}
	return opened, where, nil
}

func chooseDatabase(ctx context.Context, s settings) (*store, string, error) {
	if s.postgres != "" {
		opened, err := openPostgres(ctx, s.postgres)
		return opened, "PostgreSQL, from DATABASE_URL", err
	}
	if s.db == "" && !s.real {
		opened, err := openStore(ctx, "sqlite", ":memory:")
		return opened, "in memory: links of the sandbox end with this program", err
	}
	if s.db == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, "", fmt.Errorf("no folder for the database: set -db: %w", err)
		}
		s.db = filepath.Join(cache, "moneykit-create-link", "links.db")
		if err := os.MkdirAll(filepath.Dir(s.db), 0o700); err != nil {
			return nil, "", fmt.Errorf("no folder for the database: set -db: %w", err)
		}
	}
	opened, err := openStore(ctx, "sqlite", "file:"+(&url.URL{Path: s.db}).EscapedPath()+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, "", fmt.Errorf("the database %s cannot be used: name a file in a folder that exists and can be written: %w", s.db, err)
	}
	return opened, "SQLite, in " + s.db, nil
}

// openPostgres opens a PostgreSQL. Its errors do not contain messages of the driver, which may
// repeat parts of the URL and thus the password. They may contain messages of the server.
func openPostgres(ctx context.Context, source string) (*store, error) {
	if _, err := pgx.ParseConfig(source); err != nil {
		return nil, errors.New("DATABASE_URL must be the URL of a PostgreSQL, such as postgres://user:password@localhost/links")
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	opened, err := openStore(ctx, "pgx", source)
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("the PostgreSQL of DATABASE_URL cannot be used: it says: %s", refused.Message)
	case err != nil:
		return nil, errors.New("the PostgreSQL of DATABASE_URL cannot be used: check that it runs, and the host and port in the URL")
	}
	return opened, nil
}

// openStore opens a database and creates the table if it is missing.
func openStore(ctx context.Context, driver, source string) (*store, error) {
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	if driver == "sqlite" {
		db.SetMaxOpenConns(1) // SQLite has one writer, and each connection to :memory: is another database.
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store{db}, nil
}

func (s *store) close() { _ = s.db.Close() }

// belong stores the origin of links in a new database, and refuses a database with another origin.
func (s *store) belong(ctx context.Context, name string) error {
	if _, err := s.db.ExecContext(ctx, `INSERT INTO moneykit (one, name) VALUES (1, $1) ON CONFLICT (one) DO NOTHING`, name); err != nil {
		return fmt.Errorf("the database cannot be written: %w", err)
	}
	var found string
	if err := s.db.QueryRowContext(ctx, `SELECT name FROM moneykit WHERE one = 1`).Scan(&found); err != nil {
		return fmt.Errorf("the database cannot be read: %w", err)
	}
	if found != name {
		return fmt.Errorf("the database has links of %s: name another one for %s (-db or DATABASE_URL)", found, name)
	}
	return nil
}

// put stores a link of a user, or its new state. A link never changes its user.
func (s *store) put(ctx context.Context, userID string, link *moneykit.Link) error {
	_, err := s.db.ExecContext(ctx, `
		INSERT INTO links (link_id, user_id, institution_id, institution, state, error, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (link_id) DO UPDATE SET state = excluded.state, error = excluded.error, institution = excluded.institution
		WHERE links.user_id = excluded.user_id`,
		link.ID, userID, link.InstitutionID, link.InstitutionName, string(link.State), string(link.Error), time.Now().UnixMilli())
	return err
}

// setState stores the state of a link if the link is known.
func (s *store) setState(ctx context.Context, link *moneykit.Link) error {
	_, err := s.db.ExecContext(ctx, `UPDATE links SET state = $1, error = $2 WHERE link_id = $3`,
		string(link.State), string(link.Error), link.ID)
	return err
}

// remove deletes a link. An unknown link is not an error.
func (s *store) remove(ctx context.Context, linkID string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM links WHERE link_id = $1`, linkID)
	return err
}

const selectLinks = `SELECT link_id, user_id, institution_id, institution, state, error, created_at FROM links `

// links returns the links of a user, oldest first.
func (s *store) links(ctx context.Context, userID string) ([]storedLink, error) {
	return s.list(ctx, selectLinks+`WHERE user_id = $1 ORDER BY created_at, link_id`, userID)
}

func (s *store) list(ctx context.Context, query string, args ...any) (links []storedLink, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		link, err := scanLink(rows)
		if err != nil {
			return nil, err
		}
		links = append(links, link)
	}
	return links, rows.Err()
}

// byID returns a link of any user, or errNoLink.
func (s *store) byID(ctx context.Context, linkID string) (storedLink, error) {
	link, err := scanLink(s.db.QueryRowContext(ctx, selectLinks+`WHERE link_id = $1`, linkID))
	if errors.Is(err, sql.ErrNoRows) {
		return link, errNoLink
	}
	return link, err
}

// scanLink reads the current row.
func scanLink(row interface{ Scan(dest ...any) error }) (storedLink, error) {
	var link storedLink
	var created int64
	err := row.Scan(&link.id, &link.userID, &link.institutionID, &link.institution, &link.state, &link.problem, &created)
	link.createdAt = time.UnixMilli(created)
	return link, err
}
