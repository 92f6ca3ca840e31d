package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOutput(t *testing.T) {
	var out, note bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, &note))
	assert.Empty(t, note.String())

	rest := out.String()
	const kept = "webhook https://app.example/webhooks/moneykit, tags household plan-basic\n"
	for _, want := range []string{
		"07:00:00  browser   POST /connect/session: 200, starts Connect with link\n",
		"07:00:00  app       stored link mk_", " of user_0001\n07:00:00  browser   POST /connect/result: 200, linked\n",
		"07:00:00  MoneyKit  link mk_", ": connected, " + kept,
		"09:00:00  app       the link is now in state error (invalid_credentials)\n09:00:00  app       message to user_0001: ",
		"Please reconnect your bank",
		"09:00:00  MoneyKit  delivers link.state_changed, attempt 1: 204\n09:00:00  MoneyKit  delivers link.state_changed, attempt 2: 204\n",
		"10:00:00  browser   POST /connect/relink: 200, starts Connect with relink\n", "the double click opened one session\n",
		"10:00:00  app       user_0001 left Connect\n10:00:00  browser   POST /connect/result: 200, exited\n",
		"10:00:00  MoneyKit  link mk_", ": error, " + kept,
		"12:00:00  browser   POST /connect/relink: 200, starts Connect with relink\n", "the session is new\n",
		"12:00:00  app       link mk_", " of user_0001 works again\n12:00:00  browser   POST /connect/result: 200, relinked\n",
		"12:00:00  MoneyKit  link mk_", ": connected, " + kept,
		"12:00:00  app       the link is now connected\n",
		"12:01:00  browser   POST /connect/relink: 409, not_needed: ",
		" is connected, with the same webhook and tags as at the beginning.\n",
	} {
		_, after, found := strings.Cut(rest, want)
		require.True(t, found, "%q is missing or in the wrong order in\n%s", want, out.String())
		rest = after
	}
	assert.Empty(t, rest)
	assert.Equal(t, 1, strings.Count(out.String(), "app       message to "), "the event is handled once")

	for _, source := range []string{"web", "ios", "android", "react_native"} {
		var again bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-source", source}, &again, &note))
		assert.Equal(t, out.String(), again.String(), "the output is the same in every run and on every platform")
	}
}

func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, nil, &out, &out), context.Canceled)
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a platform that does not exist", []string{"-source", "fax"}, "there is no platform"},
		{"an unknown flag", []string{"-x"}, "flag provided but not defined"},
		{"an argument", []string{"x"}, "unexpected argument"},
		{"help", []string{"-h"}, "help requested"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), tt.args, &out, &out), tt.want)
		})
	}
}
