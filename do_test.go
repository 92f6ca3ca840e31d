package moneykit_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestDo(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	var body, contentType string
	mock.RegisterResponder(http.MethodPost, testBase+"/new/thing", func(r *http.Request) (*http.Response, error) {
		var data []byte
		if r.Body != nil {
			var err error
			if data, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		body, contentType = string(data)+"?"+r.URL.RawQuery, r.Header.Get("Content-Type")
		return answers(202, `{"answer":42}`)(r)
	})
	client := newClient(t, mock)
	var out struct{ Answer int }
	var resp moneykit.Response
	err := client.Do(t.Context(), "post", "/new/thing?x=1", map[string]int{"a": 1}, &out, moneykit.CaptureResponse(&resp))
	require.NoError(t, err)
	assert.Equal(t, 42, out.Answer)
	assert.Equal(t, `{"a":1}?x=1`, body)
	assert.Equal(t, "application/json", contentType)
	assert.Equal(t, 202, resp.StatusCode)
	assert.JSONEq(t, `{"answer":42}`, string(resp.Body))
	assert.Equal(t, 1, resp.Attempts)

	var raw json.RawMessage
	require.NoError(t, client.Do(t.Context(), http.MethodPost, "/new/thing", nil, &raw))
	assert.JSONEq(t, `{"answer":42}`, string(raw))
	assert.Equal(t, "?", body, "nothing is sent for nil")
	assert.Empty(t, contentType)
	require.NoError(t, client.Do(t.Context(), http.MethodPost, "/new/thing", nil, nil))
}

// TestDoDecodesTypesOfThePackage decodes a page with an odd scalar as Transactions.List does, and
// all members of a type that embeds one of the package.
func TestDoDecodesTypesOfThePackage(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions", answers(200, oneOdd(`"pending":"false"`)).
		Then(answers(200, oneOdd(`"amount":"canary"`))))
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, `{"link_id":"mk_1","new":7}`))
	client := newClient(t, mock)
	var page moneykit.TransactionPage
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/links/mk_1/transactions", nil, &page))
	assert.Len(t, page.Transactions, 500)
	err := client.Do(t.Context(), http.MethodGet, "/links/mk_1/transactions", nil, &page)
	require.ErrorContains(t, err, "decoding the response: transactions[321].amount of txn_321 is not a decimal number")

	var link struct {
		moneykit.Link

		New int `json:"new"`
	}
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/links/mk_1", nil, &link))
	assert.Equal(t, "mk_1", link.ID)
	assert.Equal(t, 7, link.New)
	var pointed struct{ *moneykit.Link }
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/links/mk_1", nil, &pointed))
	assert.Equal(t, "mk_1", pointed.ID)
}

func TestDoRefuses(t *testing.T) {
	t.Parallel()
	client := newClient(t, newMock(t)) // any request fails the test
	for _, path := range []string{
		"", "new/thing", "//evil.example/x", "https://evil.example/x", "/a/../b", "/a/./b", "/a/%2e%2e/b", "/..",
		"/a#b", "/a?b#c", "/a/%zz",
	} {
		err := client.Do(t.Context(), http.MethodGet, path, nil, nil)
		require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed, path)
	}
	err := client.Do(t.Context(), http.MethodPost, "/new/thing", func() {}, nil)
	require.ErrorContains(t, err, "the request cannot be encoded as JSON")
	for _, out := range []any{struct{}{}, (*int)(nil), map[string]any{}, "x"} {
		err = client.Do(t.Context(), http.MethodPost, "/new/thing", nil, out)
		require.ErrorContains(t, err, "out must be nil or a pointer that is not nil", "%T", out)
		require.NotErrorIs(t, err, moneykit.ErrOutcomeUnknown)
	}
	err = client.Do(t.Context(), "BAD METHOD", "/new/thing", nil, nil)
	require.ErrorContains(t, err, "method must be a word")
}

// TestDoErrors checks that errors contain no part of the request or the response.
func TestDoErrors(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	client := newClient(t, mock)
	mock.RegisterResponder(http.MethodPost, testBase+"/links/mk_1/products", answers(422,
		`{"validation_errors":[{"location":["body","products"],"message":"of mk_1 are missing"}]}`))
	err := client.Do(t.Context(), http.MethodPost, "/links/mk_1/products", struct{}{}, nil)
	require.ErrorContains(t, err, "validation_failed: the request breaks a rule: products was refused")
	assert.NotContains(t, err.Error(), "mk_1")

	var out struct{ Answer int }
	mock.RegisterResponder(http.MethodGet, testBase+"/balance", answers(200, `{"answer":99999999999999999999}`))
	err = client.Do(t.Context(), http.MethodGet, "/balance", nil, &out)
	require.ErrorContains(t, err, "the response does not fit *struct { Answer int }")
	assert.NotContains(t, err.Error(), "9999", "a number may be somebody's balance")

	mock.RegisterResponder(http.MethodGet, testBase+"/users/jane%40example.com/links", answers(500, `{}`))
	err = client.Do(t.Context(), http.MethodGet, "/users/jane%40example.com/links", nil, nil)
	require.ErrorContains(t, err, "GET /users/{id}/links: 500")
	assert.NotContains(t, err.Error(), "jane")

	mock.RegisterResponder(http.MethodGet, testBase+"/users/jane%40example.com/pets", answers(500, `{}`))
	err = client.Do(t.Context(), http.MethodGet, "/users/jane%40example.com/pets", nil, nil)
	require.ErrorContains(t, err, "GET /users/…: 500")
	assert.NotContains(t, err.Error(), "jane")
}
