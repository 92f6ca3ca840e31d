package api

import (
	"math/rand/v2"
	"net/http"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// counts contains the total and the page of a list with numbered pages.
type counts struct {
	Total int `json:"total"`
	Page  int `json:"page"`
	Size  int `json:"size"` // number of items on this page, not the requested size
}

// accountsIn returns the account ids of transactions.
func accountsIn(lists ...[]moneykit.Transaction) map[string]bool {
	ids := map[string]bool{}
	for _, list := range lists {
		for i := range list {
			ids[list[i].AccountID] = true
		}
	}
	return ids
}

// getTransactions handles get_transactions.
func (a *API) getTransactions(q *call) reply {
	params := q.query()
	s := params.span(params.texts("account_ids", 0))
	if rep, ok := params.reply(); !ok {
		return rep
	}
	l, rep, ok := q.usable(moneykit.ProductTransactions)
	if !ok {
		return rep
	}
	page, total := world.PageOf(s, q.world.Ledger(l))
	return answer(http.StatusOK, struct {
		Transactions []moneykit.Transaction `json:"transactions"`
		Accounts     []moneykit.Account     `json:"accounts"`
		Link         wireLink               `json:"link"`
		counts
	}{page, l.AccountsIn(accountsIn(page)), wire(l), counts{total, s.Page, len(page)}})
}

// syncTransactions handles get_transactions_sync. MoneyKit's response to a cursor that it does not
// accept is not published.
func (a *API) syncTransactions(q *call) reply {
	params := q.query()
	size := params.number("size", 1, 500, 50)
	if rep, ok := params.reply(); !ok {
		return rep
	}
	l, rep, ok := q.usable(moneykit.ProductTransactions)
	if !ok {
		return rep
	}
	g := q.world.Ledger(l)
	at := world.Place{Link: l.ID, Epoch: g.Epoch}
	if c := params.last("cursor"); c != "" {
		at = world.Place{}
		if !readCursor(c, &at) || !g.Has(l.ID, at) {
			params.wrong("cursor", "is not a cursor of this link, or not any more", "value_error")
			return malformed(params.found)
		}
	}
	changes, next, more := g.Read(at, size)
	// The order is random, so that clients do not rely on it.
	r := q.world.Random("order " + writeCursor(at))
	shuffle(r, changes.Created)
	shuffle(r, changes.Updated)
	shuffle(r, changes.Removed)
	return answer(http.StatusOK, struct {
		Transactions wireChanges        `json:"transactions"`
		Accounts     []moneykit.Account `json:"accounts"`
		Cursor       cursor             `json:"cursor"`
		HasMore      bool               `json:"has_more"`
		Link         wireLink           `json:"link"`
	}{
		wireChanges(changes), l.AccountsIn(accountsIn(changes.Created, changes.Updated)),
		cursor{writeCursor(next)},
		more, wire(l),
	})
}

// wireChanges is the JSON of changes to the transactions of a link.
type wireChanges struct {
	Created []moneykit.Transaction `json:"created"`
	Updated []moneykit.Transaction `json:"updated"`
	Removed []string               `json:"removed"`
}

// cursor is the JSON of the cursor of the next page.
type cursor struct {
	Next string `json:"next,omitempty"`
}

// shuffle changes the order of items.
func shuffle[T any](r *rand.Rand, items []T) {
	r.Shuffle(len(items), func(i, k int) { items[i], items[k] = items[k], items[i] })
}

// getUserTransactions handles get_user_transactions.
func (a *API) getUserTransactions(q *call) reply {
	params := q.query()
	s := params.span(params.texts("account_id", 1))
	if rep, ok := params.reply(); !ok {
		return rep
	}
	var ledgers []*world.Ledger
	owner := map[string]*world.Link{}
	for _, l := range q.world.LinksOf(q.PathValue("id"), q.now) {
		if !l.Readable(moneykit.ProductTransactions) {
			continue
		}
		ledgers = append(ledgers, q.world.Ledger(l))
		for i := range l.Accounts {
			owner[l.Accounts[i].ID] = l
		}
	}
	page, total := world.PageOf(s, ledgers...)
	accounts := map[string]moneykit.BasicAccount{}
	for id := range accountsIn(page) {
		l := owner[id]
		basic := moneykit.BasicAccount{LinkID: l.ID, InstitutionID: l.Institution.ID}
		if p := l.Products[moneykit.ProductAccounts]; p != nil {
			basic.LastSyncedAt = world.Stamp(p.Refreshed)
		}
		if account := l.Account(id); account != nil {
			basic.Name = account.Name
		}
		accounts[id] = basic
	}
	return answer(http.StatusOK, struct {
		Transactions []moneykit.Transaction           `json:"transactions"`
		Accounts     map[string]moneykit.BasicAccount `json:"accounts"`
		counts
	}{page, accounts, counts{total, s.Page, len(page)}})
}

// correctEnrichment handles correct_enrichment. Which similar transactions MoneyKit corrects is not
// published. Here they are those of the same merchant.
func (a *API) correctEnrichment(q *call) reply {
	var params moneykit.EnrichmentParams
	check := object(required("category", known[moneykit.Category]()), present("subcategory", known[moneykit.Subcategory]()))
	if rep, ok := q.read(check, &params); !ok {
		return rep
	}
	l, rep, ok := q.usable(moneykit.ProductTransactions)
	if !ok {
		return rep
	}
	corrected, ok := q.world.Correct(l, q.PathValue("txn_id"), params, q.now)
	if !ok {
		return refuse(moneykit.ErrorCodeLinkNotFound, "there is no such transaction")
	}
	return answer(http.StatusOK, struct {
		Transactions []moneykit.Transaction `json:"transactions"`
		Accounts     []moneykit.Account     `json:"accounts"`
		Link         wireLink               `json:"link"`
		Cursor       cursor                 `json:"cursor"` // no operation accepts it
	}{corrected, l.AccountsIn(accountsIn(corrected)), wire(l), cursor{}})
}
