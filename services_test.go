package moneykit_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

const (
	accountJSON = `{"account_id":"acc_1","account_type":"depository.checking","name":"Checking","balances":{"current":1}}`
	txJSON      = `{"transaction_id":"txn_1","account_id":"acc_1","amount":"384.05","type":"debit","currency":"USD",
		"date":"2023-02-16","pending":false,"enrichment":{"category":{"value":"food_and_drink","confidence":99},
		"subcategory":{"value":"brand_new_subcategory"},"merchant":{"name":"Starbucks","confidence":null}}}`
	securityJSON = `{"security_id":"sec_1","name":"Microsoft","type":"equity","currency":"USD","close_price":"98.12","close_date":"2022-02-08"}`
)

// operations returns a call of each operation, with the expected request and one value of the
// response.
var operations = []struct {
	name    string
	request string // method, path and query
	body    string // of the request, as JSON
	status  int
	answer  string
	call    func(context.Context, *moneykit.Client) (got any, err error)
	want    any
}{
	{
		"Links.List", "GET /links?cursor=c%2B1&limit=500", "", 200,
		`{"links":[{"link_id":"mk_1","created_at":"2023-02-16T09:14:11"}],"next_cursor":"c2"}`,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			p, err := c.Links.List(ctx, moneykit.LinkListParams{Cursor: "c+1", Limit: 500})
			return pick(p, err, func() any { return p.Links[0].ID + p.NextCursor })
		}, "mk_1c2",
	},
	{
		"Links.Update", "PATCH /links/mk_1", `{"webhook":null,"link_tags":["a"]}`, 200, linkJSON,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			l, err := c.Links.Update(ctx, "mk_1", moneykit.LinkUpdateParams{Webhook: moneykit.Clear[string](), Tags: moneykit.Set([]string{"a"})})
			return pick(l, err, func() any { return l.ID })
		}, "mk_1",
	},
	{
		"Links.Update, tags cleared", "PATCH /links/mk_1", `{"link_tags":[]}`, 200, linkJSON,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			l, err := c.Links.Update(ctx, "mk_1", moneykit.LinkUpdateParams{Tags: moneykit.Clear[[]string]()})
			return pick(l, err, func() any { return l.ID })
		}, "mk_1",
	},
	{
		"Links.Update, nothing", "PATCH /links/mk_1", `{}`, 200, linkJSON,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			l, err := c.Links.Update(ctx, "mk_1", moneykit.LinkUpdateParams{})
			return pick(l, err, func() any { return l.ID })
		}, "mk_1",
	},
	{
		"Links.Reset", "POST /links/mk_1/reset", "", 200, linkJSON,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			l, err := c.Links.Reset(ctx, "mk_1")
			return pick(l, err, func() any { return l.ID })
		}, "mk_1",
	},
	{
		"Links.Import", "POST /links/import",
		`{"customer_user":{"id":"user_0001"},"institution_id":"mx.chase","accounts":[{"account_id":"7","name":"Checking",
			"type":"depository.checking","balances":{"current":12.50}}],"transactions":[]}`, 200, linkJSON,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			current, err := moneykit.ParseDecimal("12.50")
			if err != nil {
				return nil, err
			}
			l, err := c.Links.Import(ctx, moneykit.LinkImportParams{
				CustomerUser: moneykit.CustomerUser{ID: "user_0001"}, InstitutionID: "mx.chase",
				Accounts: []moneykit.AccountImport{{
					ID: "7", Name: "Checking", Type: "depository.checking", Balances: moneykit.Balances{Current: &current},
				}},
			})
			return pick(l, err, func() any { return l.ID })
		}, "mk_1",
	},
	{
		"Links.ImportTransactions", "POST /links/mk_1/import/transactions",
		`{"transactions":[{"account_id":"7","amount":"-1.50","date":"2023-12-31"}]}`, 200, linkJSON,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			amount, err := moneykit.ParseDecimal("-1.50")
			if err != nil {
				return nil, err
			}
			l, err := c.Links.ImportTransactions(ctx, "mk_1", moneykit.TransactionImportParams{Transactions: []moneykit.TransactionImport{
				{AccountID: "7", Amount: amount, Date: moneykit.Date{Year: 2023, Month: 12, Day: 31}},
			}})
			return pick(l, err, func() any { return l.ID })
		}, "mk_1",
	},
	{
		"Accounts.Get", "GET /links/mk_1/accounts/acc_1", "", 200, onLink(`"account":` + accountJSON),
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			a, err := c.Accounts.Get(ctx, "mk_1", "acc_1")
			return pick(a, err, func() any { return a.Account.ID + a.Link.ID })
		}, "acc_1mk_1",
	},
	{
		"Accounts.Numbers", "GET /links/mk_1/accounts/numbers", "", 200,
		onLink(`"accounts":[{"account_id":"acc_1","numbers":{"ach":[{"account_number":"1","routing_number":"011000015"}],
			"eft":[],"bacs":[],"international":[{"iban":"GB1","bic":"B"}]}}]`),
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			n, err := c.Accounts.Numbers(ctx, "mk_1")
			return pick(n, err, func() any {
				return n.Accounts[0].Numbers.ACH[0].RoutingNumber + n.Accounts[0].Numbers.International[0].IBAN
			})
		}, "011000015GB1",
	},
	{
		"Identity.List", "GET /links/mk_1/identity?account_ids=a&account_ids=b", "", 200,
		onLink(`"accounts":[{"account_id":"acc_1","owners":[{"names":["Jane"],"addresses":[{"city":null}],
			"phone_numbers":[{"number":"1","type":"mobile"}],"emails":[{"address":"j@example.com","primary":true}]}]}]`),
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			n, err := c.Identity.List(ctx, "mk_1", moneykit.IdentityListParams{AccountIDs: []string{"a", "b"}})
			return pick(n, err, func() any { return n.Accounts[0].Owners[0].Names[0] + n.Accounts[0].Owners[0].Emails[0].Address })
		}, "Janej@example.com",
	},
	{
		"Institutions.Get", "GET /institutions/chase", "", 200,
		`{"institution_id":"chase","institution_id_aliases":["c"],"name":"Chase","country":"US","is_featured":true}`,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			i, err := c.Institutions.Get(ctx, "chase")
			return pick(i, err, func() any { return i.Name + i.IDAliases[0] })
		}, "Chasec",
	},
	{
		"Institutions.List", "GET /institutions?name=ch&featured=true&limit=1000", "", 200,
		`{"institutions":[{"institution_id":"chase"}],"cursors":{"next":null}}`,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			p, err := c.Institutions.List(ctx, moneykit.InstitutionListParams{Name: "ch", Featured: true, Limit: 1000})
			return pick(p, err, func() any { return p.Institutions[0].ID + p.Cursors.Next })
		}, "chase",
	},
	{
		"Transactions.List", "GET /links/mk_1/transactions?account_ids=acc_1&page=2&size=10&start_date=2023-01-01&end_date=2023-12-31", "", 200,
		onLink(`"transactions":[` + txJSON + `],"accounts":[` + accountJSON + `],"total":11,"page":2,"size":1`),
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			p, err := c.Transactions.List(ctx, "mk_1", moneykit.TransactionListParams{
				AccountIDs: []string{"acc_1"}, Page: 2, Size: 10,
				StartDate: moneykit.Date{Year: 2023, Month: 1, Day: 1}, EndDate: moneykit.Date{Year: 2023, Month: 12, Day: 31},
			})
			return pick(p, err, func() any {
				tx := p.Transactions[0]
				return tx.Amount.String() + tx.Enrichment.Subcategory.Value + tx.Enrichment.Merchant.Name
			})
		}, "384.05brand_new_subcategoryStarbucks",
	},
	{
		"Transactions.CorrectEnrichment", "POST /links/mk_1/transactions/txn_1/enrichment",
		`{"category":"food_and_drink","subcategory":"coffee"}`, 200,
		onLink(`"transactions":[` + txJSON + `],"accounts":[],"cursor":{"next":null}`),
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			p, err := c.Transactions.CorrectEnrichment(ctx, "mk_1", "txn_1", moneykit.EnrichmentParams{
				Category: moneykit.CategoryFoodAndDrink, Subcategory: moneykit.SubcategoryCoffee,
			})
			return pick(p, err, func() any { return p.Transactions[0].ID })
		}, "txn_1",
	},
	{
		"Investments.Holdings", "GET /links/mk_1/investments/holdings?account_ids=acc_1", "", 200,
		onLink(`"holdings":[{"account_id":"acc_1","security_id":"sec_1","quantity":"10.123456789012345678","value":null}],` +
			`"securities":[` + securityJSON + `],"accounts":[]`),
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			h, err := c.Investments.Holdings(ctx, "mk_1", moneykit.HoldingListParams{AccountIDs: []string{"acc_1"}})
			return pick(h, err, func() any { return h.Holdings[0].Quantity.String() + h.Securities[0].CloseDate.String() })
		}, "10.1234567890123456782022-02-08",
	},
	{
		"Investments.Transactions", "GET /links/mk_1/investments/transactions?page=1&size=1", "", 200,
		onLink(`"investment_transactions":[{"investment_transaction_id":"it_1","account_id":"acc_1","amount":"-987.15","date":"2023-02-16",
			"description":"Sold MSFT","type":"sell","fees":"5.95"}],"securities":[],"accounts":[],"total":1,"page":1,"size":1`),
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			p, err := c.Investments.Transactions(ctx, "mk_1", moneykit.InvestmentTransactionListParams{Page: 1, Size: 1})
			return pick(p, err, func() any { return p.Transactions[0].ID + p.Transactions[0].Amount.String() })
		}, "it_1-987.15",
	},
	{
		"Products.Refresh", "POST /links/mk_1/products", `{"products":["accounts","identity"]}`, 202, linkJSON,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			l, err := c.Products.Refresh(ctx, "mk_1", []moneykit.Product{moneykit.ProductAccounts, moneykit.ProductIdentity})
			return pick(l, err, func() any { return l.ID })
		}, "mk_1",
	},
	{
		"Users.Accounts", "GET /users/jane@example.com/accounts?account_ids=acc_1", "", 200,
		`{"links":{"mk_1":{"accounts":[` + accountJSON + `],"last_synced_at":null}}}`,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			a, err := c.Users.Accounts(ctx, "jane@example.com", moneykit.UserAccountListParams{AccountIDs: []string{"acc_1"}})
			return pick(a, err, func() any { return a.Links["mk_1"].Accounts[0].ID })
		}, "acc_1",
	},
	{
		"Users.Links", "GET /users/user_0001/links", "", 200, `{"links":{"mk_1":` + linkJSON + `}}`,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			l, err := c.Users.Links(ctx, "user_0001")
			return pick(l, err, func() any { return l.Links["mk_1"].InstitutionName })
		}, "Chase",
	},
	{
		"Users.Transactions", "GET /users/user_0001/transactions?account_id=acc_1&page=1&size=50&start_date=2023-01-01", "", 200,
		`{"transactions":[` + txJSON + `],"accounts":{"acc_1":{"name":"Checking","institution_id":"chase","link_id":"mk_1"}},
			"total":1,"page":1,"size":1}`,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			p, err := c.Users.Transactions(ctx, "user_0001", moneykit.UserTransactionListParams{
				AccountIDs: []string{"acc_1"}, Page: 1, Size: 50, StartDate: moneykit.Date{Year: 2023, Month: 1, Day: 1},
			})
			return pick(p, err, func() any { return p.Accounts[p.Transactions[0].AccountID].LinkID })
		}, "mk_1",
	},
	{
		"Webhooks.SendTest", "POST /webhooks/test/link/mk_1",
		`{"webhook_event":"link.state_changed","webhook_idempotency_key":"k"}`, 200, `{"delivery_token":"d"}`,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			d, err := c.Webhooks.SendTest(ctx, "mk_1", moneykit.TestWebhookParams{Event: moneykit.EventTypeLinkStateChanged, IdempotencyKey: "k"})
			return pick(d, err, func() any { return d.Token })
		}, "d",
	},
	{
		"Webhooks.Keys", "GET /.well-known/jwks.json", "", 200, `{"keys":[{"kid":"1"},{"kty":"new"}]}`,
		func(ctx context.Context, c *moneykit.Client) (any, error) {
			k, err := c.Webhooks.Keys(ctx)
			return pick(&k, err, func() any { return string(k[1]) })
		}, `{"kty":"new"}`,
	},
}

// pick reads one value of a result, unless the result is nil.
func pick[T any](result *T, err error, get func() any) (any, error) {
	if err != nil || result == nil {
		return nil, err
	}
	return get(), nil
}

func TestOperations(t *testing.T) {
	t.Parallel()
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			method, target, _ := strings.Cut(tt.request, " ")
			path, _, _ := strings.Cut(target, "?")
			mock := newMock(t)
			var got, body string
			var header http.Header
			mock.RegisterResponder(method, testBase+path, func(r *http.Request) (*http.Response, error) {
				got, header = r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), "/base"), r.Header
				if r.Body != nil {
					data, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					body = string(data)
				}
				return answers(tt.status, tt.answer)(r)
			})
			result, err := tt.call(t.Context(), newClient(t, mock))
			require.NoError(t, err)
			assert.Equal(t, tt.request, got)
			assert.Equal(t, tt.want, result)
			if tt.body == "" {
				assert.Empty(t, body)
			} else {
				assert.JSONEq(t, tt.body, body)
			}
			if tt.name == "Webhooks.Keys" {
				assert.Empty(t, header.Get("Authorization"))
				assert.Equal(t, testID, header.Get("X-Client-Id"), "the keys may be the application's own")
				assert.Empty(t, header.Get("X-Client-Secret"))
			}
		})
		t.Run(tt.name+" fails", func(t *testing.T) {
			t.Parallel()
			method, target, _ := strings.Cut(tt.request, " ")
			path, _, _ := strings.Cut(target, "?")
			mock := newMock(t)
			mock.RegisterResponder(method, testBase+path, answers(422,
				`{"error_code":"link_error.bad_state","error_message":"no","link_error_code":"auth_expired"}`))
			result, err := tt.call(t.Context(), newClient(t, mock))
			assert.Nil(t, result)
			require.ErrorIs(t, err, moneykit.ErrRelinkRequired)
		})
	}
}
