//go:build unix

// Package postgrestest starts a PostgreSQL for a test, with the programs of Debian's package
// postgresql.
package postgrestest

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Start starts a server that listens on a socket in a folder of the test, and returns its URL. The
// server and its data end with the test.
func Start(tb testing.TB) string {
	tb.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		tb.Fatal("install the package postgresql")
	}
	bin := found[len(found)-1]
	dir, err := os.MkdirTemp("", "pg") //nolint:usetesting // A socket's path must be short.
	check(tb, err, "")
	tb.Cleanup(func() { check(tb, os.RemoveAll(dir), "") })
	as := owner(tb, dir)
	command := func(name string, args ...string) {
		c := exec.CommandContext(context.WithoutCancel(tb.Context()), filepath.Join(bin, name), args...) // #nosec G204 -- Debian's programs
		c.Dir, c.SysProcAttr = dir, as
		output, err := c.CombinedOutput()
		check(tb, err, string(output))
	}
	data := filepath.Join(dir, "data")
	command("initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync")
	command("pg_ctl", "-D", data, "-w", "-t", "300", "-l", filepath.Join(dir, "log"), "-o", "-c listen_addresses= -c fsync=off -k "+dir, "start")
	tb.Cleanup(func() { command("pg_ctl", "-D", data, "-m", "immediate", "stop") })
	return "postgres://tester@/postgres?host=" + dir
}

// owner gives the folder to the user who runs the server, and says how to run as that user.
// PostgreSQL refuses to run as root, so root starts it as the user nobody.
func owner(tb testing.TB, dir string) *syscall.SysProcAttr {
	tb.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	check(tb, err, "")
	uid, err := strconv.ParseUint(nobody.Uid, 10, 31)
	check(tb, err, "")
	gid, err := strconv.ParseUint(nobody.Gid, 10, 31)
	check(tb, err, "")
	check(tb, os.Chown(dir, int(uid), int(gid)), "")
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func check(tb testing.TB, err error, output string) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err, output)
	}
}
