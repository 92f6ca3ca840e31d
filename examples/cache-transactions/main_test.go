package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestMistakesOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		env  map[string]string
		want string
	}{
		{nil, nil, "name a command"},
		{[]string{"sink"}, nil, `no command "sink"`},
		{[]string{"sync", "-x"}, nil, "not defined"},
		{[]string{"sync", "-parallel", "0"}, nil, "-parallel must be 1"},
		{[]string{"sync", "mk_1", "-json"}, nil, "write the flag -json before"},
		{[]string{"show", "mk_1"}, nil, `unexpected argument "mk_1"`},
		{[]string{"show", "-month", "October"}, nil, "-month must be a month, such as"},
		{[]string{"show", "-month", "2026-10", "-since", "2026-10-03"}, nil, "use either"},
		{[]string{"show", "-since", "2026-10-03", "-until", "2026-10-02"}, nil, "-until is before -since"},
		{[]string{"show", "-since", "2026-13-01"}, nil, "-since"},
		{[]string{"show", "-limit", "-1"}, nil, "-limit must not be negative"},
		{[]string{"refresh", "-timeout", "0s"}, nil, "-timeout must be more than 0"},
		{[]string{"watch", "-every", "-1s"}, nil, "must not be negative"},
		{[]string{"watch", "-parallel", "0"}, nil, "-parallel must be 1"},
		{[]string{"watch", "x"}, nil, "unexpected argument"},
		{[]string{"state", "x"}, nil, "unexpected argument"},
		{[]string{"forget"}, nil, "name the links"},
		{[]string{"show", "-db", "x"}, map[string]string{"DATABASE_URL": "postgres://"}, "must not both be set"},
	} {
		if len(tt.args) > 0 && tt.args[0] != "show" {
			tt.args = append([]string{tt.args[0], "-db", filepath.Join(t.TempDir(), "copy.db")}, tt.args[1:]...)
		}
		err := run(t.Context(), tt.args, env(tt.env), io.Discard, io.Discard)
		var usage *usageError
		require.ErrorAs(t, err, &usage, tt.args)
		assert.Contains(t, err.Error(), tt.want)
	}
}

func TestErrorsAreInPlainWords(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	mk, url := newServer(t)
	id, _ := mk.Credentials()
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	require.NoError(t, os.WriteFile(damaged, []byte(strings.Repeat("no database ", 100)), 0o600))
	for want, tt := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"must be the URL of a PostgreSQL": {[]string{"state"}, map[string]string{"DATABASE_URL": "mysql://user:" + secret + "@localhost/x"}},
		"check that it runs":              {[]string{"state"}, map[string]string{"DATABASE_URL": "postgres://user:" + secret + "@localhost:1/x"}},
		"in a folder that exists":         {[]string{"state", "-db", filepath.Join(t.TempDir(), "missing", "copy.db")}, nil},
		"damaged.db cannot be used":       {[]string{"state", "-db", damaged}, nil},
		"belong together":                 {[]string{"sync"}, map[string]string{"MONEYKIT_CLIENT_ID": "id"}},
		"MONEYKIT_BASE_URL needs":         {[]string{"sync"}, map[string]string{"MONEYKIT_BASE_URL": url}},
		"MoneyKit refused the keys": {
			[]string{"sync", "-db", filepath.Join(t.TempDir(), "copy.db")},
			map[string]string{"MONEYKIT_BASE_URL": url, "MONEYKIT_CLIENT_ID": id, "MONEYKIT_CLIENT_SECRET": secret},
		},
		"cannot listen at -listen nowhere": {[]string{"watch", "-listen", "nowhere", "-db", filepath.Join(t.TempDir(), "copy.db")}, nil},
	} {
		err := run(t.Context(), tt.args, env(tt.env), io.Discard, io.Discard)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), secret)
		assert.NotContains(t, err.Error(), "\n")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, env(nil), &out, io.Discard))
	for _, c := range commands() {
		assert.Contains(t, out.String(), "  "+c.name)
		var help bytes.Buffer
		err := run(t.Context(), []string{c.name, "-h"}, env(nil), io.Discard, &help)
		require.ErrorIs(t, err, flag.ErrHelp)
		assert.Contains(t, help.String(), "For example:\n  cache-transactions "+c.name)
		checkWidth(t, help.String(), "100")
	}
}

// TestEmptyDatabase looks at a database before the first sync.
func TestEmptyDatabase(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	assert.Contains(t, c.run("show"), "cache-transactions sync fills it")
	assert.Contains(t, c.run("state"), "There are no links in SQLite")
	assert.Empty(t, c.states())
	assert.Empty(t, c.shown().Transactions)
	info, err := os.Stat(c.db)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "nobody else reads it")
}

func TestDatabaseIsOfOneMoneyKit(t *testing.T) {
	t.Parallel()
	mk, url := newServer(t)
	mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	c := newCLI(t)
	c.run("sync")
	c.use(mk, url)
	_, _, err := c.try(t.Context(), "sync", "-user", "alice")
	require.ErrorContains(t, err, "has links of the sandbox inside this program: name another one")

	c = newCLI(t)
	c.use(mk, url)
	c.run("sync", "-user", "alice")
	c.env = map[string]string{}
	_, _, err = c.try(t.Context(), "sync")
	require.ErrorContains(t, err, "has links of the MoneyKit at "+url)
}

func TestLinkOfAnotherUser(t *testing.T) {
	t.Parallel()
	mk, url := newServer(t)
	mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	c := newCLI(t)
	c.use(mk, url)
	c.run("sync", "-user", "alice")
	mk.AddLink(moneykittest.LinkSpec{UserID: "robert"})
	robert := c.outcomes("sync", "-user", "robert")
	require.Len(t, robert, 1, "the links of the other user are left alone")
	require.Len(t, c.outcomes("sync"), 2)
	_, _, err := c.try(t.Context(), "sync", "mk_unknown\x1b")
	require.ErrorContains(t, err, "the link mk_unknown� is not in the database")
}

func TestSandboxIsUsedByOneProgram(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	w := c.watch("-play", "0")
	w.until(func(o outcome) bool { return o.Done })
	_, _, err := c.try(t.Context(), "sync")
	require.ErrorContains(t, err, "another run of this program uses the sandbox")
	assert.NotEmpty(t, c.run("show"), "reading needs no MoneyKit")
	w.end()
	c.run("sync")
}

func TestProgressWithoutTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		g := newProgress(&program{stderr: &out, getenv: env(nil)}, 2)
		g.update("mk_1", moneykit.SyncProgress{Upserted: 500})
		assert.Empty(t, out.String(), "short work is silent")
		<-time.After(linesEvery + 1)
		g.update("mk_1", moneykit.SyncProgress{Upserted: 1500})
		g.update("mk_2", moneykit.SyncProgress{Upserted: 500})
		assert.Equal(t, "syncing: 0 of 2 links, 1,500 rows\n", out.String())
		g.finished(outcome{LinkID: "mk_2", Written: 501})
		<-time.After(linesEvery + 1)
		g.update("mk_1", moneykit.SyncProgress{Upserted: 2000})
		assert.True(t, strings.HasSuffix(out.String(), "\nsyncing: 1 of 2 links, 2,501 rows\n"), out.String())
	})
}

// closed is an output that nobody reads any more.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestClosedOutputEndsSync(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	err := run(t.Context(), []string{"sync", "-db", c.db}, env(nil), closed{}, io.Discard)
	require.ErrorContains(t, err, "closed")
	c.run("sync")
}
