package moneykit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// limiterFunc is a function as a limiter.
type limiterFunc func(ctx context.Context, operation, linkID string) error

func (f limiterFunc) Wait(ctx context.Context, operation, linkID string) error {
	return f(ctx, operation, linkID)
}

// asked is a limiter that records its calls and the sent requests, in order.
type asked struct {
	mu   sync.Mutex
	all  []string // "GET /links/{id} mk_1"
	sent []string // "GET /links/{id}"
}

func (a *asked) Wait(_ context.Context, operation, linkID string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, operation+" "+linkID)
	return nil
}

// over returns a transport that records the requests.
func (a *asked) over(rt http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		operation, _ := moneykit.OperationFrom(r.Context())
		a.mu.Lock()
		a.sent = append(a.sent, operation)
		a.mu.Unlock()
		return rt.RoundTrip(r)
	})
}

func TestWithLimiterRefusesNil(t *testing.T) {
	t.Parallel()
	_, err := moneykit.NewClient(testID, testSecret, moneykit.WithLimiter(nil))
	require.EqualError(t, err, "moneykit: the limiter is nil")
}

// TestLimiterIsCalledBeforeEachAttempt makes calls of all kinds, and compares the calls of the
// limiter with the sent requests.
func TestLimiterIsCalledBeforeEachAttempt(t *testing.T) {
	t.Parallel()
	type call func(context.Context, *moneykit.Client) error
	get := func(ctx context.Context, c *moneykit.Client) error { _, err := c.Links.Get(ctx, "mk_1"); return err }
	do := func(method, path string) call {
		return func(ctx context.Context, c *moneykit.Client) error { return c.Do(ctx, method, path, nil, nil) }
	}
	const token = "POST /auth/token "
	tests := map[string]struct {
		answers httpmock.Responder
		call    call
		want    []string
	}{
		"retries": {
			answers(503, "").Then(answers(429, "")).Then(answers(200, linkJSON)), get,
			[]string{token, "GET /links/{id} mk_1", "GET /links/{id} mk_1", "GET /links/{id} mk_1"},
		},
		"an expired token": {
			answers(401, `{"error_code":"api_error.auth.expired_access_token"}`).Then(answers(200, linkJSON)), get,
			[]string{token, "GET /links/{id} mk_1", token, "GET /links/{id} mk_1"},
		},
		"keys": {
			answers(200, `{"keys":[]}`),
			func(ctx context.Context, c *moneykit.Client) error { _, err := c.Webhooks.Keys(ctx); return err },
			[]string{"GET /.well-known/jwks.json "},
		},
		"Do": {answers(200, `{}`), do("get", "/links/mk%5f1/accounts?a=b"), []string{token, "GET /links/{id}/accounts mk_1"}},
		"Do for numbers": {
			answers(200, `{}`), do("GET", "/links/mk_1/accounts/numbers"), []string{token, "GET /links/{id}/accounts/numbers mk_1"},
		},
		"Do for an account": {
			answers(200, `{}`), do("GET", "/links/mk_1/accounts/x"), []string{token, "GET /links/{id}/accounts/{account_id} mk_1"},
		},
		"Do for all links":    {answers(200, `{}`), do("GET", "/links?limit=1"), []string{token, "GET /links "}},
		"Do for a user":       {answers(200, `{}`), do("GET", "/users/user_0001/links"), []string{token, "GET /users/{id}/links "}},
		"Do for a test event": {answers(200, `{}`), do("POST", "/webhooks/test/link/mk_1"), []string{token, "POST /webhooks/test/link/{id} mk_1"}},
		"Do for a new path":   {answers(200, `{}`), do("GET", "/links/mk_1/new"), []string{token, "GET /links/… "}},
		"Do for a new method": {answers(200, `{}`), do("PUT", "/links/mk_1"), []string{token, "PUT /links/… "}},
		"Do without an id":    {answers(200, `{}`), do("GET", "/links/"), []string{token, "GET /links/… "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mock := newMock(t)
				mock.RegisterNoResponder(tt.answers)
				var a asked
				require.NoError(t, tt.call(t.Context(), newClient(t, a.over(mock), moneykit.WithLimiter(&a))))
				assert.Equal(t, tt.want, a.all)
				for i, operation := range a.sent {
					assert.Contains(t, a.all[i], operation)
				}
				assert.Len(t, a.sent, len(a.all))
			})
		})
	}
}

// TestLimiterIsCalledForEachPage reads all lists, and syncs transactions.
func TestLimiterIsCalledForEachPage(t *testing.T) {
	t.Parallel()
	for _, list := range lists {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+list.path, func(r *http.Request) (*http.Response, error) {
			return answers(200, list.serve(r, ""))(r)
		})
		var a asked
		for _, err := range list.all(t.Context(), newClient(t, a.over(mock), moneykit.WithLimiter(&a))) {
			require.NoError(t, err)
		}
		assert.Len(t, a.all, 4, "a token and three pages of %s", list.name)
		assert.Len(t, a.sent, 4)
	}

	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	var a asked
	_, err := mk.Client(moneykit.WithLimiter(&a)).SyncTransactions(t.Context(), link.ID, new(moneykittest.MemoryStore), moneykit.WithPageSize(20))
	require.NoError(t, err)
	pages := 0
	for _, each := range a.all {
		if each == "GET /links/{id}/transactions/sync "+link.ID {
			pages++
		}
	}
	assert.Greater(t, pages, 2)
	assert.Len(t, mk.Requests(), len(a.all))
}

// TestLimiterRefuses checks the errors of calls that the limiter does not allow.
func TestLimiterRefuses(t *testing.T) {
	t.Parallel()
	budget := &moneykit.Error{Code: moneykit.ErrorCodeRateLimitExceeded, RetryAfter: 7 * time.Second}
	tests := map[string]struct {
		err        error
		limited    bool
		retryAfter time.Duration
		text       string
	}{
		"a refusal":         {budget, true, 7 * time.Second, "the limiter did not allow the request: too many requests (retry after 7s)"},
		"a wrapped refusal": {fmt.Errorf("canary: %w", budget), true, 7 * time.Second, "too many requests (retry after 7s)"},
		"a sentinel":        {fmt.Errorf("canary: %w", moneykit.ErrRateLimited), true, 0, "an error of type *fmt.wrapError"},
		"a failure":         {errors.New("canary"), false, 0, "the limiter did not allow the request: an error of type *errors.errorString"},
		"a failed call":     {&moneykit.Error{Message: "canary", StatusCode: 503}, false, 0, "did not allow the request: moneykit: 503"},
		"an unknown outcome from the limiter": {
			fmt.Errorf("canary: %w", moneykit.ErrOutcomeUnknown), false, 0, "an error of type",
		},
		"the context": {context.DeadlineExceeded, false, 0, "the limiter did not allow the request: context deadline exceeded"},
	}
	for name, tt := range tests {
		for operation, call := range map[string]func(context.Context, *moneykit.Client) error{
			"GET /links/{id}": func(ctx context.Context, c *moneykit.Client) error { _, err := c.Links.Get(ctx, "mk_1"); return err },
			"POST /link-session/exchange-token": func(ctx context.Context, c *moneykit.Client) error {
				_, err := c.LinkSessions.Exchange(ctx, "exchangeable-0001")
				return err
			},
		} {
			t.Run(name+", "+operation, func(t *testing.T) {
				t.Parallel()
				client := newClient(t, newMock(t), moneykit.WithLimiter(limiterFunc(func(_ context.Context, asked, _ string) error {
					if asked == operation {
						return tt.err
					}
					return nil
				})))
				err := call(t.Context(), client)
				var e *moneykit.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, operation, e.Operation)
				assert.Zero(t, e.StatusCode)
				assert.Zero(t, e.Attempts)
				assert.Equal(t, tt.retryAfter, e.RetryAfter)
				require.ErrorContains(t, err, tt.text)
				assert.Equal(t, tt.limited, errors.Is(err, moneykit.ErrRateLimited))
				require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown)
				if !errors.Is(tt.err, moneykit.ErrOutcomeUnknown) {
					require.ErrorIs(t, err, tt.err)
				}
				assert.Equal(t, moneykit.ActionRetry, moneykit.ActionFor(err))
				if tt.limited {
					assert.Equal(t, http.StatusTooManyRequests, moneykit.StatusFor(err))
				}
				for _, text := range show(nil, err) {
					assert.NotContains(t, text, "canary")
				}
			})
		}
	}
}

// TestLimiterRefusesTheToken checks calls for whose access token the limiter allows no request.
func TestLimiterRefusesTheToken(t *testing.T) {
	t.Parallel()
	refusal := &moneykit.Error{Code: moneykit.ErrorCodeRateLimitExceeded, RetryAfter: 7 * time.Second}
	var operations []string
	client := newClient(t, newMock(t), moneykit.WithLimiter(limiterFunc(func(_ context.Context, operation, _ string) error {
		operations = append(operations, operation)
		return refusal
	})))
	_, err := client.LinkSessions.Exchange(t.Context(), "exchangeable-0001")
	require.ErrorIs(t, err, moneykit.ErrRateLimited)
	require.ErrorIs(t, err, refusal)
	require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown)
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 7*time.Second, e.RetryAfter)
	assert.Equal(t, []string{"POST /auth/token"}, operations, "a request without a token does not use the budget")
}

// TestLimiterRefusesARetry checks the error of a call whose second attempt the limiter refuses.
func TestLimiterRefusesARetry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		call   func(context.Context, *moneykit.Client) error
	}{
		"a read": {503, func(ctx context.Context, c *moneykit.Client) error { _, err := c.Links.Get(ctx, "mk_1"); return err }},
		"an exchange that was refused with 429": {429, func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.LinkSessions.Exchange(ctx, "exchangeable-0001")
			return err
		}},
		"a request with an expired token": {401, func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.LinkSessions.Exchange(ctx, "exchangeable-0001")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mock := newMock(t)
				mock.RegisterNoResponder(answers(tt.status, `{}`))
				attempts := 0
				client := newClient(t, mock, moneykit.WithLimiter(limiterFunc(func(_ context.Context, operation, _ string) error {
					if operation == "POST /auth/token" {
						return nil
					}
					if attempts++; attempts == 2 {
						return &moneykit.Error{Code: moneykit.ErrorCodeRateLimitExceeded}
					}
					return nil
				})))
				err := tt.call(t.Context(), client)
				require.ErrorContains(t, err, "the limiter did not allow the request")
				require.ErrorIs(t, err, moneykit.ErrRateLimited)
				require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown)
				var e *moneykit.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, 1, e.Attempts)
				assert.Zero(t, e.StatusCode)
			})
		})
	}
}

// holding returns a limiter that delays all requests except those for tokens.
func holding(d time.Duration) moneykit.Limiter {
	return limiterFunc(func(ctx context.Context, operation, _ string) error {
		if operation == "POST /auth/token" {
			return nil
		}
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// TestLimiterDoesNotShortenAttempts delays a request for longer than the timeout of an attempt.
func TestLimiterDoesNotShortenAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(503, "").HeaderAdd(http.Header{"Retry-After": {"2"}}).
			Then(answers(200, linkJSON).Delay(800*time.Millisecond)))
		var log bytes.Buffer
		var seen []moneykit.CallInfo
		client := newClient(t, mock, moneykit.WithLimiter(holding(2*time.Minute)),
			moneykit.WithHTTPClient(&http.Client{Transport: mock, Timeout: time.Second}),
			moneykit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
			moneykit.WithObserver(func(_ context.Context, info moneykit.CallInfo) { seen = append(seen, info) }))
		_, err := client.Links.Get(t.Context(), "mk_1")
		require.NoError(t, err)
		assert.Equal(t, []moneykit.CallInfo{
			{Operation: "POST /auth/token", Attempt: 1, StatusCode: 201},
			{Operation: "GET /links/{id}", LinkID: "mk_1", Attempt: 1, StatusCode: 503, Wait: 2 * time.Second, Limited: 2 * time.Minute},
			{
				Operation: "GET /links/{id}", LinkID: "mk_1", Attempt: 2, StatusCode: 200,
				Duration: 800 * time.Millisecond, Limited: 2 * time.Minute,
			},
		}, seen)
		assert.Contains(t, log.String(), `operation="POST /auth/token" duration=0s attempts=1 status=201`)
		assert.Contains(t, log.String(), `operation="GET /links/{id}" link_id=mk_1 duration=4m2.8s attempts=2 limited=4m0s status=200`)
	})
}

// TestLimiterEndsWithTheContext cancels a call that waits for the limiter, and limits the wait of
// another one.
func TestLimiterEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []moneykit.CallInfo
		client := newClient(t, newMock(t), moneykit.WithLimiter(holding(time.Hour)),
			moneykit.WithObserver(func(_ context.Context, info moneykit.CallInfo) { seen = append(seen, info) }))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		_, err := client.LinkSessions.Exchange(ctx, "exchangeable-0001")
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown)
		assert.Equal(t, 3*time.Second, time.Since(start))

		_, err = client.Links.Get(t.Context(), "mk_1", moneykit.WithMaxWait(2*time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(start))

		require.Len(t, seen, 3)
		assert.Equal(t, 3*time.Second, seen[1].Limited)
		assert.Equal(t, 1, seen[1].Attempt)
		assert.Zero(t, seen[1].StatusCode)
		require.ErrorIs(t, seen[1].Err, context.Canceled)
		require.ErrorIs(t, seen[2].Err, context.DeadlineExceeded)
	})
}

// TestTokenExpiresWhileLimiterWaits delays a request until its access token has expired.
func TestTokenExpiresWhileLimiterWaits(t *testing.T) {
	t.Parallel()
	for wait, tokens := range map[time.Duration]int{0: 1, time.Second: 1, 2 * time.Minute: 2} {
		synctest.Test(t, func(t *testing.T) {
			is, mock := newIssuer(t, 60)
			is.least = tokens
			client := newClient(t, mock, moneykit.WithLimiter(holding(wait)))
			_, err := client.Links.Get(t.Context(), "mk_1")
			require.NoError(t, err)
			assert.Equal(t, tokens, is.issued)
			assert.Equal(t, 1, is.links, "the first token was not used")
		})
	}
}

// TestLimiterIsCalledAfterNetworkFailures checks that a retry after a network failure waits for the
// limiter.
func TestLimiterIsCalledAfterNetworkFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1",
			httpmock.NewErrorResponder(io.ErrUnexpectedEOF).Then(answers(200, linkJSON)))
		var a asked
		_, err := newClient(t, mock, moneykit.WithLimiter(&a)).Links.Get(t.Context(), "mk_1")
		require.NoError(t, err)
		assert.Len(t, a.all, 3)

		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(503, ""))
		_, err = newClient(t, mock, moneykit.WithLimiter(&a)).Links.Get(t.Context(), "mk_1", moneykit.WithoutRetry())
		require.Error(t, err)
		assert.Len(t, a.all, 5)
	})
}
