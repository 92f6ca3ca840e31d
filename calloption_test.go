package moneykit_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestWithoutRetryAndCaptureResponse(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1",
		answers(503, `{"error_code":"x","error_message":"y"}`).HeaderAdd(http.Header{"X-Request-Id": {"req_9"}}))
	var resp moneykit.Response
	_, err := newClient(t, mock).Links.Get(t.Context(), "mk_1", moneykit.WithoutRetry(), moneykit.CaptureResponse(&resp))
	require.Error(t, err)
	assert.Equal(t, 1, mock.GetCallCountInfo()["GET "+testBase+"/links/mk_1"])
	assert.Equal(t, 503, resp.StatusCode, "a failing answer is captured too")
	assert.Equal(t, "req_9", resp.RequestID)
}

// TestBadCallOptions checks that a call with an invalid option is not sent.
func TestBadCallOptions(t *testing.T) {
	t.Parallel()
	client := newClient(t, newMock(t)) // any request fails the test
	for name, opt := range map[string]moneykit.CallOption{
		"nil":                          nil,
		"nil response":                 moneykit.CaptureResponse(nil),
		"header without name":          moneykit.WithHeader("", "x"),
		"header of the client":         moneykit.WithHeader("authorization", "x"),
		"secret":                       moneykit.WithHeader("X-Client-Secret", "x"),
		"header of the connection":     moneykit.WithHeader("Content-Length", "x"),
		"host":                         moneykit.WithHeader("host", "x"),
		"idempotency key":              moneykit.WithHeader("Idempotency-Key", "x"),
		"name with a space":            moneykit.WithHeader("X Trace", "x"),
		"name with a colon":            moneykit.WithHeader("X-Trace:", "x"),
		"name with a line break":       moneykit.WithHeader("X-Trace\r\nX-Other", "x"),
		"name that is not ASCII":       moneykit.WithHeader("X-Träce", "x"),
		"value with a line break":      moneykit.WithHeader("X-Trace", "a\r\nX-Other: b"),
		"value with a line feed":       moneykit.WithHeader("X-Trace", "a\nb"),
		"value with a carriage return": moneykit.WithHeader("X-Trace", "a\rb"),
		"value with a zero byte":       moneykit.WithHeader("X-Trace", "a\x00b"),
		"value with a delete":          moneykit.WithHeader("X-Trace", "a\x7fb"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.Links.Get(t.Context(), "mk_1", opt)
			var e *moneykit.Error
			require.ErrorAs(t, err, &e)
			assert.Zero(t, e.StatusCode)
			assert.Zero(t, e.Attempts)
			assert.Contains(t, err.Error(), "call option")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestWithHeader(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	var got http.Header
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", func(r *http.Request) (*http.Response, error) {
		got = r.Header
		return answers(200, linkJSON)(r)
	})
	client := newClient(t, mock)
	for _, value := range []string{"", "x", "a b\tc", "żółć", `"<>,;=`} {
		_, err := client.Links.Get(t.Context(), "mk_1", moneykit.WithHeader("x-trace", value))
		require.NoError(t, err, value)
		assert.Equal(t, []string{value}, got["X-Trace"])
	}
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
