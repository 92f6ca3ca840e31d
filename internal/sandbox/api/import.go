package api

import (
	"encoding/json"
	"net/http"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// rowsRule checks imported transactions.
func rowsRule() rule {
	free := text(0, maxBody)
	return list(object(
		present("transaction_id", free),
		required("account_id", free),
		required("amount", matching(func(s string) bool {
			_, err := moneykit.ParseDecimal(s)
			return err == nil
		}, "must be a decimal number", "decimal_parsing")),
		required("date", calendarDay()),
		present("description", free),
		present("type", free),
	))
}

// importRule checks the body of import_link.
func importRule() rule {
	free := text(0, maxBody)
	balances := object(optional("currency", free), optional("available", numeral), optional("current", numeral),
		optional("limit", numeral), optional("balance_date", timestamp()))
	account := object(required("account_id", free), required("name", free), required("type", free),
		present("nickname", free), present("mask", free), required("balances", balances))
	return object(
		required("customer_user", customerRule()),
		required("institution_id", free),
		present("provider", known[moneykit.Provider]()),
		required("accounts", nonempty(account)),
		required("transactions", rowsRule()),
	)
}

// numeral checks a JSON number.
func numeral(found *[]problem, at []any, value any) any {
	n, ok := value.(json.Number)
	if ok {
		_, err := moneykit.ParseDecimal(n.String())
		ok = err == nil
	}
	if !ok {
		*found = append(*found, problem{at, "must be a number", "decimal_type"})
	}
	return value
}

// importLink handles import_link.
func (a *API) importLink(q *call) reply {
	var params moneykit.LinkImportParams
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
			found = append(found, problem{[]any{"body", "accounts", i, "account_id"}, "must be unique", "value_error"})
		}
		accounts[account.ID] = true
	}
	if found = append(found, strangers(params.Transactions, accounts)...); len(found) > 0 {
		return malformed(found)
	}
	l := q.world.ImportLink(world.Import{
		User: params.CustomerUser.ID, Institution: in, Provider: params.Provider, Accounts: params.Accounts,
	}, params.Transactions, q.now)
	return answer(http.StatusOK, wire(l))
}

// strangers returns a problem for each transaction whose account is not in accounts.
func strangers(rows []moneykit.TransactionImport, accounts map[string]bool) []problem {
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

// importTransactions handles import_transactions. MoneyKit's document declares no errors about the
// link for this operation. Here it returns the errors of other operations on a link.
func (a *API) importTransactions(q *call) reply {
	var params moneykit.TransactionImportParams
	if rep, ok := q.read(object(required("transactions", rowsRule())), &params); !ok {
		return rep
	}
	l, rep, ok := q.existing()
	switch {
	case !ok:
		return rep
	case !l.Imported:
		return refuse(moneykit.ErrorCodeLinkForbiddenAction, "the link was not imported")
	}
	accounts := map[string]bool{}
	for _, account := range l.Accounts {
		accounts[account.OriginalID] = true
	}
	if found := strangers(params.Transactions, accounts); len(found) > 0 {
		return malformed(found)
	}
	q.world.ImportTransactions(l, params.Transactions, q.now)
	return answer(http.StatusOK, wire(l))
}
