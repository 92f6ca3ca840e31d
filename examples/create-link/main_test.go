package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for want, given := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"unexpected argument":  {args: []string{"x"}},
		"not defined":          {args: []string{"-x"}},
		"-webhook-url must":    {args: []string{"-webhook-url", "http://example.com/webhooks"}},
		"PUBLIC_URL must":      {env: map[string]string{"PUBLIC_URL": "ftp://example.com"}},
		"belong together":      {env: map[string]string{"MONEYKIT_CLIENT_ID": "id"}},
		"must not both be set": {args: []string{"-db", "x"}, env: map[string]string{"DATABASE_URL": "postgres://"}},
		"cannot listen":        {args: []string{"-addr", "localhost"}},
	} {
		err := run(t.Context(), given.args, env(given.env), io.Discard, io.Discard)
		require.ErrorContains(t, err, want)
	}
}

func TestDatabasesAreRefused(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for want, given := range map[string]settings{
		"must be the URL of a PostgreSQL": {postgres: "mysql://user:" + secret + "@localhost/links"},
		"check that it runs":              {postgres: "postgres://user:" + secret + "@localhost:1/links"},
		"name a file in a folder":         {db: filepath.Join(t.TempDir(), "missing", "links.db")},
	} {
		_, _, err := openDatabase(t.Context(), given)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), secret)
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	err = run(t.Context(), []string{"-addr", listener.Addr().String()}, env(nil), io.Discard, io.Discard)
	require.ErrorContains(t, err, "-addr localhost:8081")
}

func TestWebhookURL(t *testing.T) {
	t.Parallel()
	got, err := webhookURL("", "https://app.example/")
	require.NoError(t, err)
	assert.Equal(t, "https://app.example/webhooks", got)
	got, err = webhookURL("https://app.example/hooks", "https://other.example")
	require.NoError(t, err)
	assert.Equal(t, "https://app.example/hooks", got)
}

// fakeNPM replaces PATH by a folder with only a shell script named npm.
func fakeNPM(t *testing.T, script string) {
	t.Helper()
	bin := t.TempDir()
	if script != "" {
		require.NoError(t, os.WriteFile(filepath.Join(bin, "npm"), []byte("#!/bin/sh\n"+script), 0o700))
	}
	t.Setenv("PATH", bin)
}

const installPackage = `
/bin/mkdir -p node_modules/@moneykit/connect
echo '{"main": "index.js"}' > node_modules/@moneykit/connect/package.json
echo 'export default class {}; export const moneyui = {};' > node_modules/@moneykit/connect/index.js
`

func TestInstallModules(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "packages")
	left := func() []os.DirEntry {
		entries, err := os.ReadDir(filepath.Dir(dir))
		require.NoError(t, err)
		return entries
	}
	var progress bytes.Buffer

	fakeNPM(t, "")
	_, err := installModules(t.Context(), dir, &progress)
	require.ErrorContains(t, err, "npm is missing")
	require.ErrorContains(t, err, "apt install npm")

	fakeNPM(t, "for i in 1 2 3 4 5 6 7 8 9; do echo npm error     at file.js:$i; done >&2; "+
		"echo 'npm warn old' >&2; echo 'npm error code E404' >&2; echo 'npm ERR! 404 Not Found' >&2; exit 1")
	_, err = installModules(t.Context(), dir, &progress)
	require.ErrorContains(t, err, "exit status 1\n\n  npm error code E404\n  npm ERR! 404 Not Found\n\n  Check that")

	fakeNPM(t, installPackage+"echo the registry is down >&2; exit 1")
	_, err = installModules(t.Context(), dir, &progress)
	require.ErrorContains(t, err, "the registry is down")
	assert.Empty(t, left(), "a failed installation leaves nothing")

	fakeNPM(t, "exit 0")
	_, err = installModules(t.Context(), dir, &progress)
	require.ErrorContains(t, err, "did not install")

	fakeNPM(t, installPackage)
	modules, err := installModules(t.Context(), dir, &progress)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "node_modules"), modules)
	assert.Len(t, left(), 1)
	assert.Contains(t, progress.String(), "only this once")

	fakeNPM(t, "")
	for _, folder := range []string{dir, modules} {
		again, err := installModules(t.Context(), folder, &progress)
		require.NoError(t, err, "what is installed needs no npm")
		assert.Equal(t, modules, again)
	}

	script, err := bundle(modules)
	require.NoError(t, err)
	assert.Contains(t, string(script), `"/connect/connect.js"`)
	_, err = bundleScript(`import "no-such-package"; let x = ;`, modules)
	require.ErrorContains(t, err, "could not be built")
	require.ErrorContains(t, err, "app.js:1")
}

func TestInterruptedInstallation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "packages")
	fakeNPM(t, installPackage)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := installModules(ctx, dir, io.Discard)
	require.ErrorContains(t, err, "interrupted")
	assert.NoDirExists(t, dir)
}

// TestRun starts the whole program, reads its address, and stops it.
func TestRun(t *testing.T) {
	fakeNPM(t, installPackage)
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-addr", "localhost:0", "-modules", filepath.Join(t.TempDir(), "m")}, env(nil), in, io.Discard)
		in.Close()
		ended <- err
	}()
	var text strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(text.String(), "Stop") {
		n, err := out.Read(buffer)
		require.NoError(t, err)
		text.Write(buffer[:n])
	}
	assert.Contains(t, text.String(), "Open     http://localhost:")
	assert.Contains(t, text.String(), "in memory")
	cancel()
	require.NoError(t, <-ended)
}
