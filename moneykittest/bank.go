package moneykittest

import (
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// AddTransactions adds transactions to a link, as if MoneyKit had found them at the bank. The link
// counts as refreshed. Missing fields get defaults: a new ID, an everyday account of the link, the
// account's currency, today's date, and the type debit. A transaction, pending or posted, replaces
// a pending one with the same ID.
//
// If a transaction is invalid, none is added, and the mistake is reported to the test. Mistakes
// are:
//
//   - The link does not exist or does not have the product transactions.
//   - The link has used the ID before.
//   - The account belongs to another link.
//   - The amount is negative.
func (s *Server) AddTransactions(linkID string, txs ...moneykit.Transaction) {
	s.change("AddTransactions", func(w *world.World, now time.Time) error { return w.AddTransactions(linkID, txs, now) })
}

// UpdateTransaction replaces the posted transaction with tx's ID, as if it had changed at the bank.
// Account, currency, type and day do not change if tx has none. The link counts as refreshed. A
// link or posted transaction that does not exist is reported to the test.
func (s *Server) UpdateTransaction(linkID string, tx moneykit.Transaction) {
	s.change("UpdateTransaction", func(w *world.World, now time.Time) error { return w.UpdateTransaction(linkID, tx, now) })
}

// RemoveTransaction removes a posted transaction, as if the bank had removed it. The link counts as
// refreshed. A link or posted transaction that does not exist is reported to the test.
func (s *Server) RemoveTransaction(linkID, id string) {
	s.change("RemoveTransaction", func(w *world.World, now time.Time) error { return w.RemoveTransaction(linkID, id, now) })
}

// Settle settles the pending transactions of a link: it posts most of them under new IDs, and
// removes the others. The link counts as refreshed. A link that does not exist is reported to the
// test.
func (s *Server) Settle(linkID string) {
	s.change("Settle", func(w *world.World, now time.Time) error { return w.Settle(linkID, now) })
}

// Refresh refreshes products of a link at once, in any state of the link. Without products it
// refreshes all that the link has. A refresh of transactions adds a few, settles the pending ones
// and adds other pending ones. A refresh of accounts changes balances. A refresh of investments
// changes prices. A link that does not exist or lacks a product is reported to the test.
func (s *Server) Refresh(linkID string, products ...moneykit.Product) {
	s.change("Refresh", func(w *world.World, now time.Time) error { return w.Refresh(linkID, products, now) })
}

// ResetCursors makes all cursors for the transactions of a link invalid. A sync that starts over
// gets the transactions that exist now, and no removals of earlier ones. A link that does not exist
// is reported to the test.
func (s *Server) ResetCursors(linkID string) {
	s.change("ResetCursors", func(w *world.World, now time.Time) error { return w.ResetCursors(linkID, now) })
}

// Transactions returns all transactions of a link, posted and pending, ordered by ID. A complete
// copy contains exactly these. A link that does not exist is reported to the test.
func (s *Server) Transactions(linkID string) []moneykit.Transaction {
	var rows []moneykit.Transaction
	s.change("Transactions", func(w *world.World, now time.Time) (err error) {
		rows, err = w.Transactions(linkID, now)
		return err
	})
	return rows
}
