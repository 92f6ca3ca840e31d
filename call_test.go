package moneykit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestIDsInPaths(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		client := newClient(t, newMock(t)) // any request fails the test
		for _, id := range []string{
			"", ".", "..", "a/b", "../accounts", "a/../b", `a\b`, "%2e%2e", "%2E.", "a%2Fb", "a%2fb", "a%5Cb", "%252F", "%25252e%25252E",
		} {
			_, err := client.Links.Get(t.Context(), id)
			require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed, id)
			var e *moneykit.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, "GET /links/{id}", e.Operation)
			require.Len(t, e.Fields, 1)
			assert.Equal(t, "id", e.Fields[0].Field)
			require.Error(t, client.Links.Delete(t.Context(), id), "above all a DELETE of all links")
			_, err = client.Accounts.List(t.Context(), id, moneykit.AccountListParams{})
			require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed, id)
		}
	})
	t.Run("escaped", func(t *testing.T) {
		t.Parallel()
		ids := map[string]string{
			"mk_1":          "/base/links/mk_1",
			"100%":          "/base/links/100%25",
			"%2e%2e%":       "/base/links/%252e%252e%25",
			"a?b=c#d":       "/base/links/a%3Fb=c%23d",
			"żółć":          "/base/links/%C5%BC%C3%B3%C5%82%C4%87",
			"a b":           "/base/links/a%20b",
			"...":           "/base/links/...",
			"\x00\r\n":      "/base/links/%00%0D%0A",
			"{id}":          "/base/links/%7Bid%7D",
			"\xff\xfe":      "/base/links/%FF%FE",
			"mk_1;a=b,c&d+": "/base/links/mk_1%3Ba=b%2Cc&d+",
		}
		var got, decoded string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, decoded = r.URL.EscapedPath(), strings.TrimPrefix(r.URL.Path, "/base/links/")
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, linkJSON)
		}))
		defer server.Close()
		client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(server.URL+"/base"))
		require.NoError(t, err)
		for id, want := range ids {
			_, err := client.Links.Get(t.Context(), id)
			require.NoError(t, err, id)
			assert.Equal(t, want, got)
			assert.Equal(t, id, decoded, "the server reads the id that was given")
		}
	})
}

func TestQueryArraysRepeatTheKey(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	var query string
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/accounts", func(r *http.Request) (*http.Response, error) {
		query = r.URL.RawQuery
		return answers(200, `{"accounts":[],"link":`+linkJSON+`}`)(r)
	})
	client := newClient(t, mock)
	_, err := client.Accounts.List(t.Context(), "mk_1", moneykit.AccountListParams{AccountIDs: []string{"a,b", "c&d=e"}})
	require.NoError(t, err)
	assert.Equal(t, "account_ids=a%2Cb&account_ids=c%26d%3De", query)
	_, err = client.Accounts.List(t.Context(), "mk_1", moneykit.AccountListParams{AccountIDs: []string{}})
	require.NoError(t, err)
	assert.Empty(t, query, "nothing is sent for nothing")
}

// TestAnswersThatAreNotMoneyKits covers what a proxy, or a server in trouble, may answer.
func TestAnswersThatAreNotMoneyKits(t *testing.T) {
	t.Parallel()
	html := strings.Repeat("<p>bad gateway</p>", 100)
	tests := []struct {
		name        string
		status      int
		contentType string
		body        string
		want        string
	}{
		{"HTML 502", 502, "text/html", html, "502 Bad Gateway"},
		{"HTML 404", 404, "text/html", "<h1>nothing here</h1>", "404 Not Found"},
		{"empty 500", 500, "", "", "500 Internal Server Error"},
		{"JSON that is no error", 500, "application/json", `[1,2]`, "500"},
		{"a framework's 404", 404, "application/json", `{"detail":"Not Found"}`, "404 Not Found"},
		{"an unknown status", 599, "text/plain", "what", "599"},
		{"binary", 503, "application/octet-stream", "\xff\x00\x01", "503"},
		{"200 with HTML", 200, "text/html", "<h1>captive portal</h1>", "the response is not JSON by its content type"},
		{"200 with text", 200, "text/plain", linkJSON, "the response is not JSON by its content type"},
		{"200 without a body", 200, "application/json", "", "no body"},
		{"200 with spaces", 200, "application/json", " \n", "no body"},
		{"200 with truncated JSON", 200, "application/json", linkJSON[:50], "the document is not valid JSON"},
		{"200 with two values", 200, "application/json", linkJSON + linkJSON, "the document is not valid JSON"},
		{"200 with another shape", 200, "application/json", `[]`, "the document is not an object"},
		{"200 with a wrong type", 200, "application/json", `{"link_id":["12345678"]}`, "link_id is not a text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mock := newMock(t)
			mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1",
				httpmock.NewStringResponder(tt.status, tt.body).
					HeaderSet(http.Header{"Content-Type": {tt.contentType}, "X-Request-Id": {"req_7"}}))
			client := newClient(t, mock, moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
			link, err := client.Links.Get(t.Context(), "mk_1")
			assert.Nil(t, link)
			var e *moneykit.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, tt.status, e.StatusCode)
			assert.Equal(t, "GET /links/{id}", e.Operation)
			assert.Equal(t, "req_7", e.RequestID)
			assert.Contains(t, err.Error(), tt.want)
			assert.Contains(t, err.Error(), "request id req_7")
			assert.NotContains(t, err.Error(), "12345678", "a value is the user's")
			require.NotErrorIs(t, err, moneykit.ErrNotFound, "a proxy's 404 does not say that there is no link")
			assert.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown, "reading has no outcome")
		})
	}
}

func TestContentTypesThatAreJSON(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{
		"application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json", "",
	} {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1",
			httpmock.NewStringResponder(200, linkJSON).HeaderSet(http.Header{"Content-Type": {contentType}}))
		link, err := newClient(t, mock).Links.Get(t.Context(), "mk_1")
		require.NoError(t, err, contentType)
		assert.Equal(t, "mk_1", link.ID)
	}
}

func TestResponseOf50MB(t *testing.T) {
	t.Parallel()
	for _, announced := range []bool{true, false} {
		var requests atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			w.Header().Set("Content-Type", "application/json")
			if announced {
				w.Header().Set("Content-Length", "52428800")
			}
			chunk := bytes.Repeat([]byte(" "), 1<<20)
			for range 50 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}))
		client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(server.URL))
		require.NoError(t, err)
		_, err = client.Links.Get(t.Context(), "mk_1")
		require.ErrorContains(t, err, "response body is larger than 33554432 bytes")
		server.Close()
		assert.EqualValues(t, 1, requests.Load(), "it is not asked for again")
	}
}

func TestWithMaxResponseBytes(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, linkJSON))
	_, err := newClient(t, mock, moneykit.WithMaxResponseBytes(int64(len(linkJSON)))).Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	_, err = newClient(t, mock, moneykit.WithMaxResponseBytes(100)).Links.Get(t.Context(), "mk_1")
	require.ErrorContains(t, err, "larger than 100 bytes")
}

// TestRetryAfter is about what a 429 says of when to come back.
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
		{"further away than MaxWait", "31", 0, 1, 31 * time.Second},
		{"further away than the deadline", "20", 10 * time.Second, 1, 20 * time.Second},
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

// breaking listens, and resets each connection once it has read a request.
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

// TestOutcomeUnknown exchanges a token with the retries that a client has by default. An exchange
// is repeated only when MoneyKit has said that it did nothing.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		responder httpmock.Responder
		unknown   bool
		requests  int
	}{
		{"the answer is lost", httpmock.NewErrorResponder(io.ErrUnexpectedEOF), true, 1},
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

func TestDeleteThatIsNotMoneyKits(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodDelete, testBase+"/links/mk_1",
		httpmock.NewStringResponder(200, "<h1>captive portal</h1>").HeaderSet(http.Header{"Content-Type": {"text/html"}}))
	require.ErrorContains(t, newClient(t, mock).Links.Delete(t.Context(), "mk_1"), "not JSON")
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

func TestWithoutBounds(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", "100")
			return
		}
		io.WriteString(w, linkJSON)
		w.(http.Flusher).Flush() // of unknown length
	}))
	defer server.Close()
	client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(server.URL),
		moneykit.WithMaxResponseBytes(math.MaxInt64))
	require.NoError(t, err)
	link, err := client.Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, "mk_1", link.ID)
	require.NoError(t, client.Do(t.Context(), http.MethodHead, "/links/mk_1", nil, nil))
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
		{"while waiting for an answer", func(m *httpmock.MockTransport) {
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

// stalled is a body that never comes.
type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestTimeoutOfARequest(t *testing.T) {
	t.Parallel()
	hang := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token", hang)
		start := time.Now()
		_, err := newClient(t, mock).LinkSessions.Exchange(t.Context(), "exchangeable-canary")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, moneykit.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "no complete response within 1m0s")
		assert.Equal(t, time.Minute, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		start = time.Now()
		_, err = newClient(t, mock).LinkSessions.Exchange(ctx, "exchangeable-canary")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Minute, time.Since(start), "the caller's context wins")
	})
}

func TestDo(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	var body, contentType string
	mock.RegisterResponder(http.MethodPost, testBase+"/new/thing", func(r *http.Request) (*http.Response, error) {
		var data []byte
		if r.Body != nil {
			var err error
			if data, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		body, contentType = string(data)+"?"+r.URL.RawQuery, r.Header.Get("Content-Type")
		return answers(202, `{"answer":42}`)(r)
	})
	client := newClient(t, mock)
	var out struct{ Answer int }
	var resp moneykit.Response
	err := client.Do(t.Context(), "post", "/new/thing?x=1", map[string]int{"a": 1}, &out, moneykit.CaptureResponse(&resp))
	require.NoError(t, err)
	assert.Equal(t, 42, out.Answer)
	assert.Equal(t, `{"a":1}?x=1`, body)
	assert.Equal(t, "application/json", contentType)
	assert.Equal(t, 202, resp.StatusCode)
	assert.JSONEq(t, `{"answer":42}`, string(resp.Body))
	assert.Equal(t, 1, resp.Attempts)

	var raw json.RawMessage
	require.NoError(t, client.Do(t.Context(), http.MethodPost, "/new/thing", nil, &raw))
	assert.JSONEq(t, `{"answer":42}`, string(raw))
	assert.Equal(t, "?", body, "nothing is sent for nil")
	assert.Empty(t, contentType)
	require.NoError(t, client.Do(t.Context(), http.MethodPost, "/new/thing", nil, nil))
}

func TestDoRefuses(t *testing.T) {
	t.Parallel()
	client := newClient(t, newMock(t)) // any request fails the test
	for _, path := range []string{
		"", "new/thing", "//evil.example/x", "https://evil.example/x", "/a/../b", "/a/./b", "/a/%2e%2e/b", "/..",
		"/a#b", "/a?b#c", "/a/%zz",
	} {
		err := client.Do(t.Context(), http.MethodGet, path, nil, nil)
		require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed, path)
	}
	err := client.Do(t.Context(), http.MethodPost, "/new/thing", func() {}, nil)
	require.ErrorContains(t, err, "the request cannot be encoded as JSON")
	err = client.Do(t.Context(), "BAD METHOD", "/new/thing", nil, nil)
	require.ErrorContains(t, err, "method must be a word")
}

// TestDoErrors looks for what was sent and received in errors.
func TestDoErrors(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	client := newClient(t, mock)
	mock.RegisterResponder(http.MethodPost, testBase+"/links/mk_1/products", answers(422,
		`{"validation_errors":[{"location":["body","products"],"message":"of mk_1 are missing"}]}`))
	err := client.Do(t.Context(), http.MethodPost, "/links/mk_1/products", struct{}{}, nil)
	require.ErrorContains(t, err, "validation_failed: the request breaks a rule: products was refused")
	assert.NotContains(t, err.Error(), "mk_1")

	var out struct{ Answer int }
	mock.RegisterResponder(http.MethodGet, testBase+"/balance", answers(200, `{"answer":99999999999999999999}`))
	err = client.Do(t.Context(), http.MethodGet, "/balance", nil, &out)
	require.ErrorContains(t, err, "the response does not fit *struct { Answer int }")
	assert.NotContains(t, err.Error(), "9999", "a number may be somebody's balance")

	mock.RegisterResponder(http.MethodGet, testBase+"/users/jane%40example.com/links", answers(500, `{}`))
	err = client.Do(t.Context(), http.MethodGet, "/users/jane%40example.com/links", nil, nil)
	require.ErrorContains(t, err, "GET /users/…")
	assert.NotContains(t, err.Error(), "jane")
}

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

// TestBadCallOptions sends no request with an option that cannot be followed.
func TestBadCallOptions(t *testing.T) {
	t.Parallel()
	client := newClient(t, newMock(t)) // any request fails the test
	for name, opt := range map[string]moneykit.CallOption{
		"nil":                          nil,
		"nowhere to capture":           moneykit.CaptureResponse(nil),
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
