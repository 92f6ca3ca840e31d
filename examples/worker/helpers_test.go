//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/postgrestest"
	"github.com/moneykit/moneykit-go/moneykittest"
)

var postgres = flag.Bool("postgres", false, "also test on a PostgreSQL that the test starts with Debian's binaries")

// asWorker is the environment variable with which the test binary is the program itself.
const asWorker = "WORKER_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestWorker runs the tests on each database that was asked for.
func TestWorker(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T, settings){
		"a sync follows a webhook":                         testSync,
		"duplicates lead to one job":                       testDuplicates,
		"an event and its job are stored together":         testAtomic,
		"an unknown event is stored and ignored":           testUnknownEvent,
		"an older state does not replace a newer one":      testOrder,
		"the user is asked once to relink":                 testNotice,
		"a deleted link leaves no retries":                 testGone,
		"a job waits as long as MoneyKit asks":             testSnooze,
		"a temporary failure is retried":                   testRetry,
		"the limits of MoneyKit are kept by all processes": testLimits,
		"a poisoned event does not hold up others":         testPoisoned,
		"refused credentials cancel no job":                testCredentials,
		"two workers sync a link one at a time":            testOneAtATime,
		"an event that comes during a sync is not lost":    testAgain,
		"a long sync continues in the next run":            testContinued,
		"another process takes over after a deploy":        testDeploy,
		"a webhook in flight is stored at a stop":          testInFlight,
		"another process takes over after kill -9":         testKill,
		"a job that was fetched but not begun is rescued":  testFetched,
		"a claim without a job is rescued":                 testAbandoned,
		"one trace leads from the webhook to the calls":    testTrace,
		"processes that start at once create the tables":   testOpen,
		"metrics tell what happened":                       testMetrics,
		"a process is ready while it can store events":     testReady,
		"a process stops at SIGTERM":                       testStop,
		"refreshed products are read":                      testProducts,
		"the demo runs without keys":                       testDemo,
	}
	t.Run("SQLite", func(t *testing.T) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := quick()
				s.db = filepath.Join(t.TempDir(), "worker.db")
				test(t, s)
			})
		}
	})
	if !*postgres {
		return
	}
	source := postgrestest.Start(t)
	// With SQLite a process that is paused in the middle of a statement keeps the database locked.
	tests["a paused process gives up its claim"] = testPaused
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := quick()
				s.postgres = newPostgres(t, source)
				test(t, s)
			})
		}
	})
}

// databases counts the databases that tests have made.
var databases atomic.Int64

// newPostgres makes a database for a test.
func newPostgres(t *testing.T, source string) string {
	t.Helper()
	admin, err := sql.Open("pgx", source)
	require.NoError(t, err)
	defer admin.Close()
	name := fmt.Sprintf("worker_%d", databases.Add(1))
	_, err = admin.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	u, err := url.Parse(source)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// quick are settings with which a test need not wait.
func quick() settings {
	return settings{
		listen: "127.0.0.1:0", workers: 4, lease: 5 * time.Second, jobTimeout: 20 * time.Second, stuckAfter: 30 * time.Second,
		poll: 100 * time.Millisecond, retry: 10 * time.Millisecond, retryMax: 50 * time.Millisecond, grace: 10 * time.Second,
	}
}

// gate is the network in front of a MoneyKit. It holds requests back and counts those that run.
type gate struct {
	url string

	mu      sync.Mutex
	held    map[string]chan struct{} // by the end of the path; closed to let requests go
	arrived chan struct{}            // gets a value for each request that is held
	running map[string]int
	most    map[string]int    // requests for a path at once
	passed  func(path string) // called after each request, if it is not nil
}

func newGate(t *testing.T, mk *moneykittest.Server) *gate {
	t.Helper()
	g := &gate{
		held: map[string]chan struct{}{}, arrived: make(chan struct{}, 100),
		running: map[string]int{}, most: map[string]int{},
	}
	api := mk.Handler()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer g.enter(r.URL.Path)()
		for end, released := range g.holding() {
			if strings.HasSuffix(r.URL.Path, end) {
				g.arrived <- struct{}{}
				select {
				case <-released:
				case <-r.Context().Done():
				}
			}
		}
		api.ServeHTTP(w, r)
		g.mu.Lock()
		passed := g.passed
		g.mu.Unlock()
		if passed != nil {
			passed(r.URL.Path)
		}
	}))
	t.Cleanup(front.Close)
	g.url = front.URL
	return g
}

func (g *gate) enter(path string) (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running[path]++
	g.most[path] = max(g.most[path], g.running[path])
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.running[path]--
	}
}

func (g *gate) holding() map[string]chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.held)
}

// hold keeps requests waiting whose path has the end, until release is called.
func (g *gate) hold(end string) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	released := make(chan struct{})
	g.held[end] = released
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.held, end)
		close(released)
	})
}

// wait waits until a request is held.
func (g *gate) wait(t *testing.T) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(time.Minute):
		t.Fatal("no request has arrived")
	}
}

// log is what a process writes.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// process is a worker that runs within the test.
type process struct {
	*app

	url  string
	out  *log
	stop func() error // gracefully
}

// start starts a worker for a MoneyKit at baseURL.
func start(t *testing.T, mk *moneykittest.Server, baseURL string, s settings, traces trace.TracerProvider) *process {
	t.Helper()
	s.baseURL = baseURL
	s.clientID, s.secret = mk.Credentials()
	if traces == nil {
		traces = noop.NewTracerProvider()
	}
	p := &process{out: &log{}}
	var err error
	p.app, err = newApp(t.Context(), s, p.out, traces)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.serve(ctx, listener) }()
	p.stop = sync.OnceValue(func() error {
		cancel()
		defer p.close()
		return <-ended
	})
	t.Cleanup(func() { require.NoError(t, p.stop()) })
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.out.String())
		}
	})
	eventually(t, func() bool { return p.started.Load() })
	return p
}

// startProcess starts the program as a process of its own, and returns its URL.
func startProcess(t *testing.T, mk *moneykittest.Server, baseURL string, s settings) (*exec.Cmd, string) {
	t.Helper()
	id, secret := mk.Credentials()
	args := []string{
		"-listen", "127.0.0.1:0", "-lease", s.lease.String(), "-job-timeout", s.jobTimeout.String(),
		"-rescue", s.stuckAfter.String(), "-poll", s.poll.String(), "-retry", s.retry.String(), "-retry-max", s.retryMax.String(),
	}
	if s.db != "" {
		args = append(args, "-db", s.db)
	}
	command := exec.CommandContext(t.Context(), os.Args[0], args...)
	command.Env = append(os.Environ(), asWorker+"=1", "MONEYKIT_CLIENT_ID="+id, "MONEYKIT_CLIENT_SECRET="+secret,
		"MONEYKIT_BASE_URL="+baseURL, "DATABASE_URL="+s.postgres)
	output := &log{}
	reader, writer := io.Pipe()
	command.Stdout, command.Stderr = io.MultiWriter(output, writer), output
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
		if t.Failed() {
			t.Log(output.String())
		}
	})
	listening := make(chan string, 1)
	go func() {
		var address string
		fmt.Fscanf(reader, "listening on %s\n", &address)
		listening <- address
		io.Copy(io.Discard, reader)
	}()
	select {
	case address := <-listening:
		require.NotEmpty(t, address)
		return command, address
	case <-time.After(time.Minute):
		t.Fatal("the process does not listen")
		return nil, ""
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, 20*time.Millisecond)
}

// copied reports whether the database has the transactions that MoneyKit has.
func (p *process) copied(t *testing.T, mk *moneykittest.Server, linkID string) bool {
	t.Helper()
	have := map[string]bool{}
	for tx, err := range p.database.store.Transactions(t.Context(), linkID) {
		require.NoError(t, err)
		have[tx.ID] = true
	}
	want := mk.Transactions(linkID)
	for _, tx := range want {
		if !have[tx.ID] {
			return false
		}
	}
	return len(have) == len(want)
}

// count returns the number that a query selects.
func (p *process) count(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, p.database.db.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

// idle reports whether no job is left to run.
func (p *process) idle(t *testing.T) bool {
	t.Helper()
	return p.count(t, `SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')`) == 0
}

// get returns the status and the body of a page of the worker.
func (p *process) get(t *testing.T, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

// link makes a link whose webhooks go to a worker.
func link(mk *moneykittest.Server, workerURL string) moneykit.Link {
	return mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001", Webhook: workerURL + webhookPath})
}

// statuses returns the statuses of the last attempts.
func statuses(deliveries []moneykittest.Delivery) []int {
	var all []int
	for _, d := range deliveries {
		all = append(all, d.Attempts[len(d.Attempts)-1].Status)
	}
	return all
}

// exec changes the database behind the program's back.
func (p *process) exec(t *testing.T, statement string) {
	t.Helper()
	_, err := p.database.db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

// spend adds a transaction and delivers the event that announces it.
func spend(mk *moneykittest.Server, linkID string) {
	mk.AddTransactions(linkID, moneykit.Transaction{Amount: moneykit.MustDecimal("1"), Description: "Tea"})
	mk.Deliver()
}
