package world

import (
	"fmt"
	"math/big"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Schedule plans a refresh of products that the link has, after Settings.RefreshDelay.
func (w *World) Schedule(l *Link, products []moneykit.Product, now time.Time) {
	w.Touch(l)
	l.Jobs = append(l.Jobs, Job{now.Add(w.RefreshDelay), products})
	w.stirred = true
	if w.work(l, now); len(l.Jobs) > 0 {
		w.plan(l, l.Jobs[len(l.Jobs)-1])
	}
}

// Refresh fetches products of a link immediately, in any state of the link. No products means all
// products of the link. A refresh of transactions adds a few new ones, settles the pending ones and
// adds new pending ones. A refresh of accounts changes the balances, and a refresh of investments
// changes the prices. It returns an error if the link does not exist or lacks a product.
func (w *World) Refresh(linkID string, products []moneykit.Product, now time.Time) error {
	l, err := w.existing(linkID, now)
	if err != nil {
		return err
	}
	for _, p := range products {
		if l.Products[p] == nil {
			return fmt.Errorf("the link %s does not have %q", linkID, p)
		}
	}
	if len(products) == 0 {
		for _, p := range AllProducts() {
			if l.Products[p] != nil {
				products = append(products, p)
			}
		}
	}
	w.refresh(l, products, now)
	return nil
}

// work runs the due jobs of a link.
func (w *World) work(l *Link, now time.Time) {
	for len(l.Jobs) > 0 && !l.Jobs[0].At.After(now) {
		w.Touch(l)
		next := l.Jobs[0]
		l.Jobs = l.Jobs[1:]
		switch l.State {
		case moneykit.LinkStateConnected:
			w.refresh(l, next.Products, next.At)
		case moneykit.LinkStateDeleted:
		default:
			for _, p := range each(next.Products) {
				l.Products[p].fail(failureOf(l.Reason), next.At)
				w.announceRefresh(l, p, next.At)
			}
		}
	}
}

// refresh fetches products that the link has.
func (w *World) refresh(l *Link, products []moneykit.Product, now time.Time) {
	for _, name := range each(products) {
		switch name {
		case moneykit.ProductTransactions:
			before := w.Ledger(l).Changes
			w.fetch(l, now) // it records the time itself
			w.announceRefresh(l, name, now)
			w.announceTransactions(l, before, now)
			continue
		case moneykit.ProductAccounts:
			w.moveBalances(l, now)
		case moneykit.ProductInvestments:
			w.movePrices(l, now)
		case moneykit.ProductAccountNumbers, moneykit.ProductIdentity, moneykit.ProductEnrichment: // their data do not change
		}
		l.Products[name].touch(now)
		w.announceRefresh(l, name, now)
	}
}

// moveBalances changes the balances a little, except for investment accounts, whose balances follow
// their prices.
func (w *World) moveBalances(l *Link, now time.Time) {
	l.Moves++
	r := w.Random(fmt.Sprintf("balances %s %d", l.ID, l.Moves))
	for i := range l.Accounts {
		a := &l.Accounts[i]
		change := 1 + r.IntN(5000)
		if a.Closed || a.Balances.Current == nil || isKind(a.Type, "investment") {
			continue
		}
		a.Balances.Date = Stamp(now)
		if isKind(a.Type, "liability") && a.Balances.Available != nil {
			if a.Balances.Available.Cmp(*cents(change)) < 0 { // the credit limit is reached, so the change is a repayment
				change = -change
			}
			a.Balances.Available = plus(a.Balances.Available, -change)
		} else if a.Balances.Available != nil {
			a.Balances.Available = plus(a.Balances.Available, change)
		}
		a.Balances.Current = plus(a.Balances.Current, change)
	}
}

// plus returns the sum of an amount and n cents.
func plus(d *moneykit.Decimal, n int) *moneykit.Decimal {
	value := d.Rat()
	return decimal(value.Add(value, big.NewRat(int64(n), 100)), 2)
}
