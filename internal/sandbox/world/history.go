package world

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// teller makes up the transactions on the accounts of a link.
type teller struct {
	w        *World
	r        *rand.Rand
	payers   [roles]Payer
	shops    []merchant
	regulars []regular
	prices   []int // amounts of the regular payments, in cents
	enriched bool
}

// teller returns a teller for the current state of a link.
func (w *World) teller(l *Link, purpose string) *teller {
	now := Past{Link: l.ID, Enriched: l.Products[moneykit.ProductEnrichment] != nil}
	for part := range now.Payers {
		if a := l.playing(role(part)); a != nil {
			now.Payers[part] = Payer{a.ID, cmp.Or(a.Balances.Currency, l.Institution.Currency())}
		}
	}
	return w.tellerOf(&now, purpose)
}

// tellerOf returns a teller for the state that a link had when its past was made.
func (w *World) tellerOf(p *Past, purpose string) *teller {
	t := &teller{
		w: w, r: w.Random(purpose + " " + p.Link), payers: p.Payers, shops: shops(), regulars: regulars(), enriched: p.Enriched,
	}
	prices := w.Random("regular " + p.Link) // they do not change
	for _, reg := range t.regulars {
		t.prices = append(t.prices, reg.least+prices.IntN(reg.most-reg.least+1))
	}
	return t
}

// fetch refreshes the transactions of a link. The first fetch returns the past, later ones a few
// new transactions.
func (w *World) fetch(l *Link, now time.Time) {
	g := w.Ledger(l)
	if !g.Begun { // this is the first fetch
		l.Products[moneykit.ProductTransactions].touch(now)
		w.Ledger(l)
		return
	}
	g.Fetches++
	t := w.teller(l, fmt.Sprintf("fetch %d", g.Fetches))
	today := moneykit.DateOf(now.UTC())
	w.settle(l, now)
	for range 1 + t.r.IntN(3) {
		if row, ok := t.shopping(today); ok {
			row.ID = w.transactionID(l)
			g.post(EntryCreated, &row)
		}
	}
	pending := t.waiting(today, 1)
	for i := range pending {
		pending[i].ID = w.transactionID(l)
	}
	l.fetched(pending, now)
}

// day appends the rows that are posted on a day.
func (t *teller) day(rows []moneykit.Transaction, day moneykit.Date) []moneykit.Transaction {
	for i, reg := range t.regulars {
		if a := t.payers[reg.from]; a != (Payer{}) && reg.due(day) {
			row := t.row(a, reg.merchant, t.prices[i], day)
			if reg.credit {
				row.Type = moneykit.TransactionTypeCredit
			}
			if t.enriched {
				row.Enrichment = t.w.recurring(&reg, day)
			}
			rows = append(rows, row)
		}
	}
	for range t.r.IntN(4) {
		if row, ok := t.shopping(day); ok {
			rows = append(rows, row)
		}
	}
	return rows
}

// waiting returns least to least+2 new pending rows, or fewer if an account to pay from is missing.
func (t *teller) waiting(day moneykit.Date, least int) []moneykit.Transaction {
	var rows []moneykit.Transaction
	for range least + t.r.IntN(3) {
		if row, ok := t.shopping(day); ok {
			row.Pending = true
			rows = append(rows, row)
		}
	}
	return rows
}

// shopping returns a payment in a shop, if there is an account to pay from.
func (t *teller) shopping(day moneykit.Date) (moneykit.Transaction, bool) {
	a := t.payers[t.r.IntN(2)]
	if a == (Payer{}) {
		return moneykit.Transaction{}, false
	}
	shop := t.shops[t.r.IntN(len(t.shops))]
	return t.row(a, shop, shop.least+t.r.IntN(shop.most-shop.least+1), day), true
}

// row returns a debit without an id. amount is in cents.
func (t *teller) row(a Payer, m merchant, amount int, day moneykit.Date) moneykit.Transaction {
	row := moneykit.Transaction{
		AccountID: a.Account,
		Type:      moneykit.TransactionTypeDebit,
		Amount:    *cents(amount),
		Currency:  a.Currency,
		Date:      day,
	}
	if row.Description = m.name; m.name == "" {
		row.Description = sentence(string(m.subcategory))
	}
	row.RawDescription = strings.ToUpper(fmt.Sprintf("%s #%03d %s", row.Description, t.r.IntN(1000), base62(t.r)[:6]))
	if t.r.IntN(2) == 0 { // not every bank reports the time
		row.Datetime = moneykit.Timestamp{Time: day.Time(time.UTC).Add(time.Duration(t.r.IntN(86400)) * time.Second)}
	}
	if t.enriched {
		row.Enrichment = t.w.enrichment(m)
	}
	return row
}

// sentence returns the value of an enumeration as readable words.
func sentence(value string) string {
	words := strings.ReplaceAll(value, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// enrichment returns the enrichment of payments to a merchant. All of them share it, so it must not
// be changed.
func (w *World) enrichment(m merchant) *moneykit.TransactionEnrichment {
	name := cmp.Or(m.name, string(m.subcategory))
	if e := w.enrichments[name]; e != nil {
		return e
	}
	r := w.Random("enrichment " + name)
	confidence := func() *float64 {
		n := float64(60 + r.IntN(41))
		return &n
	}
	e := &moneykit.TransactionEnrichment{
		Category:    moneykit.TransactionCategory{Value: string(m.category), Confidence: confidence()},
		Subcategory: &moneykit.TransactionSubcategory{Value: string(m.subcategory), Confidence: confidence()},
	}
	if m.name != "" {
		e.Merchant = &moneykit.TransactionMerchant{
			ID: "merchant_" + slug(m.name), Name: m.name,
			Logo: "https://logos.moneykit.test/" + slug(m.name) + ".png", Confidence: confidence(),
		}
	}
	if m.processor != "" {
		e.Processor = &moneykit.TransactionProcessor{ID: "processor_" + slug(m.processor), Name: m.processor, Confidence: confidence()}
	}
	if w.enrichments == nil {
		w.enrichments = map[string]*moneykit.TransactionEnrichment{}
	}
	w.enrichments[name] = e
	return e
}

// recurring returns the enrichment of a regular payment on a day. It is shared too.
func (w *World) recurring(reg *regular, day moneykit.Date) *moneykit.TransactionEnrichment {
	shared := w.enrichment(reg.merchant)
	name := fmt.Sprint(shared.Category.Value, reg.name, day)
	if e := w.enrichments[name]; e != nil {
		return e
	}
	own := *shared
	own.Recurrence = &moneykit.TransactionRecurrence{Frequency: reg.frequency, NextPredictedDate: reg.next(day)}
	w.enrichments[name] = &own
	return &own
}

// playing returns the account that plays a role, or nil. Without a credit card, the everyday
// account takes its role.
func (l *Link) playing(part role) *moneykit.Account {
	switch part {
	case card:
		if a := l.firstOf("liability.credit_card"); a != nil {
			return a
		}
	case savings:
		return l.firstOf("depository.savings")
	case everyday:
	}
	return l.firstOf("depository.checking", "depository", "liability.credit_card", "other", "unknown")
}

// due reports whether a regular payment falls on a day.
func (reg *regular) due(day moneykit.Date) bool {
	if reg.frequency == monthly {
		return day.Day == reg.day
	}
	days := int(day.Time(time.UTC).Unix() / 86400)
	return days%reg.day == 0
}

// next returns the day of the payment after one on day.
func (reg *regular) next(day moneykit.Date) moneykit.Date {
	if reg.frequency == monthly {
		return moneykit.DateOf(day.Time(time.UTC).AddDate(0, 1, 0))
	}
	return day.AddDays(reg.day)
}
