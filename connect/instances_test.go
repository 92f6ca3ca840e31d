package connect_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// instances are two processes of one application: each has its own client and handler, and the
// settings are the same.
func instances(t *testing.T, mk *moneykittest.Server, change func(*connect.Config)) (first, second *shop) {
	t.Helper()
	return newShop(t, mk, change), newShop(t, mk, change)
}

// TestInstancesLink opens a session at one instance, and posts its result to the other.
func TestInstancesLink(t *testing.T) {
	t.Parallel()
	for _, source := range sources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			first, second := instances(t, moneykittest.NewServer(t), nil)
			launch := first.launch(t, me, "session", "")
			assert.Equal(t, http.StatusNoContent, second.post(t, me, "event", `{"name":"open"}`).Code)
			payload := string(first.mk.Connect(launch.Token, source, moneykittest.Play{}))
			w := second.post(t, me, "result", `{"result":`+payload+`}`)
			require.Equal(t, http.StatusOK, w.Code, w.Body)

			again := first.post(t, me, "result", `{"result":`+payload+`}`)
			assert.Equal(t, w.Code, again.Code)
			assert.JSONEq(t, w.Body.String(), again.Body.String(), "the other instance exchanged the token")
			here, there := first.calls(), second.calls()
			require.Len(t, here, 1)
			require.Len(t, there, 2, "an event and a link")
			for _, call := range []hookCall{here[0], there[1]} {
				assert.Equal(t, "linked", call.hook)
				assert.Equal(t, me, call.user)
				assert.Equal(t, parsed(t, payload).LinkID, call.link.ID)
				assert.Equal(t, moneykit.LinkStateConnected, call.link.State)
			}
		})
	}
}

// TestInstancesRelink begins a relink at one instance, and finishes it at the other and then again
// at both.
func TestInstancesRelink(t *testing.T) {
	t.Parallel()
	for _, source := range sources() {
		for name := range names(me, "") {
			t.Run(string(source)+" "+name, func(t *testing.T) {
				t.Parallel()
				first, second := instances(t, moneykittest.NewServer(t), nil)
				link := first.link(t, me)
				first.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
				body := names(me, link.ID)[name]
				launch := first.launch(t, me, "relink", body)
				payload := string(first.mk.Connect(launch.Token, source, moneykittest.Play{}))
				result := `{"result":` + payload + `,` + body[1:]

				var responses []string
				for _, s := range []*shop{second, first, second} {
					w := s.post(t, me, "result", result)
					responses = append(responses, fmt.Sprint(w.Code, w.Body))
				}
				assert.Contains(t, responses[0], `200 {"outcome":"relinked"`)
				assert.Equal(t, []string{responses[0], responses[0], responses[0]}, responses)
				here, there := first.calls(), second.calls()
				assert.Len(t, here, 1)
				assert.Len(t, there, 2)
				for _, call := range append(here, there...) {
					assert.Equal(t, "relinked", call.hook)
					assert.Equal(t, me, call.user)
					assert.Equal(t, link.ID, call.link.ID)
					assert.Equal(t, moneykit.LinkStateConnected, call.link.State)
				}
				refused(t, second.post(t, victim, "result", result), http.StatusNotFound, "not_found")
				assert.Empty(t, second.calls())
			})
		}
	}
}

// TestInstancesConcurrently posts the results of a link and of a relink to both instances
// concurrently.
func TestInstancesConcurrently(t *testing.T) {
	t.Parallel()
	first, second := instances(t, moneykittest.NewServer(t), nil)
	both := func(hook, linkID, body string) {
		t.Helper()
		var wg sync.WaitGroup
		var responses [6]string
		for i := range responses {
			s := []*shop{first, second}[i%2]
			r := newRequest(t, me, "result", strings.NewReader(body))
			wg.Go(func() {
				w := httptest.NewRecorder()
				s.handler.ServeHTTP(w, r)
				responses[i] = fmt.Sprint(w.Code, w.Body)
			})
		}
		wg.Wait()
		for _, response := range responses {
			assert.Equal(t, responses[0], response)
			assert.Contains(t, response, `200 {"outcome":"`+hook+`"`)
		}
		for _, s := range []*shop{first, second} {
			calls := s.calls()
			assert.Len(t, calls, len(responses)/2)
			for _, call := range calls {
				assert.Equal(t, hook, call.hook)
				assert.Equal(t, linkID, call.link.ID)
			}
		}
	}
	payload := first.play(t, me, moneykit.ConnectWeb, moneykittest.Play{})
	id := parsed(t, payload).LinkID
	both("linked", id, `{"result":`+payload+`}`)

	first.mk.Break(id, moneykit.LinkErrorAuthExpired)
	launch := second.launch(t, me, "relink", `{"link_id":"`+id+`"}`)
	relinked := string(first.mk.Connect(launch.Token, moneykit.ConnectIOS, moneykittest.Play{}))
	both("relinked", id, posted(relinked, id))
}

// TestInstancesLimit posts to both instances in turn, with a common limit and without one.
func TestInstancesLimit(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	count := map[string]int{}
	common := limiter(func(_ context.Context, userID string) (time.Duration, error) {
		mu.Lock()
		defer mu.Unlock()
		if count[userID]++; count[userID] > 10 {
			return time.Minute, nil
		}
		return 0, nil
	})
	for name, tt := range map[string]struct {
		limit  connect.PostLimiter
		served int
	}{
		"a common limiter":      {common, 10},
		"each process a memory": {nil, 2 * 120},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := instances(t, moneykittest.NewServer(t), func(c *connect.Config) { c.Limit = tt.limit })
			served := 0
			for i := range 300 {
				s := []*shop{first, second}[i%2]
				w := s.post(t, me, "event", `{"name":"open"}`)
				if w.Code == http.StatusNoContent {
					served++
					continue
				}
				refused(t, w, http.StatusTooManyRequests, "rate_limited")
			}
			assert.Equal(t, tt.served, served)
			assert.Len(t, append(first.calls(), second.calls()...), tt.served)
			for _, s := range []*shop{first, second} {
				assert.Equal(t, http.StatusNoContent, s.post(t, victim, "event", `{"name":"open"}`).Code, "another user has a limit of their own")
			}
		})
	}
}
