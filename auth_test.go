package moneykit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// issuer issues numbered tokens and refuses expired ones.
type issuer struct {
	mu      sync.Mutex
	seconds int
	issued  int
	least   int // the lowest number that is still accepted
	fail    bool
	code    string // of the refusal
	links   int    // requests for links
}

func newIssuer(t *testing.T, seconds int) (*issuer, *httpmock.MockTransport) {
	t.Helper()
	is := &issuer{seconds: seconds, code: `"error_code":"api_error.auth.expired_access_token",`}
	mock := newMock(t)
	mock.RegisterResponder(http.MethodPost, testBase+"/auth/token", func(r *http.Request) (*http.Response, error) {
		is.mu.Lock()
		defer is.mu.Unlock()
		if is.fail {
			return nil, io.ErrUnexpectedEOF
		}
		is.issued++
		return tokenResponder("token-"+strconv.Itoa(is.issued), is.seconds)(r)
	})
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", is.link)
	mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token", is.exchange)
	return is, mock
}

func (is *issuer) accepts(r *http.Request) bool {
	var n int
	_, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer token-%d", &n)
	return err == nil && n >= is.least
}

func (is *issuer) link(r *http.Request) (*http.Response, error) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.links++
	if !is.accepts(r) {
		return answers(401, `{`+is.code+`"documentation_url":null}`)(r)
	}
	return answers(200, linkJSON)(r)
}

func (is *issuer) exchange(r *http.Request) (*http.Response, error) {
	is.mu.Lock()
	defer is.mu.Unlock()
	if !is.accepts(r) {
		return answers(401, `{"error_code":"api_error.auth.expired_access_token","error_message":"Access token expired"}`)(r)
	}
	return answers(201, `{"link_id":"mk_1","link":`+linkJSON+`}`)(r)
}

// expire refuses all tokens issued so far.
func (is *issuer) expire() {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.least = is.issued + 1
}

func (is *issuer) count() int {
	is.mu.Lock()
	defer is.mu.Unlock()
	return is.issued
}

func TestCreateToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		var form url.Values
		var header http.Header
		mock.RegisterResponder(http.MethodPost, testBase+"/auth/token", func(r *http.Request) (*http.Response, error) {
			require.NoError(t, r.ParseForm())
			form, header = r.PostForm, r.Header
			return tokenResponder(testToken, 3600)(r)
		})
		token, err := newClient(t, mock).Auth.CreateToken(t.Context(), "link_session:create", "institutions:read")
		require.NoError(t, err)
		assert.Equal(t, url.Values{
			"grant_type": {"client_credentials"}, "client_id": {testID}, "client_secret": {testSecret},
			"scope": {"link_session:create institutions:read"},
		}, form)
		assert.Equal(t, "application/x-www-form-urlencoded", header.Get("Content-Type"))
		assert.Empty(t, header.Get("Authorization"))
		assert.Equal(t, moneykit.Token{AccessToken: testToken, Expiry: time.Now().Add(time.Hour)}, token)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			assert.NotContains(t, fmt.Sprintf(verb, token), testToken)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("got", "token", token)
		assert.NotContains(t, log.String(), testToken)
		stored, err := json.Marshal(token)
		require.NoError(t, err)
		assert.NotContains(t, string(stored), testToken)
		assert.Error(t, json.Unmarshal(stored, &token), "nobody takes it for a token")
	})
}

func TestCreateTokenFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		responder httpmock.Responder
		is        error
		want      string
	}{
		{"wrong credentials", answers(401, `{"error_code":"api_error.auth.unauthorized","error_message":"no"}`), moneykit.ErrUnauthorized, "401"},
		{"wrong grant", answers(400, `{"error_code":"api_error.auth.unauthorized","error_message":"no"}`), moneykit.ErrUnauthorized, "400"},
		{"no token", answers(201, `{}`), nil, "no usable access token"},
		{"a token that would break a header", answers(201, `{"access_token":"a\r\nX: b"}`), nil, "no usable access token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mock := newMock(t)
			mock.RegisterResponder(http.MethodPost, testBase+"/auth/token", tt.responder)
			_, err := newClient(t, mock).Links.Get(t.Context(), "mk_1")
			require.ErrorContains(t, err, "POST /auth/token")
			require.ErrorContains(t, err, tt.want)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			assert.NotContains(t, err.Error(), testSecret)
		})
	}
}

func TestUnusualTokenLifetimes(t *testing.T) {
	t.Parallel()
	for lifetime, want := range map[string]int{`0`: 1, `-5`: 1, `1e300`: 1, `null`: 1, `3599.5`: 1, `5`: 2} {
		synctest.Test(t, func(t *testing.T) {
			mock := newMock(t)
			mock.RegisterResponder(http.MethodPost, testBase+"/auth/token",
				answers(201, `{"access_token":"`+testToken+`","expires_in":`+lifetime+`}`))
			mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, linkJSON))
			client := newClient(t, mock)
			for range 2 {
				_, err := client.Links.Get(t.Context(), "mk_1")
				require.NoError(t, err)
			}
			assert.Equal(t, want, mock.GetCallCountInfo()["POST "+testBase+"/auth/token"], lifetime)
		})
	}
}

func TestConcurrentCallsFetchOneToken(t *testing.T) {
	t.Parallel()
	is, mock := newIssuer(t, 3600)
	client := newClient(t, mock)
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range 1000 {
		wg.Go(func() {
			if _, err := client.Links.Get(t.Context(), "mk_1"); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	assert.Zero(t, failed.Load())
	assert.Equal(t, 1, is.count())
	assert.Equal(t, 1000, is.links)
}

func TestTokenExpiresBetweenTwoCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		is, mock := newIssuer(t, 3600)
		client := newClient(t, mock)
		get := func() {
			t.Helper()
			_, err := client.Links.Get(t.Context(), "mk_1")
			require.NoError(t, err)
			synctest.Wait()
		}
		get()
		<-time.After(54 * time.Minute)
		get()
		assert.Equal(t, 1, is.count())
		<-time.After(time.Minute)
		get()
		assert.Equal(t, 2, is.count(), "it is renewed five minutes before its end, behind the call")
		<-time.After(2 * time.Hour)
		is.expire()
		get()
		assert.Equal(t, 3, is.count(), "when it has expired the call waits for a new one")
		assert.Equal(t, 4, is.links, "and no request is sent with the old one")
	})
}

func TestTokenExpiresDuringACall(t *testing.T) {
	t.Parallel()
	for _, code := range []string{`"error_code":"api_error.auth.expired_access_token",`, ``} {
		is, mock := newIssuer(t, 3600)
		is.code = code
		client := newClient(t, mock)
		_, err := client.Links.Get(t.Context(), "mk_1")
		require.NoError(t, err)
		is.expire()
		_, err = client.Links.Get(t.Context(), "mk_1")
		require.NoError(t, err)
		assert.Equal(t, 2, is.count())
		assert.Equal(t, 3, is.links, "the refused request is sent once more")

		is.expire()
		_, err = client.LinkSessions.Exchange(t.Context(), "exchangeable-canary")
		require.NoError(t, err, "a refused exchange has not happened")

		is.mu.Lock()
		is.least = 1000
		is.mu.Unlock()
		_, err = client.Links.Get(t.Context(), "mk_1")
		require.ErrorIs(t, err, moneykit.ErrUnauthorized)
		assert.Equal(t, 4, is.count(), "once, not for ever")
	}
}

func TestConcurrentCallsRenewExpiredTokenOnce(t *testing.T) {
	t.Parallel()
	is, mock := newIssuer(t, 3600)
	client := newClient(t, mock)
	_, err := client.Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	is.expire()
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range 1000 {
		wg.Go(func() {
			if _, err := client.Links.Get(t.Context(), "mk_1"); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	assert.Zero(t, failed.Load())
	assert.Equal(t, 2, is.count(), "one new token for all")
}

func TestTokenIsRenewedForARetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		is, mock := newIssuer(t, 20) // usable for ten seconds
		busy := answers(503, "").HeaderAdd(http.Header{"Retry-After": {"15"}})
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", busy.Then(func(r *http.Request) (*http.Response, error) {
			assert.Equal(t, "Bearer token-2", r.Header.Get("Authorization"))
			return is.link(r)
		}))
		_, err := newClient(t, mock).Links.Get(t.Context(), "mk_1")
		require.NoError(t, err)
	})
}

func TestTokenEndpointDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		is, mock := newIssuer(t, 3600)
		client := newClient(t, mock, moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
		get := func() error {
			_, err := client.Links.Get(t.Context(), "mk_1")
			synctest.Wait()
			return err
		}
		require.NoError(t, get())
		is.mu.Lock()
		is.fail = true
		is.mu.Unlock()
		<-time.After(56 * time.Minute)
		for range 10 {
			require.NoError(t, get(), "a token that still serves is used")
		}
		tried := mock.GetCallCountInfo()["POST "+testBase+"/auth/token"]
		assert.Equal(t, 2, tried, "the failed renewal is not repeated by every call")
		<-time.After(11 * time.Second)
		require.NoError(t, get())
		assert.Equal(t, 3, mock.GetCallCountInfo()["POST "+testBase+"/auth/token"], "but after a pause")
		<-time.After(5 * time.Minute)
		require.ErrorIs(t, get(), io.ErrUnexpectedEOF)
		is.mu.Lock()
		is.fail = false
		is.mu.Unlock()
		require.NoError(t, get(), "it recovers")
	})
}

func TestTokenWaiterCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		is, mock := newIssuer(t, 3600)
		issue := tokenResponder("token-1", 3600)
		mock.RegisterResponder(http.MethodPost, testBase+"/auth/token", func(r *http.Request) (*http.Response, error) {
			<-time.After(5 * time.Second)
			is.mu.Lock()
			is.issued++
			is.mu.Unlock()
			return issue(r)
		})
		client := newClient(t, mock)
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		var wg sync.WaitGroup
		var hastyErr, err error
		wg.Go(func() {
			_, hastyErr = client.Links.Get(hasty, "mk_1")
			assert.Equal(t, time.Second, time.Since(start), "its own context releases it")
		})
		wg.Go(func() {
			_, err = client.Links.Get(t.Context(), "mk_1")
			assert.Equal(t, 5*time.Second, time.Since(start), "the others wait on")
		})
		wg.Wait()
		require.ErrorIs(t, hastyErr, context.DeadlineExceeded)
		require.NoError(t, err)
		assert.Equal(t, 1, is.count())
	})
}

// recorder is a TokenSource that records the rejected tokens.
type recorder struct {
	mu       sync.Mutex
	rejected []string
	next     func(rejected string) (moneykit.Token, error)
}

func (r *recorder) Token(_ context.Context, rejected string) (moneykit.Token, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejected = append(r.rejected, rejected)
	return r.next(rejected)
}

func TestTokenSource(t *testing.T) {
	t.Parallel()
	is, mock := newIssuer(t, 3600)
	is.least = 7
	source := &recorder{next: func(rejected string) (moneykit.Token, error) {
		if rejected == "token-6" {
			return moneykit.Token{AccessToken: "token-7"}, nil
		}
		return moneykit.Token{AccessToken: "token-6"}, nil
	}}
	client := newClient(t, mock, moneykit.WithTokenSource(source))
	_, err := client.Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, []string{"", "token-6"}, source.rejected, "it gets the refused token")
	assert.Zero(t, is.count())

	source.next = func(string) (moneykit.Token, error) {
		return moneykit.Token{}, errors.New("the store is down, its password is " + testSecret)
	}
	_, err = client.Links.Get(t.Context(), "mk_1")
	require.ErrorContains(t, err, "GET /links/{id}: there is no access token")
	assert.NotContains(t, err.Error(), testSecret)

	source.next = func(string) (moneykit.Token, error) { return moneykit.Token{}, nil }
	_, err = client.Links.Get(t.Context(), "mk_1")
	require.ErrorContains(t, err, "the token source returned no usable access token")
}

// TestTokenSourceErrors checks that errors.Is finds the error of a token source, and that it never
// matches ErrOutcomeUnknown, because the call was not sent.
func TestTokenSourceErrors(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodPost, testBase+"/auth/token", httpmock.NewErrorResponder(errRefused))
	lost := newClient(t, mock, moneykit.WithHeaderAuth()).Do(t.Context(), http.MethodPost, "/auth/token", nil, nil)
	require.ErrorIs(t, lost, moneykit.ErrOutcomeUnknown)
	refused := &moneykit.Error{Code: moneykit.ErrorCodeUnauthorized, StatusCode: 401}
	store := errors.New("the store has a canary")
	for _, err := range []error{
		store, refused, lost, fmt.Errorf("%w: %w", store, refused), fmt.Errorf("%w: %w", store, lost), errors.Join(store, moneykit.ErrOutcomeUnknown),
	} {
		client := newClient(t, newMock(t), moneykit.WithTokenSource(failingSource{err}))
		_, got := client.LinkSessions.Exchange(t.Context(), "tok")
		require.NotErrorIs(t, got, moneykit.ErrOutcomeUnknown, "the exchange was not sent: %v", err)
		assert.NotContains(t, got.Error(), "canary")
		assert.NotContains(t, got.Error(), "outcome")
		for _, target := range []error{store, errRefused, moneykit.ErrUnauthorized, moneykit.ErrorCodeUnauthorized} {
			assert.Equal(t, errors.Is(err, target), errors.Is(got, target), "%v: %v", err, target)
		}
		var e *moneykit.Error
		require.ErrorAs(t, got, &e)
	}
}

type failingSource struct{ err error }

func (s failingSource) Token(context.Context, string) (moneykit.Token, error) {
	return moneykit.Token{}, s.err
}

func TestIntrospect(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/auth/introspect", answers(200, `{"client_id":"`+testID+`","client_name":"unused",
		"scope":"link_session:create","app":{"id":"a","app_id":"a","name":"My App","app_name":"My App"},"disabled_at":null}`))
	app, err := newClient(t, mock).Auth.Introspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, testID, app.ID)
	assert.Equal(t, "My App", app.App.Name)
	assert.True(t, app.DisabledAt.IsZero())
}
