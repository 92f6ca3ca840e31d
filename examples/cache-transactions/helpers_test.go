package main

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// uncolored removes ANSI sequences.
func uncolored(text string) string {
	return regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(text, "")
}

// cli runs the program as its user would, on a database of the test.
type cli struct {
	t   *testing.T
	env map[string]string
	db  string // empty with DATABASE_URL
}

func newCLI(t *testing.T) *cli {
	t.Helper()
	return &cli{t: t, env: map[string]string{}, db: filepath.Join(t.TempDir(), "copy.db")}
}

// try returns what the program printed and how it ended.
func (c *cli) try(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	c.t.Helper()
	if c.db != "" {
		args = append([]string{args[0], "-db", c.db}, args[1:]...)
	}
	var out, notes bytes.Buffer
	err = run(ctx, args, env(c.env), &out, &notes)
	return out.String(), notes.String(), err
}

// run returns what a run that succeeds prints.
func (c *cli) run(args ...string) string {
	c.t.Helper()
	stdout, stderr, err := c.try(c.t.Context(), args...)
	require.NoError(c.t, err, stderr)
	return stdout
}
