package api

import (
	"encoding/json"
	"net/http"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
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

// dayOf parses a day or a moment, and returns the day of the moment in its own time zone. It is
// zero if s is neither.
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

// importLink handles import_link.
func (a *API) importLink(q *call) reply {
	var params struct {
		moneykit.LinkImportParams

		Transactions []importedRow `json:"transactions"`
	}
	if rep, ok := q.read(importRule(), &params); !ok {
		return rep
	}
	in, ok := world.Lookup(params.InstitutionID)
	var found []problem
	if !ok || params.InstitutionID == "" {
		found = append(found, problem{[]any{"body", "institution_id"}, "there is no such institution", "value_error"})
	}
	accounts := map[string]bool{}
	for i, account := range params.Accounts {
		if accounts[account.ID] {
			found = append(found, problem{[]any{"body", "accounts", i, "account_id"}, "comes twice", "value_error"})
		}
		accounts[account.ID] = true
	}
	if found = append(found, strangers(params.Transactions, accounts)...); len(found) > 0 {
		return malformed(found)
	}
	l := q.world.ImportLink(world.Import{
		User: params.CustomerUser.ID, Institution: in, Provider: params.Provider, Accounts: params.Accounts,
	}, dated(params.Transactions), q.now)
	return answer(http.StatusOK, wire(l))
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

// dated returns imported transactions with the days of their moments.
func dated(rows []importedRow) []moneykit.TransactionImport {
	var out []moneykit.TransactionImport
	for _, row := range rows {
		row.TransactionImport.Date = dayOf(row.Date)
		out = append(out, row.TransactionImport)
	}
	return out
}

// importTransactions handles import_transactions. For links that were not imported the API declares
// no other response than this.
func (a *API) importTransactions(q *call) reply {
	var params struct {
		Transactions []importedRow `json:"transactions"`
	}
	if rep, ok := q.read(object(required("transactions", rowsRule())), &params); !ok {
		return rep
	}
	l, _, ok := q.existing()
	if !ok || !l.Imported {
		return malformed([]problem{{[]any{"path", "id"}, "there is no imported link with this id", "value_error"}})
	}
	accounts := map[string]bool{}
	for _, account := range l.Accounts {
		accounts[account.OriginalID] = true
	}
	if found := strangers(params.Transactions, accounts); len(found) > 0 {
		return malformed(found)
	}
	q.world.ImportTransactions(l, dated(params.Transactions), q.now)
	return answer(http.StatusOK, wire(l))
}
