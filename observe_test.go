package moneykit_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
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

func TestClientIsQuietWithoutLogger(t *testing.T) {
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
