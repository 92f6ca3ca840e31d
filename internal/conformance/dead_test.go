package conformance

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/transport"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// deadEnd is a proxy of TCP connections. Connections that it has cut stay open, but transport
// nothing.
type deadEnd struct {
	net.Listener

	target string

	mu   sync.Mutex
	cuts []chan struct{}
}

func (d *deadEnd) serve() {
	for {
		near, err := d.Accept()
		if err != nil {
			return
		}
		far, err := (&net.Dialer{}).Dial("tcp", d.target)
		if err != nil {
			near.Close()
			continue
		}
		cut := make(chan struct{})
		d.mu.Lock()
		d.cuts = append(d.cuts, cut)
		d.mu.Unlock()
		go carry(far, near, cut)
		go carry(near, far, cut)
	}
}

func carry(to, from net.Conn, cut <-chan struct{}) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		select {
		case <-cut:
		default:
			_, _ = to.Write(buf[:n])
		}
	}
}

func (d *deadEnd) connections() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.cuts)
}

func (d *deadEnd) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.cuts {
		close(c)
	}
}

// TestDeadConnection cuts the only connection of a client, which has HTTP/2 and TLS over the
// loopback interface and the default settings. Calls on this connection must detect this within ten
// seconds. Reads are then retried over a new connection, and requests that must not be sent twice
// fail.
func TestDeadConnection(t *testing.T) {
	t.Parallel()
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, 2, r.ProtoMajor)
		mk.Handler().ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	proxy := &deadEnd{Listener: listener, target: address.Host}
	defer proxy.Close()
	go proxy.serve()

	base := transport.NewBase()
	base.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	defer base.CloseIdleConnections()
	id, secret := mk.Credentials()
	client, err := moneykit.NewClient(id, secret, moneykit.WithBaseURL("https://"+proxy.Addr().String()),
		moneykit.WithHTTPClient(&http.Client{Transport: base}))
	require.NoError(t, err)
	_, err = client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	require.Equal(t, 1, proxy.connections())

	proxy.cut()
	assert.Less(t, base.HTTP2.SendPingTimeout+base.HTTP2.PingTimeout, 10*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // On a busy machine everything takes longer.
	defer cancel()
	var (
		calls sync.WaitGroup
		lost  error
	)
	calls.Go(func() {
		_, err := client.Links.Get(ctx, link.ID)
		assert.NoError(t, err)
	})
	calls.Go(func() {
		_, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
		assert.NoError(t, err)
	})
	calls.Go(func() {
		_, lost = client.LinkSessions.Exchange(ctx, "token")
	})
	calls.Wait()
	require.ErrorIs(t, lost, moneykit.ErrOutcomeUnknown)
	require.NotErrorIs(t, lost, context.DeadlineExceeded)
	after := proxy.connections()
	for range 3 {
		_, err = client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
	}
	assert.Equal(t, after, proxy.connections(), "later calls use the new connection")
}
