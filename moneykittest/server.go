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

// TB is what a [Server] needs of a test; *testing.T and *testing.B have it.
type TB interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// Server is a MoneyKit. Make one with [NewServer] or [New]; all its methods are safe for
// concurrent use. Printing it shows no secret.
type Server struct {
	// core is behind a function, because no verb of fmt looks into one. Behind a pointer %s does,
	// in a copy of the Server.
	core func() *core
}

// core is what a Server has.
type core struct {
	*sandbox.Sandbox

	cfg   config
	tb    TB // nil outside a test
	root  http.Handler
	http  http.Server
	pipe  pipeListener
	conns connSet
	close context.CancelFunc

	// reporting is held while tb is told something, so that nothing reaches a test that is over.
	reporting sync.Mutex
	silent    bool

	mu       sync.Mutex // guards what follows
	closed   bool
	inMemory bool   // pipe is being served
	url      string // of the loopback listener, "" before there is one
}

// NewServer returns a server for the test that tb belongs to, and closes it when the test ends. The
// server reports mistakes with tb.Errorf: those that its methods name, and requests for which the
// API has no operation, which it answers with 404 or 405.
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
	c.http.ErrorLog = log.New(io.Discard, "", 0) // connections that break are asked for
	c.http.ReadHeaderTimeout = 10 * time.Second
	if c.cfg.autoDelivery {
		go c.Courier.Run()
	}
	for _, mistake := range c.cfg.mistakes {
		c.errorf("%s", mistake)
	}
	return &Server{func() *core { return c }}
}

// Handler returns the server as a handler, for any listener. Besides the API it serves Connect's
// pages for a browser: with its address as the host of Connect, the front-end package for the web
// links against it. These pages have all screens that a [Play] goes through, for all institutions,
// and name the test users. [PlayPath] plays the user for front ends in other languages.
func (s *Server) Handler() http.Handler { return s.core().root }

// URL returns the address of the server on this machine, such as http://127.0.0.1:40123. The first
// call opens the listener. It returns "" if the server was closed before, and if there is no
// loopback interface, which is reported to the test.
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
	_ = c.http.Close() // its only errors are those of connections that are gone already
	c.conns.closeAll()
}

// Credentials returns the client id and secret that the server accepts, for a client that is
// not made by [Server.Client].
func (s *Server) Credentials() (clientID, clientSecret string) {
	return s.core().cfg.API.ClientID, s.core().cfg.API.ClientSecret
}

// ExpireTokens expires every access token that was issued so far.
func (s *Server) ExpireTokens() {
	s.core().World.Do(func(w *world.World, _ time.Time) { w.ExpireTokens() })
}

// Advance moves the server's clock forward by d: tokens and sessions expire, rate limits end,
// deleted links vanish, refreshes and webhooks become due. The clients of [Server.Client] use this
// clock for the age of webhooks; all else that clients do follows their own clock.
func (s *Server) Advance(d time.Duration) { s.core().World.Advance(d) }

// Now returns the time by the server's clock, which [WithClock] and [Server.Advance] set.
func (s *Server) Now() time.Time { return s.core().World.Now() }

// String names the server without its secrets.
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

// GoString is [Server.String], for %#v.
func (s *Server) GoString() string { return s.String() }

// errorf reports a mistake to the test, if there is one that still runs.
func (c *core) errorf(format string, args ...any) { c.tell(TB.Errorf, format, args) }

// logf leaves a note in the test's log.
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
