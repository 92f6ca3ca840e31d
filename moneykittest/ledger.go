package moneykittest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// ledger holds the transactions of a link, and what has happened to them.
type ledger struct {
	epoch   int     // cursors of earlier ones are refused
	events  []event // what happened to posted rows, oldest first
	posted  map[string]moneykit.Transaction
	used    map[string]bool // ids of posted rows, of removed ones too: none is used again
	pending []moneykit.Transaction
	version int // of pending
	made    int // ids that were made up
	fetches int
	begun   bool // the past is in it
	changes int  // how often there was something new to sync
}

// event is something that happened to a posted row.
type event struct {
	kind eventKind
	row  moneykit.Transaction // as it was after the event; for a removal only its id counts
}

type eventKind int

const (
	eventCreated eventKind = iota
	eventUpdated
	eventRemoved
)

// ledger returns the ledger of a link. The past comes into it with the first fetch, and is made
// up when somebody asks for it.
func (c *core) ledger(l *link) *ledger {
	if l.ledger == nil {
		l.ledger = newLedger()
	}
	p := l.products[moneykit.ProductTransactions]
	if !l.ledger.begun && p != nil && !p.refreshed.IsZero() {
		l.ledger.begun = true
		c.begin(l, p.refreshed)
	}
	return l.ledger
}

func newLedger() *ledger {
	return &ledger{posted: map[string]moneykit.Transaction{}, used: map[string]bool{}}
}

func (g *ledger) create(row moneykit.Transaction) {
	g.changes++
	row.Pending = false
	g.posted[row.ID] = row
	g.used[row.ID] = true
	g.events = append(g.events, event{eventCreated, row})
}

func (g *ledger) update(row moneykit.Transaction) {
	g.changes++
	g.posted[row.ID] = row
	g.events = append(g.events, event{eventUpdated, row})
}

func (g *ledger) remove(id string) {
	g.changes++
	delete(g.posted, id)
	g.events = append(g.events, event{eventRemoved, moneykit.Transaction{ID: id}})
}

// forget begins a new epoch with the rows that there are.
func (g *ledger) forget() {
	g.epoch++
	g.events = nil
	for _, id := range slices.Sorted(maps.Keys(g.posted)) {
		g.events = append(g.events, event{eventCreated, g.posted[id]})
	}
}

// wait replaces the pending rows.
func (g *ledger) wait(rows []moneykit.Transaction) {
	if len(g.pending) > 0 || len(rows) > 0 {
		g.changes++
	}
	g.pending = rows
	g.version++
}

// all returns the rows, newest first, and of one day by id.
func (g *ledger) all() []moneykit.Transaction {
	rows := append([]moneykit.Transaction{}, g.pending...) // a list in an answer is never null
	for _, row := range g.posted {
		rows = append(rows, row)
	}
	sortNewest(rows)
	return rows
}

func sortNewest(rows []moneykit.Transaction) {
	slices.SortFunc(rows, func(a, b moneykit.Transaction) int {
		return cmp.Or(b.Date.Compare(a.Date), cmp.Compare(a.ID, b.ID))
	})
}

// syncCursor is how far somebody has read.
type syncCursor struct {
	Link  string `json:"link"`
	Epoch int    `json:"epoch"`
	Event int    `json:"event"` // the next one
	// Version is of the pending rows that were read last, and Row the next one of them.
	Version int `json:"version"`
	Row     int `json:"row"`
}

// resume returns the place that a cursor names, the beginning for "". It reports false for a
// cursor that is not one of this ledger as it is now.
func (g *ledger) resume(linkID, cursor string) (syncCursor, bool) {
	if cursor == "" {
		return syncCursor{Link: linkID, Epoch: g.epoch}, true
	}
	var at syncCursor
	if !readCursor(cursor, &at) || at.Link != linkID || at.Epoch != g.epoch ||
		at.Event < 0 || at.Event > len(g.events) || at.Version < 0 || at.Version > g.version ||
		at.Row < 0 || (at.Version == g.version && at.Row > len(g.pending)) {
		return at, false
	}
	return at, true
}

// read returns at most size changes from a place on, and the place after them.
func (g *ledger) read(at syncCursor, size int) (changes moneykit.TransactionChanges, next syncCursor, more bool) {
	changes = moneykit.TransactionChanges{
		Created: []moneykit.Transaction{}, Updated: []moneykit.Transaction{}, Removed: []string{},
	}
	end := min(at.Event+size, len(g.events))
	updated := map[string]int{}
	for _, e := range g.events[at.Event:end] {
		switch e.kind {
		case eventCreated:
			changes.Created = append(changes.Created, e.row)
		case eventUpdated:
			// The lists have no order, so that a row can be in this one only once.
			if i, ok := updated[e.row.ID]; ok {
				changes.Updated[i] = e.row
				continue
			}
			updated[e.row.ID] = len(changes.Updated)
			changes.Updated = append(changes.Updated, e.row)
		case eventRemoved:
			changes.Removed = append(changes.Removed, e.row.ID)
		}
	}
	size -= end - at.Event
	at.Event = end
	if end < len(g.events) {
		return changes, at, true
	}
	// Pending rows come when nothing else is left, and all of them again after each refresh.
	if at.Version != g.version {
		at.Version, at.Row = g.version, 0
	}
	n := min(size, len(g.pending)-at.Row)
	changes.Created = append(changes.Created, g.pending[at.Row:at.Row+n]...)
	at.Row += n
	return changes, at, at.Row < len(g.pending)
}

// touch notes that the product was fetched, later than ever before.
func (p *product) touch(now time.Time) {
	now = stamp(now).Time
	if last := stamp(p.refreshed).Time; !now.After(last) {
		now = last.Add(time.Microsecond)
	}
	p.refreshed, p.attempted, p.failure = now, now, ""
}

// transactionID returns an id that no other row has.
func (c *core) transactionID(l *link) string {
	for {
		l.ledger.made++
		id := "txn_" + base62(c.random(fmt.Sprintf("transaction %s %d", l.id, l.ledger.made)))
		if !l.ledger.used[id] {
			return id
		}
	}
}

// complete returns a row as a client will read it, with what is missing filled in, or what is
// wrong with it.
func (c *core) complete(l *link, row moneykit.Transaction, now time.Time) (moneykit.Transaction, error) {
	account := l.account(row.AccountID)
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
	row.Currency = cmp.Or(row.Currency, account.Balances.Currency, l.institution.currency())
	if row.Date.IsZero() {
		row.Date = moneykit.DateOf(now.UTC())
	}
	if row.ID == "" {
		row.ID = c.transactionID(l)
	}
	return copied(row)
}

// copied returns a transaction as it comes out of an answer. It shares nothing with the original.
func copied(row moneykit.Transaction) (moneykit.Transaction, error) {
	var out moneykit.Transaction
	data, err := json.Marshal(row)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out, err
}

// account returns an account of the link, nil if it has none with the id.
func (l *link) account(id string) *moneykit.Account {
	for i := range l.accounts {
		if l.accounts[i].ID == id {
			return &l.accounts[i]
		}
	}
	return nil
}

// everyday returns the account that most payments go through, nil if there are no accounts.
func (l *link) everyday() *moneykit.Account {
	for _, root := range []string{"depository.checking", "depository", "liability", ""} {
		for i := range l.accounts {
			if isKind(l.accounts[i].Type, root) && !l.accounts[i].Closed {
				return &l.accounts[i]
			}
		}
	}
	return nil
}
