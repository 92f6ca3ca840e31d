package world

import (
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Past is what the made-up past of a link follows from. Only this is kept of a past. Its rows are
// made again when somebody reads them and they are no longer in memory; see [World.keep].
type Past struct {
	Link       string        // its id
	First, End moneykit.Date // the days, without End
	Payers     [roles]Payer  // by role
	Enriched   bool
}

// Payer is an account that payments come from, or go to. The zero Payer is none.
type Payer struct{ Account, Currency string }

// begin puts the past of a link into its ledger.
func (w *World) begin(l *Link, now time.Time) {
	if w.History <= 0 {
		return
	}
	t := w.teller(l, "past")
	past := &Past{
		Link: l.ID, First: moneykit.DateOf(now.UTC().Add(-w.History)), End: moneykit.DateOf(now.UTC()),
		Payers: t.payers, Enriched: t.enriched,
	}
	g := l.Ledger
	g.begin(past, t.past(past))
	pending := t.waiting(past.End, 2)
	w.nameRows(l.ID, pending, g.Made)
	g.Made += len(pending)
	g.wait(pending)
}

// past makes the rows of a past, oldest first.
func (t *teller) past(p *Past) []moneykit.Transaction {
	days := int(p.End.Time(time.UTC).Sub(p.First.Time(time.UTC)).Hours() / 24)
	rows := make([]moneykit.Transaction, 0, 2*days) // about as many as there will be
	for n := range days {
		rows = t.day(rows, p.First.AddDays(n))
	}
	t.w.nameRows(p.Link, rows, 0)
	return rows
}

// nameRows gives ids to rows that are made up for a link after a number of others.
func (w *World) nameRows(linkID string, rows []moneykit.Transaction, others int) {
	for i := range rows {
		rows[i].ID = w.madeUpID(linkID, others+i+1)
	}
}

// begin puts a past into a ledger that has no rows.
func (g *Ledger) begin(past *Past, rows []moneykit.Transaction) {
	if len(rows) == 0 {
		return
	}
	g.Past, g.past, g.last = past, rows, nil
	g.Prior, g.Made, g.Changes = len(rows), len(rows), g.Changes+len(rows)
	g.world.keep(g)
}

// length returns the number of entries: one for each row of the past that precedes the log, and
// those of the log.
func (g *Ledger) length() int { return g.Prior + len(g.Log) }

// raw returns an entry as it is in the log, or would be.
func (g *Ledger) raw(i int) Entry {
	if i < g.Prior {
		return Entry{Past: i}
	}
	return g.Log[i-g.Prior]
}

// entry returns an entry with its row.
func (g *Ledger) entry(i int) Entry {
	e := g.raw(i)
	if e.Row == nil {
		g.remember()
		e.Row = &g.past[e.Past]
	}
	return e
}

// remember makes the rows of the past if they are not in memory.
func (g *Ledger) remember() {
	if g.Past == nil {
		return
	}
	if g.past == nil {
		g.past = g.world.tellerOf(g.Past, "past").past(g.Past)
	}
	g.world.keep(g)
}

// maxPast is how many rows of pasts are kept in memory.
const maxPast = 1 << 13

// keep notes that the past of a ledger is in memory and was used last. If there are too many rows
// of pasts then, the ledgers that were not used for longest lose theirs, and the indexes of them.
func (w *World) keep(g *Ledger) {
	if n := len(w.recent); n > 0 && w.recent[n-1] == g {
		return
	}
	if i := slices.Index(w.recent, g); i >= 0 {
		w.recent = slices.Delete(w.recent, i, i+1)
	} else {
		w.pasts += len(g.past)
	}
	w.recent = append(w.recent, g)
	for w.pasts > maxPast && len(w.recent) > 1 {
		oldest := w.recent[0]
		w.recent = slices.Delete(w.recent, 0, 1)
		w.pasts -= len(oldest.past)
		oldest.past, oldest.last, oldest.order = nil, nil, byDay[moneykit.Transaction]{}
	}
}
