package moneykit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// SyncPosition is how far a copy of a link's transactions has got. The zero value is a copy that
// has yet to begin. Store it as it is, in JSON for example.
type SyncPosition struct {
	// Cursor is where MoneyKit's changes go on.
	Cursor string `json:"cursor,omitempty"`
	// RefreshedAt is the refresh that the pending transactions in the copy are from.
	RefreshedAt Timestamp `json:"refreshed_at,omitzero"`
	// Generation grows by one whenever the copy begins anew. Rows belong to the generation in
	// which they were last written.
	Generation int64 `json:"generation,omitempty"`
	// Rebuilding is set from the beginning of a copy to its end.
	Rebuilding bool `json:"rebuilding,omitempty"`
	// Partial is set while MoneyKit has more changes at once.
	Partial bool `json:"partial,omitempty"`
}

// SyncUpdate is one change to a copy. Its steps are to be done in the order of its fields, and all
// of them together with Position or none.
type SyncUpdate struct {
	LinkID string
	// DropPending: delete the link's rows that are pending.
	DropPending bool
	// Upsert: insert these rows, or replace those with the same id, and note with them the
	// Generation of Position.
	Upsert []Transaction
	// Remove: delete the rows with these ids; some may not exist.
	Remove []string
	// DropOlder: delete the link's rows of a generation before that of Position.
	DropOlder bool
	// Position is to be stored in place of the one before.
	Position SyncPosition
}

// TransactionStore keeps a copy of transactions, for [Client.SyncTransactions]. The package
// moneykittest has one in memory, and tests for others: StoreSuite.
type TransactionStore interface {
	// LoadPosition returns what was stored with the last update of the link, and the zero value
	// before the first.
	LoadPosition(ctx context.Context, linkID string) (SyncPosition, error)
	// ApplyUpdate makes the change, in one database transaction or in an equal of it: after an
	// error, or a crash, either everything of it is stored or nothing.
	ApplyUpdate(ctx context.Context, update *SyncUpdate) error
}

// SyncOptions changes how [Client.SyncTransactions] works. The zero value is fine.
type SyncOptions struct {
	// PageSize is how many changes to ask for at a time, 1 to 500; 500 if zero.
	PageSize int
	// Progress, unless it is nil, is called after each update that was applied.
	Progress func(SyncProgress)
}

// SyncProgress counts what a sync has done so far.
type SyncProgress struct {
	Pages    int  // updates applied
	Upserted int  // rows written
	Removed  int  // rows that MoneyKit removed
	Restarts int  // times that MoneyKit did not accept the cursor
	Done     bool // nothing is left for now
}

// SyncTransactions brings the copy of a link's transactions in store up to date with MoneyKit and
// returns what it did. It does not go to the bank: call it after the event
// transactions.updates_available, or from time to time.
//
// Whatever happens, the copy can be brought up to date by calling it again: rows and position are
// stored together, page by page. Pending transactions are replaced when MoneyKit has been to the
// bank, as it requires, and only then. When MoneyKit no longer accepts the stored cursor, the copy
// is rebuilt, and what it holds stays readable until then.
//
// A second call for the same link on the same client waits for the first. Two processes must not
// sync one link at once: use a lock in the store's database.
//
// It fails with the store's error, and like [TransactionsService.List]; both name the page. Reads
// are repeated after network failures, 429, 502, 503 and 504. The progress is returned also with an
// error.
//
// API operation: get_transactions_sync (GET /links/{id}/transactions/sync).
func (c *Client) SyncTransactions(ctx context.Context, linkID string, store TransactionStore, opts SyncOptions) (SyncProgress, error) {
	if store == nil {
		return SyncProgress{}, invalid(syncOperation, []FieldError{{Field: "store", Message: "must not be nil"}})
	}
	release, err := c.core.syncs.Acquire(ctx, linkID)
	if err != nil {
		return SyncProgress{}, &Error{Operation: syncOperation, err: err}
	}
	defer release()
	run := syncRun{service: c.Transactions, linkID: linkID, store: store, opts: opts}
	if run.opts.PageSize == 0 {
		run.opts.PageSize = maxSync
	}
	if run.at, err = store.LoadPosition(ctx, linkID); err != nil {
		return run.progress, fmt.Errorf("moneykit: loading the position of a sync: %w", err)
	}
	if run.at.Cursor == "" {
		run.rebuild()
	}
	err = run.pages(ctx)
	return run.progress, err
}

const syncOperation = "syncing transactions"

// syncRun is one call of SyncTransactions.
type syncRun struct {
	service  *TransactionsService
	linkID   string
	store    TransactionStore
	opts     SyncOptions
	at       SyncPosition
	progress SyncProgress
}

// rebuild begins the copy anew. What is in it stays, in an older generation.
func (s *syncRun) rebuild() {
	s.at = SyncPosition{RefreshedAt: s.at.RefreshedAt, Generation: s.at.Generation + 1, Rebuilding: true}
}

func (s *syncRun) pages(ctx context.Context) error {
	seen := map[string]bool{s.at.Cursor: true}
	for more := true; more; {
		n := s.progress.Pages + 1
		batch, err := s.service.syncPage(ctx, s.linkID, transactionSyncParams{Cursor: s.at.Cursor, Size: s.opts.PageSize}, nil)
		if s.at.Cursor != "" && s.progress.Restarts == 0 && cursorRefused(err) {
			s.progress.Restarts++
			s.rebuild()
			seen = map[string]bool{"": true}
			continue
		}
		if err != nil {
			return onPage(n, err)
		}
		if batch.HasMore && seen[batch.Cursor] {
			return onPage(n, errStuck)
		}
		seen[batch.Cursor] = true
		if err := s.apply(ctx, batch); err != nil {
			return fmt.Errorf("moneykit: storing page %d of a sync: %w", n, err)
		}
		more = batch.HasMore
	}
	return nil
}

// cursorRefused reports whether err may mean that MoneyKit does not accept the cursor. Which error
// it has for that is not published; a bad state is about the link.
func cursorRefused(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.StatusCode {
	case http.StatusBadRequest:
		return true
	case http.StatusUnprocessableEntity:
		return e.Code != ErrorCodeLinkBadState
	}
	return false
}

// apply stores a page, and how far the copy has got with it.
func (s *syncRun) apply(ctx context.Context, batch *TransactionBatch) error {
	refreshed := batch.refreshedAt()
	if refreshed.IsZero() {
		refreshed = s.at.RefreshedAt // it does not say
	}
	update := SyncUpdate{
		LinkID: s.linkID,
		// A page from a later refresh than the pending rows that are stored makes those void. It
		// is compared on each page, because MoneyKit may go to the bank between two.
		// Where MoneyKit does not say when it was there, pending rows in the first page tell.
		DropPending: !refreshed.Equal(s.at.RefreshedAt.Time) ||
			(refreshed.IsZero() && !s.at.Partial && batch.hasPending()),
		Upsert:    batch.Created,
		Remove:    batch.Removed,
		DropOlder: s.at.Rebuilding && !batch.HasMore,
		Position: SyncPosition{
			Cursor:      batch.Cursor,
			RefreshedAt: refreshed,
			Generation:  s.at.Generation,
			Rebuilding:  s.at.Rebuilding && batch.HasMore,
			Partial:     batch.HasMore,
		},
	}
	if len(batch.Updated) > 0 {
		update.Upsert = append(slices.Clip(update.Upsert), batch.Updated...)
	}
	if err := s.store.ApplyUpdate(ctx, &update); err != nil {
		return err
	}
	s.at = update.Position
	s.progress.Pages++
	s.progress.Upserted += len(update.Upsert)
	s.progress.Removed += len(update.Remove)
	s.progress.Done = !batch.HasMore
	if s.opts.Progress != nil {
		s.opts.Progress(s.progress)
	}
	return nil
}

// refreshedAt returns when MoneyKit last fetched the transactions, the zero time if it does not
// say.
func (b *TransactionBatch) refreshedAt() Timestamp {
	if p := b.Link.Products.Transactions; p != nil {
		return p.RefreshedAt
	}
	return Timestamp{}
}

func (b *TransactionBatch) hasPending() bool {
	for i := range b.Created {
		if b.Created[i].Pending {
			return true
		}
	}
	return false
}
