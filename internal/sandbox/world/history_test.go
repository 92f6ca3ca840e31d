package world_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestMadeUpTransactions(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History = 2 * 365 * 24 * time.Hour })
	rows := transactions(t, w, add(t, w, world.LinkSpec{}))
	assert.Greater(t, len(rows), 1000)
	today := moneykit.Date{Year: 2030, Month: 6, Day: 20}
	seen := map[string]int{}
	oldest := today
	for _, tx := range rows {
		require.Regexp(t, `^txn_[0-9A-Za-z]{22}$`, tx.ID)
		require.True(t, tx.Type.Known())
		require.Positive(t, tx.Amount.Sign())
		require.Equal(t, "USD", tx.Currency)
		require.LessOrEqual(t, tx.Date.Compare(today), 0)
		require.NotEmpty(t, tx.Description)
		require.NotEmpty(t, tx.RawDescription)
		require.NotNil(t, tx.Enrichment)
		require.True(t, moneykit.Category(tx.Enrichment.Category.Value).Known())
		require.True(t, moneykit.Subcategory(tx.Enrichment.Subcategory.Value).Known())
		require.LessOrEqual(t, *tx.Enrichment.Category.Confidence, 100.0)
		if tx.Date.Compare(oldest) < 0 {
			oldest = tx.Date
		}
		seen[string(tx.Type)]++
		seen[tx.AccountID]++
		for what, is := range map[string]bool{
			"pending": tx.Pending, "time": !tx.Datetime.IsZero(), "merchant": tx.Enrichment.Merchant != nil,
			"processor": tx.Enrichment.Processor != nil, "recurrence": tx.Enrichment.Recurrence != nil,
		} {
			if is {
				seen[what]++
			}
		}
	}
	assert.Len(t, seen, 2+3+5, "%v", seen)
	assert.Equal(t, 2028, oldest.Year)

	// Without the product enrichment, transactions have no enrichment.
	link := add(t, w, world.LinkSpec{Products: []moneykit.Product{moneykit.ProductTransactions}})
	assert.Nil(t, transactions(t, w, link)[0].Enrichment)
	// Investment accounts make no payments. A user may have only one account.
	link = add(t, w, world.LinkSpec{Accounts: []moneykit.Account{{Type: "investment.ira", Name: "IRA"}}})
	assert.Empty(t, transactions(t, w, link))
	link = add(t, w, world.LinkSpec{Accounts: []moneykit.Account{{Type: "other", Name: "Wallet"}}})
	assert.NotEmpty(t, transactions(t, w, link))
	require.NoError(t, w.Refresh(link.ID, nil, start))
}
