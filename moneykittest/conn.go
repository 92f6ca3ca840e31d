package moneykittest

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/moneykit/moneykit-go"
)

// Client returns a client of this server. It has the server's credentials, uses [Server.Now] for
// the age of webhooks, and opens a connection in memory for each request. opts override these
// settings. Options that [moneykit.NewClient] refuses are reported to the test, and every call of
// the client then fails with that error.
func (s *Server) Client(opts ...moneykit.Option) *moneykit.Client {
	c := s.core()
	c.mu.Lock()
	if !c.inMemory && !c.closed {
		c.inMemory = true
		go c.serve(c.pipe)
	}
	c.mu.Unlock()

	// If a reused connection breaks, net/http retries a GET by itself, which would hide a planned
	// fault.
	transport := &http.Transport{DialContext: c.pipe.dial, DisableKeepAlives: true}
	client, err := c.client(transport, opts...)
	if err != nil {
		c.errorf("the client's options: %v", err)
		err = &plainError{"moneykittest: the client's options: " + err.Error(), err}
		client, _ = moneykit.NewClient("refused", "refused", // cannot fail: the caller has no influence
			moneykit.WithHTTPClient(&http.Client{Transport: failing{err}}),
			moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	}
	return client
}

func (c *core) client(transport http.RoundTripper, opts ...moneykit.Option) (*moneykit.Client, error) {
	all := append([]moneykit.Option{
		moneykit.WithBaseURL("http://moneykit.test"),
		moneykit.WithHTTPClient(&http.Client{Transport: transport}),
		moneykit.WithClock(c.World.Now),
	}, opts...)
	return moneykit.NewClient(c.cfg.API.ClientID, c.cfg.API.ClientSecret, all...)
}

// failing fails every request.
type failing struct{ err error }

// RoundTrip fails.
func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return nil, f.err
}

// serve serves the connections that l accepts until the server is closed.
func (c *core) serve(l net.Listener) {
	_ = c.http.Serve(trackingListener{l, &c.conns}) // it ends with http.ErrServerClosed
}

// plainError is an error whose text the client shows, because it contains nothing from a request.
type plainError struct {
	text string
	err  error // nil if there is no cause
}

func (e *plainError) Error() string   { return e.text }
func (e *plainError) Unwrap() error   { return e.err }
func (e *plainError) LogText() string { return e.text }

func closedError() error { return &plainError{text: "moneykittest: the server is closed"} }

// pipeListener accepts connections that dial makes. They do not leave the process.
type pipeListener struct {
	conns chan net.Conn
	done  <-chan struct{}
}

func (l pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	var err error
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		err = closedError()
	case <-ctx.Done():
		err = ctx.Err()
	}
	_ = client.Close()
	_ = server.Close()
	return nil, err
}

// Accept returns the server's end of the next connection, or an error when the server is closed.
func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, closedError()
	}
}

// Close does nothing: closing done ends Accept.
func (l pipeListener) Close() error { return nil }

// Addr returns a placeholder, because the listener has no address.
func (l pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "moneykit.test", Net: "pipe"} }

// connSet contains the open connections. http.Server does not close those that it accepts while it
// is being closed, nor those that are hijacked. The zero value is empty.
type connSet struct {
	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	closed bool
}

func (s *connSet) add(conn net.Conn) *trackedConn {
	t := &trackedConn{Conn: conn, set: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return t
	}
	if s.open == nil {
		s.open = map[*trackedConn]struct{}{}
	}
	s.open[t] = struct{}{}
	return t
}

func (s *connSet) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for conn := range s.open {
		_ = conn.Conn.Close()
	}
	s.open = nil
}

type trackingListener struct {
	net.Listener

	set *connSet
}

// Accept adds the connection to the set.
func (l trackingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.set.add(conn), nil
}

type trackedConn struct {
	net.Conn

	set *connSet
}

// Close closes the connection and removes it from the set.
func (c *trackedConn) Close() error {
	c.set.mu.Lock()
	delete(c.set.open, c)
	c.set.mu.Unlock()
	return c.Conn.Close()
}

// SetLinger sets the option on TCP connections, and does nothing in memory.
func (c *trackedConn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.SetLinger(seconds)
	}
	return nil
}

// CloseWrite closes the write side of TCP connections, and does nothing in memory. http.Server
// calls it when it refuses a body that is too large.
func (c *trackedConn) CloseWrite() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.CloseWrite()
	}
	return nil
}
