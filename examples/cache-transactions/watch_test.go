package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// watching is a running watch.
type watching struct {
	t       *testing.T
	outputs chan outcome
	notes   chan string
	ended   chan error
	stop    context.CancelFunc
}

func (c *cli) watch(args ...string) *watching {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	w := &watching{c.t, make(chan outcome, 1000), make(chan string, 1000), make(chan error, 1), cancel}
	outRead, out := io.Pipe()
	notesRead, notes := io.Pipe()
	go func() {
		lines := bufio.NewScanner(outRead)
		for lines.Scan() {
			var o outcome
			assert.NoError(c.t, json.Unmarshal(lines.Bytes(), &o), lines.Text())
			w.outputs <- o
		}
	}()
	go func() {
		lines := bufio.NewScanner(notesRead)
		for lines.Scan() {
			w.notes <- lines.Text()
		}
	}()
	go func() {
		w.ended <- run(ctx, c.args(append([]string{"watch", "-json"}, args...)), env(c.env), out, notes)
		_ = out.Close()
		_ = notes.Close()
	}()
	c.t.Cleanup(cancel)
	return w
}

// until waits for an outcome.
func (w *watching) until(good func(outcome) bool) outcome {
	w.t.Helper()
	for {
		select {
		case o := <-w.outputs:
			if good(o) {
				return o
			}
		case err := <-w.ended:
			require.FailNow(w.t, "it ended", "%v", err)
		}
	}
}

// note waits for a line of standard error with a text.
func (w *watching) note(text string) string {
	w.t.Helper()
	for {
		select {
		case line := <-w.notes:
			if strings.Contains(line, text) {
				return line
			}
		case err := <-w.ended:
			require.FailNow(w.t, "it ended", "%v", err)
		}
	}
}

// end stops it gracefully.
func (w *watching) end() {
	w.t.Helper()
	w.stop()
	require.NoError(w.t, <-w.ended)
}

// testWatch receives the webhooks of the sandbox.
func testWatch(c *cli) {
	w := c.watch("-listen", "127.0.0.1:0", "-play", "300ms", "-every", "1h")
	url := strings.TrimSuffix(strings.Fields(w.note("Webhooks are received at"))[4], ".")
	seen := map[string]bool{}
	for len(seen) < len(sandboxLinks()) {
		seen[w.until(func(o outcome) bool { return o.Done }).LinkID] = true
	}
	for range 2 { // No sync of all links is due.
		w.until(func(o outcome) bool { return o.Written > 0 && o.Pages == 1 })
	}
	for _, path := range []string{"", "/else"} {
		request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, url+path, strings.NewReader(`{}`))
		require.NoError(c.t, err)
		response, err := http.DefaultClient.Do(request)
		require.NoError(c.t, err)
		_ = response.Body.Close()
		assert.Equal(c.t, map[string]int{"": http.StatusBadRequest, "/else": http.StatusNotFound}[path], response.StatusCode)
	}
	w.end()
	c.outcomes("sync") // The sandbox is free again.
	for _, o := range c.outcomes("sync") {
		assert.Zero(c.t, o.Written)
	}
}

// testPoll syncs without webhooks, and goes on when a link breaks.
func testPoll(c *cli) {
	mk, url := newServer(c.t)
	c.use(mk, url)
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "alice"})
	c.outcomes("sync", "-user", "alice")
	w := c.watch("-every", "20ms")
	w.until(func(o outcome) bool { return o.Done })
	mk.AddTransactions(link.ID, moneykit.Transaction{Amount: moneykit.MustDecimal("1")})
	w.until(func(o outcome) bool { return o.Written > 0 })
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	w.until(func(o outcome) bool { return o.Action == moneykit.ActionRelink })
	mk.Break(link.ID, "")
	w.until(func(o outcome) bool { return o.Done })
	w.end()
	requireCopy(c.t, c.shown(), mk.Transactions(link.ID))
}

func TestShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", 5 * time.Minute: "5m", 10 * time.Second: "10s", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s",
	} {
		assert.Equal(t, want, short(d))
	}
}
