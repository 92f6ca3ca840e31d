//go:build unix

package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// jobs returns the jobs of a link in a state.
func (p *process) jobs(t *testing.T, state rivertype.JobState) []*rivertype.JobRow {
	t.Helper()
	list, err := p.queue.JobList(t.Context(), river.NewJobListParams().States(state).First(100))
	require.NoError(t, err)
	return list.Jobs
}

func testSnooze(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	for _, fault := range []moneykittest.Fault{
		{Code: moneykit.ErrorCodeRateLimitExceeded, Header: http.Header{"Retry-After": {"3600"}}},
		{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"3600"}}},
	} {
		before := len(p.jobs(t, rivertype.JobStateScheduled))
		l := link(mk, p.url)
		mk.Fail("get_transactions_sync", 1, fault)
		mk.Refresh(l.ID, moneykit.ProductTransactions)
		mk.Deliver()
		eventually(t, func() bool { return len(p.jobs(t, rivertype.JobStateScheduled)) == before+1 })
		for _, job := range p.jobs(t, rivertype.JobStateScheduled) {
			assert.WithinDuration(t, time.Now().Add(time.Hour), job.ScheduledAt, 5*time.Minute)
			assert.Empty(t, job.Errors)
			assert.Zero(t, job.Attempt)
			_, err := p.queue.JobRetry(t.Context(), job.ID) // as if the hour were over
			require.NoError(t, err)
		}
		eventually(t, func() bool { return p.copied(t, mk, l.ID) })
	}
}

func testRetry(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	mk.Fail("get_transactions_sync", 3, moneykittest.Fault{Status: http.StatusInternalServerError})
	mk.Refresh(l.ID, moneykit.ProductTransactions)
	mk.Deliver()
	eventually(t, func() bool { return p.idle(t) && p.copied(t, mk, l.ID) })
	done := p.jobs(t, rivertype.JobStateCompleted)
	require.Len(t, done, 2, "one for the state of the product, one for the transactions")
	assert.Len(t, append(done[0].Errors, done[1].Errors...), 3)
}

func testPoisoned(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	s.workers = 1
	p := start(t, mk, mk.URL(), s, nil)
	poisoned, healthy := link(mk, p.url), link(mk, p.url)
	mk.Fail("get_transactions_sync", 1, moneykittest.Fault{Code: moneykit.ErrorCodeLinkUnauthorizedAccess})
	mk.AddTransactions(poisoned.ID, moneykit.Transaction{Amount: moneykit.MustDecimal("1"), Description: "Tea"})
	mk.Deliver()
	eventually(t, func() bool { return len(p.jobs(t, rivertype.JobStateCancelled)) == 1 })
	mk.AddTransactions(healthy.ID, moneykit.Transaction{Amount: moneykit.MustDecimal("1"), Description: "Tea"})
	mk.Deliver()
	eventually(t, func() bool { return p.copied(t, mk, healthy.ID) })
	assert.False(t, p.copied(t, mk, poisoned.ID))
	assert.Contains(t, p.out.String(), "level=ERROR msg=job outcome=cancelled")
	_, text := p.get(t, "/metrics")
	assert.Contains(t, text, `worker_queue_jobs{state="cancelled"} 1`)

	// Once the program is corrected, the job can be run again: the work still counts as requested.
	_, err := p.queue.JobRetry(t.Context(), p.jobs(t, rivertype.JobStateCancelled)[0].ID)
	require.NoError(t, err)
	eventually(t, func() bool { return p.copied(t, mk, poisoned.ID) })
}

func testCredentials(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	mk.Fail("create_access_token", 3, moneykittest.Fault{Code: moneykit.ErrorCodeUnauthorized})
	mk.AddTransactions(l.ID, moneykit.Transaction{Amount: moneykit.MustDecimal("1"), Description: "Tea"})
	mk.Deliver()
	eventually(t, func() bool { return p.copied(t, mk, l.ID) })
	assert.Empty(t, p.jobs(t, rivertype.JobStateCancelled))
	_, text := p.get(t, "/metrics")
	assert.Contains(t, text, `worker_jobs_total{kind="sync_transactions",outcome="retried"} 3`)
}

func testLimits(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t, moneykittest.WithRateLimits())
	p, other := start(t, mk, mk.URL(), s, nil), start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	waiting := func() bool { return len(p.jobs(t, rivertype.JobStateScheduled)) > 0 }
	for range 10 { // MoneyKit allows four reads of a link's accounts in a minute.
		mk.Refresh(l.ID, moneykit.ProductAccounts)
		mk.Deliver()
		eventually(t, func() bool { return p.idle(t) || waiting() })
	}
	require.True(t, waiting())
	for _, r := range mk.Requests() {
		assert.NotEqual(t, http.StatusTooManyRequests, r.Status)
	}
	assert.Contains(t, p.out.String()+other.out.String(), "outcome=snoozed")
	for _, job := range p.jobs(t, rivertype.JobStateScheduled) {
		assert.Empty(t, job.Errors)
	}
}
