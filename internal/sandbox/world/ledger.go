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

// Ledger contains the transactions of a link and their history. The past and the log are the source
// of truth for posted rows. The indexes are derived from them on first use. Rows are shared between
// all of these and must not be modified: an update is a new row.
type Ledger struct {
	Epoch   int      // places of earlier epochs are refused
	Past    *Past    // nil if none was made up
	Prior   int      // number of rows of the past that precede the log
	Log     []Entry  // changes to posted rows, oldest first
	Gone    []string // ids of rows that were removed in earlier epochs, which are never used again
	Pending []moneykit.Transaction
	Version int // counts the changes of Pending
	Made    int // number of made-up ids
	Fetches int
	Begun   bool // the past has been added
	Changes int  // number of changes to sync so far

	world *World                 // nil before World.Ledger
	past  []moneykit.Transaction // nil if its rows are not in memory
	last  map[string]int32       // index of the last entry by transaction id, or gone; nil before build
	order byDay[moneykit.Transaction]
	// waiting contains the pending rows. It is nil before build.
	waiting *byDay[moneykit.Transaction]
}

// gone is the index of rows that were removed in an earlier epoch.
const gone = -1

// Entry is a change to a posted row.
type Entry struct {
	Row  *moneykit.Transaction // the row after the change; only the id of a removed row is used
	Past int                   // index of the row in the past, if Row is nil
	Kind EntryKind
}

// EntryKind is a kind of change.
type EntryKind uint8

// The kinds of changes.
const (
	EntryCreated EntryKind = iota
	EntryUpdated
	EntryRemoved
	EntrySettled // a pending row was posted and keeps its id
)

// Ledger returns the ledger of a link. If transactions have been fetched and the past is not in the
// ledger yet, Ledger makes up the past.
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

// posted returns the posted row with an id, or nil.
func (g *Ledger) posted(id string) *moneykit.Transaction {
	g.build()
	if i, ok := g.last[id]; ok && i != gone {
		if e := g.entry(int(i)); e.Kind != EntryRemoved {
			return e.Row
		}
	}
	return nil
}

// used reports whether a posted or removed row has the id.
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

// forget begins a new epoch: it replaces the log by one that creates the current rows.
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

// All returns all rows, newest first, and by id within a day. The list is never nil.
func (g *Ledger) All() []moneykit.Transaction {
	page, _ := PageOf(Span{Page: 1, Size: math.MaxInt}, g)
	return page
}

// Place is the position of a reader in a [Ledger].
type Place struct {
	Link  string `json:"link"`
	Epoch int    `json:"epoch"`
	Event int    `json:"event"` // index of the next entry
	// Version is the Version of the pending rows that were read last, and Row is the index of the
	// next one.
	Version int `json:"version"`
	Row     int `json:"row"`
}

// Has reports whether a place is valid in this ledger. linkID is the link of the ledger.
func (g *Ledger) Has(linkID string, at Place) bool {
	return at.Link == linkID && at.Epoch == g.Epoch &&
		at.Event >= 0 && at.Event <= g.length() && at.Version >= 0 && at.Version <= g.Version &&
		at.Row >= 0 && (at.Version != g.Version || at.Row <= len(g.Pending))
}

// Changes contains the changes to the transactions of a link between two places. The lists are
// never nil.
type Changes struct {
	Created []moneykit.Transaction
	Updated []moneykit.Transaction
	Removed []string
}

func (c *Changes) any() bool { return len(c.Created)+len(c.Updated)+len(c.Removed) > 0 }

// Read returns at most size changes after a place, the place after them, and whether there are
// more.
func (g *Ledger) Read(at Place, size int) (changes Changes, next Place, more bool) {
	changes = Changes{
		Created: []moneykit.Transaction{}, Updated: []moneykit.Transaction{}, Removed: []string{},
	}
	updated := map[string]int{}
	update := func(row moneykit.Transaction) {
		// The lists have no order, so a row can be in this one only once.
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
		// A reader that has not read any pending rows does not know this row yet. It gets the row
		// both as created and as updated. MoneyKit has been observed to do this.
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
	// Pending rows come after all entries of the log. After each refresh, all of them come again.
	if at.Version != g.Version {
		at.Version, at.Row = g.Version, 0
	}
	n := max(0, min(size, len(g.Pending)-at.Row))
	changes.Created = append(changes.Created, g.Pending[at.Row:at.Row+n]...)
	at.Row += n
	return changes, at, at.Row < len(g.Pending)
}

// transactionID returns a new, unique id.
func (w *World) transactionID(l *Link) string {
	for {
		l.Ledger.Made++
		if id := w.madeUpID(l.ID, l.Ledger.Made); !l.Ledger.used(id) {
			return id
		}
	}
}

// madeUpID returns the id of the nth made-up row of a link.
func (w *World) madeUpID(linkID string, n int) string {
	return "txn_" + base62(w.Random(fmt.Sprintf("transaction %s %d", linkID, n)))
}

// complete validates a row and returns it as a client reads it, with default values for missing
// fields.
func (w *World) complete(l *Link, row moneykit.Transaction, now time.Time) (moneykit.Transaction, error) {
	account := l.Account(row.AccountID)
	if row.AccountID == "" {
		account = l.everyday()
	}
	switch {
	case account == nil:
		return row, fmt.Errorf("the link has no account %q", row.AccountID)
	case row.Amount.Sign() < 0:
		return row, fmt.Errorf("the amount %s is negative: set Type to debit or credit instead", row.Amount)
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

// copied returns a transaction as a client reads it. The copy shares no memory with the original.
func copied(row moneykit.Transaction) (moneykit.Transaction, error) {
	var out moneykit.Transaction
	data, err := json.Marshal(row)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out, err
}
