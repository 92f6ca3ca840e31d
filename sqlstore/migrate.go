package sqlstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
)

//go:embed migrations
var migrations embed.FS

// newest is the version of the tables that this package works with, and the name of its last file
// of migrations.
const newest = 1

// lockKey is the advisory lock of PostgreSQL that a migration holds.
const lockKey = 7_029_356_001

// migrate creates the tables, or upgrades them.
func (s *Store) migrate(ctx context.Context) error {
	err := s.bounded(ctx, func(q querier) error {
		version, err := s.version(ctx, q)
		if err != nil {
			return err
		}
		if version > newest {
			return fmt.Errorf("they have version %d, but this program knows version %d only (update the program)", version, newest)
		}
		for version++; version <= newest; version++ {
			if err := s.upgrade(ctx, q, version); err != nil {
				return fmt.Errorf("upgrading to version %d: %w", version, err)
			}
		}
		return nil
	})
	if err != nil || s.dialect != SQLite {
		return err
	}
	return s.checkShared(ctx)
}

// version returns the version of the tables, 0 if there are none, and locks out other migrations.
func (s *Store) version(ctx context.Context, q querier) (version int, err error) {
	exists := "SELECT count(*) FROM sqlite_master WHERE name = 'moneykit_schema'"
	if s.dialect == PostgreSQL {
		if _, err := q.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lockKey)); err != nil {
			return 0, err
		}
		// CREATE TABLE IF NOT EXISTS needs rights that a program does not need afterwards.
		exists = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'moneykit_schema'"
	}
	var n int
	if err := q.QueryRowContext(ctx, exists).Scan(&n); err != nil {
		return 0, err
	}
	if n == 0 {
		_, err := q.ExecContext(ctx, "CREATE TABLE moneykit_schema (version INTEGER NOT NULL PRIMARY KEY)")
		return 0, err
	}
	err = q.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM moneykit_schema").Scan(&version)
	return version, err
}

func (s *Store) upgrade(ctx context.Context, q querier, version int) error {
	file, err := migrations.ReadFile(fmt.Sprintf("migrations/%s/%04d.sql", strings.ToLower(s.dialect.String()), version))
	if err != nil {
		return err
	}
	// Some drivers run one statement at a time.
	for statement := range strings.SplitSeq(strings.TrimSpace(string(file)), ";\n") {
		if _, err := q.ExecContext(ctx, strings.TrimSuffix(statement, ";")); err != nil {
			return err
		}
	}
	_, err = q.ExecContext(ctx, s.text("INSERT INTO moneykit_schema (version) VALUES ($1)"), version)
	return err
}

// checkShared refuses an SQLite in memory, of which each connection has another.
func (s *Store) checkShared(ctx context.Context) error {
	if s.db.Stats().MaxOpenConnections == 1 {
		return nil
	}
	first, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = first.Close() }() // It returns to the pool, which cannot fail.
	second, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = second.Close() }()
	for _, conn := range []querier{first, second} {
		var n int
		if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = 'moneykit_schema'").Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return errors.New("each connection to this SQLite sees a database of its own (call SetMaxOpenConns(1), or use a file)")
		}
	}
	return nil
}
