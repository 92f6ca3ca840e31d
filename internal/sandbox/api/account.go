package api

import (
	"net/http"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// getAccounts handles get_accounts.
func (a *API) getAccounts(q *call) reply {
	l, rep, ok := q.usable(moneykit.ProductAccounts)
	if !ok {
		return rep
	}
	return answer(http.StatusOK, struct {
		Accounts []moneykit.Account `json:"accounts"`
		Link     wireLink           `json:"link"`
	}{l.Open(q.URL.Query()["account_ids"]), wire(l)})
}

// getAccount handles get_account.
func (a *API) getAccount(q *call) reply {
	l, rep, ok := q.usable(moneykit.ProductAccounts)
	if !ok {
		return rep
	}
	account := l.Account(q.PathValue("account_id"))
	if account == nil || account.Closed {
		return refuse(moneykit.ErrorCodeLinkNotFound, "there is no such account")
	}
	return answer(http.StatusOK, struct {
		Account moneykit.Account `json:"account"`
		Link    wireLink         `json:"link"`
	}{*account, wire(l)})
}

// wireNumbers is an account with its numbers. Only the field Balances of Account has its own JSON
// method, so the members of both are in one object.
type wireNumbers struct {
	moneykit.Account

	Numbers moneykit.AccountNumbers `json:"numbers"`
}

// getAccountNumbers handles get_account_numbers. It lists the accounts that have numbers.
func (a *API) getAccountNumbers(q *call) reply {
	l, rep, ok := q.usable(moneykit.ProductAccountNumbers)
	if !ok {
		return rep
	}
	accounts := []wireNumbers{}
	for _, account := range l.Open(nil) {
		n := q.world.Numbers(l, account)
		if len(n.ACH)+len(n.EFT)+len(n.BACS)+len(n.International) > 0 {
			accounts = append(accounts, wireNumbers{account, n})
		}
	}
	return answer(http.StatusOK, struct {
		Accounts []wireNumbers `json:"accounts"`
		Link     wireLink      `json:"link"`
	}{accounts, wire(l)})
}

// wireIdentity is an account with its owners.
type wireIdentity struct {
	moneykit.Account

	Owners []moneykit.Owner `json:"owners"`
}

// getIdentities handles get_identities.
func (a *API) getIdentities(q *call) reply {
	l, rep, ok := q.usable(moneykit.ProductIdentity)
	if !ok {
		return rep
	}
	accounts := []wireIdentity{}
	for _, account := range l.Open(q.URL.Query()["account_ids"]) {
		accounts = append(accounts, wireIdentity{account, q.world.Owners(l, account)})
	}
	return answer(http.StatusOK, struct {
		Accounts []wireIdentity `json:"accounts"`
		Link     wireLink       `json:"link"`
	}{accounts, wire(l)})
}

// getUserAccounts handles get_user_accounts. It returns the accounts that get_accounts returns for
// the user's links, without the links for which get_accounts fails or returns no accounts.
func (a *API) getUserAccounts(q *call) reply {
	params := q.query()
	wanted := params.texts("account_ids", 1)
	if rep, ok := params.reply(); !ok {
		return rep
	}
	type group struct {
		Accounts     []moneykit.Account `json:"accounts"`
		LastSyncedAt moneykit.Timestamp `json:"last_synced_at,omitzero"`
	}
	links := map[string]group{}
	for _, l := range q.world.LinksOf(q.PathValue("id"), q.now) {
		if !l.Readable(moneykit.ProductAccounts) {
			continue
		}
		if accounts := l.Open(wanted); len(accounts) > 0 {
			links[l.ID] = group{accounts, world.Stamp(l.Products[moneykit.ProductAccounts].Refreshed)}
		}
	}
	return answer(http.StatusOK, map[string]map[string]group{"links": links})
}
