package moneykit

import (
	"cmp"
	"context"
	"iter"
)

// List returns one page of a link's transactions, newest first, as of the last refresh. It does not
// contact the bank. Most programs want [TransactionsService.All]; to keep a copy of the
// transactions, use [Client.SyncTransactions].
//
// It returns an error that matches [ErrorCodeValidationFailed] for a size outside 1 to 1000 and for
// an end date before the start date. Other errors and retries are those of [AccountsService.List].
//
// API operation: get_transactions (GET /links/{id}/transactions).
func (s *TransactionsService) List(ctx context.Context, linkID string, params TransactionListParams, opts ...CallOption) (*TransactionPage, error) {
	return call[TransactionPage](ctx, s.core, newGetTransactionsRequest(linkID, params), opts)
}

// All yields a link's transactions, newest first. It reads a page when the loop reaches it, with
// 1000 transactions on a page unless params.Size says otherwise. If MoneyKit gets new transactions
// during the loop, the pages shift and All may yield a transaction twice. Errors and retries are
// those of [TransactionsService.List]; an error ends the loop.
func (s *TransactionsService) All(
	ctx context.Context, linkID string, params TransactionListParams, opts ...CallOption,
) iter.Seq2[Transaction, error] {
	return numbered(params.Page, params.Size, (*Transaction).id, func(number, size int) ([]Transaction, int, error) {
		params := params // Each loop has its own copy.
		params.Page, params.Size = number, size
		list, err := s.List(ctx, linkID, params, opts...)
		if err != nil {
			return nil, 0, err
		}
		return list.Transactions, list.Total, nil
	})
}

func (t *Transaction) id() string { return t.ID }

// CorrectEnrichment changes the category of a transaction. It returns the transaction and the
// transactions that MoneyKit considers similar, with their new categories.
//
// It returns an error that matches [ErrorCodeValidationFailed] if params has no category. Other
// errors are those of [AccountsService.List]. Retried only after 429.
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

// TransactionBatch is one page of changes that [TransactionsService.Sync] yields.
type TransactionBatch struct {
	Created []Transaction // in no particular order, including pending transactions
	Updated []Transaction // in no particular order
	Removed []string      // ids of transactions
	// Accounts are the accounts of the transactions.
	Accounts []Account
	// Link is the link of the transactions. Its Products.Transactions.RefreshedAt is when MoneyKit
	// last fetched transactions from the bank.
	Link Link
	// Cursor is the position after this batch. Store it together with the changes.
	Cursor string
	// HasMore reports whether MoneyKit has more changes now. If it is false, a copy is up to date
	// after this batch.
	HasMore bool
}

// maxSync is MoneyKit's largest page of changes.
const maxSync = 500

// Sync yields the changes in a link's transactions since cursor, or all transactions if cursor is
// empty. It does not contact the bank. The event transactions.updates_available says that there are
// changes.
//
// Pending transactions appear in Created only, and never in Removed: after a refresh, delete all
// pending transactions that you have stored and keep the new ones. [Client.SyncTransactions] does
// that and stores the result.
//
// The option [WithPageSize] applies. Errors and retries are those of [TransactionsService.List]. An
// error ends the loop; to continue, call Sync with the cursor of the last batch. If MoneyKit does
// not accept the cursor, the error matches [ErrorCodeValidationFailed] or has another code and
// status 400: start again with an empty cursor.
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
		// After the last change MoneyKit may send no new cursor. The old one stays valid.
		Cursor:  cmp.Or(answer.Cursor.Next, params.Cursor),
		HasMore: answer.HasMore,
	}, nil
}
