//go:build unix

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func testSync(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	for range 3 {
		mk.Refresh(l.ID, moneykit.ProductTransactions)
		mk.Settle(l.ID)
		for _, status := range statuses(mk.Deliver()) {
			assert.Equal(t, http.StatusNoContent, status)
		}
		eventually(t, func() bool { return p.copied(t, mk, l.ID) })
	}
	eventually(t, func() bool { return p.idle(t) })
}

func testDuplicates(t *testing.T, s settings) {
	t.Helper()
	s.lease = time.Minute // Nothing is to be rescued.
	mk := moneykittest.NewServer(t)
	p, other := start(t, mk, mk.URL(), s, nil), start(t, mk, mk.URL(), s, nil)
	links := []moneykit.Link{link(mk, p.url), link(mk, other.url)}
	for _, l := range links {
		mk.AddTransactions(l.ID, moneykit.Transaction{Amount: moneykit.MustDecimal("1"), Description: "Tea"})
	}
	deliveries := mk.Deliver(moneykittest.Duplicated(5), moneykittest.Concurrently(10))
	require.Len(t, deliveries, 2)
	// The same event at the other process, as if it had changed its address.
	for _, d := range deliveries {
		for _, to := range []*process{p, other} {
			request := mk.SignedRequest(to.url+webhookPath, d.Body)
			resp, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, http.StatusNoContent, resp.StatusCode)
		}
	}
	assert.Equal(t, 2, p.count(t, `SELECT count(*) FROM moneykit_inbox`))
	assert.Equal(t, 2, p.count(t, `SELECT count(*) FROM river_job`))
	assert.Equal(t, 2, p.count(t, `SELECT sum(requested) FROM moneykit_work`))
	for _, l := range links {
		eventually(t, func() bool { return p.copied(t, mk, l.ID) })
	}
	tokens := 0
	for _, r := range mk.Requests() {
		if r.Path == "/auth/token" {
			tokens++
		}
	}
	assert.Equal(t, 1, tokens, "one for both processes")
}

func testAtomic(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	for table, key := range map[string]string{"river_job": "kind", "moneykit_inbox": "event_key"} {
		refuse := `CREATE TRIGGER refuse BEFORE INSERT ON ` + table + ` BEGIN SELECT RAISE(ABORT, 'refused'); END`
		allow := `DROP TRIGGER refuse`
		if s.postgres != "" {
			refuse = `ALTER TABLE ` + table + ` ADD CONSTRAINT refuse CHECK (` + key + ` = '') NOT VALID`
			allow = `ALTER TABLE ` + table + ` DROP CONSTRAINT refuse`
		}
		l := link(mk, p.url)
		p.exec(t, refuse)
		mk.Refresh(l.ID, moneykit.ProductTransactions)
		for _, status := range statuses(mk.Deliver()) {
			assert.Equal(t, http.StatusInternalServerError, status, table)
		}
		assert.Zero(t, p.count(t, `SELECT count(*) FROM moneykit_inbox WHERE link_id = $1`, l.ID), table)
		assert.Zero(t, p.count(t, `SELECT count(*) FROM moneykit_work WHERE link_id = $1`, l.ID), table)
		p.exec(t, allow)
		mk.Advance(time.Minute)
		for _, status := range statuses(mk.Deliver()) {
			assert.Equal(t, http.StatusNoContent, status, table)
		}
		assert.NotZero(t, p.count(t, `SELECT count(*) FROM moneykit_inbox WHERE link_id = $1`, l.ID), table)
		eventually(t, func() bool { return p.copied(t, mk, l.ID) })
	}
}

func testUnknownEvent(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	for range 2 {
		resp, err := http.DefaultClient.Do(mk.SignedRequest(p.url+webhookPath,
			[]byte(`{"webhook_event":"link.dreamt","webhook_major_version":1,"webhook_idempotency_key":"k","link_id":"mk_1"}`)))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, http.StatusNoContent, resp.StatusCode)
	}
	assert.Equal(t, 1, p.count(t, `SELECT count(*) FROM moneykit_inbox`))
	assert.Zero(t, p.count(t, `SELECT count(*) FROM river_job`))
	_, text := p.get(t, "/metrics")
	assert.Contains(t, text, `worker_events_total{event="unknown",outcome="ignored"} 1`)
	assert.Contains(t, text, `worker_events_total{event="unknown",outcome="duplicate"} 1`)
}

// stateEvent returns the body of an event.
func stateEvent(linkID, key, state string, at time.Time) []byte {
	return []byte(`{"webhook_event":"link.state_changed","webhook_major_version":1,"webhook_idempotency_key":"` + key +
		`","webhook_timestamp":"` + at.UTC().Format(time.RFC3339) + `","link_id":"` + linkID + `","state":"` + state + `"}`)
}

func testOrder(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	require.NoError(t, p.database.store.SaveLink(t.Context(), "user_0001", &l))
	mk.Fail("get_link", -1, moneykittest.Fault{Status: http.StatusBadGateway}) // Only the events say what the state is.
	now := time.Now()
	for i, state := range []string{"connected", "error", "connecting"} {
		body := stateEvent(l.ID, "k"+strconv.Itoa(i), state, now.Add(-time.Duration(i)*time.Minute))
		resp, err := http.DefaultClient.Do(mk.SignedRequest(p.url+webhookPath, body))
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusNoContent, resp.StatusCode)
	}
	stored, err := p.database.store.Link(t.Context(), l.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateConnected, stored.State)
}

func testNotice(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	require.NoError(t, p.database.store.SaveLink(t.Context(), "user_0001", &l))
	state := func() moneykit.LinkState {
		stored, err := p.database.store.Link(t.Context(), l.ID)
		require.NoError(t, err)
		return stored.State
	}
	for round := 1; round <= 2; round++ {
		mk.Break(l.ID, moneykit.LinkErrorAuthExpired)
		mk.Refresh(l.ID, moneykit.ProductTransactions) // The sync fails too.
		mk.Deliver(moneykittest.Reversed())
		eventually(t, func() bool { return p.idle(t) })
		assert.Equal(t, moneykit.LinkStateError, state())
		assert.Equal(t, 1, p.count(t, `SELECT count(*) FROM worker_notices WHERE reason = 'auth_expired'`))
		_, text := p.get(t, "/metrics")
		assert.Contains(t, text, "worker_relink_notices_total "+strconv.Itoa(round)+"\n")

		mk.Advance(time.Second)
		mk.Break(l.ID, "") // Now it works again.
		mk.Deliver()
		eventually(t, func() bool { return p.idle(t) && p.copied(t, mk, l.ID) })
		assert.Equal(t, moneykit.LinkStateConnected, state())
		assert.Zero(t, p.count(t, `SELECT count(*) FROM worker_notices`))
	}
}

func testGone(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	require.NoError(t, p.database.store.SaveLink(t.Context(), "user_0001", &l))
	mk.Refresh(l.ID, moneykit.ProductTransactions)
	require.NoError(t, mk.Client().Links.Delete(t.Context(), l.ID))
	mk.Deliver()
	eventually(t, func() bool { return p.idle(t) })
	assert.Zero(t, p.count(t, `SELECT count(*) FROM river_job WHERE state <> 'completed'`))
	stored, err := p.database.store.Link(t.Context(), l.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateDeleted, stored.State)
}

func testProducts(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	mk.Refresh(l.ID)
	mk.Deliver()
	eventually(t, func() bool { return p.idle(t) })
	for _, read := range []task{taskAccounts, taskAccountNumbers, taskIdentity, taskInvestments} {
		assert.Contains(t, p.out.String(), `msg="read product" link_id=`+l.ID+" task="+string(read))
	}
	assert.Zero(t, p.count(t, `SELECT count(*) FROM river_job WHERE state <> 'completed'`))
}

func testMetrics(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	mk.Fail("get_transactions_sync", 1, moneykittest.Fault{Status: http.StatusBadGateway})
	mk.Refresh(l.ID, moneykit.ProductTransactions)
	mk.Deliver()
	eventually(t, func() bool { return p.idle(t) })
	_, text := p.get(t, "/metrics")
	for _, line := range []string{
		`moneykit_attempts_total{operation="GET /links/{id}/transactions/sync",status="200"} `,
		`moneykit_attempts_total{operation="GET /links/{id}/transactions/sync",status="502"} 1`,
		`moneykit_attempts_total{operation="POST /auth/token",status="201"} 1`,
		`moneykit_attempt_seconds_count{operation="GET /links/{id}/transactions/sync"} `,
		`moneykit_retries_total{operation="GET /links/{id}/transactions/sync"} 1`,
		`worker_webhooks_total{status="204"} `,
		`worker_events_total{event="transactions.updates_available",outcome="queued"} 1`,
		`worker_jobs_total{kind="sync_transactions",outcome="done"} 1`,
		`worker_job_seconds_count{kind="sync_transactions"} `,
		`worker_queue_jobs{state="completed"} `,
	} {
		assert.Contains(t, text, "\n"+line)
	}
	assert.NotContains(t, text, l.ID)
	for _, path := range []string{"/healthz", "/readyz"} {
		status, _ := p.get(t, path)
		assert.Equal(t, http.StatusOK, status, path)
	}
}

func testReady(t *testing.T, s settings) {
	t.Helper()
	s.clientID, s.secret = "id", "secret"
	a, err := newApp(t.Context(), s, io.Discard, noop.NewTracerProvider())
	require.NoError(t, err)
	defer a.close()
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		a.routes().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		return w.Code, w.Body.String()
	}
	expect := func(status int, body string) {
		t.Helper()
		gotStatus, got := get("/readyz")
		assert.Equal(t, status, gotStatus)
		assert.Equal(t, body, got)
		alive, _ := get("/healthz")
		assert.Equal(t, http.StatusOK, alive)
	}
	expect(http.StatusServiceUnavailable, "the queue has not started\n")
	a.started.Store(true)
	expect(http.StatusOK, "ready\n")
	require.NoError(t, a.database.db.Close())
	expect(http.StatusServiceUnavailable, "the database does not respond\n")
	a.stopping.Store(true)
	expect(http.StatusServiceUnavailable, "stopping\n")
}
