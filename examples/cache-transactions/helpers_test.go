package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// asProgram is the environment variable that makes this test binary run the program, so that a test
// can kill it.
const asProgram = "CACHE_TRANSACTIONS_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	cache, err := os.MkdirTemp("", "cache-transactions")
	if err == nil {
		err = os.Setenv("XDG_CACHE_HOME", cache) // For the sandboxes of PostgreSQL.
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(cache)
	os.Exit(code)
}

func env(values map[string]string) func(string) string {
	return func(name string) string {
		if value, ok := values[name]; ok || name != "XDG_CACHE_HOME" {
			return value
		}
		return os.Getenv(name)
	}
}

// uncolored removes ANSI sequences.
func uncolored(text string) string {
	return regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(text, "")
}

// cli runs the program on a database of the test.
type cli struct {
	t   *testing.T
	env map[string]string
	db  string // empty with DATABASE_URL
}

func newCLI(t *testing.T) *cli {
	t.Helper()
	return &cli{t: t, env: map[string]string{}, db: filepath.Join(t.TempDir(), "copy.db")}
}

// use sets the keys of a server.
func (c *cli) use(mk *moneykittest.Server, url string) {
	c.env["MONEYKIT_CLIENT_ID"], c.env["MONEYKIT_CLIENT_SECRET"] = mk.Credentials()
	c.env["MONEYKIT_BASE_URL"] = url
}

func (c *cli) args(args []string) []string {
	if c.db == "" {
		return args
	}
	return append([]string{args[0], "-db", c.db}, args[1:]...)
}

// try runs the program and returns its output and exit status.
func (c *cli) try(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	c.t.Helper()
	var out, notes bytes.Buffer
	err = run(ctx, c.args(args), env(c.env), &out, &notes)
	return out.String(), notes.String(), err
}

// run runs the program, which must succeed, and returns its output.
func (c *cli) run(args ...string) string {
	c.t.Helper()
	stdout, stderr, err := c.try(c.t.Context(), args...)
	require.NoError(c.t, err, stdout+stderr)
	return stdout
}

// outcomes returns the outcome of sync or refresh for each link, by ID.
func (c *cli) outcomes(args ...string) map[string]outcome {
	c.t.Helper()
	return objects(c.t, c.run(append([]string{args[0], "-json"}, args[1:]...)...), func(o outcome) string { return o.LinkID })
}

func (c *cli) states() map[string]linkState {
	c.t.Helper()
	return objects(c.t, c.run("state", "-json"), func(s linkState) string { return s.LinkID })
}

func (c *cli) shown(args ...string) view {
	c.t.Helper()
	var v view
	require.NoError(c.t, json.Unmarshal([]byte(c.run(append([]string{"show", "-json", "-limit", "0"}, args...)...)), &v))
	return v
}

// objects parses one JSON object a line.
func objects[T any](t *testing.T, text string, id func(T) string) map[string]T {
	t.Helper()
	all := map[string]T{}
	for line := range strings.Lines(text) {
		var object T
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
		all[id(object)] = object
	}
	return all
}

// newServer returns a MoneyKit and its URL.
func newServer(t *testing.T, opts ...moneykittest.Option) (*moneykittest.Server, string) {
	t.Helper()
	mk := moneykittest.NewServer(t, opts...)
	web := httptest.NewServer(mk.Handler())
	t.Cleanup(web.Close)
	return mk, web.URL
}

// requireCopy checks that the rows are the bank's transactions, and that the sums of the months
// match the rows.
func requireCopy(t *testing.T, v view, want []moneykit.Transaction) {
	t.Helper()
	rows := map[string]row{}
	for _, r := range v.Transactions {
		rows[r.ID] = r
	}
	require.Len(t, rows, len(want))
	require.Equal(t, len(want), v.Rows)
	nets := map[string]moneykit.Decimal{}
	for _, tx := range want {
		r := rows[tx.ID]
		require.Equal(t, []any{tx.Date, tx.Pending, string(tx.Type), tx.Currency, tx.AccountID, tx.Description},
			[]any{r.Date, r.Pending, r.Type, r.Currency, r.AccountID, r.Description})
		require.Zero(t, tx.Amount.Cmp(r.Amount))
		key := tx.Currency + tx.Date.String()[:7]
		if tx.Type == moneykit.TransactionTypeCredit {
			nets[key] = nets[key].Add(tx.Amount)
		} else {
			nets[key] = nets[key].Sub(tx.Amount)
		}
	}
	require.Len(t, v.Months, len(nets))
	for _, m := range v.Months {
		require.Zero(t, nets[m.Currency+m.Month].Cmp(m.Net), m.Month)
		require.Zero(t, m.Income.Sub(m.Spending).Cmp(m.Net), m.Month)
	}
}

// httptestServer serves a function and returns its URL.
func httptestServer(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	web := httptest.NewServer(f)
	t.Cleanup(web.Close)
	return web.URL
}

// checkWidth checks that no line is wider than the screen, or has space at its end.
func checkWidth(t *testing.T, text, columns string) {
	t.Helper()
	width, err := strconv.Atoi(columns)
	require.NoError(t, err)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		require.LessOrEqual(t, uniseg.StringWidth(line), width, line)
		require.Equal(t, strings.TrimRight(line, " "), line)
	}
}
