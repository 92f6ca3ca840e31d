//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain runs the test binary as the child processes of the program.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestCompare(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-rows", "2345", "-rounds", "2", "-max-ratio", "1000", "-max-mib", "1000"}, &out))
	assert.Regexp(t, `engine +2345 `, out.String())
	assert.Regexp(t, `hand +2345 `, out.String())
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-rows", "2345", "-rounds", "1", "-max-mib", "-1000", "-json"}, &out))
	var c comparison
	require.NoError(t, json.Unmarshal(out.Bytes(), &c))
	assert.Equal(t, 2345, c.Engine.Rows)
	assert.Len(t, c.Ratios, 1)
	require.ErrorContains(t, run(t.Context(), []string{"-rows", "1", "-rounds", "1", "-max-mib", "-1000"}, &out), "more than")
	require.Error(t, run(t.Context(), []string{"-x"}, &out))
}

func TestServe(t *testing.T) {
	t.Setenv(roleVariable, "serve")
	ctx, cancel := context.WithCancel(t.Context())
	address, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-rows", "7"}, out) }()
	line, err := bufio.NewReader(address).ReadString('\n')
	require.NoError(t, err)
	rows, err := hand(t.Context(), strings.TrimSpace(line))
	require.NoError(t, err)
	assert.Equal(t, 7, rows)
	_, err = page(t.Context(), http.DefaultClient, strings.TrimSpace(line)+"/links/mk_1/transactions/sync?size=x")
	require.ErrorContains(t, err, "422")
	cancel()
	require.ErrorIs(t, <-ended, http.ErrServerClosed)
}

func TestBothReadAllRows(t *testing.T) {
	server := httptest.NewServer(handler(1234))
	defer server.Close()
	for name, sync := range map[string]func(context.Context, string) (int, error){"engine": engine, "hand": hand} {
		var out bytes.Buffer
		require.NoError(t, measure(t.Context(), &out, func(ctx context.Context) (int, error) { return sync(ctx, server.URL) }), name)
		var c cost
		require.NoError(t, json.Unmarshal(out.Bytes(), &c))
		assert.Equal(t, 1234, c.Rows, name)
		assert.Positive(t, c.PeakMiB)
		assert.Positive(t, c.IdleMiB)
		_, err := sync(t.Context(), server.URL+"/nothing")
		require.Error(t, err, name)
	}
	for _, role := range []string{"engine", "hand"} {
		t.Setenv(roleVariable, role)
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-url", server.URL}, &out))
		assert.Contains(t, out.String(), `"Rows":1234`)
	}
	_, err := engine(t.Context(), "not a URL")
	require.Error(t, err)
	_, err = hand(t.Context(), "not a URL")
	require.Error(t, err)
	require.ErrorIs(t, measure(t.Context(), io.Discard, func(context.Context) (int, error) { return 0, io.EOF }), io.EOF)
}
