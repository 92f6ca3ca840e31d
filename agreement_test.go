package moneykit_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// sentinels returns the sentinels with their actions.
func sentinels() map[error]moneykit.Action {
	return map[error]moneykit.Action{
		moneykit.ErrNotFound:        moneykit.ActionGone,
		moneykit.ErrUnauthorized:    moneykit.ActionFix,
		moneykit.ErrForbidden:       moneykit.ActionFix,
		moneykit.ErrRateLimited:     moneykit.ActionRetry,
		moneykit.ErrRelinkRequired:  moneykit.ActionRelink,
		moneykit.ErrLinkDeleted:     moneykit.ActionGone,
		moneykit.ErrOutcomeUnknown:  moneykit.ActionRetry,
		moneykit.ErrLinkNotOwned:    moneykit.ActionGone,
		moneykit.ErrConnectExited:   moneykit.ActionNone,
		moneykit.ErrRelinkNotNeeded: moneykit.ActionNone,
		moneykit.ErrLinkConnecting:  moneykit.ActionWait,
		moneykit.ErrSyncConflict:    moneykit.ActionRetry,
	}
}

// TestActionsAgreeWithErrorsIs checks each sentinel, code and link error: alone, wrapped and in an
// Error made by hand.
func TestActionsAgreeWithErrorsIs(t *testing.T) {
	t.Parallel()
	for sentinel, want := range sentinels() {
		for _, err := range []error{sentinel, fmt.Errorf("reading: %w", sentinel), errors.Join(errors.New("besides"), sentinel)} {
			assert.Equal(t, want, moneykit.ActionFor(err), "%v", err)
			assert.NotEmpty(t, moneykit.UserMessage(err), "%v", err)
			assert.GreaterOrEqual(t, moneykit.StatusFor(err), 400, "%v", err)
		}
	}
	codes := append(generated[moneykit.ErrorCode](t), "")
	reasons := append(generated[moneykit.LinkError](t), "")
	for _, code := range codes {
		for _, reason := range reasons {
			made := &moneykit.Error{Code: code, LinkError: reason}
			relink := moneykit.ActionFor(made) == moneykit.ActionRelink
			if code != moneykit.ErrorCodeLinkForbiddenAction {
				assert.Equal(t, relink, errors.Is(made, moneykit.ErrRelinkRequired), "%s %s", code, reason)
			}
			if reason != "" {
				assert.Equal(t, moneykit.ActionFor(made), moneykit.ActionFor(reason), reason)
				assert.Equal(t, moneykit.UserMessage(made), reason.UserMessage(), reason)
			} else if code != "" {
				assert.Equal(t, moneykit.ActionFor(made), moneykit.ActionFor(code), code)
				assert.Equal(t, moneykit.UserMessage(made), code.UserMessage(), code)
			}
			for sentinel, want := range sentinels() {
				if reason == "" && code != "" && errors.Is(code, sentinel) {
					require.ErrorIs(t, made, sentinel)
					if sentinel != moneykit.ErrForbidden && sentinel != moneykit.ErrUnauthorized { //nolint:errorlint // It is a key.
						assert.True(t, want == code.Action() || code == moneykit.ErrorCodeInstitutionNotFound, code)
					}
				}
			}
		}
	}
}

// TestHandmadeErrorsMatch checks that an Error made by hand matches like one from MoneyKit.
func TestHandmadeErrorsMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  moneykit.Error
		want error
	}{
		{moneykit.Error{Code: moneykit.ErrorCodeRateLimitExceeded}, moneykit.ErrRateLimited},
		{moneykit.Error{StatusCode: 429}, moneykit.ErrRateLimited},
		{moneykit.Error{Code: moneykit.ErrorCodeLinkForbiddenAction}, moneykit.ErrForbidden},
		{moneykit.Error{Code: moneykit.ErrorCodeLinkSessionForbiddenConfig}, moneykit.ErrForbidden},
		{moneykit.Error{StatusCode: 403}, moneykit.ErrForbidden},
		{moneykit.Error{Code: moneykit.ErrorCodeUnauthorized}, moneykit.ErrUnauthorized},
		{moneykit.Error{Code: moneykit.ErrorCodeExpiredAccessToken}, moneykit.ErrUnauthorized},
		{moneykit.Error{Code: moneykit.ErrorCodeLinkUnauthorizedAccess}, moneykit.ErrUnauthorized},
		{moneykit.Error{StatusCode: 401}, moneykit.ErrUnauthorized},
		{moneykit.Error{Code: moneykit.ErrorCodeLinkNotFound}, moneykit.ErrNotFound},
		{moneykit.Error{Code: moneykit.ErrorCodeInstitutionNotFound}, moneykit.ErrNotFound},
		{moneykit.Error{Code: moneykit.ErrorCodeLinkDeleted}, moneykit.ErrLinkDeleted},
		{moneykit.Error{LinkError: moneykit.LinkErrorAuthExpired}, moneykit.ErrRelinkRequired},
	} {
		require.ErrorIs(t, &tt.err, tt.want)
	}
	for _, status := range []int{404, 410} {
		err := &moneykit.Error{StatusCode: status, Message: "Not found."}
		require.NotErrorIs(t, err, moneykit.ErrNotFound, "a status alone does not prove that the link is gone")
		require.NotErrorIs(t, err, moneykit.ErrLinkDeleted)
	}
}

// TestAllMethodsReturnAnError checks that errors.As finds an *Error in the error of each method.
func TestAllMethodsReturnAnError(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	mine, theirs := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"}), mk.AddLink(moneykittest.LinkSpec{UserID: "user_0002"})
	relinked := func(linkID string) moneykit.FinishParams {
		return moneykit.FinishParams{
			UserID: "user_0001", Result: &moneykit.ConnectResult{Outcome: moneykit.ConnectRelinked, LinkID: linkID},
		}
	}
	conflict := &refusingStore{err: moneykit.ErrSyncConflict}
	down := errors.New("the database is down")
	for name, call := range map[string]func(ctx context.Context) error{
		"not owned": func(ctx context.Context) error {
			_, err := client.LinkSessions.Finish(ctx, relinked(theirs.ID))
			return err
		},
		"exited": func(ctx context.Context) error {
			_, err := client.LinkSessions.Finish(ctx, moneykit.FinishParams{
				UserID: "user_0001", Result: &moneykit.ConnectResult{Outcome: moneykit.ConnectExited, Err: &moneykit.ConnectError{ID: "e"}},
			})
			require.ErrorAs(t, err, new(*moneykit.ConnectError))
			return err
		},
		"not needed": func(ctx context.Context) error {
			_, err := client.LinkSessions.Relink(ctx, mine.ID, moneykit.RelinkParams{
				CustomerUser: moneykit.CustomerUser{ID: "user_0001"}, RedirectURI: "https://example.com/oauth",
			})
			return err
		},
		"not signed": func(ctx context.Context) error {
			_, err := client.Webhooks.Verify(ctx, http.Header{}, nil)
			return err
		},
		"a sync conflict": func(ctx context.Context) error {
			_, err := client.SyncTransactions(ctx, mine.ID, conflict)
			return err
		},
		"a store that fails to apply": func(ctx context.Context) error {
			_, err := client.SyncTransactions(ctx, mine.ID, &refusingStore{err: down})
			require.ErrorIs(t, err, down)
			return err
		},
		"a store that fails to load": func(ctx context.Context) error {
			_, err := client.SyncTransactions(ctx, mine.ID, &refusingStore{load: down})
			require.ErrorIs(t, err, down)
			return err
		},
		"no store": func(ctx context.Context) error {
			_, err := client.SyncTransactions(ctx, mine.ID, nil)
			return err
		},
		"a bad option":    func(ctx context.Context) error { _, err := client.Links.Get(ctx, mine.ID, nil); return err },
		"a bad page":      func(ctx context.Context) error { return client.Do(ctx, http.MethodGet, "x", nil, nil) },
		"cancelled":       func(ctx context.Context) error { _, err := client.Links.Get(cancelled(ctx), mine.ID); return err },
		"a short user id": func(ctx context.Context) error { _, err := client.Users.Links(ctx, "u"); return err },
	} {
		err := call(t.Context())
		var e *moneykit.Error
		require.ErrorAs(t, err, &e, name)
		assert.NotContains(t, err.Error(), "\n", name)
	}
}

func cancelled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// refusingStore is a store whose methods return fixed errors.
type refusingStore struct{ load, err error }

func (s *refusingStore) LoadPosition(context.Context, string) (moneykit.SyncPosition, error) {
	return moneykit.SyncPosition{}, s.load
}

func (s *refusingStore) ApplyUpdate(context.Context, *moneykit.SyncUpdate) error { return s.err }

// TestLinkActionOfAMapElement must compile: the links of a user are elements of a map.
func TestLinkActionOfAMapElement(t *testing.T) {
	t.Parallel()
	links := moneykit.UserLinks{Links: map[string]moneykit.Link{"mk_1": {State: moneykit.LinkStateConnected}}}
	assert.Equal(t, moneykit.ActionNone, links.Links["mk_1"].Action())
}

// TestUserIDsAreChecked expects the same error from each method with a user id.
func TestUserIDsAreChecked(t *testing.T) {
	t.Parallel()
	client := newClient(t, newMock(t)) // Any request fails the test.
	for _, id := range []string{"", "u", "abc", string(make([]byte, 151)), "a/bcd", "%2e%2e"} {
		for _, call := range []func(ctx context.Context) error{
			func(ctx context.Context) error { _, err := client.Users.Links(ctx, id); return err },
			func(ctx context.Context) error {
				_, err := client.Users.Accounts(ctx, id, moneykit.UserAccountListParams{})
				return err
			},
			func(ctx context.Context) error {
				_, err := client.Users.Transactions(ctx, id, moneykit.UserTransactionListParams{})
				return err
			},
			func(ctx context.Context) error {
				params := validSession()
				params.CustomerUser.ID = id
				_, err := client.LinkSessions.Create(ctx, params)
				return err
			},
		} {
			err := call(t.Context())
			require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed, "%q", id)
			assert.Regexp(t, `id must (have 4 to 150 characters|not be \.)`, err.Error())
		}
	}
}

// TestHTTPClientTimeoutBoundsAllRequests uses a MoneyKit that never responds to requests for tokens
// and keys.
func TestHTTPClientTimeoutBoundsAllRequests(t *testing.T) {
	t.Parallel()
	hang := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	for name, call := range map[string]func(context.Context, *moneykit.Client) error{
		"token": func(ctx context.Context, c *moneykit.Client) error { _, err := c.Links.Get(ctx, "mk_1"); return err },
		"keys":  func(ctx context.Context, c *moneykit.Client) error { _, err := c.Webhooks.Keys(ctx); return err },
	} {
		for _, deadline := range []time.Duration{0, time.Hour} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					mock := httpmock.NewMockTransport()
					mock.RegisterNoResponder(hang)
					client, err := moneykit.NewClient(testID, testSecret, moneykit.WithBaseURL(testBase),
						moneykit.WithHTTPClient(&http.Client{Transport: mock, Timeout: time.Second}),
						moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
					require.NoError(t, err)
					ctx := t.Context()
					if deadline > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, deadline)
						defer cancel()
					}
					start := time.Now()
					err = call(ctx, client)
					require.ErrorContains(t, err, "no complete response within 1s")
					require.ErrorIs(t, err, context.DeadlineExceeded)
					assert.Equal(t, time.Second, time.Since(start))
				})
			})
		}
	}
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("canary") }

// TestTransportPanicsBecomeErrors checks that a panic in a shared request becomes an error that
// does not contain the value of the panic.
func TestTransportPanicsBecomeErrors(t *testing.T) {
	t.Parallel()
	client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHTTPClient(&http.Client{Transport: panicking{}}))
	require.NoError(t, err)
	_, err = client.Links.Get(t.Context(), "mk_1")
	require.ErrorContains(t, err, "fetching panicked with a value of type string")
	_, err = client.Webhooks.Verify(t.Context(), http.Header{"MoneyKit-Signature": {
		b64(`{"alg":"ES256","kid":"k"}`) + "." + b64(`{}`) + "." + b64(make([]byte, 64)),
	}}, nil)
	require.ErrorContains(t, err, "fetching panicked with a value of type string")
	assert.NotContains(t, err.Error(), "canary")
}

// TestOutcomeIsKnownIfTokenFails fails a POST whose access token could not be fetched. The request
// for the token has reached MoneyKit, the POST has not.
func TestOutcomeIsKnownIfTokenFails(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	mk.Fail("create_access_token", 1, moneykittest.Fault{Status: http.StatusInternalServerError})
	_, err := mk.Client().LinkSessions.Exchange(t.Context(), "exchangeable-canary")
	require.Error(t, err)
	require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown, "the exchange was not sent")

	// The context ends while the token is fetched, or fetched again.
	for _, tokens := range []int{1, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		mock := newMock(t)
		mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token", answers(401, `{}`))
		source := &recorder{next: func(string) (moneykit.Token, error) {
			if tokens--; tokens == 0 {
				cancel()
			}
			return moneykit.Token{AccessToken: "token"}, nil
		}}
		_, err = newClient(t, mock, moneykit.WithTokenSource(source)).LinkSessions.Exchange(ctx, "exchangeable-canary")
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown, "the exchange was not sent, or refused")
	}

	// The request for the token gets a connection, the exchange does not.
	mk = moneykittest.NewServer(t)
	dials := 0
	pool := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials > 1 {
			return nil, errRefused
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	id, secret := mk.Credentials()
	client, err := moneykit.NewClient(id, secret, moneykit.WithBaseURL(mk.URL()), moneykit.WithHTTPClient(&http.Client{Transport: pool}))
	require.NoError(t, err)
	_, err = client.LinkSessions.Exchange(t.Context(), "exchangeable-canary")
	require.ErrorIs(t, err, errRefused)
	require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown, "the exchange was not sent")
	assert.Len(t, mk.Requests(), 1, "the token's")
}

var errRefused = errors.New("refused")
