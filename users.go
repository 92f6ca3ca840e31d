package moneykit

import (
	"context"
	"iter"
)

// Accounts returns the accounts of all links of one of your users, by link id. userID is your own
// id of the user, 4 to 150 characters, as in [CustomerUser].ID. For a user without links it returns
// no accounts and no error.
//
// It returns an error that matches [ErrorCodeValidationFailed] for a user id outside these limits,
// or [ErrUnauthorized]. Retried like any read.
//
// API operation: get_user_accounts (GET /users/{id}/accounts).
func (s *UsersService) Accounts(ctx context.Context, userID string, params UserAccountListParams, opts ...CallOption) (*UserAccounts, error) {
	r := newGetUserAccountsRequest(userID, params)
	r.wrong.length("id", userID, minUserID, maxUserID)
	return call[UserAccounts](ctx, s.core, r, opts)
}

// Links returns all links of one of your users, by link id. If the response to an exchange was
// lost, use it to find out whether the exchange created a link. The user id, errors and retries are
// those of [UsersService.Accounts].
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
// It returns an error that matches [ErrorCodeValidationFailed] for a size outside 1 to 1000 and for
// an end date before the start date. The user id, other errors and retries are those of
// [UsersService.Accounts].
//
// API operation: get_user_transactions (GET /users/{id}/transactions).
func (s *UsersService) Transactions(
	ctx context.Context, userID string, params UserTransactionListParams, opts ...CallOption,
) (*UserTransactionPage, error) {
	r := newGetUserTransactionsRequest(userID, params)
	r.wrong.length("id", userID, minUserID, maxUserID)
	return call[UserTransactionPage](ctx, s.core, r, opts)
}

// AllTransactions yields the transactions of all links of one of your users, newest first. It reads
// a page when the loop reaches it, with 1000 transactions on a page unless params.Size says
// otherwise. Errors and retries are those of [UsersService.Transactions]; an error ends the loop.
func (s *UsersService) AllTransactions(
	ctx context.Context, userID string, params UserTransactionListParams, opts ...CallOption,
) iter.Seq2[Transaction, error] {
	return numbered(params.Page, params.Size, (*Transaction).id, func(number, size int) ([]Transaction, int, error) {
		params := params // Each loop has its own copy.
		params.Page, params.Size = number, size
		list, err := s.Transactions(ctx, userID, params, opts...)
		if err != nil {
			return nil, 0, err
		}
		return list.Transactions, list.Total, nil
	})
}
