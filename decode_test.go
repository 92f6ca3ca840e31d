package moneykit_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// oneOdd returns a page of 500 transactions of which one has an odd member.
func oneOdd(member string) string {
	rows := make([]string, 500)
	for i := range rows {
		odd := `"x":1`
		if i == 321 {
			odd = member
		}
		rows[i] = fmt.Sprintf(`{"transaction_id":"txn_%d","account_id":"acc_1","amount":"1.50","currency":"USD","type":"debit",`+
			`"date":"2023-02-16","pending":false,"description":"Shoes",%s}`, i, odd)
	}
	return `{"transactions":[` + strings.Join(rows, ",") + `],"accounts":[],"total":500,"page":1,"size":500,"link":` + linkJSON + `}`
}

// TestOddScalars reads pages of which one scalar has another form than MoneyKit documents.
func TestOddScalars(t *testing.T) {
	t.Parallel()
	for _, member := range []string{
		`"date":"2023-02-16T00:00:00"`, `"date":"2023-02-16T00:00:00Z"`, `"date":"20230216"`, `"date":"2023\u002D02\u002d16"`,
		`"datetime":"2023-02-16T09:14"`, `"datetime":"2023-02-16T09:14:11\u002B02:00"`, `"datetime":"2023-02-16"`,
		`"datetime":"2023-02-16T09:14:11+00:53:28"`, `"datetime":"2023-02-16 09:14:11 +0000"`,
		`"amount":1.5`, `"amount":"1\u002e50"`, `"amount":15e-1`, `"pending":"false"`, `"description":7`,
		`"enrichment":{"category":{"value":"home","confidence":97.5}}`, `"enrichment":{"category":{"value":"home","confidence":"97"}}`,
	} {
		t.Run(member, func(t *testing.T) {
			t.Parallel()
			mock := newMock(t)
			mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions", answers(200, oneOdd(member)))
			page, err := newClient(t, mock).Transactions.List(t.Context(), "mk_1", moneykit.TransactionListParams{})
			require.NoError(t, err)
			require.Len(t, page.Transactions, 500)
			odd := page.Transactions[321]
			assert.Equal(t, "txn_321", odd.ID)
			assert.Equal(t, moneykit.Date{Year: 2023, Month: 2, Day: 16}, odd.Date)
			assert.Zero(t, odd.Amount.Cmp(moneykit.MustDecimal("1.5")))
			assert.Equal(t, moneykit.TransactionTypeDebit, odd.Type)
		})
	}
}

// TestMeaninglessScalars wants the path and the row in the error, and not the value.
func TestMeaninglessScalars(t *testing.T) {
	t.Parallel()
	for member, want := range map[string]string{
		`"date":"2017-02-29"`:          "transactions[321].date of txn_321 is not a date in the form YYYY-MM-DD",
		`"date":"2017-02-16T09:14:11"`: "transactions[321].date of txn_321 is not a date in the form YYYY-MM-DD",
		`"date":20170216`:              "transactions[321].date of txn_321 is not a date in the form YYYY-MM-DD",
		`"datetime":"tomorrow-canary"`: "transactions[321].datetime of txn_321 is not an RFC 3339 timestamp",
		`"amount":"1,50-canary"`:       "transactions[321].amount of txn_321 is not a decimal number",
		`"pending":"perhaps-canary"`:   "transactions[321].pending of txn_321 is not true or false",
		`"description":["canary"]`:     "transactions[321].description of txn_321 is not a text",
		`"enrichment":{"category":{"value":"home","confidence":"canary"}}`: "transactions[321].enrichment.category.confidence " +
			"of txn_321 is not a number",
	} {
		t.Run(member, func(t *testing.T) {
			t.Parallel()
			mock := newMock(t)
			mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions", answers(200, oneOdd(member)))
			_, err := newClient(t, mock).Transactions.List(t.Context(), "mk_1", moneykit.TransactionListParams{})
			require.EqualError(t, err, "moneykit: GET /links/{id}/transactions: 200 OK: decoding the response: "+want)
		})
	}
}

// TestOddCounts reads the numbers of a page, and the life of an access token, in other spellings.
func TestOddCounts(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions",
		answers(200, `{"transactions":[],"accounts":[],"total":"500","page":1e0,"size":50.0,"link":`+linkJSON+`}`))
	page, err := newClient(t, mock).Transactions.List(t.Context(), "mk_1", moneykit.TransactionListParams{})
	require.NoError(t, err)
	assert.Equal(t, []int{500, 1, 50}, []int{page.Total, page.Page, page.Size})
	synctest.Test(t, func(t *testing.T) {
		for _, life := range []string{`"3599"`, `3599`, `3599.0`, `3.599e3`} {
			mock := newMock(t)
			mock.RegisterResponder(http.MethodPost, testBase+"/auth/token",
				answers(201, `{"access_token":"a","token_type":"bearer","expires_in":`+life+`}`))
			token, err := newClient(t, mock).Auth.CreateToken(t.Context())
			require.NoError(t, err, life)
			assert.Equal(t, 3599*time.Second, time.Until(token.Expiry), life)
		}
	})
}

// TestByteOrderMark reads responses behind a proxy that puts a mark before them.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, "\xef\xbb\xbf"+linkJSON).
		Then(answers(410, "\xef\xbb\xbf"+`{"error_code":"link_error.deleted"}`)))
	client := newClient(t, mock)
	link, err := client.Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, "mk_1", link.ID)
	_, err = client.Links.Get(t.Context(), "mk_1")
	require.ErrorIs(t, err, moneykit.ErrLinkDeleted)
}

// TestOddEvents reads webhooks whose scalars have other forms than MoneyKit documents.
func TestOddEvents(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"webhook_event":"transactions.updates_available","webhook_major_version":"1","webhook_minor_version":0.0,` +
			`"webhook_idempotency_key":17,"webhook_timestamp":"2026-03-01 12:00","link_id":"mk_1","has_history":"true"}`,
		`{"webhook_event":"transactions.updates_available","webhook_major_version":1e0,"webhook_idempotency_key":"17",` +
			`"webhook_timestamp":"2026-03-01T12:00:00\u002B00:00","link_id":"mk\u005f1","has_history":true}`,
	} {
		event, err := moneykit.ParseUnverifiedEvent([]byte(body))
		require.NoError(t, err)
		available, ok := event.(*moneykit.TransactionsAvailable)
		require.True(t, ok)
		assert.True(t, available.HasHistory)
		assert.Equal(t, "17", available.IdempotencyKey)
		assert.Equal(t, "mk_1", available.LinkID)
		assert.True(t, available.Timestamp.Equal(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
	}
}
