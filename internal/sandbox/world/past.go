package world

import (
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Past contains the parameters of the made-up past of a link. Only the parameters are saved. If the
// rows are not in memory, they are made again from the parameters when they are read; see
// [World.keep].
type Past struct {
	Link       string        // id of the link
	First, End moneykit.Date // the first day, and the day after the last one
	Payers     [roles]Payer  // by role
	Enriched   bool
}

// Payer is an account that payments are made from or to. The zero Payer is no account.
type Payer struct{ Account, Currency string }

// begin adds the past of a link to its ledger.
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
	rows := make([]moneykit.Transaction, 0, 2*days) // an estimate
	for n := range days {
		rows = t.day(rows, p.First.AddDays(n))
	}
	t.w.nameRows(p.Link, rows, 0)
	return rows
}

// nameRows sets the ids of made-up rows of a link. others is the number of rows that were made up
// before.
func (w *World) nameRows(linkID string, rows []moneykit.Transaction, others int) {
	for i := range rows {
		rows[i].ID = w.madeUpID(linkID, others+i+1)
	}
}

// begin adds a past to an empty ledger.
func (g *Ledger) begin(past *Past, rows []moneykit.Transaction) {
	if len(rows) == 0 {
		return
	}
	g.Past, g.past, g.last = past, rows, nil
	g.Prior, g.Made, g.Changes = len(rows), len(rows), g.Changes+len(rows)
	g.world.keep(g)
}

// length returns the number of entries: one for each row of the past that precedes the log, plus
// the entries of the log.
func (g *Ledger) length() int { return g.Prior + len(g.Log) }

// raw returns the entry with an index. Row is nil if the entry is about a row of the past.
func (g *Ledger) raw(i int) Entry {
	if i < g.Prior {
		return Entry{Past: i}
	}
	return g.Log[i-g.Prior]
}

// entry returns the entry with an index, with its row.
func (g *Ledger) entry(i int) Entry {
	e := g.raw(i)
	if e.Row == nil {
		g.remember()
		e.Row = &g.past[e.Past]
	}
	return e
}

// remember makes the rows of the past again if they are not in memory.
func (g *Ledger) remember() {
	if g.Past == nil {
		return
	}
	if g.past == nil {
		g.past = g.world.tellerOf(g.Past, "past").past(g.Past)
	}
	g.world.keep(g)
}

// maxPast is the number of rows of pasts that are kept in memory.
const maxPast = 1 << 13

// keep records that the past of a ledger is in memory and was used last. If there are more than
// maxPast rows in memory, keep evicts the pasts of the least recently used ledgers, with their
// indexes.
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
