package connect_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
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

func TestLimitPerUser(t *testing.T) {
	t.Parallel()
	for endpoint, body := range map[string]string{
		"relink": `{"link_id":"mk_made_up"}`,
		"result": `{"result":["made-up",{"id":"a","selectedAccounts":[]},"mk_made_up"]}`,
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), nil)
			counts := map[int]int{}
			for range 100 {
				w := s.post(t, me, endpoint, body)
				counts[w.Code]++
				if w.Code == http.StatusTooManyRequests {
					assert.InDelta(t, 60, checkResponse(t, w).RetryAfter, 10)
				}
			}
			assert.Equal(t, 40, counts[http.StatusTooManyRequests], counts)
			assert.Zero(t, s.asked("get_link"))
			assert.LessOrEqual(t, s.asked("get_user_links"), 60)
			assert.NotEqual(t, http.StatusTooManyRequests, s.post(t, victim, endpoint, body).Code, "other users are not limited")
		})
	}
}
