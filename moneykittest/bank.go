package moneykittest

import (
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// AddTransactions lets MoneyKit find new transactions of a link at the bank. What they lack is
// filled in: an id, an everyday account of the link, its currency, the day, and that they are
// debits. Pending ones join those that are pending already, or replace the one with their id; a
// posted one with the id of a pending one takes its place. The link counts as refreshed.
//
// Nothing is added and the test is told when there is no such link, or it has no transactions,
// and for an id that the link has used before, an account of another link and a negative amount.
func (s *Server) AddTransactions(linkID string, txs ...moneykit.Transaction) {
	s.change("AddTransactions", func(w *world.World, now time.Time) error { return w.AddTransactions(linkID, txs, now) })
}

// UpdateTransaction lets MoneyKit find at the bank that a posted transaction, the one with tx's
// id, is now as tx says. Account, currency, type and day stay where tx has none. The link counts
// as refreshed. The test is told when there is no such link or posted transaction.
func (s *Server) UpdateTransaction(linkID string, tx moneykit.Transaction) {
	s.change("UpdateTransaction", func(w *world.World, now time.Time) error { return w.UpdateTransaction(linkID, tx, now) })
}

// RemoveTransaction lets MoneyKit find at the bank that a posted transaction is gone. The link
// counts as refreshed. The test is told when there is no such link or posted transaction.
func (s *Server) RemoveTransaction(linkID, id string) {
	s.change("RemoveTransaction", func(w *world.World, now time.Time) error { return w.RemoveTransaction(linkID, id, now) })
}

// Settle lets MoneyKit find at the bank that nothing is pending any more: most of what was is
// posted now, under new ids, and the rest has vanished. The link counts as refreshed. The test is
// told when there is no such link.
func (s *Server) Settle(linkID string) {
	s.change("Settle", func(w *world.World, now time.Time) error { return w.Settle(linkID, now) })
}

// Refresh lets MoneyKit fetch products of a link from the bank at once, all that the link has if
// none are named, whatever the state of the link. With transactions it finds a few new ones,
// settles what was pending and finds other pending ones; with accounts the balances move, with
// investments the prices. The test is told when there is no such link or it lacks a product.
func (s *Server) Refresh(linkID string, products ...moneykit.Product) {
	s.change("Refresh", func(w *world.World, now time.Time) error { return w.Refresh(linkID, products, now) })
}

// ResetCursors lets MoneyKit accept none of the cursors any more that it has given out for the
// transactions of a link. It forgets what led to them too: whoever begins anew reads what there is,
// and nothing of what has been removed. The test is told when there is no such link.
func (s *Server) ResetCursors(linkID string) {
	s.change("ResetCursors", func(w *world.World, now time.Time) error { return w.ResetCursors(linkID, now) })
}

// Transactions returns all transactions that a link has now, posted and pending, ordered by id: what a
// complete copy consists of. The test is told when there is no such link.
func (s *Server) Transactions(linkID string) []moneykit.Transaction {
	var rows []moneykit.Transaction
	s.change("Transactions", func(w *world.World, now time.Time) (err error) {
		rows, err = w.Transactions(linkID, now)
		return err
	})
	return rows
}
