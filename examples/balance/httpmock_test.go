package balance_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/examples/balance"
)

const expired = `{
  "error_code": "link_error.bad_state",
  "error_message": "The link is not connected.",
  "documentation_url": null,
  "link_error_code": "auth_expired"
}`

func TestTotalOfExpiredLink(t *testing.T) {
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(httpmock.NewNotFoundResponder(t.Error))
	mock.RegisterResponder(http.MethodPost, "https://api.moneykit.com/auth/token",
		httpmock.NewStringResponder(201, `{"access_token": "token", "token_type": "bearer", "expires_in": 3600}`))
	mock.RegisterResponder(http.MethodGet, "https://api.moneykit.com/links/mk_1/accounts",
		httpmock.NewStringResponder(422, expired))
	client, err := moneykit.NewClient("id", "secret",
		moneykit.WithHTTPClient(&http.Client{Transport: mock}),
		moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1})) // do not wait
	if err != nil {
		t.Fatal(err)
	}

	if _, err := balance.Total(t.Context(), client.Accounts, "mk_1", "USD"); !errors.Is(err, balance.ErrExpired) {
		t.Errorf("the error of an expired link is %v", err)
	}
	if calls := mock.GetCallCountInfo()["GET https://api.moneykit.com/links/mk_1/accounts"]; calls != 1 {
		t.Errorf("the client sent %d requests", calls)
	}
}
