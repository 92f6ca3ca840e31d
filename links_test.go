package moneykit_test

import (
	"context"
	"io"
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

func TestLinksAndAccounts(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, linkJSON))
	mock.RegisterResponder(http.MethodDelete, testBase+"/links/mk_1", answers(204, ``))
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/accounts", answers(200,
		`{"accounts":[{"account_id":"acc_1","account_type":"depository.checking","name":"Checking",
			"balances":{"currency":"USD","available":340.12,"current":"445.89","limit":null}}],"link":`+linkJSON+`}`))
	client := newClient(t, mock)
	link, err := client.Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, time.Date(2023, 2, 16, 9, 14, 11, 0, time.UTC), link.Products.Accounts.RefreshedAt.Time, "a time without a zone is in UTC")
	assert.Nil(t, link.Products.Identity)
	accounts, err := client.Accounts.List(t.Context(), "mk_1", moneykit.AccountListParams{})
	require.NoError(t, err)
	require.Len(t, accounts.Accounts, 1)
	balances := accounts.Accounts[0].Balances
	assert.Equal(t, "340.12", balances.Available.String())
	assert.Equal(t, "445.89", balances.Current.String(), "a string is accepted in place of a number")
	assert.Nil(t, balances.Limit)
	require.NoError(t, client.Links.Delete(t.Context(), "mk_1"))
}

func TestDeletedLinkCanBeRead(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, `{"link_id":"mk_1","state":"deleted","products":{}}`))
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_2", answers(410, `{"error_code":"link_error.deleted"}`))
	client := newClient(t, mock)
	link, err := client.Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateDeleted, link.State)
	_, err = client.Links.Get(t.Context(), "mk_2")
	require.ErrorIs(t, err, moneykit.ErrLinkDeleted)
}

func TestImportMayTakeTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodPost, testBase+"/links/mk_1/import/transactions", func(r *http.Request) (*http.Response, error) {
			<-time.After(9 * time.Second)
			return answers(200, linkJSON)(r)
		})
		link, err := newClient(t, mock).Links.ImportTransactions(t.Context(), "mk_1", moneykit.TransactionImportParams{})
		require.NoError(t, err)
		assert.Equal(t, "mk_1", link.ID)
	})
}

func TestImportErrorContainsNoData(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodPost, testBase+"/links/mk_1/import/transactions", func(r *http.Request) (*http.Response, error) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return httpmock.NewStringResponse(http.StatusInternalServerError, "<pre>"+string(data)), nil
	})
	_, err := newClient(t, mock).Links.ImportTransactions(t.Context(), "mk_1", moneykit.TransactionImportParams{
		Transactions: []moneykit.TransactionImport{{
			AccountID: "7", Date: moneykit.Date{Year: 2023, Month: 1, Day: 1}, Description: "the family doctor",
		}},
	})
	require.ErrorIs(t, err, moneykit.ErrOutcomeUnknown)
	assert.NotContains(t, err.Error(), "doctor")
}

// TestWaitConnected reads a link until it is connected.
func TestWaitConnected(t *testing.T) {
	t.Parallel()
	in := func(state moneykit.LinkState) string {
		return strings.Replace(linkJSON, `"connected"`, `"`+string(state)+`"`, 1)
	}
	broken := strings.Replace(linkJSON, `"connected"`, `"error","error_code":"incomplete"`, 1)
	type answer struct {
		status int
		body   string
	}
	tests := map[string]struct {
		answers []answer // the last one again and again
		within  time.Duration
		took    time.Duration
		state   moneykit.LinkState // of the link that is returned, "" for none
		errs    []error
		not     error
	}{
		"connected": {answers: []answer{{200, linkJSON}}, state: moneykit.LinkStateConnected},
		"connected later": {
			answers: []answer{
				{200, in(moneykit.LinkStateConnecting)},
				{200, in(moneykit.LinkStateAwaitingTokenExchange)},
				{200, broken},
				{200, in("brand_new")},
				{200, linkJSON},
			},
			took: 20 * time.Second, state: moneykit.LinkStateConnected,
		},
		"deleted": {
			answers: []answer{{200, in(moneykit.LinkStateDeleted)}}, state: moneykit.LinkStateDeleted,
			errs: []error{moneykit.ErrLinkDeleted, moneykit.ErrorCodeLinkDeleted},
		},
		"deleted, 410": {
			answers: []answer{{410, `{"error_code":"link_error.deleted","error_message":"It is gone."}`}},
			errs:    []error{moneykit.ErrLinkDeleted, moneykit.ErrorCodeLinkDeleted},
		},
		"deleted while waiting": {
			answers: []answer{{200, broken}, {410, `{"error_code":"link_error.deleted","error_message":"It is gone."}`}},
			took:    5 * time.Second, errs: []error{moneykit.ErrLinkDeleted},
		},
		"none": {
			answers: []answer{{404, `{"error_code":"link_error.not_found","error_message":"There is none."}`}},
			errs:    []error{moneykit.ErrNotFound},
		},
		"broken": {
			answers: []answer{{200, broken}}, within: 12 * time.Second, took: 12 * time.Second, state: moneykit.LinkStateError,
			errs: []error{context.DeadlineExceeded, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorIncomplete, moneykit.ErrRelinkRequired},
		},
		"in state error when the context ends during a pause": {
			answers: []answer{{200, broken}}, within: 10 * time.Second, took: 10 * time.Second, state: moneykit.LinkStateError,
			errs: []error{context.DeadlineExceeded, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorIncomplete},
		},
		"in state error without a reason": {
			answers: []answer{{200, in(moneykit.LinkStateError)}}, within: time.Second, took: time.Second, state: moneykit.LinkStateError,
			errs: []error{context.DeadlineExceeded, moneykit.ErrorCodeLinkBadState, moneykit.ErrRelinkRequired},
		},
		"connecting": {
			answers: []answer{{200, in(moneykit.LinkStateConnecting)}}, within: time.Second, took: time.Second,
			state: moneykit.LinkStateConnecting, errs: []error{context.DeadlineExceeded}, not: moneykit.ErrorCodeLinkBadState,
		},
		"a new state": {
			answers: []answer{{200, in("brand_new")}}, within: 6 * time.Second, took: 6 * time.Second,
			state: "brand_new", errs: []error{context.DeadlineExceeded}, not: moneykit.ErrorCodeLinkBadState,
		},
		"an ended context": {
			answers: []answer{{200, broken}}, within: -1, errs: []error{context.DeadlineExceeded},
			not: moneykit.ErrorCodeLinkBadState,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mock := newMock(t)
				n := 0
				mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", func(r *http.Request) (*http.Response, error) {
					a := tt.answers[min(n, len(tt.answers)-1)]
					n++
					return answers(a.status, a.body)(r)
				})
				ctx := t.Context()
				if tt.within != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.within)
					defer cancel()
				}
				start := time.Now()
				link, err := newClient(t, mock).Links.WaitConnected(ctx, "mk_1")
				assert.Equal(t, tt.took, time.Since(start))
				if tt.state == "" {
					assert.Nil(t, link)
				} else if assert.NotNil(t, link) {
					assert.Equal(t, tt.state, link.State)
				}
				if tt.errs == nil {
					require.NoError(t, err)
				}
				for _, want := range tt.errs {
					require.ErrorIs(t, err, want)
				}
				if tt.not != nil {
					require.NotErrorIs(t, err, tt.not)
				}
			})
		})
	}
}

// TestWaitConnectedRefuses waits for a link without an id.
func TestWaitConnectedRefuses(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", ".", ".."} {
		link, err := newClient(t, newMock(t)).Links.WaitConnected(t.Context(), id)
		require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed)
		assert.Nil(t, link)
	}
}
