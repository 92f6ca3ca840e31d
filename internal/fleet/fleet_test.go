//go:build linux

package fleet

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// fleet is a number of workers. Killed workers are started again.
type fleet struct {
	program string
	env     []string
	log     *os.File

	mu            sync.Mutex
	workers       []*worker
	kills, pauses int
}

// worker is a process of examples/worker.
type worker struct {
	cmd     *exec.Cmd
	address string
	ended   chan struct{}
}

func startFleet(t *testing.T, sandbox *moneykittest.Server, api, database string, n int) *fleet {
	t.Helper()
	dir := t.TempDir()
	f := &fleet{program: filepath.Join(dir, "worker")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", f.program, ".")
	build.Dir = "../../examples/worker"
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	f.log, err = os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	id, secret := sandbox.Credentials()
	f.env = append(os.Environ(), "DATABASE_URL="+database, "MONEYKIT_BASE_URL="+api, "MONEYKIT_CLIENT_ID="+id, "MONEYKIT_CLIENT_SECRET="+secret)
	for range n {
		w, err := f.start(t.Context())
		require.NoError(t, err)
		f.workers = append(f.workers, w)
	}
	t.Cleanup(func() {
		for _, w := range f.workers {
			_ = w.cmd.Process.Signal(syscall.SIGCONT)
			_ = w.cmd.Process.Kill()
		}
		if t.Failed() {
			f.showLog(t)
		}
	})
	return f
}

// showLog prints the end of the workers' logs.
func (f *fleet) showLog(t *testing.T) {
	t.Helper()
	data, err := os.ReadFile(f.log.Name())
	require.NoError(t, err)
	t.Logf("the workers said last:\n%s", data[max(0, len(data)-20_000):])
}

// said counts how often the logs of the workers contain a text.
func (f *fleet) said(t *testing.T, text string) int {
	t.Helper()
	data, err := os.ReadFile(f.log.Name())
	require.NoError(t, err)
	return bytes.Count(data, []byte(text))
}

// start starts a worker and waits until it is ready.
func (f *fleet) start(ctx context.Context) (*worker, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), f.program, "-listen", "127.0.0.1:0",
		"-workers", "8", "-lease", "3s", "-job-timeout", "5s", "-rescue", "7s", "-poll", "200ms",
		"-retry", "200ms", "-retry-max", "2s", "-grace", "5s")
	cmd.Env, cmd.Stderr = f.env, f.log
	said, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &worker{cmd: cmd, ended: make(chan struct{})}
	lines := bufio.NewReader(said)
	for w.address == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, errors.Join(err, cmd.Wait())
		}
		_, w.address, _ = strings.Cut(strings.TrimSpace(line), "listening on ")
	}
	go func() {
		defer close(w.ended)
		_, _ = io.Copy(f.log, lines)
		_ = cmd.Wait() // It was killed.
	}()
	return w, nil
}

// disturb kills and pauses workers until ctx ends.
func (f *fleet) disturb(ctx context.Context, random *rand.Rand) {
	for {
		wait(ctx, time.Duration(500+random.IntN(1500))*time.Millisecond)
		if ctx.Err() != nil {
			return
		}
		i := random.IntN(len(f.workers))
		if random.IntN(2) == 0 {
			f.kill(ctx, i)
			continue
		}
		f.mu.Lock()
		process := f.workers[i].cmd.Process
		f.pauses++
		f.mu.Unlock()
		_ = process.Signal(syscall.SIGSTOP)
		// Sometimes longer than a lease, so that other workers take over.
		time.AfterFunc(time.Duration(random.IntN(6000))*time.Millisecond, func() { _ = process.Signal(syscall.SIGCONT) })
	}
}

// kill kills a worker and starts another in its place.
func (f *fleet) kill(ctx context.Context, i int) {
	f.mu.Lock()
	old := f.workers[i]
	f.kills++
	f.mu.Unlock()
	_ = old.cmd.Process.Kill()
	<-old.ended
	if next, err := f.start(ctx); err == nil {
		f.mu.Lock()
		f.workers[i] = next
		f.mu.Unlock()
	}
}

// calm continues all workers.
func (f *fleet) calm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.workers {
		_ = w.cmd.Process.Signal(syscall.SIGCONT)
	}
}

// stop ends the workers like a deployment.
func (f *fleet) stop(t *testing.T) {
	t.Helper()
	for _, w := range f.workers {
		require.NoError(t, w.cmd.Process.Signal(syscall.SIGTERM))
	}
	for _, w := range f.workers {
		<-w.ended
		require.True(t, w.cmd.ProcessState.Success(), "a worker ends with %v", w.cmd.ProcessState)
	}
}

// any returns the address of one of the workers, which may be paused or killed.
func (f *fleet) any(n int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.workers[n%len(f.workers)].address
}

// road transports webhooks to the workers. It loses, delays and duplicates them.
type road struct {
	fleet *fleet
	calm  atomic.Bool

	mu     sync.Mutex
	random *rand.Rand

	sent, lost, late, twice atomic.Int64
}

// RoundTrip implements [http.RoundTripper].
func (r *road) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.sent.Add(1)
	r.mu.Lock()
	n, to, again, delay := r.random.IntN(100), r.random.Int(), r.random.Int(), time.Duration(r.random.IntN(1500))*time.Millisecond
	r.mu.Unlock()
	if r.calm.Load() {
		n = 100
	}
	switch {
	case n < 5:
		r.lost.Add(1)
		return nil, errors.New("lost on the way")
	case n < 15:
		r.late.Add(1)
		wait(req.Context(), delay)
	case n < 25:
		r.twice.Add(1)
		if resp, err := r.send(req, body, again); err == nil {
			_ = resp.Body.Close()
		}
	case n < 30: // MoneyKit does not see the response.
		r.lost.Add(1)
		if resp, err := r.send(req, body, to); err == nil {
			_ = resp.Body.Close()
		}
		return nil, errors.New("the response is lost")
	}
	return r.send(req, body, to)
}

// send sends a webhook to one of the workers.
func (r *road) send(req *http.Request, body []byte, to int) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), 3*time.Second)
	defer cancel()
	out := req.Clone(ctx)
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.URL.Scheme, out.URL.Host, _ = strings.Cut(r.fleet.any(to), "://")
	out.URL.Path, out.Host = "/webhooks/moneykit", out.URL.Host
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	// The response must outlive the context.
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return resp, err
}

// counter counts the requests to the sandbox.
type counter struct{ all, syncs, tokens, refused atomic.Int64 }

// serve serves a handler to other processes, and returns its address.
func (c *counter) serve(t *testing.T, h http.Handler) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.all.Add(1)
		switch {
		case strings.HasSuffix(r.URL.Path, "/transactions/sync"):
			c.syncs.Add(1)
		case r.URL.Path == "/auth/token":
			c.tokens.Add(1)
		}
		h.ServeHTTP(&watched{ResponseWriter: w, refused: &c.refused}, r)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

// watched counts responses with status 429.
type watched struct {
	http.ResponseWriter

	refused *atomic.Int64
}

// WriteHeader implements [http.ResponseWriter].
func (w *watched) WriteHeader(status int) {
	if status == http.StatusTooManyRequests {
		w.refused.Add(1)
	}
	w.ResponseWriter.WriteHeader(status)
}
