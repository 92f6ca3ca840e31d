//go:build unix

package main

import (
	"context"
	"io"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestSettingsAreRefused(t *testing.T) {
	t.Parallel()
	keys := map[string]string{"MONEYKIT_CLIENT_ID": "id", "MONEYKIT_CLIENT_SECRET": "secret"}
	for want, given := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"unexpected argument":             {args: []string{"x"}},
		"not defined":                     {args: []string{"-x"}},
		"belong together":                 {env: map[string]string{"MONEYKIT_CLIENT_ID": "id"}},
		"MONEYKIT_BASE_URL needs":         {env: map[string]string{"MONEYKIT_BASE_URL": "http://localhost"}},
		"two databases":                   {args: []string{"-db", "x"}, env: map[string]string{"DATABASE_URL": "postgres://"}},
		"a database that outlives":        {env: keys},
		"-workers must":                   {args: []string{"-workers", "0"}},
		"-lease must be at least":         {args: []string{"-lease", "1ms"}},
		"-poll must be at least":          {args: []string{"-poll", "1ms"}},
		"-retry-max must be at least 1s":  {args: []string{"-retry-max", "1ms"}},
		"longer than -job-timeout":        {args: []string{"-job-timeout", "5s", "-rescue", "5s"}},
		"cannot listen":                   {args: []string{"-listen", "localhost"}},
		"must be the URL of a PostgreSQL": {env: map[string]string{"DATABASE_URL": "mysql://user:hunter2@localhost/links"}},
		"check that it runs":              {env: map[string]string{"DATABASE_URL": "postgres://user:hunter2@localhost:1/links"}},
		"name a file in a folder":         {args: []string{"-db", filepath.Join(t.TempDir(), "missing", "worker.db")}},
	} {
		args := append([]string{"-listen", "127.0.0.1:0"}, given.args...)
		err := run(t.Context(), args, env(given.env), io.Discard, io.Discard)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	testDemo(t, settings{}) // in memory
	out := &log{}
	require.NoError(t, run(t.Context(), []string{"-listen", "127.0.0.1:0", "-for", "1ms"}, env(nil), out, out))
	assert.Contains(t, out.String(), "msg=stopping")
}

func testDemo(t *testing.T, s settings) {
	t.Helper()
	out := &log{}
	args := []string{"-listen", "127.0.0.1:0"}
	if s.db != "" {
		args = append(args, "-db", s.db)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, env(map[string]string{"DATABASE_URL": s.postgres}), out, out) }()
	for _, want := range []string{
		`^listening on http://127\.0\.0\.1:\d+\n`,
		`msg="demo: a user links a bank"`,
		`msg="webhook queued"`,
		`outcome=done task=sync_transactions`,
		`msg="relink needed"`,
	} {
		eventually(t, func() bool { return regexp.MustCompile(want).MatchString(out.String()) })
	}
	cancel()
	require.NoError(t, <-ended)
	assert.Contains(t, out.String(), "msg=stopping")
	assert.NotContains(t, out.String(), "level=ERROR")
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	b := backoff{time.Second, time.Minute}
	for failures, most := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 6: time.Minute, 900: time.Minute} {
		job := &rivertype.JobRow{Errors: make([]rivertype.AttemptError, failures)}
		delay := time.Until(b.NextRetry(job))
		assert.LessOrEqual(t, delay, most)
		assert.Greater(t, delay, most/2-time.Second)
	}
}
