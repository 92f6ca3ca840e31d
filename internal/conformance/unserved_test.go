package conformance

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file is about the operations that moneykittest does not serve yet: of those the requests are
// judged alone. One that is served goes to operations, with its answers to the table answers.

// unserved is such an operation.
type unserved struct {
	id string
	// sparse sends as little as it can, full all that the document has.
	sparse, full func(context.Context, *moneykit.Client) error
	// leftOut are the paths in the body that the SDK never sends.
	leftOut []string
}

func unservedOperations() []unserved {
	const link, user = "mk_1", "user@app.test/ü 1"
	ids := []string{"acc_1", "a,b c&d=é"}
	start, end := moneykit.Date{Year: 2024, Month: time.February, Day: 29}, moneykit.Date{Year: 2025, Month: time.December, Day: 31}
	type (
		ctx    = context.Context
		client = *moneykit.Client
	)
	return []unserved{
		{
			id:     "get_well_known_jwks",
			sparse: func(ctx ctx, c client) error { return second(c.Webhooks.Keys(ctx)) },
		}, {
			id:     "get_links",
			sparse: func(ctx ctx, c client) error { return second(c.Links.List(ctx, moneykit.LinkListParams{})) },
			full: func(ctx ctx, c client) error {
				return second(c.Links.List(ctx, moneykit.LinkListParams{Cursor: "a+b/c=", Limit: 5000}))
			},
		}, {
			id: "import_link",
			sparse: func(ctx ctx, c client) error {
				return second(c.Links.Import(ctx, moneykit.LinkImportParams{
					CustomerUser: moneykit.CustomerUser{ID: "user"}, InstitutionID: "mx.chase", Accounts: []moneykit.AccountImport{{}},
				}))
			},
			full: func(ctx ctx, c client) error {
				amount := number("12.50")
				return second(c.Links.Import(ctx, moneykit.LinkImportParams{
					CustomerUser: fullSession("").CustomerUser, InstitutionID: "mx.chase", Provider: moneykit.ProviderMX,
					Accounts: []moneykit.AccountImport{{
						ID: "1", Type: "depository.checking", Name: "Checking", Nickname: "Daily", Mask: "0001",
						Balances: moneykit.Balances{
							Currency: "USD", Available: amount, Current: amount, Limit: amount, Date: moneykit.Timestamp{Time: time.Unix(1, 5).UTC()},
						},
					}},
					Transactions: fullTransactions(),
				}))
			},
		}, {
			id: "import_transactions",
			sparse: func(ctx ctx, c client) error {
				return second(c.Links.ImportTransactions(ctx, link, moneykit.TransactionImportParams{}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Links.ImportTransactions(ctx, link, moneykit.TransactionImportParams{Transactions: fullTransactions()}))
			},
		}, {
			id: "update_link",
			sparse: func(ctx ctx, c client) error {
				return second(c.Links.Update(ctx, link, moneykit.LinkUpdateParams{
					Webhook: moneykit.Clear[string](), Tags: moneykit.Clear[[]string](),
				}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Links.Update(ctx, link, moneykit.LinkUpdateParams{
					Webhook: moneykit.Set("https://app.test/hook"), Tags: moneykit.Set([]string{"a"}),
				}))
			},
			leftOut: []string{"/tags"}, // deprecated
		}, {
			id:     "reset_link",
			sparse: func(ctx ctx, c client) error { return second(c.Links.Reset(ctx, link)) },
		}, {
			id: "refresh_products",
			sparse: func(ctx ctx, c client) error {
				return second(c.Products.Refresh(ctx, link, []moneykit.Product{moneykit.ProductIdentity}))
			},
		}, {
			id:     "get_account_numbers",
			sparse: func(ctx ctx, c client) error { return second(c.Accounts.Numbers(ctx, link)) },
		}, {
			id:     "get_account",
			sparse: func(ctx ctx, c client) error { return second(c.Accounts.Get(ctx, link, "acc 1/é")) },
		}, {
			id: "get_identities",
			sparse: func(ctx ctx, c client) error {
				return second(c.Identity.List(ctx, link, moneykit.IdentityListParams{}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Identity.List(ctx, link, moneykit.IdentityListParams{AccountIDs: ids}))
			},
		}, {
			id: "get_transactions",
			sparse: func(ctx ctx, c client) error {
				return second(c.Transactions.List(ctx, link, moneykit.TransactionListParams{}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Transactions.List(ctx, link, moneykit.TransactionListParams{
					AccountIDs: ids, Page: 2, Size: 1000, StartDate: start, EndDate: end,
				}))
			},
		}, {
			id:     "get_transactions_sync",
			sparse: func(ctx ctx, c client) error { return firstBatch(c.Transactions.Sync(ctx, link, "")) },
			full:   func(ctx ctx, c client) error { return firstBatch(c.Transactions.Sync(ctx, link, "a+b/c=")) },
		}, {
			id: "correct_enrichment",
			sparse: func(ctx ctx, c client) error {
				return second(c.Transactions.CorrectEnrichment(ctx, link, "txn_1", moneykit.EnrichmentParams{Category: moneykit.CategoryHome}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Transactions.CorrectEnrichment(ctx, link, "txn_1", moneykit.EnrichmentParams{
					Category: moneykit.CategoryTravel, Subcategory: moneykit.SubcategoryTaxi,
				}))
			},
		}, {
			id: "get_holdings",
			sparse: func(ctx ctx, c client) error {
				return second(c.Investments.Holdings(ctx, link, moneykit.HoldingListParams{}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Investments.Holdings(ctx, link, moneykit.HoldingListParams{AccountIDs: ids}))
			},
		}, {
			id: "get_investment_transactions",
			sparse: func(ctx ctx, c client) error {
				return second(c.Investments.Transactions(ctx, link, moneykit.InvestmentTransactionListParams{}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Investments.Transactions(ctx, link, moneykit.InvestmentTransactionListParams{
					AccountIDs: ids, Page: 2, Size: 1000, StartDate: start, EndDate: end,
				}))
			},
		}, {
			id: "get_user_accounts",
			sparse: func(ctx ctx, c client) error {
				return second(c.Users.Accounts(ctx, user, moneykit.UserAccountListParams{}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Users.Accounts(ctx, user, moneykit.UserAccountListParams{AccountIDs: ids}))
			},
		}, {
			id:     "get_user_links",
			sparse: func(ctx ctx, c client) error { return second(c.Users.Links(ctx, user)) },
		}, {
			id: "get_user_transactions",
			sparse: func(ctx ctx, c client) error {
				return second(c.Users.Transactions(ctx, user, moneykit.UserTransactionListParams{}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Users.Transactions(ctx, user, moneykit.UserTransactionListParams{
					AccountIDs: ids, Page: 2, Size: 1000, StartDate: start, EndDate: end,
				}))
			},
		}, {
			id: "get_institutions",
			sparse: func(ctx ctx, c client) error {
				return second(c.Institutions.List(ctx, moneykit.InstitutionListParams{}))
			},
			full: func(ctx ctx, c client) error {
				return second(c.Institutions.List(ctx, moneykit.InstitutionListParams{
					Name: "Crédit & Co", Featured: true, Cursor: "a+b/c=", Limit: 1000,
				}))
			},
		}, {
			id:     "get_institution",
			sparse: func(ctx ctx, c client) error { return second(c.Institutions.Get(ctx, "mx.chase")) },
		}, {
			id: "trigger_test_link_webhook_event",
			sparse: func(ctx ctx, c client) error {
				return second(c.Webhooks.SendTest(ctx, link, moneykit.TestWebhookParams{
					Event: moneykit.TestEventProductStateChanged, IdempotencyKey: "k",
				}))
			},
		},
	}
}

func fullTransactions() []moneykit.TransactionImport {
	return []moneykit.TransactionImport{{
		ID: "7", AccountID: "1", Amount: *number("-0.10"), Date: moneykit.Date{Year: 2024, Month: time.February, Day: 29},
		Description: "Kaffee", Type: "food_and_drinks.restaurants",
	}}
}

func second[T any](_ T, err error) error { return err }

func firstBatch(batches func(func(*moneykit.TransactionBatch, error) bool)) (err error) {
	batches(func(_ *moneykit.TransactionBatch, e error) bool {
		err = e
		return false
	})
	return err
}

func TestUnserved(t *testing.T) {
	t.Parallel()
	for _, op := range unservedOperations() {
		for way, opts := range ways {
			t.Run(op.id+" "+way, func(t *testing.T) {
				t.Parallel()
				mk := moneykittest.New() // not for the test: it would fail it for what it does not serve
				t.Cleanup(mk.Close)
				w := newWire(t, mk, nil)
				client := w.client(t, opts...)
				var x exchange
				for _, call := range []func(context.Context, *moneykit.Client) error{op.sparse, op.full} {
					if call == nil { // it has no choice
						continue
					}
					_ = call(t.Context(), client) // the wire tells
					x = w.last(t)
					require.Equal(t, http.StatusNotImplemented, x.status, "moneykittest serves it now")
					assert.Equal(t, op.id, x.operation)
					require.NoError(t, x.request, "%s", x.sent)
				}
				declared := w.oracle.operation(t, op.id)
				for _, p := range declared.Parameters {
					if p.Value.In == "query" && !p.Value.Deprecated {
						assert.Contains(t, x.again.URL.Query(), p.Value.Name)
					}
				}
				if declared.RequestBody != nil {
					schema := declared.RequestBody.Value.Content["application/json"].Schema.Value
					assert.Equal(t, op.leftOut, leftOut(schema, decode(t, x.sent), ""))
				}
			})
		}
	}
}
