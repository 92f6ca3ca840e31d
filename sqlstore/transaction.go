package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// within runs f in a transaction, or as a whole in that of the caller: if f fails there, what it
// has written is undone.
func (s *Store) within(ctx context.Context, f func(querier) error) error {
	switch {
	case s.tx != nil:
		return s.savepoint(ctx, f)
	case s.dialect == SQLite:
		return s.retry(ctx, func() error { return s.immediate(ctx, f) })
	}
	return s.retry(ctx, func() error {
		tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return err
		}
		if err := f(tx); err != nil {
			_ = tx.Rollback() // It fails only if the transaction has ended already.
			return err
		}
		return tx.Commit()
	})
}

// bounded is within, but if the process pauses in it for too long, PostgreSQL ends the transaction,
// so that others need not wait for its locks.
func (s *Store) bounded(ctx context.Context, f func(querier) error) error {
	return s.within(ctx, func(q querier) error {
		if s.dialect == PostgreSQL && s.tx == nil {
			_, err := q.ExecContext(ctx, fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", millis(s.stall)))
			if err != nil {
				return err
			}
		}
		return f(q)
	})
}

// savepoint runs f in the caller's transaction.
func (s *Store) savepoint(ctx context.Context, f func(querier) error) error {
	if _, err := s.tx.ExecContext(ctx, "SAVEPOINT moneykit"); err != nil {
		return err
	}
	err := f(s.tx)
	// The end of ctx must not leave a half behind.
	after := context.WithoutCancel(ctx)
	if err != nil {
		_, failed := s.tx.ExecContext(after, "ROLLBACK TO SAVEPOINT moneykit")
		err = errors.Join(err, failed)
	}
	_, failed := s.tx.ExecContext(after, "RELEASE SAVEPOINT moneykit")
	return errors.Join(err, failed)
}

// immediate runs f in a transaction of SQLite that is the only writer from its start. A transaction
// of database/sql would begin as a reader, and fail if another one writes before it does. It also
// could not be committed a second time after a reader has kept it from the first.
func (s *Store) immediate(ctx context.Context, f func(querier) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // It returns to the pool, which cannot fail.
	// What ends a transaction does not depend on ctx: the connection must not keep one.
	after := context.WithoutCancel(ctx)
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		// It may have begun all the same, if ctx ended just then.
		return errors.Join(err, rollback(after, conn))
	}
	if err = f(conn); err == nil {
		err = s.retry(ctx, func() error {
			_, err := conn.ExecContext(after, "COMMIT")
			return err
		})
	}
	if err != nil {
		return errors.Join(err, rollback(after, conn))
	}
	return nil
}

// rollback ends the transaction of a connection if there is one, and keeps the connection out of
// the pool if that fails.
func rollback(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "ROLLBACK")
	if err == nil || strings.Contains(err.Error(), "no transaction is active") {
		return nil
	}
	_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // That error is the purpose.
	return err
}
