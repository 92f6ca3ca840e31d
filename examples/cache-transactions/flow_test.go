package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// flows are tests of the whole program. They run on each database.
func flows() map[string]func(*cli) {
	return map[string]func(*cli){
		"sandbox": testSandbox,
		"follow":  testFollow,
		"failure": testFailure,
		"kill":    testKill,
		"filters": testFilters,
		"refresh": testRefresh,
		"forget":  testForget,
		"watch":   testWatch,
		"poll":    testPoll,
	}
}

func TestFlowsOnSQLite(t *testing.T) {
	t.Parallel()
	for name, flow := range flows() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow(newCLI(t))
		})
	}
}

// testSandbox runs the program without any settings. The second run continues after the first.
func testSandbox(c *cli) {
	first := c.outcomes("sync", "-page-size", "100")
	require.Len(c.t, first, len(sandboxLinks()))
	written := 0
	for _, o := range first {
		assert.True(c.t, o.Done)
		assert.Greater(c.t, o.Pages, 4)
		written += o.Written
	}
	v := c.shown()
	assert.Equal(c.t, written, v.Rows)
	assert.Len(c.t, v.Transactions, written)

	for id, o := range c.outcomes("sync") {
		assert.Contains(c.t, first, id, "the links are the same")
		assert.Equal(c.t, 1, o.Pages, "the second run reads what is new alone")
		assert.Zero(c.t, o.Written)
	}
	for _, o := range c.outcomes("refresh") {
		assert.Positive(c.t, o.Written)
		assert.Equal(c.t, 1, o.Pages)
	}
	for id, o := range c.outcomes("sync") {
		assert.Zero(c.t, o.Written, "the refresh has synced, and the sandbox has kept it")
		assert.Equal(c.t, moneykit.LinkStateConnected, c.states()[id].State)
	}
	text := c.run("sync")
	assert.Equal(c.t, 3, strings.Count(text, "nothing new"))
	assert.Contains(c.t, text, "3 of 3 links: 0 rows written")
	assert.NotContains(c.t, text, "\x1b[")

	for id := range first {
		c.run("forget", id)
		assert.NotContains(c.t, c.outcomes("sync"), id, "what was forgotten stays so")
		o := c.outcomes("sync", "-user", first[id].UserID)[id]
		assert.Greater(c.t, o.Written, first[id].Written/2, "until its user links again")
		break
	}
}

// testFollow makes every kind of change at the bank, and compares the copy after each.
func testFollow(c *cli) {
	mk, url := newServer(c.t)
	c.use(mk, url)
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	_, _, err := c.try(c.t.Context(), "sync")
	require.ErrorContains(c.t, err, "sync -user ID")
	o := c.outcomes("sync", "-user", "alice", "-page-size", "50")[link.ID]
	assert.Greater(c.t, o.Pages, 2)
	requireCopy(c.t, c.shown(), mk.Transactions(link.ID))

	mk.AddTransactions(link.ID,
		moneykit.Transaction{
			ID: "txn_1", Amount: moneykit.MustDecimal("0.1"),
			Description: "東京スターバックスコーヒー渋谷店", Pending: true,
		},
		moneykit.Transaction{ID: "txn_2", Amount: moneykit.MustDecimal("12345678901234567.12345678"), Description: "A\x1b[31m\tred house"})
	assert.Equal(c.t, 1, c.outcomes("sync")[link.ID].Pages)
	requireCopy(c.t, c.shown(), mk.Transactions(link.ID))
	assert.Contains(c.t, c.run("show", "-limit", "0"), "12,345,678,901,234,567.12345678")
	assert.NotContains(c.t, c.run("show", "-limit", "0"), "\x1b")

	mk.Settle(link.ID)
	mk.RemoveTransaction(link.ID, "txn_2")
	o = c.outcomes("sync")[link.ID]
	assert.Positive(c.t, o.Removed)
	requireCopy(c.t, c.shown(), mk.Transactions(link.ID))

	mk.ResetCursors(link.ID)
	assert.True(c.t, c.outcomes("sync")[link.ID].Rebuilt)
	requireCopy(c.t, c.shown(), mk.Transactions(link.ID))
	s := c.states()[link.ID]
	assert.Equal(c.t, []any{len(mk.Transactions(link.ID)), false, false, "alice"}, []any{s.Rows, s.Rebuilding, s.Partial, s.UserID})
	assert.Empty(c.t, s.next())
}

// testFailure syncs links some of which fail.
func testFailure(c *cli) {
	mk, url := newServer(c.t)
	c.use(mk, url)
	good := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	broken := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	private := mk.AddLink(moneykittest.LinkSpec{UserID: "alice", Products: []moneykit.Product{moneykit.ProductIdentity}})
	gone := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	mk.Break(broken.ID, moneykit.LinkErrorAuthExpired)
	stdout, _, err := c.try(c.t.Context(), "sync", "-user", "alice", "-json")
	require.ErrorContains(c.t, err, "2 of 4 links could not be synced")
	all := objects(c.t, stdout, func(o outcome) string { return o.LinkID })
	assert.True(c.t, all[good.ID].Done)
	assert.Equal(c.t, moneykit.ActionRelink, all[broken.ID].Action)
	assert.Equal(c.t, moneykit.LinkStateError, all[broken.ID].State)
	assert.Contains(c.t, all[private.ID].Error, "shares no transactions")
	assert.Equal(c.t, moneykit.LinkErrorAuthExpired, c.states()[broken.ID].Error)
	assert.Contains(c.t, strings.Join(strings.Fields(c.run("state")), " "), "LinkSessions.Relink opens Connect")

	require.NoError(c.t, mk.Client().Links.Delete(c.t.Context(), gone.ID))
	for _, width := range []string{"40", "80"} {
		c.env["COLUMNS"] = width
		stdout, _, err = c.try(c.t.Context(), "sync", good.ID, broken.ID)
		require.ErrorContains(c.t, err, "1 of 2 links could not be synced")
		checkWidth(c.t, stdout, width)
		text := strings.Join(strings.Fields(stdout), " ") // In one line.
		assert.Contains(c.t, text, "-> ask the user to connect the bank again")
		assert.Contains(c.t, text, "1 of 2 links: 0 rows written")
	}
	stdout, _, err = c.try(c.t.Context(), "sync", gone.ID)
	require.Error(c.t, err)
	assert.Contains(c.t, stdout, "delete its copy with forget")
	stdout, _, err = c.try(c.t.Context(), "sync", "-json")
	require.Error(c.t, err)
	assert.NotContains(c.t, stdout, gone.ID, "a deleted link has nothing new")

	mk.Break(broken.ID, "")
	assert.Positive(c.t, c.outcomes("sync", broken.ID)[broken.ID].Written, "a link that works again is synced")
}

// testKill kills the program between two pages.
func testKill(c *cli) {
	mk, _ := newServer(c.t)
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	const survives = 3 // pages
	var pages atomic.Int64
	reached := make(chan struct{})
	web := httptestServer(c.t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/transactions/sync") && pages.Add(1) == survives+1 {
			close(reached)
			<-r.Context().Done()
			return
		}
		mk.Handler().ServeHTTP(w, r)
	})
	c.use(mk, web)
	args := c.args([]string{"sync", "-user", "alice", "-page-size", "20"})
	victim := exec.CommandContext(c.t.Context(), os.Args[0], args...)
	victim.Env = append(os.Environ(), asProgram+"=1")
	for name, value := range c.env {
		victim.Env = append(victim.Env, name+"="+value)
	}
	require.NoError(c.t, victim.Start())
	<-reached
	require.NoError(c.t, victim.Process.Kill())
	require.Error(c.t, victim.Wait())
	s := c.states()[link.ID]
	assert.Equal(c.t, survives*20, s.Rows)
	assert.True(c.t, s.Partial)
	assert.Contains(c.t, c.run("state"), "sync again")

	all := len(mk.Transactions(link.ID))
	o := c.outcomes("sync", "-page-size", "20")[link.ID]
	assert.Equal(c.t, all, survives*20+o.Written, "no row is read twice")
	requireCopy(c.t, c.shown(), mk.Transactions(link.ID))
}

// testFilters compares each filter of show with the same filter in Go.
func testFilters(c *cli) {
	mk, url := newServer(c.t)
	c.use(mk, url)
	one := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	two := mk.AddLink(moneykittest.LinkSpec{UserID: "alice", InstitutionID: "kingsway-bank-plc"})
	c.outcomes("sync", "-user", "alice")
	all := c.shown().Transactions
	account, day := all[0].AccountID, all[len(all)/2].Date
	month := day.String()[:7]
	for _, tt := range []struct {
		args []string
		want func(row) bool
	}{
		{[]string{"-link", two.ID}, func(r row) bool { return r.LinkID == two.ID }},
		{[]string{"-account", account}, func(r row) bool { return r.AccountID == account }},
		{[]string{"-since", day.String()}, func(r row) bool { return r.Date.Compare(day) >= 0 }},
		{[]string{"-until", day.String()}, func(r row) bool { return r.Date.Compare(day) <= 0 }},
		{[]string{"-month", month}, func(r row) bool { return r.Date.String()[:7] == month }},
		{[]string{"-category", "groceries"}, func(r row) bool { return r.Category == "groceries" || r.Subcategory == "groceries" }},
		{
			[]string{"-link", one.ID, "-month", month, "-category", "groceries"},
			func(r row) bool {
				return r.LinkID == one.ID && r.Date.String()[:7] == month && r.Subcategory == "groceries"
			},
		},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(r row) bool { return !tt.want(r) })
		got := c.shown(tt.args...)
		require.NotEmpty(c.t, want, tt.args)
		assert.Equal(c.t, want, got.Transactions, tt.args)
		assert.Equal(c.t, len(want), got.Rows)
		text := c.run(append([]string{"show", "-limit", "1"}, tt.args...)...)
		assert.Contains(c.t, text, want[0].Date.String())
	}
	assert.Contains(c.t, c.run("show", "-link", "mk_none"), "No transaction matches")
	assert.Contains(c.t, c.run("show", "-category", "' OR 1=1 --"), "No transaction matches")
	for _, width := range []string{"40", "80", "120"} {
		c.env["COLUMNS"] = width
		checkWidth(c.t, c.run("show", "-limit", "0"), width)
		checkWidth(c.t, c.run("state"), width)
	}
}

// testRefresh refreshes a link more often than MoneyKit allows.
func testRefresh(c *cli) {
	mk, url := newServer(c.t, moneykittest.WithRateLimits())
	c.use(mk, url)
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	c.outcomes("sync", "-user", "alice")
	mk.Advance(time.Hour)
	assert.Positive(c.t, c.outcomes("refresh", link.ID)[link.ID].Written)
	requireCopy(c.t, c.shown(), mk.Transactions(link.ID))
	stdout, _, err := c.try(c.t.Context(), "refresh")
	require.Error(c.t, err)
	assert.Contains(c.t, strings.Join(strings.Fields(stdout), " "), "refresh again in")
}

// testForget deletes a copy.
func testForget(c *cli) {
	mk, url := newServer(c.t)
	c.use(mk, url)
	one := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	two := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	c.outcomes("sync", "-user", "alice")
	assert.Contains(c.t, c.run("forget", one.ID), one.ID)
	assert.NotContains(c.t, c.states(), one.ID)
	requireCopy(c.t, c.shown(), mk.Transactions(two.ID))
	_, _, err := c.try(c.t.Context(), "forget", one.ID)
	require.ErrorContains(c.t, err, "is not in the database")
}

func TestStoppedSync(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	mk, _ := newServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	ctx, cancel := context.WithCancel(t.Context())
	var pages atomic.Int64
	c.use(mk, httptestServer(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/transactions/sync") && pages.Add(1) == 3 {
			cancel()
			<-r.Context().Done()
			return
		}
		mk.Handler().ServeHTTP(w, r)
	}))
	_, _, err := c.try(ctx, "sync", "-user", "alice", "-page-size", "20")
	require.ErrorContains(t, err, "the next sync continues there")
	assert.Equal(t, 40, c.states()[link.ID].Rows)
	c.outcomes("sync")
	requireCopy(t, c.shown(), mk.Transactions(link.ID))
}
