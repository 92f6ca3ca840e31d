package connect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestLimitFromMoneyKit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, moneykittest.NewServer(t, moneykittest.WithRateLimits()), nil)
		broken := s.mk.AddLink(moneykittest.LinkSpec{UserID: me, Error: moneykit.LinkErrorAuthExpired})
		opened, wait := 0, 0
		for range 100 {
			w := s.post(t, me, "session", "")
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
		assert.Equal(t, 21, s.asked("create_link_session"), "MoneyKit must not be called again")
		requests := len(s.mk.Requests())
		refused(t, s.post(t, me, "relink", `{"link_id":"`+broken.ID+`"}`), http.StatusTooManyRequests, "rate_limited")
		assert.Len(t, s.mk.Requests(), requests, "nor for another kind of session")
		s.launch(t, victim, "session", "")

		<-time.After(time.Duration(wait) * time.Second)
		s.launch(t, me, "session", "")
		s.launch(t, me, "relink", `{"link_id":"`+broken.ID+`"}`)
	})
}

func TestLimitWithoutRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, moneykittest.NewServer(t), nil)
		s.mk.Fail("create_link_session", 1, moneykittest.Fault{Code: moneykit.ErrorCodeRateLimitExceeded})
		for _, left := range []int{60, 45} {
			problem := refused(t, s.post(t, me, "session", ""), http.StatusTooManyRequests, "rate_limited")
			assert.Equal(t, left, problem.RetryAfter)
			<-time.After(15 * time.Second)
		}
		<-time.After(30 * time.Second)
		s.launch(t, me, "session", "")
	})
}

// posts returns a body for each endpoint that it accepts.
func posts() map[string]string {
	return map[string]string{
		"session":        "",
		"relink":         `{"link_id":"mk_made_up"}`,
		"result":         `{"result":["made-up",{"id":"a","selectedAccounts":[]},"mk_made_up"]}`,
		"result (exit)":  `{"result":null}`,
		"event":          `{"name":"open"}`,
		"event (a list)": "[]", // refused, and counted as well
	}
}

func endpointOf(name string) string {
	endpoint, _, _ := strings.Cut(name, " ")
	return endpoint
}

func TestLimitPerUser(t *testing.T) {
	t.Parallel()
	for name, body := range posts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), nil)
			refusals := 0
			for range 200 {
				w := s.post(t, me, endpointOf(name), body)
				if w.Code == http.StatusTooManyRequests {
					problem := refused(t, w, http.StatusTooManyRequests, "rate_limited")
					assert.InDelta(t, 60, problem.RetryAfter, 10)
					assert.Equal(t, moneykit.ActionRetry, problem.Action)
					refusals++
				}
			}
			assert.Equal(t, 80, refusals)
			assert.LessOrEqual(t, len(s.calls()), 120)
			assert.LessOrEqual(t, s.asked("get_user_links"), 120)
			assert.NotEqual(t, http.StatusTooManyRequests, s.post(t, victim, endpointOf(name), body).Code, "other users are not limited")
		})
	}
}

// All endpoints share one limit, and refused posts count too.
func TestLimitCountsAllEndpoints(t *testing.T) {
	t.Parallel()
	for spent, body := range posts() {
		t.Run(spent, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), nil)
			for range 120 {
				assert.NotEqual(t, http.StatusTooManyRequests, s.post(t, me, endpointOf(spent), body).Code)
			}
			s.calls()
			asked := len(s.mk.Requests())
			for name, body := range posts() {
				refused(t, s.post(t, me, endpointOf(name), body), http.StatusTooManyRequests, "rate_limited")
			}
			assert.Empty(t, s.calls())
			assert.Len(t, s.mk.Requests(), asked)
		})
	}
}

func TestLimitEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, moneykittest.NewServer(t), nil)
		for range 121 {
			s.post(t, me, "event", `{"name":"open"}`)
		}
		problem := refused(t, s.post(t, me, "event", `{"name":"open"}`), http.StatusTooManyRequests, "rate_limited")
		assert.Equal(t, 60, problem.RetryAfter)
		<-time.After(time.Duration(problem.RetryAfter) * time.Second)
		assert.Equal(t, http.StatusNoContent, s.post(t, me, "event", `{"name":"open"}`).Code)
	})
}

// limiter is the limiter of an application.
type limiter func(ctx context.Context, userID string) (time.Duration, error)

func (l limiter) Allow(ctx context.Context, userID string) (time.Duration, error) {
	return l(ctx, userID)
}

func TestLimitOfApplication(t *testing.T) {
	t.Parallel()
	type key struct{}
	var asked []string
	wait := time.Duration(0)
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.Limit = limiter(func(ctx context.Context, userID string) (time.Duration, error) {
			asked = append(asked, fmt.Sprint(ctx.Value(key{}), " ", userID))
			return wait, nil
		})
	})
	for name, body := range posts() {
		r := newRequest(t, me, endpointOf(name), failing{errors.New("the body was read")})
		r = r.WithContext(context.WithValue(r.Context(), key{}, "shop"))
		wait = 1500 * time.Millisecond
		problem := refused(t, s.serve(t, r), http.StatusTooManyRequests, "rate_limited")
		assert.Equal(t, 2, problem.RetryAfter)
		for wait = range 2 { // also a negative one
			wait = -wait
			assert.NotEqual(t, http.StatusTooManyRequests, s.post(t, me, endpointOf(name), body).Code)
		}
	}
	assert.Len(t, asked, 3*len(posts()))
	assert.Contains(t, asked, "shop "+me)
	for range 200 {
		s.post(t, me, "event", `{"name":"open"}`)
	}
	assert.Len(t, asked, 3*len(posts())+200, "the limiter decides alone")
	s.post(t, "", "event", `{"name":"open"}`)
	assert.Len(t, asked, 3*len(posts())+200, "nobody is not counted")
}

// While a limiter fails, the handler limits posts itself.
func TestLimitOfApplicationFails(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.Limit = limiter(func(context.Context, string) (time.Duration, error) {
			return time.Hour, errors.New("cache: connection refused")
		})
	})
	s.launch(t, me, "session", "")
	counts := map[int]int{}
	for range 200 {
		w := s.post(t, me, "event", `{"name":"open"}`)
		counts[w.Code]++
		assert.NotContains(t, w.Body.String(), "cache")
	}
	assert.Equal(t, map[int]int{http.StatusNoContent: 119, http.StatusTooManyRequests: 81}, counts)
	assert.Contains(t, s.log.String(), `"level":"ERROR","msg":"moneykit: the limiter of Connect requests failed","error":"cache: connection refused"`)
}
