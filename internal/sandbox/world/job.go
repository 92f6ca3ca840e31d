package world

import (
	"cmp"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Job is a refresh that was asked for and is yet to happen.
type Job struct {
	At       time.Time
	Products []moneykit.Product
}

// agenda has the jobs of all links, the next one first, so that nobody has to look at all links.
// Jobs that are done already stay until their time. The zero value has to be filled.
type agenda struct {
	filled bool
	items  []item
}

// item is a job on an agenda.
type item struct {
	at   time.Time
	link *Link
}

// plan puts a job of a link on the agenda.
func (w *World) plan(l *Link, job Job) {
	items := w.agenda.items
	i, _ := slices.BinarySearchFunc(items, job.At, func(it item, at time.Time) int {
		return cmp.Or(it.at.Compare(at), -1) // after those of the same time
	})
	w.agenda.items = slices.Insert(items, i, item{job.At, l})
}

// fill fills the agenda of a world that was read.
func (w *World) fill() {
	if w.agenda.filled {
		return
	}
	w.agenda = agenda{filled: true}
	for _, id := range w.Order {
		for _, job := range w.Links[id].Jobs {
			w.plan(w.Links[id], job)
		}
	}
}

// CatchUp does what is due for all links, such as refreshes that were asked for.
func (w *World) CatchUp(now time.Time) {
	w.fill()
	n := 0
	for n < len(w.agenda.items) && !w.agenda.items[n].at.After(now) {
		n++
	}
	due := w.agenda.take(n)
	slices.SortFunc(due, func(a, b item) int { return cmp.Compare(a.link.Number, b.link.Number) })
	for _, it := range due {
		w.work(it.link, now)
	}
}

// NextDue returns when [World.CatchUp] will have something to do, and false if it will not.
func (w *World) NextDue() (time.Time, bool) {
	w.fill()
	for i, it := range w.agenda.items {
		if l := it.link; l.State != moneykit.LinkStateDeleted && len(l.Jobs) > 0 && l.Jobs[0].At.Equal(it.at) {
			w.agenda.take(i)
			return it.at, true
		}
	}
	w.agenda.take(len(w.agenda.items))
	return time.Time{}, false
}

// take removes the first items.
func (a *agenda) take(n int) []item {
	first := a.items[:n:n]
	a.items = a.items[n:]
	return first
}
