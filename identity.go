package moneykit

import "context"

// List returns a link's accounts with their owners as of the last refresh, and the link. It does
// not contact the bank. The result is personal data. Errors and retries are those of
// [AccountsService.List].
//
// API operation: get_identities (GET /links/{id}/identity), 3 calls a minute for a link, 600 for an
// application.
func (s *IdentityService) List(ctx context.Context, linkID string, params IdentityListParams, opts ...CallOption) (*IdentityList, error) {
	return call[IdentityList](ctx, s.core, newGetIdentitiesRequest(linkID, params), opts)
}
