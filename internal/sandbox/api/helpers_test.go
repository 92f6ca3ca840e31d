package api_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// fake is an API in memory with its world.
type fake struct {
	*api.API

	handler http.Handler

	mu     sync.Mutex
	errors []string
}

// setup contains the settings that options change.
type setup struct {
	api   api.Settings
	world world.Settings
	clock func() time.Time
}

type option func(*setup)

func withAPI(change func(*api.Settings)) option { return func(s *setup) { change(&s.api) } }

func withOrigins(origins ...string) option {
	return withAPI(func(s *api.Settings) { s.Origins = api.Origins(origins...) })
}

func withAuth(auth api.Auth) option { return withAPI(func(s *api.Settings) { s.Auth = auth }) }

func withRateLimits() option { return withAPI(func(s *api.Settings) { s.RateLimits = true }) }

func withRefreshDelay(d time.Duration) option { return func(s *setup) { s.world.RefreshDelay = d } }

func withClock(now func() time.Time) option { return func(s *setup) { s.clock = now } }

// stopped sets a clock that only Advance moves.
func stopped() option {
	now := time.Now()
	return withClock(func() time.Time { return now })
}

func newFake(t *testing.T, opts ...option) *fake {
	t.Helper()
	s := setup{
		api:   api.Settings{ClientID: "sandbox_client", ClientSecret: "sandbox_client_secret", TokenLife: time.Hour},
		world: world.Settings{SessionLife: time.Hour, History: 90 * 24 * time.Hour},
		clock: time.Now,
	}
	for _, opt := range opts {
		opt(&s)
	}
	f := &fake{}
	f.API = api.New(s.api, api.Surroundings{
		World: world.NewShared(world.New(s.world), s.clock),
		Keys:  func(time.Time) ([]byte, error) { return []byte(`{"keys":[]}`), nil },
		Errorf: func(format string, args ...any) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.errors = append(f.errors, fmt.Sprintf(format, args...))
		},
		Done: t.Context().Done(),
	})
	f.handler = f.Handler(http.NewServeMux())
	return f
}

// Client returns a client whose requests go to the fake's handler.
func (f *fake) Client(opts ...moneykit.Option) *moneykit.Client {
	client, err := moneykit.NewClient(f.ClientID, f.ClientSecret, append([]moneykit.Option{
		moneykit.WithBaseURL("http://moneykit.test"), moneykit.WithHTTPClient(&http.Client{Transport: transport{f.handler}}),
	}, opts...)...)
	if err != nil {
		panic(err)
	}
	return client
}

// transport passes requests to a handler.
type transport struct{ http.Handler }

func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	tr.ServeHTTP(w, r)
	return w.Result(), nil
}

// do calls change with the world and requires that it returns no error.
func (f *fake) do(t *testing.T, change func(w *world.World, now time.Time) error) {
	t.Helper()
	f.World.Do(func(w *world.World, now time.Time) { require.NoError(t, change(w, now)) })
}

func (f *fake) addLink(t *testing.T, spec world.LinkSpec) moneykit.Link {
	t.Helper()
	var link moneykit.Link
	f.do(t, func(w *world.World, now time.Time) (err error) {
		added, known := w.AddLink(spec, now)
		require.True(t, known)
		link, err = api.Link(added)
		return err
	})
	return link
}

func (f *fake) breakLink(t *testing.T, id string, reason moneykit.LinkError) {
	t.Helper()
	f.do(t, func(w *world.World, now time.Time) error { return w.Break(id, reason, now) })
}

func (f *fake) refresh(t *testing.T, id string, products ...moneykit.Product) {
	t.Helper()
	f.do(t, func(w *world.World, now time.Time) error { return w.Refresh(id, products, now) })
}

func (f *fake) addTransactions(t *testing.T, id string, rows ...moneykit.Transaction) {
	t.Helper()
	f.do(t, func(w *world.World, now time.Time) error { return w.AddTransactions(id, rows, now) })
}

func (f *fake) transactions(t *testing.T, id string) []moneykit.Transaction {
	t.Helper()
	var rows []moneykit.Transaction
	f.do(t, func(w *world.World, now time.Time) (err error) {
		rows, err = w.Transactions(id, now)
		return err
	})
	return rows
}

func (f *fake) advance(d time.Duration) { f.World.Advance(d) }

// expireTokens expires every access token.
func (f *fake) expireTokens() { f.World.Do(func(w *world.World, _ time.Time) { w.ExpireTokens() }) }

// connect plays a user in Connect.
func (f *fake) connect(token string, play world.Play) world.Ending {
	var end world.Ending
	f.World.Do(func(w *world.World, now time.Time) { end = w.Connect(token, play, now) })
	return end
}

// sessionParams returns the minimal parameters of a link session.
func sessionParams() moneykit.LinkSessionParams {
	return moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user-42"},
		RedirectURI:  "https://app.example/oauth",
	}
}

// open creates a link session and returns its token.
func open(t *testing.T, client *moneykit.Client, params moneykit.LinkSessionParams) string {
	t.Helper()
	session, err := client.LinkSessions.Create(t.Context(), params)
	require.NoError(t, err)
	return session.Token
}

// answer is the response to a raw request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// field returns the member of the JSON body at a path.
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

// ask sends a raw request with the credentials in headers. Additional headers have the form "Name:
// value" and replace the credentials. A header without a value is removed.
func ask(t *testing.T, mk *fake, method, path, body string, headers ...string) answer {
	t.Helper()
	w := httptest.NewRecorder()
	mk.handler.ServeHTTP(w, request(t, mk, method, path, body, headers...))
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

func request(t *testing.T, mk *fake, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewBufferString(body))
	require.NoError(t, err)
	req.Header.Set("X-Client-Id", mk.ClientID)
	req.Header.Set("X-Client-Secret", mk.ClientSecret)
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

// form returns the headers of a form, without credentials.
func form(more ...string) []string {
	return append([]string{"X-Client-Id:", "X-Client-Secret:", "Content-Type: application/x-www-form-urlencoded"}, more...)
}

// operations counts the requests by operation.
func operations(mk *fake) map[string]int {
	counts := map[string]int{}
	for _, r := range mk.Requests() {
		counts[r.Operation]++
	}
	return counts
}

// isError checks the class or code of err and its status.
func isError(t *testing.T, err, target error, status int) *moneykit.Error {
	t.Helper()
	require.ErrorIs(t, err, target)
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, status, e.StatusCode)
	return e
}

// decode decodes the body of a response.
func decode(t *testing.T, a answer, value any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, value), "%s", a.body)
}

// encode returns a forged cursor.
func encode(place string) string { return base64.RawURLEncoding.EncodeToString([]byte(place)) }

// raw returns the JSON of a member of a response.
func raw(t *testing.T, a answer, name string) json.RawMessage {
	t.Helper()
	var object map[string]json.RawMessage
	decode(t, a, &object)
	return object[name]
}

// day sets a clock that only Advance moves, with the same start for all servers.
func day() option {
	now := time.Date(2030, 6, 20, 12, 0, 0, 0, time.UTC)
	return withClock(func() time.Time { return now })
}

// amount returns a decimal.
func amount(t *testing.T, s string) moneykit.Decimal {
	t.Helper()
	d, err := moneykit.ParseDecimal(s)
	require.NoError(t, err)
	return d
}

// collect reads all items of a list.
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
