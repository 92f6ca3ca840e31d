package moneykittest

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/moneykit/moneykit-go"
)

// counts is what lists with numbered pages say about themselves.
type counts struct {
	Total int `json:"total"`
	Page  int `json:"page"`
	Size  int `json:"size"` // of this page, not the one asked for
}

// accountsOf returns the accounts of a link that some rows belong to, in the link's order.
func (l *link) accountsOf(ids map[string]bool) []moneykit.Account {
	accounts := []moneykit.Account{}
	for _, a := range l.accounts {
		if ids[a.ID] {
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// accountsIn returns the ids of the accounts of some rows.
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
func (c *core) getTransactions(q *call) reply {
	params := q.query()
	s := params.span(params.texts("account_ids", 0))
	if rep, ok := params.reply(); !ok {
		return rep
	}
	l, rep, ok := c.usable(q, moneykit.ProductTransactions)
	if !ok {
		return rep
	}
	rows := slices.DeleteFunc(c.ledger(l).all(), func(t moneykit.Transaction) bool { return !s.has(t.AccountID, t.Date) })
	page := cut(rows, s)
	return answer(http.StatusOK, struct {
		Transactions []moneykit.Transaction `json:"transactions"`
		Accounts     []moneykit.Account     `json:"accounts"`
		Link         wireLink               `json:"link"`
		counts
	}{page, l.accountsOf(accountsIn(page)), l.wire(), counts{len(rows), s.page, len(page)}})
}

// syncTransactions handles get_transactions_sync. What MoneyKit answers to a cursor that it does
// not accept is not published.
func (c *core) syncTransactions(q *call) reply {
	params := q.query()
	size := params.number("size", 1, 500, 50)
	if rep, ok := params.reply(); !ok {
		return rep
	}
	l, rep, ok := c.usable(q, moneykit.ProductTransactions)
	if !ok {
		return rep
	}
	g := c.ledger(l)
	at, ok := g.resume(l.id, params.last("cursor"))
	if !ok {
		params.wrong("cursor", "is not a cursor of this link, or not any more", "value_error")
		return malformed(params.found)
	}
	changes, next, more := g.read(at, size)
	// Nobody is to rely on an order that is not promised.
	r := c.random("order " + writeCursor(at))
	shuffle(r, changes.Created)
	shuffle(r, changes.Updated)
	shuffle(r, changes.Removed)
	return answer(http.StatusOK, struct {
		Transactions moneykit.TransactionChanges `json:"transactions"`
		Accounts     []moneykit.Account          `json:"accounts"`
		Cursor       moneykit.Cursor             `json:"cursor"`
		HasMore      bool                        `json:"has_more"`
		Link         wireLink                    `json:"link"`
	}{
		changes, l.accountsOf(accountsIn(changes.Created, changes.Updated)),
		moneykit.Cursor{Next: writeCursor(next)},
		more, l.wire(),
	})
}

// getUserTransactions handles get_user_transactions.
func (c *core) getUserTransactions(q *call) reply {
	params := q.query()
	s := params.span(params.texts("account_id", 1))
	if rep, ok := params.reply(); !ok {
		return rep
	}
	rows, owner := []moneykit.Transaction{}, map[string]*link{}
	for _, l := range c.linksOf(q.PathValue("id"), q.now) {
		if !l.readable(moneykit.ProductTransactions) {
			continue
		}
		for _, t := range c.ledger(l).all() {
			if s.has(t.AccountID, t.Date) {
				rows = append(rows, t)
				owner[t.AccountID] = l
			}
		}
	}
	sortNewest(rows)
	page := cut(rows, s)
	accounts := map[string]moneykit.BasicAccount{}
	for id := range accountsIn(page) {
		l := owner[id]
		basic := moneykit.BasicAccount{LinkID: l.id, InstitutionID: l.institution.id, LastSyncedAt: l.lastSynced()}
		if a := l.account(id); a != nil {
			basic.Name = a.Name
		}
		accounts[id] = basic
	}
	return answer(http.StatusOK, struct {
		Transactions []moneykit.Transaction           `json:"transactions"`
		Accounts     map[string]moneykit.BasicAccount `json:"accounts"`
		counts
	}{page, accounts, counts{len(rows), s.page, len(page)}})
}

// correctEnrichment handles correct_enrichment. Which transactions MoneyKit holds to be alike is
// not published; here they have the same merchant.
func (c *core) correctEnrichment(q *call) reply {
	var params moneykit.EnrichmentParams
	check := object(required("category", known[moneykit.Category]()), optional("subcategory", known[moneykit.Subcategory]()))
	if rep, ok := q.read(check, &params); !ok {
		return rep
	}
	l, rep, ok := c.usable(q, moneykit.ProductTransactions)
	if !ok {
		return rep
	}
	g := c.ledger(l)
	rows := g.all()
	slices.SortFunc(rows, func(a, b moneykit.Transaction) int { return cmp.Compare(a.ID, b.ID) })
	i := slices.IndexFunc(rows, func(t moneykit.Transaction) bool { return t.ID == q.PathValue("txn_id") })
	if i < 0 {
		return refuse(moneykit.ErrorCodeLinkNotFound, "there is no such transaction")
	}
	merchant := merchantOf(rows[i])
	corrected := []moneykit.Transaction{correct(rows[i], params)}
	for k, t := range rows {
		if k != i && merchant != "" && merchantOf(t) == merchant {
			corrected = append(corrected, correct(t, params))
		}
	}
	before, pending := g.changes, slices.Clone(g.pending)
	again := false
	for _, t := range corrected {
		if !t.Pending {
			g.update(t)
			continue
		}
		k := slices.IndexFunc(pending, func(p moneykit.Transaction) bool { return p.ID == t.ID })
		pending[k], again = t, true
	}
	if again { // pending rows are never updated: the next sync creates them all again
		g.wait(pending)
	}
	c.announceTransactions(l, before, q.now)
	return answer(http.StatusOK, correctedTransactions{
		Transactions: corrected,
		Accounts:     l.accountsOf(accountsIn(corrected)),
		Link:         l.wire(),
	})
}

// correctedTransactions is the answer of correct_enrichment. Nothing takes its cursor.
type correctedTransactions struct {
	Transactions []moneykit.Transaction `json:"transactions"`
	Accounts     []moneykit.Account     `json:"accounts"`
	Link         wireLink               `json:"link"`
	Cursor       moneykit.Cursor        `json:"cursor"`
}

func merchantOf(t moneykit.Transaction) string {
	if t.Enrichment == nil || t.Enrichment.Merchant == nil {
		return ""
	}
	return cmp.Or(t.Enrichment.Merchant.ID, t.Enrichment.Merchant.Name)
}

// correct returns a transaction with another category, of which there is no doubt.
func correct(t moneykit.Transaction, params moneykit.EnrichmentParams) moneykit.Transaction {
	sure := 100
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
