package moneykittest

import (
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// AddTransactions adds transactions to a link, as if MoneyKit had found them at the bank. The link
// counts as refreshed. Fields that are missing get a value: an id, an everyday account of the link,
// the account's currency, the day of today, and the type debit. A pending transaction replaces the
// pending one with the same id, and so does a posted one.
//
// If one of them is wrong, none is added, and the mistake is reported to the test: a link that does
// not exist or has no transactions, an id that the link has used before, an account of another
// link, or a negative amount.
func (s *Server) AddTransactions(linkID string, txs ...moneykit.Transaction) {
	s.change("AddTransactions", func(w *world.World, now time.Time) error { return w.AddTransactions(linkID, txs, now) })
}

// UpdateTransaction replaces the posted transaction that has tx's id, as if it had changed at the
// bank. Account, currency, type and day stay as they are if tx has none. The link counts as
// refreshed. A link or posted transaction that does not exist is reported to the test.
func (s *Server) UpdateTransaction(linkID string, tx moneykit.Transaction) {
	s.change("UpdateTransaction", func(w *world.World, now time.Time) error { return w.UpdateTransaction(linkID, tx, now) })
}

// RemoveTransaction removes a posted transaction, as if it had vanished at the bank. The link
// counts as refreshed. A link or posted transaction that does not exist is reported to the test.
func (s *Server) RemoveTransaction(linkID, id string) {
	s.change("RemoveTransaction", func(w *world.World, now time.Time) error { return w.RemoveTransaction(linkID, id, now) })
}

// Settle settles the pending transactions of a link: most of them are posted under new ids, and the
// others vanish. The link counts as refreshed. A link that does not exist is reported to the test.
func (s *Server) Settle(linkID string) {
	s.change("Settle", func(w *world.World, now time.Time) error { return w.Settle(linkID, now) })
}

// Refresh refreshes products of a link from the bank at once, whatever the state of the link;
// without names all products that the link has. A refresh of the transactions adds a few, settles
// the pending ones and adds other pending ones. A refresh of the accounts changes balances, and one
// of the investments changes prices. A link that does not exist or lacks a product is reported to
// the test.
func (s *Server) Refresh(linkID string, products ...moneykit.Product) {
	s.change("Refresh", func(w *world.World, now time.Time) error { return w.Refresh(linkID, products, now) })
}

// ResetCursors makes all cursors for the transactions of a link invalid. A sync that starts over
// reads what exists now, and nothing about what was removed before. A link that does not exist is
// reported to the test.
func (s *Server) ResetCursors(linkID string) {
	s.change("ResetCursors", func(w *world.World, now time.Time) error { return w.ResetCursors(linkID, now) })
}

// Transactions returns all transactions that a link has now, posted and pending, ordered by id. A
// complete copy consists of these. A link that does not exist is reported to the test.
func (s *Server) Transactions(linkID string) []moneykit.Transaction {
	var rows []moneykit.Transaction
	s.change("Transactions", func(w *world.World, now time.Time) (err error) {
		rows, err = w.Transactions(linkID, now)
		return err
	})
	return rows
}
