package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// operation is an operation with a method in the SDK.
type operation struct {
	id string
	// call sends the shortest request with the client, about the link if the operation is about
	// one. It prepares other objects without the wire.
	call call
	// full sends all members in the document. nil means that there are no optional members.
	full call
	// leftOut are the paths in the body that the SDK never sends.
	leftOut []string
	// imported: the link has to be an imported one.
	imported bool
}

type call func(ctx context.Context, w *wire, client *moneykit.Client, linkID string) error

// The settings of prepared links. The IDs have characters that must be escaped.
const (
	customer    = "user@app.test:ü 1"
	account1    = "acc 1:é"
	account2    = "a,b c&d=é"
	transaction = "txn 1:ü?"
)

// link creates a link for the operation.
func (op *operation) link(t *testing.T, w *wire, opts ...moneykit.Option) string {
	t.Helper()
	if op.imported {
		link, err := w.mk.Client(opts...).Links.Import(t.Context(), fullImport())
		require.NoError(t, err)
		return link.ID
	}
	link := w.mk.AddLink(moneykittest.LinkSpec{
		UserID: customer, Webhook: "https://app.test/hook",
		Accounts: []moneykit.Account{
			{ID: account1, Type: "depository.checking", Balances: moneykit.Balances{Currency: "USD"}},
			{ID: account2, Type: "investment", Balances: moneykit.Balances{Currency: "USD", Current: number("1000.00")}},
		},
	})
	w.mk.AddTransactions(link.ID, moneykit.Transaction{ID: transaction, Amount: *number("12.50")})
	return link.ID
}

// operations returns all operations. To cover another one, add it here, and its responses to the
// table answers.
func operations() []operation {
	ids := []string{account1, account2}
	start, end := moneykit.Date{Year: 2024, Month: time.February, Day: 29}, moneykit.Date{Year: 2025, Month: time.December, Day: 31}
	type (
		ctx    = context.Context
		client = *moneykit.Client
	)
	return []operation{
		{
			id:   "create_access_token",
			call: func(ctx ctx, _ *wire, c client, _ string) error { return second(c.Auth.CreateToken(ctx)) },
		}, {
			id:   "instrospect_client",
			call: func(ctx ctx, _ *wire, c client, _ string) error { return second(c.Auth.Introspect(ctx)) },
		}, {
			id: "create_link_session",
			call: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.LinkSessions.Create(ctx, leastSession()))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.LinkSessions.Create(ctx, fullSession(link)))
			},
		}, {
			id: "exchange_token",
			call: func(ctx ctx, w *wire, c client, _ string) error {
				session, err := w.mk.Client().LinkSessions.Create(ctx, leastSession())
				if err != nil {
					return err
				}
				result, err := moneykit.ParseConnectResult(w.mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{}))
				if err != nil {
					return err
				}
				return second(c.LinkSessions.Exchange(ctx, result.ExchangeableToken))
			},
		}, {
			id:   "get_link",
			call: func(ctx ctx, _ *wire, c client, link string) error { return second(c.Links.Get(ctx, link)) },
		}, {
			id:   "delete_link",
			call: func(ctx ctx, _ *wire, c client, link string) error { return c.Links.Delete(ctx, link) },
		}, {
			id: "get_accounts",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Accounts.List(ctx, link, moneykit.AccountListParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Accounts.List(ctx, link, moneykit.AccountListParams{AccountIDs: ids}))
			},
		}, {
			id:   "get_well_known_jwks",
			call: func(ctx ctx, _ *wire, c client, _ string) error { return second(c.Webhooks.Keys(ctx)) },
		}, {
			id: "get_links",
			call: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Links.List(ctx, moneykit.LinkListParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Links.List(ctx, moneykit.LinkListParams{Cursor: "a+b/c=", Limit: 5000}))
			},
		}, {
			id: "import_link",
			call: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Links.Import(ctx, moneykit.LinkImportParams{
					CustomerUser:  moneykit.CustomerUser{ID: "user"},
					InstitutionID: moneykittest.InstantBank, Accounts: []moneykit.AccountImport{{}},
				}))
			},
			full: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Links.Import(ctx, fullImport()))
			},
		}, {
			id: "import_transactions", imported: true,
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Links.ImportTransactions(ctx, link, moneykit.TransactionImportParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Links.ImportTransactions(ctx, link, moneykit.TransactionImportParams{Transactions: fullTransactions()}))
			},
		}, {
			id: "update_link",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Links.Update(ctx, link, moneykit.LinkUpdateParams{
					Webhook: moneykit.Clear[string](), Tags: moneykit.Clear[[]string](),
				}))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Links.Update(ctx, link, moneykit.LinkUpdateParams{
					Webhook: moneykit.Set("https://app.test/hook"), Tags: moneykit.Set([]string{"a"}),
				}))
			},
			leftOut: []string{"/tags"}, // deprecated
		}, {
			id:   "reset_link",
			call: func(ctx ctx, _ *wire, c client, link string) error { return second(c.Links.Reset(ctx, link)) },
		}, {
			id: "refresh_products",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Products.Refresh(ctx, link, []moneykit.Product{moneykit.ProductIdentity}))
			},
		}, {
			id:   "get_account_numbers",
			call: func(ctx ctx, _ *wire, c client, link string) error { return second(c.Accounts.Numbers(ctx, link)) },
		}, {
			id: "get_account",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Accounts.Get(ctx, link, account1))
			},
		}, {
			id: "get_identities",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Identity.List(ctx, link, moneykit.IdentityListParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Identity.List(ctx, link, moneykit.IdentityListParams{AccountIDs: ids}))
			},
		}, {
			id: "get_transactions",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Transactions.List(ctx, link, moneykit.TransactionListParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Transactions.List(ctx, link, moneykit.TransactionListParams{
					AccountIDs: ids, Page: 1, Size: 1000, StartDate: start, EndDate: end,
				}))
			},
		}, {
			id: "get_transactions_sync",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return firstBatch(c.Transactions.Sync(ctx, link, ""))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return firstBatch(c.Transactions.Sync(ctx, link, "a+b/c="))
			},
		}, {
			id: "correct_enrichment",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Transactions.CorrectEnrichment(ctx, link, transaction, moneykit.EnrichmentParams{Category: moneykit.CategoryHome}))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Transactions.CorrectEnrichment(ctx, link, transaction, moneykit.EnrichmentParams{
					Category: moneykit.CategoryTravel, Subcategory: moneykit.SubcategoryTaxi,
				}))
			},
		}, {
			id: "get_holdings",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Investments.Holdings(ctx, link, moneykit.HoldingListParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Investments.Holdings(ctx, link, moneykit.HoldingListParams{AccountIDs: ids}))
			},
		}, {
			id: "get_investment_transactions",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Investments.Transactions(ctx, link, moneykit.InvestmentTransactionListParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Investments.Transactions(ctx, link, moneykit.InvestmentTransactionListParams{
					AccountIDs: ids, Page: 1, Size: 1000, StartDate: start, EndDate: end,
				}))
			},
		}, {
			id: "get_user_accounts",
			call: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Users.Accounts(ctx, customer, moneykit.UserAccountListParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Users.Accounts(ctx, customer, moneykit.UserAccountListParams{AccountIDs: ids}))
			},
		}, {
			id:   "get_user_links",
			call: func(ctx ctx, _ *wire, c client, _ string) error { return second(c.Users.Links(ctx, customer)) },
		}, {
			id: "get_user_transactions",
			call: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Users.Transactions(ctx, customer, moneykit.UserTransactionListParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Users.Transactions(ctx, customer, moneykit.UserTransactionListParams{
					AccountIDs: ids, Page: 1, Size: 1000, StartDate: start, EndDate: end,
				}))
			},
		}, {
			id: "get_institutions",
			call: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Institutions.List(ctx, moneykit.InstitutionListParams{}))
			},
			full: func(ctx ctx, _ *wire, c client, _ string) error {
				return second(c.Institutions.List(ctx, moneykit.InstitutionListParams{
					Name: "Crédit & Co", Featured: true, Cursor: "a+b/c=", Limit: 1000,
				}))
			},
		}, {
			id:   "get_institution",
			call: func(ctx ctx, _ *wire, c client, _ string) error { return second(c.Institutions.Get(ctx, britishBank)) },
		}, {
			id: "trigger_test_link_webhook_event",
			call: func(ctx ctx, _ *wire, c client, link string) error {
				return second(c.Webhooks.SendTest(ctx, link, moneykit.TestWebhookParams{
					Event: moneykit.EventTypeProductStateChanged, IdempotencyKey: "k",
				}))
			},
		},
	}
}
