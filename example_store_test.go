package moneykit_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"sync"

	"github.com/moneykit/moneykit-go"
)

// copyStore keeps copies of transactions in memory. A database does the same in one transaction,
// in which it locks the row of the position.
type copyStore struct {
	mu    sync.Mutex
	links map[string]linkCopy
}

type linkCopy struct {
	position moneykit.SyncPosition
	rows     map[string]copiedRow
}

type copiedRow struct {
	moneykit.Transaction

	generation int64
}

func (s *copyStore) LoadPosition(_ context.Context, linkID string) (moneykit.SyncPosition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[linkID].position, nil
}

func (s *copyStore) ApplyUpdate(ctx context.Context, update *moneykit.SyncUpdate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	link := s.links[update.LinkID]
	// Without this line a process that stalled would overwrite what another one has stored since.
	if !link.position.Equal(update.Previous) {
		return moneykit.ErrSyncConflict
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if link.rows == nil {
		link.rows = map[string]copiedRow{}
	}
	if update.DropPending {
		maps.DeleteFunc(link.rows, func(_ string, row copiedRow) bool { return row.Pending })
	}
	for _, tx := range update.Upsert {
		link.rows[tx.ID] = copiedRow{tx, update.Position.Generation}
	}
	for _, id := range update.Remove {
		delete(link.rows, id)
	}
	if update.DropOlder {
		maps.DeleteFunc(link.rows, func(_ string, row copiedRow) bool { return row.generation < update.Position.Generation })
	}
	link.position = update.Position
	s.links[update.LinkID] = link
	return nil
}

func ExampleTransactionStore() {
	ctx := context.Background()
	store := &copyStore{links: map[string]linkCopy{}}

	// Two processes load the same position, and both fetch the first page of changes.
	position, err := store.LoadPosition(ctx, "mk_1")
	if err != nil {
		log.Fatal(err)
	}
	update := moneykit.SyncUpdate{
		LinkID:   "mk_1",
		Previous: position,
		Upsert:   []moneykit.Transaction{{ID: "txn_1"}},
		Position: moneykit.SyncPosition{Cursor: "page_2"},
	}
	fmt.Println(store.ApplyUpdate(ctx, &update))
	// SyncTransactions loads the position again after this error, and continues from there.
	fmt.Println(errors.Is(store.ApplyUpdate(ctx, &update), moneykit.ErrSyncConflict))
	// Output:
	// <nil>
	// true
}
