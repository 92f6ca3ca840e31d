package world

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Portfolio contains the holdings and the transactions of the investment accounts of a link.
type Portfolio struct {
	Securities   []moneykit.Security
	Holdings     []moneykit.Holding
	Transactions []moneykit.InvestmentTransaction
	Made         int // number of made-up ids
	Fetches      int

	order byDay[moneykit.InvestmentTransaction] // index of Transactions; new ones are added when it is read
}

// Page returns a page of the transactions, newest first and by id within a day, and the number of
// transactions on all pages. The page is never nil.
func (p *Portfolio) Page(s Span) (page []moneykit.InvestmentTransaction, total int) {
	p.order.dated = func(t *moneykit.InvestmentTransaction) (moneykit.Date, string) { return t.Date, t.ID }
	var rows []*moneykit.InvestmentTransaction
	for _, row := range p.Transactions[len(p.order.rows):] {
		rows = append(rows, &row)
	}
	p.order.insert(rows...)
	list := only(p.order.between(s), s, func(t *moneykit.InvestmentTransaction) string { return t.AccountID })
	return p.order.page(s, list)
}

// Portfolio returns the portfolio of a link. It is empty before the product investments was
// fetched.
func (w *World) Portfolio(l *Link) *Portfolio {
	product := l.Products[moneykit.ProductInvestments]
	if product == nil || product.Refreshed.IsZero() {
		return &Portfolio{}
	}
	if l.Portfolio == nil {
		w.Touch(l)
		l.Portfolio = &Portfolio{Securities: w.securities(l, product.Refreshed)}
		for i := range l.Accounts {
			if a := &l.Accounts[i]; isKind(a.Type, "investment") && !a.Closed {
				l.Portfolio.fill(w, a, product.Refreshed)
			}
		}
	}
	return l.Portfolio
}

// securities returns the made-up securities that made-up users invest in. The last one is cash.
func (w *World) securities(l *Link, now time.Time) []moneykit.Security {
	prefix := string(l.Institution.Country)
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
		r := w.Random("security " + prefix + s.Name) // a security has the same price on all links
		s.ID, s.Currency = "sec_"+base62(r), l.Institution.Currency()
		if s.Type == "cash" {
			continue
		}
		if s.Type != "crypto" {
			s.ISIN = isin(prefix + fmt.Sprintf("%09d", r.IntN(1_000_000_000)))
		}
		s.ClosePrice = decimal(big.NewRat(int64(10_000+r.IntN(4_000_000)), 10_000), 4)
		s.CloseDate = moneykit.DateOf(now.UTC()).AddDays(-1)
	}
	return list
}

// isin returns s, eleven letters and digits, with the check digit of ISO 6166.
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

// decimal returns a value, rounded to so many decimal places.
func decimal(value *big.Rat, places int) *moneykit.Decimal {
	d, err := moneykit.ParseDecimal(value.FloatString(places))
	if err != nil {
		return nil // cannot happen
	}
	return &d
}

// fill adds made-up holdings and transactions of an account. The total value of the holdings is the
// balance of the account.
func (p *Portfolio) fill(w *World, a *moneykit.Account, now time.Time) {
	r := w.Random("portfolio " + a.ID)
	rest := new(big.Rat)
	if a.Balances.Current != nil {
		rest = a.Balances.Current.Rat()
	}
	kinds := len(p.Securities) - 1
	for _, i := range r.Perm(kinds)[:2+r.IntN(kinds-2)] {
		s := p.Securities[i]
		share := new(big.Rat).Mul(rest, big.NewRat(int64(1+r.IntN(40)), 100))
		h := moneykit.Holding{
			AccountID: a.ID, SecurityID: s.ID, Price: s.ClosePrice, PriceDatetime: Stamp(now),
			Quantity: *decimal(new(big.Rat).Quo(share, s.ClosePrice.Rat()), 10),
		}
		revalue(&h)
		if r.IntN(3) > 0 { // not every bank reports it
			h.CostBasis = decimal(new(big.Rat).Mul(share, big.NewRat(int64(70+r.IntN(50)), 100)), 2)
		}
		rest.Sub(rest, h.Value.Rat())
		p.Holdings = append(p.Holdings, h)
	}
	p.Holdings = append(p.Holdings, moneykit.Holding{
		AccountID: a.ID, SecurityID: p.Securities[kinds].ID, Quantity: *decimal(rest, 2), Value: decimal(rest, 2),
	})
	today := moneykit.DateOf(now.UTC())
	for day := moneykit.DateOf(now.UTC().Add(-max(0, w.History))); day.Compare(today) < 0; day = day.AddDays(1) {
		if r.IntN(6) == 0 {
			p.Transactions = append(p.Transactions, p.happen(w, a, r, day))
		}
	}
}

// revalue sets the value of a holding at its price.
func revalue(h *moneykit.Holding) {
	h.Value = decimal(new(big.Rat).Mul(h.Quantity.Rat(), h.Price.Rat()), 2)
}

// happen returns a made-up transaction on a day. An amount that leaves the account is positive.
func (p *Portfolio) happen(w *World, a *moneykit.Account, r *rand.Rand, day moneykit.Date) moneykit.InvestmentTransaction {
	p.Made++
	t := moneykit.InvestmentTransaction{
		ID:        "it_" + base62(w.Random(fmt.Sprintf("investment %s %d", a.ID, p.Made))),
		AccountID: a.ID,
		Date:      day,
	}
	if r.IntN(2) == 0 {
		t.Datetime = moneykit.Timestamp{Time: day.Time(time.UTC).Add(time.Duration(9*3600+r.IntN(7*3600)) * time.Second)}
	}
	s := p.Securities[r.IntN(len(p.Securities)-1)]
	money := big.NewRat(int64(500+r.IntN(200_000)), 100)
	in := new(big.Rat).Neg(money)
	switch kind := r.IntN(6); kind {
	case 0:
		t.Type, t.Description, t.Amount = "cash.dividend", "Dividend "+s.Name, *decimal(in, 2)
		t.SecurityID = s.ID
	case 1:
		t.Type, t.Description, t.Amount = "transfer", "Transfer from bank", *decimal(in, 2)
	case 2:
		t.Type, t.Description, t.Amount = "fee", "Custody fee", *decimal(new(big.Rat).Quo(money, big.NewRat(100, 1)), 2)
	default:
		quantity := new(big.Rat).Quo(money, s.ClosePrice.Rat())
		t.SecurityID, t.Price = s.ID, s.ClosePrice
		t.Fees = cents(r.IntN(500))
		if kind == 3 {
			t.Type, t.Description, t.Amount = "sell", "Sold "+s.Name, *decimal(in, 2)
			quantity.Neg(quantity)
		} else {
			t.Type, t.Description, t.Amount = "buy", "Bought "+s.Name, *decimal(money, 2)
		}
		t.Quantity = decimal(quantity, 12)
	}
	return t
}

// movePrices changes the prices of a link's securities, and updates the balances of its investment
// accounts.
func (w *World) movePrices(l *Link, now time.Time) {
	p := w.Portfolio(l)
	p.Fetches++
	r := w.Random(fmt.Sprintf("prices %s %d", l.ID, p.Fetches))
	today := moneykit.DateOf(now.UTC())
	for i := range p.Securities {
		if s := &p.Securities[i]; s.ClosePrice != nil {
			s.ClosePrice = decimal(new(big.Rat).Mul(s.ClosePrice.Rat(), big.NewRat(int64(980+r.IntN(41)), 1000)), 4)
			s.CloseDate = today.AddDays(-1)
		}
	}
	worth := map[string]*big.Rat{}
	for i := range p.Holdings {
		h := &p.Holdings[i]
		if h.Price != nil {
			h.Price, h.PriceDatetime = p.security(h.SecurityID).ClosePrice, Stamp(now)
			revalue(h)
		}
		if worth[h.AccountID] == nil {
			worth[h.AccountID] = new(big.Rat)
		}
		worth[h.AccountID].Add(worth[h.AccountID], h.Value.Rat())
	}
	for i := range l.Accounts {
		if a := &l.Accounts[i]; worth[a.ID] != nil {
			a.Balances.Current, a.Balances.Date = decimal(worth[a.ID], 2), Stamp(now)
			p.Transactions = append(p.Transactions, p.happen(w, a, r, today))
		}
	}
}

// security returns the security with an id, which must be in the portfolio.
func (p *Portfolio) security(id string) moneykit.Security {
	i := slices.IndexFunc(p.Securities, func(s moneykit.Security) bool { return s.ID == id })
	return p.Securities[max(0, i)]
}

// SecuritiesIn returns the securities of the portfolio whose ids are in a set. The list is never
// nil.
func (p *Portfolio) SecuritiesIn(ids map[string]bool) []moneykit.Security {
	securities := []moneykit.Security{}
	for _, s := range p.Securities {
		if ids[s.ID] {
			securities = append(securities, s)
		}
	}
	return securities
}
