package world

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Ledger holds the transactions of a link, and what has happened to them.
type Ledger struct {
	Epoch   int     // places of earlier ones are refused
	Log     []Entry // what happened to posted rows, oldest first
	Posted  map[string]moneykit.Transaction
	Used    map[string]bool // ids of posted rows, of removed ones too: none is used again
	Pending []moneykit.Transaction
	Version int // of Pending
	Made    int // ids that were made up
	Fetches int
	Begun   bool // the past is in it
	Changes int  // how often there was something new to sync
}

// Entry is something that happened to a posted row.
type Entry struct {
	Kind EntryKind
	Row  moneykit.Transaction // as it was afterwards; of a removed row only the id counts
}

// EntryKind says what happened to a row.
type EntryKind string

// The kinds.
const (
	EntryCreated EntryKind = "created"
	EntryUpdated EntryKind = "updated"
	EntryRemoved EntryKind = "removed"
)

// Ledger returns the ledger of a link. The past comes into it with the first fetch, and is made
// up when somebody asks for it.
func (w *World) Ledger(l *Link) *Ledger {
	if l.Ledger == nil {
		l.Ledger = newLedger()
	}
	p := l.Products[moneykit.ProductTransactions]
	if !l.Ledger.Begun && p != nil && !p.Refreshed.IsZero() {
		l.Ledger.Begun = true
		w.begin(l, p.Refreshed)
	}
	return l.Ledger
}

func newLedger() *Ledger {
	return &Ledger{Posted: map[string]moneykit.Transaction{}, Used: map[string]bool{}}
}

func (g *Ledger) create(row moneykit.Transaction) {
	g.Changes++
	row.Pending = false
	g.Posted[row.ID] = row
	g.Used[row.ID] = true
	g.Log = append(g.Log, Entry{EntryCreated, row})
}

func (g *Ledger) update(row moneykit.Transaction) {
	g.Changes++
	g.Posted[row.ID] = row
	g.Log = append(g.Log, Entry{EntryUpdated, row})
}

func (g *Ledger) remove(id string) {
	g.Changes++
	delete(g.Posted, id)
	g.Log = append(g.Log, Entry{EntryRemoved, moneykit.Transaction{ID: id}})
}

// forget begins a new epoch with the rows that there are.
func (g *Ledger) forget() {
	g.Epoch++
	g.Log = nil
	for _, id := range slices.Sorted(maps.Keys(g.Posted)) {
		g.Log = append(g.Log, Entry{EntryCreated, g.Posted[id]})
	}
}

// wait replaces the pending rows.
func (g *Ledger) wait(rows []moneykit.Transaction) {
	if len(g.Pending) > 0 || len(rows) > 0 {
		g.Changes++
	}
	g.Pending = rows
	g.Version++
}

// All returns the rows, newest first, and of one day by id. The list is never nil.
func (g *Ledger) All() []moneykit.Transaction {
	rows := append([]moneykit.Transaction{}, g.Pending...)
	for _, row := range g.Posted {
		rows = append(rows, row)
	}
	SortNewest(rows)
	return rows
}

// SortNewest sorts rows as [Ledger.All] does.
func SortNewest(rows []moneykit.Transaction) {
	slices.SortFunc(rows, func(a, b moneykit.Transaction) int {
		return cmp.Or(b.Date.Compare(a.Date), cmp.Compare(a.ID, b.ID))
	})
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
		at.Event >= 0 && at.Event <= len(g.Log) && at.Version >= 0 && at.Version <= g.Version &&
		at.Row >= 0 && (at.Version != g.Version || at.Row <= len(g.Pending))
}

// Changes is what has happened to the transactions of a link between two places. The lists are
// never nil.
type Changes struct {
	Created []moneykit.Transaction
	Updated []moneykit.Transaction
	Removed []string
}

// Read returns at most size changes from a place on, and the place after them.
func (g *Ledger) Read(at Place, size int) (changes Changes, next Place, more bool) {
	changes = Changes{
		Created: []moneykit.Transaction{}, Updated: []moneykit.Transaction{}, Removed: []string{},
	}
	end := min(at.Event+size, len(g.Log))
	updated := map[string]int{}
	for _, e := range g.Log[at.Event:end] {
		switch e.Kind {
		case EntryCreated:
			changes.Created = append(changes.Created, e.Row)
		case EntryUpdated:
			// The lists have no order, so that a row can be in this one only once.
			if i, ok := updated[e.Row.ID]; ok {
				changes.Updated[i] = e.Row
				continue
			}
			updated[e.Row.ID] = len(changes.Updated)
			changes.Updated = append(changes.Updated, e.Row)
		case EntryRemoved:
			changes.Removed = append(changes.Removed, e.Row.ID)
		}
	}
	size -= end - at.Event
	at.Event = end
	if end < len(g.Log) {
		return changes, at, true
	}
	// Pending rows come when nothing else is left, and all of them again after each refresh.
	if at.Version != g.Version {
		at.Version, at.Row = g.Version, 0
	}
	n := min(size, len(g.Pending)-at.Row)
	changes.Created = append(changes.Created, g.Pending[at.Row:at.Row+n]...)
	at.Row += n
	return changes, at, at.Row < len(g.Pending)
}

// transactionID returns an id that no other row has.
func (w *World) transactionID(l *Link) string {
	for {
		l.Ledger.Made++
		id := "txn_" + base62(w.Random(fmt.Sprintf("transaction %s %d", l.ID, l.Ledger.Made)))
		if !l.Ledger.Used[id] {
			return id
		}
	}
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
