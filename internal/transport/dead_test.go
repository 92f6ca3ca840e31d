package transport_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// listener accepts the connections of a channel.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (*listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// network connects a client and a server by pipes with a relay in the middle.
type network struct {
	listener *listener

	mu    sync.Mutex
	cuts  []chan struct{}
	pipes []net.Conn
}

// dial makes a connection.
func (n *network) dial(context.Context, string, string) (net.Conn, error) {
	near, nearEnd := net.Pipe()
	farEnd, far := net.Pipe()
	cut := make(chan struct{})
	n.mu.Lock()
	n.cuts = append(n.cuts, cut)
	n.pipes = append(n.pipes, nearEnd, farEnd)
	n.mu.Unlock()
	go n.carry(farEnd, nearEnd, cut)
	go n.carry(nearEnd, farEnd, cut)
	n.listener.conns <- far
	return near, nil
}

// dialed returns how many connections were made.
func (n *network) dialed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.cuts)
}

// carry copies bytes until the connection is cut. After that the connection stays open but loses
// all bytes.
func (n *network) carry(to io.Writer, from io.Reader, cut <-chan struct{}) {
	buf := make([]byte, 32<<10)
	for {
		size, err := from.Read(buf)
		if err != nil {
			return
		}
		select {
		case <-cut:
			continue
		default:
		}
		if _, err := to.Write(buf[:size]); err != nil {
			return
		}
	}
}

// close closes all connections that the client and the server have not closed.
func (n *network) close() {
	for _, p := range n.pipes {
		p.Close()
	}
}

// TestDeadConnection cuts the HTTP/2 connection of a client with the default settings. Active calls
// must use a new connection within ten seconds, and later calls at once.
func TestDeadConnection(t *testing.T) {
	for _, tt := range []struct {
		name string
		idle time.Duration // between the cut and the next calls
		body string
	}{
		{name: "idle"},
		{name: "idle for a while", idle: 7 * time.Second},
		{name: "with a body", body: strings.Repeat("x", 1<<20)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{listener: &listener{conns: make(chan net.Conn), closed: make(chan struct{})}}
				defer n.close()
				base := serveHTTP2(t, n)
				defer base.CloseIdleConnections()
				client := &http.Client{Transport: &transport.Wire{Base: base, MaxBytes: 1 << 10, Timeout: time.Minute, Yields: true}}
				call := func() {
					req := get(t, t.Context())
					again := &transport.Call{Policy: policy, When: transport.Always}
					resp, err := again.Do(client, req, []byte(tt.body))
					if assert.NoError(t, err) {
						resp.Body.Close()
					}
				}

				call()
				require.Equal(t, 1, n.dialed())
				close(n.cuts[0])
				<-time.After(tt.idle)
				start := time.Now()
				var calls sync.WaitGroup
				for range 3 {
					calls.Go(call)
				}
				calls.Wait()
				assert.Less(t, time.Since(start), 10*time.Second)
				dialed := n.dialed()
				assert.Greater(t, dialed, 1)

				start = time.Now()
				call()
				assert.Zero(t, time.Since(start))
				assert.Equal(t, dialed, n.dialed(), "later calls use the new connection")
			})
		})
	}
}

// serveHTTP2 starts a server on n, and returns the default transport, which dials the server.
func serveHTTP2(t *testing.T, n *network) *http.Transport {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		assert.NoError(t, err)
		assert.Equal(t, 2, r.ProtoMajor)
		_, _ = io.WriteString(w, "{}")
	}))
	server.Listener.Close()
	server.Listener = n.listener
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	base := transport.NewBase()
	base.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	base.DialContext = n.dial
	return base
}
