package moneykit

import (
	"context"
	"errors"
	"net/http"
	"slices"
)

// SyncPosition is the progress of a copy of a link's transactions. The zero value is the position
// of an empty copy. Store it unchanged, for example as JSON.
type SyncPosition struct {
	// Cursor is MoneyKit's cursor for the next changes. Empty means from the beginning.
	Cursor string `json:"cursor,omitempty"`
	// RefreshedAt is when MoneyKit fetched the copy's pending transactions from the bank.
	RefreshedAt Timestamp `json:"refreshed_at,omitzero"`
	// Generation grows by one whenever the copy is rebuilt. A row belongs to the generation in
	// which it was last written.
	Generation int64 `json:"generation,omitempty"`
	// Rebuilding is true while the copy is being built or rebuilt.
	Rebuilding bool `json:"rebuilding,omitempty"`
	// Partial is true if MoneyKit had more changes after the last update.
	Partial bool `json:"partial,omitempty"`
}

// Equal reports whether p and x are the same position. A [TransactionStore] uses it to compare its
// stored position with [SyncUpdate].Previous. Do not use ==, which may return false for the same
// time after it was stored and loaded.
func (p SyncPosition) Equal(x SyncPosition) bool {
	same := p.RefreshedAt.Equal(x.RefreshedAt.Time)
	p.RefreshedAt, x.RefreshedAt = Timestamp{}, Timestamp{}
	return same && p == x
}

// SyncUpdate is one change to a copy of a link's transactions. A store carries out the steps in the
// order of the fields. It stores either all of them together with Position, or nothing.
type SyncUpdate struct {
	LinkID string
	// Previous is the position that the update continues from. If the store holds another position,
	// another process has written to it: the store changes nothing and returns [ErrSyncConflict].
	Previous SyncPosition
	// DropPending: delete the link's rows that are pending.
	DropPending bool
	// Upsert: insert these rows, or replace the rows with the same ids, and store the Generation of
	// Position with each. An id appears at most once in Upsert and Remove together.
	Upsert []Transaction
	// Remove: delete the rows with these ids; some may not exist.
	Remove []string
	// DropOlder: delete the link's rows of a generation before that of Position.
	DropOlder bool
	// Position replaces the stored position.
	Position SyncPosition
}

// TransactionStore stores copies of transactions for [Client.SyncTransactions]. The package
// moneykittest has a store in memory, MemoryStore, and tests for your own store, StoreSuite.
type TransactionStore interface {
	// LoadPosition returns the position of the link's last update, or the zero value if there was
	// none.
	LoadPosition(ctx context.Context, linkID string) (SyncPosition, error)
	// ApplyUpdate stores the update in one database transaction or its equivalent: after an error
	// or a crash, either all of it is stored or nothing. In the same transaction it compares the
	// stored position with update.Previous, and returns an error that matches [ErrSyncConflict] if
	// they differ.
	ApplyUpdate(ctx context.Context, update *SyncUpdate) error
}

// ErrSyncConflict is the error of a [TransactionStore] whose stored position differs from
// [SyncUpdate].Previous: another process has synced the link in the meantime.
var ErrSyncConflict = errors.New("moneykit: the link was synced by another process")

// SyncProgress is the progress of one call of [Client.SyncTransactions].
type SyncProgress struct {
	Pages    int  // number of updates that the store applied
	Upserted int  // number of rows inserted or replaced
	Removed  int  // number of rows that MoneyKit removed
	Restarts int  // number of times that MoneyKit refused the cursor
	Done     bool // whether the copy is up to date
}

// SyncTransactions brings the copy of a link's transactions in store up to date with MoneyKit, and
// returns what it did. It does not contact the bank. Call it after the event
// transactions.updates_available, or from time to time.
//
// Each page of changes is stored together with the position. If a run fails or crashes, the next
// one resumes it. Pending transactions are replaced only after MoneyKit has refreshed them. If
// MoneyKit no longer accepts the stored cursor, the copy is rebuilt; its rows stay readable until
// the new ones are complete.
//
// A second call for the same link on the same client waits for the first. Several processes may
// sync one link: [SyncUpdate].Previous prevents a slow process from overwriting the work of
// another. The slow process loads the position again and continues from there.
//
// The options [WithPageSize] and [WithProgress] apply. SyncTransactions returns the progress even
// if it returns an error. An error names the page and matches
//
//   - the error of the store, if the store failed;
//   - [ErrSyncConflict] if other processes keep changing the position, or if the store refuses the
//     position that it returned itself.
//
// Other errors are those of [TransactionsService.List]. Retried like any read.
//
// API operation: get_transactions_sync (GET /links/{id}/transactions/sync).
func (c *Client) SyncTransactions(ctx context.Context, linkID string, store TransactionStore, opts ...CallOption) (SyncProgress, error) {
	if store == nil {
		return SyncProgress{}, invalid(syncing, []FieldError{{Field: "store", Message: "must not be nil"}})
	}
	run := syncRun{service: c.Transactions, linkID: linkID, store: store, opts: opts}
	if err := run.cfg.apply(opts); err != nil {
		return SyncProgress{}, &Error{Operation: syncing, why: "a call option is invalid", err: err}
	}
	release, err := c.core.syncs.Acquire(ctx, linkID)
	if err != nil {
		return SyncProgress{}, &Error{Operation: syncing, err: err}
	}
	defer release()
	for conflicts := 0; ; conflicts++ {
		err = run.resume(ctx)
		if !errors.Is(err, ErrSyncConflict) || conflicts == maxSyncConflicts || run.stalls == maxSyncStalls {
			return run.progress, err
		}
	}
}

const syncing = "syncing transactions"

// maxSyncConflicts limits how often one sync loads the position again. Each conflict means that
// another process has made progress, so only processes that undo each other's work reach the limit.
const maxSyncConflicts = 100

// maxSyncStalls limits how often a sync resumes from the same position after conflicts. In that
// case no other process makes progress, and the store refuses the position that it returned itself.
const maxSyncStalls = 3

// syncRun is one call of SyncTransactions.
type syncRun struct {
	service  *TransactionsService
	linkID   string
	store    TransactionStore
	opts     []CallOption
	cfg      callConfig
	at       SyncPosition // the position in the store
	next     SyncPosition // the position to read the next page from; differs from at in a rebuild
	stalls   int          // how often in a row a conflict did not change the position in the store
	progress SyncProgress
}

// resume loads the position from the store and continues the copy from there.
func (s *syncRun) resume(ctx context.Context) error {
	at, err := s.store.LoadPosition(ctx, s.linkID)
	if err != nil {
		return &Error{Operation: syncing, why: "the store cannot load the position", err: err}
	}
	if s.stalls++; !at.Equal(s.at) {
		s.stalls = 0
	}
	s.at, s.next = at, at
	if s.at.Cursor == "" {
		s.rebuild()
	}
	return s.pages(ctx)
}

// rebuild restarts the copy from the beginning. Its rows stay, in an older generation.
func (s *syncRun) rebuild() {
	s.next = SyncPosition{RefreshedAt: s.next.RefreshedAt, Generation: s.next.Generation + 1, Rebuilding: true}
}

func (s *syncRun) pages(ctx context.Context) error {
	guard := newGuard(s.next.Cursor)
	for more := true; more; {
		n := s.progress.Pages + 1
		batch, err := s.service.syncPage(ctx, s.linkID, transactionSyncParams{Cursor: s.next.Cursor, Size: s.cfg.pageSize}, s.opts)
		if s.next.Cursor != "" && s.progress.Restarts == 0 && cursorRefused(err) {
			s.progress.Restarts++
			s.rebuild()
			guard = newGuard("")
			continue
		}
		if err != nil {
			return onPage(n, err)
		}
		if batch.HasMore && guard.repeats(batch.Cursor) {
			return onPage(n, stuck())
		}
		if err := s.apply(ctx, batch); err != nil {
			return &Error{Operation: syncing, page: n, why: "the store cannot apply the update", err: err}
		}
		more = batch.HasMore
	}
	return nil
}

// cursorRefused reports whether err may mean that MoneyKit does not accept the cursor. MoneyKit
// does not publish the error for that. ErrorCodeLinkBadState is about the link, and a response
// without a code does not come from MoneyKit.
func cursorRefused(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	refused := e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusUnprocessableEntity
	return refused && e.Code != "" && e.Code != ErrorCodeLinkBadState && e.Code != ErrorCodeUnauthorized
}

// apply stores a page together with the position after it.
func (s *syncRun) apply(ctx context.Context, batch *TransactionBatch) error {
	before := s.next.RefreshedAt
	refreshed := batch.refreshedAt()
	update := SyncUpdate{
		LinkID:   s.linkID,
		Previous: s.at,
		// If a page comes from a later refresh than the stored pending rows, these are void. Each
		// page is compared, because MoneyKit may refresh between two pages. If MoneyKit reports no
		// time of the refresh, pending rows in the first page mean that there was one.
		DropPending: refreshed.After(before.Time) ||
			(refreshed.IsZero() && before.IsZero() && !s.next.Partial && batch.hasPending()),
		DropOlder: s.next.Rebuilding && !batch.HasMore,
		Position: SyncPosition{
			Cursor:      batch.Cursor,
			RefreshedAt: before,
			Generation:  s.next.Generation,
			Rebuilding:  s.next.Rebuilding && batch.HasMore,
			Partial:     batch.HasMore,
		},
	}
	if refreshed.After(before.Time) {
		update.Position.RefreshedAt = refreshed
	}
	update.Upsert, update.Remove = batch.changes()
	if err := s.store.ApplyUpdate(ctx, &update); err != nil {
		return err
	}
	s.at, s.next = update.Position, update.Position
	s.progress.Pages++
	s.progress.Upserted += len(update.Upsert)
	s.progress.Removed += len(update.Remove)
	s.progress.Done = !batch.HasMore
	if s.cfg.progress != nil {
		s.cfg.progress(s.progress)
	}
	return nil
}

// changes returns the rows to write and the ids to remove, each id once. MoneyKit may list a row as
// created and as updated in one page. The updated row is the newer.
func (b *TransactionBatch) changes() (upsert []Transaction, remove []string) {
	last := make(map[string]int, len(b.Created)+len(b.Updated)+len(b.Removed))
	for i, id := range b.Removed {
		last[id] = i
	}
	for i, id := range b.Removed {
		if last[id] == i {
			remove = append(remove, id)
		}
	}
	rows := b.Created
	if len(b.Updated) > 0 {
		rows = append(slices.Clip(b.Created), b.Updated...)
	}
	const removed = -1
	for id := range last {
		last[id] = removed
	}
	repeated := false
	for i := range rows {
		at, seen := last[rows[i].ID]
		repeated = repeated || seen
		if at != removed || !seen {
			last[rows[i].ID] = i
		}
	}
	if !repeated {
		return rows, remove
	}
	for i := range rows {
		if last[rows[i].ID] == i {
			upsert = append(upsert, rows[i])
		}
	}
	return upsert, remove
}

// refreshedAt returns when MoneyKit last fetched the transactions from the bank, the zero time if
// it does not report that.
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
