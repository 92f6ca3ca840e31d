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

// month contains the sums of a month in one currency.
type month struct {
	Month    string           `json:"month"` // YYYY-MM
	Currency string           `json:"currency"`
	Income   moneykit.Decimal `json:"income"`
	Spending moneykit.Decimal `json:"spending"`
	Net      moneykit.Decimal `json:"net"`
	Rows     int              `json:"rows"`
}

// months adds transactions up exactly. The zero value is ready to use.
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

// writeMonths prints the months of one currency: a table and bars, side by side if there is room
// for both.
func writeMonths(w io.Writer, s screen, all []month) error {
	sums := table{columns: []column{
		{title: "MONTH"},
		{title: "ROWS", right: true, spare: 1},
		{title: "INCOME", right: true},
		{title: "SPENDING", right: true},
		{title: "NET", right: true},
	}}
	for _, m := range all {
		look := plain
		if m.Net.Sign() < 0 {
			look = red
		}
		sums.add(cell{m.Month, plain}, cell{grouped(m.Rows), faint}, cell{money(m.Income, m.Currency), green},
			cell{money(m.Spending, m.Currency), plain}, cell{signed(m.Net, m.Currency), look})
	}
	if _, err := io.WriteString(w, s.paint(bold, clean(all[0].Currency))+"\n"); err != nil {
		return err
	}
	if half := (s.width - sums.total(sums.widths(s.width)) - gap - 1) / 2; half >= shortBar {
		sums.columns = append(sums.columns, barColumns()...)
		for i := range sums.rows {
			sums.rows[i] = append(sums.rows[i], bars(all, i, half)...)
		}
		return sums.write(w, s)
	}
	if err := sums.write(w, s); err != nil {
		return err
	}
	plot := table{columns: append([]column{{title: "MONTH"}}, barColumns()...)}
	half := (s.width - len("2006-01") - gap - 1) / 2
	for i, m := range all {
		plot.add(append([]cell{{m.Month, plain}}, bars(all, i, half)...)...)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return plot.write(w, s)
}

// The characters of the bars. They differ, so that the bars can be told apart without color.
const (
	spendingBar = "▒"
	incomeBar   = "█"
	axis        = "│"
)

// shortBar is the minimum width of the longest bars.
const shortBar = 12

func barColumns() []column {
	return []column{{title: "OUT" + axis, right: true}, {title: "IN", tight: true}}
}

// bars returns the bars of a month in two cells: spending to the left of an axis, and income to its
// right. The longest of all bars fills its cell.
func bars(all []month, i, room int) []cell {
	var most float64
	for _, m := range all {
		most = max(most, m.Income.Float64(), m.Spending.Float64())
	}
	spending := strings.Repeat(spendingBar, length(all[i].Spending, most, room))
	// The spaces align the axis if no bar fills its cell.
	return []cell{{pad(spending, room, true) + axis, red}, {strings.Repeat(incomeBar, length(all[i].Income, most, room)), green}}
}

// length returns the length of an amount's bar. It is at least 1 for an amount that is not zero.
func length(d moneykit.Decimal, most float64, room int) int {
	if d.Sign() <= 0 || most <= 0 {
		return 0
	}
	return min(room, max(1, int(math.Round(d.Float64()/most*float64(room)))))
}
