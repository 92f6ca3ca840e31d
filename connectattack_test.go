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
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const (
	connectMe     = "user_0001"
	connectVictim = "user_0002"
)

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestConnectHandlerRefusesBodies(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), nil)
	type body struct {
		endpoint string
		body     io.Reader
		status   int
		code     string
	}
	bodies := map[string]body{}
	for endpoint, fields := range map[string]string{"session": "", "relink": `"link_id":"mk_1",`, "result": `"result":null,`, "event": `"name":"open",`} {
		large := strings.NewReader(`{` + fields + `"more":"` + strings.Repeat("x", 1<<20+4<<10) + `"}`)
		bodies[endpoint+" too large"] = body{endpoint, large, 413, "too_large"}
		bodies[endpoint+" without an end"] = body{endpoint, endless{}, 413, "too_large"}
		cut := io.MultiReader(strings.NewReader(`{`+fields), failing{errors.New("connection reset")})
		bodies[endpoint+" cut off"] = body{endpoint, cut, 400, "invalid_request"}
	}
	wrong := func(endpoint, name, data string) {
		bodies[endpoint+" "+name] = body{endpoint, strings.NewReader(data), 422, "invalid_request"}
	}
	for _, endpoint := range []string{"relink", "result", "event"} {
		for _, data := range []string{"", "null", "[]", "{}", `"mk_1"`, "{", `{"link_id":"mk_1","result":null,"name":"open"}}`, "\xff", `{"link_id":7}`} {
			wrong(endpoint, data, data)
		}
	}
	wrong("relink", "without an id", `{"link_id":""}`)
	wrong("relink", "of a path", `{"link_id":".."}`)
	wrong("result", "a link id of another type", `{"result":null,"link_id":{}}`)
	wrong("result", "more than a result may have", `{"result":["`+strings.Repeat("x", 1<<20)+`",{"id":"a","selectedAccounts":[]}]}`)
	wrong("event", "more than an event may have", `{"name":"open","more":"`+strings.Repeat("x", 1<<20)+`"}`)
	for name, bad := range badConnectPayloads {
		if data := []byte(bad.data); json.Valid(data) && !strings.HasPrefix(name, "too ") {
			wrong("result", name, `{"result":`+bad.data+`}`)
		}
	}
	for _, tt := range []string{`{"outcome":"linked"}`, `{"exchangeable_token":"tok"}`, `{"token":{"value":"tok"},"linkId":"mk_1"}`, `"tok"`, `7`} {
		wrong("result", tt, `{"result":`+tt+`}`)
	}
	wrong("result", "a relink of nobody knows what", `{"result":{"institution":{"id":"a"},"accounts":[]}}`)
	for name, tt := range bodies {
		t.Run(name, func(t *testing.T) {
			r := connectRequest(t, connectMe, tt.endpoint, tt.body)
			r.ContentLength = -1
			problem := refused(t, s.serve(t, r), tt.status, tt.code)
			assert.Equal(t, moneykit.ActionFix, problem.Action)
		})
	}
	assert.Empty(t, s.calls())
	assert.Empty(t, s.mk.Requests(), "MoneyKit is not asked about nonsense")
}

// TestConnectHandlerOverTheNetwork: what a recorder cannot show.
func TestConnectHandlerOverTheNetwork(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), nil)
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	do := func(method, endpoint string, body io.Reader) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/connect/"+endpoint, body)
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-User", connectMe)
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

func TestConnectHandlerBelievesNoLinkID(t *testing.T) {
	t.Parallel()
	for _, source := range connectSources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), nil)
			mine := s.link(t, connectMe)
			theirs := s.mk.AddLink(moneykittest.LinkSpec{UserID: connectVictim})

			for _, other := range []string{mine.ID, theirs.ID, "mk_nothing"} {
				payload := s.play(t, connectMe, source, moneykittest.Play{})
				result := parsed(t, payload)
				w := s.post(t, connectMe, "result", posted(swap(payload, result.LinkID, other), other))
				require.Equal(t, http.StatusOK, w.Code, w.Body)
				told := s.calls()
				require.Len(t, told, 1)
				assert.Equal(t, result.LinkID, told[0].link.ID, "it is the token that counts")
			}

			payload := s.play(t, connectMe, source, moneykittest.Play{})
			result := parsed(t, payload)
			forged := swap(swap(payload, result.ExchangeableToken, "made-up"), result.LinkID, theirs.ID)
			refused(t, s.post(t, connectMe, "result", posted(forged, theirs.ID)), http.StatusConflict, "expired")
			forged = swap(payload, result.ExchangeableToken, "made-up")
			refused(t, s.post(t, connectMe, "result", posted(forged, "")), http.StatusConflict, "expired")
			assert.Empty(t, s.calls())
		})
	}
}

func TestConnectHandlerAnothersToken(t *testing.T) {
	t.Parallel()
	for _, source := range connectSources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), nil)
			payload := s.play(t, connectVictim, source, moneykittest.Play{})
			result := parsed(t, payload)
			w := s.post(t, connectMe, "result", `{"result":`+payload+`}`)
			problem := refused(t, w, http.StatusNotFound, "not_found")
			assert.Equal(t, moneykit.ActionGone, problem.Action)
			for _, secret := range []string{result.LinkID, result.ExchangeableToken, connectVictim, result.Institution.ID, result.Institution.Name} {
				assert.NotContains(t, w.Body.String(), secret)
			}
			refused(t, s.post(t, connectMe, "result", `{"result":`+payload+`}`), http.StatusConflict, "expired")
			assert.Empty(t, s.calls())

			w = s.post(t, connectVictim, "result", `{"result":`+payload+`}`)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			told := s.calls()
			require.Len(t, told, 1)
			assert.Equal(t, connectVictim, told[0].user)
			assert.Equal(t, result.LinkID, told[0].link.ID)
		})
	}
}

// TestConnectHandlerAnothersLink: a relinked result names a link, which may be anybody's.
func TestConnectHandlerAnothersLink(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), nil)
	s.mk.AddLink(moneykittest.LinkSpec{UserID: connectMe})
	theirs := s.mk.AddLink(moneykittest.LinkSpec{UserID: connectVictim})
	answers := map[string]bool{}
	for _, id := range []string{theirs.ID, "mk_nothing", "../users/" + connectVictim} {
		w := s.post(t, connectMe, "result", posted(`[{"id":"a","selectedAccounts":[]},`+quoteJSON(t, id)+`]`, id))
		refused(t, w, http.StatusNotFound, "not_found")
		answers[w.Body.String()] = true
		w = s.post(t, connectMe, "result", posted(`{"institution":{"id":"a"},"accounts":[]}`, id))
		refused(t, w, http.StatusNotFound, "not_found")
		answers[w.Body.String()] = true
		w = s.post(t, connectMe, "relink", `{"link_id":"`+id+`"}`)
		refused(t, w, http.StatusNotFound, "not_found")
		answers[w.Body.String()] = true
	}
	assert.Len(t, answers, 1, "whether another's link exists is not told")
	w := s.post(t, connectMe, "result", posted(`[{"id":"a","selectedAccounts":[]},"mk_a"]`, theirs.ID))
	refused(t, w, http.StatusUnprocessableEntity, "invalid_request")
	assert.Empty(t, s.calls())
}

func quoteJSON(tb testing.TB, s string) string {
	tb.Helper()
	data, err := json.Marshal(s)
	require.NoError(tb, err)
	return string(data)
}

func TestConnectHandlerReplays(t *testing.T) {
	t.Parallel()
	for _, source := range connectSources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), nil)
			s.mk.AddLink(moneykittest.LinkSpec{UserID: connectMe}) // at the same bank
			payload := s.play(t, connectMe, source, moneykittest.Play{})
			id := parsed(t, payload).LinkID
			require.NotEmpty(t, id)

			// All but the last are posted at once.
			bodies := make([]string, 9)
			var all sync.WaitGroup
			for i := range bodies[1:] {
				r := connectRequest(t, connectMe, "result", strings.NewReader(`{"result":`+payload+`}`))
				all.Go(func() {
					w := httptest.NewRecorder()
					s.handler.ServeHTTP(w, r)
					bodies[i] = fmt.Sprint(w.Code, w.Body)
				})
			}
			all.Wait()
			w := s.post(t, connectMe, "result", `{"result":`+payload+`}`)
			bodies[len(bodies)-1] = fmt.Sprint(w.Code, w.Body)
			assert.Len(t, slices.Compact(bodies), 1, bodies)
			assert.Contains(t, bodies[0], `200 {"outcome":"linked"`)
			told := s.calls()
			assert.Len(t, told, len(bodies))
			for _, call := range told {
				assert.Equal(t, id, call.link.ID)
				assert.Equal(t, moneykit.LinkStateConnected, call.link.State)
			}
		})
	}
}

func TestConnectHandlerRefusesRelinks(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), nil)
	add := func(user string, spec moneykittest.LinkSpec) string {
		spec.UserID = user
		return s.mk.AddLink(spec).ID
	}
	for name, tt := range map[string]struct {
		link   string
		status int
		code   string
		action moneykit.Action
	}{
		"deleted":        {add(connectMe, moneykittest.LinkSpec{State: moneykit.LinkStateDeleted}), 404, "not_found", moneykit.ActionGone},
		"foreign":        {add(connectVictim, moneykittest.LinkSpec{Error: moneykit.LinkErrorAuthExpired}), 404, "not_found", moneykit.ActionGone},
		"foreign, works": {add(connectVictim, moneykittest.LinkSpec{}), 404, "not_found", moneykit.ActionGone},
		"unknown":        {"mk_nothing", 404, "not_found", moneykit.ActionGone},
		"healthy":        {add(connectMe, moneykittest.LinkSpec{}), 409, "not_needed", moneykit.ActionNone},
	} {
		t.Run(name, func(t *testing.T) {
			problem := refused(t, s.post(t, connectMe, "relink", `{"link_id":"`+tt.link+`"}`), tt.status, tt.code)
			assert.Equal(t, tt.action, problem.Action)
		})
	}
	assert.Zero(t, s.asked("create_link_session"))
}

// TestConnectHandlerWaitsForALink: a front end may say that a link works when it does not.
func TestConnectHandlerWaitsForALink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newConnectShop(t, moneykittest.NewServer(t), nil)
		link := s.mk.AddLink(moneykittest.LinkSpec{UserID: connectMe, Error: moneykit.LinkErrorUserSetupRequired})
		body := posted(`{"institution":{"id":"a"},"accounts":[]}`, link.ID)
		start := time.Now()
		problem := refused(t, s.post(t, connectMe, "result", body), http.StatusConflict, "not_connected")
		assert.Equal(t, moneykit.ActionUser, problem.Action)
		assert.LessOrEqual(t, time.Since(start), 30*time.Second)
		assert.Empty(t, s.calls())

		time.AfterFunc(12*time.Second, func() { s.mk.Break(link.ID, "") })
		assert.Equal(t, http.StatusOK, s.post(t, connectMe, "result", body).Code)
		told := s.calls()
		require.Len(t, told, 1)
		assert.Equal(t, "relinked", told[0].hook)
	})
}

func TestConnectHandlerCrossOrigin(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) {
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
		"a site nobody knows":           {"", "x", "application/json", 403, "cross_origin"},
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
				r := connectRequest(t, connectMe, endpoint, strings.NewReader(""))
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

// TestConnectHandlerOrderOfChecks: pages of other origins do not even reach the application's login.
func TestConnectHandlerOrderOfChecks(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) {
		c.User = func(*http.Request) (moneykit.CustomerUser, error) {
			t.Error("the login is asked")
			return moneykit.CustomerUser{ID: connectMe}, nil
		}
	})
	r := connectRequest(t, connectMe, "session", failing{errors.New("the body is read")})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	refused(t, s.serve(t, r), http.StatusForbidden, "cross_origin")
	r = connectRequest(t, connectMe, "session", nil)
	r.Method = http.MethodGet
	refused(t, s.serve(t, r), http.StatusMethodNotAllowed, "method_not_allowed")
}

func TestConnectHandlerMethods(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), nil)
	for _, endpoint := range []string{"session", "relink", "result", "event"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "post"} {
			r := connectRequest(t, connectMe, endpoint, strings.NewReader(`{"name":"open"}`))
			r.Method = method
			w := s.serve(t, r)
			refused(t, w, http.StatusMethodNotAllowed, "method_not_allowed")
			assert.Equal(t, []string{"POST"}, w.Header().Values("Allow"))
		}
	}
	assert.Empty(t, s.calls())
	assert.Empty(t, s.mk.Requests())
}

func TestConnectHandlerUnauthenticated(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]func(*http.Request) (moneykit.CustomerUser, error){
		"error":    connectUser, // there is no header
		"empty id": func(*http.Request) (moneykit.CustomerUser, error) { return moneykit.CustomerUser{}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) { c.User = user })
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

func TestConnectHandlerRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newConnectShop(t, moneykittest.NewServer(t, moneykittest.WithRateLimits()), nil)
		broken := s.mk.AddLink(moneykittest.LinkSpec{UserID: connectMe, Error: moneykit.LinkErrorAuthExpired})
		opened, wait := 0, 0
		for range 100 {
			w := s.post(t, connectMe, "session", "")
			if w.Code == http.StatusOK {
				opened++
			} else {
				problem := refused(t, w, http.StatusTooManyRequests, "rate_limited")
				assert.Equal(t, moneykit.ActionRetry, problem.Action)
				assert.Positive(t, problem.RetryAfter)
				assert.LessOrEqual(t, problem.RetryAfter, 60)
				wait = problem.RetryAfter
			}
			<-time.After(500 * time.Millisecond)
		}
		assert.Equal(t, 20, opened)
		assert.Equal(t, 21, s.asked("create_link_session"), "MoneyKit is not asked again")
		requests := len(s.mk.Requests())
		refused(t, s.post(t, connectMe, "relink", `{"link_id":"`+broken.ID+`"}`), http.StatusTooManyRequests, "rate_limited")
		assert.Len(t, s.mk.Requests(), requests, "not for another kind of session either")
		s.launch(t, connectVictim, "session", "")

		<-time.After(time.Duration(wait) * time.Second)
		s.launch(t, connectMe, "session", "")
		s.launch(t, connectMe, "relink", `{"link_id":"`+broken.ID+`"}`)
	})
}

// TestConnectHandlerRateLimitUntold: MoneyKit need not say how long to wait.
func TestConnectHandlerRateLimitUntold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newConnectShop(t, moneykittest.NewServer(t), nil)
		s.mk.Fail("create_link_session", 1, moneykittest.Fault{Code: moneykit.ErrorCodeRateLimitExceeded})
		for _, left := range []int{60, 45} {
			problem := refused(t, s.post(t, connectMe, "session", ""), http.StatusTooManyRequests, "rate_limited")
			assert.Equal(t, left, problem.RetryAfter)
			<-time.After(15 * time.Second)
		}
		<-time.After(30 * time.Second)
		s.launch(t, connectMe, "session", "")
	})
}

func TestConnectHandlerMoneyKitDown(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]moneykittest.Fault{
		"500":        {Status: 500},
		"503":        {Status: 503, Body: "<html>connect-canary"},
		"reset":      {Reset: moneykittest.ResetBefore},
		"cut off":    {Truncate: true},
		"not JSON":   {Body: "<html>connect-canary"},
		"other JSON": {Body: `{"link_session_token":7,"links":[],"link":"connect-canary"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), nil)
			link := s.mk.AddLink(moneykittest.LinkSpec{UserID: connectMe, Error: moneykit.LinkErrorAuthExpired})
			payload := s.play(t, connectMe, moneykit.ConnectWeb, moneykittest.Play{Institution: moneykittest.CredentialsBank})
			posts := map[string]string{
				"session": "", "relink": `{"link_id":"` + link.ID + `"}`, "result": `{"result":` + payload + `}`,
			}
			s.mk.Fail("", -1, fault)
			for endpoint, body := range posts {
				w := s.post(t, connectMe, endpoint, body)
				problem := refused(t, w, http.StatusBadGateway, "unavailable")
				assert.Equal(t, moneykit.ActionRetry, problem.Action)
				assert.Equal(t, "Something went wrong on our side. Please try again later.", problem.Message)
				assert.NotContains(t, w.Body.String(), "canary")
			}
			assert.Empty(t, s.calls())
			s.mk.Fail("", 0, moneykittest.Fault{})
			for endpoint, body := range posts {
				assert.Equal(t, http.StatusOK, s.post(t, connectMe, endpoint, body).Code, endpoint)
			}
			assert.Len(t, s.calls(), 1)
		})
	}
}

// TestConnectHandlerLostAnswer: the exchange happened, but nobody heard of it.
func TestConnectHandlerLostAnswer(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), nil)
	payload := s.play(t, connectMe, moneykit.ConnectWeb, moneykittest.Play{})
	s.mk.Fail("exchange_token", 1, moneykittest.Fault{Reset: moneykittest.ResetAfter})
	assert.Equal(t, http.StatusOK, s.post(t, connectMe, "result", `{"result":`+payload+`}`).Code)
	told := s.calls()
	require.Len(t, told, 1)
	assert.Equal(t, parsed(t, payload).LinkID, told[0].link.ID)
}

// TestConnectHandlerReplayWhileDown: what cannot be looked up is not called expired.
func TestConnectHandlerReplayWhileDown(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), nil)
	payload := s.play(t, connectMe, moneykit.ConnectWeb, moneykittest.Play{})
	post := func() *httptest.ResponseRecorder { return s.post(t, connectMe, "result", `{"result":`+payload+`}`) }
	require.Equal(t, http.StatusOK, post().Code)
	s.mk.Fail("get_user_links", 1, moneykittest.Fault{Status: 500})
	problem := refused(t, post(), http.StatusBadGateway, "unavailable")
	assert.Equal(t, moneykit.ActionRetry, problem.Action)
	s.mk.Fail("get_user_links", 1, moneykittest.Fault{
		Code: moneykit.ErrorCodeRateLimitExceeded, Header: http.Header{"Retry-After": {"7"}},
	})
	problem = refused(t, post(), http.StatusTooManyRequests, "rate_limited")
	assert.Equal(t, moneykit.ActionRetry, problem.Action)
	assert.Equal(t, 7, problem.RetryAfter)
	asked := s.asked("exchange_token")
	problem = refused(t, post(), http.StatusTooManyRequests, "rate_limited")
	assert.InDelta(t, 7, problem.RetryAfter, 1)
	assert.Equal(t, asked, s.asked("exchange_token"), "MoneyKit is left alone")
	assert.Len(t, s.calls(), 1)
}

// TestConnectHandlerBrowserLeaves: what it posted can be exchanged only once, so it is settled without it.
func TestConnectHandlerBrowserLeaves(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	mk := moneykittest.NewServer(t)
	var stored error
	s := newConnectShop(t, mk, func(c *moneykit.ConnectConfig) {
		tell := c.Linked
		c.Linked = func(ctx context.Context, user string, link *moneykit.Link) error {
			stored = ctx.Err()
			_, bounded := ctx.Deadline()
			assert.True(t, bounded)
			return tell(ctx, user, link)
		}
	})
	payload := s.play(t, connectMe, moneykit.ConnectWeb, moneykittest.Play{})
	leave()
	r := connectRequest(t, connectMe, "result", strings.NewReader(`{"result":`+payload+`}`))
	s.serve(t, r.WithContext(ctx))
	require.Len(t, s.calls(), 1)
	assert.NoError(t, stored)
}

// TestConnectHandlerBusyUser: one user cannot use up what MoneyKit allows the application.
func TestConnectHandlerBusyUser(t *testing.T) {
	t.Parallel()
	for endpoint, body := range map[string]string{
		"relink": `{"link_id":"mk_made_up"}`,
		"result": `{"result":["made-up",{"id":"a","selectedAccounts":[]},"mk_made_up"]}`,
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), nil)
			counts := map[int]int{}
			for range 100 {
				w := s.post(t, connectMe, endpoint, body)
				counts[w.Code]++
				if w.Code == http.StatusTooManyRequests {
					assert.InDelta(t, 60, checkConnectAnswer(t, w).RetryAfter, 10)
				}
			}
			assert.Equal(t, 40, counts[http.StatusTooManyRequests], counts)
			assert.Zero(t, s.asked("get_link"), "another's link is not even read")
			assert.LessOrEqual(t, s.asked("get_user_links"), 60)
			assert.NotEqual(t, http.StatusTooManyRequests, s.post(t, connectVictim, endpoint, body).Code, "others are not held up")
		})
	}
}

// TestConnectHandlerUserFails: the log says why nobody is logged in any more, the answer does not.
func TestConnectHandlerUserFails(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	mk := moneykittest.NewServer(t)
	s := newConnectShop(t, mk, func(c *moneykit.ConnectConfig) {
		c.Client = mk.Client(moneykit.WithLogger(slog.New(slog.NewTextHandler(&logs, nil))))
		c.User = func(*http.Request) (moneykit.CustomerUser, error) {
			return moneykit.CustomerUser{}, errors.New("session store: connection refused")
		}
	})
	w := s.post(t, connectMe, "session", "{}")
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.NotContains(t, w.Body.String(), "store")
	assert.Contains(t, logs.String(), "session store: connection refused")
}

// TestConnectHandlerWrongCredentials: no user can do anything about them.
func TestConnectHandlerWrongCredentials(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	id, _ := mk.Credentials()
	client, err := moneykit.NewClient(id, "wrong-canary", moneykit.WithBaseURL(mk.URL()),
		moneykit.WithLogger(slog.New(slog.DiscardHandler)), moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	require.NoError(t, err)
	s := newConnectShop(t, mk, func(c *moneykit.ConnectConfig) { c.Client = client })
	problem := refused(t, s.post(t, connectMe, "session", ""), http.StatusBadGateway, "unavailable")
	assert.Equal(t, moneykit.ActionFix, problem.Action)
}

func TestConnectHandlerHookFails(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), nil)
	again := func(body, hook, id string) {
		t.Helper()
		s.setFail(errors.New("connect-canary: the database is away"))
		w := s.post(t, connectMe, "result", body)
		problem := refused(t, w, http.StatusInternalServerError, "not_stored")
		assert.Equal(t, moneykit.ActionRetry, problem.Action)
		assert.NotContains(t, w.Body.String(), "canary")
		assert.NotContains(t, w.Body.String(), id)
		s.setFail(nil)
		assert.Equal(t, http.StatusOK, s.post(t, connectMe, "result", body).Code)
		told := s.calls()
		require.Len(t, told, 2)
		for _, call := range told {
			assert.Equal(t, hook, call.hook)
			assert.Equal(t, id, call.link.ID)
		}
	}
	payload := s.play(t, connectMe, moneykit.ConnectWeb, moneykittest.Play{})
	id := parsed(t, payload).LinkID
	again(`{"result":`+payload+`}`, "linked", id)
	assert.Contains(t, s.log.String(), "the database is away")
	assert.Contains(t, s.log.String(), id, "whoever repairs it must know the link")

	s.mk.Break(id, moneykit.LinkErrorAuthExpired)
	launch := s.launch(t, connectMe, "relink", `{"link_id":"`+id+`"}`)
	again(posted(string(s.mk.Connect(launch.Token, moneykit.ConnectIOS, moneykittest.Play{})), id), "relinked", id)
}

// TestConnectHandlerLogs: who watches the logs sees what happened, and what must be looked into.
func TestConnectHandlerLogs(t *testing.T) {
	t.Parallel()
	s := newConnectShop(t, moneykittest.NewServer(t), nil)
	s.post(t, connectMe, "session", "")
	s.post(t, connectMe, "relink", "{}")
	s.mk.Fail("create_link_session", 1, moneykittest.Fault{})
	s.post(t, connectMe, "session", "")
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

// TestConnectHandlerContext: hooks get the request's context, with which the application goes on.
func TestConnectHandlerContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	var got []any
	s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) {
		c.Linked = func(ctx context.Context, _ string, _ *moneykit.Link) error {
			got = append(got, ctx.Value(key{}))
			return nil
		}
		c.Exited = func(ctx context.Context, _ string, _ *moneykit.ConnectResult) { got = append(got, ctx.Value(key{})) }
		c.Event = func(ctx context.Context, _ string, _ *moneykit.ConnectEvent) { got = append(got, ctx.Value(key{})) }
	})
	payload := s.play(t, connectMe, moneykit.ConnectWeb, moneykittest.Play{})
	for endpoint, body := range map[string]string{"result": `{"result":` + payload + `}`, "event": `{"name":"open"}`} {
		r := connectRequest(t, connectMe, endpoint, strings.NewReader(body))
		s.serve(t, r.WithContext(context.WithValue(r.Context(), key{}, "shop")))
	}
	r := connectRequest(t, connectMe, "result", strings.NewReader(`{"result":[]}`))
	s.serve(t, r.WithContext(context.WithValue(r.Context(), key{}, "shop")))
	assert.Equal(t, []any{"shop", "shop", "shop"}, got)
}
