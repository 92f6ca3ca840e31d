package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

func env(vars map[string]string) func(string) string {
	return func(key string) string { return vars[key] }
}

func TestDay(t *testing.T) {
	var out, note bytes.Buffer
	require.NoError(t, run(t.Context(), nil, env(nil), &out, &note))
	assert.Empty(t, note.String())

	rest := out.String()
	for _, want := range []string{
		"showing a day in the sandbox",
		"07:00:00  app       link mk_", "is connected\n", "MoneyKit  attempt 1: 204\n", "sync its transactions\n",
		"08:00:00  app       link mk_", "has new transactions: read them\n", "sync its transactions\n",
		"09:30:00  app       link mk_", "does not work (auth_expired): ask the user to reconnect the bank\n",
		"09:45:00  app       link mk_", "is connected\n",
		"11:00:00  MoneyKit  attempt 1: no response\n11:00:10  MoneyKit  attempt 2: no response\n11:00:30  MoneyKit  attempt 3: no response\n",
		"11:01:10  app       link mk_", "has new accounts: read them\n11:01:10  MoneyKit  attempt 4: 204\n",
		"12:30:00  app       link mk_", "has new accounts: read them\n12:30:00  MoneyKit  attempt 1: 204\n12:30:00  MoneyKit  attempt 2: 204\n",
		"14:00:00  log       level=WARN", "is not signed", "forger    unsigned: 400, with a body of 0 bytes\n",
		"signature is invalid", "forger    other_key: 400, with a body of 0 bytes\n",
		"is not what was signed", "forger    swapped: 400, with a body of 0 bytes\n",
		"is out of date", "forger    stale: 400, with a body of 0 bytes\n",
		"16:00:00  app       link mk_", "sync its transactions\n16:00:00  MoneyKit  attempt 1: 204\n",
		"17:00:00  app       link mk_", "sync its transactions\n17:00:00  MoneyKit  attempt 1: 204\n",
		"18:30:00  app       link mk_", "is deleted: delete its data\n18:30:00  MoneyKit  attempt 1: 204\n",
		"\nDelivered 16 events. Deliveries without a response: 3. Duplicates: 1. Forged webhooks refused: 4.\n" +
			"The app fetched MoneyKit's keys 2 times.\n",
	} {
		_, after, found := strings.Cut(rest, want)
		require.True(t, found, "%q is missing or in the wrong order in\n%s", want, out.String())
		rest = after
	}
	assert.Empty(t, rest)

	var again bytes.Buffer
	require.NoError(t, run(t.Context(), nil, env(nil), &again, &note))
	assert.Equal(t, out.String(), again.String())
}

// program is the program running in the background with credentials.
type program struct {
	out   screen
	log   bytes.Buffer // read it only after the program has ended
	url   string
	stop  context.CancelFunc
	ended chan error
}

// screen receives the printed lines.
type screen chan string

func (s screen) Write(line []byte) (int, error) {
	s <- string(line)
	return len(line), nil
}

func start(t *testing.T, mk *moneykittest.Server) *program {
	t.Helper()
	id, secret := mk.Credentials()
	vars := env(map[string]string{"MONEYKIT_CLIENT_ID": id, "MONEYKIT_CLIENT_SECRET": secret})
	args := []string{"-addr", "127.0.0.1:0", "-base-url", mk.URL()}
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	p := &program{out: make(screen, 100), stop: stop, ended: make(chan error, 1)}
	go func() { p.ended <- run(ctx, args, vars, p.out, &p.log) }()
	select {
	case line := <-p.out:
		p.url = strings.TrimSpace(strings.TrimPrefix(line, "Listening on "))
	case err := <-p.ended:
		require.FailNow(t, "it does not listen", err)
	}
	return p
}

// send sends r, and returns the status and the body of the response.
func send(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r.WithContext(t.Context()))
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestServer(t *testing.T) {
	mk := moneykittest.NewServer(t)
	p := start(t, mk)
	event := func(name, key, rest string) *http.Request {
		return mk.SignedRequest(p.url, fmt.Appendf(nil,
			`{"webhook_event":%q,"webhook_major_version":1,"webhook_minor_version":0,"webhook_idempotency_key":%q,`+
				`"webhook_timestamp":"2026-03-02T08:00:00Z","link_id":"mk_1","link_tags":[]%s}`, name, key, rest))
	}

	tests := []struct{ name, rest, want string }{
		{"link.state_changed", `,"state":"connected"`, "link mk_1 is connected"},
		{
			"link.state_changed", `,"state":"error","error":"auth_expired"`,
			"link mk_1 does not work (auth_expired): ask the user to reconnect the bank",
		},
		{
			"link.state_changed", `,"state":"error","error":"institution_error"`,
			"link mk_1 does not work (institution_error): wait until it works again",
		},
		{"link.state_changed", `,"state":"deleted"`, "link mk_1 is deleted: delete its data"},
		{"link.state_changed", `,"state":"asleep"`, "link mk_1 is in state asleep"},
		{"link.product_refresh", `,"product":"identity","state":"completed"`, "link mk_1 has new identity: read them"},
		{"product.state_changed", `,"product":"identity","state":"failed","error_message":"why"`, "link mk_1 has no new identity: why"},
		{"link.product_refresh", `,"product":"identity","state":"pending"`, "link mk_1: the refresh of identity is pending"},
		{"transactions.updates_available", `,"has_history":true`, "link mk_1: sync its transactions"},
		{"transactions.updates_available", `,"has_history":false`, "link mk_1: sync its transactions; older ones will follow"},
		{"link.renamed", ``, `link mk_1: ignored the unknown event "link.renamed" of version 1.0`},
	}
	for i, tt := range tests {
		status, _ := send(t, event(tt.name, fmt.Sprint("key-", i), tt.rest))
		require.Equal(t, http.StatusNoContent, status)
		assert.Regexp(t, `^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `+regexp.QuoteMeta(tt.want)+`\n$`, <-p.out)
	}

	status, _ := send(t, event(tests[0].name, "key-0", tests[0].rest))
	assert.Equal(t, http.StatusNoContent, status, "it was handled before")
	for _, how := range moneykittest.Tamperings() {
		status, body := send(t, mk.Tamper(event(tests[0].name, "forged", tests[0].rest), how))
		want := http.StatusBadRequest
		if how == moneykittest.TamperUnknownKey { // The key may be newer than the cached keys.
			want = http.StatusServiceUnavailable
		}
		assert.Equal(t, want, status, how)
		assert.Empty(t, body, how)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url, nil)
	require.NoError(t, err)
	status, _ = send(t, r)
	assert.Equal(t, http.StatusMethodNotAllowed, status)

	p.stop()
	require.NoError(t, <-p.ended)
	assert.Empty(t, p.out, "nothing else was printed")
	assert.Equal(t, 10+1, strings.Count(p.log.String(), "webhook refused"), "ten of each status a minute")
	_, secret := mk.Credentials()
	assert.NotContains(t, p.log.String(), secret)
}

// TestShutdown checks that the program finishes an active delivery before it ends.
func TestShutdown(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stop()
		for { // until the program accepts no more connections
			conn, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", listener.Addr().String())
			if err != nil {
				break
			}
			conn.Close()
		}
		w.WriteHeader(http.StatusNoContent)
	})
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, handler, slog.New(slog.DiscardHandler)) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+listener.Addr().String(), nil)
	require.NoError(t, err)
	status, _ := send(t, r)
	assert.Equal(t, http.StatusNoContent, status)
	require.NoError(t, <-ended)
}

func TestUsage(t *testing.T) {
	busy, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { busy.Close() })
	both := map[string]string{"MONEYKIT_CLIENT_ID": "a", "MONEYKIT_CLIENT_SECRET": "b"}
	tests := []struct {
		name string
		args []string
		vars map[string]string
		want string
	}{
		{"an id without a secret", nil, map[string]string{"MONEYKIT_CLIENT_ID": "a"}, "set both"},
		{"a secret without an id", nil, map[string]string{"MONEYKIT_CLIENT_SECRET": "a"}, "set both"},
		{"a base URL without credentials", []string{"-base-url", "https://example.com"}, nil, "set both"},
		{"an unusable base URL", []string{"-base-url", "x"}, both, "base URL"},
		{"an address that is in use", []string{"-addr", busy.Addr().String()}, both, "listen tcp"},
		{"an address without a port", []string{"-addr", "localhost"}, both, "missing port"},
		{"an unknown flag", []string{"-x"}, nil, "flag provided but not defined"},
		{"an argument", []string{"x"}, nil, "unexpected argument"},
		{"help", []string{"-h"}, nil, "help requested"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), tt.args, env(tt.vars), &out, &out), tt.want)
		})
	}
}
