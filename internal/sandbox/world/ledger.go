package world

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Ledger holds the transactions of a link and their history. The past and the log are the source of
// truth for posted rows; the indexes below are derived from them on first use. All share the rows,
// which must not be changed: an update is a new row.
type Ledger struct {
	Epoch   int      // places of earlier ones are refused
	Past    *Past    // nil if none was made up
	Prior   int      // how many rows of the past were created before the log
	Log     []Entry  // what happened to posted rows, oldest first
	Gone    []string // ids of rows that were removed in earlier epochs, which are never used again
	Pending []moneykit.Transaction
	Version int // of Pending
	Made    int // ids that were made up
	Fetches int
	Begun   bool // the past is in it
	Changes int  // how often there was something new to sync

	world *World                 // nil before World.Ledger
	past  []moneykit.Transaction // nil if its rows have to be made again
	last  map[string]int32       // number of the last entry for each id, or gone; nil before build
	order byDay[moneykit.Transaction]
	// waiting has the pending rows; nil before build.
	waiting *byDay[moneykit.Transaction]
}

// gone is the index of rows that were removed in an earlier epoch.
const gone = -1

// Entry is something that happened to a posted row.
type Entry struct {
	Row  *moneykit.Transaction // as it was afterwards; of a removed row only the id counts
	Past int                   // which row of the past it is, if Row is nil
	Kind EntryKind
}

// EntryKind says what happened to a row.
type EntryKind uint8

// The kinds.
const (
	EntryCreated EntryKind = iota
	EntryUpdated
	EntryRemoved
	EntrySettled // it was pending, and keeps its id
)

// Ledger returns the ledger of a link. The past comes into it with the first fetch, and is made
// up when somebody asks for it.
func (w *World) Ledger(l *Link) *Ledger {
	if l.Ledger == nil {
		w.Touch(l)
		l.Ledger = &Ledger{}
	}
	l.Ledger.world = w
	p := l.Products[moneykit.ProductTransactions]
	if !l.Ledger.Begun && p != nil && !p.Refreshed.IsZero() {
		w.Touch(l)
		l.Ledger.Begun = true
		w.begin(l, p.Refreshed)
	}
	return l.Ledger
}

// build derives the indexes if there are none.
func (g *Ledger) build() {
	g.remember()
	if g.waiting == nil {
		g.waiting = &byDay[moneykit.Transaction]{dated: dated}
		var rows []*moneykit.Transaction
		for i := range g.Pending {
			rows = append(rows, &g.Pending[i])
		}
		g.waiting.insert(rows...)
	}
	if g.last != nil {
		return
	}
	g.last = make(map[string]int32, g.length()+len(g.Gone))
	for _, id := range g.Gone {
		g.last[id] = gone
	}
	for i := range g.length() {
		g.last[g.entry(i).Row.ID] = int32(i)
	}
	var rows []*moneykit.Transaction
	for i := range g.length() {
		if e := g.entry(i); e.Kind != EntryRemoved && int(g.last[e.Row.ID]) == i {
			rows = append(rows, e.Row)
		}
	}
	g.order = byDay[moneykit.Transaction]{dated: dated}
	g.order.insert(rows...)
}

// dated returns the day and the id of a transaction, by which transactions are sorted.
func dated(t *moneykit.Transaction) (moneykit.Date, string) { return t.Date, t.ID }

// posted returns a posted row, nil if there is none with the id.
func (g *Ledger) posted(id string) *moneykit.Transaction {
	g.build()
	if i, ok := g.last[id]; ok && i != gone {
		if e := g.entry(int(i)); e.Kind != EntryRemoved {
			return e.Row
		}
	}
	return nil
}

// used reports whether an id is of a posted row, or of a removed one.
func (g *Ledger) used(id string) bool {
	g.build()
	_, ok := g.last[id]
	return ok
}

// post appends entries to the log. Created and settled rows must have new ids.
func (g *Ledger) post(kind EntryKind, rows ...*moneykit.Transaction) {
	g.build()
	g.Changes += len(rows)
	g.Log = slices.Grow(g.Log, len(rows))
	for _, row := range rows {
		if old := g.posted(row.ID); old != nil {
			g.order.remove(old)
		}
		g.last[row.ID] = int32(g.length()) //nolint:gosec // a log does not get that long
		g.Log = append(g.Log, Entry{Row: row, Kind: kind})
	}
	if kind != EntryRemoved {
		g.order.insert(rows...)
	}
}

// forget begins a new epoch with the rows that there are.
func (g *Ledger) forget() {
	g.build()
	var log []Entry
	for _, id := range slices.Sorted(maps.Keys(g.last)) {
		if g.posted(id) != nil {
			e := g.raw(int(g.last[id]))
			e.Kind = EntryCreated
			log = append(log, e)
		} else if g.last[id] != gone {
			g.Gone = append(g.Gone, id)
		}
	}
	g.Epoch++
	g.Prior, g.Log, g.last = 0, log, nil
}

// wait replaces the pending rows.
func (g *Ledger) wait(rows []moneykit.Transaction) {
	if len(g.Pending) > 0 || len(rows) > 0 {
		g.Changes++
	}
	g.Pending, g.waiting = rows, nil
	g.Version++
}

// All returns the rows, newest first, and of one day by id. The list is never nil.
func (g *Ledger) All() []moneykit.Transaction {
	page, _ := PageOf(Span{Page: 1, Size: math.MaxInt}, g)
	return page
}

// Place is how far somebody has read in a [Ledger].
type Place struct {
	Link  string `json:"link"`
	Epoch int    `json:"epoch"`
	Event int    `json:"event"` // the next one of the log
	// Version is of the pending rows that were read last, and Row the next one of them.
	Version int `json:"version"`
	Row     int `json:"row"`
}

// Has reports whether a place is valid in this ledger, which is the ledger of the link.
func (g *Ledger) Has(linkID string, at Place) bool {
	return at.Link == linkID && at.Epoch == g.Epoch &&
		at.Event >= 0 && at.Event <= g.length() && at.Version >= 0 && at.Version <= g.Version &&
		at.Row >= 0 && (at.Version != g.Version || at.Row <= len(g.Pending))
}

// Changes is what has happened to the transactions of a link between two places. The lists are
// never nil.
type Changes struct {
	Created []moneykit.Transaction
	Updated []moneykit.Transaction
	Removed []string
}

func (c *Changes) any() bool { return len(c.Created)+len(c.Updated)+len(c.Removed) > 0 }

// Read returns at most size changes from a place on, and the place after them.
func (g *Ledger) Read(at Place, size int) (changes Changes, next Place, more bool) {
	changes = Changes{
		Created: []moneykit.Transaction{}, Updated: []moneykit.Transaction{}, Removed: []string{},
	}
	updated := map[string]int{}
	update := func(row moneykit.Transaction) {
		// The lists have no order, so that a row can be in this one only once.
		i, ok := updated[row.ID]
		if !ok {
			i = len(changes.Updated)
			updated[row.ID] = i
			changes.Updated = append(changes.Updated, row)
		}
		changes.Updated[i] = row
	}
	for ; at.Event < g.length(); at.Event++ {
		e := g.entry(at.Event)
		// A reader that has not read any pending rows does not know this one yet. It gets the row
		// as created and as updated, as MoneyKit has been seen to do.
		unread := e.Kind == EntrySettled && at.Version == 0
		cost := 1
		if unread {
			cost = 2
		}
		if size < cost && (size <= 0 || changes.any()) {
			return changes, at, true
		}
		size -= cost
		switch e.Kind {
		case EntryCreated:
			changes.Created = append(changes.Created, *e.Row)
		case EntryUpdated:
			update(*e.Row)
		case EntryRemoved:
			changes.Removed = append(changes.Removed, e.Row.ID)
		case EntrySettled:
			if unread {
				row := *e.Row
				row.Pending = true
				changes.Created = append(changes.Created, row)
			}
			update(*e.Row)
		}
	}
	// Pending rows come when nothing else is left, and all of them again after each refresh.
	if at.Version != g.Version {
		at.Version, at.Row = g.Version, 0
	}
	n := max(0, min(size, len(g.Pending)-at.Row))
	changes.Created = append(changes.Created, g.Pending[at.Row:at.Row+n]...)
	at.Row += n
	return changes, at, at.Row < len(g.Pending)
}

// transactionID returns an id that no other row has.
func (w *World) transactionID(l *Link) string {
	for {
		l.Ledger.Made++
		if id := w.madeUpID(l.ID, l.Ledger.Made); !l.Ledger.used(id) {
			return id
		}
	}
}

// madeUpID returns the id of the nth row that is made up for a link.
func (w *World) madeUpID(linkID string, n int) string {
	return "txn_" + base62(w.Random(fmt.Sprintf("transaction %s %d", linkID, n)))
}

// complete returns a row as a client will read it, with what is missing filled in, or what is
// wrong with it.
func (w *World) complete(l *Link, row moneykit.Transaction, now time.Time) (moneykit.Transaction, error) {
	account := l.Account(row.AccountID)
	if row.AccountID == "" {
		account = l.everyday()
	}
	switch {
	case account == nil:
		return row, fmt.Errorf("the link has no account %q", row.AccountID)
	case row.Amount.Sign() < 0:
		return row, fmt.Errorf("the amount %s is negative; Type says which way money goes", row.Amount)
	}
	row.AccountID = account.ID
	row.Type = cmp.Or(row.Type, moneykit.TransactionTypeDebit)
	row.Currency = cmp.Or(row.Currency, account.Balances.Currency, l.Institution.Currency())
	if row.Date.IsZero() {
		row.Date = moneykit.DateOf(now.UTC())
	}
	if row.ID == "" {
		row.ID = w.transactionID(l)
	}
	return copied(row)
}

// copied returns a transaction as a client reads it. It shares nothing with the original.
func copied(row moneykit.Transaction) (moneykit.Transaction, error) {
	var out moneykit.Transaction
	data, err := json.Marshal(row)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out, err
}
