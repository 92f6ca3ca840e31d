package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// TestRequestsHaveNoSecrets sends canaries as secrets, and checks that the recorded requests do not
// contain them.
func TestRequestsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	mk := newFake(t, withAPI(func(s *api.Settings) {
		s.ClientID, s.ClientSecret = "sandbox_me", canary+"-secret"
	}))
	id, secret := mk.ClientID, mk.ClientSecret
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
	result := mk.connect(session.Token, world.Play{})
	link, err := client.LinkSessions.Exchange(ctx, result.Token)
	require.NoError(t, err)
	_, err = mk.Client(moneykit.WithHeaderAuth()).Links.Get(ctx, link.ID)
	require.NoError(t, err)

	a := ask(t, mk, http.MethodPost, "/auth/token", "grant_type=client_credentials&client_id=sandbox_me&client_secret="+secret, form()...)
	token, ok := a.field(t, "access_token").(string)
	require.True(t, ok)
	for _, known := range []string{token, session.Token, result.Token, secret} {
		ask(t, mk, http.MethodGet, "/links/"+known, "", "X-Other: "+known)
		ask(t, mk, http.MethodGet, "/links/x?a="+known+"&client_secret="+canary, "")
		ask(t, mk, http.MethodPost, "/link-session", `{"other":["`+known+`"]}`)
	}
	for _, body := range []string{
		`{"CLIENT_SECRET":"canary","linkSessionToken":"canary","emails":[1234567,"canary",null,true],"a":{"b":[{"token":{"value":"canary"}}]}}`,
		`{"client_ſecret":"canary","exchangeable-token":"canary","Access_Token":"canary","phoneNumber":"canary"}`,
		`{"exchangeable_token":"canary`,
		`canary`,
		`client_secret=canary`,
		strings.Repeat(" ", 1<<20) + `"canary"`,
	} {
		ask(t, mk, http.MethodPost, "/link-session/exchange-token", body, "X-Client-Secret: canary", "Cookie: canary", "Proxy-Authorization: canary")
	}
	ask(t, mk, http.MethodPost, "/auth/token", "grant_type=x&client_id="+id+"&client_secret=canary&scope="+token,
		form("Authorization: Basic canary")...)

	requests := mk.Requests()
	all := fmt.Sprintf("%+v %#v %s", requests, requests, func() (all string) {
		for _, r := range requests {
			all += string(r.Body) + r.Query.Encode() + fmt.Sprint(r.Header)
		}
		return all
	}())
	for _, secret := range []string{canary, "1234567", token, session.Token, result.Token} {
		assert.NotContains(t, all, secret)
	}

	// The recorded requests are still readable.
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

// TestRequestsHaveNoPersonalData sends canaries as personal data, and checks that the recorded
// requests do not contain them.
func TestRequestsHaveNoPersonalData(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	mk := newFake(t)
	_, err := mk.Client().Links.Import(t.Context(), moneykit.LinkImportParams{
		CustomerUser: moneykit.CustomerUser{
			ID: "user-42", Email: &moneykit.CustomerUserEmail{Address: canary + "@mail.example"},
			Phone: &moneykit.CustomerUserPhone{Number: "+1 555 " + canary},
		},
		InstitutionID: world.InstantBank,
		Accounts:      []moneykit.AccountImport{{ID: "mine", Type: "other", Name: "Wallet", Mask: canary}},
	})
	require.NoError(t, err)
	for _, name := range []string{"owners", "names", "addresses", "iban", "sort_code", "routing_number", "account_mask", "numbers"} {
		ask(t, mk, http.MethodPatch, "/links/x?"+name+"="+canary, `{"`+name+`":[{"a":"`+canary+`"}]}`)
	}
	all := ""
	for _, r := range mk.Requests() {
		all += fmt.Sprintf("%+v %s %s", r, r.Body, r.Query.Encode())
	}
	assert.NotContains(t, all, canary)
	assert.Contains(t, all, `"name":"Wallet"`)
}
