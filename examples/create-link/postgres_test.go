//go:build unix

package main

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

var postgres = flag.Bool("postgres", false, "also test the store on a PostgreSQL that the test starts with Debian's binaries")

// TestStores runs the suite on each database that was asked for.
func TestStores(t *testing.T) {
	sources := map[string]string{"sqlite": ":memory:"}
	if *postgres {
		sources["pgx"] = startPostgres(t)
	}
	for driver, source := range sources {
		t.Run(driver, func(t *testing.T) {
			s, err := openStore(t.Context(), driver, source)
			require.NoError(t, err)
			defer s.close()
			testStore(t, s)
		})
	}
}

// startPostgres starts a server that listens on a socket in a folder of the test, and returns its
// URL. PostgreSQL refuses to run as root, so root starts it as the user nobody.
func startPostgres(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	require.NoError(t, err)
	require.NotEmpty(t, found, "install the package postgresql")
	bin := found[len(found)-1]
	dir, err := os.MkdirTemp("", "pg") //nolint:usetesting // A socket's path must be short.
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	var as *syscall.SysProcAttr
	if os.Getuid() == 0 {
		nobody, err := user.Lookup("nobody")
		require.NoError(t, err)
		uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
		require.NoError(t, err)
		gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
		require.NoError(t, err)
		require.NoError(t, os.Chown(dir, int(uid), int(gid)))
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	data := filepath.Join(dir, "data")
	command := func(name string, args ...string) {
		c := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(bin, name), args...)
		c.Dir, c.SysProcAttr = dir, as
		output, err := c.CombinedOutput()
		require.NoError(t, err, string(output))
	}
	command("initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync")
	command("pg_ctl", "-D", data, "-w", "-l", filepath.Join(dir, "log"), "-o", "-c listen_addresses= -c fsync=off -k "+dir, "start")
	t.Cleanup(func() { command("pg_ctl", "-D", data, "-m", "immediate", "stop") })
	return "postgres://tester@/postgres?host=" + dir
}
