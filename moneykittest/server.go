package moneykittest

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// TB is the part of testing.TB that a [Server] needs; *testing.T and *testing.B implement it.
type TB interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// Server is a MoneyKit API for tests. Create one with [NewServer] or [New]. All its methods are
// safe for concurrent use. Printing it shows no secret.
type Server struct {
	// core is returned by a function, because no verb of package fmt can look into a function. %s
	// looks into a pointer, in a copy of the Server.
	core func() *core
}

// core is the state of a Server.
type core struct {
	*sandbox.Sandbox

	cfg   config
	tb    TB // nil outside a test
	root  http.Handler
	http  http.Server
	pipe  pipeListener
	conns connSet
	close context.CancelFunc

	// reporting is locked while a method of tb is called, so that none is called after the test.
	reporting sync.Mutex
	silent    bool

	mu       sync.Mutex // guards the fields below
	closed   bool
	inMemory bool   // pipe is being served
	url      string // of the loopback listener, "" before there is one
}

// NewServer returns a server for the test of tb, and closes it when the test ends. The server
// reports mistakes with tb.Errorf: those that its methods name, and requests without an operation
// in the API, whose responses are 404 or 405.
func NewServer(tb TB, opts ...Option) *Server {
	tb.Helper()
	s := newServer(tb, opts)
	tb.Cleanup(s.Close)
	return s
}

// New returns a server for a program. The caller closes it.
func New(opts ...Option) *Server { return newServer(nil, opts) }

func newServer(tb TB, opts []Option) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	c := &core{cfg: newConfig(opts), tb: tb, close: cancel}
	c.Sandbox = sandbox.New(ctx, c.cfg.Settings, sandbox.Reports{Errorf: c.errorf, Logf: c.logf})
	c.root = c.Handler(func(mux *http.ServeMux) { mux.HandleFunc("POST "+PlayPath, c.servePlay) })
	c.pipe = pipeListener{conns: make(chan net.Conn), done: ctx.Done()}
	c.http.Handler = c.root
	c.http.ErrorLog = log.New(io.Discard, "", 0) // tests break connections on purpose
	c.http.ReadHeaderTimeout = 10 * time.Second
	if c.cfg.autoDelivery {
		go c.Courier.Run()
	}
	for _, mistake := range c.cfg.mistakes {
		c.errorf("%s", mistake)
	}
	return &Server{func() *core { return c }}
}

// Handler returns a handler of the server, for any listener. In addition to the API it serves
// Connect's pages for browsers: set its address as the host of Connect in the npm package. These
// pages have all screens of a [Play], for all institutions, and show the names of the test users.
// [PlayPath] plays the user for front ends in other languages.
func (s *Server) Handler() http.Handler { return s.core().root }

// URL returns the address of the server on this machine, such as http://127.0.0.1:40123. The first
// call opens the listener. It returns "" if the server is closed, or if there is no loopback
// interface; the latter is reported to the test.
func (s *Server) URL() string {
	address, err := s.core().listen()
	if err != nil {
		s.core().errorf("cannot listen on a loopback interface: %v", err)
	}
	return address
}

func (c *core) listen() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.url != "" || c.closed {
		return c.url, nil
	}
	var listen net.ListenConfig
	l, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		l, err = listen.Listen(context.Background(), "tcp", "[::1]:0")
	}
	if err != nil {
		return "", err
	}
	c.url = "http://" + l.Addr().String()
	go c.serve(l)
	return c.url, nil
}

// Close closes the server's listeners and connections, and cancels the contexts of webhooks that
// are being delivered. It does not wait for handlers and receivers. It may be called again.
func (s *Server) Close() {
	c := s.core()
	c.reporting.Lock()
	c.silent = true
	c.reporting.Unlock()

	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return
	}
	c.close()
	_ = c.http.Close() // fails only for connections that are closed already
	c.conns.closeAll()
}

// Credentials returns the client ID and secret that the server accepts, for clients other than
// those of [Server.Client].
func (s *Server) Credentials() (clientID, clientSecret string) {
	return s.core().cfg.API.ClientID, s.core().cfg.API.ClientSecret
}

// ExpireTokens expires every access token that was issued so far.
func (s *Server) ExpireTokens() {
	s.core().World.Do(func(w *world.World, _ time.Time) { w.ExpireTokens() })
}

// Advance moves the server's clock forward by d: tokens and sessions expire, rate limits end,
// deleted links vanish, refreshes and webhooks become due. The clients of [Server.Client] use this
// clock only for the age of webhooks.
func (s *Server) Advance(d time.Duration) { s.core().World.Advance(d) }

// Now returns the time by the server's clock, which [WithClock] and [Server.Advance] set.
func (s *Server) Now() time.Time { return s.core().World.Now() }

// String returns a description without secrets.
func (s *Server) String() string {
	if s == nil || s.core == nil {
		return "moneykittest.Server(nil)"
	}
	s.core().mu.Lock()
	defer s.core().mu.Unlock()
	if s.core().url == "" {
		return "moneykittest.Server(in memory)"
	}
	return fmt.Sprintf("moneykittest.Server(%s)", s.core().url)
}

// GoString returns [Server.String], for %#v.
func (s *Server) GoString() string { return s.String() }

// errorf reports a mistake to the test, if a test is running.
func (c *core) errorf(format string, args ...any) { c.tell(TB.Errorf, format, args) }

// logf writes to the test's log.
func (c *core) logf(format string, args ...any) { c.tell(TB.Logf, format, args) }

func (c *core) tell(say func(TB, string, ...any), format string, args []any) {
	if c.tb == nil {
		return
	}
	c.reporting.Lock()
	defer c.reporting.Unlock()
	if !c.silent {
		c.tb.Helper()
		say(c.tb, "moneykittest: "+format, args...)
	}
}
