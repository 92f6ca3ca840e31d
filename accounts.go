package moneykit

import "context"

// List returns the open accounts that the user shares on a link, with their balances as of the
// last refresh, and the link. It does not go to the bank.
//
// It fails with [ErrForbidden] when the user did not permit it, [ErrRelinkRequired] or
// [ErrorCodeLinkBadState] when the link cannot be used, [ErrLinkDeleted] and [ErrNotFound]. It
// is repeated after network failures, 429, 502, 503 and 504.
//
// API operation: get_accounts (GET /links/{id}/accounts), 4 calls a minute for a link, 600 for an
// application.
func (s *AccountsService) List(ctx context.Context, linkID string, params AccountListParams, opts ...CallOption) (*AccountList, error) {
	r, err := newGetAccountsRequest(linkID, params)
	return call[AccountList](ctx, s.core, r, err, opts)
}

// Get returns one account of a link, and the link. An account that the link does not have gives
// [ErrNotFound]; otherwise it fails and is repeated like [AccountsService.List].
//
// API operation: get_account (GET /links/{id}/accounts/{account_id}), 15 calls a minute for a link,
// 600 for an application.
func (s *AccountsService) Get(ctx context.Context, linkID, accountID string, opts ...CallOption) (*AccountResult, error) {
	r, err := newGetAccountRequest(linkID, accountID)
	return call[AccountResult](ctx, s.core, r, err, opts)
}

// Numbers returns a link's accounts with their account and routing numbers as of the last refresh,
// and the link. It does not go to the bank. It fails and is repeated like [AccountsService.List].
//
// API operation: get_account_numbers (GET /links/{id}/accounts/numbers), 3 calls a minute for a
// link, 600 for an application.
func (s *AccountsService) Numbers(ctx context.Context, linkID string, opts ...CallOption) (*AccountNumbersList, error) {
	r, err := newGetAccountNumbersRequest(linkID)
	return call[AccountNumbersList](ctx, s.core, r, err, opts)
}
