package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// month is what came in and went out in a month and a currency.
type month struct {
	Month    string           `json:"month"` // YYYY-MM
	Currency string           `json:"currency"`
	Income   moneykit.Decimal `json:"income"`
	Spending moneykit.Decimal `json:"spending"`
	Net      moneykit.Decimal `json:"net"`
	Rows     int              `json:"rows"`
}

// months adds up transactions exactly. The zero value is ready to use.
type months struct{ sums map[string]*month }

func (m *months) add(t *row) {
	name := "no day"
	if !t.Date.IsZero() {
		name = fmt.Sprintf("%04d-%02d", t.Date.Year, int(t.Date.Month))
	}
	key := t.Currency + " " + name
	sum := m.sums[key]
	if sum == nil {
		if m.sums == nil {
			m.sums = map[string]*month{}
		}
		sum = &month{Month: name, Currency: t.Currency}
		m.sums[key] = sum
	}
	sum.Rows++
	if t.Type == string(moneykit.TransactionTypeCredit) {
		sum.Income = sum.Income.Add(t.Amount)
		sum.Net = sum.Net.Add(t.Amount)
	} else {
		sum.Spending = sum.Spending.Add(t.Amount)
		sum.Net = sum.Net.Sub(t.Amount)
	}
}

// sorted returns the months of each currency, oldest first.
func (m *months) sorted() []month {
	all := make([]month, 0, len(m.sums))
	for _, sum := range m.sums {
		all = append(all, *sum)
	}
	slices.SortFunc(all, func(a, b month) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Month, b.Month))
	})
	return all
}

// writeMonths prints a table of months.
func writeMonths(w io.Writer, s screen, all []month) error {
	t := table{columns: []column{
		{title: "MONTH"}, {title: "CUR", spare: 1}, {title: "ROWS", right: true, spare: 2},
		{title: "INCOME", right: true}, {title: "SPENDING", right: true}, {title: "NET", right: true},
	}}
	for _, m := range all {
		look := plain
		if m.Net.Sign() < 0 {
			look = red
		}
		t.add(cell{m.Month, plain}, cell{clean(m.Currency), plain}, cell{grouped(m.Rows), faint}, cell{money(m.Income, m.Currency), green},
			cell{money(m.Spending, m.Currency), plain}, cell{signed(m.Net, m.Currency), look})
	}
	return t.write(w, s)
}

// plotMonths is how many months a plot has at most.
const plotMonths = 12

// writePlot prints the months of one currency as bars: spending to the left of an axis, income to
// the right.
func writePlot(w io.Writer, s screen, all []month) error {
	all = all[max(0, len(all)-plotMonths):]
	var most float64
	for _, m := range all {
		most = max(most, m.Income.Float64(), m.Spending.Float64())
	}
	const label = len("2006-01") + gap
	half := (s.width - label - 1) / 2
	var b strings.Builder
	title := pad("SPENDING", label+half-1, true) + " " + axis + " INCOME, " + clean(all[0].Currency)
	b.WriteString(s.paint(bold, title) + "\n")
	for _, m := range all {
		left, right := length(m.Spending, most, half), length(m.Income, most, half)
		line := pad(m.Month, len("2006-01"), false) + strings.Repeat(" ", gap+half-left) + s.paint(red, strings.Repeat(spendingBar, left)) +
			axis + s.paint(green, strings.Repeat(incomeBar, right))
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// What bars are drawn with, so that they differ without color too.
const (
	spendingBar = "▒"
	incomeBar   = "█"
	axis        = "│"
)

// length is how long the bar of an amount is. An amount that is not zero is always seen.
func length(d moneykit.Decimal, most float64, longest int) int {
	if d.Sign() <= 0 || most <= 0 {
		return 0
	}
	return max(1, int(math.Round(d.Float64()/most*float64(longest))))
}
