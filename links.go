package moneykit

import (
	"context"
	"fmt"
	"iter"
)

// Get returns a link as it is now: its state, its products, and when each product was refreshed.
//
// MoneyKit keeps a deleted link for 90 days. During that time Get returns the link in
// [LinkStateDeleted] or an error that matches [ErrLinkDeleted]. After that it returns an error that
// matches [ErrNotFound]. Retried like any read.
//
// API operation: get_link (GET /links/{id}), 15 calls a minute for a link, 1,000 for an
// application.
func (s *LinksService) Get(ctx context.Context, linkID string, opts ...CallOption) (*Link, error) {
	return call[Link](ctx, s.core, newGetLinkRequest(linkID), opts)
}

// List returns one page of the application's links that are connected, have had data fetched, and
// are not deleted. An entry contains the id of a link and the time when it was created; read the
// link with [LinksService.Get]. Most programs want [LinksService.All].
//
// It returns an error that matches [ErrorCodeValidationFailed] for a limit outside 500 to 5000.
// Retried like any read.
//
// API operation: get_links (GET /links), 600 calls a minute for an application.
func (s *LinksService) List(ctx context.Context, params LinkListParams, opts ...CallOption) (*LinkPage, error) {
	return call[LinkPage](ctx, s.core, newGetLinksRequest(params), opts)
}

// All yields the same links as [LinksService.List]. It reads a page when the loop reaches it.
// Errors and retries are those of [LinksService.List]; an error ends the loop.
func (s *LinksService) All(ctx context.Context, params LinkListParams, opts ...CallOption) iter.Seq2[LinkRef, error] {
	return iterate(params.Cursor, func(cursor string) (page[LinkRef, string], error) {
		params := params // Each loop has its own copy.
		params.Cursor = cursor
		list, err := s.List(ctx, params, opts...)
		if err != nil {
			return page[LinkRef, string]{}, err
		}
		return page[LinkRef, string]{items: list.Links, next: list.NextCursor, more: list.NextCursor != ""}, nil
	})
}

// Update changes a link's webhook and tags, and returns the link. A field that is neither set nor
// cleared stays as it is; see [Set] and [Clear].
//
// It returns an error that matches
//
//   - [ErrorCodeValidationFailed] for a webhook that is not an http or https URL, and for tags
//     outside MoneyKit's limits;
//   - [ErrForbidden] if the application may not change the link;
//   - [ErrLinkDeleted] or [ErrNotFound] if the link is gone.
//
// Retried only after 429.
//
// API operation: update_link (PATCH /links/{id}), 4 calls a minute for a link, 600 for an
// application.
func (s *LinksService) Update(ctx context.Context, linkID string, params LinkUpdateParams, opts ...CallOption) (*Link, error) {
	if params.Tags.IsClear() {
		params.Tags = Set([]string{}) // MoneyKit accepts null only for the webhook.
	}
	if tags, ok := params.Tags.Get(); ok {
		params.Tags = Set(list(tags))
	}
	r := newUpdateLinkRequest(linkID, params)
	if webhook, ok := params.Webhook.Get(); ok {
		r.wrong.webhook("webhook", webhook)
	}
	if tags, ok := params.Tags.Get(); ok {
		r.wrong.tags("link_tags", tags)
	}
	return call[Link](ctx, s.core, r, opts)
}

// Delete permanently ends the access to a link's accounts. It returns an error that matches
// [ErrLinkDeleted] for a link that is already deleted, and [ErrNotFound] for a link that never
// existed. If a response is lost, Delete retries, so ErrLinkDeleted can also mean that the first
// attempt succeeded: treat it as success. Retried like any read.
//
// API operation: delete_link (DELETE /links/{id}), 600 calls a minute for an application.
func (s *LinksService) Delete(ctx context.Context, linkID string, opts ...CallOption) error {
	return s.core.do(ctx, newDeleteLinkRequest(linkID), nil, opts)
}

// Reset puts a link into a state that requires relinking, and returns it. It is for testing.
//
// It returns an error that matches
//
//   - [ErrForbidden] if the application may not reset the link;
//   - [ErrLinkDeleted] or [ErrNotFound] if the link is gone.
//
// Retried only after 429.
//
// API operation: reset_link (POST /links/{id}/reset).
func (s *LinksService) Reset(ctx context.Context, linkID string, opts ...CallOption) (*Link, error) {
	return call[Link](ctx, s.core, newResetLinkRequest(linkID), opts)
}

// maxImport is MoneyKit's limit of an import's body in bytes, about 4,000 transactions.
const maxImport = 1_000_000

// Import creates a link from accounts and transactions that you already have. The link starts in
// [LinkStateError] with [LinkErrorAuthExpired]; the user connects it in a link session with its id
// as ExistingLinkID. Amounts are positive for money in. MoneyKit returns your own ids as
// OriginalID.
//
// A body of more than 1 MB is not sent, and the error matches [ErrorCodeValidationFailed]: add the
// remaining transactions with [LinksService.ImportTransactions]. MoneyKit takes up to ten seconds
// to respond. Retried only after 429; if the response is lost, the error matches
// [ErrOutcomeUnknown].
//
// API operation: import_link (POST /links/import), 60 calls a minute for an application.
func (s *LinksService) Import(ctx context.Context, params LinkImportParams, opts ...CallOption) (*Link, error) {
	params.Accounts, params.Transactions = list(params.Accounts), list(params.Transactions)
	r := newImportLinkRequest(params)
	r.limit = maxImport
	params.CustomerUser.check("customer_user", &r.wrong)
	if params.InstitutionID == "" {
		r.wrong.add("institution_id", "must not be empty")
	}
	if len(params.Accounts) == 0 {
		r.wrong.add("accounts", "must have at least one account")
	}
	r.wrong.imports(params.Transactions)
	return call[Link](ctx, s.core, r, opts)
}

// ImportTransactions adds transactions to an imported link, and returns it. Limits, errors and
// retries are those of [LinksService.Import].
//
// API operation: import_transactions (POST /links/{id}/import/transactions).
func (s *LinksService) ImportTransactions(ctx context.Context, linkID string, params TransactionImportParams, opts ...CallOption) (*Link, error) {
	params.Transactions = list(params.Transactions)
	r := newImportTransactionsRequest(linkID, params)
	r.limit = maxImport
	r.wrong.imports(params.Transactions)
	return call[Link](ctx, s.core, r, opts)
}

func (f *fieldErrors) imports(transactions []TransactionImport) {
	for i, t := range transactions {
		if t.AccountID == "" {
			f.add(fmt.Sprintf("transactions[%d].account_id", i), "must not be empty")
		}
		if t.Date.IsZero() {
			f.add(fmt.Sprintf("transactions[%d].date", i), "must not be empty")
		}
	}
}

// WaitConnected reads a link every five seconds until it is connected, and returns it. It also
// waits while the link is in state error, because that state may last for a moment after a relink.
// Give ctx a deadline.
//
// If ctx ends first, it returns the link as last read and an error that matches the error of ctx
// and
//
//   - [ErrorCodeLinkBadState], with [Error.LinkError], for a link in state error;
//   - [ErrLinkConnecting] for any other link.
//
// It returns an error that matches [ErrLinkDeleted] if the link is deleted. Retried like any read.
//
// API operation: get_link (GET /links/{id}), 15 calls a minute for a link.
func (s *LinksService) WaitConnected(ctx context.Context, linkID string, opts ...CallOption) (*Link, error) {
	return s.wait(ctx, linkID, func(*Link) error { return nil }, opts)
}

const waitingForLink = "waiting for a link"

// wait waits until a link is connected, or until giveUp returns an error for it.
func (s *LinksService) wait(ctx context.Context, linkID string, giveUp func(*Link) error, opts []CallOption) (*Link, error) {
	var last *Link
	for {
		link, err := s.Get(ctx, linkID, opts...)
		switch {
		case err == nil:
			last = link
		case last == nil || ctx.Err() == nil:
			return nil, err
		}
		switch last.State {
		case LinkStateConnected:
			return last, nil
		case LinkStateDeleted:
			return last, &Error{Operation: waitingForLink, Code: ErrorCodeLinkDeleted}
		case LinkStateError, LinkStateConnecting, LinkStateAwaitingTokenExchange:
		}
		if err := giveUp(last); err != nil {
			return last, err
		}
		if err := pollPause(ctx); err != nil {
			if last.State == LinkStateError {
				return last, &Error{Operation: waitingForLink, Code: ErrorCodeLinkBadState, LinkError: last.Error, err: err}
			}
			return last, &Error{Operation: waitingForLink, class: ErrLinkConnecting, err: err}
		}
	}
}
