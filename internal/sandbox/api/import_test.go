package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestImport(t *testing.T) {
	t.Parallel()
	mk := newFake(t, day())
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
			{
				ID: "own-1", AccountID: "mine", Amount: amount(t, "-10.50"), Date: moneykit.Date{Year: 2030, Month: 1, Day: 2},
				Description: "Shoes", Type: "a.b",
			},
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
	require.Nil(t, mk.connect(open(t, client, params), world.Play{}).Err)
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
	mk.refresh(t, link.ID)
	assert.Greater(t, len(mk.transactions(t, link.ID)), 3)
	links, err := client.Users.Links(ctx, "user-42")
	require.NoError(t, err)
	assert.Contains(t, links.Links, link.ID)
}

func TestImportProblems(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
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
	assert.Equal(t, "2030-01-01", mk.transactions(t, id)[0].Date.String(), "the date is the day in the offset of the time")

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

	made := mk.addLink(t, world.LinkSpec{})
	rows := `{"transactions":[{"account_id":"a","amount":"1","date":"2030-01-01"}]}`
	path := "/links/" + id + "/import/transactions"
	assert.Equal(t, 200, ask(t, mk, http.MethodPost, path, rows).status)
	assert.Equal(t, 422, ask(t, mk, http.MethodPost, path, strings.Replace(rows, `"a"`, `"b"`, 1)).status)
	assert.Equal(t, 422, ask(t, mk, http.MethodPost, path, `{}`).status)
	assert.Equal(t, 401, ask(t, mk, http.MethodPost, path, rows, "X-Client-Id: x").status)
	require.NoError(t, mk.Client().Links.Delete(t.Context(), id))
	for id, want := range map[string]answer{
		id:      {status: 410, body: []byte("link_error.deleted")},
		made.ID: {status: 403, body: []byte("link_error.forbidden_action")},
		"mk_x":  {status: 404, body: []byte("link_error.not_found")},
	} {
		a := ask(t, mk, http.MethodPost, "/links/"+id+"/import/transactions", rows)
		assert.Equal(t, want.status, a.status)
		assert.Equal(t, string(want.body), a.field(t, "error_code"))
	}
}
