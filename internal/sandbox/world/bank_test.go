package world_test

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

type tx = moneykit.Transaction

func TestBankMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	link := add(t, w, world.LinkSpec{})
	gone := add(t, w, world.LinkSpec{State: moneykit.LinkStateDeleted})
	bare := add(t, w, world.LinkSpec{Products: []moneykit.Product{}})
	empty := add(t, w, world.LinkSpec{Accounts: []moneykit.Account{}})
	require.NoError(t, w.AddTransactions(link.ID, []tx{{ID: "txn_a"}, {ID: "txn_b"}, {ID: "txn_p", Pending: true}}, start))
	require.NoError(t, w.RemoveTransaction(link.ID, "txn_b", start))
	truth := transactions(t, w, link)
	addTo := func(id string, rows ...tx) error { return w.AddTransactions(id, rows, start) }
	update := func(row tx) error { return w.UpdateTransaction(link.ID, row, start) }
	read := func(id string) error {
		rows, err := w.Transactions(id, start)
		assert.Nil(t, rows)
		return err
	}
	for want, err := range map[string]error{
		`there is no link mk_x`:                               addTo("mk_x"),
		`there is no link ` + gone.ID:                         addTo(gone.ID),
		`the link ` + bare.ID + ` does not have transactions`: addTo(bare.ID),
		`the link has no account ""`:                          addTo(empty.ID, tx{}),
		`the link has no account "acc_x"`:                     addTo(link.ID, tx{}, tx{AccountID: "acc_x"}),
		`the amount -1 is negative`:                           addTo(link.ID, tx{Amount: amount(t, "-1")}),
		`the id "txn_a" has been used`:                        addTo(link.ID, tx{ID: "txn_a"}),
		`the id "txn_b" has been used`:                        addTo(link.ID, tx{ID: "txn_b", Pending: true}),
		`the id "txn_c" has been used`:                        addTo(link.ID, tx{ID: "txn_c"}, tx{ID: "txn_c"}),
		`json: `:                                              addTo(link.ID, tx{Date: moneykit.Date{Year: 2030, Month: 2, Day: 30}}),
		`the link has no posted transaction "txn_p"`:          update(tx{ID: "txn_p"}),
		`a posted transaction cannot become pending`:          update(tx{ID: "txn_a", Pending: true}),
		`the link has no account "acc_y"`:                     update(tx{ID: "txn_a", AccountID: "acc_y"}),
		`the link has no posted transaction "txn_b"`:          w.RemoveTransaction(link.ID, "txn_b", start),
		`there is no link mk_settle`:                          w.Settle("mk_settle", start),
		`there is no link mk_reset`:                           w.ResetCursors("mk_reset", start),
		`there is no link mk_read`:                            read("mk_read"),
		`there is no link mk_refresh`:                         w.Refresh("mk_refresh", nil, start),
		`there is no link mk_break`:                           w.Break("mk_break", "", start),
		`the link ` + bare.ID + ` does not have "identity"`:   w.Refresh(bare.ID, []moneykit.Product{moneykit.ProductIdentity}, start),
	} {
		require.ErrorContains(t, err, want)
	}
	assert.Equal(t, truth, transactions(t, w, link), "failed calls change nothing")
}

// Missing fields of a transaction are filled in. Returned transactions are copies.
func TestAddTransactionsCompletes(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	link := add(t, w, world.LinkSpec{})
	confidence := 5.0
	require.NoError(t, w.AddTransactions(link.ID, []tx{{
		ID: "txn_d", Datetime: moneykit.Timestamp{Time: start},
		Enrichment: &moneykit.TransactionEnrichment{Category: moneykit.TransactionCategory{Value: "home", Confidence: &confidence}},
	}}, start))
	confidence = 6
	added := transactions(t, w, link)[0]
	assert.InDelta(t, 5, *added.Enrichment.Category.Confidence, 0)
	assert.Equal(t, link.Accounts[0].ID, added.AccountID)
	assert.Equal(t, "USD", added.Currency)
	assert.Equal(t, moneykit.TransactionTypeDebit, added.Type)
	assert.Equal(t, moneykit.DateOf(start), added.Date)
	*added.Enrichment.Category.Confidence = 7
	assert.InDelta(t, 5, *transactions(t, w, link)[0].Enrichment.Category.Confidence, 0)

	require.NoError(t, w.UpdateTransaction(link.ID, tx{ID: "txn_d", Description: "Shoes", Amount: amount(t, "3")}, start.Add(48*time.Hour)))
	updated := transactions(t, w, link)[0]
	assert.Equal(t, "Shoes", updated.Description)
	kept := func(row tx) [4]any { return [4]any{row.AccountID, row.Currency, row.Type, row.Date} }
	assert.Equal(t, kept(added), kept(updated))
}

func TestSettle(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	link := add(t, w, world.LinkSpec{})
	for range 20 {
		require.NoError(t, w.AddTransactions(link.ID, []moneykit.Transaction{{Pending: true, Amount: amount(t, "3")}}, start))
	}
	other := add(t, w, world.LinkSpec{})
	for range 20 {
		require.NoError(t, w.AddTransactions(other.ID, []moneykit.Transaction{{Pending: true}}, start))
	}
	require.NoError(t, w.Refresh(other.ID, []moneykit.Product{moneykit.ProductTransactions}, start))
	assert.Greater(t, len(transactions(t, w, other)), 10, "a refresh settles pending transactions, too")

	before := transactions(t, w, link)
	require.NoError(t, w.Settle(link.ID, start))
	after := transactions(t, w, link)
	assert.Less(t, len(after), len(before))
	assert.NotEmpty(t, after)
	for _, tx := range after {
		assert.False(t, tx.Pending)
		assert.False(t, slices.ContainsFunc(before, func(b moneykit.Transaction) bool { return b.ID == tx.ID }))
		assert.Zero(t, tx.Amount.Rat().Cmp(big.NewRat(3, 1)))
	}
}
