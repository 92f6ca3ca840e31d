package world

import (
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Product is the state of a product of a link.
type Product struct {
	Settings  *moneykit.ProductSettings // nil if sessions cannot request the product
	Refreshed time.Time                 // when the data were last fetched; zero if never
	Attempted time.Time                 // time of the last attempt; zero if it was at Refreshed
	Failure   moneykit.ProductError     // why the last attempt failed; "" if it succeeded
}

// AllProducts returns all products, in the order of the API.
func AllProducts() []moneykit.Product {
	return []moneykit.Product{
		moneykit.ProductAccounts, moneykit.ProductAccountNumbers, moneykit.ProductIdentity,
		moneykit.ProductTransactions, moneykit.ProductInvestments, moneykit.ProductEnrichment,
	}
}

// each returns the products of a list without duplicates, in a fixed order.
func each(products []moneykit.Product) []moneykit.Product {
	return slices.DeleteFunc(AllProducts(), func(p moneykit.Product) bool { return !slices.Contains(products, p) })
}

// appProducts returns the products of a session that does not request any. In MoneyKit, the
// settings in the dashboard decide. Here it is all products, prefetched.
func appProducts() *moneykit.SessionProducts {
	all := func() *moneykit.ProductSettings { return &moneykit.ProductSettings{Prefetch: true} }
	return &moneykit.SessionProducts{AccountNumbers: all(), Identity: all(), Transactions: all(), Investments: all()}
}

// requestable returns the settings of a requested product. It returns nil if the product is not
// requested, or cannot be requested.
func requestable(s *moneykit.SessionProducts, p moneykit.Product) *moneykit.ProductSettings {
	switch p {
	case moneykit.ProductAccountNumbers:
		return s.AccountNumbers
	case moneykit.ProductIdentity:
		return s.Identity
	case moneykit.ProductTransactions:
		return s.Transactions
	case moneykit.ProductInvestments:
		return s.Investments
	case moneykit.ProductAccounts, moneykit.ProductEnrichment:
	}
	return nil
}

// grant adds the products that the session requests and the user permits to a link, and reports
// whether it added any. Existing products keep their settings. A relink removes no products;
// MoneyKit's documentation contradicts itself about this.
func (l *Link) grant(asked *moneykit.SessionProducts, declined []moneykit.Product, now time.Time) bool {
	more := false
	for _, p := range AllProducts() {
		settings := requestable(asked, p)
		if settings == nil || l.Products[p] != nil {
			continue
		}
		if slices.Contains(declined, p) && !settings.Required && !settings.RequirePermission {
			continue
		}
		granted := &Product{Settings: settings}
		if settings.Prefetch {
			granted.Refreshed = now
		}
		l.Products[p], more = granted, true
	}
	if p := l.Products[moneykit.ProductTransactions]; p != nil && l.Products[moneykit.ProductEnrichment] == nil {
		l.Products[moneykit.ProductEnrichment] = &Product{Refreshed: p.Refreshed}
	}
	if l.Products[moneykit.ProductAccounts] == nil {
		l.Products[moneykit.ProductAccounts] = &Product{}
	}
	l.Products[moneykit.ProductAccounts].touch(now)
	return more
}

// touch records that the product was fetched. The recorded time is always later than the one
// before.
func (p *Product) touch(now time.Time) {
	now = Stamp(now).Time
	if last := Stamp(p.Refreshed).Time; !now.After(last) {
		now = last.Add(time.Microsecond)
	}
	p.Refreshed, p.Attempted, p.Failure = now, now, ""
}

// fail records that an attempt to fetch the product failed.
func (p *Product) fail(reason moneykit.ProductError, now time.Time) {
	refreshed := p.Refreshed
	if p.Attempted.After(refreshed) {
		p.Refreshed = p.Attempted // so that touch picks a later time
	}
	p.touch(now)
	p.Refreshed, p.Failure = refreshed, reason
}

// failureOf returns the error of a product's refresh for the error of its link.
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
