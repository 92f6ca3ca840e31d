package moneykittest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// AddTransactions lets MoneyKit find new transactions of a link at the bank. What they lack is
// filled in: an id, an everyday account of the link, its currency, the day, and that they are
// debits. Pending ones join those that are pending already, or replace the one with their id; a
// posted one with the id of a pending one takes its place. The link counts as refreshed.
//
// Nothing is added and the test is told when there is no such link, or it has no transactions,
// and for an id that the link has used before, an account of another link and a negative amount.
func (s *Server) AddTransactions(linkID string, txs ...moneykit.Transaction) {
	s.change("AddTransactions", linkID, func(c *core, l *link, now time.Time) error {
		return c.addTransactions(l, txs, now)
	})
}

// UpdateTransaction lets MoneyKit find at the bank that a posted transaction, the one with tx's
// id, is now as tx says. Account, currency, type and day stay where tx has none. The link counts
// as refreshed. The test is told when there is no such link or posted transaction.
func (s *Server) UpdateTransaction(linkID string, tx moneykit.Transaction) {
	s.change("UpdateTransaction", linkID, func(c *core, l *link, now time.Time) error {
		old, ok := l.ledger.posted[tx.ID]
		switch {
		case !ok:
			return fmt.Errorf("the link has no posted transaction %q", tx.ID)
		case tx.Pending:
			return errors.New("a posted transaction does not become pending again")
		}
		tx.AccountID = cmp.Or(tx.AccountID, old.AccountID)
		tx.Currency = cmp.Or(tx.Currency, old.Currency)
		tx.Type = cmp.Or(tx.Type, old.Type)
		if tx.Date.IsZero() {
			tx.Date = old.Date
		}
		row, err := c.complete(l, tx, now)
		if err != nil {
			return err
		}
		l.ledger.update(row)
		l.fetched(l.ledger.pending, now)
		return nil
	})
}

// RemoveTransaction lets MoneyKit find at the bank that a posted transaction is gone. The link
// counts as refreshed. The test is told when there is no such link or posted transaction.
func (s *Server) RemoveTransaction(linkID, id string) {
	s.change("RemoveTransaction", linkID, func(_ *core, l *link, now time.Time) error {
		if _, ok := l.ledger.posted[id]; !ok {
			return fmt.Errorf("the link has no posted transaction %q", id)
		}
		l.ledger.remove(id)
		l.fetched(l.ledger.pending, now)
		return nil
	})
}

// Settle lets MoneyKit find at the bank that nothing is pending any more: most of what was is
// posted now, under new ids, and the rest has vanished. The link counts as refreshed. The test is
// told when there is no such link.
func (s *Server) Settle(linkID string) {
	s.change("Settle", linkID, func(c *core, l *link, now time.Time) error {
		c.settle(l, now)
		l.fetched(nil, now)
		return nil
	})
}

// ResetCursors lets MoneyKit accept none of the cursors any more that it has given out for the
// transactions of a link. It forgets what led to them too: whoever begins anew reads what there is,
// and nothing of what has been removed. The test is told when there is no such link.
func (s *Server) ResetCursors(linkID string) {
	s.change("ResetCursors", linkID, func(_ *core, l *link, _ time.Time) error {
		l.ledger.forget()
		return nil
	})
}

// Transactions returns all transactions that a link has now, posted and pending, ordered by id: what a
// complete copy consists of. The test is told when there is no such link.
func (s *Server) Transactions(linkID string) []moneykit.Transaction {
	var rows []moneykit.Transaction
	s.change("Transactions", linkID, func(_ *core, l *link, _ time.Time) error {
		for _, row := range l.ledger.all() {
			row, err := copied(row)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		slices.SortFunc(rows, func(a, b moneykit.Transaction) int { return cmp.Compare(a.ID, b.ID) })
		return nil
	})
	return rows
}

// change calls f with the state locked and the ledger of a link at hand, and tells the test what
// went wrong.
func (s *Server) change(method, linkID string, f func(*core, *link, time.Time) error) {
	c := s.core()
	if err := c.changeLink(linkID, f); err != nil {
		c.errorf("%s: %v", method, err)
	}
}

func (c *core) changeLink(linkID string, f func(*core, *link, time.Time) error) error {
	now := c.lock()
	defer c.mu.Unlock()
	l := c.find(linkID, now)
	switch {
	case l == nil || l.state == moneykit.LinkStateDeleted:
		return fmt.Errorf("there is no link %s", linkID)
	case l.products[moneykit.ProductTransactions] == nil:
		return fmt.Errorf("the link %s does not have transactions", linkID)
	}
	before := c.ledger(l).changes
	err := f(c, l, now)
	c.announceTransactions(l, before, now)
	return err
}

// fetched notes that MoneyKit has been to the bank and found these pending rows.
func (l *link) fetched(pending []moneykit.Transaction, now time.Time) {
	l.ledger.wait(pending)
	l.products[moneykit.ProductTransactions].touch(now)
}

// addTransactions adds all of txs or, with an error, none.
func (c *core) addTransactions(l *link, txs []moneykit.Transaction, now time.Time) error {
	if p := l.products[moneykit.ProductTransactions]; p.refreshed.IsZero() {
		p.touch(now) // the first time that MoneyKit is there, it also finds the past
		c.ledger(l)
	}
	g := l.ledger
	var rows []moneykit.Transaction
	seen := map[string]bool{}
	for _, tx := range txs {
		row, err := c.complete(l, tx, now)
		switch {
		case err != nil:
			return err
		case g.used[row.ID] || seen[row.ID]:
			return fmt.Errorf("the id %q has been used before", row.ID)
		}
		seen[row.ID] = true
		rows = append(rows, row)
	}
	pending := slices.DeleteFunc(slices.Clone(g.pending), func(t moneykit.Transaction) bool { return seen[t.ID] })
	for _, row := range rows {
		if row.Pending {
			pending = append(pending, row)
		} else {
			g.create(row)
		}
	}
	l.fetched(pending, now)
	return nil
}

// settle posts most of the pending rows.
func (c *core) settle(l *link, now time.Time) {
	r := c.random(fmt.Sprintf("settle %s %d", l.id, l.ledger.version))
	for _, row := range l.ledger.pending {
		if r.IntN(4) == 0 {
			continue
		}
		row.ID = c.transactionID(l)
		row.Date = moneykit.DateOf(now.UTC())
		l.ledger.create(row)
	}
}
