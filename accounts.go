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
