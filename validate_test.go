package moneykit_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// refusedCall is a call with invalid parameters.
type refusedCall struct {
	name string
	call func(context.Context, *moneykit.Client) error
	says string
}

func refusedCalls() []refusedCall {
	day := func(d int) moneykit.Date { return moneykit.Date{Year: 2023, Month: 12, Day: d} }
	return []refusedCall{
		{"a limit that is too small", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Links.List(ctx, moneykit.LinkListParams{Limit: 499})
			return err
		}, "limit must be 500 to 5000, not 499"},
		{"a limit that is too large", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Institutions.List(ctx, moneykit.InstitutionListParams{Limit: 1001})
			return err
		}, "limit must be 1 to 1000, not 1001"},
		{"a negative page", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Transactions.List(ctx, "mk_1", moneykit.TransactionListParams{Page: -1})
			return err
		}, "page must be at least 1, not -1"},
		{"a negative page of all", func(ctx context.Context, c *moneykit.Client) error {
			for _, err := range c.Transactions.All(ctx, "mk_1", moneykit.TransactionListParams{Page: -1}) {
				return err
			}
			return nil
		}, "page must be at least 1, not -1"},
		{"a size that is too large", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Users.Transactions(ctx, "user_0001", moneykit.UserTransactionListParams{Size: 1001})
			return err
		}, "size must be 1 to 1000, not 1001"},
		{"a sync page that is too large", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.SyncTransactions(ctx, "mk_1", &moneykittest.MemoryStore{}, moneykit.WithPageSize(501))
			return err
		}, "size must be 1 to 500, not 501"},
		{"an end before the start", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Investments.Transactions(ctx, "mk_1", moneykit.InvestmentTransactionListParams{StartDate: day(2), EndDate: day(1)})
			return err
		}, "end_date must not be before start_date"},
		{"a day that does not exist", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Transactions.List(ctx, "mk_1", moneykit.TransactionListParams{StartDate: day(32)})
			return err
		}, "start_date cannot be sent"},
		{"an empty id in a list", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Identity.List(ctx, "mk_1", moneykit.IdentityListParams{AccountIDs: []string{"a", ""}})
			return err
		}, "account_ids must not have an empty id"},
		{"an empty account id", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Accounts.Get(ctx, "mk_1", "")
			return err
		}, `account_id must not be empty`},
		{"no product", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Products.Refresh(ctx, "mk_1", nil)
			return err
		}, "products must have at least one product"},
		{"no link to wait for", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Products.Wait(ctx, nil, nil)
			return err
		}, "before must not be nil"},
		{"no store", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.SyncTransactions(ctx, "mk_1", nil)
			return err
		}, "store must not be nil"},
		{"no category", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Transactions.CorrectEnrichment(ctx, "mk_1", "txn_1", moneykit.EnrichmentParams{})
			return err
		}, "category must not be empty"},
		{"no test event", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Webhooks.SendTest(ctx, "mk_1", moneykit.TestWebhookParams{})
			return err
		}, "webhook_event must not be empty; webhook_idempotency_key must not be empty"},
		{"a webhook that is not a URL", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Links.Update(ctx, "mk_1", moneykit.LinkUpdateParams{Webhook: moneykit.Set("")})
			return err
		}, "webhook must"},
		{"a tag that is too long", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Links.Update(ctx, "mk_1", moneykit.LinkUpdateParams{Tags: moneykit.Set([]string{strings.Repeat("a", 100)})})
			return err
		}, "link_tags[0] must have 1 to 99 characters, not 100"},
		{"an import without accounts", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Links.Import(ctx, moneykit.LinkImportParams{})
			return err
		}, "customer_user.id must have 4 to 150 characters, not 0; institution_id must not be empty; accounts must have at least one account"},
		{"an imported transaction without a day", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Links.ImportTransactions(ctx, "mk_1", moneykit.TransactionImportParams{Transactions: []moneykit.TransactionImport{{}}})
			return err
		}, "transactions[0].account_id must not be empty; transactions[0].date must not be empty"},
		{"a phone number without a type", func(ctx context.Context, c *moneykit.Client) error {
			params := validSession()
			params.CustomSandboxData = &moneykit.CustomSandboxData{Owners: []moneykit.Owner{{PhoneNumbers: []moneykit.PhoneNumber{{Number: "1"}}}}}
			_, err := c.LinkSessions.Create(ctx, params)
			return err
		}, "custom_sandbox_data.owners[0].phone_numbers[0].type must not be empty"},
		{"an import of over 1 MB", func(ctx context.Context, c *moneykit.Client) error {
			_, err := c.Links.ImportTransactions(ctx, "mk_1", moneykit.TransactionImportParams{Transactions: []moneykit.TransactionImport{
				{AccountID: "7", Date: day(1), Description: strings.Repeat("a", 1_000_000)},
			}})
			return err
		}, "body must have at most 1000000 bytes, not 10000"},
	}
}

func TestInvalidParametersAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range refusedCalls() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mock := newMock(t)
			err := tt.call(t.Context(), newClient(t, mock))
			require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed)
			require.ErrorContains(t, err, tt.says)
			assert.Zero(t, mock.GetTotalCallCount(), "it is not sent")
		})
	}
}
