package moneykittest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// sources are the platforms.
func sources() []moneykit.ConnectSource {
	return []moneykit.ConnectSource{
		moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative,
	}
}

// oauthParams returns the parameters of a session at the OAuth Bank.
func oauthParams() moneykit.LinkSessionParams {
	params := sessionParams()
	params.InstitutionID = moneykittest.OAuthBank
	return params
}

// back continues Connect and parses the result.
func back(t *testing.T, mk *moneykittest.Server, token, returnURL string, p moneykittest.Play) *moneykit.ConnectResult {
	t.Helper()
	result, err := moneykit.ParseConnectResult(mk.Continue(token, returnURL, moneykit.ConnectWeb, p))
	require.NoError(t, err)
	return result
}

// TestOAuth goes to the bank and back on every platform, for a new link and for a broken one.
func TestOAuth(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	for _, redirect := range []string{"https://app.example/oauth", "myfinanceapp://oauth", "http://localhost:3000"} {
		for _, source := range sources() {
			t.Run(redirect+" "+string(source), func(t *testing.T) {
				t.Parallel()
				params := oauthParams()
				params.RedirectURI = redirect
				token := open(t, client, params)
				returned := mk.Authorize(token, moneykittest.Play{})
				parsed, err := moneykit.ParseOAuthReturn(redirect, returned)
				require.NoError(t, err)
				assert.Equal(t, returned, parsed.ContinueURL())

				data := mk.Continue(token, parsed.ContinueURL(), source, moneykittest.Play{Accounts: []string{"investment"}})
				result, err := moneykit.ParseConnectResult(data)
				require.NoError(t, err)
				assert.Equal(t, moneykit.ConnectLinked, result.Outcome)
				assert.Equal(t, moneykittest.OAuthBank, result.Institution.ID)
				require.Len(t, result.Accounts, 1)
				assert.Equal(t, "investment", result.Accounts[0].Type)
				link, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
				require.NoError(t, err)
				assert.Equal(t, link.ID, result.LinkID)
				assert.Equal(t, moneykit.LinkStateConnected, link.State)

				mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
				params.ExistingLinkID = link.ID
				token = open(t, client, params)
				again := mk.Authorize(token, moneykittest.Play{})
				assert.NotEqual(t, returned, again)
				result, err = moneykit.ParseConnectResult(mk.Continue(token, again, source, moneykittest.Play{}))
				require.NoError(t, err)
				assert.Equal(t, moneykit.ConnectRelinked, result.Outcome)
				assert.Empty(t, result.ExchangeableToken)
				link, err = client.Links.Get(t.Context(), link.ID)
				require.NoError(t, err)
				assert.Equal(t, moneykit.LinkStateConnected, link.State)
			})
		}
	}
}

// TestOAuthReturn changes the URL in ways in which a front end must not.
func TestOAuthReturn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(mk *moneykittest.Server, returned, other string) string
		err    string
	}{
		"unchanged": {func(_ *moneykittest.Server, returned, _ string) string { return returned }, ""},
		"without a query": {func(_ *moneykittest.Server, returned, _ string) string {
			page, _, _ := strings.Cut(returned, "?")
			return page
		}, "changed_return"},
		"taken apart and put together": {func(_ *moneykittest.Server, returned, _ string) string {
			u, err := url.Parse(returned)
			require.NoError(t, err)
			u.RawQuery = u.Query().Encode()
			return u.String()
		}, "changed_return"},
		"decoded": {func(_ *moneykittest.Server, returned, _ string) string {
			decoded, err := url.QueryUnescape(returned)
			require.NoError(t, err)
			return decoded
		}, "changed_return"},
		"the path alone": {func(_ *moneykittest.Server, returned, _ string) string {
			return strings.TrimPrefix(returned, "https://app.example")
		}, "changed_return"},
		"of another session": {func(_ *moneykittest.Server, _, other string) string { return other }, "other_return"},
		"in time": {func(mk *moneykittest.Server, returned, _ string) string {
			mk.Advance(30*time.Minute - time.Second)
			return returned
		}, ""},
		"too old": {func(mk *moneykittest.Server, returned, _ string) string {
			mk.Advance(30 * time.Minute)
			return returned
		}, "expired_return"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk, tb := newFake(t, stopped())
			client := mk.Client()
			token, otherToken := open(t, client, oauthParams()), open(t, client, oauthParams())
			returned, other := mk.Authorize(token, moneykittest.Play{}), mk.Authorize(otherToken, moneykittest.Play{})
			result := back(t, mk, token, tt.change(mk, returned, other), moneykittest.Play{})
			assert.Empty(t, tb.errors, "a test may want it")
			if tt.err == "" {
				assert.Equal(t, moneykit.ConnectLinked, result.Outcome)
				assert.Empty(t, tb.logs)
			} else {
				assert.Equal(t, moneykit.ConnectExited, result.Outcome)
				require.NotNil(t, result.Err)
				assert.Equal(t, "moneykittest."+tt.err, result.Err.ID)
				require.Len(t, tb.logs, 1)
				assert.NotContains(t, tb.logs[0], returned)
			}
			// The session has ended, and the other session has not.
			assert.Equal(t, "moneykittest.used_return", back(t, mk, token, returned, moneykittest.Play{}).Err.ID)
			if tt.err != "expired_return" {
				assert.Equal(t, moneykit.ConnectLinked, back(t, mk, otherToken, other, moneykittest.Play{}).Outcome)
			}
		})
	}

	// A URL of another session is also refused before Authorize, and only one link is created.
	mk, tb := newFake(t)
	token, begun := open(t, mk.Client(), oauthParams()), open(t, mk.Client(), oauthParams())
	stranger := mk.Authorize(begun, moneykittest.Play{})
	assert.Equal(t, "moneykittest.other_return", back(t, mk, token, stranger, moneykittest.Play{}).Err.ID)
	assert.Equal(t, moneykit.ConnectLinked, back(t, mk, begun, stranger, moneykittest.Play{}).Outcome)
	assert.Empty(t, tb.errors)
	links, err := mk.Client().Users.Links(t.Context(), "user-42")
	require.NoError(t, err)
	assert.Len(t, links.Links, 1)

	// If a request contains the URL, Requests redacts it.
	ask(t, mk, "GET", "/links?cursor="+url.QueryEscape(stranger), "")
	for _, r := range mk.Requests() {
		assert.NotContains(t, r.Query["cursor"], stranger)
	}
}

// TestOAuthDenied refuses at the bank, in one step and in two steps.
func TestOAuthDenied(t *testing.T) {
	t.Parallel()
	denied := moneykittest.Play{Failure: moneykit.LinkErrorUserOAuthDenied}
	for name, playBoth := range map[string]func(mk *moneykittest.Server, token string, source moneykit.ConnectSource) []byte{
		"in one step": func(mk *moneykittest.Server, token string, source moneykit.ConnectSource) []byte {
			return mk.Connect(token, source, denied)
		},
		"at the bank": func(mk *moneykittest.Server, token string, source moneykit.ConnectSource) []byte {
			return mk.Continue(token, mk.Authorize(token, denied), source, moneykittest.Play{})
		},
		"said late": func(mk *moneykittest.Server, token string, source moneykit.ConnectSource) []byte {
			return mk.Continue(token, mk.Authorize(token, moneykittest.Play{}), source, denied)
		},
	} {
		for _, source := range sources() {
			t.Run(name+" "+string(source), func(t *testing.T) {
				t.Parallel()
				mk := moneykittest.NewServer(t)
				client := mk.Client()
				parse := func(data []byte) *moneykit.ConnectResult {
					result, err := moneykit.ParseConnectResult(data)
					require.NoError(t, err)
					assert.Equal(t, moneykit.ConnectExited, result.Outcome)
					require.NotNil(t, result.Err)
					if source == moneykit.ConnectAndroid { // which has no IDs
						assert.Empty(t, result.Err.ID)
					} else {
						assert.Equal(t, "moneykittest.user_oauth_denied", result.Err.ID)
					}
					assert.Contains(t, result.Err.DisplayedMessage, "user_oauth_denied")
					return result
				}
				parse(playBoth(mk, open(t, client, oauthParams()), source))
				links, err := client.Users.Links(t.Context(), "user-42")
				require.NoError(t, err)
				assert.Empty(t, links.Links)

				for _, before := range []moneykit.LinkError{"", moneykit.LinkErrorAuthExpired} {
					link := mk.AddLink(moneykittest.LinkSpec{InstitutionID: moneykittest.OAuthBank, Error: before})
					params := sessionParams()
					params.ExistingLinkID = link.ID
					parse(playBoth(mk, open(t, client, params), source))
					got, err := client.Links.Get(t.Context(), link.ID)
					require.NoError(t, err)
					assert.Equal(t, moneykit.LinkStateError, got.State)
					assert.Equal(t, moneykit.LinkErrorUserOAuthDenied, got.Error)
				}
			})
		}
	}
}

func TestOAuthLeave(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	token := open(t, mk.Client(), oauthParams())
	returned := mk.Authorize(token, moneykittest.Play{})
	result := back(t, mk, token, returned, moneykittest.Play{Leave: true})
	assert.Equal(t, moneykit.ConnectExited, result.Outcome)
	assert.Nil(t, result.Err)

	token = open(t, mk.Client(), oauthParams())
	returned = mk.Authorize(token, moneykittest.Play{})
	result = back(t, mk, token, returned, moneykittest.Play{Exit: &moneykit.ConnectError{ID: "x"}})
	assert.Equal(t, "x", result.Err.ID)

	// A link that is deleted while the user is at the bank cannot be relinked.
	link := mk.AddLink(moneykittest.LinkSpec{InstitutionID: moneykittest.OAuthBank})
	params := sessionParams()
	params.ExistingLinkID = link.ID
	token = open(t, mk.Client(), params)
	returned = mk.Authorize(token, moneykittest.Play{})
	require.NoError(t, mk.Client().Links.Delete(t.Context(), link.ID))
	assert.Equal(t, "moneykittest.link_deleted", back(t, mk, token, returned, moneykittest.Play{}).Err.ID)
}

func TestOAuthMistakes(t *testing.T) {
	t.Parallel()
	type play = moneykittest.Play
	tests := map[string]func(mk *moneykittest.Server, token string){
		"Authorize: the link session token is unknown": func(mk *moneykittest.Server, _ string) {
			assert.Empty(t, mk.Authorize("no such token", play{}))
		},
		"Authorize: the link session token has been used before": func(mk *moneykittest.Server, token string) {
			mk.Authorize(token, play{Institution: moneykittest.OAuthBank})
			mk.Authorize(token, play{})
		},
		"Authorize: there is no institution no-bank": func(mk *moneykittest.Server, token string) {
			assert.Empty(t, mk.Authorize(token, play{Institution: "no-bank"}))
		},
		"Authorize: Instant Bank has no pages of its own": func(mk *moneykittest.Server, token string) {
			assert.Empty(t, mk.Authorize(token, play{}))
		},
		"Authorize: a user who leaves Connect does not come": func(mk *moneykittest.Server, token string) {
			assert.Empty(t, mk.Authorize(token, play{Leave: true}))
		},
		"Authorize: a user who leaves Connect does not come to": func(mk *moneykittest.Server, token string) {
			assert.Empty(t, mk.Authorize(token, play{Exit: &moneykit.ConnectError{}}))
		},
		"Connect: the link session token has been used before": func(mk *moneykittest.Server, token string) {
			mk.Authorize(token, play{Institution: moneykittest.OAuthBank})
			mk.Connect(token, "", play{})
		},
		"Connect: the user cannot refuse on pages of a bank": func(mk *moneykittest.Server, token string) {
			mk.Connect(token, "", play{Failure: moneykit.LinkErrorUserOAuthDenied})
		},
		"Continue: the link session token is unknown": func(mk *moneykittest.Server, _ string) {
			mk.Continue("no such token", "https://app.example/oauth?a", "", play{})
		},
		"Continue: this link session has not been to a bank": func(mk *moneykittest.Server, token string) {
			mk.Continue(token, "https://app.example/oauth?a", "", play{})
		},
		`Continue: there is no source "windows_phone"`: func(mk *moneykittest.Server, token string) {
			mk.Continue(token, mk.Authorize(token, play{Institution: moneykittest.OAuthBank}), "windows_phone", play{})
		},
		"Continue: the user has none of the accounts depository.cash": func(mk *moneykittest.Server, token string) {
			mk.Continue(token, mk.Authorize(token, play{Institution: moneykittest.OAuthBank}), "", play{Accounts: []string{"depository.cash"}})
		},
	}
	for want, act := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			mk, tb := newFake(t)
			act(mk, open(t, mk.Client(), sessionParams()))
			require.Len(t, tb.errors, 1)
			assert.Contains(t, tb.errors[0], want)
			assert.NotContains(t, tb.errors[0], "no such token")
		})
	}

	// An expired session is not a mistake.
	mk, tb := newFake(t, stopped())
	token := open(t, mk.Client(), oauthParams())
	mk.Advance(time.Hour)
	assert.Empty(t, mk.Authorize(token, play{}))
	assert.Empty(t, tb.errors)
	assert.Len(t, tb.logs, 1)
}
