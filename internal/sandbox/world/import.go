package world

import (
	"cmp"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Import is a link with its past that an application brings along.
type Import struct {
	User        string
	Institution Institution
	Provider    moneykit.Provider
	Accounts    []moneykit.AccountImport
}

// ImportLink makes an imported link. MoneyKit calls it disconnected, for which its API has no
// state: it is in error, and waits for the user.
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
	l.Ledger.Begun = true // what is imported is all the past that there is
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

// importRows adds transactions to an imported link. Those that were imported before are added
// again: what MoneyKit does with them is not published.
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
			Category:       row.Type, //nolint:staticcheck // deprecated, and where MoneyKit puts it
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
