package moneykit_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

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
