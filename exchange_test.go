package moneykit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// keepsQuiet checks that an error contains no secret of a result and no id.
func keepsQuiet(t *testing.T, err error, result *moneykit.ConnectResult) {
	t.Helper()
	require.Error(t, err)
	for _, text := range show(nil, err) {
		for _, secret := range []string{finishUser, finishOther, finishDecoy, "sandbox_client_secret", "\n"} {
			assert.NotContains(t, text, secret)
		}
		if result != nil && result.ExchangeableToken != "" {
			assert.NotContains(t, text, result.ExchangeableToken)
		}
	}
}

// asPosted replaces the token, the link id and the accounts of a golden payload by the sandbox's.
func asPosted(golden []byte, token, linkID string, accounts []moneykit.ConnectAccount) []byte {
	pairs := []string{`"exchangeable-token-1"`, strconv.Quote(token), `"mk_1"`, strconv.Quote(linkID)}
	for i, a := range accounts {
		pairs = append(pairs, strconv.Quote("acc_"+strconv.Itoa(i+1)), strconv.Quote(a.ID))
	}
	return []byte(strings.NewReplacer(pairs...).Replace(string(golden)))
}

// TestFinishGoldenPayloads calls Finish with the payload of each version of each platform.
func TestFinishGoldenPayloads(t *testing.T) {
	t.Parallel()
	wanted := connectResults()
	two := []string{"depository.checking", "liability.credit_card"} // as many as the payloads have
	for name, golden := range goldens(t, "testdata/connect", wanted) {
		want := wanted[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFinishing(t)
			f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank})
			read := func(token, linkID string, accounts []moneykit.ConnectAccount) *moneykit.ConnectResult {
				t.Helper()
				result, err := moneykit.ParseConnectResult(asPosted(golden, token, linkID, accounts))
				require.NoError(t, err)
				require.Equal(t, want.Outcome, result.Outcome)
				if want.LinkID != "" {
					require.Equal(t, linkID, result.LinkID)
				}
				return result
			}
			switch want.Outcome {
			case moneykit.ConnectLinked:
				played := f.connect(t, f.open(t, finishUser), moneykit.ConnectIOS,
					moneykittest.Play{Institution: moneykittest.CredentialsBank, Accounts: two})
				require.Len(t, played.Accounts, 2)
				result := read(played.ExchangeableToken, played.LinkID, played.Accounts)
				f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, played.LinkID)
			case moneykit.ConnectRelinked:
				link := f.mk.AddLink(moneykittest.LinkSpec{
					UserID: finishUser, InstitutionID: moneykittest.CredentialsBank, Error: moneykit.LinkErrorAuthExpired,
				})
				played := f.connect(t, f.relink(t, finishUser, link.ID), moneykit.ConnectIOS, moneykittest.Play{})
				result := read("", link.ID, played.Accounts)
				f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser, LinkID: link.ID}, link.ID)
				if want.LinkID != "" {
					f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, link.ID)
					return
				}
				_, err := f.finish(t.Context(), finishUser, result)
				require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed)
			case moneykit.ConnectExited:
				result := read("", "", nil)
				link, err := f.finish(t.Context(), finishUser, result)
				assert.Nil(t, link)
				exits(t, err, want.Err)
				assert.Empty(t, f.mk.Requests())
			}
		})
	}
}

// exits checks that err is the error of an exit, with its reason if there is one.
func exits(t *testing.T, err error, reason *moneykit.ConnectError) {
	t.Helper()
	require.ErrorIs(t, err, moneykit.ErrConnectExited)
	var got *moneykit.ConnectError
	if assert.Equal(t, reason != nil, errors.As(err, &got)) && reason != nil {
		assert.Equal(t, *reason, *got)
		assert.NotContains(t, err.Error(), reason.DisplayedMessage, "it comes from the front end")
	}
}

// TestFinishPlatforms plays Connect on each platform and finishes the posted result.
func TestFinishPlatforms(t *testing.T) {
	t.Parallel()
	for _, source := range allSources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			f := newFinishing(t)
			result := f.linked(t, finishUser, source)
			f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, result.LinkID)

			f.mk.Break(result.LinkID, moneykit.LinkErrorAuthExpired)
			again := f.connect(t, f.relink(t, finishUser, result.LinkID), source, moneykittest.Play{})
			require.Equal(t, moneykit.ConnectRelinked, again.Outcome)
			f.finishes(t, moneykit.FinishParams{Result: again, UserID: finishUser, LinkID: result.LinkID}, result.LinkID)

			left := f.connect(t, f.open(t, finishUser), source, moneykittest.Play{Leave: true})
			_, err := f.finish(t.Context(), finishUser, left)
			exits(t, err, nil)
			failed := f.connect(t, f.open(t, finishUser), source, moneykittest.Play{
				Exit: &moneykit.ConnectError{ID: "some_error", DisplayedMessage: "It did not work.", RequestID: "req_1"},
			})
			_, err = f.finish(t.Context(), finishUser, failed)
			exits(t, err, failed.Err)
			keepsQuiet(t, err, nil)
		})
	}
}

// TestFinishRefuses checks that invalid params are refused without a request to MoneyKit.
func TestFinishRefuses(t *testing.T) {
	t.Parallel()
	result := func(outcome moneykit.ConnectOutcome, token, linkID string) *moneykit.ConnectResult {
		return &moneykit.ConnectResult{Outcome: outcome, ExchangeableToken: token, LinkID: linkID}
	}
	whole := result(moneykit.ConnectLinked, finishDecoy, "mk_1")
	tests := map[string]struct {
		params moneykit.FinishParams
		field  string
	}{
		"nothing":              {moneykit.FinishParams{}, "result"},
		"no result":            {moneykit.FinishParams{UserID: finishUser}, "result"},
		"no user":              {moneykit.FinishParams{Result: whole}, "user_id"},
		"a user id of 3":       {moneykit.FinishParams{Result: whole, UserID: "abc"}, "user_id"},
		"a user id of 151":     {moneykit.FinishParams{Result: whole, UserID: strings.Repeat("x", 151)}, "user_id"},
		"an exit without user": {moneykit.FinishParams{Result: result(moneykit.ConnectExited, "", "")}, "user_id"},
		"an empty result":      {moneykit.FinishParams{Result: result("", "", ""), UserID: finishUser}, "result"},
		"no outcome":           {moneykit.FinishParams{Result: result("", finishDecoy, "mk_1"), UserID: finishUser}, "result"},
		"an unknown outcome":   {moneykit.FinishParams{Result: result("won", finishDecoy, "mk_1"), UserID: finishUser}, "result"},
		"linked without token": {
			moneykit.FinishParams{Result: result(moneykit.ConnectLinked, "", "mk_1"), UserID: finishUser}, "exchangeable_token",
		},
		"linked with a blank token": {
			moneykit.FinishParams{Result: result(moneykit.ConnectLinked, " \t", "mk_1"), UserID: finishUser}, "exchangeable_token",
		},
		"relinked without link": {moneykit.FinishParams{Result: result(moneykit.ConnectRelinked, "", ""), UserID: finishUser}, "link_id"},
		"relinked another link": {
			moneykit.FinishParams{Result: result(moneykit.ConnectRelinked, "", "mk_1"), UserID: finishUser, LinkID: "mk_2"}, "link_id",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFinishing(t)
			link, err := f.client.LinkSessions.Finish(t.Context(), tt.params)
			require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed)
			assert.Nil(t, link)
			var e *moneykit.Error
			require.ErrorAs(t, err, &e)
			require.NotEmpty(t, e.Fields)
			assert.Equal(t, tt.field, e.Fields[0].Field)
			assert.Empty(t, f.mk.Requests())
			keepsQuiet(t, err, tt.params.Result)
		})
	}
}

// TestFinishOfAnother posts the result of another user's front end, before that user does.
func TestFinishOfAnother(t *testing.T) {
	t.Parallel()
	for _, source := range allSources() {
		for _, named := range []bool{true, false} {
			t.Run(string(source)+" names the link: "+strconv.FormatBool(named), func(t *testing.T) {
				t.Parallel()
				f := newFinishing(t)
				f.mk.AddLink(moneykittest.LinkSpec{UserID: finishOther, InstitutionID: moneykittest.CredentialsBank})
				f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank})
				result := f.linked(t, finishUser, source)
				linkID := result.LinkID
				if !named {
					result.LinkID = ""
				}
				link, err := f.finish(t.Context(), finishOther, result)
				require.ErrorIs(t, err, moneykit.ErrLinkNotOwned)
				assert.Nil(t, link)
				keepsQuiet(t, err, result)

				link, err = f.finish(t.Context(), finishOther, result) // and again, now that it is exchanged
				require.ErrorIs(t, err, moneykit.ErrorCodeInvalidTokenExchange)
				assert.Nil(t, link)
				keepsQuiet(t, err, result)

				f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, linkID)
			})
		}
	}
}

// TestFinishTrustsMoneyKitOverFrontEnd posts results that contradict the data of MoneyKit.
func TestFinishTrustsMoneyKitOverFrontEnd(t *testing.T) {
	t.Parallel()
	type scene struct {
		*finishing

		mine, theirs       *moneykit.ConnectResult // whose links await the exchange
		connected, foreign string                  // links that work
	}
	tests := map[string]struct {
		change func(*scene) // of mine
		reset  moneykittest.Reset
		link   func(*scene) string
		err    error
		awaits bool // my link, still
	}{
		"a valid token, and another link of the user": {
			change: func(s *scene) { s.mine.LinkID = s.connected },
		},
		"a valid token, and another user's link": {
			change: func(s *scene) { s.mine.LinkID = s.foreign },
		},
		"a valid token, and an unknown link": {
			change: func(s *scene) { s.mine.LinkID = "../links" },
		},
		"another user's token": {
			change: func(s *scene) { s.mine.ExchangeableToken = s.theirs.ExchangeableToken },
			err:    moneykit.ErrLinkNotOwned, awaits: true,
		},
		"another user's token, and the exchange does not arrive": {
			change: func(s *scene) { s.mine.ExchangeableToken = s.theirs.ExchangeableToken },
			reset:  moneykittest.ResetBefore,
			err:    moneykit.ErrLinkNotOwned, awaits: true,
		},
		"another user's token, and the response is lost": {
			change: func(s *scene) { s.mine.ExchangeableToken = s.theirs.ExchangeableToken },
			reset:  moneykittest.ResetAfter,
			err:    moneykit.ErrorCodeInvalidTokenExchange, awaits: true,
		},
		"an invented token": {
			change: func(s *scene) { s.mine.ExchangeableToken = finishDecoy },
			err:    moneykit.ErrorCodeInvalidTokenExchange, awaits: true,
		},
		"an invented token, and another user's link": {
			change: func(s *scene) { s.mine.ExchangeableToken, s.mine.LinkID = finishDecoy, s.foreign },
			err:    moneykit.ErrorCodeInvalidTokenExchange, awaits: true,
		},
		"an invented token, and another user's link that awaits its exchange": {
			change: func(s *scene) { s.mine.ExchangeableToken, s.mine.LinkID = finishDecoy, s.theirs.LinkID },
			err:    moneykit.ErrorCodeInvalidTokenExchange, awaits: true,
		},
		"an invented token, and another user's accounts": {
			change: func(s *scene) {
				s.mine.ExchangeableToken, s.mine.LinkID, s.mine.Accounts = finishDecoy, "", s.theirs.Accounts
			},
			err: moneykit.ErrorCodeInvalidTokenExchange, awaits: true,
		},
		"an invented token, and a connected link of the user": { // which it gives nobody else
			change: func(s *scene) { s.mine.ExchangeableToken, s.mine.LinkID = finishDecoy, s.connected },
			link:   func(s *scene) string { return s.connected }, awaits: true,
		},
		"only an invented token": {
			change: func(s *scene) {
				s.mine = &moneykit.ConnectResult{Outcome: moneykit.ConnectLinked, ExchangeableToken: finishDecoy}
			},
			err: moneykit.ErrorCodeInvalidTokenExchange, awaits: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFinishing(t)
			s := &scene{finishing: f}
			s.connected = f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank}).ID
			s.foreign = f.mk.AddLink(moneykittest.LinkSpec{UserID: finishOther, InstitutionID: moneykittest.CredentialsBank}).ID
			s.mine, s.theirs = f.linked(t, finishUser, moneykit.ConnectWeb), f.linked(t, finishOther, moneykit.ConnectWeb)
			mine := s.mine.LinkID
			if tt.reset != moneykittest.NoReset {
				f.mk.Fail(exchangeCall, 1, moneykittest.Fault{Reset: tt.reset})
			}
			tt.change(s)
			link, err := f.finish(t.Context(), finishUser, s.mine)
			if tt.awaits {
				assert.Equal(t, moneykit.LinkStateAwaitingTokenExchange, f.state(t, mine))
			}
			if tt.err != nil {
				require.ErrorIs(t, err, tt.err)
				assert.Nil(t, link)
				keepsQuiet(t, err, s.mine)
				return
			}
			require.NoError(t, err)
			want := mine
			if tt.link != nil {
				want = tt.link(s)
			}
			assert.Equal(t, want, link.ID)
		})
	}
}

// TestFinishConcurrently finishes one result in many goroutines.
func TestFinishConcurrently(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{true, false} {
		f := newFinishing(t)
		f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank})
		result := f.linked(t, finishUser, moneykit.ConnectWeb)
		linkID := result.LinkID
		if !named {
			result.LinkID = ""
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				link, err := f.finish(t.Context(), finishUser, result)
				if assert.NoError(t, err) {
					assert.Equal(t, linkID, link.ID)
				}
			})
		}
		wg.Wait()
		assert.Equal(t, 1, f.exchanged())
	}
}

// unanswered is a transport that replaces the response to an exchange. The exchange may still take
// place.
type unanswered struct {
	base   http.RoundTripper
	status int
}

func (u *unanswered) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := u.base.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/exchange-token") {
		return resp, err
	}
	resp.Body.Close()
	return &http.Response{
		StatusCode: u.status, Header: http.Header{"Content-Type": {"text/html"}}, Request: r,
		Body: io.NopCloser(strings.NewReader("<h1>It did not work</h1>")),
	}, nil
}

// TestFinishAfterLostResponse loses the response to the exchange.
func TestFinishAfterLostResponse(t *testing.T) {
	t.Parallel()
	const after, before = true, false
	tests := map[string]struct {
		handled bool
		fault   moneykittest.Fault
		status  int // of what a proxy answers in the place of MoneyKit
	}{
		"reset after the request was handled": {after, moneykittest.Fault{Reset: moneykittest.ResetAfter}, 0},
		"truncated":                           {after, moneykittest.Fault{Truncate: true}, 0},
		"not JSON":                            {after, moneykittest.Fault{Body: "<h1>Welcome</h1>"}, 0},
		"without link":                        {after, moneykittest.Fault{Body: "{}"}, 0},
		"502 after it is handled":             {after, moneykittest.Fault{}, http.StatusBadGateway},
		"504 after it is handled":             {after, moneykittest.Fault{}, http.StatusGatewayTimeout},
		"reset before the request arrives":    {before, moneykittest.Fault{Reset: moneykittest.ResetBefore}, 0},
		"503 in the place of an answer":       {before, moneykittest.Fault{Status: http.StatusServiceUnavailable}, 0},
	}
	for name, tt := range tests {
		for _, named := range []bool{true, false} {
			for _, others := range []int{0, 1, 2} {
				t.Run(name+" names the link: "+strconv.FormatBool(named)+" others: "+strconv.Itoa(others), func(t *testing.T) {
					t.Parallel()
					f := newFinishing(t)
					for range others {
						f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank})
					}
					result := f.linked(t, finishUser, moneykit.ConnectWeb)
					linkID := result.LinkID
					if !named {
						result.LinkID = ""
					}
					if tt.status != 0 {
						pool := &http.Transport{}
						t.Cleanup(pool.CloseIdleConnections)
						f.client = f.mk.Client(moneykit.WithBaseURL(f.mk.URL()),
							moneykit.WithHTTPClient(&http.Client{Transport: &unanswered{pool, tt.status}}))
					} else {
						f.mk.Fail(exchangeCall, 1, tt.fault)
					}
					link, err := f.finish(t.Context(), finishUser, result)
					switch {
					case tt.handled:
						require.NoError(t, err)
						assert.Equal(t, linkID, link.ID)
						assert.Equal(t, 1, f.count(exchangeCall), "it is not exchanged again")
					case named:
						require.NoError(t, err)
						assert.Equal(t, linkID, link.ID)
						assert.Equal(t, 2, f.count(exchangeCall))
					default: // accounts of a link that awaits cannot be read
						require.ErrorIs(t, err, moneykit.ErrOutcomeUnknown)
						assert.Nil(t, link)
						keepsQuiet(t, err, result)
						assert.Equal(t, moneykit.ActionRetry, moneykit.ActionFor(err))
						assert.Equal(t, 1, f.count(exchangeCall))
						link, err = f.finish(t.Context(), finishUser, result)
						require.NoError(t, err)
						assert.Equal(t, linkID, link.ID)
					}
					assert.Equal(t, moneykit.LinkStateConnected, link.State)
				})
			}
		}
	}
}

// TestFinishRetriesLostExchangeOnce checks that an exchange that did not arrive is retried once.
func TestFinishRetriesLostExchangeOnce(t *testing.T) {
	t.Parallel()
	f := newFinishing(t)
	result := f.linked(t, finishUser, moneykit.ConnectIOS)
	f.mk.Fail(exchangeCall, -1, moneykittest.Fault{Reset: moneykittest.ResetBefore})
	link, err := f.finish(t.Context(), finishUser, result)
	require.ErrorIs(t, err, moneykit.ErrOutcomeUnknown)
	assert.Nil(t, link)
	assert.Equal(t, 2, f.count(exchangeCall))
	keepsQuiet(t, err, result)

	f.mk.Fail(exchangeCall, 0, moneykittest.Fault{})
	f.mk.Fail(exchangeCall, 1, moneykittest.Fault{Reset: moneykittest.ResetBefore})
	f.mk.Fail(exchangeCall, 1, moneykittest.Fault{Reset: moneykittest.ResetAfter})
	link, err = f.finish(t.Context(), finishUser, result)
	require.NoError(t, err, "the second exchange was the one")
	assert.Equal(t, result.LinkID, link.ID)
}

// TestFinishIfLookupFails fails the calls after an exchange, and finishes the result later.
func TestFinishIfLookupFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		operation string
		named     bool
		lost      bool // the answer to the exchange
		earlier   bool // the token is exchanged
	}{
		"after the exchange":                     {"get_user_links", true, false, false},
		"after a lost response":                  {"get_user_links", true, true, false},
		"after the exchange before":              {"get_user_links", true, false, true},
		"accounts after a lost response":         {"get_user_accounts", false, true, false},
		"accounts after the exchange before":     {"get_user_accounts", false, false, true},
		"after the exchange before, unnamed":     {"get_user_links", false, false, true},
		"after a lost response, without link id": {"get_user_links", false, true, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFinishing(t)
			result := f.linked(t, finishUser, moneykit.ConnectWeb)
			linkID := result.LinkID
			if !tt.named {
				result.LinkID = ""
			}
			if tt.earlier {
				f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, linkID)
				f.restart()
			}
			if tt.lost {
				f.mk.Fail(exchangeCall, 1, moneykittest.Fault{Reset: moneykittest.ResetAfter})
			}
			f.mk.Fail(tt.operation, 1, moneykittest.Fault{Status: http.StatusServiceUnavailable})
			link, err := f.finish(t.Context(), finishUser, result)
			require.ErrorContains(t, err, "503 Service Unavailable")
			assert.Nil(t, link)
			assert.Equal(t, tt.lost, errors.Is(err, moneykit.ErrOutcomeUnknown))
			require.NotErrorIs(t, err, moneykit.ErrorCodeInvalidTokenExchange, "the token may be a good one")
			assert.Equal(t, moneykit.ActionRetry, moneykit.ActionFor(err))
			keepsQuiet(t, err, result)
			f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, linkID)
		})
	}
}

// TestFinishFindsLinkAmongSeveral looks for the link of an exchanged token. The result has no link
// id, and the user has several links.
func TestFinishFindsLinkAmongSeveral(t *testing.T) {
	t.Parallel()
	type outcome struct {
		lost bool // the answer to the exchange; otherwise it was made before
		err  error
	}
	outcomes := []outcome{{true, moneykit.ErrOutcomeUnknown}, {false, moneykit.ErrorCodeInvalidTokenExchange}}
	tests := map[string]struct {
		prepare func(*finishing, *moneykit.ConnectResult) // with the new link
		found   bool
	}{
		"one at the bank": {func(*finishing, *moneykit.ConnectResult) {}, true},
		"two, with accounts of their own": {func(f *finishing, _ *moneykit.ConnectResult) {
			f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank})
		}, true},
		"two with the same accounts": {func(f *finishing, result *moneykit.ConnectResult) {
			var same []moneykit.Account
			for _, a := range result.Accounts {
				same = append(same, moneykit.Account{ID: a.ID, Name: a.Name, Type: "depository.checking"})
			}
			f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank, Accounts: same})
		}, false},
		"two, without accounts in the result": {func(f *finishing, result *moneykit.ConnectResult) {
			f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank})
			result.Accounts = nil
		}, false},
		"one, without accounts in the result": {func(_ *finishing, result *moneykit.ConnectResult) {
			result.Accounts = nil // it may be an old one
		}, false},
		"one, with an account besides": {func(_ *finishing, result *moneykit.ConnectResult) {
			result.Accounts = append(result.Accounts, moneykit.ConnectAccount{ID: "acc_none"})
		}, false},
		"one at another bank": {func(f *finishing, result *moneykit.ConnectResult) {
			f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.InstantBank})
			result.Institution.ID = moneykittest.InstantBank
		}, false},
		"none at the bank": {func(_ *finishing, result *moneykit.ConnectResult) {
			result.Institution.ID = moneykittest.OAuthBank
		}, false},
		"another user's at the bank": {func(f *finishing, _ *moneykit.ConnectResult) {
			f.mk.AddLink(moneykittest.LinkSpec{UserID: finishOther, InstitutionID: moneykittest.CredentialsBank})
		}, true},
		"one in state error, and another": { // the accounts of a broken link cannot be read
			func(f *finishing, result *moneykit.ConnectResult) {
				f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank})
				f.mk.Break(result.LinkID, moneykit.LinkErrorAuthExpired)
			}, false,
		},
	}
	for name, tt := range tests {
		for _, o := range outcomes {
			t.Run(name+" lost: "+strconv.FormatBool(o.lost), func(t *testing.T) {
				t.Parallel()
				f := newFinishing(t)
				result := f.linked(t, finishUser, moneykit.ConnectWeb)
				linkID := result.LinkID
				if !o.lost {
					f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, linkID)
					f.restart()
				} else {
					f.mk.Fail(exchangeCall, 1, moneykittest.Fault{Reset: moneykittest.ResetAfter})
				}
				tt.prepare(f, result)
				result.LinkID = ""
				link, err := f.finish(t.Context(), finishUser, result)
				if tt.found {
					require.NoError(t, err)
					assert.Equal(t, linkID, link.ID)
					return
				}
				require.ErrorIs(t, err, o.err)
				assert.Nil(t, link)
				keepsQuiet(t, err, result)
			})
		}
	}
}

// TestFinishWithSpentToken posts a token that can no longer be exchanged.
func TestFinishWithSpentToken(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T, *finishing, *moneykit.ConnectResult){
		"expired": func(_ *testing.T, f *finishing, _ *moneykit.ConnectResult) { f.mk.Advance(31 * time.Minute) },
		"deleted": func(t *testing.T, f *finishing, result *moneykit.ConnectResult) {
			t.Helper()
			require.NoError(t, f.client.Links.Delete(t.Context(), result.LinkID))
		},
		"exchanged and deleted": func(t *testing.T, f *finishing, result *moneykit.ConnectResult) {
			t.Helper()
			f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, result.LinkID)
			f.restart()
			require.NoError(t, f.client.Links.Delete(t.Context(), result.LinkID))
		},
	}
	for name, prepare := range tests {
		for _, named := range []bool{true, false} {
			t.Run(name+" names the link: "+strconv.FormatBool(named), func(t *testing.T) {
				t.Parallel()
				f := newFinishing(t)
				result := f.linked(t, finishUser, moneykit.ConnectAndroid)
				prepare(t, f, result)
				if !named {
					result.LinkID = ""
				}
				link, err := f.finish(t.Context(), finishUser, result)
				require.ErrorIs(t, err, moneykit.ErrorCodeInvalidTokenExchange)
				assert.Nil(t, link)
				assert.Equal(t, moneykit.ActionGone, moneykit.ActionFor(err))
				keepsQuiet(t, err, result)
			})
		}
	}
}

// TestFinishWithOnlyAToken posts a result that contains only a token, twice.
func TestFinishWithOnlyAToken(t *testing.T) {
	t.Parallel()
	f := newFinishing(t)
	played := f.linked(t, finishUser, moneykit.ConnectWeb)
	linkID, result := played.LinkID, &moneykit.ConnectResult{Outcome: moneykit.ConnectLinked, ExchangeableToken: played.ExchangeableToken}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			link, err := f.finish(t.Context(), finishUser, result)
			if assert.NoError(t, err) {
				assert.Equal(t, linkID, link.ID)
			}
		})
	}
	all.Wait()
	assert.Equal(t, 1, f.count(exchangeCall))

	link, err := f.finish(t.Context(), finishOther, result)
	require.ErrorIs(t, err, moneykit.ErrorCodeInvalidTokenExchange, "it is not the other user's")
	assert.Nil(t, link)

	require.NoError(t, f.client.Links.Delete(t.Context(), linkID))
	link, err = f.finish(t.Context(), finishUser, result)
	require.ErrorIs(t, err, moneykit.ErrLinkDeleted)
	assert.Nil(t, link)
	assert.Equal(t, moneykit.ActionGone, moneykit.ActionFor(err))

	f.restart()
	_, err = f.finish(t.Context(), finishUser, result)
	require.ErrorIs(t, err, moneykit.ErrorCodeInvalidTokenExchange)

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.finish(cancelled, finishUser, result)
	require.ErrorIs(t, err, context.Canceled)
}

// TestFinishReturnsBrokenLink posts a result again after its link has changed to state error.
func TestFinishReturnsBrokenLink(t *testing.T) {
	t.Parallel()
	f := newFinishing(t)
	result := f.linked(t, finishUser, moneykit.ConnectIOS)
	f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, result.LinkID)
	f.mk.Break(result.LinkID, moneykit.LinkErrorAuthExpired)
	link, err := f.finish(t.Context(), finishUser, result)
	require.NoError(t, err)
	assert.Equal(t, result.LinkID, link.ID)
	assert.Equal(t, moneykit.ActionRelink, link.Action())
}

// TestFinishExchangeFails checks that errors that are not about the token are returned.
func TestFinishExchangeFails(t *testing.T) {
	t.Parallel()
	for code, class := range map[moneykit.ErrorCode]error{
		moneykit.ErrorCodeUnauthorized:      moneykit.ErrUnauthorized,
		moneykit.ErrorCodeRateLimitExceeded: moneykit.ErrRateLimited,
	} {
		f := newFinishing(t)
		result := f.linked(t, finishUser, moneykit.ConnectIOS)
		f.mk.Fail(exchangeCall, 1, moneykittest.Fault{Code: code})
		link, err := f.finish(t.Context(), finishUser, result)
		require.ErrorIs(t, err, class)
		assert.Nil(t, link)
		assert.Zero(t, f.count("get_user_links"))
		f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, result.LinkID)
	}
}

// TestFinishRelinkOfAnother checks that links of other users and unknown links get the same error,
// and are not read.
func TestFinishRelinkOfAnother(t *testing.T) {
	t.Parallel()
	f := newFinishing(t)
	gone := f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser})
	require.NoError(t, f.client.Links.Delete(t.Context(), gone.ID))
	for name, linkID := range map[string]string{
		"another's":                          f.mk.AddLink(moneykittest.LinkSpec{UserID: finishOther}).ID,
		"another user's link in state error": f.mk.AddLink(moneykittest.LinkSpec{UserID: finishOther, Error: moneykit.LinkErrorUserError}).ID,
		"none":                               "mk_none",
		"a path":                             "../users/" + finishOther,
		"deleted":                            gone.ID, // the sandbox does not list it
	} {
		for _, byApplication := range []bool{true, false} {
			t.Run(name+" by the application: "+strconv.FormatBool(byApplication), func(t *testing.T) {
				params := moneykit.FinishParams{Result: &moneykit.ConnectResult{Outcome: moneykit.ConnectRelinked}, UserID: finishUser}
				if byApplication {
					params.LinkID = linkID
				} else {
					params.Result.LinkID = linkID
				}
				link, err := f.client.LinkSessions.Finish(t.Context(), params)
				require.ErrorIs(t, err, moneykit.ErrLinkNotOwned)
				assert.Equal(t, "moneykit: proving the owner of a link: the link is not the user's", err.Error())
				assert.Nil(t, link)
				assert.Zero(t, f.count("get_link"))
				keepsQuiet(t, err, nil)
			})
		}
	}
}

// TestFinishRelinkDeleted relinks a deleted link that MoneyKit still lists, with each form in which
// MoneyKit reports that it is deleted.
func TestFinishRelinkDeleted(t *testing.T) {
	t.Parallel()
	deleted := strings.Replace(linkJSON, `"connected"`, `"deleted"`, 1)
	for name, get := range map[string]struct {
		status int
		body   string
	}{
		"200": {http.StatusOK, deleted},
		"410": {http.StatusGone, `{"error_code":"link_error.deleted","error_message":"It is deleted."}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock := newMock(t)
			mock.RegisterResponder(http.MethodGet, testBase+"/users/"+finishUser+"/links", answers(http.StatusOK, `{"links":{"mk_1":`+deleted+`}}`))
			mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(get.status, get.body))
			link, err := newClient(t, mock).LinkSessions.Finish(t.Context(), moneykit.FinishParams{
				Result: &moneykit.ConnectResult{Outcome: moneykit.ConnectRelinked, LinkID: "mk_1"}, UserID: finishUser,
			})
			require.ErrorIs(t, err, moneykit.ErrLinkDeleted)
			assert.Nil(t, link)
			assert.Equal(t, moneykit.ActionGone, moneykit.ActionFor(err))
		})
	}
}

// TestFinishIgnoresDeletedLinks looks for a link if MoneyKit also lists deleted ones.
func TestFinishIgnoresDeletedLinks(t *testing.T) {
	t.Parallel()
	link := func(id, state string) string {
		body := strings.Replace(linkJSON, `"connected"`, `"`+state+`"`, 1)
		return `"` + id + `":` + strings.Replace(body, `"mk_1"`, `"`+id+`"`, 1)
	}
	mock := newMock(t)
	mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token",
		answers(http.StatusBadRequest, `{"error_code":"link_session_error.invalid_token_exchange","error_message":"It is used."}`))
	mock.RegisterResponder(http.MethodGet, testBase+"/users/"+finishUser+"/links",
		answers(http.StatusOK, `{"links":{`+link("mk_1", "deleted")+`,`+link("mk_2", "connected")+`}}`))
	client := newClient(t, mock)
	result := &moneykit.ConnectResult{
		Outcome: moneykit.ConnectLinked, ExchangeableToken: finishDecoy, Institution: moneykit.ConnectInstitution{ID: "chase"}, LinkID: "mk_2",
	}
	found, err := client.LinkSessions.Finish(t.Context(), moneykit.FinishParams{Result: result, UserID: finishUser})
	require.NoError(t, err)
	assert.Equal(t, "mk_2", found.ID)
	result.LinkID = "mk_1"
	_, err = client.LinkSessions.Finish(t.Context(), moneykit.FinishParams{Result: result, UserID: finishUser})
	require.ErrorIs(t, err, moneykit.ErrorCodeInvalidTokenExchange)
}

// TestFinishRemembersTheExchange fails the check of the owner after an exchange. The next Finish
// must return the same link, although the result does not identify it among the user's links.
func TestFinishRemembersTheExchange(t *testing.T) {
	t.Parallel()
	f := newFinishing(t)
	f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, InstitutionID: moneykittest.CredentialsBank})
	result := f.linked(t, finishUser, moneykit.ConnectWeb)
	linkID := result.LinkID
	result.LinkID, result.Accounts = "", nil
	f.mk.Fail("get_user_links", 1, moneykittest.Fault{Status: http.StatusInternalServerError})
	_, err := f.finish(t.Context(), finishUser, result)
	require.Error(t, err)
	_, err = f.finish(t.Context(), finishOther, result)
	require.ErrorIs(t, err, moneykit.ErrorCodeInvalidTokenExchange, "another user gets nothing of it")
	link, err := f.finish(t.Context(), finishUser, result)
	require.NoError(t, err)
	assert.Equal(t, linkID, link.ID)
	f.finishes(t, moneykit.FinishParams{Result: result, UserID: finishUser}, linkID)
	f.restart()
	_, err = f.finish(t.Context(), finishUser, result)
	require.ErrorIs(t, err, moneykit.ErrorCodeInvalidTokenExchange, "another process does not know it")
}

// waitScene is a link that Finish waits for, and the context of the call.
type waitScene struct {
	*finishing

	link   moneykit.Link
	cancel context.CancelFunc
}

// finishWait is a relink and its expected result.
type finishWait struct {
	spec    moneykittest.LinkSpec
	prepare func(*waitScene)
	within  time.Duration // the caller's deadline
	took    time.Duration
	reads   int
	errs    []error // none for success
	action  moneykit.Action
}

func finishWaits() map[string]finishWait {
	broken := moneykittest.LinkSpec{UserID: finishUser, Error: moneykit.LinkErrorInvalidCredentials}
	late := func(d time.Duration, f func(*waitScene)) func(*waitScene) {
		return func(s *waitScene) { time.AfterFunc(d, func() { f(s) }) }
	}
	badState := []error{moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorInvalidCredentials, moneykit.ErrRelinkRequired}
	return map[string]finishWait{
		"connected": {spec: moneykittest.LinkSpec{UserID: finishUser}, reads: 1},
		"connected soon": {
			spec: broken, prepare: late(12*time.Second, func(s *waitScene) { s.mk.Break(s.link.ID, "") }),
			took: 15 * time.Second, reads: 4,
		},
		"connected shortly before the limit": {
			spec: broken, prepare: late(24*time.Second, func(s *waitScene) { s.mk.Break(s.link.ID, "") }),
			took: 25 * time.Second, reads: 6,
		},
		"connecting, then connected": {
			spec:    moneykittest.LinkSpec{UserID: finishUser, State: moneykit.LinkStateConnecting},
			prepare: late(time.Second, func(s *waitScene) { s.mk.Break(s.link.ID, "") }),
			took:    5 * time.Second, reads: 2,
		},
		"in state error until the limit": {
			spec: broken, took: 29 * time.Second, reads: 6,
			errs: append(badState, context.DeadlineExceeded), action: moneykit.ActionRelink,
		},
		"in state error for another reason": {
			spec: broken, prepare: late(time.Second, func(s *waitScene) { s.mk.Break(s.link.ID, moneykit.LinkErrorInstitutionError) }),
			took: 29 * time.Second, reads: 6,
			errs:   []error{moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorInstitutionError, context.DeadlineExceeded},
			action: moneykit.ActionRetry,
		},
		"in state error while the last read hangs": {
			spec: broken, prepare: late(7*time.Second, func(s *waitScene) {
				s.mk.Fail("get_link", -1, moneykittest.Fault{Latency: time.Minute})
			}),
			took: 29 * time.Second, reads: 3,
			errs: append(badState, context.DeadlineExceeded), action: moneykit.ActionRelink,
		},
		"connecting until the limit": {
			spec: moneykittest.LinkSpec{UserID: finishUser, State: moneykit.LinkStateConnecting},
			took: 29 * time.Second, reads: 6,
			errs: []error{moneykit.ErrLinkConnecting, context.DeadlineExceeded}, action: moneykit.ActionWait,
		},
		"deleted while waiting": {
			spec: broken, prepare: late(7*time.Second, func(s *waitScene) {
				_ = s.client.Links.Delete(context.Background(), s.link.ID)
			}),
			took: 10 * time.Second, reads: 3, errs: []error{moneykit.ErrLinkDeleted}, action: moneykit.ActionGone,
		},
		"cancelled": {
			spec: broken, prepare: late(7*time.Second, func(s *waitScene) { s.cancel() }),
			took: 7 * time.Second, reads: 2, errs: append(badState, context.Canceled), action: moneykit.ActionRelink,
		},
		"the caller's deadline": {
			spec: broken, within: 3 * time.Second,
			took: 3 * time.Second, reads: 1, errs: append(badState, context.DeadlineExceeded), action: moneykit.ActionRelink,
		},
		"a read fails": {
			spec: broken, prepare: late(7*time.Second, func(s *waitScene) {
				s.mk.Fail("get_link", 1, moneykittest.Fault{Code: moneykit.ErrorCodeUnauthorized})
			}),
			took: 10 * time.Second, reads: 3, errs: []error{moneykit.ErrUnauthorized}, action: moneykit.ActionFix,
		},
	}
}

// TestFinishWaitsForRelinkedLink checks how long Finish waits and what it returns.
func TestFinishWaitsForRelinkedLink(t *testing.T) {
	t.Parallel()
	for name, tt := range finishWaits() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFinishing(t, moneykittest.WithRateLimits())
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.within > 0 {
					ctx, cancel = context.WithTimeout(ctx, tt.within)
					defer cancel()
				}
				s := &waitScene{f, f.mk.AddLink(tt.spec), cancel}
				if tt.prepare != nil {
					tt.prepare(s)
				}
				start := time.Now()
				link, err := f.finish(ctx, finishUser, &moneykit.ConnectResult{Outcome: moneykit.ConnectRelinked, LinkID: s.link.ID})
				assert.Equal(t, tt.took, time.Since(start))
				assert.Equal(t, tt.reads, f.count("get_link"))
				if tt.errs == nil {
					require.NoError(t, err)
					assert.Equal(t, s.link.ID, link.ID)
					assert.Equal(t, moneykit.LinkStateConnected, link.State)
					return
				}
				assert.Nil(t, link)
				for _, want := range tt.errs {
					require.ErrorIs(t, err, want)
				}
				assert.Equal(t, tt.action, moneykit.ActionFor(err))
				keepsQuiet(t, err, nil)
				if tt.took == 29*time.Second { // called again at once it stays within what MoneyKit allows a minute
					_, err = f.finish(t.Context(), finishUser, &moneykit.ConnectResult{Outcome: moneykit.ConnectRelinked, LinkID: s.link.ID})
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
			})
		})
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	url := testBase + "/link-session/exchange-token"
	var body []byte
	mock.RegisterResponder(http.MethodPost, url, func(r *http.Request) (*http.Response, error) {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		return answers(201, `{"link_id":"mk_1","link":`+linkJSON+`}`)(r)
	})
	client := newClient(t, mock)
	link, err := client.LinkSessions.Exchange(t.Context(), "exchangeable-canary")
	require.NoError(t, err)
	assert.Equal(t, "mk_1", link.ID)
	assert.Equal(t, moneykit.LinkStateConnected, link.State)
	assert.JSONEq(t, `{"exchangeable_token":"exchangeable-canary"}`, string(body))

	mock.RegisterResponder(http.MethodPost, url, answers(201, `{"link_id":"mk_2"}`))
	link, err = client.LinkSessions.Exchange(t.Context(), "exchangeable-canary")
	require.NoError(t, err)
	assert.Equal(t, "mk_2", link.ID, "the deprecated member contains the id")
}

func TestExchangeFails(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token",
		answers(400, `{"error_code":"link_session_error.invalid_token_exchange","error_message":"exchangeable-canary is invalid"}`))
	_, err := newClient(t, mock).LinkSessions.Exchange(t.Context(), "exchangeable-canary")
	require.ErrorIs(t, err, moneykit.ErrorCodeInvalidTokenExchange)
	assert.NotContains(t, err.Error(), "exchangeable-canary")

	for _, token := range []string{"", " \n"} {
		_, err = newClient(t, newMock(t)).LinkSessions.Exchange(t.Context(), token) // any request fails the test
		require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed)
	}
}
