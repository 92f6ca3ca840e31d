package moneykit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestLogging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1",
			answers(503, "").HeaderAdd(http.Header{"Retry-After": {"2"}}).
				Then(httpmock.NewErrorResponder(io.ErrUnexpectedEOF)).
				Then(answers(404, `{"error_code":"link_error.not_found","error_message":"Link not found."}`)))
		var log bytes.Buffer
		client := newClient(t, mock, moneykit.WithLogger(slog.New(slog.NewTextHandler(&log,
			&slog.HandlerOptions{Level: slog.LevelDebug}))))
		_, err := client.Links.Get(t.Context(), "mk_1")
		require.ErrorIs(t, err, moneykit.ErrNotFound)
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		require.Len(t, lines, 4, log.String())
		assert.Contains(t, lines[0], `level=DEBUG msg="moneykit: call" operation="POST /auth/token"`)
		assert.Contains(t, lines[1], `level=WARN msg="moneykit: retrying" operation="GET /links/{id}" link_id=mk_1 attempt=1 wait=2s status=503`)
		assert.Contains(t, lines[2], `attempt=2`)
		assert.Contains(t, lines[2], `error="the connection ended early"`)
		assert.Contains(t, lines[3], `operation="GET /links/{id}"`)
		assert.Contains(t, lines[3], `attempts=3 status=404`)
		assert.Contains(t, lines[3], `link_error.not_found`)
		assert.Contains(t, lines[3], `link_id=mk_1`)
		assert.NotContains(t, log.String(), "/links/mk_1", "the log names operations, not URLs")
	})
}

func TestClientLogsNothingWithoutLogger(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(503, `{}`))
	retry := moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: 1, MinWait: time.Nanosecond, MaxWait: time.Microsecond})
	_, err := newClient(t, mock, retry).Links.Get(t.Context(), "mk_1")
	require.ErrorContains(t, err, "after 2 attempts")
	assert.Empty(t, log.String())
}

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
