package moneykittest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestImport(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day())
	client := mk.Client()
	ctx := t.Context()
	balance := amount(t, "12.30")
	link, err := client.Links.Import(ctx, moneykit.LinkImportParams{
		CustomerUser:  moneykit.CustomerUser{ID: "user-42"},
		InstitutionID: "mx.alderbrook-trust", Provider: moneykit.ProviderMX,
		Accounts: []moneykit.AccountImport{
			{ID: "mine", Type: "depository.checking", Name: "One", Nickname: "Uno", Mask: "1234", Balances: moneykit.Balances{Current: &balance}},
			{ID: "yours", Type: "depository.savings", Name: "Two", Balances: moneykit.Balances{Currency: "EUR"}},
		},
		Transactions: []moneykit.TransactionImport{
			{ID: "own-1", AccountID: "mine", Amount: amount(t, "-10.50"), Date: moneykit.Date{Year: 2030, Month: 1, Day: 2}, Description: "Shoes", Type: "a.b"},
			{AccountID: "yours", Amount: amount(t, "7"), Date: moneykit.Date{Year: 2030, Month: 1, Day: 3}},
		},
	})
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateError, link.State)
	assert.Equal(t, moneykit.LinkErrorAuthExpired, link.Error)
	assert.Equal(t, moneykit.ProviderMX, link.Provider)
	assert.Equal(t, "alderbrook-trust", link.InstitutionID)
	_, err = client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	isError(t, err, moneykit.ErrRelinkRequired, 422)
	got, err := client.Links.Get(ctx, link.ID)
	require.NoError(t, err)
	assert.Equal(t, link, got)

	grown, err := client.Links.ImportTransactions(ctx, link.ID, moneykit.TransactionImportParams{Transactions: []moneykit.TransactionImport{
		{ID: "own-3", AccountID: "mine", Amount: amount(t, "0"), Date: moneykit.Date{Year: 2030, Month: 1, Day: 4}},
	}})
	require.NoError(t, err)
	assert.True(t, grown.Products.Transactions.RefreshedAt.After(link.Products.Transactions.RefreshedAt.Time))
	same, err := client.Links.ImportTransactions(ctx, link.ID, moneykit.TransactionImportParams{})
	require.NoError(t, err)
	assert.Equal(t, grown, same)

	params := sessionParams()
	params.ExistingLinkID = link.ID
	require.Equal(t, moneykit.ConnectRelinked, play(t, mk, open(t, client, params), moneykittest.Play{}).Outcome)
	list, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	require.Len(t, list.Accounts, 2)
	assert.Regexp(t, `^acc_`, list.Accounts[0].ID)
	assert.Equal(t, moneykit.Account{
		ID: list.Accounts[0].ID, Type: "depository.checking", Name: "One", Nickname: "Uno", Mask: "1234", OriginalID: "mine",
		Balances: moneykit.Balances{Currency: "CAD", Current: &balance, Date: link.Products.Accounts.RefreshedAt},
	}, list.Accounts[0])
	rows := collect(t, client.Transactions.All(ctx, link.ID, moneykit.TransactionListParams{}))
	require.Len(t, rows, 3)
	assert.Equal(t, moneykit.Transaction{
		ID: rows[2].ID, AccountID: list.Accounts[0].ID, Type: moneykit.TransactionTypeDebit, Amount: amount(t, "10.50"), Currency: "CAD",
		Date: moneykit.Date{Year: 2030, Month: 1, Day: 2}, Description: "Shoes", RawDescription: "Shoes", OriginalID: "own-1",
		Category: "a.b", //nolint:staticcheck // deprecated, but sent
	}, rows[2])
	assert.Equal(t, moneykit.TransactionTypeCredit, rows[1].Type)
	assert.Equal(t, "EUR", rows[1].Currency)
	assert.Equal(t, moneykit.TransactionTypeCredit, rows[0].Type)
	mk.Refresh(link.ID)
	assert.Greater(t, len(mk.Transactions(link.ID)), 3)
	links, err := client.Users.Links(ctx, "user-42")
	require.NoError(t, err)
	assert.Contains(t, links.Links, link.ID)
}

func TestImportProblems(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	whole := func(old, replacement string) string {
		body := `{"customer_user":{"id":"user-42"},"institution_id":"moneykit-instant-bank","provider":"mx",
			"accounts":[{"account_id":"a","name":"A","type":"other","balances":{"current":1.5,"limit":null,"balance_date":"2030-01-01T00:00:00"}}],
			"transactions":[{"account_id":"a","amount":"1.5","date":"2030-01-01T23:00:00-05:00"}]}`
		require.Contains(t, body, old)
		return strings.Replace(body, old, replacement, 1)
	}
	ok := ask(t, mk, http.MethodPost, "/links/import", whole("{", "{"))
	require.Equal(t, 200, ok.status, "%s", ok.body)
	id := fmt.Sprint(ok.field(t, "link_id"))
	assert.Equal(t, "2030-01-01", mk.Transactions(id)[0].Date.String(), "the day is that of the clock on the wall")

	for change, at := range map[[2]string]string{
		{`"id":"user-42"`, `"id":"x"`}:                               `["body","customer_user","id"]`,
		{`"moneykit-instant-bank"`, `"x"`}:                           `["body","institution_id"]`,
		{`"moneykit-instant-bank"`, `""`}:                            `["body","institution_id"]`,
		{`"mx"`, `"x"`}:                                              `["body","provider"]`,
		{`"account_id":"a","name"`, `"name"`}:                        `["body","accounts",0,"account_id"]`,
		{`"current":1.5`, `"current":"1.5"`}:                         `["body","accounts",0,"balances","current"]`,
		{`"current":1.5`, `"current":1e5000`}:                        `["body","accounts",0,"balances","current"]`,
		{`"amount":"1.5"`, `"amount":"x"`}:                           `["body","transactions",0,"amount"]`,
		{`"amount":"1.5"`, `"amount":1.5`}:                           `["body","transactions",0,"amount"]`,
		{`"date":"2030-01-01T23:00:00-05:00"`, `"date":"yesterday"`}: `["body","transactions",0,"date"]`,
		{`{"account_id":"a","amount"`, `{"account_id":"b","amount"`}: `["body","transactions",0,"account_id"]`,
		{`"transactions":[{`, `"x":[{`}:                              `["body","transactions"]`,
		{`"accounts":[{`, `"accounts":[],"x":[{`}:                    `["body","accounts"]`,
		{`"accounts":[{`, `"accounts":[{"account_id":"a","name":"A","type":"other","balances":{}},{`}: `["body","accounts",1,"account_id"]`,
	} {
		a := ask(t, mk, http.MethodPost, "/links/import", whole(change[0], change[1]))
		assert.Equal(t, 422, a.status, change)
		assert.Contains(t, string(a.body), `"location":`+at, change)
	}
	assert.Equal(t, 401, ask(t, mk, http.MethodPost, "/links/import", whole("{", "{"), "X-Client-Id: x").status)

	made := mk.AddLink(moneykittest.LinkSpec{})
	rows := `{"transactions":[{"account_id":"a","amount":"1","date":"2030-01-01"}]}`
	path := "/links/" + id + "/import/transactions"
	assert.Equal(t, 200, ask(t, mk, http.MethodPost, path, rows).status)
	assert.Equal(t, 422, ask(t, mk, http.MethodPost, path, strings.Replace(rows, `"a"`, `"b"`, 1)).status)
	assert.Equal(t, 422, ask(t, mk, http.MethodPost, path, `{}`).status)
	assert.Equal(t, 401, ask(t, mk, http.MethodPost, path, rows, "X-Client-Id: x").status)
	require.NoError(t, mk.Client().Links.Delete(t.Context(), id))
	for _, id := range []string{id, made.ID, "mk_x"} {
		a := ask(t, mk, http.MethodPost, "/links/"+id+"/import/transactions", rows)
		assert.Equal(t, 422, a.status)
		assert.Contains(t, string(a.body), `["path","id"]`)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	keys, err := mk.Client().Webhooks.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 1)
	var key map[string]string
	require.NoError(t, json.Unmarshal(keys[0], &key))
	coordinate := func(name string) *big.Int {
		data, err := base64.RawURLEncoding.DecodeString(key[name])
		require.NoError(t, err)
		require.Len(t, data, 32)
		delete(key, name)
		return new(big.Int).SetBytes(data)
	}
	public := ecdsa.PublicKey{Curve: elliptic.P256(), X: coordinate("x"), Y: coordinate("y")}
	_, err = public.ECDH()
	require.NoError(t, err)
	assert.NotEmpty(t, key["kid"])
	delete(key, "kid")
	assert.Equal(t, map[string]string{"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256"}, key)
	again, err := mk.Client().Webhooks.Keys(t.Context())
	require.NoError(t, err)
	assert.Equal(t, keys, again)
	other, err := moneykittest.NewServer(t).Client().Webhooks.Keys(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, keys, other)
	assert.Equal(t, 200, ask(t, mk, http.MethodGet, "/.well-known/jwks.json", "", "X-Client-Id:", "X-Client-Secret:").status)
}

func TestTestWebhook(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	params := moneykit.TestWebhookParams{Event: moneykit.EventTypeLinkStateChanged, IdempotencyKey: "key"}
	link := mk.AddLink(moneykittest.LinkSpec{})
	_, err := client.Webhooks.SendTest(t.Context(), link.ID, params)
	isError(t, err, moneykit.ErrorCodeLinkBadConfig, 400)
	_, err = client.Links.Update(t.Context(), link.ID, moneykit.LinkUpdateParams{Webhook: moneykit.Set("https://app.example/hook")})
	require.NoError(t, err)
	one, err := client.Webhooks.SendTest(t.Context(), link.ID, params)
	require.NoError(t, err)
	two, err := client.Webhooks.SendTest(t.Context(), link.ID, params)
	require.NoError(t, err)
	assert.NotEmpty(t, one.Token)
	assert.NotEqual(t, one, two)
	for _, body := range []string{`{"webhook_event":"x","webhook_idempotency_key":"k"}`, `{"webhook_event":"link.state_changed"}`, `{"webhook_idempotency_key":"k"}`} {
		assert.Equal(t, 422, ask(t, mk, http.MethodPost, "/webhooks/test/link/"+link.ID, body).status)
	}
}

// TestRequestsHaveNoPersonalData sends canaries in the bodies that have some.
func TestRequestsHaveNoPersonalData(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	mk := moneykittest.NewServer(t)
	_, err := mk.Client().Links.Import(t.Context(), moneykit.LinkImportParams{
		CustomerUser:  moneykit.CustomerUser{ID: "user-42", Email: &moneykit.CustomerUserEmail{Address: canary + "@mail.example"}, Phone: &moneykit.CustomerUserPhone{Number: "+1 555 " + canary}},
		InstitutionID: moneykittest.InstantBank,
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

func TestCustomAccounts(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	params := sessionParams()
	owner := moneykit.Owner{
		Names: []string{"Sam Sample"}, Addresses: []moneykit.Address{{City: "Fallow Creek", Primary: true}},
		PhoneNumbers: []moneykit.PhoneNumber{}, Emails: []moneykit.Email{{Address: "sam@mail.example"}},
	}
	params.CustomSandboxData = &moneykit.CustomSandboxData{
		Accounts: []moneykit.CustomSandboxAccount{
			{AccountType: "depository.checking", Name: "Mine", AccountNumber: "000111222333", RoutingNumber: "021000021"},
			{AccountType: "depository.savings", Name: "Also mine", AccountNumber: "000111222444"},
		},
		Owners: []moneykit.Owner{owner},
	}
	link := connect(t, mk, params, moneykittest.Play{Username: "user_custom"})
	numbers, err := client.Accounts.Numbers(t.Context(), link.ID)
	require.NoError(t, err)
	require.Len(t, numbers.Accounts, 2)
	first, second := numbers.Accounts[0].Numbers.ACH[0], numbers.Accounts[1].Numbers.ACH[0]
	assert.Equal(t, "000111222333", first.AccountNumber)
	assert.Equal(t, "021000021", first.RoutingNumber)
	assert.Equal(t, "000111222444", second.AccountNumber)
	assert.Zero(t, abaSum(second.RoutingNumber))
	owners, err := client.Identity.List(t.Context(), link.ID, moneykit.IdentityListParams{})
	require.NoError(t, err)
	for _, a := range owners.Accounts {
		assert.Equal(t, []moneykit.Owner{owner}, a.Owners)
	}
}
