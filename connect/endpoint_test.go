package connect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestEndpointsRefuseBodies(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	type bodyOf struct {
		endpoint string
		body     io.Reader
		status   int
		code     string
	}
	bodies := map[string]bodyOf{}
	for endpoint, fields := range map[string]string{
		"session": "", "relink": `"link_id":"mk_1",`, "result": `"result":null,`, "event": `"name":"open",`,
	} {
		large := strings.NewReader(`{` + fields + `"more":"` + strings.Repeat("x", 1<<20+4<<10) + `"}`)
		bodies[endpoint+" too large"] = bodyOf{endpoint, large, 413, "too_large"}
		bodies[endpoint+" without an end"] = bodyOf{endpoint, endless{}, 413, "too_large"}
		cut := io.MultiReader(strings.NewReader(`{`+fields), failing{errors.New("connection reset")})
		bodies[endpoint+" cut off"] = bodyOf{endpoint, cut, 400, "invalid_request"}
	}
	for endpoint, body := range map[string]string{
		"session": `{"more":"`, "relink": `{"link_id":"mk_1","more":"`, "event": `{"name":"open","more":"`,
	} {
		body := strings.NewReader(body + strings.Repeat("x", 64<<10) + `"}`)
		bodies[endpoint+" of more than 64 KiB"] = bodyOf{endpoint, body, 413, "too_large"}
	}
	wrong := func(endpoint, name, data string) {
		bodies[endpoint+" "+name] = bodyOf{endpoint, strings.NewReader(data), 422, "invalid_request"}
	}
	for _, endpoint := range []string{"relink", "result", "event"} {
		for _, data := range []string{
			"", "null", "[]", "{}", `"mk_1"`, "{", `{"link_id":"mk_1","result":null,"name":"open"}}`, "\xff", `{"link_id":7}`,
		} {
			wrong(endpoint, data, data)
		}
	}
	wrong("relink", "without an id", `{"link_id":""}`)
	wrong("relink", "of a path", `{"link_id":".."}`)
	wrong("result", "a link id of another type", `{"result":null,"link_id":{}}`)
	wrong("result", "more than a result may have", `{"result":["`+strings.Repeat("x", 1<<20)+`",{"id":"a","selectedAccounts":[]}]}`)
	for _, result := range []string{
		`"tok"`, `7`, `true`, `{"exchangeable_token":"tok","token":{"value":"other"}}`, `{"exchangeable_Token":"tok"}`,
		`{"type":"link.event","data":{"name":"open"}}`,
		`{"type":"link.complete","data":7}`, `{"error":{"error_id":"tok"},"institution":{"id":"a"}}`,
	} {
		wrong("result", result, `{"result":`+result+`}`)
	}
	wrong("result", "a relink without a link", `{"result":{"institution":{"id":"a"},"accounts":[]}}`)
	for name, tt := range bodies {
		t.Run(name, func(t *testing.T) {
			r := newRequest(t, me, tt.endpoint, tt.body)
			r.ContentLength = -1
			problem := refused(t, s.serve(t, r), tt.status, tt.code)
			want := moneykit.ActionFix
			if tt.status == http.StatusBadRequest {
				want = moneykit.ActionRetry // It was cut off on the way.
			}
			assert.Equal(t, want, problem.Action)
			assert.NotContains(t, problem.Message, "on our side")
		})
	}
	assert.Empty(t, s.calls())
	assert.Empty(t, s.mk.Requests())
}

// counting counts the bytes that are read from it.
type counting struct {
	io.Reader

	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// An event is refused before it is read to its end, and before it is parsed.
func TestEventBodyIsBounded(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	rest := `{"name":"open","properties":{"more":"`
	most := rest + strings.Repeat("x", 64<<10-len(rest)-len(`"}}`)) + `"}}`
	assert.Equal(t, http.StatusNoContent, s.post(t, me, "event", most).Code)
	body := &counting{Reader: strings.NewReader(rest + strings.Repeat("x", 1<<20))}
	refused(t, s.serve(t, newRequest(t, me, "event", body)), http.StatusRequestEntityTooLarge, "too_large")
	assert.LessOrEqual(t, body.n, 65<<10)
	assert.Len(t, s.calls(), 1)
}

func TestResultLinkIDIsNotTrusted(t *testing.T) {
	t.Parallel()
	for _, source := range sources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), nil)
			mine := s.link(t, me)
			theirs := s.mk.AddLink(moneykittest.LinkSpec{UserID: victim})

			for _, other := range []string{mine.ID, theirs.ID, "mk_nothing"} {
				payload := s.play(t, me, source, moneykittest.Play{})
				result := parsed(t, payload)
				w := s.post(t, me, "result", posted(swap(payload, result.LinkID, other), other))
				require.Equal(t, http.StatusOK, w.Code, w.Body)
				calls := s.calls()
				require.Len(t, calls, 1)
				assert.Equal(t, result.LinkID, calls[0].link.ID, "the token decides")
			}

			payload := s.play(t, me, source, moneykittest.Play{})
			result := parsed(t, payload)
			forged := swap(swap(payload, result.ExchangeableToken, "made-up"), result.LinkID, theirs.ID)
			refused(t, s.post(t, me, "result", posted(forged, theirs.ID)), http.StatusConflict, "expired")
			forged = swap(payload, result.ExchangeableToken, "made-up")
			refused(t, s.post(t, me, "result", posted(forged, "")), http.StatusConflict, "expired")
			assert.Empty(t, s.calls())
		})
	}
}

func TestResultWithAnotherUsersToken(t *testing.T) {
	t.Parallel()
	for _, source := range sources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), nil)
			payload := s.play(t, victim, source, moneykittest.Play{})
			result := parsed(t, payload)
			w := s.post(t, me, "result", `{"result":`+payload+`}`)
			problem := refused(t, w, http.StatusNotFound, "not_found")
			assert.Equal(t, moneykit.ActionGone, problem.Action)
			for _, secret := range []string{result.LinkID, result.ExchangeableToken, victim, result.Institution.ID, result.Institution.Name} {
				assert.NotContains(t, w.Body.String(), secret)
			}
			refused(t, s.post(t, me, "result", `{"result":`+payload+`}`), http.StatusConflict, "expired")
			assert.Empty(t, s.calls())

			w = s.post(t, victim, "result", `{"result":`+payload+`}`)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			calls := s.calls()
			require.Len(t, calls, 1)
			assert.Equal(t, victim, calls[0].user)
			assert.Equal(t, result.LinkID, calls[0].link.ID)
		})
	}
}

// A front end can name any link in a relinked result.
func TestResultOfAnotherUsersLink(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	s.mk.AddLink(moneykittest.LinkSpec{UserID: me})
	theirs := s.mk.AddLink(moneykittest.LinkSpec{UserID: victim})
	answers := map[string]bool{}
	w := s.post(t, me, "relink", `{"link_id":"../users/`+victim+`"}`)
	refused(t, w, http.StatusUnprocessableEntity, "invalid_request")
	for _, id := range []string{theirs.ID, "mk_nothing"} {
		w = s.post(t, me, "result", posted(`[{"id":"a","selectedAccounts":[]},`+quoteJSON(t, id)+`]`, id))
		refused(t, w, http.StatusNotFound, "not_found")
		answers[w.Body.String()] = true
		w = s.post(t, me, "result", posted(`{"institution":{"id":"a"},"accounts":[]}`, id))
		refused(t, w, http.StatusNotFound, "not_found")
		answers[w.Body.String()] = true
		w = s.post(t, me, "relink", `{"link_id":"`+id+`"}`)
		refused(t, w, http.StatusNotFound, "not_found")
		answers[w.Body.String()] = true
	}
	assert.Len(t, answers, 1, "the response must not tell whether a link exists")
	w = s.post(t, me, "result", posted(`[{"id":"a","selectedAccounts":[]},"mk_a"]`, theirs.ID))
	refused(t, w, http.StatusUnprocessableEntity, "invalid_request")
	assert.Empty(t, s.calls())
}

func TestResultPostedSeveralTimes(t *testing.T) {
	t.Parallel()
	for _, source := range sources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), nil)
			s.mk.AddLink(moneykittest.LinkSpec{UserID: me}) // at the same bank
			payload := s.play(t, me, source, moneykittest.Play{})
			id := parsed(t, payload).LinkID
			require.NotEmpty(t, id)

			// All but the last are posted concurrently.
			bodies := make([]string, 9)
			var all sync.WaitGroup
			for i := range bodies[1:] {
				r := newRequest(t, me, "result", strings.NewReader(`{"result":`+payload+`}`))
				all.Go(func() {
					w := httptest.NewRecorder()
					s.handler.ServeHTTP(w, r)
					bodies[i] = fmt.Sprint(w.Code, w.Body)
				})
			}
			all.Wait()
			w := s.post(t, me, "result", `{"result":`+payload+`}`)
			bodies[len(bodies)-1] = fmt.Sprint(w.Code, w.Body)
			assert.Len(t, slices.Compact(bodies), 1, bodies)
			assert.Contains(t, bodies[0], `200 {"outcome":"linked"`)
			calls := s.calls()
			assert.Len(t, calls, len(bodies))
			for _, call := range calls {
				assert.Equal(t, id, call.link.ID)
				assert.Equal(t, moneykit.LinkStateConnected, call.link.State)
			}
		})
	}
}

func TestRelinkRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
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
		"deleted":        {add(me, moneykittest.LinkSpec{State: moneykit.LinkStateDeleted}), 404, "not_found", moneykit.ActionGone},
		"foreign":        {add(victim, moneykittest.LinkSpec{Error: moneykit.LinkErrorAuthExpired}), 404, "not_found", moneykit.ActionGone},
		"foreign, works": {add(victim, moneykittest.LinkSpec{}), 404, "not_found", moneykit.ActionGone},
		"unknown":        {"mk_nothing", 404, "not_found", moneykit.ActionGone},
		"healthy":        {add(me, moneykittest.LinkSpec{}), 409, "not_needed", moneykit.ActionNone},
	} {
		t.Run(name, func(t *testing.T) {
			problem := refused(t, s.post(t, me, "relink", `{"link_id":"`+tt.link+`"}`), tt.status, tt.code)
			assert.Equal(t, tt.action, problem.Action)
		})
	}
	assert.Zero(t, s.asked("create_link_session"))
}

func TestResultWaitsForRelinkedLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, moneykittest.NewServer(t), nil)
		link := s.mk.AddLink(moneykittest.LinkSpec{UserID: me, Error: moneykit.LinkErrorUserSetupRequired})
		body := posted(`{"institution":{"id":"a"},"accounts":[]}`, link.ID)
		start := time.Now()
		problem := refused(t, s.post(t, me, "result", body), http.StatusConflict, "not_connected")
		assert.Equal(t, moneykit.ActionUser, problem.Action)
		assert.LessOrEqual(t, time.Since(start), 30*time.Second)
		assert.Empty(t, s.calls())

		time.AfterFunc(12*time.Second, func() { s.mk.Break(link.ID, "") })
		assert.Equal(t, http.StatusOK, s.post(t, me, "result", body).Code)
		calls := s.calls()
		require.Len(t, calls, 1)
		assert.Equal(t, "relinked", calls[0].hook)
	})
}

// MoneyKit exchanges the token, but its response is lost.
func TestResultAfterLostExchange(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	payload := s.play(t, me, moneykit.ConnectWeb, moneykittest.Play{})
	s.mk.Fail("exchange_token", 1, moneykittest.Fault{Reset: moneykittest.ResetAfter})
	assert.Equal(t, http.StatusOK, s.post(t, me, "result", `{"result":`+payload+`}`).Code)
	calls := s.calls()
	require.Len(t, calls, 1)
	assert.Equal(t, parsed(t, payload).LinkID, calls[0].link.ID)
}

// A token that was exchanged before is not called expired while its link cannot be looked up.
func TestResultPostedAgainWhileMoneyKitIsDown(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	payload := s.play(t, me, moneykit.ConnectWeb, moneykittest.Play{})
	post := func() *httptest.ResponseRecorder { return s.post(t, me, "result", `{"result":`+payload+`}`) }
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
	assert.Equal(t, asked, s.asked("exchange_token"))
	assert.Len(t, s.calls(), 1)
}

func TestResultAfterBrowserLeft(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	mk := moneykittest.NewServer(t)
	var stored error
	s := newShop(t, mk, func(c *connect.Config) {
		tell := c.OnLinked
		c.OnLinked = func(ctx context.Context, user string, link *moneykit.Link) error {
			stored = ctx.Err()
			_, bounded := ctx.Deadline()
			assert.True(t, bounded)
			return tell(ctx, user, link)
		}
	})
	payload := s.play(t, me, moneykit.ConnectWeb, moneykittest.Play{})
	leave()
	r := newRequest(t, me, "result", strings.NewReader(`{"result":`+payload+`}`))
	s.serve(t, r.WithContext(ctx))
	require.Len(t, s.calls(), 1)
	assert.NoError(t, stored)
}

func TestResultHookFails(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) { c.Development = true })
	again := func(body, hook, id string) {
		t.Helper()
		s.setFail(errors.New("connect-canary: the database is down"))
		w := s.post(t, me, "result", body)
		problem := refused(t, w, http.StatusInternalServerError, "not_stored")
		assert.Equal(t, moneykit.ActionRetry, problem.Action)
		assert.NotContains(t, w.Body.String(), "canary")
		assert.NotContains(t, w.Body.String(), id)
		s.setFail(nil)
		assert.Equal(t, http.StatusOK, s.post(t, me, "result", body).Code)
		calls := s.calls()
		require.Len(t, calls, 2)
		for _, call := range calls {
			assert.Equal(t, hook, call.hook)
			assert.Equal(t, id, call.link.ID)
		}
	}
	payload := s.play(t, me, moneykit.ConnectWeb, moneykittest.Play{})
	id := parsed(t, payload).LinkID
	again(`{"result":`+payload+`}`, "linked", id)
	assert.Contains(t, s.log.String(), "the database is down")
	assert.Contains(t, s.log.String(), id)

	s.mk.Break(id, moneykit.LinkErrorAuthExpired)
	launch := s.launch(t, me, "relink", `{"link_id":"`+id+`"}`)
	again(posted(string(s.mk.Connect(launch.Token, moneykit.ConnectIOS, moneykittest.Play{})), id), "relinked", id)
}
