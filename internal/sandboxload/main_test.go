package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

//nolint:paralleltest // it counts goroutines and memory of the process
func TestLoad(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-users", "60", "-workers", "4", "-reads", "80"}, &out), &out)
	for _, want := range []string{
		`users +60, 4 at once\n`,
		`before +heap \d+\.\d MiB, \d+ goroutines, 0 connections\n`,
		`requests +300 in \d+\.\d s: \d+/s, p50 \S+s, p99 \S+s\n`,
		`webhooks +120\n`,
		`after +heap \d+\.\d MiB, \d+ goroutines, 0 connections\n`,
		`a user +\d+ bytes\n`,
		`reads +80 in .*\nreads +80 in .*\n$`,
	} {
		assert.Regexp(t, want, out.String())
	}
}

//nolint:paralleltest // it counts goroutines and memory of the process
func TestJSON(t *testing.T) {
	var out bytes.Buffer
	profile := filepath.Join(t.TempDir(), "cpu")
	args := []string{"-users", "3", "-workers", "1", "-reads", "5", "-json", "-cpuprofile", profile}
	require.NoError(t, run(t.Context(), args, &out), &out)
	var figures map[string]float64
	require.NoError(t, json.Unmarshal(out.Bytes(), &figures), out.String())
	assert.Positive(t, figures["Bytes"])
	assert.FileExists(t, profile)
}

//nolint:paralleltest // it counts goroutines and memory of the process
func TestBounds(t *testing.T) {
	for _, tt := range []struct{ name, flag, value, want string }{
		{"too slow", "-min-rps", "1e9", "requests a second are fewer than 1000000000"},
		{"too large", "-max-bytes", "1", "bytes, more than 1"},
		{"no place for the profile", "-cpuprofile", t.TempDir(), "is a directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), []string{"-users", "3", "-workers", "1", "-reads", "5", tt.flag, tt.value}, &out)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

//nolint:paralleltest // it counts goroutines and memory of the process
func TestFailures(t *testing.T) {
	l, err := newLoad(t.Context(), config{users: 3, workers: 1, reads: 5})
	require.NoError(t, err)
	defer l.close()
	for i, operation := range []string{"create_access_token", "create_link_session", "exchange_token", "get_accounts", "get_transactions_sync"} {
		l.mk.Fail(operation, 1, moneykittest.Fault{Status: http.StatusBadGateway})
		l.each(t.Context(), 1, l.link)
		assert.Equal(t, int64(i+1), l.failures.Load(), operation)
	}
	require.ErrorContains(t, *l.failure.Load(), "POST /auth/token has the status 502")
	l.mk.Fail("get_accounts", 1, moneykittest.Fault{Truncate: true})
	require.Error(t, l.accounts(t.Context(), "", l.links[0]))
	require.Error(t, l.send(t.Context(), "", http.MethodGet, "/links", "", new(int)))
	require.Error(t, l.send(t.Context(), "", "bad method", "/", "", nil))
	l.mk.Close()
	require.NoError(t, l.server.Close())
	require.Error(t, l.accounts(t.Context(), "", l.links[0]))
}

// TestGrowth leaves behind each kind of leak that the program must find.
//
//nolint:paralleltest // it counts goroutines and memory of the process
func TestGrowth(t *testing.T) {
	before := sizes{heap: 1 << 20, goroutines: 5, connections: 0}
	linked := sizes{heap: 50 << 20, goroutines: 5, connections: 0}
	for want, now := range map[string]sizes{
		"":                            {50<<20 + slack, 5, 0},
		"1 connections are left open": {50 << 20, 6, 1},
		"2 goroutines are left":       {50 << 20, 7, 0},
		"the heap grow by 6.0 MiB":    {56 << 20, 5, 0},
	} {
		if err := now.growth(before, linked); want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
}

//nolint:paralleltest // it counts goroutines and memory of the process
func TestTake(t *testing.T) {
	l, err := newLoad(t.Context(), config{users: 1, workers: 1, reads: 1})
	require.NoError(t, err)
	defer l.close()
	before := l.take()
	require.NoError(t, l.link(t.Context(), 0))
	assert.Equal(t, int64(1), l.connections.Load(), "the client keeps its connection")
	after := l.take()
	assert.Equal(t, int64(0), after.connections)
	assert.LessOrEqual(t, after.goroutines, before.goroutines)
	assert.Contains(t, after.String(), "MiB")
}

//nolint:paralleltest // it counts goroutines and memory of the process
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, []string{"-users", "3"}, &out), context.Canceled)
}

func TestLatencies(t *testing.T) {
	t.Parallel()
	var s latencies
	assert.Zero(t, s.quantile(0.5))
	for i := range 100 {
		s.add(time.Duration(i+1) * time.Millisecond)
	}
	assert.Equal(t, int64(100), s.count())
	assert.InEpsilon(t, 50*time.Millisecond, s.quantile(0.50), 0.06)
	assert.InEpsilon(t, 99*time.Millisecond, s.quantile(0.99), 0.06)
	s.add(0)
	s.add(1000 * time.Hour)
	assert.Greater(t, s.quantile(1), 100*time.Second)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no users", []string{"-users", "0"}, "one user"},
		{"no workers", []string{"-workers", "0"}, "one worker"},
		{"no reads", []string{"-reads", "0"}, "one read"},
		{"an argument", []string{"x"}, "unexpected argument"},
		{"an unknown flag", []string{"-x"}, "flag provided but not defined"},
		{"help", []string{"-h"}, "help requested"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), tt.args, &out), tt.want)
		})
	}
}
