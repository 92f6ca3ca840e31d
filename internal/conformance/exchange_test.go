package conformance

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file calls moneykittest with the SDK's client, over the wire that validates all exchanges.

// ways are the ways to authenticate.
var ways = map[string][]moneykit.Option{"token": nil, "headers": {moneykit.WithHeaderAuth()}}

// failed requires an error from MoneyKit.
func failed(t *testing.T, err error, status int, code moneykit.ErrorCode) *moneykit.Error {
	t.Helper()
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, status, e.StatusCode)
	assert.Equal(t, code, e.Code)
	return e
}

// flows plays a link from its session to its deletion, with a relink in between.
func flows(t *testing.T, seen *tally) {
	t.Helper()
	sources := []moneykit.ConnectSource{
		moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative,
	}
	for way, opts := range ways {
		for _, source := range sources {
			t.Run(way+" "+string(source), func(t *testing.T) {
				t.Parallel()
				w := newWire(t, moneykittest.NewServer(t, moneykittest.WithRedirectOrigins("https://app.test")), seen)
				client := w.client(t, opts...)
				ctx := t.Context()
				session, err := client.LinkSessions.Create(ctx, leastSession())
				require.NoError(t, err)
				result, err := moneykit.ParseConnectResult(w.mk.Connect(session.Token, source, moneykittest.Play{}))
				require.NoError(t, err)
				link, err := client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
				require.NoError(t, err)

				w.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
				_, err = client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
				failed(t, err, 422, moneykit.ErrorCodeLinkBadState)
				session, err = client.LinkSessions.Create(ctx, fullSession(link.ID))
				require.NoError(t, err)
				_, err = moneykit.ParseConnectResult(w.mk.Connect(session.Token, source, moneykittest.Play{}))
				require.NoError(t, err)
				link, err = client.Links.Get(ctx, link.ID)
				require.NoError(t, err)
				assert.Equal(t, moneykit.LinkStateConnected, link.State)

				_, err = client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
				failed(t, err, 400, moneykit.ErrorCodeInvalidTokenExchange)
				list, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
				require.NoError(t, err)
				for n := range list.Accounts {
					ids := []string{"x,y", "a b&c=d/é%"}
					for _, a := range list.Accounts[:n] {
						ids = append(ids, a.ID)
					}
					some, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{AccountIDs: ids})
					require.NoError(t, err)
					assert.Len(t, some.Accounts, n)
				}
				require.NoError(t, client.Links.Delete(ctx, link.ID))
				_, err = client.Links.Get(ctx, link.ID)
				require.NoError(t, err)
				failed(t, client.Links.Delete(ctx, link.ID), 410, moneykit.ErrorCodeLinkDeleted)
				_, err = client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
				failed(t, err, 410, moneykit.ErrorCodeLinkDeleted)
				w.mk.Advance(91 * 24 * time.Hour)
				w.mk.ExpireTokens() // the client does not expect this, because its clock stands still
				_, err = client.Links.Get(ctx, link.ID)
				failed(t, err, 404, moneykit.ErrorCodeLinkNotFound)
			})
		}
	}
}

// authentication carries out every operation with good, bad and expired credentials.
func authentication(t *testing.T, seen *tally) {
	t.Helper()
	for _, op := range operations() {
		for way, opts := range ways {
			t.Run(op.id+" "+way, func(t *testing.T) {
				t.Parallel()
				auth := moneykittest.BearerAuth
				if way == "headers" {
					auth = moneykittest.HeaderAuth
				}
				w := newWire(t, moneykittest.NewServer(t, moneykittest.WithAuth(auth)), seen)
				if op.id == "exchange_token" { // whose preparation needs a token
					w = newWire(t, moneykittest.NewServer(t), seen)
				}
				client := w.client(t, opts...)
				call := func(client *moneykit.Client) error {
					return op.call(t.Context(), w, client, op.link(t, w, opts...))
				}
				require.NoError(t, call(client))
				w.mk.ExpireTokens()
				require.NoError(t, call(client), "the client gets another token")

				id, _ := w.mk.Credentials()
				err := call(w.clientOf(t, id, "wrong", opts...))
				if w.oracle.operation(t, op.id).Responses.Status(http.StatusUnauthorized) == nil {
					require.NoError(t, err, "anybody may ask")
				} else {
					failed(t, err, 401, moneykit.ErrorCodeUnauthorized)
				}
			})
		}
		t.Run(op.id+" made-up token", func(t *testing.T) {
			t.Parallel()
			w := newWire(t, moneykittest.NewServer(t), seen)
			err := op.call(t.Context(), w, w.client(t, moneykit.WithTokenSource(madeUp{})), "mk_1")
			if op.id == "create_access_token" || op.id == "get_well_known_jwks" {
				require.NoError(t, err, "it does not ask the source")
			} else {
				failed(t, err, 401, moneykit.ErrorCodeUnauthorized)
			}
		})
	}
}

// tokens requests tokens in ways that the SDK does not support, and with a part of the scopes.
func tokens(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	id, secret := w.mk.Credentials()
	for _, tt := range []struct {
		secret, form string
		status       int
	}{
		{secret, "grant_type=client_credentials", 201},
		{secret, "grant_type=client_credentials&scope=link%3Adata%3Aread", 201},
		{"wrong", "grant_type=client_credentials", 401},
		{secret, "grant_type=refresh_token", 400},
		{secret, "scope=x", 400},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/auth/token", strings.NewReader(tt.form))
		require.NoError(t, err)
		r.SetBasicAuth(id, tt.secret)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("MoneyKit-Version", "2023-02-18")
		resp, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, tt.status, resp.StatusCode, tt.form)
	}
	_, err := w.client(t).Auth.CreateToken(t.Context(), "link_session:create", "link:data:read")
	require.NoError(t, err)
}

// limits sends the permitted number of requests, bypassing the wire, and one more over the wire.
func limits(t *testing.T, seen *tally) {
	t.Helper()
	for _, op := range operations() {
		t.Run(op.id, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, moneykittest.NewServer(t, moneykittest.WithRateLimits()), seen)
			published, ok := w.oracle.operation(t, op.id).Extensions["x-rate-limits"].([]any)
			if !ok {
				return
			}
			var numbers []float64
			for _, l := range published {
				numbers = append(numbers, l.(object)["limit"].(float64))
			}
			link := op.link(t, w)
			past := w.mk.Client(moneykit.WithHeaderAuth())
			for range int(slices.Min(numbers)) {
				require.NotErrorIs(t, op.call(t.Context(), w, past, link), moneykit.ErrRateLimited)
			}
			err := op.call(t.Context(), w, w.client(t, moneykit.WithHeaderAuth()), link)
			assert.Positive(t, failed(t, err, 429, moneykit.ErrorCodeRateLimitExceeded).RetryAfter)
		})
	}
}

// planned plans the responses that moneykittest does not send by itself.
func planned(t *testing.T, seen *tally) {
	t.Helper()
	for a, why := range answers {
		if why == byItself {
			continue
		}
		t.Run(a.operation+" "+a.code, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, moneykittest.NewServer(t), seen)
			fault := moneykittest.Fault{Status: a.status, Code: moneykit.ErrorCode(a.code)}
			if fault.Code == moneykit.ErrorCodeLinkBadState {
				fault.LinkError = moneykit.LinkErrorSystemError
			}
			w.mk.Fail(a.operation, 1, fault)
			for _, op := range operations() {
				if op.id == a.operation {
					failed(t, op.call(t.Context(), w, w.client(t), "mk_1"), a.status, fault.Code)
				}
			}
		})
	}
}

// madeUp is a token source whose tokens MoneyKit never issued.
type madeUp struct{}

func (madeUp) Token(context.Context, string) (moneykit.Token, error) {
	return moneykit.Token{AccessToken: "made-up"}, nil
}
