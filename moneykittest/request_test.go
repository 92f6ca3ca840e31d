package moneykittest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// TestRequestsHaveNoSecrets sends canaries everywhere and looks for them.
func TestRequestsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	mk := moneykittest.NewServer(t, moneykittest.WithCredentials("sandbox_me", canary+"-secret"))
	id, secret := mk.Credentials()
	ctx := t.Context()

	client := mk.Client()
	params := sessionParams()
	params.CustomerUser.Email = &moneykit.CustomerUserEmail{Address: canary + "@mail.example"}
	params.CustomerUser.Phone = &moneykit.CustomerUserPhone{Number: "+1555" + canary, Country: moneykit.CountryUS}
	params.CustomSandboxData = &moneykit.CustomSandboxData{
		Accounts: []moneykit.CustomSandboxAccount{{AccountType: "depository.checking", Name: "Mine", AccountNumber: canary}},
		Owners: []moneykit.Owner{{
			Names: []string{canary}, Addresses: []moneykit.Address{{Street: canary, Primary: true}},
			PhoneNumbers: []moneykit.PhoneNumber{{Number: canary, Type: moneykit.PhoneNumberTypeHome}},
			Emails:       []moneykit.Email{{Address: canary}},
		}},
	}
	session, err := client.LinkSessions.Create(ctx, params)
	require.NoError(t, err)
	result := play(t, mk, session.Token, moneykittest.Play{})
	link, err := client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
	require.NoError(t, err)
	_, err = mk.Client(moneykit.WithHeaderAuth()).Links.Get(ctx, link.ID)
	require.NoError(t, err)

	a := send(t, mk, http.MethodPost, "/auth/token", "grant_type=client_credentials&client_id=sandbox_me&client_secret="+secret, form()...)
	token, ok := a.field(t, "access_token").(string)
	require.True(t, ok)
	for _, known := range []string{token, session.Token, result.ExchangeableToken, secret} {
		send(t, mk, http.MethodGet, "/links/"+known, "", "X-Other: "+known)
		send(t, mk, http.MethodGet, "/links/x?a="+known+"&client_secret="+canary, "")
		send(t, mk, http.MethodPost, "/link-session", `{"other":["`+known+`"]}`)
	}
	for _, body := range []string{
		`{"CLIENT_SECRET":"canary","linkSessionToken":"canary","emails":[1234567,"canary",null,true],"a":{"b":[{"token":{"value":"canary"}}]}}`,
		`{"client_ſecret":"canary","exchangeable-token":"canary","Access_Token":"canary","phoneNumber":"canary"}`,
		`{"exchangeable_token":"canary`,
		`canary`,
		`client_secret=canary`,
		strings.Repeat(" ", 1<<20) + `"canary"`,
	} {
		send(t, mk, http.MethodPost, "/link-session/exchange-token", body, "X-Client-Secret: canary", "Cookie: canary", "Proxy-Authorization: canary")
	}
	send(t, mk, http.MethodPost, "/auth/token", "grant_type=x&client_id="+id+"&client_secret=canary&scope="+token, form("Authorization: Basic canary")...)

	requests := mk.Requests()
	all := fmt.Sprintf("%+v %#v %s", requests, requests, func() (all string) {
		for _, r := range requests {
			all += string(r.Body) + r.Query.Encode() + fmt.Sprint(r.Header)
		}
		return all
	}())
	for _, secret := range []string{canary, "1234567", token, session.Token, result.ExchangeableToken} {
		assert.NotContains(t, all, secret)
	}

	// What is left is worth reading.
	assert.Equal(t, "create_access_token", requests[0].Operation)
	form, err := url.ParseQuery(string(requests[0].Body))
	require.NoError(t, err)
	assert.Equal(t, url.Values{"client_id": {"sandbox_me"}, "client_secret": {"[redacted]"}, "grant_type": {"client_credentials"}}, form)
	r := requests[1]
	assert.Equal(t, "create_link_session", r.Operation)
	assert.Equal(t, "POST", r.Method)
	assert.Equal(t, "/link-session", r.Path)
	assert.Equal(t, 201, r.Status)
	assert.Equal(t, "[redacted]", r.Header.Get("Authorization"))
	assert.Equal(t, "2023-02-18", r.Header.Get("MoneyKit-Version"))
	assert.JSONEq(t, `{
		"customer_user": {"id": "user-42", "email": {"address": "[redacted]"}, "phone": {"number": "[redacted]", "country": "[redacted]"}},
		"redirect_uri": "https://app.example/oauth",
		"custom_sandbox_data": {
			"accounts": [{"account_type": "depository.checking", "name": "Mine", "account_number": "[redacted]"}],
			"owners": [{
				"names": ["[redacted]"], "addresses": [{"street": "[redacted]", "primary": true}],
				"phone_numbers": [{"number": "[redacted]", "type": "[redacted]"}], "emails": [{"address": "[redacted]"}]
			}]
		}
	}`, string(r.Body))
	assert.JSONEq(t, `{"exchangeable_token":"[redacted]"}`, string(requests[2].Body))
	assert.Equal(t, "/links/"+link.ID, requests[3].Path)
	assert.Equal(t, "sandbox_me", requests[3].Header.Get("X-Client-Id"))
	assert.Equal(t, "[redacted]", requests[3].Header.Get("X-Client-Secret"))
	assert.Nil(t, requests[3].Body)
}

func TestRequestsAreCopies(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	send(t, mk, http.MethodPost, "/link-session?a=b", `{"n":1.50,"h":"<&>"}`, "X-Custom: c")
	first := mk.Requests()
	body := []byte(`{"h":"<&>","n":1.50}`)
	assert.Equal(t, body, first[0].Body)
	assert.Equal(t, 422, first[0].Status)
	first[0].Body[0] = 'x'
	first[0].Query["a"][0] = "x"
	first[0].Header["X-Custom"][0] = "x"
	second := mk.Requests()
	assert.Equal(t, body, second[0].Body)
	assert.Equal(t, "b", second[0].Query.Get("a"))
	assert.Equal(t, "c", second[0].Header.Get("X-Custom"))
}

func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client(moneykit.WithHeaderAuth())
	handler := mk.Handler()
	const most = 10_000
	for i := range most + 5 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("/links/mk_%d", i), nil)
		require.NoError(t, err)
		handler.ServeHTTP(discard{}, req)
	}
	requests := mk.Requests()
	require.Len(t, requests, most)
	assert.Equal(t, "/links/mk_5", requests[0].Path)
	_, err := client.Auth.Introspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "instrospect_client", mk.Requests()[most-1].Operation)
}

// discard is a response that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
