package moneykit

import (
	"cmp"
	"errors"
	"iter"
	"math"
	"slices"
)

// maxPage is the page size that the iterators request by default. It is a compromise between few
// requests and small pages.
const maxPage = 1000

// page is a page of a list, and the position of the next page.
type page[T any, P comparable] struct {
	items []T
	next  P
	more  bool
}

// iterate yields the items of a list page by page, from the page at start. It keeps one page in
// memory, ends with the first error, and returns an error if a list leads back to an earlier page.
func iterate[T any, P comparable](start P, fetch func(P) (page[T, P], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		guard := newGuard(start)
		at := start
		for n := 1; ; n++ {
			p, err := fetch(at)
			if err != nil {
				var none T
				yield(none, onPage(n, err))
				return
			}
			for _, item := range p.items {
				if !yield(item, nil) {
					return
				}
			}
			if !p.more {
				return
			}
			if guard.repeats(p.next) {
				var none T
				yield(none, onPage(n, stuck()))
				return
			}
			at = p.next
		}
	}
}

// stuck returns the error of a list that would never end.
func stuck() *Error {
	return &Error{Operation: "reading a list", why: "the response leads back to a page that was read before"}
}

// guard detects a list whose pages repeat in a cycle, with bounded memory. It remembers the first
// positions of a list, and one later position, which it replaces by the current one after 2, 4, 8,
// … steps (Brent's algorithm).
type guard[P comparable] struct {
	first map[P]bool
	later P
	steps int // since later was replaced
	moves int // number of steps after which later is replaced
}

// maxFirst is how many first positions a guard remembers.
const maxFirst = 1000

func newGuard[P comparable](start P) *guard[P] {
	return &guard[P]{first: map[P]bool{start: true}, later: start, moves: 2}
}

// repeats reports whether the position at was visited before, and records the visit.
func (g *guard[P]) repeats(at P) bool {
	if at == g.later || g.first[at] {
		return true
	}
	if len(g.first) < maxFirst {
		g.first[at] = true
	}
	if g.steps++; g.steps == g.moves {
		g.later, g.steps, g.moves = at, 0, 2*g.moves
	}
	return false
}

// onPage returns err with the number of the page that it happened on.
func onPage(n int, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	on := *e
	on.page = n
	return &on
}

// numbered yields the items of a list whose pages have numbers. The list ends after the total that
// MoneyKit reports. If MoneyKit reports none, the list ends with the first page that is not full.
func numbered[T any](first, size int, id func(*T) string, list func(number, size int) (items []T, total int, err error)) iter.Seq2[T, error] {
	first, size = cmp.Or(first, 1), orMax(size)
	return func(yield func(T, error) bool) {
		read := math.MaxInt // number of items before the current page
		if first-1 <= math.MaxInt/size-1 {
			read = (first - 1) * size
		}
		var before []string // the ids of the last page
		beforeTotal := 0
		pages := iterate(first, func(number int) (page[T, int], error) {
			items, total, err := list(number, size)
			if err != nil {
				return page[T, int]{}, err
			}
			if len(items) == 0 {
				return page[T, int]{}, nil
			}
			ids := make([]string, len(items))
			for i := range items {
				ids[i] = id(&items[i])
			}
			if total == beforeTotal && slices.Equal(ids, before) {
				return page[T, int]{}, stuck()
			}
			before, beforeTotal = ids, total
			more := len(items) >= size
			if total > 0 {
				more = read < total-len(items)
			}
			read += min(len(items), math.MaxInt-read)
			if number == math.MaxInt {
				return page[T, int]{}, stuck()
			}
			return page[T, int]{items: items, next: number + 1, more: more}, nil
		})
		for item, err := range pages {
			if !yield(item, err) {
				return
			}
		}
	}
}

func orMax(size int) int {
	if size == 0 {
		return maxPage
	}
	return size
}
