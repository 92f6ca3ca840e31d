package world

import (
	"cmp"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Job is a requested refresh that has not happened yet.
type Job struct {
	At       time.Time
	Products []moneykit.Product
}

// agenda contains the jobs of all links, the next one first, so that finding due jobs does not
// require a scan of all links. A job that was done early stays on the agenda until its time. The
// zero value must be filled before use.
type agenda struct {
	filled bool
	items  []item
}

// item is a job on an agenda.
type item struct {
	at   time.Time
	link *Link
}

// plan adds a job of a link to the agenda.
func (w *World) plan(l *Link, job Job) {
	items := w.agenda.items
	i, _ := slices.BinarySearchFunc(items, job.At, func(it item, at time.Time) int {
		return cmp.Or(it.at.Compare(at), -1) // after those of the same time
	})
	w.agenda.items = slices.Insert(items, i, item{job.At, l})
}

// fill builds the agenda of a world that was loaded from JSON.
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

// CatchUp runs the due jobs of all links.
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

// NextDue returns when the next job for [World.CatchUp] is due, and false if there is none.
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

// take removes the first n items and returns them.
func (a *agenda) take(n int) []item {
	first := a.items[:n:n]
	a.items = a.items[n:]
	return first
}
