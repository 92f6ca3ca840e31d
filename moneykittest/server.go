// Package moneykittest is a MoneyKit that runs inside a test.
//
//	func TestBalances(t *testing.T) {
//		mk := moneykittest.NewServer(t)
//		link := mk.AddLink(moneykittest.LinkSpec{UserID: "user-42"})
//		list, err := mk.Client().Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
//		…
//	}
//
// A [Server] keeps state as MoneyKit does: what is created can be read back, tokens expire and
// are good once, links break and are mended. [Server.Connect] plays the user who goes through
// Connect and returns what the front end would post; [Server.Authorize] and [Server.Continue] stop
// between a bank's own pages and Connect, and [Server.ConnectEvents] tells what happened on the way.
// [Server.Break], [Server.Fail],
// [Server.ExpireTokens] and [Server.Advance] bring about what is hard to come by otherwise, and
// [Server.Requests] tells what was asked. Ids and account data are the same in every run, see
// [WithSeed]; tokens and keys never are. [Server.AddTransactions], [Server.UpdateTransaction],
// [Server.RemoveTransaction], [Server.Settle] and [Server.Refresh] let things happen at the bank, and
// [Server.Transactions] tells what a complete copy of it consists of.
//
// Webhooks of links that have one wait for [Server.Deliver], unless there is [WithAutoDelivery]. They
// are signed as MoneyKit's are, and go over the network or, with [WithReceiver], straight to a
// handler; [Server.Deliveries] tells what became of them. [Server.RotateKeys] changes the key.
// [Server.SignedRequest] and [Server.Tamper] make genuine and forged ones for tests of an endpoint.
//
// Inside a testing/synctest bubble, make the server in the bubble and use [Server.Client]: its
// connections are in memory, so that time can move. [Server.URL] opens a real listener, which
// holds time still.
//
// The package knows what is published about MoneyKit. Where that leaves a question open, a
// comment in the code says what was chosen. It serves all 28 operations of the API.
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

	"github.com/moneykit/moneykit-go"
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
	cfg   config
	tb    TB // nil outside a test
	root  http.Handler
	http  http.Server
	pipe  pipeListener
	conns connSet
	ctx   context.Context // ends with Close
	close context.CancelFunc
	done  <-chan struct{} // of ctx
	wake  chan struct{}   // for the worker of WithAutoDelivery: something may be due

	// reporting is held while tb is told something, so that nothing reaches a test that is over.
	reporting sync.Mutex
	silent    bool

	mu         sync.Mutex // guards what follows
	closed     bool
	inMemory   bool   // pipe is being served
	url        string // of the loopback listener, "" before there is one
	offset     time.Duration
	counts     map[string]int // how many ids of each kind there are
	tokens     map[string]*accessToken
	sessions   map[string]*session
	returns    map[string]*session // by the URL at which a bank sends the user back
	exchanges  map[string]*exchange
	links      map[string]*link
	byUser     map[string][]*link // in the order in which they were made
	faults     map[string][]plannedFault
	windows    map[window]*usage
	requests   []*Request
	operations map[string]bool
	keys       []*signingKey // the last one signs; none until somebody asks for one
	deliveries []*delivery

	institutions []institution // written only by New
}

// NewServer returns a server for the test that tb belongs to. It is closed when the test ends.
// Besides what the methods say, it reports with tb.Errorf a request for which it has no route.
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
	c := &core{
		cfg:        newConfig(opts),
		tb:         tb,
		ctx:        ctx,
		close:      cancel,
		done:       ctx.Done(),
		wake:       make(chan struct{}, 1),
		counts:     map[string]int{},
		tokens:     map[string]*accessToken{},
		sessions:   map[string]*session{},
		returns:    map[string]*session{},
		exchanges:  map[string]*exchange{},
		links:      map[string]*link{},
		byUser:     map[string][]*link{},
		faults:     map[string][]plannedFault{},
		windows:    map[window]*usage{},
		operations: map[string]bool{},

		institutions: institutions(),
	}
	c.root = c.newHandler()
	c.pipe = pipeListener{conns: make(chan net.Conn), done: c.done}
	c.http.Handler = c.root
	c.http.ErrorLog = log.New(io.Discard, "", 0) // connections that break are asked for
	c.http.ReadHeaderTimeout = 10 * time.Second
	if c.cfg.autoDelivery {
		go c.deliverAlways()
	}
	return &Server{func() *core { return c }}
}

// Handler returns the server as a handler, to be served over any listener. Besides the API it has
// Connect's pages for a browser: the front-end package for the web links against it, once it is told
// that this is the host of Connect. There the user chooses a test bank, and shares everything.
func (s *Server) Handler() http.Handler { return s.core().root }

// URL returns the address of the server on this machine, such as http://127.0.0.1:40123, and
// begins to listen there when it is called first. It returns "" if the server is closed before
// that, and if there is no loopback interface, which a test is told about.
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

// Close ends the server, its listeners and all its connections, and the contexts of webhooks that
// are being delivered. It does not wait for requests that are being answered, or for webhooks, and
// may be called again.
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
	return s.core().cfg.clientID, s.core().cfg.clientSecret
}

// Advance moves the server's clock forward by d: tokens and sessions grow old, rate limits are
// lifted, deleted links vanish, webhooks become due. Clients have their own clock and are not told; those of [Server.Client] ask
// for this one to judge webhooks.
func (s *Server) Advance(d time.Duration) {
	s.core().mu.Lock()
	defer s.core().mu.Unlock()
	s.core().offset += d
	s.core().nudge()
}

// Now returns the time by the server's clock, which [WithClock] and [Server.Advance] set.
func (s *Server) Now() time.Time { return s.core().now() }

func (c *core) now() time.Time {
	now := c.lock()
	c.mu.Unlock()
	return now
}

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

// lock locks the state and returns the time. The clock, which may be the test's, runs outside
// of the lock.
func (c *core) lock() time.Time {
	now := c.cfg.now()
	c.mu.Lock()
	return now.Add(c.offset)
}

// stamp returns t as MoneyKit writes times.
func stamp(t time.Time) moneykit.Timestamp {
	if t.IsZero() {
		return moneykit.Timestamp{}
	}
	return moneykit.Timestamp{Time: t.UTC().Truncate(time.Microsecond)}
}

// errorf fails the test, if there is one that still runs.
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
