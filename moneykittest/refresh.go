package moneykittest

import (
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Refresh lets MoneyKit fetch products of a link from the bank at once, all that the link has if
// none are named, whatever the state of the link. With transactions it finds a few new ones,
// settles what was pending and finds other pending ones; with accounts the balances move, with
// investments the prices. The test is told when there is no such link or it lacks a product.
func (s *Server) Refresh(linkID string, products ...moneykit.Product) {
	c := s.core()
	if err := c.refreshNow(linkID, products); err != nil {
		c.errorf("Refresh: %v", err)
	}
}

func (c *core) refreshNow(linkID string, products []moneykit.Product) error {
	now := c.lock()
	defer c.mu.Unlock()
	l := c.find(linkID, now)
	if l == nil || l.state == moneykit.LinkStateDeleted {
		return fmt.Errorf("there is no link %s", linkID)
	}
	for _, p := range products {
		if l.products[p] == nil {
			return fmt.Errorf("the link %s does not have %q", linkID, p)
		}
	}
	if len(products) == 0 {
		for _, p := range allProducts() {
			if l.products[p] != nil {
				products = append(products, p)
			}
		}
	}
	c.refresh(l, products, now)
	return nil
}

// job is a refresh that was asked for and is yet to happen.
type job struct {
	at       time.Time
	products []moneykit.Product
}

// refreshProducts handles refresh_products.
func (c *core) refreshProducts(q *call) reply {
	var params struct {
		Products []moneykit.Product `json:"products"`
	}
	if rep, ok := q.read(object(required("products", nonempty(known[moneykit.Product]()))), &params); !ok {
		return rep
	}
	for _, p := range params.Products {
		if _, rep, ok := c.usable(q, p); !ok {
			return rep
		}
	}
	l := c.find(q.PathValue("id"), q.now)
	if rep, ok := c.checkRefresh(l, params.Products, q.now); !ok {
		return rep
	}
	before := l.wire()
	l.jobs = append(l.jobs, job{q.now.Add(c.cfg.refreshDelay), params.Products})
	c.work(l, q.now)
	c.nudge()
	return answer(http.StatusAccepted, before)
}

// checkRefresh counts a refresh, unless it is too soon for one of the products.
func (c *core) checkRefresh(l *link, products []moneykit.Product, now time.Time) (reply, bool) {
	if !c.cfg.rateLimits {
		return reply{}, true
	}
	var wait time.Duration
	for _, p := range products {
		every := 24 * time.Hour
		if p == moneykit.ProductAccounts || p == moneykit.ProductTransactions {
			every = time.Hour
		}
		if last, ok := l.asked[p]; ok {
			wait = max(wait, last.Add(every).Sub(now))
		}
	}
	if wait > 0 {
		return tooMany(wait, "it is too soon for another refresh"), false
	}
	if l.asked == nil {
		l.asked = map[moneykit.Product]time.Time{}
	}
	for _, p := range products {
		l.asked[p] = now
	}
	return reply{}, true
}

// work does what is due for a link.
func (c *core) work(l *link, now time.Time) {
	for len(l.jobs) > 0 && !l.jobs[0].at.After(now) {
		next := l.jobs[0]
		l.jobs = l.jobs[1:]
		switch l.state {
		case moneykit.LinkStateConnected:
			c.refresh(l, next.products, next.at)
		case moneykit.LinkStateDeleted:
		default:
			for _, p := range each(next.products) {
				l.products[p].fail(failureOf(l.reason), next.at)
				c.announceRefresh(l, p, next.at)
			}
		}
	}
}

// refresh fetches products that the link has.
func (c *core) refresh(l *link, products []moneykit.Product, now time.Time) {
	for _, name := range each(products) {
		switch name {
		case moneykit.ProductTransactions:
			before := c.ledger(l).changes
			c.fetch(l, now) // it notes the time itself
			c.announceRefresh(l, name, now)
			c.announceTransactions(l, before, now)
			continue
		case moneykit.ProductAccounts:
			c.moveBalances(l, now)
		case moneykit.ProductInvestments:
			c.move(l, now)
		case moneykit.ProductAccountNumbers, moneykit.ProductIdentity, moneykit.ProductEnrichment: // do not change
		}
		l.products[name].touch(now)
		c.announceRefresh(l, name, now)
	}
}

// each returns every product once, always in the same order.
func each(products []moneykit.Product) []moneykit.Product {
	return slices.DeleteFunc(allProducts(), func(p moneykit.Product) bool { return !slices.Contains(products, p) })
}

// moveBalances lets a little money go in and out. Investment accounts move with their prices.
func (c *core) moveBalances(l *link, now time.Time) {
	l.moves++
	r := c.random(fmt.Sprintf("balances %s %d", l.id, l.moves))
	for i := range l.accounts {
		a := &l.accounts[i]
		change := 1 + r.IntN(5000)
		if a.Closed || a.Balances.Current == nil || isKind(a.Type, "investment") {
			continue
		}
		a.Balances.Date = stamp(now)
		if isKind(a.Type, "liability") && a.Balances.Available != nil {
			if a.Balances.Available.Cmp(*cents(change)) < 0 { // nothing is left to spend: a repayment
				change = -change
			}
			a.Balances.Available = plus(a.Balances.Available, -change)
		} else if a.Balances.Available != nil {
			a.Balances.Available = plus(a.Balances.Available, change)
		}
		a.Balances.Current = plus(a.Balances.Current, change)
	}
}

// plus returns an amount and so many cents.
func plus(d *moneykit.Decimal, n int) *moneykit.Decimal {
	value := d.Rat()
	return number(value.Add(value, big.NewRat(int64(n), 100)), 2)
}

// fail notes that an attempt to fetch the product has failed.
func (p *product) fail(reason moneykit.ProductError, now time.Time) {
	refreshed := p.refreshed
	if p.attempted.After(refreshed) {
		p.refreshed = p.attempted // only to be later than that
	}
	p.touch(now)
	p.refreshed, p.failure = refreshed, reason
}

// failureOf returns what the state of a link means for its products.
func failureOf(reason moneykit.LinkError) moneykit.ProductError {
	switch reason {
	case moneykit.LinkErrorAuthExpired, moneykit.LinkErrorInvalidCredentials, moneykit.LinkErrorUserOAuthDenied:
		return moneykit.ProductErrorAuthExpired
	case moneykit.LinkErrorInstitutionError:
		return moneykit.ProductErrorInstitutionError
	case moneykit.LinkErrorNoAccounts:
		return moneykit.ProductErrorNoAccounts
	default:
		return moneykit.ProductErrorUnknown
	}
}
