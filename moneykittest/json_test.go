package moneykittest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// roundTrip writes a value, compares the JSON, and reads it again.
func roundTrip[T any](t *testing.T, value T, want string) {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	assert.JSONEq(t, want, string(data))
	var again T
	require.NoError(t, json.Unmarshal(data, &again))
	assert.Equal(t, value, again)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	roundTrip(t, moneykittest.Play{}, `{}`)
	roundTrip(t, moneykittest.Play{
		Institution: moneykittest.OAuthBank, Username: "user_good", Accounts: []string{"other"},
		NewAccounts: []moneykit.Account{{ID: "acc_1", Type: "other", Name: "Wallet"}}, Decline: []moneykit.Product{moneykit.ProductIdentity},
		Provider: moneykit.ProviderMX, Failure: moneykit.LinkErrorNoAccounts, Leave: true,
		Exit: &moneykit.ConnectError{ID: "x", DisplayedMessage: "Oh.", RequestID: "r"},
	}, `{
		"institution": "moneykit-oauth-bank", "username": "user_good", "accounts": ["other"],
		"new_accounts": [{"account_id": "acc_1", "account_type": "other", "name": "Wallet", "balances": {}}], "decline": ["identity"],
		"provider": "mx", "failure": "no_accounts", "leave": true,
		"exit": {"error_id": "x", "displayed_message": "Oh.", "request_id": "r"}
	}`)
	roundTrip(t, moneykittest.LinkSpec{}, `{"products": null, "accounts": null}`)
	roundTrip(t, moneykittest.LinkSpec{
		UserID: "user-42", InstitutionID: "chase", State: moneykit.LinkStateError, Error: moneykit.LinkErrorAuthExpired, Webhook: hook,
		Tags: []string{"a"}, Products: []moneykit.Product{}, NotPermitted: []moneykit.Product{moneykit.ProductAccounts},
		Accounts: []moneykit.Account{},
	}, `{
		"user_id": "user-42", "institution_id": "chase", "state": "error", "error": "auth_expired", "webhook": "`+hook+`",
		"tags": ["a"], "products": [], "not_permitted": ["accounts"], "accounts": []
	}`)
	roundTrip(t, moneykittest.Fault{}, `{}`)
	roundTrip(t, moneykittest.Fault{
		Status: 503, Code: moneykit.ErrorCodeLinkBadState, LinkError: moneykit.LinkErrorIncomplete, Header: http.Header{"Retry-After": {"7"}},
		Body: "<p>", ContentType: "text/html", Latency: 1500 * time.Millisecond, Reset: moneykittest.ResetAfter, Truncate: true,
	}, `{
		"status": 503, "code": "link_error.bad_state", "link_error": "incomplete", "header": {"Retry-After": ["7"]}, "body": "<p>",
		"content_type": "text/html", "latency": "1.5s", "reset": "after", "truncate": true
	}`)
	roundTrip(t, moneykittest.Fault{Reset: moneykittest.ResetBefore}, `{"reset": "before"}`)
	at := time.Date(2030, 6, 20, 12, 0, 0, 0, time.UTC)
	delivery := moneykittest.Delivery{
		Token: "t", Event: "e", LinkID: "mk_1", IdempotencyKey: "k", URL: hook, Body: []byte(`{"a":1}`), QueuedAt: at,
		State: moneykittest.DeliveryPending, Next: at,
		Attempts: []moneykittest.DeliveryAttempt{{At: at, Status: 500}, {At: at, Err: errors.New("gone")}},
	}
	roundTrip(t, delivery, `{
		"token": "t", "event": "e", "link_id": "mk_1", "idempotency_key": "k", "url": "`+hook+`", "body": {"a": 1},
		"queued_at": "2030-06-20T12:00:00Z", "state": "pending", "next": "2030-06-20T12:00:00Z",
		"attempts": [{"at": "2030-06-20T12:00:00Z", "status": 500}, {"at": "2030-06-20T12:00:00Z", "error": "gone"}]
	}`)
	request := moneykittest.Request{
		Operation: "get_link", Method: "GET", Path: "/links/mk_1", Query: url.Values{"a": {"b"}}, Header: http.Header{"Accept": {"*/*"}},
		Body: []byte(`{"a":1}`), Status: 200, At: at,
	}
	roundTrip(t, request, `{
		"operation": "get_link", "method": "GET", "path": "/links/mk_1", "query": {"a": ["b"]}, "header": {"Accept": ["*/*"]},
		"body": {"a": 1}, "status": 200, "at": "2030-06-20T12:00:00Z"
	}`)
	request = moneykittest.Request{Body: []byte("grant_type=x"), At: at}
	roundTrip(t, request, `{"operation": "", "method": "", "path": "", "body": "grant_type=x", "at": "2030-06-20T12:00:00Z"}`)
}

// Unknown members in the JSON of a setting are errors.
func TestJSONMistakes(t *testing.T) {
	t.Parallel()
	for text, value := range map[string]any{
		`{"Institution_ID":"x"}`:       &moneykittest.Play{},
		`{"exit":{"id":"x"}}`:          &moneykittest.Play{},
		`{"leave":"yes"}`:              &moneykittest.Play{},
		`{"state":503}`:                &moneykittest.Fault{},
		`{"latency":5}`:                &moneykittest.Fault{},
		`{"latency":"soon"}`:           &moneykittest.Fault{},
		`{"reset":"never"}`:            &moneykittest.Fault{},
		`{"reset":1}`:                  &moneykittest.Fault{},
		`{"status":"x"}`:               &moneykittest.Fault{},
		`{"token":1}`:                  &moneykittest.Delivery{},
		`{"at":"x"}`:                   &moneykittest.DeliveryAttempt{},
		`{"method":"GET","other":"x"}`: &moneykittest.Request{},
	} {
		require.Error(t, json.Unmarshal([]byte(text), value), text)
	}
	_, err := json.Marshal(moneykittest.Fault{Reset: 7})
	require.ErrorContains(t, err, "there is no Reset 7")
}
