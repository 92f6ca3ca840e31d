package connect_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/connect/theme"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestHandlerFlow(t *testing.T) {
	t.Parallel()
	const (
		user   = "user_0001"
		answer = `{"outcome":"%s","link":"%s","institution":{"id":"moneykit-creds-bank","name":"Credentials Bank",
			"avatar":"https://credentials.bank.test/avatar.png"}}`
	)
	for _, source := range sources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
				c.PrepareLink = func(_ *http.Request, p *moneykit.LinkSessionParams) error {
					p.Webhook, p.Tags = "https://shop.example/hook", []string{"shop", "team:7"}
					return nil
				}
			})
			launch := s.launch(t, user, "session", "")
			assert.Equal(t, connect.LaunchLink, launch.Call)
			payload := s.mk.Connect(launch.Token, source, moneykittest.Play{Institution: moneykittest.CredentialsBank})
			w := s.post(t, user, "result", `{"result":`+string(payload)+`}`)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			calls := s.calls()
			require.Len(t, calls, 1)
			assert.Equal(t, "linked", calls[0].hook)
			assert.Equal(t, user, calls[0].user)
			link := calls[0].link
			handle := connect.LinkHandle(user, link.ID)
			assert.JSONEq(t, fmt.Sprintf(answer, "linked", handle), w.Body.String())
			assert.Equal(t, moneykit.LinkStateConnected, link.State)

			s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
			launch = s.launch(t, user, "relink", `{"link_id":"`+link.ID+`"}`)
			assert.Equal(t, connect.LaunchRelink, launch.Call)
			again := s.launch(t, user, "relink", `{"link_id":"`+link.ID+`"}`)
			assert.Equal(t, launch.Token, again.Token, "a double click must open one session")
			payload = s.mk.Connect(launch.Token, source, moneykittest.Play{})
			w = s.post(t, user, "result", `{"result":`+string(payload)+`,"link_id":"`+link.ID+`"}`)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			assert.JSONEq(t, fmt.Sprintf(answer, "relinked", handle), w.Body.String())
			calls = s.calls()
			require.Len(t, calls, 1)
			assert.Equal(t, "relinked", calls[0].hook)
			assert.Equal(t, user, calls[0].user)
			assert.Equal(t, link.ID, calls[0].link.ID)

			now, err := s.client.Links.Get(t.Context(), link.ID)
			require.NoError(t, err)
			assert.Equal(t, moneykit.LinkStateConnected, now.State)
			assert.Equal(t, "https://shop.example/hook", now.Webhook)
			assert.Equal(t, []string{"shop", "team:7"}, now.Tags)

			s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
			third := s.launch(t, user, "relink", `{"link_id":"`+link.ID+`"}`)
			assert.NotEqual(t, launch.Token, third.Token, "a used session must not be returned again")
			w = s.post(t, user, "result", `{"result":null,"link_id":"`+link.ID+`"}`)
			require.Equal(t, http.StatusOK, w.Code)
			fourth := s.launch(t, user, "relink", `{"link_id":"`+link.ID+`"}`)
			assert.NotEqual(t, third.Token, fourth.Token, "a session that the user left must not be returned again")
		})
	}
}

func TestHandlerExits(t *testing.T) {
	t.Parallel()
	for _, source := range sources() {
		for name, play := range map[string]moneykittest.Play{
			"leave": {Leave: true},
			"error": {Exit: &moneykit.ConnectError{ID: "bank_down", DisplayedMessage: "No bank.", RequestID: "req_1"}},
		} {
			t.Run(string(source)+" "+name, func(t *testing.T) {
				t.Parallel()
				s := newShop(t, moneykittest.NewServer(t), nil)
				payload := s.play(t, "user_0001", source, play)
				want, err := moneykit.ParseConnectResult([]byte(payload))
				require.NoError(t, err)
				w := s.post(t, "user_0001", "result", `{"result":`+payload+`}`)
				require.Equal(t, http.StatusOK, w.Code)
				answer := `{"outcome":"exited"}`
				if want.Err != nil {
					answer = `{"outcome":"exited","message":"No bank."}`
				}
				assert.JSONEq(t, answer, w.Body.String())
				assert.Equal(t, []hookCall{{hook: "exited", user: "user_0001", result: want}}, s.calls())
			})
		}
	}
}

// The sentence of an exit is for the user: one line, and not too long.
func TestExitMessage(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	const unfinished = "Connecting your bank was not finished. Please try again."
	for result, want := range map[string]string{
		`{"errorId":"bank_down","displayedMessage":"No bank."}`:                         "No bank.",
		`{"error":{"error_id":"a","displayed_message":" Two\nlines\u0007 \u2028<b> "}}`: "Two lines   <b>",
		`{"errorId":"bank_down"}`:                                 unfinished,
		`{"errorId":"bank_down","displayedMessage":"\n"}`:         unfinished,
		`{"displayedMessage":"` + strings.Repeat("ä", 300) + `"}`: strings.Repeat("ä", 250) + "…",
		`null`: "",
	} {
		w := s.post(t, me, "result", `{"result":`+result+`}`)
		var got struct{ Outcome, Message string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		assert.Equal(t, "exited", got.Outcome)
		assert.Equal(t, want, got.Message)
	}
}

func TestHandlerEvents(t *testing.T) {
	t.Parallel()
	for _, source := range sources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), nil)
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

func TestHandlerWithoutHooks(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.OnLinked, c.OnRelinked, c.OnExited, c.OnEvent = nil, nil, nil, nil
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

func TestHandlerLaunch(t *testing.T) {
	t.Parallel()
	look := &theme.Theme{Colors: theme.Colors{Accent: theme.Value{Light: "#0077ff"}}}
	for name, tt := range map[string]struct {
		theme *theme.Theme
		want  string
	}{
		"plain":  {nil, `{"call":"%s","link_session_token":"%s"}`},
		"themed": {look, `{"call":"%s","link_session_token":"%s","theme":{"colors":{"accent":"#0077ff"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.Theme = tt.theme })
			link := s.mk.AddLink(moneykittest.LinkSpec{Error: moneykit.LinkErrorAuthExpired})
			for call, body := range map[string]string{"link": "", "relink": `{"link_id":"` + link.ID + `"}`} {
				endpoint := map[string]string{"link": "session", "relink": "relink"}[call]
				w := s.post(t, "user_0001", endpoint, body)
				var launch connect.Launch
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &launch))
				assert.Equal(t, fmt.Sprintf(tt.want, call, launch.Token), w.Body.String())
			}
		})
	}
}

func TestHandlerOAuth(t *testing.T) {
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
			s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.RedirectURI = redirect })
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
			assert.Equal(t, http.StatusBadRequest, get(t, s.handler, http.MethodGet, path).Code)
			assert.Equal(t, http.StatusNotFound, get(t, s.handler, http.MethodGet, path+"x?code=1").Code)

			r, err := moneykit.ParseOAuthReturn(redirect, returned)
			require.NoError(t, err)
			assert.Equal(t, connect.LaunchContinue, connect.ContinueLaunch(r).Call)
			payload := s.mk.Continue(launch.Token, connect.ContinueLaunch(r).RedirectURL, moneykit.ConnectWeb, moneykittest.Play{})
			w = s.post(t, "user_0001", "result", `{"result":`+string(payload)+`}`)
			assert.Contains(t, w.Body.String(), `"institution":{"id":"moneykit-oauth-bank","name":"OAuth Bank",`)
		})
	}

	t.Run("settings of the page", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.ReturnPage.Script = "/oauth.js" })
		w := get(t, s.handler, http.MethodGet, "/oauth?code=1")
		checkPage(t, w)
		assert.Contains(t, w.Body.String(), `src="/oauth.js"`)
	})
	t.Run("an app's own scheme", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.RedirectURI = "shop://back/oauth" })
		s.launch(t, "user_0001", "session", "")
		assert.Equal(t, http.StatusNotFound, get(t, s.handler, http.MethodGet, "/oauth?code=1").Code)
	})
}

// Each platform has its own redirect URI. Those that a browser can visit have a return page.
func TestHandlerRedirectURIs(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.OtherRedirectURIs = []string{
			"https://shop.example/ios/oauth", "shop://oauth", "https://m.shop.example/oauth", "https://shop.example/connect/android",
		}
		c.ReturnPage.ForwardTargets = []string{"shop://oauth"}
		c.ReturnPage.Forward = func(r *http.Request) string {
			if r.URL.Path == "/ios/oauth" {
				return "shop://oauth"
			}
			return ""
		}
		type platform struct {
			RedirectURI string `json:"redirect_uri"`
		}
		c.PrepareLink = func(r *http.Request, p *moneykit.LinkSessionParams) error {
			var posted platform
			if err := json.NewDecoder(r.Body).Decode(&posted); err != nil {
				return err
			}
			p.RedirectURI = posted.RedirectURI
			return nil
		}
		c.PrepareRelink = func(r *http.Request, _ string, p *moneykit.RelinkParams) error {
			var posted platform
			err := json.NewDecoder(r.Body).Decode(&posted)
			p.RedirectURI = posted.RedirectURI
			return err
		}
	})
	link := s.mk.AddLink(moneykittest.LinkSpec{UserID: me, Error: moneykit.LinkErrorAuthExpired, InstitutionID: moneykittest.OAuthBank})
	for uri, want := range map[string]int{
		redirectURI: 200, "https://shop.example/ios/oauth": 303, "https://m.shop.example/oauth": 200,
		"https://shop.example/connect/android": 200, "shop://oauth": 0,
	} {
		body := `{"redirect_uri":"` + uri + `","link":"` + connect.LinkHandle(me, link.ID) + `"}`
		for _, endpoint := range []string{"session", "relink"} {
			launch := s.launch(t, me, endpoint, body)
			back := s.mk.Authorize(launch.Token, moneykittest.Play{Institution: moneykittest.OAuthBank})
			require.True(t, strings.HasPrefix(back, uri+"?"), back)
			if want == 0 {
				continue
			}
			u, err := url.Parse(back)
			require.NoError(t, err)
			handler, ok := s.handler.(*connect.Handler)
			require.True(t, ok)
			mux := http.NewServeMux()
			handler.Register(mux)
			for _, h := range []http.Handler{s.handler, mux} {
				w := visit(t, h, http.MethodGet, u.RequestURI())
				assert.Equal(t, want, w.Code, uri)
				checkGuards(t, w)
			}
		}
	}

	asked := s.asked("create_link_session")
	for _, uri := range []string{"https://evil.example/oauth", "https://shop.example/oauth/", ""} {
		body := `{"redirect_uri":"` + uri + `","link":"` + link.ID + `"}`
		for _, endpoint := range []string{"session", "relink"} {
			w := s.post(t, me, endpoint, body)
			problem := refused(t, w, http.StatusInternalServerError, "unavailable")
			assert.Equal(t, moneykit.ActionFix, problem.Action)
			assert.NotContains(t, w.Body.String()+s.log.String(), "evil")
		}
	}
	assert.Contains(t, s.log.String(), "set a redirect URI that is neither Config.RedirectURI nor one of Config.OtherRedirectURIs")
	assert.Equal(t, asked, s.asked("create_link_session"))
}

func TestHandlerRegister(t *testing.T) {
	t.Parallel()
	for _, redirect := range []string{redirectURI, "https://shop.example/connect/oauth", "https://shop.example/back/", "https://shop.example"} {
		s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.RedirectURI = redirect })
		handler, ok := s.handler.(*connect.Handler)
		require.True(t, ok)
		mux := http.NewServeMux()
		teapot := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }
		for _, pattern := range []string{"/", "GET /", "POST /", "GET /connect/settings", "GET /{$}"} {
			if redirect != "https://shop.example" || pattern != "GET /{$}" {
				mux.HandleFunc(pattern, teapot)
			}
		}
		handler.Register(mux)
		s.handler = mux

		s.link(t, me)
		assert.Equal(t, http.StatusNoContent, s.post(t, me, "event", `{"name":"open"}`).Code)
		refused(t, s.post(t, me, "relink", `{}`), http.StatusUnprocessableEntity, "invalid_request")
		u, err := url.Parse(redirect)
		require.NoError(t, err)
		checkPage(t, visit(t, mux, http.MethodGet, "/"+strings.TrimPrefix(u.Path, "/")+"?code=1"))
		assert.Equal(t, http.StatusTeapot, visit(t, mux, http.MethodGet, "/connect/settings").Code, "the application's own page")
		assert.Equal(t, http.StatusTeapot, visit(t, mux, http.MethodGet, "/other").Code)
		refused(t, visit(t, mux, http.MethodGet, "/connect/other"), http.StatusNotFound, "not_found")
		refused(t, visit(t, mux, http.MethodDelete, "/connect/session"), http.StatusMethodNotAllowed, "method_not_allowed")

		assert.Panics(t, func() { handler.Register(mux) }, "patterns conflict")
	}
}

func TestHandlerPath(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.Path = "/api/v1/bank/" })
	for path, want := range map[string]int{
		"/api/v1/bank/session": http.StatusOK, "/connect/session": http.StatusNotFound, "/session": http.StatusNotFound,
		"/api/v1/bank/": http.StatusNotFound, "/api/v1/bank/session/": http.StatusNotFound, "/api/v1/bank/sessions": http.StatusNotFound,
	} {
		r := newRequest(t, "user_0001", "", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		assert.Equal(t, want, w.Code, path)
	}
}

// All responses below Path are JSON, for every method and every spelling of a path.
func TestHandlerUnknownPaths(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	for _, path := range []string{
		"/connect/", "/connect/x", "/connect//session", "/connect/./session", "/connect/../connect/session", "/connect/session/",
		"/connect/SESSION", "/connect/session ", "/connect/\x00", "/connect/disconnect", "/connect", "/", "/other", "", "//connect/session",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", ""} {
			r := newRequest(t, me, "", strings.NewReader("{}"))
			r.Method, r.URL = method, &url.URL{Path: path}
			problem := refused(t, s.serve(t, r), http.StatusNotFound, "not_found")
			assert.Equal(t, moneykit.ActionFix, problem.Action)
		}
	}
	assert.Empty(t, s.mk.Requests())
	assert.NotContains(t, s.log.String(), "/other")
	for line := range strings.Lines(s.log.String()) {
		assert.NotContains(t, line, `"level":"WARN"`, "anybody can fill the log")
	}
}

// The hooks change a session for its user, but cannot change the user.
func TestHandlerPreparesSessions(t *testing.T) {
	t.Parallel()
	refuse := errors.New("not today")
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.PrepareLink = func(r *http.Request, p *moneykit.LinkSessionParams) error {
			switch p.CustomerUser.ID {
			case "user_0003":
				return refuse
			case "user_0002":
				return nil
			}
			p.InstitutionID = moneykittest.CredentialsBank
			p.Webhook = "https://shop.example/" + r.Header.Get("X-User")
			p.Tags = []string{"gold"}
			p.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
				Identity: &moneykit.ProductSettings{Required: true},
			}}
			p.CustomerUser = moneykit.CustomerUser{ID: "user_0002", Email: &moneykit.CustomerUserEmail{Address: "a@example.com"}}
			return nil
		}
		c.PrepareRelink = func(_ *http.Request, linkID string, p *moneykit.RelinkParams) error {
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
	assert.Zero(t, s.asked("get_link"))
	s.launch(t, "user_0001", "relink", body)
	now, err := s.client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Empty(t, now.Webhook)
	assert.Equal(t, []string{"silver"}, now.Tags)

	theirs := s.mk.AddLink(moneykittest.LinkSpec{UserID: "user_0002", Error: moneykit.LinkErrorAuthExpired})
	refused(t, s.post(t, "user_0001", "relink", `{"link_id":"`+theirs.ID+`"}`), http.StatusNotFound, "not_found")
}

func TestHandlerCrossOrigin(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.TrustedOrigins = []string{"https://app.example"}
	})
	const none = "-"
	for name, tt := range map[string]struct {
		origin, site, kind string
		status             int
		code               string
	}{
		"another origin":                {"https://evil.example", "", "application/json", 403, "cross_origin"},
		"another origin of the browser": {"https://evil.example", "cross-site", "application/json", 403, "cross_origin"},
		"null":                          {"null", "", "application/json", 403, "cross_origin"},
		"null, same site":               {"null", "same-site", "application/json", 403, "cross_origin"},
		"null, cross site":              {"null", "cross-site", "application/json", 403, "cross_origin"},
		"cross site":                    {"", "cross-site", "application/json", 403, "cross_origin"},
		"same site":                     {"", "same-site", "application/json", 403, "cross_origin"},
		"an unknown site":               {"", "x", "application/json", 403, "cross_origin"},
		"our origin of a cross site":    {"https://example.com", "cross-site", "application/json", 403, "cross_origin"},
		"another port":                  {"http://example.com:81", "", "application/json", 403, "cross_origin"},
		"almost trusted: suffix":        {"https://app.example.evil.example", "", "application/json", 403, "cross_origin"},
		"almost trusted: scheme":        {"http://app.example", "cross-site", "application/json", 403, "cross_origin"},
		"almost trusted: port":          {"https://app.example:444", "", "application/json", 403, "cross_origin"},
		"almost trusted: path":          {"https://app.example/", "cross-site", "application/json", 403, "cross_origin"},

		"form":               {"", "", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		"upload":             {"", "", "multipart/form-data; boundary=x", 415, "unsupported_media_type"},
		"text":               {"", "", "text/plain", 415, "unsupported_media_type"},
		"text that says so":  {"", "", "text/plain; charset=application/json", 415, "unsupported_media_type"},
		"two types":          {"", "", "text/plain, application/json", 415, "unsupported_media_type"},
		"almost JSON":        {"", "", "application/json+x", 415, "unsupported_media_type"},
		"broken type":        {"", "", "application/json; charset", 415, "unsupported_media_type"},
		"no type":            {"", "", none, 415, "unsupported_media_type"},
		"trusted, text":      {"https://app.example", "cross-site", "text/plain", 415, "unsupported_media_type"},
		"same origin, form":  {"", "same-origin", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		"trusted":            {"https://app.example", "cross-site", "application/json", 0, ""},
		"trusted, old":       {"https://app.example", "", "application/json", 0, ""},
		"same origin":        {"", "same-origin", "application/json", 0, ""},
		"same origin, old":   {"https://example.com", "", "application/json; charset=utf-8", 0, ""},
		"both":               {"https://example.com", "same-origin", "Application/JSON;charset=UTF-8", 0, ""},
		"typed by the user":  {"", "none", "application/json", 0, ""},
		"no browser, an app": {"", "", "application/json", 0, ""},
	} {
		for endpoint, want := range map[string]int{"session": 200, "relink": 422, "result": 422, "event": 422} {
			t.Run(name+" "+endpoint, func(t *testing.T) {
				r := newRequest(t, me, endpoint, strings.NewReader(""))
				for header, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.site, "Content-Type": tt.kind} {
					if value == none {
						r.Header.Del(header)
					} else if value != "" {
						r.Header.Set(header, value)
					}
				}
				before := s.asked("create_link_session")
				w := s.serve(t, r)
				if tt.code == "" {
					assert.Equal(t, want, w.Code)
					return
				}
				refused(t, w, tt.status, tt.code)
				assert.Equal(t, before, s.asked("create_link_session"))
			})
		}
	}
}

func TestHandlerChecksOriginBeforeUser(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.User = func(*http.Request) (moneykit.CustomerUser, error) {
			t.Error("User is called")
			return moneykit.CustomerUser{ID: me}, nil
		}
	})
	r := newRequest(t, me, "session", failing{errors.New("the body was read")})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	refused(t, s.serve(t, r), http.StatusForbidden, "cross_origin")
	r = newRequest(t, me, "session", nil)
	r.Method = http.MethodGet
	refused(t, s.serve(t, r), http.StatusMethodNotAllowed, "method_not_allowed")
}

func TestHandlerMethods(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	for _, endpoint := range []string{"session", "relink", "result", "event"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "post"} {
			r := newRequest(t, me, endpoint, strings.NewReader(`{"name":"open"}`))
			r.Method = method
			w := s.serve(t, r)
			refused(t, w, http.StatusMethodNotAllowed, "method_not_allowed")
			assert.Equal(t, []string{"POST"}, w.Header().Values("Allow"))
		}
	}
	assert.Empty(t, s.calls())
	assert.Empty(t, s.mk.Requests())
}

func TestHandlerUnauthenticated(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]func(*http.Request) (moneykit.CustomerUser, error){
		"error":    userFromHeader, // there is no header
		"empty id": func(*http.Request) (moneykit.CustomerUser, error) { return moneykit.CustomerUser{}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.User = user })
			for _, endpoint := range []string{"session", "relink", "result", "event"} {
				w := s.post(t, "", endpoint, `{"name":"open","result":null,"link_id":"mk_1"}`)
				refused(t, w, http.StatusUnauthorized, "unauthenticated")
				assert.NotContains(t, w.Body.String(), "cookie")
			}
			assert.Empty(t, s.calls())
			assert.Empty(t, s.mk.Requests())
		})
	}
}

// A request that net/http did not parse may lack fields.
func TestHandlerIncompleteRequests(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.User = func(*http.Request) (moneykit.CustomerUser, error) { return moneykit.CustomerUser{ID: me}, nil }
	})
	page := newReturnPage(t, connect.ReturnPageConfig{})
	apple, err := connect.AppleAppSiteAssociation("https://example.com/oauth", "ABCDE12345.com.example.app")
	require.NoError(t, err)
	asJSON := http.Header{"Content-Type": {"application/json"}}
	for endpoint, want := range map[string]int{
		"session": 200, "relink": 422, "result": 422, "event": 422, "nowhere": 404, "": 404, "../oauth": 404,
	} {
		target := &url.URL{Path: "/connect/" + endpoint}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, &http.Request{Method: http.MethodPost, URL: target, Header: asJSON})
		assert.Equal(t, want, w.Code, endpoint)
		for _, r := range []*http.Request{
			{},
			{URL: target},
			{URL: &url.URL{}},
			{Method: http.MethodPost},
			{Method: http.MethodPost, Header: asJSON},
			{Method: http.MethodPost, URL: target},
			{Method: http.MethodGet, URL: target},
			{Method: http.MethodGet},
			{Method: http.MethodOptions, URL: target},
			{Method: http.MethodConnect, URL: target},
			{Method: http.MethodGet, URL: &url.URL{Path: "/oauth"}},
			{Method: http.MethodGet, URL: &url.URL{Path: "/oauth", RawQuery: "a"}},
		} {
			for _, h := range []http.Handler{s.handler, page, apple} {
				assert.NotPanics(t, func() { h.ServeHTTP(httptest.NewRecorder(), r) }, "%T %+v", h, r)
			}
		}
	}
}

func TestHandlerOverTheNetwork(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	do := func(method, endpoint string, body io.Reader) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/connect/"+endpoint, body)
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-User", me)
		resp, err := server.Client().Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	assert.Equal(t, http.StatusRequestEntityTooLarge, do(http.MethodPost, "result", io.LimitReader(endless{}, 4<<20)).StatusCode)
	resp := do(http.MethodPost, "session", nil)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	resp = do(http.MethodPost, "event", strings.NewReader(`{"name":"open"}`))
	assert.Equal(t, http.StatusNoContent, resp.StatusCode)
	resp = do(http.MethodHead, "session", nil)
	assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
	assert.Equal(t, "POST", resp.Header.Get("Allow"))
	resp = do(http.MethodPost, "a/../session", nil)
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
}

func TestHandlerUserFails(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.User = func(*http.Request) (moneykit.CustomerUser, error) {
			return moneykit.CustomerUser{}, errors.New("session store: connection refused")
		}
	})
	w := s.post(t, me, "session", "{}")
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.NotContains(t, w.Body.String(), "store")
	assert.Contains(t, s.log.String(), "session store: connection refused")
}

func TestHandlerLogs(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	s.post(t, me, "session", "")
	s.post(t, me, "relink", "{}")
	s.mk.Fail("create_link_session", 1, moneykittest.Fault{})
	s.post(t, me, "session", "")
	var got []string
	for line := range strings.Lines(s.log.String()) {
		var entry struct {
			Level, Msg, Endpoint, Error string
			Status                      int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		if entry.Endpoint != "" {
			got = append(got, fmt.Sprint(entry.Level, " ", entry.Msg, " ", entry.Endpoint, " ", entry.Status))
			assert.Equal(t, entry.Status >= 400, entry.Error != "")
		}
	}
	assert.Equal(t, []string{
		"DEBUG moneykit: Connect request session 200",
		"WARN moneykit: Connect request refused relink 422",
		"ERROR moneykit: Connect request failed session 502",
	}, got)
}

func TestHooksGetRequestContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	var got []any
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.OnLinked = func(ctx context.Context, _ string, _ *moneykit.Link) error {
			got = append(got, ctx.Value(key{}))
			return nil
		}
		c.OnExited = func(ctx context.Context, _ string, _ *moneykit.ConnectResult) { got = append(got, ctx.Value(key{})) }
		c.OnEvent = func(ctx context.Context, _ string, _ *moneykit.ConnectEvent) { got = append(got, ctx.Value(key{})) }
	})
	payload := s.play(t, me, moneykit.ConnectWeb, moneykittest.Play{})
	for endpoint, body := range map[string]string{"result": `{"result":` + payload + `}`, "event": `{"name":"open"}`} {
		r := newRequest(t, me, endpoint, strings.NewReader(body))
		s.serve(t, r.WithContext(context.WithValue(r.Context(), key{}, "shop")))
	}
	r := newRequest(t, me, "result", strings.NewReader(`{"result":[]}`))
	s.serve(t, r.WithContext(context.WithValue(r.Context(), key{}, "shop")))
	assert.Equal(t, []any{"shop", "shop", "shop"}, got)
}
