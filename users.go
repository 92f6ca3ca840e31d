package moneykit

import (
	"context"
	"iter"
)

// Accounts returns the accounts of all links of one of your users, by link id. userID is your own
// id, as in [CustomerUser].ID. It fails with [ErrUnauthorized]; a user without links gives none.
// It is repeated after network failures, 429, 502, 503 and 504.
//
// API operation: get_user_accounts (GET /users/{id}/accounts).
func (s *UsersService) Accounts(ctx context.Context, userID string, params UserAccountListParams, opts ...CallOption) (*UserAccounts, error) {
	r := newGetUserAccountsRequest(userID, params)
	r.wrong.length("id", userID, minUserID, maxUserID)
	return call[UserAccounts](ctx, s.core, r, opts)
}

// Links returns all links of one of your users, by link id. userID is your own id, as in
// [CustomerUser].ID. It fails with [ErrUnauthorized]; a user without links gives none. It is
// repeated after network failures, 429, 502, 503 and 504.
//
// After an exchange whose answer was lost, this shows whether the link was made.
//
// API operation: get_user_links (GET /users/{id}/links).
func (s *UsersService) Links(ctx context.Context, userID string, opts ...CallOption) (*UserLinks, error) {
	r := newGetUserLinksRequest(userID)
	r.wrong.length("id", userID, minUserID, maxUserID)
	return call[UserLinks](ctx, s.core, r, opts)
}

// Transactions returns one page of the transactions of all links of one of your users, newest
// first, and their accounts by account id. Most programs want [UsersService.AllTransactions].
//
// It fails with [ErrorCodeValidationFailed] for a size outside 1 to 1000 and for a range of days
// that ends before it begins, and with [ErrUnauthorized]. It is repeated after network failures,
// 429, 502, 503 and 504.
//
// API operation: get_user_transactions (GET /users/{id}/transactions).
func (s *UsersService) Transactions(
	ctx context.Context, userID string, params UserTransactionListParams, opts ...CallOption,
) (*UserTransactionPage, error) {
	r := newGetUserTransactionsRequest(userID, params)
	r.wrong.length("id", userID, minUserID, maxUserID)
	return call[UserTransactionPage](ctx, s.core, r, opts)
}

// AllTransactions yields the transactions of all links of one of your users, newest first, page by
// page as the loop goes on. Without a size it asks for large pages. It fails like
// [UsersService.Transactions]; an error ends the loop.
func (s *UsersService) AllTransactions(
	ctx context.Context, userID string, params UserTransactionListParams, opts ...CallOption,
) iter.Seq2[Transaction, error] {
	return numbered(params.Page, params.Size, (*Transaction).id, func(number, size int) ([]Transaction, int, error) {
		params := params // a loop of its own
		params.Page, params.Size = number, size
		list, err := s.Transactions(ctx, userID, params, opts...)
		if err != nil {
			return nil, 0, err
		}
		return list.Transactions, list.Total, nil
	})
}
