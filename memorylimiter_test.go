package moneykit_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/ratelimit"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const (
	getAccounts = "GET /links/{id}/accounts" // 4 for a link, 600 for an application
	getLink     = "GET /links/{id}"          // 15 for a link, 1,000 for an application
	listBanks   = "GET /institutions"        // 30 for an application

	// budgetWindow is a minute with the margin of MemoryLimiter.
	budgetWindow = 65 * time.Second
)

// grants calls Wait in one goroutine for each link, in order, and returns when each call was
// allowed.
func grants(t *testing.T, m *moneykit.MemoryLimiter, operation string, links ...string) []time.Duration {
	t.Helper()
	start, at := time.Now(), make([]time.Duration, len(links))
	var wg sync.WaitGroup
	for i, link := range links {
		wg.Go(func() {
			if assert.NoError(t, m.Wait(t.Context(), operation, link)) {
				at[i] = time.Since(start)
			}
		})
		synctest.Wait() // so that they come in this order
	}
	wg.Wait()
	return at
}

// minutes returns the times at which n requests are allowed, with limit requests in each window.
func minutes(n, limit int) (at []time.Duration) {
	for i := range n {
		at = append(at, time.Duration(i/limit)*budgetWindow)
	}
	return at
}

func TestMemoryLimiter(t *testing.T) {
	t.Parallel()
	own := func(operation string) (perLink, perApp int, ok bool) { return 2, 3, operation != listBanks }
	for name, tt := range map[string]struct {
		limiter   *moneykit.MemoryLimiter
		operation string
		links     []string
		want      []time.Duration
	}{
		"a link":                  {new(moneykit.MemoryLimiter), getAccounts, slices.Repeat([]string{"mk_1"}, 10), minutes(10, 4)},
		"an application":          {new(moneykit.MemoryLimiter), listBanks, make([]string, 70), minutes(70, 30)},
		"a client":                {new(moneykit.MemoryLimiter), "POST /auth/token", make([]string, 301), minutes(301, 300)},
		"no published limit":      {new(moneykit.MemoryLimiter), "GET /links/{id}/transactions", make([]string, 2000), minutes(2000, 2000)},
		"an unknown operation":    {new(moneykit.MemoryLimiter), "GET /links/…", make([]string, 2000), minutes(2000, 2000)},
		"without a link":          {new(moneykit.MemoryLimiter), getAccounts, make([]string, 601), minutes(601, 600)},
		"a share":                 {&moneykit.MemoryLimiter{Processes: 2}, getAccounts, slices.Repeat([]string{"mk_1"}, 4), minutes(4, 2)},
		"a share that is rounded": {&moneykit.MemoryLimiter{Processes: 4}, getLink, slices.Repeat([]string{"mk_1"}, 6), minutes(6, 3)},
		"a share of less than 1":  {&moneykit.MemoryLimiter{Processes: 9}, getAccounts, slices.Repeat([]string{"mk_1"}, 3), minutes(3, 1)},
		"own limits":              {&moneykit.MemoryLimiter{Limits: own}, getAccounts, slices.Repeat([]string{"mk_1"}, 6), minutes(6, 2)},
		"own limits of the application": {
			&moneykit.MemoryLimiter{Limits: own}, getAccounts, []string{"mk_1", "mk_2", "mk_3", "mk_4"}, minutes(4, 3),
		},
		"own limits where none are published": {&moneykit.MemoryLimiter{Limits: own}, "GET /new", []string{"mk_1", "mk_1", "mk_1"}, minutes(3, 2)},
		"own limits of other operations":      {&moneykit.MemoryLimiter{Limits: own}, listBanks, make([]string, 40), minutes(40, 30)},
		"links beside one another": {
			new(moneykit.MemoryLimiter), getAccounts,
			[]string{"mk_1", "mk_1", "mk_1", "mk_1", "mk_1", "mk_2"},
			[]time.Duration{0, 0, 0, 0, budgetWindow, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				assert.Equal(t, tt.want, grants(t, tt.limiter, tt.operation, tt.links...))
			})
		})
	}
}

// TestMemoryLimiterWithBothLimits uses up the budget of the application, so that requests use their
// slots of a link later than they took them.
func TestMemoryLimiterWithBothLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &moneykit.MemoryLimiter{Limits: func(string) (int, int, bool) { return 2, 4, true }}
		at := grants(t, m, getAccounts, "mk_1", "mk_2", "mk_3", "mk_4", "mk_5", "mk_5", "mk_5", "mk_1")
		const w = budgetWindow
		assert.Equal(t, []time.Duration{0, 0, 0, 0, w, w, 2 * w, w}, at)
	})
}

// TestMemoryLimiterRefuses calls Wait with deadlines.
func TestMemoryLimiterRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before   []string // links of requests that are allowed or wait
		deadline time.Duration
		wait     time.Duration // 0 if the request is allowed before the deadline
	}{
		"a free slot":                {nil, time.Second, 0},
		"a slot before the deadline": {slices.Repeat([]string{"mk_1"}, 4), budgetWindow + time.Second, 0},
		"a slot at the deadline":     {slices.Repeat([]string{"mk_1"}, 4), budgetWindow, budgetWindow},
		"a slot after the deadline":  {slices.Repeat([]string{"mk_1"}, 4), time.Second, budgetWindow},
		"another request waits":      {slices.Repeat([]string{"mk_1"}, 8), budgetWindow + time.Second, 2 * budgetWindow},
		"many requests wait":         {slices.Repeat([]string{"mk_1"}, 21), time.Minute, 5 * budgetWindow},
		"a deadline after others":    {slices.Repeat([]string{"mk_1"}, 8), 2*budgetWindow + time.Second, 0},
		"a budget of the application": {
			append(make([]string, 600), "mk_1"), time.Minute, budgetWindow,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := new(moneykit.MemoryLimiter)
				others, stop := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				for _, link := range tt.before {
					wg.Go(func() { _ = m.Wait(others, getAccounts, link) })
				}
				synctest.Wait()
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				err := m.Wait(ctx, getAccounts, "mk_1")
				if tt.wait == 0 {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, moneykit.ErrRateLimited)
					var e *moneykit.Error
					require.ErrorAs(t, err, &e)
					assert.Equal(t, tt.wait, e.RetryAfter)
					assert.Equal(t, moneykit.ActionRetry, moneykit.ActionFor(err))
					assert.Equal(t, "moneykit: GET /links/{id}/accounts: "+
						"the rate limit allows no request before the context's deadline (retry after "+
						tt.wait.String()+")", err.Error())
					assert.Zero(t, time.Since(start), "at once")
				}
				stop()
				wg.Wait()
			})
		})
	}
}

// TestMemoryLimiterInACall checks the error of a call that the limiter refused.
func TestMemoryLimiterInACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/accounts", answers(200, onLink(`"accounts":[]`)))
		client := newClient(t, mock, moneykit.WithLimiter(new(moneykit.MemoryLimiter)))
		for range 4 {
			_, err := client.Accounts.List(t.Context(), "mk_1", moneykit.AccountListParams{})
			require.NoError(t, err)
		}
		_, err := client.Accounts.List(t.Context(), "mk_1", moneykit.AccountListParams{}, moneykit.WithMaxWait(time.Second))
		require.EqualError(t, err, "moneykit: GET /links/{id}/accounts: the limiter did not allow the request: "+
			"the rate limit allows no request before the context's deadline (retry after 1m5s)")
		require.ErrorIs(t, err, moneykit.ErrRateLimited)
		start := time.Now()
		require.NoError(t, client.Do(t.Context(), http.MethodGet, "/links/mk_1/accounts", nil, nil))
		assert.Equal(t, budgetWindow, time.Since(start), "a call of Do has the same budget")
	})
}

// TestMemoryLimiterCancelled cancels waiting requests.
func TestMemoryLimiterCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &moneykit.MemoryLimiter{Limits: func(string) (int, int, bool) { return 1, 2, true }}
		grants(t, m, getAccounts, "mk_1", "mk_2")
		start := time.Now()
		var mu sync.Mutex
		got := map[string]time.Duration{}
		var wg sync.WaitGroup
		wait := func(ctx context.Context, name, link string) {
			wg.Go(func() {
				if err := m.Wait(ctx, getAccounts, link); err != nil {
					assert.ErrorIs(t, err, context.Canceled)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				got[name] = time.Since(start)
			})
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait(ctx, "waits for mk_1, and is cancelled", "mk_1")
		wait(ctx, "waits for the application with the slot of mk_3, and is cancelled", "mk_3")
		wait(t.Context(), "next for mk_1", "mk_1")
		<-time.After(5 * time.Second)
		wait(t.Context(), "next for mk_3", "mk_3")
		wait(t.Context(), "third", "mk_1")
		time.AfterFunc(10*time.Second, cancel)
		wg.Wait()
		assert.Equal(t, map[string]time.Duration{
			"next for mk_1": budgetWindow, "next for mk_3": budgetWindow, "third": 2 * budgetWindow,
		}, got)
		require.ErrorIs(t, m.Wait(ctx, getAccounts, "mk_9"), context.Canceled, "a context that has ended gets nothing")
	})
}

// TestMemoryLimiterDeletesIdleBudgets uses many links once, and measures the memory.
func TestMemoryLimiterDeletesIdleBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moneykit.MemoryLimiter{Limits: func(string) (int, int, bool) { return 4, 0, true }}
		heap := func() int64 {
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			return int64(stats.HeapAlloc)
		}
		const links = 200_000
		before := heap()
		for i := range links {
			require.NoError(t, m.Wait(t.Context(), getLink, "mk_"+strconv.Itoa(i)))
		}
		assert.Greater(t, heap()-before, int64(links*50), "the budgets exist for a minute")
		<-time.After(budgetWindow)
		require.NoError(t, m.Wait(t.Context(), getLink, "mk_1"))
		assert.Less(t, heap()-before, int64(links/2))
		runtime.KeepAlive(m)
	})
}

// grant is a request that a limiter has allowed.
type grant struct {
	link string
	at   time.Duration
}

// TestMemoryLimiterModel sends random requests, some of which are cancelled, and checks the limits
// in all windows.
func TestMemoryLimiterModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dice := rand.New(rand.NewPCG(seed, 1))
				perLink, perApp := 1+dice.IntN(5), 3+dice.IntN(20)
				m := &moneykit.MemoryLimiter{Limits: func(string) (int, int, bool) { return perLink, perApp, true }}
				start := time.Now()
				var mu sync.Mutex
				seen := map[string][]grant{} // by operation
				var wg sync.WaitGroup
				for range 300 {
					operation, link := "operation "+strconv.Itoa(dice.IntN(2)), "mk_"+strconv.Itoa(dice.IntN(1+dice.IntN(12)))
					ctx, cancel := t.Context(), context.CancelFunc(func() {})
					switch dice.IntN(4) {
					case 0:
						ctx, cancel = context.WithTimeout(ctx, time.Duration(dice.IntN(200_000))*time.Millisecond)
					case 1:
						ctx, cancel = context.WithCancel(ctx)
						time.AfterFunc(time.Duration(dice.IntN(200_000))*time.Millisecond, cancel)
					}
					wg.Go(func() {
						defer cancel()
						err := m.Wait(ctx, operation, link)
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							seen[operation] = append(seen[operation], grant{link, time.Since(start)})
						} else if ctx.Err() == nil {
							assert.ErrorIs(t, err, moneykit.ErrRateLimited)
						}
					})
					if dice.IntN(3) == 0 {
						<-time.After(time.Duration(dice.IntN(10_000)) * time.Millisecond)
					}
				}
				wg.Wait() // No request waits for ever.
				for _, all := range seen {
					assertWindows(t, all, perApp)
					links := map[string][]grant{}
					for _, g := range all {
						links[g.link] = append(links[g.link], g)
					}
					for _, of := range links {
						assertWindows(t, of, perLink)
					}
				}
			})
		})
	}
}

// assertWindows fails if any window of a minute has more than limit requests.
func assertWindows(t *testing.T, all []grant, limit int) {
	t.Helper()
	slices.SortFunc(all, func(a, b grant) int { return cmp.Compare(a.at, b.at) })
	for i := limit; i < len(all); i++ {
		assert.Greater(t, all[i].at-all[i-limit].at, ratelimit.Window, "%d requests within a minute", limit+1)
	}
}

// TestMemoryLimiterThroughput sends as many requests as possible for ten minutes, in many
// goroutines.
func TestMemoryLimiterThroughput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m moneykit.MemoryLimiter
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		counts := make([]int, 40) // by link
		var wg sync.WaitGroup
		for i := range counts {
			var mu sync.Mutex
			for range 8 {
				wg.Go(func() {
					for {
						err := m.Wait(ctx, getLink, "mk_"+strconv.Itoa(i))
						if err != nil {
							assert.True(t, errors.Is(err, moneykit.ErrRateLimited) || ctx.Err() != nil, "%v", err)
							return
						}
						mu.Lock()
						counts[i]++
						mu.Unlock()
					}
				})
			}
		}
		wg.Wait()
		const windows = 10 // 10 minutes have the beginnings of ten windows of 65 seconds
		for _, n := range counts {
			assert.Equal(t, 15*windows, n, "40 links may have 15 requests each, because an application has 1,000")
		}
	})
}

// TestMemoryLimiterFlow reads the accounts of links in eight goroutines, from a MoneyKit that
// enforces its limits.
func TestMemoryLimiterFlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mk := moneykittest.NewServer(t, moneykittest.WithRateLimits())
		links := []string{
			mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"}).ID,
			mk.AddLink(moneykittest.LinkSpec{UserID: "user_0002"}).ID,
		}
		client := mk.Client(moneykit.WithLimiter(new(moneykit.MemoryLimiter)), moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
		start := time.Now()
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for i := worker; i < 100; i += 8 {
					_, err := client.Accounts.List(t.Context(), links[i%2], moneykit.AccountListParams{})
					assert.NoError(t, err)
				}
			})
		}
		wg.Wait()
		assert.Equal(t, 12*budgetWindow, time.Since(start).Truncate(time.Second), "50 requests about each link, 4 at a time")
		for _, r := range mk.Requests() {
			assert.NotEqual(t, http.StatusTooManyRequests, r.Status)
		}
		assert.Len(t, mk.Requests(), 1+100)
	})
}
