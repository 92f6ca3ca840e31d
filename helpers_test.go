package moneykit_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const (
	testID     = "sandbox_client"
	testSecret = "secret-canary-0001"
	testToken  = "token-canary-0001"
	testBase   = "https://api.test/base" // a path of its own shows up absolute-URL mistakes
)

// newMock returns a transport that issues tokens. It fails the test for a request without a
// responder.
func newMock(t *testing.T) *httpmock.MockTransport {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		t.Errorf("unexpected request %s %s", r.Method, r.URL)
		return httpmock.NewStringResponse(http.StatusNotImplemented, ""), nil
	})
	mock.RegisterResponder(http.MethodPost, testBase+"/auth/token", tokenResponder(testToken, 3600))
	return mock
}

func tokenResponder(token string, seconds int) httpmock.Responder {
	return httpmock.NewJsonResponderOrPanic(http.StatusCreated,
		map[string]any{"access_token": token, "token_type": "bearer", "expires_in": seconds})
}

func newClient(t *testing.T, rt http.RoundTripper, opts ...moneykit.Option) *moneykit.Client {
	t.Helper()
	client, err := moneykit.NewClient(testID, testSecret, append([]moneykit.Option{
		moneykit.WithBaseURL(testBase),
		moneykit.WithHTTPClient(&http.Client{Transport: rt}),
	}, opts...)...)
	require.NoError(t, err)
	return client
}

const linkJSON = `{"link_id":"mk_1","institution_id":"chase","institution_name":"Chase","institution_avatar":"",
	"state":"connected","provider":"mx","products":{"accounts":{"refreshed_at":"2023-02-16T09:14:11","error_code":null}},
	"available_products":["identity"]}`

// answers returns a responder with a status and JSON.
func answers(status int, body string) httpmock.Responder {
	return httpmock.NewStringResponder(status, body).HeaderSet(http.Header{"Content-Type": {"application/json"}})
}

// onLink returns a response with members and a link.
func onLink(members string) string { return `{` + members + `,"link":` + linkJSON + `}` }

const keysURL = testBase + "/.well-known/jwks.json"

// eventJSON is an event about a link whose institution has failed.
const eventJSON = `{"webhook_event":"link.state_changed","webhook_major_version":1,"webhook_minor_version":0,` +
	`"webhook_idempotency_key":"evt_1","webhook_timestamp":"2026-03-01T12:00:00Z","link_id":"mk_1","link_tags":["a & b"],` +
	`"state":"error","error":"institution_error","error_message":"The bank is down — sorry"}`

// hookTime is when webhooks of these tests are signed and received.
func hookTime() time.Time { return time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC) }

// hook contains the parts of a delivery. Tests change parts before they build the request.
type hook struct {
	t      *testing.T
	key    *ecdsa.PrivateKey // that signs
	head   string            // of the token, as JSON
	claims string            // as JSON; made for signed if empty
	signed string            // the body that is signed
	body   string            // the body that is sent
	token  string            // made of the parts above if empty
	keys   string            // the key set; made of key if empty

	method  string
	answers httpmock.Responder // of the key set, in place of keys
	change  func(*http.Request)
	cipher  func(signing []byte) []byte // in place of ES256
}

// compact returns the token.
func (h *hook) compact() string {
	if h.token != "" {
		return h.token
	}
	claims := h.claims
	if claims == "" {
		claims = claimsAt(hookTime(), h.signed)
	}
	signing := b64(h.head) + "." + b64(claims)
	if h.cipher != nil {
		return signing + "." + b64(h.cipher([]byte(signing)))
	}
	return signing + "." + b64(sign(h.t, h.key, []byte(signing)))
}

// sends sets both the signed body and the sent body.
func (h *hook) sends(body string) { h.signed, h.body = body, body }

func (h *hook) request() *http.Request {
	r := httptest.NewRequestWithContext(h.t.Context(), h.method, "https://app.example/hooks", strings.NewReader(h.body))
	r.Header.Set("MoneyKit-Signature", h.compact())
	r.Header.Set("MoneyKit-Delivery-Token", "delivery-1")
	r.Header.Set("MoneyKit-Delivery-Attempt", "2")
	if h.change != nil {
		h.change(r)
	}
	return r
}

// client returns a client that gets the hook's key set.
func (h *hook) client(opts ...moneykit.Option) *moneykit.Client {
	mock := newMock(h.t)
	responder := h.answers
	if responder == nil {
		keys := h.keys
		if keys == "" {
			keys = `{"keys":[` + jwkOf(h.t, h.key, "key-1") + `]}`
		}
		responder = answers(http.StatusOK, keys)
	}
	mock.RegisterResponder(http.MethodGet, keysURL, responder)
	return newClient(h.t, mock, append([]moneykit.Option{
		moneykit.WithClock(hookTime), moneykit.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
}

// claim adds or changes a claim, or removes it if value is empty.
func (h *hook) claim(name, value string) {
	h.t.Helper()
	claims := map[string]json.RawMessage{}
	require.NoError(h.t, json.Unmarshal([]byte(claimsAt(hookTime(), h.signed)), &claims))
	if value == "" {
		delete(claims, name)
	} else {
		claims[name] = json.RawMessage(value)
	}
	out, err := json.Marshal(claims)
	require.NoError(h.t, err)
	h.claims = string(out)
}

// member adds a member at the end of the token's header.
func (h *hook) member(text string) { h.head = strings.TrimSuffix(h.head, "}") + "," + text + "}" }

// segments changes the segments of the token.
func (h *hook) segments(f func(s []string) []string) {
	h.token = strings.Join(f(strings.Split(h.compact(), ".")), ".")
}

// withHMAC signs with the public key as if it were a secret.
func (h *hook) withHMAC(algorithm string, hash crypto.Hash) {
	h.t.Helper()
	h.head = `{"alg":"` + algorithm + `","kid":"key-1"}`
	secret, err := h.key.PublicKey.Bytes()
	require.NoError(h.t, err)
	h.cipher = func(signing []byte) []byte {
		mac := hmac.New(hash.New, secret)
		mac.Write(signing)
		return mac.Sum(nil)
	}
}

func newHook(t *testing.T) *hook {
	t.Helper()
	return &hook{
		t: t, key: newKey(t), method: http.MethodPost,
		head: `{"alg":"ES256","kid":"key-1","typ":"JWT"}`, signed: eventJSON, body: eventJSON,
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

// claimsAt returns MoneyKit's claims for a body.
func claimsAt(iat time.Time, body string) string {
	return fmt.Sprintf(`{"iss":"https://api.moneykit.com","iat":%d,"request_body_sha256":%q}`, iat.Unix(), hashOf(body))
}

func hashOf(body string) string {
	hash := sha256.Sum256([]byte(body))
	return hex.EncodeToString(hash[:])
}

// coordinates returns x and y in base64url.
func coordinates(tb testing.TB, key *ecdsa.PrivateKey) (x, y string) {
	tb.Helper()
	point, err := key.PublicKey.Bytes()
	require.NoError(tb, err)
	return b64(point[1:33]), b64(point[33:])
}

func b64[T string | []byte](data T) string { return base64.RawURLEncoding.EncodeToString([]byte(data)) }

// jwkOf returns a key as MoneyKit publishes it.
func jwkOf(tb testing.TB, key *ecdsa.PrivateKey, id string) string {
	tb.Helper()
	x, y := coordinates(tb, key)
	return fmt.Sprintf(`{"kty":"EC","use":"sig","alg":"ES256","kid":%q,"crv":"P-256","x":%q,"y":%q}`, id, x, y)
}

func sign(tb testing.TB, key *ecdsa.PrivateKey, signing []byte) []byte {
	tb.Helper()
	hash := sha256.Sum256(signing)
	r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
	require.NoError(tb, err)
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// ignore is a function that handles every event.
func ignore(context.Context, moneykit.Event) error { return nil }

const (
	finishUser   = "customer-canary-0001"
	finishOther  = "customer-canary-0002"
	finishDecoy  = "exchangeable-canary-0003" // a token that nobody issued
	exchangeCall = "exchange_token"
)

// finishing is a sandbox with a client.
type finishing struct {
	mk     *moneykittest.Server
	client *moneykit.Client
}

// open returns the token of a session for a new link.
func (f *finishing) open(t *testing.T, user string) string {
	t.Helper()
	session, err := f.client.LinkSessions.Create(t.Context(), moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: user}, RedirectURI: "https://app.example/oauth",
	})
	require.NoError(t, err)
	return session.Token
}

// relink returns the token of a session for a link.
func (f *finishing) relink(t *testing.T, user, linkID string) string {
	t.Helper()
	session, err := f.client.LinkSessions.Relink(t.Context(), linkID, relinkParams(user))
	require.NoError(t, err)
	return session.Token
}

// connect plays Connect with a session, and returns the result that the front end posts.
func (f *finishing) connect(t *testing.T, session string, source moneykit.ConnectSource, play moneykittest.Play) *moneykit.ConnectResult {
	t.Helper()
	result, err := moneykit.ParseConnectResult(f.mk.Connect(session, source, play))
	require.NoError(t, err)
	return result
}

// linked plays Connect for a new link at the Credentials Bank.
func (f *finishing) linked(t *testing.T, user string, source moneykit.ConnectSource) *moneykit.ConnectResult {
	t.Helper()
	result := f.connect(t, f.open(t, user), source, moneykittest.Play{Institution: moneykittest.CredentialsBank})
	require.Equal(t, moneykit.ConnectLinked, result.Outcome)
	return result
}

func (f *finishing) finish(ctx context.Context, user string, result *moneykit.ConnectResult) (*moneykit.Link, error) {
	return f.client.LinkSessions.Finish(ctx, moneykit.FinishParams{Result: result, UserID: user})
}

// finishes calls Finish several times with the same result, and expects the same link each time.
func (f *finishing) finishes(t *testing.T, params moneykit.FinishParams, linkID string) {
	t.Helper()
	for range 3 {
		link, err := f.client.LinkSessions.Finish(t.Context(), params)
		require.NoError(t, err)
		assert.Equal(t, linkID, link.ID)
		assert.Equal(t, moneykit.LinkStateConnected, link.State)
	}
	assert.LessOrEqual(t, f.exchanged(), 1)
}

// count returns how many requests of an operation MoneyKit has received.
func (f *finishing) count(operation string) int {
	n := 0
	for _, r := range f.mk.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// exchanged returns how many exchanges MoneyKit has accepted.
func (f *finishing) exchanged() int {
	n := 0
	for _, r := range f.mk.Requests() {
		if r.Operation == exchangeCall && r.Status == http.StatusCreated {
			n++
		}
	}
	return n
}

func (f *finishing) state(t *testing.T, linkID string) moneykit.LinkState {
	t.Helper()
	link, err := f.client.Links.Get(t.Context(), linkID)
	require.NoError(t, err)
	return link.State
}

// newFinishing returns a sandbox with a client that does not retry, because tests count the calls.
func newFinishing(t *testing.T, opts ...moneykittest.Option) *finishing {
	t.Helper()
	f := &finishing{mk: moneykittest.NewServer(t, opts...)}
	f.restart()
	return f
}

// restart replaces the client by a new one without any caches, as in another process.
func (f *finishing) restart() {
	f.client = f.mk.Client(moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
}

func allSources() []moneykit.ConnectSource {
	return []moneykit.ConnectSource{
		moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative,
	}
}

func relinkParams(user string) moneykit.RelinkParams {
	return moneykit.RelinkParams{CustomerUser: moneykit.CustomerUser{ID: user}, RedirectURI: "https://app.example/oauth"}
}

const sessionToken = "session-canary-0001"

// validSession returns the params with only the required fields.
func validSession() moneykit.LinkSessionParams {
	return moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"},
		RedirectURI:  "https://example.com/oauth",
	}
}

// common contains the members of all events, as JSON and as a value.
const common = `"webhook_major_version":1,"webhook_minor_version":0,"webhook_idempotency_key":"evt_1",` +
	`"webhook_timestamp":"2026-03-01T12:00:00.5Z","link_id":"mk_1","link_tags":["a","b"]`

// goldens returns the files of a folder by name. It fails the test if wanted has other names.
func goldens[T any](tb testing.TB, dir string, wanted map[string]T) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(tb, err)
	files := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(tb, err)
		files[strings.TrimSuffix(filepath.Base(path), ".json")] = data
	}
	require.ElementsMatch(tb, slices.Collect(maps.Keys(wanted)), slices.Collect(maps.Keys(files)),
		"files without a result, or results without a file")
	return files
}
