package world

import (
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Product is a product that a link has.
type Product struct {
	Settings  *moneykit.ProductSettings // nil for those that cannot be asked for
	Refreshed time.Time                 // zero if there is no data yet
	Attempted time.Time                 // zero if the last attempt was at Refreshed
	Failure   moneykit.ProductError     // of the last attempt, "" if it succeeded
}

// AllProducts lists the products in the order of the API.
func AllProducts() []moneykit.Product {
	return []moneykit.Product{
		moneykit.ProductAccounts, moneykit.ProductAccountNumbers, moneykit.ProductIdentity,
		moneykit.ProductTransactions, moneykit.ProductInvestments, moneykit.ProductEnrichment,
	}
}

// each returns every product of a list once, always in the same order.
func each(products []moneykit.Product) []moneykit.Product {
	return slices.DeleteFunc(AllProducts(), func(p moneykit.Product) bool { return !slices.Contains(products, p) })
}

// appProducts is what the app asks for when a session does not say. In MoneyKit the dashboard
// decides; here it is everything, at once.
func appProducts() *moneykit.SessionProducts {
	all := func() *moneykit.ProductSettings { return &moneykit.ProductSettings{Prefetch: true} }
	return &moneykit.SessionProducts{AccountNumbers: all(), Identity: all(), Transactions: all(), Investments: all()}
}

// requestable returns the settings of a product, nil if it is not asked for or cannot be.
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

// grant adds to a link the products that the session asks for and the user permits, and reports
// whether there are any. Products that the link has keep their settings. A relink takes none away;
// MoneyKit's documentation contradicts itself about that.
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

// touch notes that the product was fetched, later than ever before.
func (p *Product) touch(now time.Time) {
	now = Stamp(now).Time
	if last := Stamp(p.Refreshed).Time; !now.After(last) {
		now = last.Add(time.Microsecond)
	}
	p.Refreshed, p.Attempted, p.Failure = now, now, ""
}

// fail notes that an attempt to fetch the product failed.
func (p *Product) fail(reason moneykit.ProductError, now time.Time) {
	refreshed := p.Refreshed
	if p.Attempted.After(refreshed) {
		p.Refreshed = p.Attempted // only to be later than that
	}
	p.touch(now)
	p.Refreshed, p.Failure = refreshed, reason
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
