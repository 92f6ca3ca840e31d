package connect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const (
	redirectURI = "https://example.com/oauth"
	me          = "user_0001"
	victim      = "user_0002"
)

// shop is an application with a [connect.Handler]. Its login is a header.
type shop struct {
	mk      *moneykittest.Server
	client  *moneykit.Client
	handler http.Handler
	log     bytes.Buffer // of the client and the handler

	mu    sync.Mutex
	heard []hookCall
	fail  error // of the hooks
}

// hookCall is a call of a hook.
type hookCall struct {
	hook, user string
	link       *moneykit.Link
	result     *moneykit.ConnectResult
	event      *moneykit.ConnectEvent
}

// newShop returns a shop with the settings of newConfig, after change has modified them.
func newShop(tb testing.TB, mk *moneykittest.Server, change func(*connect.Config)) *shop {
	tb.Helper()
	s := &shop{mk: mk}
	logger := slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.client = mk.Client(moneykit.WithLogger(logger), moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	config := s.newConfig()
	config.Logger = logger
	if change != nil {
		change(&config)
	}
	var err error
	s.handler, err = connect.NewHandler(s.client, config)
	require.NoError(tb, err)
	return s
}

func (s *shop) newConfig() connect.Config {
	hear := func(call hookCall) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.heard = append(s.heard, call)
		return s.fail
	}
	return connect.Config{
		RedirectURI: redirectURI,
		User:        userFromHeader,
		OnLinked: func(_ context.Context, user string, link *moneykit.Link) error {
			return hear(hookCall{hook: "linked", user: user, link: link})
		},
		OnRelinked: func(_ context.Context, user string, link *moneykit.Link) error {
			return hear(hookCall{hook: "relinked", user: user, link: link})
		},
		OnExited: func(_ context.Context, user string, result *moneykit.ConnectResult) {
			_ = hear(hookCall{hook: "exited", user: user, result: result})
		},
		OnEvent: func(_ context.Context, user string, event *moneykit.ConnectEvent) {
			_ = hear(hookCall{hook: "event", user: user, event: event})
		},
	}
}

func userFromHeader(r *http.Request) (moneykit.CustomerUser, error) {
	id := r.Header.Get("X-User")
	if id == "" {
		return moneykit.CustomerUser{ID: "somebody"}, errors.New("no cookie")
	}
	return moneykit.CustomerUser{ID: id}, nil
}

// post posts JSON as a user to an endpoint, and checks the properties of all responses.
func (s *shop) post(tb testing.TB, user, endpoint, body string) *httptest.ResponseRecorder {
	tb.Helper()
	return s.serve(tb, newRequest(tb, user, endpoint, strings.NewReader(body)))
}

func newRequest(tb testing.TB, user, endpoint string, body io.Reader) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/connect/"+endpoint, body)
	r.Header.Set("Content-Type", "application/json")
	if user != "" {
		r.Header.Set("X-User", user)
	}
	return r
}

func (s *shop) serve(tb testing.TB, r *http.Request) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	checkResponse(tb, w)
	return w
}

// problem is the JSON of an error in a response.
type problem struct {
	Code       string          `json:"code"`
	Message    string          `json:"message"`
	Action     moneykit.Action `json:"action"`
	RetryAfter int             `json:"retry_after"`
	Detail     string          `json:"detail"`
}

// checkResponse checks a response of an endpoint, and returns the error in it.
func checkResponse(tb testing.TB, w *httptest.ResponseRecorder) problem {
	tb.Helper()
	header := w.Header()
	assert.Equal(tb, []string{"no-store"}, header.Values("Cache-Control"))
	assert.Equal(tb, []string{"nosniff"}, header.Values("X-Content-Type-Options"))
	assert.Empty(tb, header.Values("Set-Cookie"))
	if w.Code == http.StatusNoContent {
		assert.Empty(tb, w.Body.String())
		return problem{}
	}
	assert.Equal(tb, []string{"application/json"}, header.Values("Content-Type"))
	assert.True(tb, json.Valid(w.Body.Bytes()), "%q", w.Body)
	var answer struct {
		Error *problem `json:"error"`
	}
	decoder := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	if w.Code == http.StatusOK {
		require.NoError(tb, decoder.Decode(&answer))
		assert.Nil(tb, answer.Error)
		return problem{}
	}
	decoder.DisallowUnknownFields()
	require.NoError(tb, decoder.Decode(&answer))
	require.NotNil(tb, answer.Error)
	problem := *answer.Error
	assert.NotEmpty(tb, problem.Code)
	assert.Regexp(tb, `^[A-Z].*\.$`, problem.Message, "the message must be a sentence for the user")
	assert.NotContains(tb, problem.Message, "moneykit")
	assert.Contains(tb, []moneykit.Action{
		moneykit.ActionNone, moneykit.ActionWait, moneykit.ActionRelink, moneykit.ActionUser,
		moneykit.ActionRetry, moneykit.ActionGone, moneykit.ActionSupport, moneykit.ActionFix,
	}, problem.Action)
	if problem.RetryAfter > 0 {
		assert.Equal(tb, fmt.Sprint(problem.RetryAfter), header.Get("Retry-After"))
	} else {
		assert.Empty(tb, header.Values("Retry-After"))
	}
	return problem
}

// refused checks that a response has a status and an error with a code.
func refused(tb testing.TB, w *httptest.ResponseRecorder, status int, code string) problem {
	tb.Helper()
	problem := checkResponse(tb, w)
	assert.Equal(tb, status, w.Code)
	assert.Equal(tb, code, problem.Code)
	return problem
}

// launch opens a session.
func (s *shop) launch(tb testing.TB, user, endpoint, body string) connect.Launch {
	tb.Helper()
	w := s.post(tb, user, endpoint, body)
	require.Equal(tb, http.StatusOK, w.Code, w.Body)
	var launch connect.Launch
	require.NoError(tb, json.Unmarshal(w.Body.Bytes(), &launch))
	require.NotEmpty(tb, launch.Token)
	return launch
}

// play links a bank in Connect for a user, and returns the result of Connect.
func (s *shop) play(tb testing.TB, user string, source moneykit.ConnectSource, play moneykittest.Play) string {
	tb.Helper()
	return string(s.mk.Connect(s.launch(tb, user, "session", "").Token, source, play))
}

// link links a bank for a user, and returns the link.
func (s *shop) link(tb testing.TB, user string) *moneykit.Link {
	tb.Helper()
	w := s.post(tb, user, "result", `{"result":`+s.play(tb, user, moneykit.ConnectWeb, moneykittest.Play{})+`}`)
	require.Equal(tb, http.StatusOK, w.Code, w.Body)
	calls := s.calls()
	return calls[len(calls)-1].link
}

// calls returns the calls of hooks since the last call of this method.
func (s *shop) calls() []hookCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.heard
	s.heard = nil
	return calls
}

func (s *shop) setFail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// asked returns how often an operation of MoneyKit was called.
func (s *shop) asked(operation string) int {
	n := 0
	for _, r := range s.mk.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

func sources() []moneykit.ConnectSource {
	return []moneykit.ConnectSource{moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// swap returns a payload with another link id or token in place of its own.
func swap(payload, old, fresh string) string {
	return strings.ReplaceAll(payload, `"`+old+`"`, `"`+fresh+`"`)
}

func parsed(tb testing.TB, payload string) *moneykit.ConnectResult {
	tb.Helper()
	result, err := moneykit.ParseConnectResult([]byte(payload))
	require.NoError(tb, err)
	return result
}

func posted(payload, linkID string) string {
	return `{"result":` + payload + `,"link_id":"` + linkID + `"}`
}

func quoteJSON(tb testing.TB, s string) string {
	tb.Helper()
	data, err := json.Marshal(s)
	require.NoError(tb, err)
	return string(data)
}

// failing is a body whose Read returns an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
