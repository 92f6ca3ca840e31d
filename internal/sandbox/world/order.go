package world

import (
	"cmp"
	"slices"
	"sort"

	"github.com/moneykit/moneykit-go"
)

// byDay is a list of rows, sorted by day and, within a day, by descending id. [PageOf] reads it
// backward: newest first, and by ascending id. New rows are mostly the newest ones, so most
// insertions are at the end and cheap.
type byDay[T any] struct {
	rows  []*T
	dated func(*T) (moneykit.Date, string)
}

// compare compares two rows by day and descending id.
func (o *byDay[T]) compare(a, b *T) int {
	dayA, idA := o.dated(a)
	dayB, idB := o.dated(b)
	return cmp.Or(dayA.Compare(dayB), cmp.Compare(idB, idA))
}

// insert adds rows. It moves each existing row at most once.
func (o *byDay[T]) insert(rows ...*T) {
	rows = slices.SortedFunc(slices.Values(rows), o.compare)
	end := len(o.rows) // end of the existing rows that are not in place yet
	o.rows = append(o.rows, rows...)
	for i, row := range slices.Backward(rows) {
		at := end
		if end > 0 && o.compare(o.rows[end-1], row) > 0 {
			at, _ = slices.BinarySearchFunc(o.rows[:end], row, o.compare)
		}
		copy(o.rows[at+i+1:], o.rows[at:end])
		o.rows[at+i] = row
		end = at
	}
}

// remove removes a row from the list.
func (o *byDay[T]) remove(row *T) {
	if i, ok := slices.BinarySearchFunc(o.rows, row, o.compare); ok {
		o.rows = slices.Delete(o.rows, i, i+1)
	}
}

// Span selects a page of a list of dated rows.
type Span struct {
	Page, Size  int           // page number, from 1, and rows per page
	First, Last moneykit.Date // range of days, inclusive; a zero day is no limit
	Accounts    []string      // ids; empty means all
}

// between returns the rows in the range of days of s.
func (o *byDay[T]) between(s Span) []*T {
	rows := o.rows
	if !s.First.IsZero() {
		rows = rows[sort.Search(len(rows), func(i int) bool { return o.day(rows[i]).Compare(s.First) >= 0 }):]
	}
	if !s.Last.IsZero() {
		rows = rows[:sort.Search(len(rows), func(i int) bool { return o.day(rows[i]).Compare(s.Last) > 0 })]
	}
	return rows
}

func (o *byDay[T]) day(row *T) moneykit.Date {
	day, _ := o.dated(row)
	return day
}

// only returns the rows whose accounts s selects.
func only[T any](rows []*T, s Span, account func(*T) string) []*T {
	if len(s.Accounts) == 0 {
		return rows
	}
	var some []*T
	for _, row := range rows {
		if slices.Contains(s.Accounts, account(row)) {
			some = append(some, row)
		}
	}
	return some
}

// page merges lists that are sorted like o, and returns one page of the result, newest first, and
// the total number of rows. The page is never nil. A binary search finds the start of the page in
// each list, so the cost does not depend on the page number.
func (o *byDay[T]) page(s Span, lists ...[]*T) (page []T, total int) {
	for _, list := range lists {
		total += len(list)
	}
	page = []T{}
	if s.Page-1 > total/s.Size { // far beyond the last page; the product below could overflow
		return page, total
	}
	start := (s.Page - 1) * s.Size
	size := max(0, min(s.Size, total-start))
	left := make([]int, len(lists)) // rows of each list that are not on an earlier page
	for i := range lists {
		left[i] = o.after(start, i, lists)
	}
	for range size {
		newest := -1
		for i, list := range lists {
			if left[i] > 0 && (newest < 0 || o.compare(list[left[i]-1], lists[newest][left[newest]-1]) > 0) {
				newest = i
			}
		}
		left[newest]--
		page = append(page, *lists[newest][left[newest]])
	}
	return page, total
}

// after returns how many rows of lists[i] are not among the newest n rows of all lists.
func (o *byDay[T]) after(n, i int, lists [][]*T) int {
	if len(lists) == 1 {
		return max(0, len(lists[0])-n)
	}
	// before counts the rows of all lists that precede a row of lists[i]. Equal rows are in the
	// order of their lists.
	before := func(row *T) (count int) {
		for k, list := range lists {
			count += len(list) - sort.Search(len(list), func(m int) bool {
				c := o.compare(list[m], row)
				return c > 0 || (c == 0 && k < i)
			})
		}
		return count
	}
	list := lists[i]
	return sort.Search(len(list), func(m int) bool { return before(list[m]) < n })
}

// PageOf returns a page of the transactions of ledgers, newest first and by id within a day, and
// the number of transactions on all pages. The page is never nil.
func PageOf(s Span, ledgers ...*Ledger) (page []moneykit.Transaction, total int) {
	lists := make([][]*moneykit.Transaction, 0, len(ledgers))
	for _, g := range ledgers {
		g.build()
		for _, o := range []*byDay[moneykit.Transaction]{&g.order, g.waiting} {
			if rows := only(o.between(s), s, func(t *moneykit.Transaction) string { return t.AccountID }); len(rows) > 0 {
				lists = append(lists, rows)
			}
		}
	}
	order := byDay[moneykit.Transaction]{dated: dated}
	return order.page(s, lists...)
}
