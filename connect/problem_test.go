package connect_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestProblemWhileMoneyKitIsDown(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]moneykittest.Fault{
		"500":        {Status: 500},
		"503":        {Status: 503, Body: "<html>connect-canary"},
		"reset":      {Reset: moneykittest.ResetBefore},
		"cut off":    {Truncate: true},
		"not JSON":   {Body: "<html>connect-canary"},
		"other JSON": {Body: `{"link_session_token":[7],"links":[],"link":"connect-canary"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), nil)
			link := s.mk.AddLink(moneykittest.LinkSpec{UserID: me, Error: moneykit.LinkErrorAuthExpired})
			payload := s.play(t, me, moneykit.ConnectWeb, moneykittest.Play{Institution: moneykittest.CredentialsBank})
			posts := map[string]string{
				"session": "", "relink": `{"link_id":"` + link.ID + `"}`, "result": `{"result":` + payload + `}`,
			}
			s.mk.Fail("", -1, fault)
			for endpoint, body := range posts {
				w := s.post(t, me, endpoint, body)
				problem := refused(t, w, http.StatusBadGateway, "unavailable")
				assert.Equal(t, moneykit.ActionRetry, problem.Action)
				assert.Equal(t, "Something went wrong on our side. Please try again later.", problem.Message)
				assert.NotContains(t, w.Body.String(), "canary")
			}
			assert.Empty(t, s.calls())
			s.mk.Fail("", 0, moneykittest.Fault{})
			for endpoint, body := range posts {
				assert.Equal(t, http.StatusOK, s.post(t, me, endpoint, body).Code, endpoint)
			}
			assert.Len(t, s.calls(), 1)
		})
	}
}

// Each refusal has a sentence that fits its cause. In development a detail says what to change.
func TestProblemSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	change := func(header, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(header, value) }
	}
	method := func(method string) func(*http.Request) { return func(r *http.Request) { r.Method = method } }
	nobody := change("X-User", "")
	for name, tt := range map[string]struct {
		endpoint, body  string
		change          func(*http.Request)
		message, detail string
	}{
		"unknown endpoint": {
			"sessions", "", nil, "There is nothing at this address.",
			"the endpoints are /connect/connect.d.ts, /connect/connect.js, /connect/event, /connect/relink, /connect/result, /connect/session",
		},
		"method": {"session", "", method("GET"), "This address does not accept requests of this kind.", "the method must be POST"},
		"origin": {
			"session", "", change("Origin", "https://evil.example"), "This website is not allowed to do this.",
			"the page's origin is neither the handler's own nor one of Config.TrustedOrigins",
		},
		"null origin": {
			"session", "", change("Origin", "null"), "This website is not allowed to do this.",
			"the page has no origin, like a local file or a sandboxed frame",
		},
		"no origin": {
			"session", "", change("Sec-Fetch-Site", "same-site"), "This website is not allowed to do this.",
			"the header Sec-Fetch-Site says that a page of another origin sent the request",
		},
		"type": {
			"session", "", change("Content-Type", "text/plain"), "The content type of the request must be application/json.",
			"the header Content-Type must be application/json",
		},
		"no type": {
			"session", "", change("Content-Type", ""), "The content type of the request must be application/json.",
			"the header Content-Type is missing; it must be application/json",
		},
		"no user":    {"session", "", nobody, "Please log in again.", "Config.User returned an error"},
		"no user ID": {"session", "", change("X-User", "-"), "Please log in again.", "Config.User returned a user without an ID"},
		"large event": {
			"event", strings.Repeat(" ", 65<<10), nil, "This is too much data to send.", "the body has more than 65536 bytes",
		},
		"large result": {
			"result", strings.Repeat(" ", 2<<20), nil, "This is too much data to send.", "the body has more than 1052672 bytes",
		},
		"no body": {
			"relink", " ", nil, "The request has no body.", `the body is missing; it must be {"link": "…"}`,
		},
		"no JSON": {
			"relink", `{"link":mk}`, nil, "The request is not valid JSON.", "the body is not valid JSON at byte ",
		},
		"wrong type": {
			"relink", `{"link":["mk_1"]}`, nil, "The request could not be read.",
			`the member link has the wrong type; the body must be {"link": "…"}`,
		},
		"a list": {"relink", `["mk_1"]`, nil, "The request could not be read.", `the body must be {"link": "…"}`},
		"no link": {
			"relink", `{}`, nil, "The request does not say which connection to a bank it is about.",
			"the body must have the member link, the handle of a link, or link_id, its ID",
		},
		"no link ID": {
			"relink", `{"link":"../a"}`, nil, "The request names no connection to a bank.", "id must",
		},
		"no result": {
			"result", `{}`, nil, "The request has no result of Connect.",
			`the body must be {"result": …} with the arguments of Connect's callback`,
		},
		"bad result": {
			"result", `{"result":"secret"}`, nil, "The result of Connect could not be read.",
			"moneykit: cannot read the Connect result: it is neither an object nor an array",
		},
		"relink of nothing": {
			"result", `{"result":{"institution":{"id":"a"},"accounts":[]}}`, nil,
			"The request does not say which connection to a bank it is about.", "the result does not name the link that was relinked",
		},
		"relink of two": {
			"result", `{"result":[{"id":"a"},"mk_1"],"link":"mk_2"}`, nil, "The result of Connect could not be used.",
			"link_id must be the link of the result",
		},
		"no event":  {"event", "", nil, "The request has no body.", "the body is missing; it must be the argument of Connect's event callback"},
		"bad event": {"event", "{}", nil, "The event of Connect could not be read.", "moneykit: cannot read the Connect event: it has no name"},
		"hook": {
			"session", "", change("X-User", "unwanted"), "You cannot do this at the moment.", "PrepareLink returned an error",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, development := range []bool{true, false} {
				s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
					c.Development = development
					c.User = func(r *http.Request) (moneykit.CustomerUser, error) {
						if r.Header.Get("X-User") == "-" {
							return moneykit.CustomerUser{}, nil
						}
						return userFromHeader(r)
					}
					c.PrepareLink = func(r *http.Request, _ *moneykit.LinkSessionParams) error {
						if r.Header.Get("X-User") == "unwanted" {
							return errors.New("secret of the application")
						}
						return nil
					}
				})
				r := newRequest(t, me, tt.endpoint, strings.NewReader(tt.body))
				if tt.change != nil {
					tt.change(r)
				}
				w := s.serve(t, r)
				problem := checkResponse(t, w)
				assert.GreaterOrEqual(t, w.Code, 400)
				assert.Equal(t, tt.message, problem.Message)
				assert.NotContains(t, w.Body.String(), "secret")
				if development {
					assert.True(t, strings.HasPrefix(problem.Detail, tt.detail), problem.Detail)
				} else {
					assert.Empty(t, problem.Detail)
				}
				assert.Empty(t, s.mk.Requests())
			}
		})
	}
}

// If MoneyKit rejects a setting of the application, the message does not blame the user.
func TestProblemOfSettings(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.Development = true
		c.PrepareLink = func(_ *http.Request, p *moneykit.LinkSessionParams) error {
			p.Webhook = "ftp://secret.example"
			return nil
		}
	})
	problem := refused(t, s.post(t, me, "session", ""), http.StatusBadGateway, "unavailable")
	assert.Equal(t, moneykit.ActionFix, problem.Action)
	assert.Equal(t, "Something went wrong on our side. Please try again later.", problem.Message)
	assert.Contains(t, problem.Detail, "webhook")
	assert.NotContains(t, problem.Detail, "secret")

	problem = refused(t, s.post(t, "a", "result", `{"result":{"exchangeable_token":"tok"}}`), http.StatusBadGateway, "unavailable")
	assert.Contains(t, problem.Detail, "user_id")
	s.mk.Fail("exchange_token", 1, moneykittest.Fault{
		Code: moneykit.ErrorCodeValidationFailed, Body: `{"detail":[{"loc":["body","exchangeable_token"],"msg":"secret"}]}`,
	})
	problem = refused(t, s.post(t, me, "result", `{"result":{"exchangeable_token":"tok"}}`), http.StatusUnprocessableEntity, "invalid_request")
	assert.Equal(t, "MoneyKit does not accept exchangeable_token", problem.Detail)
}

func TestProblemOfWrongCredentials(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	id, _ := mk.Credentials()
	client, err := moneykit.NewClient(id, "wrong-canary", moneykit.WithBaseURL(mk.URL()),
		moneykit.WithLogger(slog.New(slog.DiscardHandler)), moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	require.NoError(t, err)
	s := newShop(t, mk, nil)
	config := s.newConfig()
	config.Logger = slog.New(slog.DiscardHandler)
	s.handler, err = connect.NewHandler(client, config)
	require.NoError(t, err)
	problem := refused(t, s.post(t, me, "session", ""), http.StatusBadGateway, "unavailable")
	assert.Equal(t, moneykit.ActionFix, problem.Action)
}
