package moneykittest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// importedRow is a transaction that is imported. Its date may be a moment.
type importedRow struct {
	moneykit.TransactionImport

	Date string `json:"date"`
}

// rowsRule checks imported transactions.
func rowsRule() rule {
	free := text(0, maxBody)
	return list(object(
		optional("transaction_id", free),
		required("account_id", free),
		required("amount", matching(func(s string) bool {
			_, err := moneykit.ParseDecimal(s)
			return err == nil
		}, "must be a decimal number", "decimal_parsing")),
		required("date", matching(func(s string) bool { return !dayOf(s).IsZero() }, "must be a day or a moment", "date_from_datetime_parsing")),
		optional("description", free),
		optional("type", free),
	))
}

// dayOf returns the day that is written in s, or that of the moment that is, by its own clock.
func dayOf(s string) moneykit.Date {
	if day, err := moneykit.ParseDate(s); err == nil {
		return day
	}
	if moment, err := moneykit.ParseTimestamp(s); err == nil {
		return moneykit.DateOf(moment.Time)
	}
	return moneykit.Date{}
}

// importRule checks the body of import_link.
func importRule() rule {
	free := text(0, maxBody)
	balances := object(optional("currency", free), optional("available", numeral), optional("current", numeral),
		optional("limit", numeral), optional("balance_date", timestamp()))
	account := object(required("account_id", free), required("name", free), required("type", free),
		optional("nickname", free), optional("mask", free), required("balances", balances))
	return object(
		required("customer_user", customerRule()),
		required("institution_id", free),
		optional("provider", known[moneykit.Provider]()),
		required("accounts", nonempty(account)),
		required("transactions", rowsRule()),
	)
}

// numeral checks a number that is written as one.
func numeral(found *[]problem, at []any, value any) {
	n, ok := value.(json.Number)
	if ok {
		_, err := moneykit.ParseDecimal(n.String())
		ok = err == nil
	}
	if !ok {
		*found = append(*found, problem{at, "must be a number", "decimal_type"})
	}
}

// importLink handles import_link. MoneyKit calls the new link disconnected, for which its API has
// no state: it is in error, and waits for the user.
func (c *core) importLink(q *call) reply {
	var params struct {
		moneykit.LinkImportParams

		Transactions []importedRow `json:"transactions"`
	}
	if rep, ok := q.read(importRule(), &params); !ok {
		return rep
	}
	in, ok := c.institution(params.InstitutionID)
	var found []problem
	if !ok || params.InstitutionID == "" {
		found = append(found, problem{[]any{"body", "institution_id"}, "there is no such institution", "value_error"})
	}
	accounts := map[string]bool{}
	for i, a := range params.Accounts {
		if accounts[a.ID] {
			found = append(found, problem{[]any{"body", "accounts", i, "account_id"}, "comes twice", "value_error"})
		}
		accounts[a.ID] = true
	}
	if found = append(found, strangers(params.Transactions, accounts)...); len(found) > 0 {
		return malformed(found)
	}

	l := c.newLink(params.CustomerUser.ID, in, q.now)
	l.state, l.reason, l.provider = moneykit.LinkStateError, moneykit.LinkErrorAuthExpired, params.Provider
	l.imported = true
	l.products[moneykit.ProductAccounts] = &product{refreshed: q.now}
	l.products[moneykit.ProductTransactions] = &product{refreshed: q.now}
	for _, a := range params.Accounts {
		if a.Balances.Date.IsZero() {
			a.Balances.Date = stamp(q.now)
		}
		a.Balances.Currency = cmp.Or(a.Balances.Currency, in.currency())
		l.accounts = append(l.accounts, moneykit.Account{
			Type: a.Type, Name: a.Name, Nickname: a.Nickname, Mask: a.Mask, Balances: a.Balances, OriginalID: a.ID,
		})
	}
	c.nameAccounts(l)
	l.ledger = newLedger()
	l.ledger.begun = true // what is imported is all the past that there is
	c.importRows(l, params.Transactions, q.now)
	return answer(http.StatusOK, l.wire())
}

// strangers reports the transactions of accounts that were not imported.
func strangers(rows []importedRow, accounts map[string]bool) []problem {
	var found []problem
	for i, row := range rows {
		if !accounts[row.AccountID] {
			found = append(found, problem{
				[]any{"body", "transactions", i, "account_id"}, "there is no such account in the import", "value_error",
			})
		}
	}
	return found
}

// importTransactions handles import_transactions. For links that are no imported ones the API
// declares no other answer than this.
func (c *core) importTransactions(q *call) reply {
	var params struct {
		Transactions []importedRow `json:"transactions"`
	}
	if rep, ok := q.read(object(required("transactions", rowsRule())), &params); !ok {
		return rep
	}
	l := c.find(q.PathValue("id"), q.now)
	if l == nil || !l.imported || l.state == moneykit.LinkStateDeleted {
		return malformed([]problem{{[]any{"path", "id"}, "there is no imported link with this id", "value_error"}})
	}
	accounts := map[string]bool{}
	for _, a := range l.accounts {
		accounts[a.OriginalID] = true
	}
	if found := strangers(params.Transactions, accounts); len(found) > 0 {
		return malformed(found)
	}
	before := l.ledger.changes
	c.importRows(l, params.Transactions, q.now)
	c.announceTransactions(l, before, q.now)
	return answer(http.StatusOK, l.wire())
}

// importRows adds transactions to an imported link. Those that were imported before are added
// again: what MoneyKit does with them is not published.
func (c *core) importRows(l *link, rows []importedRow, now time.Time) {
	ids, currencies := map[string]string{}, map[string]string{}
	for _, a := range l.accounts {
		ids[a.OriginalID], currencies[a.OriginalID] = a.ID, a.Balances.Currency
	}
	for _, row := range rows {
		t := moneykit.Transaction{
			ID:             c.transactionID(l),
			AccountID:      ids[row.AccountID],
			Type:           moneykit.TransactionTypeCredit,
			Amount:         row.Amount,
			Currency:       currencies[row.AccountID],
			Date:           dayOf(row.Date),
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
		l.ledger.create(t)
	}
	if len(rows) > 0 {
		l.fetched(l.ledger.pending, now)
	}
}

// nonempty checks a list with one item at least.
func nonempty(item rule) rule {
	each := list(item)
	return func(found *[]problem, at []any, value any) {
		if items, ok := value.([]any); ok && len(items) == 0 {
			*found = append(*found, problem{at, "must have one item at least", "too_short"})
			return
		}
		each(found, at, value)
	}
}
