package moneykittest_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// fakeTB is a test that may fail.
type fakeTB struct {
	mu       sync.Mutex
	errors   []string
	logs     []string
	cleanups []func()
}

func (*fakeTB) Helper() {}

func (tb *fakeTB) Cleanup(f func()) { tb.cleanups = append(tb.cleanups, f) }

func (tb *fakeTB) Errorf(format string, args ...any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.errors = append(tb.errors, fmt.Sprintf(format, args...))
}

func (tb *fakeTB) Logf(format string, args ...any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.logs = append(tb.logs, fmt.Sprintf(format, args...))
}

// end runs the cleanup functions, like the end of a test.
func (tb *fakeTB) end() {
	for _, f := range tb.cleanups {
		f()
	}
}

// newFake returns a server, and the fake test that it reports to.
func newFake(t *testing.T, opts ...moneykittest.Option) (*moneykittest.Server, *fakeTB) {
	t.Helper()
	tb := &fakeTB{}
	mk := moneykittest.NewServer(tb, opts...)
	t.Cleanup(tb.end)
	return mk, tb
}

// stopped is a clock that only Advance changes.
func stopped() moneykittest.Option {
	now := time.Now()
	return moneykittest.WithClock(func() time.Time { return now })
}

// sessionParams returns the required parameters of a link session.
func sessionParams() moneykit.LinkSessionParams {
	return moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user-42"},
		RedirectURI:  "https://app.example/oauth",
	}
}

// open opens a link session and returns its token.
func open(t *testing.T, client *moneykit.Client, params moneykit.LinkSessionParams) string {
	t.Helper()
	session, err := client.LinkSessions.Create(t.Context(), params)
	require.NoError(t, err)
	return session.Token
}

// play plays Connect and parses the result.
func play(t *testing.T, mk *moneykittest.Server, token string, p moneykittest.Play) *moneykit.ConnectResult {
	t.Helper()
	result, err := moneykit.ParseConnectResult(mk.Connect(token, moneykit.ConnectWeb, p))
	require.NoError(t, err)
	return result
}

// connect creates a link through Connect and exchanges the token.
func connect(t *testing.T, mk *moneykittest.Server, params moneykit.LinkSessionParams, p moneykittest.Play) *moneykit.Link {
	t.Helper()
	client := mk.Client()
	result := play(t, mk, open(t, client, params), p)
	require.Equal(t, moneykit.ConnectLinked, result.Outcome, "%v", result.Err)
	link, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
	require.NoError(t, err)
	return link
}

// answer is the response to a raw request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// field returns a member of the JSON body, by its path.
func (a answer) field(t *testing.T, path ...string) any {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(a.body, &value), "%s", a.body)
	for _, name := range path {
		object, ok := value.(map[string]any)
		require.True(t, ok, "%s in %s", name, a.body)
		require.Contains(t, object, name)
		value = object[name]
	}
	return value
}

// send sends a raw request with the credentials in headers, over TCP. Headers have the form "Name:
// value" and replace these. A header without a value is removed.
func send(t *testing.T, mk *moneykittest.Server, method, path, body string, headers ...string) answer {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(request(t, mk, method, mk.URL()+path, body, headers...))
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, data}
}

// ask is like send, in memory.
func ask(t *testing.T, mk *moneykittest.Server, method, path, body string, headers ...string) answer {
	t.Helper()
	w := httptest.NewRecorder()
	mk.Handler().ServeHTTP(w, request(t, mk, method, path, body, headers...))
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

func request(t *testing.T, mk *moneykittest.Server, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewBufferString(body))
	require.NoError(t, err)
	id, secret := mk.Credentials()
	req.Header.Set("X-Client-Id", id)
	req.Header.Set("X-Client-Secret", secret)
	req.Header.Set("Content-Type", "application/json")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		if value = strings.TrimSpace(value); value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Set(name, value)
		}
	}
	return req
}

// operations counts the requests by operation.
func operations(mk *moneykittest.Server) map[string]int {
	counts := map[string]int{}
	for _, r := range mk.Requests() {
		counts[r.Operation]++
	}
	return counts
}

// isError checks that err matches target, and its status.
func isError(t *testing.T, err, target error, status int) *moneykit.Error {
	t.Helper()
	require.ErrorIs(t, err, target)
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, status, e.StatusCode)
	return e
}

// encode returns a forged cursor.
func encode(place string) string { return base64.RawURLEncoding.EncodeToString([]byte(place)) }

// decode decodes a response.
func decode(t *testing.T, a answer, value any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, value), "%s", a.body)
}

// day is a clock that only Advance changes, with the same start for all servers.
func day() moneykittest.Option {
	now := time.Date(2030, 6, 20, 12, 0, 0, 0, time.UTC)
	return moneykittest.WithClock(func() time.Time { return now })
}

// amount returns a decimal.
func amount(t *testing.T, s string) moneykit.Decimal {
	t.Helper()
	d, err := moneykit.ParseDecimal(s)
	require.NoError(t, err)
	return d
}

// syncAll syncs until the copy is up to date.
func syncAll(t *testing.T, client *moneykit.Client, linkID string, store moneykit.TransactionStore, size int) {
	t.Helper()
	progress, err := client.SyncTransactions(t.Context(), linkID, store, moneykit.WithPageSize(size))
	require.NoError(t, err)
	require.True(t, progress.Done)
}

// collect reads a list to its end.
func collect[T any](t *testing.T, list func(yield func(T, error) bool)) []T {
	t.Helper()
	var all []T
	for item, err := range list {
		require.NoError(t, err)
		all = append(all, item)
	}
	return all
}

func byID(rows []moneykit.Transaction) []moneykit.Transaction {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b moneykit.Transaction) int { return cmp.Compare(a.ID, b.ID) })
	return rows
}
