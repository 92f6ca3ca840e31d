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

// Server is a PostgreSQL of a test.
type Server struct {
	// URL is the URL of the server, which listens on a socket in a folder of the test.
	URL string

	bin, dir string
	as       *syscall.SysProcAttr
}

// Start starts a server and returns its URL. The server and its data end with the test.
func Start(tb testing.TB) string {
	tb.Helper()
	return New(tb).URL
}

// New starts a server. The server and its data end with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		tb.Fatal("install the package postgresql")
	}
	dir, err := os.MkdirTemp("", "pg") //nolint:usetesting // A socket's path must be short.
	check(tb, err, "")
	tb.Cleanup(func() { check(tb, os.RemoveAll(dir), "") })
	s := &Server{URL: "postgres://tester@/postgres?host=" + dir, bin: found[len(found)-1], dir: dir, as: owner(tb, dir)}
	s.run(tb, "initdb", "-D", s.data(), "-U", "tester", "-A", "trust", "--no-sync")
	s.control(tb, "-o", "-c listen_addresses= -c fsync=off -k "+dir, "start")
	tb.Cleanup(func() { s.control(tb, "-m", "immediate", "stop") })
	return s
}

// Restart ends the server like a crash, and starts it again.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.control(tb, "-m", "immediate", "restart")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) control(tb testing.TB, args ...string) {
	tb.Helper()
	s.run(tb, "pg_ctl", append([]string{"-D", s.data(), "-w", "-t", "300", "-l", filepath.Join(s.dir, "log")}, args...)...)
}

func (s *Server) run(tb testing.TB, name string, args ...string) {
	tb.Helper()
	c := exec.CommandContext(context.WithoutCancel(tb.Context()), filepath.Join(s.bin, name), args...) // #nosec G204 -- Debian's programs
	c.Dir, c.SysProcAttr = s.dir, s.as
	output, err := c.CombinedOutput()
	check(tb, err, string(output))
}

// owner gives the folder to the user who runs the server, and returns the attributes to run as that
// user. PostgreSQL refuses to run as root, so root starts it as the user nobody.
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
