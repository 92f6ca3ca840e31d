package moneykit

import (
	"cmp"
	"context"
	"iter"
)

// List returns one page of a link's transactions, newest first, as of the last refresh. It does
// not go to the bank. Most programs want [TransactionsService.All], and those that keep a copy
// want [Client.SyncTransactions].
//
// It fails with [ErrorCodeValidationFailed] for a size outside 1 to 1000 and for a range of days
// that ends before it begins, [ErrForbidden] when the user did not permit it, [ErrRelinkRequired]
// or [ErrorCodeLinkBadState] when the link cannot be used, [ErrLinkDeleted] and [ErrNotFound]. It
// is repeated after network failures, 429, 502, 503 and 504.
//
// API operation: get_transactions (GET /links/{id}/transactions).
func (s *TransactionsService) List(ctx context.Context, linkID string, params TransactionListParams, opts ...CallOption) (*TransactionPage, error) {
	return call[TransactionPage](ctx, s.core, newGetTransactionsRequest(linkID, params), opts)
}

// All yields a link's transactions, newest first, page by page as the loop goes on. Without a size
// it asks for large pages. Pages have numbers: when MoneyKit gets new transactions during the loop,
// one can come twice. It fails like [TransactionsService.List]; an error ends the loop.
func (s *TransactionsService) All(
	ctx context.Context, linkID string, params TransactionListParams, opts ...CallOption,
) iter.Seq2[Transaction, error] {
	return numbered(params.Page, params.Size, (*Transaction).id, func(number, size int) ([]Transaction, int, error) {
		params := params // a loop of its own
		params.Page, params.Size = number, size
		list, err := s.List(ctx, linkID, params, opts...)
		if err != nil {
			return nil, 0, err
		}
		return list.Transactions, list.Total, nil
	})
}

func (t *Transaction) id() string { return t.ID }

// CorrectEnrichment gives a transaction another category. It returns the transaction and those
// that MoneyKit holds to be alike, with their new categories.
//
// It fails with [ErrorCodeValidationFailed] without a category, and otherwise like
// [TransactionsService.List]. It is repeated after 429 only.
//
// API operation: correct_enrichment (POST /links/{id}/transactions/{txn_id}/enrichment).
func (s *TransactionsService) CorrectEnrichment(
	ctx context.Context, linkID, transactionID string, params EnrichmentParams, opts ...CallOption,
) (*CorrectedTransactions, error) {
	r := newCorrectEnrichmentRequest(linkID, transactionID, params)
	if params.Category == "" {
		r.wrong.add("category", "must not be empty")
	}
	return call[CorrectedTransactions](ctx, s.core, r, opts)
}

// TransactionBatch is one step of [TransactionsService.Sync].
type TransactionBatch struct {
	Created []Transaction // in no order; pending ones too
	Updated []Transaction // in no order
	Removed []string      // ids
	// Accounts are the accounts of the transactions.
	Accounts []Account
	// Link is the link; its Products.Transactions.RefreshedAt tells whether MoneyKit has been to
	// the bank since another batch.
	Link Link
	// Cursor continues after this batch. Store it together with what the batch changes.
	Cursor string
	// HasMore reports whether more batches follow at once. Only without is the copy complete.
	HasMore bool
}

// maxSync is MoneyKit's largest page of changes.
const maxSync = 500

// Sync yields what has changed in a link's transactions since cursor, everything if cursor is
// empty. It does not go to the bank; the event transactions.updates_available tells when there is
// something new.
//
// Pending transactions come in Created alone and are never removed: after a refresh, replace all
// that you hold. [Client.SyncTransactions] does that, and stores the result.
//
// It fails like [TransactionsService.List]; an error ends the loop, and the cursor of the batch
// before it is where to go on. A cursor that MoneyKit does not accept gives
// [ErrorCodeValidationFailed] or another error of status 400: begin again without.
//
// API operation: get_transactions_sync (GET /links/{id}/transactions/sync).
func (s *TransactionsService) Sync(ctx context.Context, linkID, cursor string, opts ...CallOption) iter.Seq2[*TransactionBatch, error] {
	return iterate(cursor, func(cursor string) (page[*TransactionBatch, string], error) {
		var cfg callConfig
		if err := cfg.apply(opts); err != nil {
			return page[*TransactionBatch, string]{}, &Error{Operation: syncing, why: "a call option is invalid", err: err}
		}
		batch, err := s.syncPage(ctx, linkID, transactionSyncParams{Cursor: cursor, Size: cfg.pageSize}, opts)
		if err != nil {
			return page[*TransactionBatch, string]{}, err
		}
		return page[*TransactionBatch, string]{items: []*TransactionBatch{batch}, next: batch.Cursor, more: batch.HasMore}, nil
	})
}

func (s *TransactionsService) syncPage(
	ctx context.Context, linkID string, params transactionSyncParams, opts []CallOption,
) (*TransactionBatch, error) {
	params.Size = cmp.Or(params.Size, maxSync)
	answer, err := call[transactionSyncPage](ctx, s.core, newGetTransactionsSyncRequest(linkID, params), opts)
	if err != nil {
		return nil, err
	}
	return &TransactionBatch{
		Created:  answer.Transactions.Created,
		Updated:  answer.Transactions.Updated,
		Removed:  answer.Transactions.Removed,
		Accounts: answer.Accounts,
		Link:     answer.Link,
		// At the end of all changes there may be no new cursor: the old one goes on.
		Cursor:  cmp.Or(answer.Cursor.Next, params.Cursor),
		HasMore: answer.HasMore,
	}, nil
}
