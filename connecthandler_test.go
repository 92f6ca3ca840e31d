package moneykit_test

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
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// connectShop is an application with a ConnectHandler. Its login is a header.
type connectShop struct {
	mk      *moneykittest.Server
	client  *moneykit.Client
	handler http.Handler
	log     bytes.Buffer // of the client and the handler

	mu   sync.Mutex
	told []connectTold
	fail error // of the hooks
}

// connectTold is a call of a hook.
type connectTold struct {
	hook, user string
	link       *moneykit.Link
	result     *moneykit.ConnectResult
	event      *moneykit.ConnectEvent
}

// newConnectShop returns a shop whose settings change may still change.
func newConnectShop(tb testing.TB, mk *moneykittest.Server, change func(*moneykit.ConnectConfig)) *connectShop {
	tb.Helper()
	s := &connectShop{mk: mk}
	s.client = mk.Client(
		moneykit.WithLogger(slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}),
	)
	note := func(told connectTold) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, told)
		return s.fail
	}
	config := moneykit.ConnectConfig{
		Client:      s.client,
		RedirectURI: redirectURI,
		User:        connectUser,
		Linked: func(_ context.Context, user string, link *moneykit.Link) error {
			return note(connectTold{hook: "linked", user: user, link: link})
		},
		Relinked: func(_ context.Context, user string, link *moneykit.Link) error {
			return note(connectTold{hook: "relinked", user: user, link: link})
		},
		Exited: func(_ context.Context, user string, result *moneykit.ConnectResult) {
			_ = note(connectTold{hook: "exited", user: user, result: result})
		},
		Event: func(_ context.Context, user string, event *moneykit.ConnectEvent) {
			_ = note(connectTold{hook: "event", user: user, event: event})
		},
	}
	if change != nil {
		change(&config)
	}
	var err error
	s.handler, err = moneykit.ConnectHandler(config)
	require.NoError(tb, err)
	return s
}

func connectUser(r *http.Request) (moneykit.CustomerUser, error) {
	id := r.Header.Get("X-User")
	if id == "" {
		return moneykit.CustomerUser{ID: "somebody"}, errors.New("no cookie")
	}
	return moneykit.CustomerUser{ID: id}, nil
}

// post posts JSON as a user to an endpoint of a handler, and checks what all answers have in common.
func (s *connectShop) post(tb testing.TB, user, endpoint, body string) *httptest.ResponseRecorder {
	tb.Helper()
	return s.serve(tb, connectRequest(tb, user, endpoint, strings.NewReader(body)))
}

func connectRequest(tb testing.TB, user, endpoint string, body io.Reader) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/connect/"+endpoint, body)
	r.Header.Set("Content-Type", "application/json")
	if user != "" {
		r.Header.Set("X-User", user)
	}
	return r
}

func (s *connectShop) serve(tb testing.TB, r *http.Request) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	checkConnectAnswer(tb, w)
	return w
}

// connectProblem is the error of an answer.
type connectProblem struct {
	Code       string          `json:"code"`
	Message    string          `json:"message"`
	Action     moneykit.Action `json:"action"`
	RetryAfter int             `json:"retry_after"`
}

// checkConnectAnswer checks an answer of an endpoint, and returns its error if it is one.
func checkConnectAnswer(tb testing.TB, w *httptest.ResponseRecorder) connectProblem {
	tb.Helper()
	header := w.Header()
	assert.Equal(tb, []string{"no-store"}, header.Values("Cache-Control"))
	assert.Equal(tb, []string{"nosniff"}, header.Values("X-Content-Type-Options"))
	assert.Empty(tb, header.Values("Set-Cookie"))
	if w.Code == http.StatusNoContent {
		assert.Empty(tb, w.Body.String())
		return connectProblem{}
	}
	assert.Equal(tb, []string{"application/json"}, header.Values("Content-Type"))
	assert.True(tb, json.Valid(w.Body.Bytes()), "%q", w.Body)
	var answer struct {
		Error *connectProblem `json:"error"`
	}
	decoder := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	if w.Code == http.StatusOK {
		require.NoError(tb, decoder.Decode(&answer))
		assert.Nil(tb, answer.Error)
		return connectProblem{}
	}
	decoder.DisallowUnknownFields()
	require.NoError(tb, decoder.Decode(&answer))
	require.NotNil(tb, answer.Error)
	problem := *answer.Error
	assert.NotEmpty(tb, problem.Code)
	assert.Regexp(tb, `^[A-Z].*\.$`, problem.Message, "it is a sentence for the user")
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

// refused checks that an answer has a status and an error with a code.
func refused(tb testing.TB, w *httptest.ResponseRecorder, status int, code string) connectProblem {
	tb.Helper()
	problem := checkConnectAnswer(tb, w)
	assert.Equal(tb, status, w.Code)
	assert.Equal(tb, code, problem.Code)
	return problem
}

// launch opens a session and returns how to start Connect.
func (s *connectShop) launch(tb testing.TB, user, endpoint, body string) moneykit.Launch {
	tb.Helper()
	w := s.post(tb, user, endpoint, body)
	require.Equal(tb, http.StatusOK, w.Code, w.Body)
	var launch moneykit.Launch
	require.NoError(tb, json.Unmarshal(w.Body.Bytes(), &launch))
	require.NotEmpty(tb, launch.Token)
	return launch
}

// play links a bank in Connect for a user, and returns what their front end posts.
func (s *connectShop) play(tb testing.TB, user string, source moneykit.ConnectSource, play moneykittest.Play) string {
	tb.Helper()
	return string(s.mk.Connect(s.launch(tb, user, "session", "").Token, source, play))
}

// link links a bank for a user, and returns the link.
func (s *connectShop) link(tb testing.TB, user string) *moneykit.Link {
	tb.Helper()
	w := s.post(tb, user, "result", `{"result":`+s.play(tb, user, moneykit.ConnectWeb, moneykittest.Play{})+`}`)
	require.Equal(tb, http.StatusOK, w.Code, w.Body)
	told := s.calls()
	return told[len(told)-1].link
}

// calls returns the calls of hooks since it was asked before.
func (s *connectShop) calls() []connectTold {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.told
	s.told = nil
	return told
}

func (s *connectShop) setFail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// asked returns how often MoneyKit was asked for an operation.
func (s *connectShop) asked(operation string) int {
	n := 0
	for _, r := range s.mk.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

func connectSources() []moneykit.ConnectSource {
	return []moneykit.ConnectSource{moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative}
}

func TestConnectHandlerFlow(t *testing.T) {
	t.Parallel()
	const (
		user     = "user_0001"
		linked   = `{"outcome":"linked","institution":{"id":"moneykit-creds-bank","name":"Credentials Bank"}}`
		relinked = `{"outcome":"relinked","institution":{"id":"moneykit-creds-bank","name":"Credentials Bank"}}`
	)
	for _, source := range connectSources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) {
				c.Link = func(_ *http.Request, p *moneykit.LinkSessionParams) error {
					p.Webhook, p.Tags = "https://shop.example/hook", []string{"shop", "team:7"}
					return nil
				}
			})
			launch := s.launch(t, user, "session", "")
			assert.Equal(t, moneykit.LaunchLink, launch.Call)
			payload := s.mk.Connect(launch.Token, source, moneykittest.Play{Institution: moneykittest.CredentialsBank})
			w := s.post(t, user, "result", `{"result":`+string(payload)+`}`)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			assert.JSONEq(t, linked, w.Body.String())
			told := s.calls()
			require.Len(t, told, 1)
			assert.Equal(t, "linked", told[0].hook)
			assert.Equal(t, user, told[0].user)
			link := told[0].link
			assert.Equal(t, moneykit.LinkStateConnected, link.State)

			s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
			launch = s.launch(t, user, "relink", `{"link_id":"`+link.ID+`"}`)
			assert.Equal(t, moneykit.LaunchRelink, launch.Call)
			again := s.launch(t, user, "relink", `{"link_id":"`+link.ID+`"}`)
			assert.Equal(t, launch.Token, again.Token, "a double click opens one session")
			payload = s.mk.Connect(launch.Token, source, moneykittest.Play{})
			w = s.post(t, user, "result", `{"result":`+string(payload)+`,"link_id":"`+link.ID+`"}`)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			assert.JSONEq(t, relinked, w.Body.String())
			told = s.calls()
			require.Len(t, told, 1)
			assert.Equal(t, "relinked", told[0].hook)
			assert.Equal(t, user, told[0].user)
			assert.Equal(t, link.ID, told[0].link.ID)

			now, err := s.client.Links.Get(t.Context(), link.ID)
			require.NoError(t, err)
			assert.Equal(t, moneykit.LinkStateConnected, now.State)
			assert.Equal(t, "https://shop.example/hook", now.Webhook)
			assert.Equal(t, []string{"shop", "team:7"}, now.Tags)

			s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
			third := s.launch(t, user, "relink", `{"link_id":"`+link.ID+`"}`)
			assert.NotEqual(t, launch.Token, third.Token, "Connect opens with a session once")
			w = s.post(t, user, "result", `{"result":null,"link_id":"`+link.ID+`"}`)
			require.Equal(t, http.StatusOK, w.Code)
			fourth := s.launch(t, user, "relink", `{"link_id":"`+link.ID+`"}`)
			assert.NotEqual(t, third.Token, fourth.Token, "the user has left the one before")
		})
	}
}

func TestConnectHandlerExits(t *testing.T) {
	t.Parallel()
	for _, source := range connectSources() {
		for name, play := range map[string]moneykittest.Play{
			"leave": {Leave: true},
			"error": {Exit: &moneykit.ConnectError{ID: "bank_down", DisplayedMessage: "No bank.", RequestID: "req_1"}},
		} {
			t.Run(string(source)+" "+name, func(t *testing.T) {
				t.Parallel()
				s := newConnectShop(t, moneykittest.NewServer(t), nil)
				payload := s.play(t, "user_0001", source, play)
				want, err := moneykit.ParseConnectResult([]byte(payload))
				require.NoError(t, err)
				w := s.post(t, "user_0001", "result", `{"result":`+payload+`}`)
				require.Equal(t, http.StatusOK, w.Code)
				assert.JSONEq(t, `{"outcome":"exited"}`, w.Body.String())
				assert.Equal(t, []connectTold{{hook: "exited", user: "user_0001", result: want}}, s.calls())
			})
		}
	}
}

func TestConnectHandlerEvents(t *testing.T) {
	t.Parallel()
	for _, source := range connectSources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), nil)
			launch := s.launch(t, "user_0001", "session", "")
			s.mk.Connect(launch.Token, source, moneykittest.Play{Institution: moneykittest.CredentialsBank})
			var want, got []moneykit.ConnectEventName
			for _, data := range s.mk.ConnectEvents(launch.Token, source) {
				event, err := moneykit.ParseConnectEvent(data)
				require.NoError(t, err)
				want = append(want, event.Name)
				w := s.post(t, "user_0001", "event", string(data))
				assert.Equal(t, http.StatusNoContent, w.Code)
			}
			for _, told := range s.calls() {
				assert.Equal(t, "event", told.hook)
				assert.Equal(t, "user_0001", told.user)
				got = append(got, told.event.Name)
			}
			assert.Equal(t, want, got)
			assert.Contains(t, got, moneykit.ConnectEventSubmitCredentials)
		})
	}
}

// TestConnectHandlerWithoutHooks: the hooks about what happened may be left out.
func TestConnectHandlerWithoutHooks(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) {
		c.Linked, c.Relinked, c.Exited, c.Event = nil, nil, nil, nil
	})
	payload := s.play(t, "user_0001", moneykit.ConnectWeb, moneykittest.Play{})
	assert.Equal(t, http.StatusOK, s.post(t, "user_0001", "result", `{"result":`+payload+`}`).Code)
	links, err := s.client.Users.Links(t.Context(), "user_0001")
	require.NoError(t, err)
	for id := range links.Links {
		s.mk.Break(id, moneykit.LinkErrorAuthExpired)
		launch := s.launch(t, "user_0001", "relink", `{"link_id":"`+id+`"}`)
		payload = string(s.mk.Connect(launch.Token, moneykit.ConnectWeb, moneykittest.Play{}))
		assert.Equal(t, http.StatusOK, s.post(t, "user_0001", "result", `{"result":`+payload+`}`).Code)
	}
	assert.Equal(t, http.StatusOK, s.post(t, "user_0001", "result", `{"result":null}`).Code)
	assert.Equal(t, http.StatusNoContent, s.post(t, "user_0001", "event", `{"name":"open"}`).Code)
}

func TestConnectHandlerLaunch(t *testing.T) {
	t.Parallel()
	theme := &moneykit.Theme{Colors: moneykit.ThemeColors{Accent: moneykit.ThemeValue{Light: "#0077ff"}}}
	for name, tt := range map[string]struct {
		theme *moneykit.Theme
		want  string
	}{
		"plain":  {nil, `{"call":"%s","link_session_token":"%s"}`},
		"themed": {theme, `{"call":"%s","link_session_token":"%s","theme":{"colors":{"accent":"#0077ff"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) { c.Theme = tt.theme })
			link := s.mk.AddLink(moneykittest.LinkSpec{Error: moneykit.LinkErrorAuthExpired})
			for call, body := range map[string]string{"link": "", "relink": `{"link_id":"` + link.ID + `"}`} {
				endpoint := map[string]string{"link": "session", "relink": "relink"}[call]
				w := s.post(t, "user_0001", endpoint, body)
				var launch moneykit.Launch
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &launch))
				assert.Equal(t, fmt.Sprintf(tt.want, call, launch.Token), w.Body.String())
			}
		})
	}
}

func TestConnectHandlerOAuth(t *testing.T) {
	t.Parallel()
	get := func(t *testing.T, h http.Handler, method, target string) *httptest.ResponseRecorder {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
		return w
	}
	for _, redirect := range []string{
		redirectURI, "https://shop.example/connect/oauth", "https://shop.example/back/", "https://shop.example",
		"https://shop.example/connect/", "http://localhost:3000/%7Bb%C3%A4nk%7D",
	} {
		t.Run(redirect, func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) { c.RedirectURI = redirect })
			launch := s.launch(t, "user_0001", "session", "")
			returned := s.mk.Authorize(launch.Token, moneykittest.Play{Institution: moneykittest.OAuthBank})
			require.True(t, strings.HasPrefix(returned, redirect+"?"), returned)

			u, err := url.Parse(returned)
			require.NoError(t, err)
			w := get(t, s.handler, http.MethodGet, u.RequestURI())
			checkPage(t, w)
			assert.Contains(t, w.Body.String(), "postMessage")
			assert.Equal(t, http.StatusOK, get(t, s.handler, http.MethodHead, u.RequestURI()).Code)
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
				w := get(t, s.handler, method, u.RequestURI())
				assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
				assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
				checkGuards(t, w)
			}
			path, _, _ := strings.Cut(u.RequestURI(), "?")
			assert.Equal(t, http.StatusBadRequest, get(t, s.handler, http.MethodGet, path).Code, "nobody comes from a bank")
			assert.Equal(t, http.StatusNotFound, get(t, s.handler, http.MethodGet, path+"x?code=1").Code)

			r, err := moneykit.ParseOAuthReturn(redirect, returned)
			require.NoError(t, err)
			assert.Equal(t, moneykit.LaunchContinue, r.Launch().Call)
			payload := s.mk.Continue(launch.Token, r.Launch().RedirectURL, moneykit.ConnectWeb, moneykittest.Play{})
			w = s.post(t, "user_0001", "result", `{"result":`+string(payload)+`}`)
			assert.JSONEq(t, `{"outcome":"linked","institution":{"id":"moneykit-oauth-bank","name":"OAuth Bank"}}`, w.Body.String())
		})
	}

	t.Run("settings of the page", func(t *testing.T) {
		t.Parallel()
		s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) { c.OAuth.Script = "/oauth.js" })
		w := get(t, s.handler, http.MethodGet, "/oauth?code=1")
		checkPage(t, w)
		assert.Contains(t, w.Body.String(), `src="/oauth.js"`)
	})
	t.Run("an app's own scheme", func(t *testing.T) {
		t.Parallel()
		s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) { c.RedirectURI = "shop://back/oauth" })
		s.launch(t, "user_0001", "session", "")
		assert.Equal(t, http.StatusNotFound, get(t, s.handler, http.MethodGet, "/oauth?code=1").Code)
	})
}

// TestConnectHandlerPath: the endpoints are below Path, and nowhere else.
func TestConnectHandlerPath(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) { c.Path = "/api/v1/bank/" })
	for path, want := range map[string]int{
		"/api/v1/bank/session": http.StatusOK, "/connect/session": http.StatusNotFound, "/session": http.StatusNotFound,
		"/api/v1/bank/": http.StatusNotFound, "/api/v1/bank/session/": http.StatusNotFound, "/api/v1/bank/sessions": http.StatusNotFound,
	} {
		r := connectRequest(t, "user_0001", "", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		assert.Equal(t, want, w.Code, path)
	}
}

// TestConnectHandlerPerUser: an application decides for each user, but not who the user is.
func TestConnectHandlerPerUser(t *testing.T) {
	t.Parallel()
	refuse := errors.New("not today")
	s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) {
		c.Link = func(r *http.Request, p *moneykit.LinkSessionParams) error {
			switch p.CustomerUser.ID {
			case "user_0003":
				return refuse
			case "user_0002":
				return nil
			}
			p.InstitutionID = moneykittest.CredentialsBank
			p.Webhook = "https://shop.example/" + r.Header.Get("X-User")
			p.Tags = []string{"gold"}
			p.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.ProductsSettings{
				Identity: &moneykit.ProductSettings{Required: true},
			}}
			p.CustomerUser = moneykit.CustomerUser{ID: "user_0002", Email: &moneykit.CustomerUserEmail{Address: "a@example.com"}}
			return nil
		}
		c.Relink = func(_ *http.Request, linkID string, p *moneykit.RelinkParams) error {
			if p.CustomerUser.ID == "user_0003" {
				return fmt.Errorf("%w: %s", refuse, linkID)
			}
			p.Webhook, p.Tags = moneykit.Clear[string](), moneykit.Set([]string{"silver"})
			p.CustomerUser.ID = "user_0002"
			return nil
		}
	})
	bodies := func() (all []string) {
		for _, r := range s.mk.Requests() {
			if r.Operation == "create_link_session" {
				all = append(all, string(r.Body))
			}
		}
		return all
	}
	s.launch(t, "user_0001", "session", "")
	s.launch(t, "user_0002", "session", "")
	problem := refused(t, s.post(t, "user_0003", "session", ""), http.StatusForbidden, "forbidden")
	assert.Equal(t, moneykit.ActionNone, problem.Action)
	sent := bodies()
	require.Len(t, sent, 2)
	assert.JSONEq(t, `{"customer_user":{"id":"user_0001","email":{"address":"[redacted]"}},"institution_id":"moneykit-creds-bank",
		"link_tags":["gold"],"redirect_uri":"https://example.com/oauth","settings":{"products":{"identity":{"required":true}}},
		"webhook":"https://shop.example/user_0001"}`, sent[0])
	assert.JSONEq(t, `{"customer_user":{"id":"user_0002"},"redirect_uri":"https://example.com/oauth"}`, sent[1])

	link := s.mk.AddLink(moneykittest.LinkSpec{
		UserID: "user_0001", Error: moneykit.LinkErrorAuthExpired, Webhook: "https://shop.example/hook", Tags: []string{"gold"},
	})
	body := `{"link_id":"` + link.ID + `"}`
	refused(t, s.post(t, "user_0003", "relink", body), http.StatusForbidden, "forbidden")
	assert.Zero(t, s.asked("get_link"), "MoneyKit is not asked about what the application refuses")
	s.launch(t, "user_0001", "relink", body)
	now, err := s.client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Empty(t, now.Webhook)
	assert.Equal(t, []string{"silver"}, now.Tags)

	theirs := s.mk.AddLink(moneykittest.LinkSpec{UserID: "user_0002", Error: moneykit.LinkErrorAuthExpired})
	refused(t, s.post(t, "user_0001", "relink", `{"link_id":"`+theirs.ID+`"}`), http.StatusNotFound, "not_found")
}

func TestConnectHandlerRefusesSettings(t *testing.T) {
	t.Parallel()
	client := moneykittest.NewServer(t).Client()
	for name, tt := range map[string]struct {
		change func(*moneykit.ConnectConfig)
		want   string
	}{
		"no client":    {func(c *moneykit.ConnectConfig) { c.Client = nil }, "the setting Client is missing"},
		"empty client": {func(c *moneykit.ConnectConfig) { c.Client = &moneykit.Client{} }, "the setting Client is missing"},
		"no user":      {func(c *moneykit.ConnectConfig) { c.User = nil }, "the setting User is missing"},

		"no redirect URI":         {func(c *moneykit.ConnectConfig) { c.RedirectURI = "" }, "the setting RedirectURI must not be empty"},
		"broken redirect URI":     {func(c *moneykit.ConnectConfig) { c.RedirectURI = "https://a/%zz" }, "the setting RedirectURI must be a URL"},
		"relative redirect URI":   {func(c *moneykit.ConnectConfig) { c.RedirectURI = "/oauth" }, "the setting RedirectURI must be absolute"},
		"redirect URI with query": {func(c *moneykit.ConnectConfig) { c.RedirectURI = "https://a.example/?b" }, "the setting RedirectURI must not have a query"},
		"redirect URI in the clear": {
			func(c *moneykit.ConnectConfig) { c.RedirectURI = "http://a.example/oauth" }, "the setting RedirectURI must begin with https://",
		},
		"redirect URI that is an endpoint": {
			func(c *moneykit.ConnectConfig) { c.RedirectURI = "https://a.example/connect/result" }, "the setting RedirectURI is one of the endpoints",
		},
		"redirect URI that is an endpoint, encoded": {
			func(c *moneykit.ConnectConfig) { c.RedirectURI = "https://a.example/connect/%72elink" }, "the setting RedirectURI is one of the endpoints",
		},
		"redirect URI with dots": {
			func(c *moneykit.ConnectConfig) { c.RedirectURI = "https://a.example/b/../oauth" }, "the setting RedirectURI must have a path without dots",
		},
		"redirect URI with doubled slashes": {
			func(c *moneykit.ConnectConfig) { c.RedirectURI = "https://a.example//oauth" }, "the setting RedirectURI must have a path without dots",
		},
		"redirect URI with an encoded slash": {
			func(c *moneykit.ConnectConfig) { c.RedirectURI = "https://a.example/b%2foauth" }, "the setting RedirectURI must not have an encoded slash",
		},
		"another redirect URI for the page": {
			func(c *moneykit.ConnectConfig) { c.OAuth.RedirectURI = "https://a.example/other" }, "the setting OAuth has another redirect URI",
		},
		"script":   {func(c *moneykit.ConnectConfig) { c.OAuth.Script = "oauth.js" }, "the setting Script must"},
		"targets":  {func(c *moneykit.ConnectConfig) { c.OAuth.ForwardTargets = []string{"x"} }, "the setting ForwardTargets[0] must"},
		"Connect":  {func(c *moneykit.ConnectConfig) { c.OAuth.ConnectOrigin = "*" }, "the setting ConnectOrigin must"},
		"no start": {func(c *moneykit.ConnectConfig) { c.Path = "connect/" }, "the setting Path must"},
		"no end":   {func(c *moneykit.ConnectConfig) { c.Path = "/connect" }, "the setting Path must"},
		"wildcard": {func(c *moneykit.ConnectConfig) { c.Path = "/{user}/" }, "the setting Path must"},
		"query":    {func(c *moneykit.ConnectConfig) { c.Path = "/a?/" }, "the setting Path must"},
		"escape":   {func(c *moneykit.ConnectConfig) { c.Path = "/%41/" }, "the setting Path must"},
		"host":     {func(c *moneykit.ConnectConfig) { c.Path = "//a.example/" }, "the setting Path must"},
		"method":   {func(c *moneykit.ConnectConfig) { c.Path = "POST /a/" }, "the setting Path must"},
		"tab":      {func(c *moneykit.ConnectConfig) { c.Path = "/a\t/" }, "the setting Path must"},
		"control":  {func(c *moneykit.ConnectConfig) { c.Path = "/a\x7f/" }, "the setting Path must"},
		"dots":     {func(c *moneykit.ConnectConfig) { c.Path = "/a/../b/" }, "the setting Path must"},
		"a dot":    {func(c *moneykit.ConnectConfig) { c.Path = "/./" }, "the setting Path must"},
		"theme": {
			func(c *moneykit.ConnectConfig) {
				c.Theme = &moneykit.Theme{Colors: moneykit.ThemeColors{Accent: moneykit.ThemeValue{Light: "url(//evil.example)"}}}
			},
			"the setting Theme",
		},
		"wildcard origin":    {func(c *moneykit.ConnectConfig) { c.TrustedOrigins = []string{"*"} }, "the setting TrustedOrigins"},
		"null origin":        {func(c *moneykit.ConnectConfig) { c.TrustedOrigins = []string{"null"} }, "the setting TrustedOrigins"},
		"empty origin":       {func(c *moneykit.ConnectConfig) { c.TrustedOrigins = []string{""} }, "the setting TrustedOrigins"},
		"origin with a path": {func(c *moneykit.ConnectConfig) { c.TrustedOrigins = []string{"https://a.example/"} }, "the setting TrustedOrigins"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := moneykit.ConnectConfig{Client: client, RedirectURI: redirectURI, User: connectUser}
			tt.change(&config)
			handler, err := moneykit.ConnectHandler(config)
			require.Error(t, err)
			assert.Nil(t, handler)
			assert.True(t, strings.HasPrefix(err.Error(), "moneykit: "+tt.want), err)
			assert.False(t, strings.HasPrefix(err.Error(), "moneykit: moneykit: "), err)
			assert.NotContains(t, err.Error(), "evil")
		})
	}

	config := moneykit.ConnectConfig{Client: client, RedirectURI: redirectURI, User: connectUser}
	for _, path := range []string{"", "/", "/a-b_c.d~e/", "/ä/"} {
		config.Path = path
		_, err := moneykit.ConnectHandler(config)
		require.NoError(t, err, path)
	}
	config.TrustedOrigins = []string{"https://app.example", "http://localhost:3000"}
	config.OAuth.RedirectURI = redirectURI
	_, err := moneykit.ConnectHandler(config)
	require.NoError(t, err)
}
