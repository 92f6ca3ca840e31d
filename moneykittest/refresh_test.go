package moneykittest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestWaitForRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mk := moneykittest.NewServer(t, moneykittest.WithRefreshDelay(12*time.Second))
		client := mk.Client()
		link := mk.AddLink(moneykittest.LinkSpec{})
		products := []moneykit.Product{moneykit.ProductTransactions, moneykit.ProductInvestments}
		before, err := client.Products.Refresh(t.Context(), link.ID, products)
		require.NoError(t, err)
		start := time.Now()
		after, err := client.Products.Wait(t.Context(), before, products)
		require.NoError(t, err)
		assert.Equal(t, 15*time.Second, time.Since(start))
		assert.True(t, after.Products.Investments.RefreshedAt.After(before.Products.Investments.RefreshedAt.Time))
	})
}

// TestNoDataBeforeFirstFetch tests a link whose data is not fetched when it is linked.
func TestNoDataBeforeFirstFetch(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	ctx := t.Context()
	params := sessionParams()
	late := &moneykit.ProductSettings{}
	params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
		AccountNumbers: late, Identity: late, Transactions: late, Investments: late,
	}}
	link := connect(t, mk, params, moneykittest.Play{})
	store := &moneykittest.MemoryStore{}
	read := func() [4]int {
		numbers, err := client.Accounts.Numbers(ctx, link.ID)
		require.NoError(t, err)
		identity, err := client.Identity.List(ctx, link.ID, moneykit.IdentityListParams{})
		require.NoError(t, err)
		holdings, err := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
		require.NoError(t, err)
		_, err = client.SyncTransactions(ctx, link.ID, store)
		require.NoError(t, err)
		assert.Equal(t, mk.Transactions(link.ID), byID(collect(t, client.Transactions.All(ctx, link.ID, moneykit.TransactionListParams{}))))
		return [4]int{
			len(numbers.Accounts), len(identity.Accounts[0].Owners), len(holdings.Holdings), len(store.Transactions(link.ID)),
		}
	}
	assert.Equal(t, [4]int{}, read())
	_, err := client.Products.Refresh(ctx, link.ID, []moneykit.Product{
		moneykit.ProductAccountNumbers, moneykit.ProductIdentity, moneykit.ProductTransactions, moneykit.ProductInvestments,
	})
	require.NoError(t, err)
	for _, n := range read() {
		assert.Positive(t, n)
	}
	assert.Greater(t, len(store.Transactions(link.ID)), 50, "the past comes with the first fetch")

	link = connect(t, mk, params, moneykittest.Play{})
	mk.AddTransactions(link.ID, moneykit.Transaction{})
	assert.Greater(t, len(mk.Transactions(link.ID)), 50)
}
