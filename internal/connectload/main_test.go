package main

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestLoad(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-users", "150", "-seed", "7"}, &out), &out)
	for _, want := range []string{
		`users +150, 64 at once, seed 7\n`,
		`faults injected +[1-9]\d* \(429 [1-9]\d*, 5xx [1-9]\d*, late [1-9]\d*, reset [1-9]\d*, truncated [1-9]`,
		`lost exchanges +[1-9]`,
		`hooks that failed +[1-9]`,
		`retries +[1-9]`,
		`posted twice +[1-9]`,
		`disconnected +[1-9]\d* links\n`,
		`forgeries refused +[1-9]`,
		`started over +0 users, 0 orphan links\n`,
		`every user has exactly their own links, connected, with webhook and tags\n$`,
	} {
		assert.Regexp(t, want, out.String())
	}
}

func TestLoadWithoutFaults(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-users", "20", "-workers", "4", "-faults=false"}, &out), &out)
	assert.Regexp(t, `faults injected +0\n`, out.String())
	assert.Regexp(t, `hooks that failed +0\n`, out.String())
	assert.Regexp(t, `retries +0 of front ends\n`, out.String())
}

// TestCheck creates each discrepancy that the program must find.
func TestCheck(t *testing.T) {
	const first, second = 0, 1
	tests := []struct {
		name string
		harm func(l *load, linkID string) // a link of the first of two users
		want string
	}{
		{"nothing", func(*load, string) {}, ""},
		{"the link is broken", func(l *load, linkID string) {
			l.mk.Break(linkID, moneykit.LinkErrorAuthExpired)
		}, "is error, with"},
		{"the link has no webhook", func(l *load, linkID string) {
			_, err := l.client.Links.Update(t.Context(), linkID, moneykit.LinkUpdateParams{Webhook: moneykit.Clear[string]()})
			require.NoError(t, err)
		}, `with the webhook ""`},
		{"the link has other tags", func(l *load, linkID string) {
			_, err := l.client.Links.Update(t.Context(), linkID, moneykit.LinkUpdateParams{Tags: moneykit.Set([]string{"x"})})
			require.NoError(t, err)
		}, `the tags ["x"]`},
		{"the link is deleted", func(l *load, linkID string) {
			require.NoError(t, l.client.Links.Delete(t.Context(), linkID))
		}, "MoneyKit has lost the link"},
		{"the link is doubled", func(l *load, _ string) {
			l.mk.AddLink(moneykittest.LinkSpec{UserID: userID(first)})
		}, "that nobody made"},
		{"somebody else has a link", func(l *load, _ string) {
			l.mk.AddLink(moneykittest.LinkSpec{UserID: "stranger"})
		}, "MoneyKit has"},
		{"the application has lost the link", func(l *load, linkID string) {
			delete(l.app.links, linkID)
		}, "the application has lost the link"},
		{"the application gives the link to another", func(l *load, linkID string) {
			l.app.links[linkID].user = userID(second)
		}, "that is not theirs"},
		{"the application gives the link to nobody", func(l *load, linkID string) {
			l.app.links[linkID].user = ""
		}, "but no user"},
		{"the application stores the link as broken", func(l *load, linkID string) {
			l.app.links[linkID].broken = true
		}, "as broken"},
		{"a hook reports the link for two users", func(l *load, linkID string) {
			require.NoError(t, l.app.linked(t.Context(), userID(second), &moneykit.Link{ID: linkID}))
			l.app.links[linkID].user = userID(first)
		}, "a hook reports the link"},
		{"a hook reports that another user has relinked the link", func(l *load, linkID string) {
			require.NoError(t, l.app.relinked(t.Context(), userID(second), &moneykit.Link{ID: linkID}))
		}, "has relinked the link"},
		{"a request of another user succeeds", func(l *load, linkID string) {
			result := []byte(`{"institution":{"id":"x","selectedAccounts":[]}}`)
			l.newUser(second).forge(t.Context(), userID(first), "result", posted{Result: result, LinkID: linkID})
			l.kept[second] = map[string]bool{}
		}, "succeeded with a request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := newLoad(t.Context(), config{users: 2, workers: 2})
			require.NoError(t, err)
			defer l.close()
			l.live(t.Context())
			require.Empty(t, l.wrong.first)
			linkID := ""
			for id := range l.kept[first] {
				linkID = id
			}
			tt.harm(l, linkID)
			l.check(t.Context())
			var out bytes.Buffer
			if err := l.verdict(&out); tt.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "discrepancies")
				assert.Contains(t, out.String(), tt.want)
			}
		})
	}
}

// TestStartingOver refuses a result permanently, as if its token had expired.
func TestStartingOver(t *testing.T) {
	l, err := newLoad(t.Context(), config{users: 2, workers: 1, seed: 1})
	require.NoError(t, err)
	defer l.close()
	l.mk.Fail("exchange_token", 1, moneykittest.Fault{Code: moneykit.ErrorCodeInvalidTokenExchange})
	l.live(t.Context())
	l.check(t.Context())
	assert.Empty(t, l.wrong.first)
	assert.Equal(t, int64(1), l.again.Load())
	assert.Zero(t, l.orphans.Load(), "the token of the first link was never exchanged")
}

func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, []string{"-users", "3"}, &out), context.Canceled)
}

func TestFrontEnd(t *testing.T) {
	l, err := newLoad(t.Context(), config{users: 2, workers: 1})
	require.NoError(t, err)
	defer l.close()
	got, err := l.insist(t.Context(), userID(1), "relink", posted{LinkID: "mk_1"})
	require.NoError(t, err)
	assert.Equal(t, "not_found (gone)", got.String())
	got, err = l.insist(t.Context(), userID(1), "nowhere", posted{})
	require.NoError(t, err)
	assert.Equal(t, "not_found (fix_the_program)", got.String())
	_, err = l.insist(t.Context(), userID(1), "result", func() {})
	require.Error(t, err)
	l.mk.Fail("create_link_session", -1, moneykittest.Fault{Status: http.StatusBadGateway})
	_, err = l.insist(t.Context(), userID(1), "session", posted{})
	require.ErrorContains(t, err, "after all retries")
	assert.Equal(t, int64(tries), l.retries.Load())
	require.ErrorContains(t, l.newUser(0).exit(t.Context(), posted{Result: []byte(`"x"`)}), "the response to an exit is")
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"one user", []string{"-users", "1"}, "two users"},
		{"no workers", []string{"-workers", "0"}, "one worker"},
		{"an argument", []string{"x"}, "unexpected argument"},
		{"an unknown flag", []string{"-x"}, "flag provided but not defined"},
		{"help", []string{"-h"}, "help requested"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), tt.args, &out), tt.want)
		})
	}
}
