package moneykit_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestWithObserver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		broken := errors.New("canary broke it")
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1",
			answers(503, "").HeaderAdd(http.Header{"Retry-After": {"2"}, "X-Request-Id": {"req_1"}}).
				Then(httpmock.NewErrorResponder(broken)).
				Then(answers(200, linkJSON)))
		var mu sync.Mutex
		var seen []moneykit.CallInfo
		type key struct{}
		client := newClient(t, mock, moneykit.WithObserver(func(ctx context.Context, info moneykit.CallInfo) {
			mu.Lock()
			defer mu.Unlock()
			if info.Operation == "GET /links/{id}" {
				assert.Equal(t, "mine", ctx.Value(key{}), "it has the context of the call")
			}
			seen = append(seen, info)
		}))
		_, err := client.Links.Get(context.WithValue(t.Context(), key{}, "mine"), "mk_1")
		require.NoError(t, err)
		require.Len(t, seen, 4)
		assert.Equal(t, moneykit.CallInfo{Operation: "POST /auth/token", Attempt: 1, StatusCode: 201}, seen[0])
		assert.Equal(t, moneykit.CallInfo{
			Operation: "GET /links/{id}", LinkID: "mk_1", Attempt: 1, StatusCode: 503, Wait: 2 * time.Second, RequestID: "req_1",
		}, seen[1])
		assert.Equal(t, 2, seen[2].Attempt)
		assert.Positive(t, seen[2].Wait)
		require.ErrorIs(t, seen[2].Err, broken)
		assert.NotContains(t, seen[2].Err.Error(), "canary")
		assert.Equal(t, moneykit.CallInfo{Operation: "GET /links/{id}", LinkID: "mk_1", Attempt: 3, StatusCode: 200}, seen[3])
	})
}

func TestOperationFrom(t *testing.T) {
	t.Parallel()
	_, ok := moneykit.OperationFrom(t.Context())
	assert.False(t, ok)
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, linkJSON))
	mock.RegisterResponder(http.MethodGet, testBase+"/secret/mk_1", answers(200, `{}`))
	var operations []string
	client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		operation, ok := moneykit.OperationFrom(r.Context())
		assert.True(t, ok)
		operations = append(operations, operation)
		return mock.RoundTrip(r)
	}))
	_, err := client.Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/secret/mk_1", nil, nil))
	assert.Equal(t, []string{"POST /auth/token", "GET /links/{id}", "GET /secret/…"}, operations)
}

func TestWithMaxWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(429, "").HeaderAdd(http.Header{"Retry-After": {"3"}}))
		client := newClient(t, mock)
		start := time.Now()
		_, err := client.Links.Get(t.Context(), "mk_1", moneykit.WithMaxWait(2*time.Second))
		require.ErrorIs(t, err, moneykit.ErrRateLimited)
		assert.Zero(t, time.Since(start), "it does not wait in vain")
		var e *moneykit.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 3*time.Second, e.RetryAfter)
		assert.Equal(t, 1, e.Attempts)

		_, err = client.Links.Get(t.Context(), "mk_1", moneykit.WithMaxWait(3*time.Second))
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 9*time.Second, time.Since(start), "three retries")
		for _, d := range []time.Duration{0, -1} {
			_, err = client.Links.Get(t.Context(), "mk_1", moneykit.WithMaxWait(d))
			require.ErrorContains(t, err, "the longest wait must be positive")
		}
	})
}

func TestNewClientFromEnv(t *testing.T) {
	for _, name := range []string{"MONEYKIT_CLIENT_ID", "MONEYKIT_CLIENT_SECRET", "MONEYKIT_BASE_URL"} {
		t.Setenv(name, "")
	}
	_, err := moneykit.NewClientFromEnv()
	require.EqualError(t, err, "moneykit: the environment variable MONEYKIT_CLIENT_ID is not set")
	t.Setenv("MONEYKIT_CLIENT_ID", testID)
	_, err = moneykit.NewClientFromEnv()
	require.EqualError(t, err, "moneykit: the environment variable MONEYKIT_CLIENT_SECRET is not set")
	t.Setenv("MONEYKIT_CLIENT_SECRET", testSecret)
	client, err := moneykit.NewClientFromEnv()
	require.NoError(t, err)
	assert.Equal(t, "moneykit.Client("+testID+" at https://api.moneykit.com)", client.String())
	t.Setenv("MONEYKIT_BASE_URL", "http://localhost:8787")
	client, err = moneykit.NewClientFromEnv()
	require.NoError(t, err)
	assert.Contains(t, client.String(), "http://localhost:8787")
	client, err = moneykit.NewClientFromEnv(moneykit.WithBaseURL("http://localhost:1"))
	require.NoError(t, err)
	assert.Contains(t, client.String(), "http://localhost:1", "options come after the environment")
	t.Setenv("MONEYKIT_BASE_URL", "ftp://localhost")
	_, err = moneykit.NewClientFromEnv()
	require.ErrorContains(t, err, "the base URL must begin with")
}
