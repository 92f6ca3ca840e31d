//go:build unix

package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/stretchr/testify/require"
)

// hooked opens a database whose driver calls before with each statement that it sends.
func (d *database) hooked(t testing.TB, before func(query string)) *sql.DB {
	t.Helper()
	plain, err := sql.Open(d.driver, d.source)
	require.NoError(t, err)
	require.NoError(t, plain.Close())
	db := sql.OpenDB(hookedConnector{plain.Driver(), d.source, before})
	t.Cleanup(func() { db.Close() })
	return db
}

type hookedConnector struct {
	driver driver.Driver
	source string
	before func(string)
}

func (c hookedConnector) Driver() driver.Driver { return c.driver }

func (c hookedConnector) Connect(ctx context.Context) (conn driver.Conn, err error) {
	if of, ok := c.driver.(driver.DriverContext); ok {
		connector, err := of.OpenConnector(c.source)
		if err != nil {
			return nil, err
		}
		conn, err = connector.Connect(ctx)
		if err != nil {
			return nil, err
		}
	} else if conn, err = c.driver.Open(c.source); err != nil {
		return nil, err
	}
	return &hookedConn{conn, c.before}, nil
}

type hookedConn struct {
	driver.Conn

	before func(string)
}

func (c *hookedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.before(query)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *hookedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.before(query)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *hookedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.before("BEGIN")
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
	return hookedTx{tx, c.before}, err
}

func (c *hookedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	return hookedStmt{stmt, query, c.before}, err
}

func (c *hookedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type hookedTx struct {
	driver.Tx

	before func(string)
}

func (t hookedTx) Commit() error {
	t.before("COMMIT")
	return t.Tx.Commit()
}

type hookedStmt struct {
	driver.Stmt

	query  string
	before func(string)
}

func (s hookedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.before(s.query)
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}
