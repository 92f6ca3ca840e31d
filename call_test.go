package moneykit_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// TestRetryAfter checks the waits after a 429 with the header Retry-After.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	tests := []struct {
		name       string
		retryAfter string
		deadline   time.Duration
		calls      int
		after      time.Duration // Error.RetryAfter; the call succeeds when calls is 2
	}{
		{"seconds", "20", 0, 2, 0},
		{"a date", "Sat, 01 Jan 2000 00:00:20 GMT", 0, 2, 0}, // synctest's time begins at the start of 2000
		{"9999999999", "9999999999", 0, 1, year},
		{"garbage", "in a while", 0, 2, 0},
		{"later than MaxWait", "31", 0, 1, 31 * time.Second},
		{"later than the deadline", "20", 10 * time.Second, 1, 20 * time.Second},
		{"hours", "3600", 0, 1, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mock := newMock(t)
				limited := answers(429, `{"error_code":"api_error.rate_limit_exceeded","error_message":"Rate limit exceeded"}`).
					HeaderAdd(http.Header{"Retry-After": {tt.retryAfter}})
				mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", limited.Then(answers(200, linkJSON)))
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				_, err := newClient(t, mock).Links.Get(ctx, "mk_1")
				assert.Equal(t, tt.calls, mock.GetCallCountInfo()["GET "+testBase+"/links/mk_1"])
				if tt.calls == 2 {
					require.NoError(t, err)
					return
				}
				assert.Zero(t, time.Since(start), "it does not wait in vain")
				require.ErrorIs(t, err, moneykit.ErrRateLimited)
				require.ErrorIs(t, err, moneykit.ErrorCodeRateLimitExceeded)
				var e *moneykit.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, tt.after, e.RetryAfter)
				assert.Contains(t, err.Error(), "retry after "+tt.after.String())
			})
		})
	}
}

// breaking starts a server that resets each connection after it has read a request.
func breaking(t *testing.T) (baseURL string, requests func() int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's own listener
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	var count atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if n, _ := conn.Read(make([]byte, 64<<10)); n > 0 {
				count.Add(1)
			}
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}()
	return "http://" + listener.Addr().String(), count.Load
}

func TestConnectionReset(t *testing.T) {
	t.Parallel()
	retry := moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: 2, MinWait: time.Nanosecond})

	t.Run("before the request was sent", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's own listener
		require.NoError(t, err)
		listener.Close() // nobody listens: no connection, and so no request
		client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), retry,
			moneykit.WithBaseURL("http://"+listener.Addr().String()))
		require.NoError(t, err)

		_, err = client.Links.Get(t.Context(), "mk_1")
		var e *moneykit.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 3, e.Attempts, "reading is repeated")
		var op *net.OpError
		require.ErrorAs(t, err, &op)

		_, err = client.LinkSessions.Exchange(t.Context(), "exchangeable-canary")
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 1, e.Attempts, "an exchange is not repeated")
		assert.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown, "nothing was sent")
	})
	t.Run("after the request was sent", func(t *testing.T) {
		t.Parallel()
		base, requests := breaking(t)
		client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), retry, moneykit.WithBaseURL(base))
		require.NoError(t, err)

		_, err = client.Links.Get(t.Context(), "mk_1")
		require.Error(t, err)
		require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown)
		assert.EqualValues(t, 3, requests())

		_, err = client.LinkSessions.Exchange(t.Context(), "exchangeable-canary")
		require.ErrorIs(t, err, moneykit.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "Users.Links")
		assert.EqualValues(t, 4, requests(), "an exchange is not repeated")
	})
}

// TestOutcomeUnknown exchanges a token with the default retries. The client retries an exchange
// only after 429, with which MoneyKit says that it did nothing.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		responder httpmock.Responder
		unknown   bool
		requests  int
	}{
		{"the response is lost", httpmock.NewErrorResponder(io.ErrUnexpectedEOF), true, 1},
		{"502", answers(502, `bad gateway`), true, 1},
		{"503", answers(503, ``), true, 1},
		{"504", answers(504, ``), true, 1},
		{"500", answers(500, `{"error_message":"oops"}`), true, 1},
		{"201 that breaks off", answers(201, `{"link_id":"mk_1","li`), true, 1},
		{"201 without a link", answers(201, `{}`), true, 1},
		{"400", answers(400, `{"error_code":"link_session_error.invalid_token_exchange","error_message":"no"}`), false, 1},
		{"401", answers(401, `{"error_code":"api_error.auth.unauthorized","error_message":"no"}`), false, 1},
		{"429", answers(429, `{"error_code":"api_error.rate_limit_exceeded"}`), false, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mock := newMock(t)
				mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token", tt.responder)
				link, err := newClient(t, mock).LinkSessions.Exchange(t.Context(), "exchangeable-canary")
				require.Error(t, err)
				assert.Nil(t, link)
				assert.Equal(t, tt.unknown, errors.Is(err, moneykit.ErrOutcomeUnknown))
				assert.Equal(t, tt.requests, mock.GetCallCountInfo()["POST "+testBase+"/link-session/exchange-token"])
			})
		})
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the stranger got %s %s with %v", r.Method, r.URL, r.Header)
	}))
	t.Cleanup(stranger.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/links/away":
			http.Redirect(w, r, stranger.URL+"/links/away", http.StatusTemporaryRedirect)
		case "/link-session/exchange-token":
			http.Redirect(w, r, stranger.URL+"/", http.StatusPermanentRedirect)
		case "/links/moved":
			http.Redirect(w, r, "/links/here", http.StatusFound)
		case "/links/here":
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, linkJSON)
		}
	}))
	t.Cleanup(server.Close)
	client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(server.URL))
	require.NoError(t, err)

	_, err = client.Links.Get(t.Context(), "away")
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, http.StatusTemporaryRedirect, e.StatusCode)
	assert.Contains(t, err.Error(), "redirect was not followed")
	assert.NotContains(t, err.Error(), stranger.URL)

	_, err = client.LinkSessions.Exchange(t.Context(), "exchangeable-canary")
	require.ErrorAs(t, err, &e)
	assert.Equal(t, http.StatusPermanentRedirect, e.StatusCode)

	_, err = client.Links.Get(t.Context(), "moved")
	require.NoError(t, err, "within the origin it is followed")

	err = client.Links.Delete(t.Context(), "moved")
	require.ErrorAs(t, err, &e, "a GET elsewhere is no success of a DELETE")
	assert.Equal(t, http.StatusFound, e.StatusCode)
}

func TestOutcomeIsKnownAfter429(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		busy := answers(429, `{"error_code":"api_error.rate_limit_exceeded"}`).HeaderAdd(http.Header{"Retry-After": {"20"}})
		mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token", busy)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := newClient(t, mock).LinkSessions.Exchange(ctx, "exchangeable-canary")
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown, "MoneyKit said that it did nothing")

		tokens := &recorder{next: func(string) (moneykit.Token, error) { return moneykit.Token{AccessToken: "x"}, nil }}
		mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token", func(r *http.Request) (*http.Response, error) {
			tokens.next = func(string) (moneykit.Token, error) { return moneykit.Token{}, nil }
			return busy(r)
		})
		_, err = newClient(t, mock, moneykit.WithTokenSource(tokens)).LinkSessions.Exchange(t.Context(), "exchangeable-canary")
		require.ErrorContains(t, err, "returned no usable access token")
		require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown)
	})
}

func TestCancelledContext(t *testing.T) {
	t.Parallel()
	hang := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	tests := []struct {
		name  string
		setup func(*httpmock.MockTransport)
	}{
		{"while waiting for a token", func(m *httpmock.MockTransport) {
			m.RegisterResponder(http.MethodPost, testBase+"/auth/token", hang)
		}},
		{"while waiting for a response", func(m *httpmock.MockTransport) {
			m.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", hang)
		}},
		{"while waiting for a retry", func(m *httpmock.MockTransport) {
			m.RegisterResponder(http.MethodGet, testBase+"/links/mk_1",
				answers(503, "").HeaderAdd(http.Header{"Retry-After": {"20"}}))
		}},
		{"while waiting for a body", func(m *httpmock.MockTransport) {
			m.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", func(r *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
					Body: io.NopCloser(stalled{r.Context()}), ContentLength: 100,
				}, nil
			})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mock := newMock(t)
				tt.setup(mock)
				client := newClient(t, mock)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(3*time.Second, cancel)
				start := time.Now()
				_, err := client.Links.Get(ctx, "mk_1")
				require.ErrorIs(t, err, context.Canceled)
				assert.Equal(t, 3*time.Second, time.Since(start))
				var e *moneykit.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, "GET /links/{id}", e.Operation)

				_, err = client.Links.Get(ctx, "mk_1")
				require.ErrorIs(t, err, context.Canceled, "and before anything was done")
				<-time.After(time.Minute) // a token is fetched to the end, for the next who needs it
			})
		})
	}
}

// stalled is a body that never arrives.
type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}
