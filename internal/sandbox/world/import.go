package world

import (
	"cmp"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Import describes a link, with its past, that an application imports.
type Import struct {
	User        string
	Institution Institution
	Provider    moneykit.Provider
	Accounts    []moneykit.AccountImport
}

// ImportLink creates an imported link. MoneyKit calls an imported link disconnected, but its API
// has no such state. Here the link is in state error until the user connects it.
func (w *World) ImportLink(in Import, rows []moneykit.TransactionImport, now time.Time) *Link {
	l := w.newLink(in.User, in.Institution, now)
	l.State, l.Reason, l.Provider = moneykit.LinkStateError, moneykit.LinkErrorAuthExpired, in.Provider
	l.Imported = true
	l.Products[moneykit.ProductAccounts] = &Product{Refreshed: now}
	l.Products[moneykit.ProductTransactions] = &Product{Refreshed: now}
	for _, a := range in.Accounts {
		if a.Balances.Date.IsZero() {
			a.Balances.Date = Stamp(now)
		}
		a.Balances.Currency = cmp.Or(a.Balances.Currency, in.Institution.Currency())
		l.Accounts = append(l.Accounts, moneykit.Account{
			Type: a.Type, Name: a.Name, Nickname: a.Nickname, Mask: a.Mask, Balances: a.Balances, OriginalID: a.ID,
		})
	}
	w.nameAccounts(l)
	l.Ledger = &Ledger{}
	l.Ledger.Begun = true // the imported rows are the whole past
	w.importRows(l, rows, now)
	w.add(l)
	return l
}

// ImportTransactions adds transactions to an imported link.
func (w *World) ImportTransactions(l *Link, rows []moneykit.TransactionImport, now time.Time) {
	w.Touch(l)
	before := l.Ledger.Changes
	w.importRows(l, rows, now)
	w.announceTransactions(l, before, now)
}

// importRows adds transactions to an imported link. Importing a transaction twice adds it twice.
// What MoneyKit does in that case is not published.
func (w *World) importRows(l *Link, rows []moneykit.TransactionImport, now time.Time) {
	ids, currencies := map[string]string{}, map[string]string{}
	for _, a := range l.Accounts {
		ids[a.OriginalID], currencies[a.OriginalID] = a.ID, a.Balances.Currency
	}
	var posted []*moneykit.Transaction
	for _, row := range rows {
		t := moneykit.Transaction{
			ID:             w.transactionID(l),
			AccountID:      ids[row.AccountID],
			Type:           moneykit.TransactionTypeCredit,
			Amount:         row.Amount,
			Currency:       currencies[row.AccountID],
			Date:           row.Date,
			Description:    row.Description,
			RawDescription: row.Description,
			OriginalID:     row.ID,
			Category:       row.Type, //nolint:staticcheck // deprecated, but MoneyKit puts the type there
		}
		if unsigned, negative := strings.CutPrefix(row.Amount.String(), "-"); negative {
			if d, err := moneykit.ParseDecimal(unsigned); err == nil {
				t.Type, t.Amount = moneykit.TransactionTypeDebit, d
			}
		}
		posted = append(posted, &t)
	}
	l.Ledger.post(EntryCreated, posted...)
	if len(rows) > 0 {
		l.fetched(l.Ledger.Pending, now)
	}
}
