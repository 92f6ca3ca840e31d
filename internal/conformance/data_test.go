package conformance

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file reads the data of links, until the responses have contained all members in the
// document.

// never returns the paths of the document that no response of an operation contained, without the
// paths of the link.
func (w *wire) never(t *testing.T, passed []exchange, operation string) []string {
	t.Helper()
	var values []any
	for _, x := range passed {
		require.NoError(t, x.request, "%s", x.sent)
		require.NoError(t, x.response, "%s", x.got)
		if x.operation == operation && x.code == "" {
			value := decode(t, x.got)
			if operation != "get_link" {
				delete(value, "link")
			}
			values = append(values, value)
		}
	}
	require.NotEmpty(t, values, operation)
	for status, response := range w.oracle.operation(t, operation).Responses.Map() {
		if status < "300" {
			missing := absent(response.Value.Content["application/json"].Schema.Value, values, "")
			return slices.DeleteFunc(missing, func(path string) bool { return path == "/link" })
		}
	}
	return nil
}

// absent returns the paths of the properties of a schema that none of values has.
func absent(schema *openapi3.Schema, values []any, path string) []string {
	values = slices.DeleteFunc(values, func(value any) bool { return value == nil })
	if len(values) == 0 {
		return []string{path}
	}
	if len(schema.AnyOf) > 0 {
		schema = schema.AnyOf[0].Value // the other variant is null
	}
	var paths []string
	within := func(schema *openapi3.Schema, path string, part func(any) []any) {
		var parts []any
		for _, value := range values {
			parts = append(parts, part(value)...)
		}
		paths = append(paths, absent(schema, parts, path)...)
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		within(schema.Properties[name].Value, path+"/"+name, func(v any) []any { return []any{v.(object)[name]} })
	}
	if schema.Items != nil {
		within(schema.Items.Value, path, func(v any) []any { return v.([]any) })
	}
	if other := schema.AdditionalProperties.Schema; other != nil {
		within(other.Value, path+"/*", func(v any) []any { return slices.Collect(maps.Values(v.(object))) })
	}
	return paths
}

// fullTransaction has everything that a transaction can have.
func fullTransaction(id string) moneykit.Transaction {
	sure := 100.0
	return moneykit.Transaction{
		ID: id, Type: moneykit.TransactionTypeCredit, Amount: *number("0.00"),
		Date:        moneykit.Date{Year: 2024, Month: time.February, Day: 29},
		Datetime:    moneykit.Timestamp{Time: time.Date(2024, 2, 29, 23, 59, 59, 999999999, time.UTC)},
		Description: "Kaffee", RawDescription: "KAFFEE \"1\"", OriginalID: "7",
		Category: "coffee", //nolint:staticcheck // deprecated, but among what MoneyKit sends
		Enrichment: &moneykit.TransactionEnrichment{
			Category:    moneykit.TransactionCategory{Value: "a category to come", Confidence: &sure},
			Subcategory: &moneykit.TransactionSubcategory{Value: "", Confidence: &sure},
			Merchant:    &moneykit.TransactionMerchant{ID: "m", Name: "M", Logo: "https://m.test/l.png", Confidence: &sure},
			Processor:   &moneykit.TransactionProcessor{ID: "p", Name: "P", Logo: "https://p.test/l.png", Confidence: &sure},
			Recurrence: &moneykit.TransactionRecurrence{
				Frequency: "monthly", NextPredictedDate: moneykit.Date{Year: 2024, Month: time.March, Day: 29},
			},
		},
	}
}

// transactions reads the history of a link page by page, and corrects categories.
func transactions(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	link := w.mk.AddLink(moneykittest.LinkSpec{}).ID
	w.mk.AddTransactions(link, fullTransaction("txn_full"), moneykit.Transaction{Pending: true}, moneykit.Transaction{})
	all := w.mk.Transactions(link)
	require.Greater(t, len(all), 100)
	var read []string
	for tx, err := range client.Transactions.All(t.Context(), link, moneykit.TransactionListParams{Size: 17}) {
		require.NoError(t, err)
		read = append(read, tx.ID)
	}
	assert.Len(t, read, len(all))
	for _, size := range []int{1, 1000} {
		for _, account := range []string{all[0].AccountID, "acc_unknown"} {
			_, err := client.Transactions.List(t.Context(), link, moneykit.TransactionListParams{
				AccountIDs: []string{account}, Size: size, Page: 1 << 40, EndDate: all[0].Date,
			})
			require.NoError(t, err)
		}
	}
	assert.Equal(t, []string{"/accounts/closed", "/accounts/nickname", "/accounts/original_id"}, w.never(t, w.take(), "get_transactions"))

	for i, tx := range append(all[:20], fullTransaction("txn_full"), all[slices.IndexFunc(all, isPending)]) {
		params := moneykit.EnrichmentParams{Category: moneykit.CategoryTravel, Subcategory: moneykit.SubcategoryTaxi}
		if i%2 == 1 {
			params.Subcategory = ""
		}
		corrected, err := client.Transactions.CorrectEnrichment(t.Context(), link, tx.ID, params)
		require.NoError(t, err)
		assert.NotEmpty(t, corrected.Transactions)
	}
	assert.Subset(t, []string{"/accounts/balances/limit", "/accounts/closed", "/accounts/nickname", "/accounts/original_id", "/cursor/next"},
		w.never(t, w.take(), "correct_enrichment"))
}

func isPending(tx moneykit.Transaction) bool { return tx.Pending }

// syncs syncs a link whose transactions are added, changed, removed and pending.
func syncs(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	link := w.mk.AddLink(moneykittest.LinkSpec{}).ID
	rows := []moneykit.Transaction{fullTransaction("txn_full")}
	for i := range 1100 {
		rows = append(rows, moneykit.Transaction{ID: fmt.Sprint("txn_", i), Pending: i%400 == 399})
	}
	w.mk.AddTransactions(link, rows...)
	cursor, copied := "", map[string]bool{} // true for pending transactions
	var refreshed moneykit.Timestamp
	follow := func() (batches, created, updated, removed int) {
		for batch, err := range client.Transactions.Sync(t.Context(), link, cursor) {
			require.NoError(t, err)
			if at := batch.Link.Products.Transactions.RefreshedAt; !at.Equal(refreshed.Time) { // all pending transactions are sent again
				maps.DeleteFunc(copied, func(_ string, pending bool) bool { return pending })
				refreshed = at
			}
			for _, tx := range append(batch.Created, batch.Updated...) {
				copied[tx.ID] = tx.Pending
			}
			for _, id := range batch.Removed {
				delete(copied, id)
			}
			cursor = batch.Cursor
			batches, created = batches+1, created+len(batch.Created)
			updated, removed = updated+len(batch.Updated), removed+len(batch.Removed)
		}
		want := map[string]bool{}
		for _, tx := range w.mk.Transactions(link) {
			want[tx.ID] = tx.Pending
		}
		assert.Equal(t, want, copied)
		return batches, created, updated, removed
	}
	batches, created, _, _ := follow()
	assert.GreaterOrEqual(t, batches, 3)
	assert.Greater(t, created, 1100)

	changed := fullTransaction("txn_1")
	changed.Description = "Tee"
	w.mk.UpdateTransaction(link, changed)
	w.mk.RemoveTransaction(link, "txn_2")
	w.mk.RemoveTransaction(link, "txn_full")
	w.mk.Settle(link)
	w.mk.Refresh(link)
	w.mk.AddTransactions(link, moneykit.Transaction{ID: "txn_late", Pending: true})
	_, created, updated, removed := follow()
	assert.Equal(t, []int{1, 2}, []int{updated, removed})
	assert.Positive(t, created)
	batches, created, updated, removed = follow()
	assert.Equal(t, []int{1, 0, 0, 0}, []int{batches, created, updated, removed})
	assert.Equal(t, []string{
		"/accounts/closed", "/accounts/nickname", "/accounts/original_id",
	}, w.never(t, w.take(), "get_transactions_sync"))

	w.mk.ResetCursors(link)
	failed(t, firstBatch(client.Transactions.Sync(t.Context(), link, cursor)), 422, moneykit.ErrorCodeValidationFailed)
}

// investments reads holdings and their transactions, before and after a refresh.
func investments(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	for _, institution := range []string{"", britishBank, canadianBank} {
		link := w.mk.AddLink(moneykittest.LinkSpec{InstitutionID: institution}).ID
		for range 2 {
			list, err := client.Investments.Holdings(t.Context(), link, moneykit.HoldingListParams{})
			require.NoError(t, err)
			require.NotEmpty(t, list.Holdings)
			some, err := client.Investments.Holdings(t.Context(), link, moneykit.HoldingListParams{
				AccountIDs: []string{"acc_unknown", list.Holdings[0].AccountID},
			})
			require.NoError(t, err)
			assert.NotEmpty(t, some.Holdings)
			none, err := client.Investments.Holdings(t.Context(), link, moneykit.HoldingListParams{AccountIDs: []string{"acc_unknown"}})
			require.NoError(t, err)
			assert.Empty(t, none.Holdings)
			w.mk.Refresh(link, moneykit.ProductInvestments)
		}
	}
	account := []string{"/accounts/balances/available", "/accounts/balances/limit", "/accounts/closed", "/accounts/nickname", "/accounts/original_id"}
	assert.Equal(t, append(account, "/securities/sedol"), w.never(t, w.take(), "get_holdings"))

	link := w.mk.AddLink(moneykittest.LinkSpec{}).ID
	w.mk.Refresh(link)
	n := 0
	for _, err := range client.Investments.AllTransactions(t.Context(), link, moneykit.InvestmentTransactionListParams{Size: 3}) {
		require.NoError(t, err)
		n++
	}
	page, err := client.Investments.Transactions(t.Context(), link, moneykit.InvestmentTransactionListParams{})
	require.NoError(t, err)
	assert.Equal(t, page.Total, n)
	assert.Equal(t, append(account, "/investment_transactions/forex_rate", "/securities/sedol"), w.never(t, w.take(), "get_investment_transactions"))
}

// owners reads the owners and the numbers of accounts, in every country.
func owners(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	var links []string
	for _, institution := range []string{"", moneykittest.OAuthBank, moneykittest.CredentialsBank, britishBank, canadianBank} {
		links = append(links, w.mk.AddLink(moneykittest.LinkSpec{InstitutionID: institution}).ID)
	}
	params := fullSession("")
	params.CustomerUser.ID = "user_0002" // who has no link at that bank yet
	session, err := client.LinkSessions.Create(t.Context(), params)
	require.NoError(t, err)
	result, err := moneykit.ParseConnectResult(w.mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{Username: "user_custom"}))
	require.NoError(t, err)
	custom, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
	require.NoError(t, err)
	for _, link := range append(links, custom.ID) {
		list, err := client.Identity.List(t.Context(), link, moneykit.IdentityListParams{})
		require.NoError(t, err)
		require.NotEmpty(t, list.Accounts)
		one, err := client.Identity.List(t.Context(), link, moneykit.IdentityListParams{AccountIDs: []string{list.Accounts[0].ID}})
		require.NoError(t, err)
		assert.Len(t, one.Accounts, 1)
	}
	account := []string{"/accounts/closed", "/accounts/nickname", "/accounts/original_id"}
	assert.Equal(t, account, w.never(t, w.take(), "get_identities"))
	for _, link := range append(links, custom.ID) {
		list, err := client.Accounts.Numbers(t.Context(), link)
		require.NoError(t, err)
		for _, a := range list.Accounts {
			one, err := client.Accounts.Get(t.Context(), link, a.ID)
			require.NoError(t, err)
			assert.Equal(t, a.Balances, one.Account.Balances)
		}
	}
	// Accounts with a limit have no numbers.
	passed := w.take()
	assert.Equal(t, append([]string{"/accounts/balances/limit"}, account...), w.never(t, passed, "get_account_numbers"))
	assert.Equal(t, []string{"/account/balances/limit", "/account/closed", "/account/nickname", "/account/original_id"},
		w.never(t, passed, "get_account"))
}
