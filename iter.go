package moneykit

import (
	"cmp"
	"errors"
	"iter"
	"slices"
)

// maxPage is the page size that the iterators ask for: few requests, and a page is still small.
const maxPage = 1000

// page is a part of a list, and where the next one begins.
type page[T any, P comparable] struct {
	items []T
	next  P
	more  bool
}

// iterate yields the items of a list page by page, from the page at start. It holds one page at a
// time, ends with the first error, and refuses to read a page twice.
func iterate[T any, P comparable](start P, fetch func(P) (page[T, P], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		seen := map[P]bool{start: true}
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
			if seen[p.next] {
				var none T
				yield(none, onPage(n, errStuck))
				return
			}
			seen[p.next] = true
			at = p.next
		}
	}
}

// errStuck would let a loop go round for ever.
var errStuck = &Error{Operation: "reading a list", Message: "the answer leads back to a page that was read before"}

// onPage names the page that err happened on.
func onPage(n int, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	on := *e
	on.page = n
	return &on
}

// numbered yields the items of a list whose pages have numbers. MoneyKit says how many items there
// are; where it does not, a page that is not full is the last.
func numbered[T any](first, size int, id func(*T) string, list func(number, size int) (items []T, total int, err error)) iter.Seq2[T, error] {
	first, size = cmp.Or(first, 1), orMax(size)
	return func(yield func(T, error) bool) {
		read := (first - 1) * size
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
				return page[T, int]{}, errStuck
			}
			before, beforeTotal = ids, total
			read += len(items)
			more := len(items) >= size
			if total > 0 {
				more = read < total
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
