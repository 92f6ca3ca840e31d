package moneykittest

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// linksOf returns the links of a user that are not deleted, in the order in which they were made.
func (c *core) linksOf(user string, now time.Time) []*link {
	var all []*link
	for _, l := range c.byUser[user] {
		if c.find(l.id, now) != nil && l.state != moneykit.LinkStateDeleted {
			all = append(all, l)
		}
	}
	return all
}

// allLinks returns the links that are not deleted, in the order in which they were made.
func (c *core) allLinks(now time.Time) []*link {
	var all []*link
	byNumber := func(a, b *link) int { return cmp.Compare(a.number, b.number) }
	for _, l := range slices.SortedFunc(maps.Values(c.links), byNumber) { // find may announce something
		if c.find(l.id, now) != nil && l.state != moneykit.LinkStateDeleted {
			all = append(all, l)
		}
	}
	return all
}

// readable reports whether a product of the link can be read now.
func (l *link) readable(p moneykit.Product) bool {
	return l.state == moneykit.LinkStateConnected && l.products[p] != nil
}

// lastSynced is when the accounts were last fetched.
func (l *link) lastSynced() moneykit.Timestamp {
	if p := l.products[moneykit.ProductAccounts]; p != nil {
		return stamp(p.refreshed)
	}
	return moneykit.Timestamp{}
}

// getUserLinks handles get_user_links. Deleted links are left out; whether MoneyKit has them there
// is not published.
func (c *core) getUserLinks(q *call) reply {
	links := map[string]wireLink{}
	for _, l := range c.linksOf(q.PathValue("id"), q.now) {
		links[l.id] = l.wire()
	}
	return answer(http.StatusOK, map[string]map[string]wireLink{"links": links})
}

// getUserAccounts handles get_user_accounts. It has what [core.getAccounts] would have of the
// user's links, where that is something.
func (c *core) getUserAccounts(q *call) reply {
	params := q.query()
	wanted := params.texts("account_ids", 1)
	if rep, ok := params.reply(); !ok {
		return rep
	}
	links := map[string]moneykit.AccountGroup{}
	for _, l := range c.linksOf(q.PathValue("id"), q.now) {
		if !l.readable(moneykit.ProductAccounts) {
			continue
		}
		if accounts := l.open(wanted); len(accounts) > 0 {
			links[l.id] = moneykit.AccountGroup{Accounts: accounts, LastSyncedAt: l.lastSynced()}
		}
	}
	return answer(http.StatusOK, moneykit.UserAccounts{Links: links})
}
