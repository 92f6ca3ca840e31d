package moneykit

import (
	"context"
	"encoding/json"
)

// List returns the open accounts that the user shares on a link, with balances as of the last
// refresh, and the link. It does not contact the bank.
//
// It returns an error that matches
//
//   - [ErrForbidden] if the user did not permit reading accounts;
//   - [ErrorCodeLinkBadState] if the link cannot be used, and also [ErrRelinkRequired] if the user
//     must relink; [Error.LinkError] has the reason;
//   - [ErrLinkDeleted] or [ErrNotFound] if the link is gone;
//   - the sentinels of every call, such as [ErrUnauthorized] and [ErrRateLimited].
//
// Retried like any read.
//
// API operation: get_accounts (GET /links/{id}/accounts), 4 calls a minute for a link, 600 for an
// application.
func (s *AccountsService) List(ctx context.Context, linkID string, params AccountListParams, opts ...CallOption) (*AccountList, error) {
	return call[AccountList](ctx, s.core, newGetAccountsRequest(linkID, params), opts)
}

// Get returns one account of a link, and the link. It returns an error that matches [ErrNotFound]
// if the link has no such account. Other errors and retries are those of [AccountsService.List].
//
// API operation: get_account (GET /links/{id}/accounts/{account_id}), 15 calls a minute for a link,
// 600 for an application.
func (s *AccountsService) Get(ctx context.Context, linkID, accountID string, opts ...CallOption) (*AccountResult, error) {
	return call[AccountResult](ctx, s.core, newGetAccountRequest(linkID, accountID), opts)
}

// Numbers returns a link's accounts with their account and routing numbers as of the last refresh,
// and the link. It does not contact the bank. Errors and retries are those of
// [AccountsService.List].
//
// API operation: get_account_numbers (GET /links/{id}/accounts/numbers), 3 calls a minute for a
// link, 600 for an application.
func (s *AccountsService) Numbers(ctx context.Context, linkID string, opts ...CallOption) (*AccountNumbersList, error) {
	return call[AccountNumbersList](ctx, s.core, newGetAccountNumbersRequest(linkID), opts)
}

// MarshalJSON writes the amounts as JSON numbers, the form that the API uses for balances.
func (b Balances) MarshalJSON() ([]byte, error) {
	type fields Balances // has no methods, so that Marshal does not call this one again
	return json.Marshal(struct {
		fields
		Available json.Number `json:"available,omitempty"`
		Current   json.Number `json:"current,omitempty"`
		Limit     json.Number `json:"limit,omitempty"`
	}{fields(b), number(b.Available), number(b.Current), number(b.Limit)})
}

// number returns d as a JSON number, "" for nil.
func number(d *Decimal) json.Number {
	if d == nil {
		return ""
	}
	return json.Number(d.String())
}
