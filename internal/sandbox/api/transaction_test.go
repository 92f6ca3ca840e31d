package api_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestTransactionLists(t *testing.T) {
	t.Parallel()
	mk := newFake(t, day())
	client := mk.Client()
	ctx := t.Context()
	link := mk.addLink(t, world.LinkSpec{})
	second := mk.addLink(t, world.LinkSpec{InstitutionID: world.OAuthBank})
	mk.addLink(t, world.LinkSpec{Error: moneykit.LinkErrorAuthExpired})
	mk.addLink(t, world.LinkSpec{UserID: "somebody else"})
	truth := mk.transactions(t, link.ID)
	require.Greater(t, len(truth), 100)
	both := byID(append(slices.Clone(truth), mk.transactions(t, second.ID)...))

	for _, size := range []int{0, 7, 50, len(truth)} {
		all := collect(t, client.Transactions.All(ctx, link.ID, moneykit.TransactionListParams{Size: size}))
		assert.Equal(t, truth, byID(all))
		assert.True(t, slices.IsSortedFunc(all, func(a, b moneykit.Transaction) int { return b.Date.Compare(a.Date) }), "newest first")
		all = collect(t, client.Users.AllTransactions(ctx, "user_0001", moneykit.UserTransactionListParams{Size: size}))
		assert.Equal(t, both, byID(all))
		assert.True(t, slices.IsSortedFunc(all, func(a, b moneykit.Transaction) int { return b.Date.Compare(a.Date) }), "newest first")
	}

	// Limit the list by days and accounts.
	first, last := moneykit.Date{Year: 2030, Month: 5, Day: 1}, moneykit.Date{Year: 2030, Month: 5, Day: 20}
	account := truth[0].AccountID
	var want []moneykit.Transaction
	for _, tx := range truth {
		if tx.AccountID == account && tx.Date.Compare(first) >= 0 && tx.Date.Compare(last) <= 0 {
			want = append(want, tx)
		}
	}
	params := moneykit.TransactionListParams{AccountIDs: []string{account}, StartDate: first, EndDate: last, Size: 3}
	page, err := client.Transactions.List(ctx, link.ID, params)
	require.NoError(t, err)
	assert.Equal(t, len(want), page.Total)
	assert.Equal(t, 1, page.Page)
	assert.Equal(t, 3, page.Size)
	require.Len(t, page.Accounts, 1)
	assert.Equal(t, account, page.Accounts[0].ID)
	assert.Equal(t, link, page.Link)
	assert.Equal(t, want, byID(collect(t, client.Transactions.All(ctx, link.ID, params))))
	user := moneykit.UserTransactionListParams{AccountIDs: []string{account}, StartDate: first, EndDate: last}
	assert.Equal(t, want, byID(collect(t, client.Users.AllTransactions(ctx, "user_0001", user))))
	of, err := client.Users.Transactions(ctx, "user_0001", user)
	require.NoError(t, err)
	assert.Equal(t, map[string]moneykit.BasicAccount{account: {
		Name: page.Accounts[0].Name, LinkID: link.ID, InstitutionID: world.InstantBank, LastSyncedAt: link.Products.Accounts.RefreshedAt,
	}}, of.Accounts)

	// The last page is smaller, and pages beyond it are empty.
	page, err = client.Transactions.List(ctx, link.ID, moneykit.TransactionListParams{Page: 2, Size: len(truth) - 1})
	require.NoError(t, err)
	assert.Equal(t, 1, page.Size)
	assert.Equal(t, len(truth), page.Total)
	a := ask(t, mk, http.MethodGet, "/links/"+link.ID+"/transactions?page=99", "")
	assert.JSONEq(t, `[]`, string(raw(t, a, "transactions")))
	assert.JSONEq(t, `[]`, string(raw(t, a, "accounts")))
	nobody, err := client.Users.Transactions(ctx, "nobody at all", moneykit.UserTransactionListParams{})
	require.NoError(t, err)
	assert.Equal(t, &moneykit.UserTransactionPage{
		Transactions: []moneykit.Transaction{}, Accounts: map[string]moneykit.BasicAccount{}, Page: 1,
	}, nobody)
}

func TestCorrectEnrichment(t *testing.T) {
	t.Parallel()
	mk := newFake(t, day())
	client := mk.Client()
	link := mk.addLink(t, world.LinkSpec{})
	var gym moneykit.Transaction
	alike := 0
	for _, tx := range mk.transactions(t, link.ID) {
		if m := tx.Enrichment.Merchant; m != nil && m.Name == "Ironwood Gym" {
			gym = tx
			alike++
		}
	}
	require.Greater(t, alike, 1)
	params := moneykit.EnrichmentParams{Category: moneykit.CategoryEducation, Subcategory: moneykit.SubcategoryHobbies}
	corrected, err := client.Transactions.CorrectEnrichment(t.Context(), link.ID, gym.ID, params)
	require.NoError(t, err)
	require.Len(t, corrected.Transactions, alike)
	assert.Equal(t, gym.ID, corrected.Transactions[0].ID)
	assert.Len(t, corrected.Accounts, 1)
	assert.Equal(t, link, corrected.Link, "the correction is not a refresh")
	for _, tx := range mk.transactions(t, link.ID) {
		if i := slices.IndexFunc(corrected.Transactions, func(c moneykit.Transaction) bool { return c.ID == tx.ID }); i >= 0 {
			assert.Equal(t, corrected.Transactions[i], tx)
			assert.Equal(t, "education", tx.Enrichment.Category.Value)
			assert.Equal(t, "hobbies", tx.Enrichment.Subcategory.Value)
			assert.Equal(t, gym.Enrichment.Merchant.Name, tx.Enrichment.Merchant.Name)
		} else {
			assert.NotEqual(t, "education", tx.Enrichment.Category.Value)
		}
	}
	_, err = client.Transactions.CorrectEnrichment(t.Context(), link.ID, "txn_x", params)
	isError(t, err, moneykit.ErrNotFound, 404)
	for _, body := range []string{`{}`, `{"category":"x"}`, `{"category":null}`, `{"category":"home","subcategory":"x"}`} {
		assert.Equal(t, 422, ask(t, mk, http.MethodPost, "/links/"+link.ID+"/transactions/"+gym.ID+"/enrichment", body).status)
	}

	// Correct a transaction without an enrichment.
	mk.addTransactions(t, link.ID, moneykit.Transaction{ID: "txn_bare"})
	corrected, err = client.Transactions.CorrectEnrichment(t.Context(), link.ID, "txn_bare",
		moneykit.EnrichmentParams{Category: moneykit.CategoryTaxes})
	require.NoError(t, err)
	require.Len(t, corrected.Transactions, 1)
	assert.Nil(t, corrected.Transactions[0].Enrichment.Subcategory)
}
