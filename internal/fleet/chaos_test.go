//go:build linux

package fleet

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/postgrestest"
	"github.com/moneykit/moneykit-go/moneykittest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

var (
	chaosTime      = flag.Duration("for", 20*time.Second, "how long TestChaos disturbs the processes")
	chaosLinks     = flag.Int("links", 100, "links of TestChaos")
	chaosRows      = flag.Int("transactions", 20_000, "transactions of TestChaos")
	chaosProcesses = flag.Int("processes", 4, "processes of TestChaos")
	chaosSeed      = flag.Uint64("seed", 1, "of the decisions of TestChaos")
)

// TestChaos runs processes of examples/worker on one PostgreSQL. While the banks change
// transactions, break links and refresh products, processes are killed and paused, and webhooks
// arrive late, twice, in any order, or not at all at first. Afterwards the database must contain
// exactly the sandbox's transactions.
func TestChaos(t *testing.T) {
	random := rand.New(rand.NewPCG(*chaosSeed, 0))
	source := postgrestest.Start(t)
	counter := &counter{}
	road := &road{random: rand.New(rand.NewPCG(*chaosSeed, 1))}
	sandbox := moneykittest.NewServer(quiet{t}, moneykittest.WithRateLimits(), moneykittest.WithHistory(24*time.Hour),
		moneykittest.WithDeliveryTransport(road))
	api := counter.serve(t, sandbox.Handler())
	links := make([]string, *chaosLinks)
	for i := range links {
		links[i] = sandbox.AddLink(moneykittest.LinkSpec{UserID: fmt.Sprintf("user_%d", i), Webhook: "https://app.example/webhook"}).ID
	}
	fleet := startFleet(t, sandbox, api, source, *chaosProcesses)
	road.fleet = fleet

	bank := &bank{sandbox: sandbox, links: links, random: rand.New(rand.NewPCG(*chaosSeed, 2)), rows: *chaosRows}
	ctx, stop := context.WithTimeout(t.Context(), *chaosTime)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		bank.work(ctx)
	}()
	delivering := make(chan struct{})
	go func() {
		defer close(delivering)
		deliver(ctx, sandbox, *chaosSeed)
	}()
	fleet.disturb(ctx, random)
	<-ended
	<-delivering

	road.calm.Store(true)
	fleet.calm()
	bank.finish()
	db, err := sql.Open("pgx", source)
	require.NoError(t, err)
	defer db.Close()
	settle(t, sandbox, db)
	fleet.stop(t)

	store, err := sqlstore.Open(t.Context(), db, sqlstore.PostgreSQL)
	require.NoError(t, err)
	total := 0
	for _, link := range links {
		total += same(t, sandbox, store, link)
	}
	f := figures(t, db, sandbox)
	fmt.Printf("%d links, %d transactions, %v: %d processes were killed %d times and paused %d times\n",
		len(links), total, *chaosTime, *chaosProcesses, fleet.kills, fleet.pauses)
	fmt.Printf("%d events in %d deliveries, of which %d were lost, %d late, %d twice; "+
		"%d events in the inbox, %d jobs, %d of them had nothing to do\n",
		f.events, road.sent.Load(), road.lost.Load(), road.late.Load(), road.twice.Load(), f.inbox, f.jobs, fleet.said(t, "outcome=nothing"))
	fmt.Printf("%d requests to MoneyKit, %d of them for syncs, %d for tokens, %d beyond a limit\n",
		counter.all.Load(), counter.syncs.Load(), counter.tokens.Load(), counter.refused.Load())

	assert.GreaterOrEqual(t, total, *chaosRows, "the truth is not empty")
	assert.Equal(t, f.events, f.inbox, "each event is in the inbox once")
	assert.Zero(t, f.open, "work that is requested and not done")
	assert.Zero(t, f.failed, "jobs that failed for good")
	assert.Zero(t, counter.refused.Load(), "requests beyond a published limit")
	assert.LessOrEqual(t, counter.tokens.Load(), int64(2), "requests for tokens")
	assert.Positive(t, fleet.kills)
	assert.Positive(t, fleet.pauses)
}

// quiet is a test without the log of the sandbox, which has a line for each refused webhook.
type quiet struct{ *testing.T }

// Logf implements [moneykittest.TB].
func (quiet) Logf(string, ...any) {}

// same compares the copy of a link with the sandbox's transactions, and returns the number of rows.
func same(t *testing.T, sandbox *moneykittest.Server, store *sqlstore.Store, link string) int {
	t.Helper()
	want := map[string]moneykit.Transaction{}
	for _, row := range sandbox.Transactions(link) {
		want[row.ID] = row
	}
	n := 0
	for row, err := range store.Transactions(t.Context(), link) {
		require.NoError(t, err)
		n++
		truth, ok := want[row.ID]
		if !assert.True(t, ok, "%s has a row that does not exist: %s", link, row.ID) {
			continue
		}
		assert.Zero(t, truth.Amount.Cmp(row.Amount), row.ID)
		truth.Amount, row.Amount = moneykit.Decimal{}, moneykit.Decimal{}
		assert.Equal(t, written(t, truth), written(t, row), link)
	}
	assert.Equal(t, len(want), n, "rows of %s", link)
	return n
}

// deliver delivers webhooks until ctx ends.
func deliver(ctx context.Context, sandbox *moneykittest.Server, seed uint64) {
	for ctx.Err() == nil {
		seed++
		sandbox.Deliver(moneykittest.Shuffled(seed), moneykittest.Concurrently(32)) //nolint:contextcheck // It has its own.
		wait(ctx, 100*time.Millisecond)
	}
}

// settle waits until all webhooks are delivered and all jobs are done.
func settle(t *testing.T, sandbox *moneykittest.Server, db *sql.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for {
		sandbox.Deliver(moneykittest.Concurrently(32))
		pending := 0
		for _, d := range sandbox.Deliveries() {
			if d.State == moneykittest.DeliveryPending {
				pending++
			}
		}
		var jobs int
		require.NoError(t, db.QueryRowContext(t.Context(),
			"SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')").Scan(&jobs))
		if pending == 0 && jobs == 0 {
			return
		}
		require.NoError(t, ctx.Err(), "%d webhooks and %d jobs are left", pending, jobs)
		wait(ctx, 300*time.Millisecond)
	}
}

// sums are the totals of the database at the end.
type sums struct{ events, inbox, jobs, open, failed int }

func figures(t *testing.T, db *sql.DB, sandbox *moneykittest.Server) (s sums) {
	t.Helper()
	keys := map[string]bool{}
	for _, d := range sandbox.Deliveries() {
		assert.Equal(t, moneykittest.DeliveryDone, d.State)
		keys[d.LinkID+" "+d.IdempotencyKey] = true
	}
	s.events = len(keys)
	for query, to := range map[string]*int{
		"SELECT count(*) FROM moneykit_inbox":                        &s.inbox,
		"SELECT count(*) FROM moneykit_work WHERE done <> requested": &s.open,
		"SELECT count(*) FROM river_job":                             &s.jobs,
		"SELECT count(*) FROM river_job WHERE state <> 'completed'":  &s.failed,
	} {
		require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(to), query)
	}
	return s
}

// written returns a row as text, with all times in UTC.
func written(t *testing.T, row moneykit.Transaction) string {
	t.Helper()
	if !row.Datetime.IsZero() {
		row.Datetime.Time = row.Datetime.UTC()
	}
	var b strings.Builder
	require.NoError(t, jsonTo(&b, row))
	return b.String()
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
