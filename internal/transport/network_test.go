package transport_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// oddServer responds to each request with the bytes of raw, and then closes the connection.
func oddServer(t *testing.T, raw string) (address string, requests *atomic.Int32) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	requests = new(atomic.Int32)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					requests.Add(1)
					_, _ = io.WriteString(conn, raw)
				}
			}()
		}
	}()
	return l.Addr().String(), requests
}

// send sends a GET with all parts of this package, at most twice.
func send(t *testing.T, base *http.Transport, target string) (*http.Response, string, error) {
	t.Helper()
	t.Cleanup(base.CloseIdleConnections)
	client := &http.Client{
		Transport:     &transport.Wire{Base: base, MaxBytes: 1 << 10, Timeout: time.Minute},
		CheckRedirect: transport.SameOrigin(nil),
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	call := &transport.Call{Policy: transport.Policy{MaxRetries: 1}, When: transport.Always}
	resp, err := call.Do(client, req, nil)
	if err != nil {
		return nil, "", transport.Cause(err)
	}
	resp.Body.Close()
	return resp, string(resp.Body.(*transport.Body).Bytes()), nil
}

func TestOddServers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for _, tt := range []struct {
		name, raw string
		status    int // 0 for a failure
		body      string
		wrong     string
		requests  int32
	}{
		{name: "HTTP/1.0 without a length", raw: "HTTP/1.0 200 OK\r\n\r\n{}", status: 200, body: "{}", requests: 1},
		{name: "no length", raw: head + "Connection: close\r\n\r\n{}", status: 200, body: "{}", requests: 1},
		{name: "no content type", raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", status: 200, body: "{}", requests: 1},
		{name: "no reason", raw: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", status: 200, body: "{}", requests: 1},
		{name: "bare line feeds", raw: "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", status: 200, body: "{}", requests: 1},
		{
			name:   "early hints and a continue",
			raw:    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + head + "Content-Length: 2\r\n\r\n{}",
			status: 200, body: "{}", requests: 1,
		},
		{
			name: "another protocol", raw: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n{}",
			status: 101, requests: 1,
		},
		{
			name: "trailers", raw: head + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
			status: 200, body: "{}", requests: 1,
		},
		{
			name: "redirect to http elsewhere", raw: "HTTP/1.1 307 T\r\nLocation: http://api.example.com/\r\nContent-Length: 2\r\n\r\n{}",
			status: 307, body: "{}", requests: 1,
		},
		{name: "redirect without a location", raw: "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", status: 302, requests: 1},
		{name: "proxy that wants credentials", raw: "HTTP/1.1 407 P\r\nContent-Length: 0\r\n\r\n", status: 407, requests: 1},
		{name: "more than its length", raw: head + "Connection: close\r\nContent-Length: 2\r\n\r\n{}{}", status: 200, body: "{}", requests: 1},
		{name: "less than its length", raw: head + "Content-Length: 9\r\n\r\n{}", wrong: "the connection ended early", requests: 2},
		{
			name: "an incomplete chunk", raw: head + "Transfer-Encoding: chunked\r\n\r\n9\r\n{}",
			wrong: "the connection ended early", requests: 2,
		},
		{
			name: "no last chunk", raw: head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
			wrong: "the connection ended early", requests: 2,
		},
		{name: "an incomplete header", raw: head, wrong: "the connection ended early", requests: 2},
		{name: "nothing", raw: "", wrong: "the connection ended early", requests: 2},
		{name: "something else", raw: "SSH-2.0-OpenSSH_9.2\r\n\r\n", wrong: "the response is not HTTP", requests: 2},
		{name: "a status that is no number", raw: "HTTP/1.1 2OO OK\r\n\r\n", wrong: "the response is not HTTP", requests: 2},
		{
			name: "endless 1xx", raw: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("x", 1000)+"\r\n\r\n", 1200),
			wrong: "the response header is larger than 262144 bytes", requests: 1,
		},
		{
			name: "many headers", raw: head + strings.Repeat("X-Header: value\r\n", 20_000) + "\r\n",
			wrong: "the response header is larger than 262144 bytes", requests: 1,
		},
		{
			name: "far too many headers", raw: head + strings.Repeat("X-Header: value\r\n", 300_000) + "\r\n",
			wrong: "the response header is larger than 262144 bytes", requests: 1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address, requests := oddServer(t, tt.raw)
			resp, body, err := send(t, transport.NewBase(), "http://"+address)
			assert.Equal(t, tt.requests, requests.Load())
			if tt.wrong != "" {
				require.EqualError(t, err, tt.wrong)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.status, resp.StatusCode)
			assert.Equal(t, tt.body, body)
		})
	}
}

func TestServerWithoutTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	_, _, err := send(t, transport.NewBase(), strings.Replace(server.URL, "http:", "https:", 1))
	require.EqualError(t, err, "the server does not speak TLS")
}

// TestLargeHeaderOverHTTP2 expects the same error as over HTTP/1. For a header that is much too
// large, net/http closes the connection.
func TestLargeHeaderOverHTTP2(t *testing.T) {
	for size, want := range map[int]string{
		300 << 10: "the response header is larger than 262144 bytes",
		2 << 20:   "the server broke the protocol",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, 2, r.ProtoMajor)
				for i := range size >> 10 {
					w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1<<10))
				}
			}))
			server.EnableHTTP2 = true
			server.StartTLS()
			t.Cleanup(server.Close)
			base := transport.NewBase()
			base.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
			_, _, err := send(t, base, server.URL)
			require.EqualError(t, err, want)
		})
	}
}

// TestProxy uses a proxy that refuses CONNECT.
func TestProxy(t *testing.T) {
	for status, requests := range map[string]int32{
		"403 canary-0001": 1, "407 canary-0001": 1, "429 canary-0001": 2, "502 canary-0001": 2, "503": 2,
	} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			address, got := oddServer(t, "HTTP/1.1 "+status+"\r\nProxy-Authenticate: Basic realm=canary-0001\r\nContent-Length: 0\r\n\r\n")
			base := transport.NewBase()
			base.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: address, User: url.UserPassword("user", "canary-0001")})
			_, _, err := send(t, base, "https://api.example.com")
			require.EqualError(t, err, "the proxy refused the connection with status "+status[:3])
			var refused *transport.ProxyError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, requests, got.Load())
		})
	}
}

func TestCauseOfUntypedErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http2: client connection lost":                                         "the connection was lost",
		"http: server closed idle connection":                                   "the server closed the connection",
		"http2: server sent GOAWAY and closed the connection; ErrCode=NO_ERROR": "the server closed the connection",
		"stream error: stream ID 1; INTERNAL_ERROR; received from peer":         "the server reset the request",
		"net/http: fetch() failed: TypeError: canary-0001":                      "the platform's fetch failed",
		"canary-0001": "the transport failed with an error of type *errors.errorString",
	} {
		err := errors.New(text)
		got := transport.Cause(&url.Error{Op: "Get", URL: "https://example.com", Err: err})
		assert.Equal(t, want, got.Error())
		require.ErrorIs(t, got, err)
	}
}
