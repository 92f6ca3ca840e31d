package moneykit_test

import (
	"encoding/json"
	"fmt"
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

// TestResponsesThatAreNotMoneyKits covers responses of proxies and of failing servers.
func TestResponsesThatAreNotMoneyKits(t *testing.T) {
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
		{"JSON that is not an error", 500, "application/json", `[1,2]`, "500"},
		{"a framework's 404", 404, "application/json", `{"detail":"Not Found"}`, "404 Not Found"},
		{"an unknown status", 599, "text/plain", "what", "599"},
		{"binary", 503, "application/octet-stream", "\xff\x00\x01", "503"},
		{"200 with HTML", 200, "text/html", "<h1>captive portal</h1>", "the response's content type is not JSON"},
		{"200 with text", 200, "text/plain", linkJSON, "the response's content type is not JSON"},
		{"200 without a body", 200, "application/json", "", "no body"},
		{"200 with spaces", 200, "application/json", " \n", "no body"},
		{"200 with null", 200, "application/json", " null\n", "the response is null"},
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
			assert.NotContains(t, err.Error(), "12345678", "values are personal data")
			require.NotErrorIs(t, err, moneykit.ErrNotFound, "a proxy's 404 does not say that there is no link")
			assert.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown, "a read changes nothing, so its outcome is not unknown")
		})
	}
}

func TestContentTypesThatAreJSON(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{
		"application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json", "",
		"application/json; charset", "application/json; charset=utf-8; =",
	} {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1",
			httpmock.NewStringResponder(200, linkJSON).HeaderSet(http.Header{"Content-Type": {contentType}}))
		link, err := newClient(t, mock).Links.Get(t.Context(), "mk_1")
		require.NoError(t, err, contentType)
		assert.Equal(t, "mk_1", link.ID)
	}
}

func TestDeleteThatIsNotMoneyKits(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodDelete, testBase+"/links/mk_1",
		httpmock.NewStringResponder(200, "<h1>captive portal</h1>").HeaderSet(http.Header{"Content-Type": {"text/html"}}))
	require.ErrorContains(t, newClient(t, mock).Links.Delete(t.Context(), "mk_1"), "not JSON")
}

func TestNullsAreAbsence(t *testing.T) {
	t.Parallel()
	const in = `{"link_id":null,"institution_id":null,"institution_name":null,"institution_avatar":null,"state":null,
		"error_code":null,"last_synced_at":null,"provider":null,"link_tags":null,"tags":null,"webhook":null,
		"products":{"accounts":{"refreshed_at":null,"last_attempted_at":null,"error_code":null,"error_message":null,
		"unavailable":null,"settings":null,"has_history":null},"identity":null},"available_products":null}`
	var link moneykit.Link
	require.NoError(t, json.Unmarshal([]byte(in), &link))
	assert.Equal(t, moneykit.Link{Products: moneykit.LinkProducts{Accounts: &moneykit.LinkedProduct{}}}, link)

	const account = `{"account_id":null,"nickname":null,"account_mask":null,"closed":null,"original_id":null,
		"balances":{"currency":null,"available":null,"current":null,"limit":null,"balance_date":null}}`
	var a moneykit.Account
	require.NoError(t, json.Unmarshal([]byte(account), &a))
	assert.Equal(t, moneykit.Account{}, a)
	require.NoError(t, json.Unmarshal([]byte(`{"balances":null}`), &a))
	assert.Nil(t, a.Balances.Available, "absent money is nil, never zero")
}

// oneOdd returns a page of 500 transactions, one of which has an odd member.
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

// TestOddScalars reads pages with one scalar of an undocumented form.
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

// TestMeaninglessScalars checks that errors contain the path and the row, and not the value.
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

// TestOddCounts reads a page's numbers and an access token's lifetime in undocumented forms.
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

// TestByteOrderMark reads responses to which a proxy has added a byte order mark.
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

// TestCapturedBodies checks that a captured body stays unchanged while the client reuses memory.
func TestCapturedBodies(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	first, second := oneOdd(`"category":"a"`), oneOdd(`"category":"b"`)
	for _, body := range []string{first, second} {
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions",
			answers(200, first).Then(answers(200, second)).Then(answers(200, body)))
	}
	client := newClient(t, mock)
	var captured [3]moneykit.Response
	for i := range captured {
		_, err := client.Transactions.List(t.Context(), "mk_1", moneykit.TransactionListParams{}, moneykit.CaptureResponse(&captured[i]))
		require.NoError(t, err)
	}
	assert.Equal(t, []string{first, second, second}, []string{string(captured[0].Body), string(captured[1].Body), string(captured[2].Body)})
}
