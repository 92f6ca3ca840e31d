//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const syncPath = "/transactions/sync"

func testOneAtATime(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	g := newGate(t, mk)
	first, second := start(t, mk, g.url, s, nil), start(t, mk, g.url, s, nil)
	l := link(mk, first.url)
	release := g.hold(syncPath)
	for range 5 {
		spend(mk, l.ID)
	}
	g.wait(t)
	// The process that holds no claim finds the link busy.
	eventually(t, func() bool {
		return first.count(t, `SELECT count(*) FROM river_job
			WHERE state IN ('available', 'scheduled') AND attempt = 0 AND attempted_at IS NOT NULL`) > 0
	})
	release()
	eventually(t, func() bool { return first.idle(t) })
	assert.True(t, second.copied(t, mk, l.ID))
	for path, most := range g.most {
		if path == "/links/"+l.ID+syncPath {
			assert.Equal(t, 1, most)
		}
	}
	assert.NotEmpty(t, g.most)
}

func testAgain(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	g := newGate(t, mk)
	s.lease = time.Minute
	s.workers = 1 // The job of the second event runs after the first at the earliest.
	p := start(t, mk, g.url, s, nil)
	l := link(mk, p.url)
	release := g.hold(syncPath)
	spend(mk, l.ID)
	g.wait(t)
	mk.Deliver()
	mk.AddTransactions(l.ID, moneykit.Transaction{Amount: moneykit.MustDecimal("2"), Description: "Cake"})
	mk.Deliver()
	p.exec(t, `DELETE FROM river_job WHERE state = 'available'`) // as a queue would that drops what is a duplicate
	release()
	eventually(t, func() bool { return p.idle(t) && p.copied(t, mk, l.ID) })
	assert.Contains(t, p.out.String(), "outcome=again")
	assert.Zero(t, p.count(t, `SELECT count(*) FROM moneykit_work WHERE requested > done`))
}

func testContinued(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	g := newGate(t, mk)
	s.lease, s.jobTimeout = time.Minute, 5*time.Second
	p := start(t, mk, g.url, s, nil)
	l := link(mk, p.url)
	var txs []moneykit.Transaction
	for i := range 2000 { // several pages
		txs = append(txs, moneykit.Transaction{Amount: moneykit.MustDecimal("1"), Description: fmt.Sprint("Tea ", i)})
	}
	mk.AddTransactions(l.ID, txs...)
	// The first page passes and the second waits longer than the job may run.
	pages := 0
	var release func()
	g.mu.Lock()
	g.passed = func(path string) {
		if path == "/links/"+l.ID+syncPath {
			if pages++; pages == 1 {
				release = g.hold(syncPath)
			}
		}
	}
	g.mu.Unlock()
	mk.Deliver()
	g.wait(t)
	eventually(t, func() bool { return p.count(t, `SELECT count(*) FROM moneykit_transactions`) > 0 })
	g.wait(t) // again, in the next run
	release()
	eventually(t, func() bool { return p.idle(t) && p.copied(t, mk, l.ID) })
	assert.Contains(t, p.out.String(), "outcome=continued")
	for _, job := range p.jobs(t, rivertype.JobStateCompleted) {
		assert.Empty(t, job.Errors)
	}
}

func testDeploy(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	g := newGate(t, mk)
	s.grace, s.lease = time.Second, time.Minute // Only a claim that is given back can be taken over in time.
	s.stuckAfter = 2 * time.Minute
	before := start(t, mk, g.url, s, nil)
	l := link(mk, before.url)
	release := g.hold(syncPath)
	spend(mk, l.ID)
	g.wait(t)
	stopped := make(chan error, 1)
	go func() { stopped <- before.stop() }()
	eventually(t, func() bool { return before.stopping.Load() })
	status, text := before.get(t, "/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Equal(t, "stopping\n", text)
	mk.AddTransactions(l.ID, moneykit.Transaction{Amount: moneykit.MustDecimal("2"), Description: "Cake"})
	assert.Equal(t, []int{http.StatusServiceUnavailable}, statuses(mk.Deliver())[:1])
	require.NoError(t, <-stopped)
	release()
	next := start(t, mk, g.url, s, nil)
	eventually(t, func() bool { return next.idle(t) && next.copied(t, mk, l.ID) })
	for _, job := range next.jobs(t, rivertype.JobStateCompleted) {
		assert.Empty(t, job.Errors, "an interruption is no failure")
	}
}

// testInFlight stops a process while it receives a webhook: the event is stored, and the next
// process does what it asks for.
func testInFlight(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	before := start(t, mk, mk.URL(), s, nil)
	l := link(mk, before.url)
	reading := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	body := `{"webhook_event":"transactions.updates_available","webhook_major_version":1,"webhook_idempotency_key":"k","link_id":"` + l.ID + `"}`
	request := mk.SignedRequest(before.url+webhookPath, []byte(body)).WithContext(ctx)
	rest, writer := io.Pipe()
	request.Body, request.GetBody = rest, nil
	request.Header.Set("Expect", "100-continue")
	status := make(chan int, 1)
	go func() {
		defer close(status)
		client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
		resp, err := client.Do(request)
		if assert.NoError(t, err) {
			resp.Body.Close()
			status <- resp.StatusCode
		}
	}()
	<-reading
	stopped := make(chan error, 1)
	go func() { stopped <- before.stop() }()
	eventually(t, func() bool { return before.stopping.Load() })
	_, err := io.WriteString(writer, body)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	assert.Equal(t, http.StatusNoContent, <-status)
	require.NoError(t, <-stopped)
	next := start(t, mk, mk.URL(), s, nil)
	assert.Equal(t, 1, next.count(t, `SELECT count(*) FROM moneykit_inbox`))
	eventually(t, func() bool { return next.idle(t) && next.copied(t, mk, l.ID) })
}

func testKill(t *testing.T, s settings) {
	t.Helper()
	s.lease = time.Second
	mk := moneykittest.NewServer(t)
	g := newGate(t, mk)
	s.jobTimeout, s.stuckAfter = time.Hour, 2*time.Hour // River itself would take that long.
	victim, url := startProcess(t, mk, g.url, s)
	l := link(mk, url)
	release := g.hold(syncPath)
	spend(mk, l.ID)
	g.wait(t)
	require.NoError(t, victim.Process.Kill())
	release()
	heir := start(t, mk, g.url, s, nil)
	eventually(t, func() bool { return heir.copied(t, mk, l.ID) })
	eventually(t, func() bool { return heir.count(t, `SELECT count(*) FROM moneykit_work WHERE requested > done`) == 0 })
	_, text := heir.get(t, "/metrics")
	assert.Regexp(t, "\nworker_rescued_jobs_total [1-9]", text)
}

func testStop(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	command, url := startProcess(t, mk, mk.URL(), s)
	l := link(mk, url)
	spend(mk, l.ID)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	require.NoError(t, command.Wait())
	next := start(t, mk, mk.URL(), s, nil)
	eventually(t, func() bool { return next.idle(t) && next.copied(t, mk, l.ID) })
}

func testFetched(t *testing.T, s settings) {
	t.Helper()
	s.lease = time.Second
	mk := moneykittest.NewServer(t)
	s.jobTimeout, s.stuckAfter = time.Hour, 2*time.Hour
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	mk.Fail("get_transactions_sync", -1, moneykittest.Fault{Code: moneykit.ErrorCodeRateLimitExceeded, Header: http.Header{"Retry-After": {"3600"}}})
	spend(mk, l.ID)
	eventually(t, func() bool { return len(p.jobs(t, rivertype.JobStateScheduled)) == 1 })
	mk.Fail("get_transactions_sync", 0, moneykittest.Fault{})
	// What the database holds when a process is killed between the fetch and the claim.
	long := `'2020-01-01 00:00:00'`
	p.exec(t, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = `+long+` WHERE state = 'scheduled'`)
	eventually(t, func() bool { return p.copied(t, mk, l.ID) })
}

func testPaused(t *testing.T, s settings) {
	t.Helper()
	s.lease = time.Second
	mk := moneykittest.NewServer(t)
	g := newGate(t, mk)
	sleeper, url := startProcess(t, mk, g.url, s)
	l := link(mk, url)
	release := g.hold(syncPath)
	spend(mk, l.ID)
	g.wait(t)
	require.NoError(t, sleeper.Process.Signal(syscall.SIGSTOP))
	release()
	heir := start(t, mk, g.url, s, nil)
	eventually(t, func() bool { return heir.copied(t, mk, l.ID) })
	require.NoError(t, sleeper.Process.Signal(syscall.SIGCONT))
	mk.AddTransactions(l.ID, moneykit.Transaction{Amount: moneykit.MustDecimal("2"), Description: "Cake"})
	mk.Deliver()
	eventually(t, func() bool {
		return heir.copied(t, mk, l.ID) && heir.count(t, `SELECT count(*) FROM moneykit_work WHERE requested > done`) == 0
	})
}

func testAbandoned(t *testing.T, s settings) {
	t.Helper()
	s.lease = time.Second
	mk := moneykittest.NewServer(t)
	p := start(t, mk, mk.URL(), s, nil)
	l := link(mk, p.url)
	// What the database holds when a paused process has completed a job that River gave to another
	// one, and that one is killed.
	require.NoError(t, p.database.store.Request(t.Context(), l.ID, string(taskSync)))
	_, err := p.database.store.Begin(t.Context(), l.ID, string(taskSync), time.Millisecond)
	require.NoError(t, err)
	eventually(t, func() bool { return p.copied(t, mk, l.ID) })
}

func testOpen(t *testing.T, s settings) {
	t.Helper()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			d, err := openDatabase(t.Context(), s)
			if assert.NoError(t, err) {
				d.close()
			}
		})
	}
	all.Wait()
}
