package world

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// AddTransactions adds transactions to a link, as if MoneyKit had found them at the bank. The link
// counts as refreshed. Missing fields get default values: a new id, the everyday account of the
// link, the currency of the account, today's date, and the type debit. A new transaction, pending
// or posted, replaces the pending one with the same id.
//
// If one transaction is invalid, it adds none and returns an error: if the link does not exist or
// does not have the product transactions, if the link has used an id before, if an account is of
// another link, and if an amount is negative.
func (w *World) AddTransactions(linkID string, txs []moneykit.Transaction, now time.Time) error {
	return w.change(linkID, now, func(l *Link) error { return w.addTransactions(l, txs, now) })
}

// UpdateTransaction replaces the posted transaction with the id of tx, as if it had changed at the
// bank. An empty account, currency, type or date in tx keeps the old value. The link counts as
// refreshed. It returns an error if the link or the posted transaction does not exist.
func (w *World) UpdateTransaction(linkID string, tx moneykit.Transaction, now time.Time) error {
	return w.change(linkID, now, func(l *Link) error {
		old := l.Ledger.posted(tx.ID)
		switch {
		case old == nil:
			return noSuchTransaction(tx.ID)
		case tx.Pending:
			return errors.New("a posted transaction cannot become pending again")
		}
		tx.AccountID = cmp.Or(tx.AccountID, old.AccountID)
		tx.Currency = cmp.Or(tx.Currency, old.Currency)
		tx.Type = cmp.Or(tx.Type, old.Type)
		if tx.Date.IsZero() {
			tx.Date = old.Date
		}
		row, err := w.complete(l, tx, now)
		if err != nil {
			return err
		}
		l.Ledger.post(EntryUpdated, &row)
		l.fetched(l.Ledger.Pending, now)
		return nil
	})
}

// RemoveTransaction removes a posted transaction, as if the bank had removed it. The link counts as
// refreshed. It returns an error if the link or the posted transaction does not exist.
func (w *World) RemoveTransaction(linkID, id string, now time.Time) error {
	return w.change(linkID, now, func(l *Link) error {
		if l.Ledger.posted(id) == nil {
			return noSuchTransaction(id)
		}
		l.Ledger.post(EntryRemoved, &moneykit.Transaction{ID: id})
		l.fetched(l.Ledger.Pending, now)
		return nil
	})
}

func noSuchTransaction(id string) error {
	return fmt.Errorf("the link has no posted transaction %q", id)
}

// Settle settles the pending transactions of a link. Most of them are posted with new ids, or with
// the same ids if Settings.SameID is set. The others are removed. The link counts as refreshed. It
// returns an error if the link does not exist.
func (w *World) Settle(linkID string, now time.Time) error {
	return w.change(linkID, now, func(l *Link) error {
		w.settle(l, now)
		l.fetched(nil, now)
		return nil
	})
}

// ResetCursors makes all places in the ledger of a link invalid, and discards the log before them.
// It returns an error if the link does not exist.
func (w *World) ResetCursors(linkID string, now time.Time) error {
	return w.change(linkID, now, func(l *Link) error {
		l.Ledger.forget()
		return nil
	})
}

// Transactions returns copies of all current transactions of a link, posted and pending, ordered by
// id. It returns an error if the link does not exist.
func (w *World) Transactions(linkID string, now time.Time) ([]moneykit.Transaction, error) {
	var rows []moneykit.Transaction
	err := w.change(linkID, now, func(l *Link) error {
		for _, row := range l.Ledger.All() {
			row, err := copied(row)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		slices.SortFunc(rows, func(a, b moneykit.Transaction) int { return cmp.Compare(a.ID, b.ID) })
		return nil
	})
	return rows, err
}

// Correct sets the category of a transaction and of all other transactions of the same merchant,
// with full confidence. It returns the corrected transactions, beginning with the named one, and
// false if the link does not have that transaction. The link must have the product transactions.
func (w *World) Correct(l *Link, id string, params moneykit.EnrichmentParams, now time.Time) ([]moneykit.Transaction, bool) {
	g := w.Ledger(l)
	rows := g.All()
	slices.SortFunc(rows, func(a, b moneykit.Transaction) int { return cmp.Compare(a.ID, b.ID) })
	i := slices.IndexFunc(rows, func(t moneykit.Transaction) bool { return t.ID == id })
	if i < 0 {
		return nil, false
	}
	merchant := merchantOf(rows[i])
	corrected := []moneykit.Transaction{correct(rows[i], params)}
	for k, t := range rows {
		if k != i && merchant != "" && merchantOf(t) == merchant {
			corrected = append(corrected, correct(t, params))
		}
	}
	w.Touch(l)
	before, pending := g.Changes, slices.Clone(g.Pending)
	again := false
	for _, t := range corrected {
		if !t.Pending {
			g.post(EntryUpdated, &t)
			continue
		}
		k := slices.IndexFunc(pending, func(p moneykit.Transaction) bool { return p.ID == t.ID })
		pending[k], again = t, true
	}
	if again { // pending rows are never updated: the next sync creates them all again
		g.wait(pending)
	}
	w.announceTransactions(l, before, now)
	return corrected, true
}

func merchantOf(t moneykit.Transaction) string {
	if t.Enrichment == nil || t.Enrichment.Merchant == nil {
		return ""
	}
	return cmp.Or(t.Enrichment.Merchant.ID, t.Enrichment.Merchant.Name)
}

func correct(t moneykit.Transaction, params moneykit.EnrichmentParams) moneykit.Transaction {
	sure := 100.0
	enrichment := moneykit.TransactionEnrichment{}
	if t.Enrichment != nil {
		enrichment = *t.Enrichment
	}
	enrichment.Category = moneykit.TransactionCategory{Value: string(params.Category), Confidence: &sure}
	enrichment.Subcategory = nil
	if params.Subcategory != "" {
		enrichment.Subcategory = &moneykit.TransactionSubcategory{Value: string(params.Subcategory), Confidence: &sure}
	}
	t.Enrichment = &enrichment
	return t
}

// change calls f with a link that has a ledger, and then announces the new changes that f has made
// to it.
func (w *World) change(linkID string, now time.Time, f func(*Link) error) error {
	l, err := w.existing(linkID, now)
	if err != nil {
		return err
	}
	if l.Products[moneykit.ProductTransactions] == nil {
		return fmt.Errorf("the link %s does not have transactions", linkID)
	}
	before := w.Ledger(l).Changes
	err = f(l)
	w.announceTransactions(l, before, now)
	return err
}

// fetched records that MoneyKit fetched from the bank and received these pending rows.
func (l *Link) fetched(pending []moneykit.Transaction, now time.Time) {
	l.Ledger.wait(pending)
	l.Products[moneykit.ProductTransactions].touch(now)
}

func (w *World) addTransactions(l *Link, txs []moneykit.Transaction, now time.Time) error {
	if p := l.Products[moneykit.ProductTransactions]; p.Refreshed.IsZero() {
		p.touch(now) // the first fetch also returns the past
		w.Ledger(l)
	}
	g := l.Ledger
	var rows []moneykit.Transaction
	seen := map[string]bool{}
	for _, tx := range txs {
		row, err := w.complete(l, tx, now)
		switch {
		case err != nil:
			return err
		case g.used(row.ID) || seen[row.ID]:
			return fmt.Errorf("the id %q has been used before", row.ID)
		}
		seen[row.ID] = true
		rows = append(rows, row)
	}
	waited := map[string]bool{}
	pending := slices.DeleteFunc(slices.Clone(g.Pending), func(t moneykit.Transaction) bool {
		waited[t.ID] = seen[t.ID]
		return seen[t.ID]
	})
	posted := map[EntryKind][]*moneykit.Transaction{}
	for _, row := range rows {
		switch {
		case row.Pending:
			pending = append(pending, row)
		case w.SameID && waited[row.ID]:
			posted[EntrySettled] = append(posted[EntrySettled], &row)
		default:
			posted[EntryCreated] = append(posted[EntryCreated], &row)
		}
	}
	g.post(EntryCreated, posted[EntryCreated]...)
	g.post(EntrySettled, posted[EntrySettled]...)
	l.fetched(pending, now)
	return nil
}

// settle posts most of the pending rows and drops the others.
func (w *World) settle(l *Link, now time.Time) {
	r := w.Random(fmt.Sprintf("settle %s %d", l.ID, l.Ledger.Version))
	for _, row := range l.Ledger.Pending {
		if r.IntN(4) == 0 {
			continue
		}
		kind := EntrySettled
		if !w.SameID {
			row.ID, kind = w.transactionID(l), EntryCreated
		}
		row.Pending, row.Date = false, moneykit.DateOf(now.UTC())
		l.Ledger.post(kind, &row)
	}
}
