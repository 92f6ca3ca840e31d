package moneykittest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/moneykit/moneykit-go"
)

// MemoryStore is a [moneykit.TransactionStore] in memory. The zero value is an empty store. It is
// safe for concurrent use.
type MemoryStore struct {
	mu    sync.Mutex
	links map[string]*storedLink
}

// storedLink is the copy of one link.
type storedLink struct {
	position moneykit.SyncPosition
	rows     map[string]storedRow
}

type storedRow struct {
	transaction moneykit.Transaction
	generation  int64
}

// LoadPosition returns the position of a link's copy.
func (m *MemoryStore) LoadPosition(_ context.Context, linkID string) (moneykit.SyncPosition, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if link := m.links[linkID]; link != nil {
		return link.position, nil
	}
	return moneykit.SyncPosition{}, nil
}

// ApplyUpdate changes a link's copy, if the copy has the position that the update continues.
// Otherwise it returns [moneykit.ErrSyncConflict].
func (m *MemoryStore) ApplyUpdate(ctx context.Context, update *moneykit.SyncUpdate) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	link := m.links[update.LinkID]
	var position moneykit.SyncPosition
	if link != nil {
		position = link.position
	}
	if !position.Equal(update.Previous) {
		return moneykit.ErrSyncConflict
	}
	if link == nil {
		link = &storedLink{rows: map[string]storedRow{}}
		if m.links == nil {
			m.links = map[string]*storedLink{}
		}
		m.links[update.LinkID] = link
	}
	if update.DropPending {
		link.drop(func(r storedRow) bool { return r.transaction.Pending })
	}
	for _, t := range update.Upsert {
		link.rows[t.ID] = storedRow{t, update.Position.Generation}
	}
	for _, id := range update.Remove {
		delete(link.rows, id)
	}
	if update.DropOlder {
		link.drop(func(r storedRow) bool { return r.generation < update.Position.Generation })
	}
	link.position = update.Position
	return nil
}

func (l *storedLink) drop(which func(storedRow) bool) {
	for id, row := range l.rows {
		if which(row) {
			delete(l.rows, id)
		}
	}
}

// Transactions returns the stored transactions of a link, ordered by ID.
func (m *MemoryStore) Transactions(linkID string) []moneykit.Transaction {
	m.mu.Lock()
	defer m.mu.Unlock()
	link := m.links[linkID]
	if link == nil {
		return nil
	}
	rows := make([]moneykit.Transaction, 0, len(link.rows))
	for _, row := range link.rows {
		rows = append(rows, row.transaction)
	}
	slices.SortFunc(rows, func(a, b moneykit.Transaction) int { return cmp.Compare(a.ID, b.ID) })
	return rows
}
