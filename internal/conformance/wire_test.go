package conformance

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file puts the oracle between the SDK's client and moneykittest.

// wire is a moneykittest behind a listener. It validates all exchanges.
type wire struct {
	mk     *moneykittest.Server
	url    string
	oracle *oracle
	tally  *tally // nil means no tally

	mu     sync.Mutex
	passed []exchange
}

// newWire serves mk until the test ends. It fails the test for each exchange that the document does
// not allow, unless the test has taken it.
func newWire(t *testing.T, mk *moneykittest.Server, seen *tally) *wire {
	t.Helper()
	o, err := theOracle()
	require.NoError(t, err)
	w := &wire{mk: mk, oracle: o, tally: seen}
	server := httptest.NewServer(w)
	w.url = server.URL
	t.Cleanup(func() {
		server.Close()
		for _, x := range w.take() {
			assert.NoError(t, x.request, "request of %s: %s", x.operation, x.sent)
			assert.NoError(t, x.response, "answer %d to %s: %s", x.status, x.operation, x.got)
		}
	})
	return w
}

// ServeHTTP passes a request on and records the oracle's result.
func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	answer := httptest.NewRecorder()
	w.mk.Handler().ServeHTTP(answer, r)
	x := w.oracle.judge(r, sent, answer.Code, answer.Header(), answer.Body.Bytes())
	w.mu.Lock()
	w.passed = append(w.passed, x)
	w.mu.Unlock()
	if x.response == nil {
		w.tally.add(x)
	}
	maps.Copy(out.Header(), answer.Header())
	out.WriteHeader(answer.Code)
	_, _ = out.Write(answer.Body.Bytes()) // the client may be gone
}

// take returns the exchanges since the last call. The caller checks them.
func (w *wire) take() []exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	passed := w.passed
	w.passed = nil
	return passed
}

// last takes all exchanges and returns the latest.
func (w *wire) last(t *testing.T) exchange {
	t.Helper()
	passed := w.take()
	require.NotEmpty(t, passed)
	return passed[len(passed)-1]
}

// client returns a client that uses the wire, with moneykittest's credentials and without retries.
func (w *wire) client(t *testing.T, opts ...moneykit.Option) *moneykit.Client {
	t.Helper()
	id, secret := w.mk.Credentials()
	return w.clientOf(t, id, secret, opts...)
}

func (w *wire) clientOf(t *testing.T, id, secret string, opts ...moneykit.Option) *moneykit.Client {
	t.Helper()
	opts = append([]moneykit.Option{
		moneykit.WithBaseURL(w.url),
		moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}),
	}, opts...)
	client, err := moneykit.NewClient(id, secret, opts...)
	require.NoError(t, err)
	return client
}

// answer identifies a response that the document declares for an operation.
type answer struct {
	operation string
	status    int
	code      string // "" for a success
}

// tally counts the responses. A nil tally counts nothing.
type tally struct {
	mu   sync.Mutex
	seen map[answer]int
}

func (t *tally) add(x exchange) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = map[answer]int{}
	}
	t.seen[answer{x.operation, x.status, x.code}]++
}
