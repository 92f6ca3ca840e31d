package moneykittest

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// portfolio is what the investment accounts of a link hold, and what has happened there.
type portfolio struct {
	securities   []moneykit.Security
	holdings     []moneykit.Holding
	transactions []moneykit.InvestmentTransaction
	made         int // ids that were made up
	fetches      int
}

// portfolio returns what a link's investment accounts hold, nothing before it was fetched.
func (c *core) portfolio(l *link) *portfolio {
	product := l.products[moneykit.ProductInvestments]
	if product == nil || product.refreshed.IsZero() {
		return &portfolio{}
	}
	if l.portfolio == nil {
		l.portfolio = &portfolio{securities: c.securities(l, product.refreshed)}
		for i := range l.accounts {
			if a := &l.accounts[i]; isKind(a.Type, "investment") && !a.Closed {
				l.portfolio.fill(c, a, product.refreshed)
			}
		}
	}
	return l.portfolio
}

// securities lists what made-up users invest in, made up like them; the last is cash.
func (c *core) securities(l *link, now time.Time) []moneykit.Security {
	prefix := string(l.institution.country())
	list := []moneykit.Security{
		{Name: "Brightwater Works Inc.", Type: "equity", Ticker: "BWWX"},
		{Name: "Fathom Networks", Type: "equity", Ticker: "FTHX"},
		{Name: "Broad Market Index ETF", Type: "etf", Ticker: "BMIX"},
		{Name: "Steady Income Fund", Type: "fund", Ticker: "STIFX"},
		{Name: "Treasury Note 2041", Type: "bond"},
		{Name: "Pebblecoin", Type: "crypto", Ticker: "PBLX"},
		{Name: "Cash", Type: "cash"},
	}
	for i := range list {
		s := &list[i]
		r := c.random("security " + prefix + s.Name) // one security is the same on all links
		s.ID, s.Currency = "sec_"+base62(r), l.institution.currency()
		if s.Type == "cash" {
			continue
		}
		if s.Type != "crypto" {
			s.ISIN = isin(prefix + fmt.Sprintf("%09d", r.IntN(1_000_000_000)))
		}
		s.ClosePrice = number(big.NewRat(int64(10_000+r.IntN(4_000_000)), 10_000), 4)
		s.CloseDate = moneykit.DateOf(now.UTC()).AddDays(-1)
	}
	return list
}

// isin returns eleven letters and digits with the check digit that ISO 6166 has.
func isin(s string) string {
	var expanded strings.Builder
	for _, r := range s {
		if r >= 'A' {
			fmt.Fprint(&expanded, int(r-'A')+10)
		} else {
			expanded.WriteRune(r)
		}
	}
	sum, digits := 0, expanded.String()
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return fmt.Sprint(s, (10-sum%10)%10)
}

// number returns an exact value, rounded to so many places.
func number(value *big.Rat, places int) *moneykit.Decimal {
	d, err := moneykit.ParseDecimal(value.FloatString(places))
	if err != nil {
		return nil // cannot be
	}
	return &d
}

// fill gives an account holdings that are worth its balance together, and a past.
func (p *portfolio) fill(c *core, a *moneykit.Account, now time.Time) {
	r := c.random("portfolio " + a.ID)
	rest := new(big.Rat)
	if a.Balances.Current != nil {
		rest = a.Balances.Current.Rat()
	}
	kinds := len(p.securities) - 1
	for _, i := range r.Perm(kinds)[:2+r.IntN(kinds-2)] {
		s := p.securities[i]
		share := new(big.Rat).Mul(rest, big.NewRat(int64(1+r.IntN(40)), 100))
		h := moneykit.Holding{
			AccountID: a.ID, SecurityID: s.ID, Price: s.ClosePrice, PriceDatetime: stamp(now),
			Quantity: *number(new(big.Rat).Quo(share, s.ClosePrice.Rat()), 10),
		}
		revalue(&h)
		if r.IntN(3) > 0 { // not every bank knows
			h.CostBasis = number(new(big.Rat).Mul(share, big.NewRat(int64(70+r.IntN(50)), 100)), 2)
		}
		rest.Sub(rest, h.Value.Rat())
		p.holdings = append(p.holdings, h)
	}
	p.holdings = append(p.holdings, moneykit.Holding{
		AccountID: a.ID, SecurityID: p.securities[kinds].ID, Quantity: *number(rest, 2), Value: number(rest, 2),
	})
	today := moneykit.DateOf(now.UTC())
	for day := moneykit.DateOf(now.UTC().Add(-max(0, c.cfg.history))); day.Compare(today) < 0; day = day.AddDays(1) {
		if r.IntN(6) == 0 {
			p.transactions = append(p.transactions, p.happen(c, a, r, day))
		}
	}
}

// revalue sets what a holding is worth at its price.
func revalue(h *moneykit.Holding) {
	h.Value = number(new(big.Rat).Mul(h.Quantity.Rat(), h.Price.Rat()), 2)
}

// happen makes up something that happens on a day. Money out of the account is positive.
func (p *portfolio) happen(c *core, a *moneykit.Account, r *rand.Rand, day moneykit.Date) moneykit.InvestmentTransaction {
	p.made++
	t := moneykit.InvestmentTransaction{
		ID:        "it_" + base62(c.random(fmt.Sprintf("investment %s %d", a.ID, p.made))),
		AccountID: a.ID,
		Date:      day,
	}
	if r.IntN(2) == 0 {
		t.Datetime = moneykit.Timestamp{Time: day.Time(time.UTC).Add(time.Duration(9*3600+r.IntN(7*3600)) * time.Second)}
	}
	s := p.securities[r.IntN(len(p.securities)-1)]
	money := big.NewRat(int64(500+r.IntN(200_000)), 100)
	in := new(big.Rat).Neg(money)
	switch kind := r.IntN(6); kind {
	case 0:
		t.Type, t.Description, t.Amount = "cash.dividend", "Dividend "+s.Name, *number(in, 2)
		t.SecurityID = s.ID
	case 1:
		t.Type, t.Description, t.Amount = "transfer", "Transfer from bank", *number(in, 2)
	case 2:
		t.Type, t.Description, t.Amount = "fee", "Custody fee", *number(new(big.Rat).Quo(money, big.NewRat(100, 1)), 2)
	default:
		quantity := new(big.Rat).Quo(money, s.ClosePrice.Rat())
		t.SecurityID, t.Price = s.ID, s.ClosePrice
		t.Fees = cents(r.IntN(500))
		if kind == 3 {
			t.Type, t.Description, t.Amount = "sell", "Sold "+s.Name, *number(in, 2)
			quantity.Neg(quantity)
		} else {
			t.Type, t.Description, t.Amount = "buy", "Bought "+s.Name, *number(money, 2)
		}
		t.Quantity = number(quantity, 12)
	}
	return t
}

// move lets the prices of a link's securities move, and with them its investment accounts.
func (c *core) move(l *link, now time.Time) {
	p := c.portfolio(l)
	p.fetches++
	r := c.random(fmt.Sprintf("prices %s %d", l.id, p.fetches))
	today := moneykit.DateOf(now.UTC())
	for i := range p.securities {
		if s := &p.securities[i]; s.ClosePrice != nil {
			s.ClosePrice = number(new(big.Rat).Mul(s.ClosePrice.Rat(), big.NewRat(int64(980+r.IntN(41)), 1000)), 4)
			s.CloseDate = today.AddDays(-1)
		}
	}
	worth := map[string]*big.Rat{}
	for i := range p.holdings {
		h := &p.holdings[i]
		if h.Price != nil {
			h.Price, h.PriceDatetime = p.security(h.SecurityID).ClosePrice, stamp(now)
			revalue(h)
		}
		if worth[h.AccountID] == nil {
			worth[h.AccountID] = new(big.Rat)
		}
		worth[h.AccountID].Add(worth[h.AccountID], h.Value.Rat())
	}
	for i := range l.accounts {
		if a := &l.accounts[i]; worth[a.ID] != nil {
			a.Balances.Current, a.Balances.Date = number(worth[a.ID], 2), stamp(now)
			p.transactions = append(p.transactions, p.happen(c, a, r, today))
		}
	}
}

// security returns a security of the portfolio, which it has.
func (p *portfolio) security(id string) moneykit.Security {
	i := slices.IndexFunc(p.securities, func(s moneykit.Security) bool { return s.ID == id })
	return p.securities[max(0, i)]
}
