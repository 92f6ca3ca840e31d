package moneykit

import "context"

// List returns a link's accounts with their owners, as of the last refresh, and the link. It does
// not go to the bank. What it returns is personal data.
//
// It fails with [ErrForbidden] when the user did not permit it, [ErrRelinkRequired] or
// [ErrorCodeLinkBadState] when the link cannot be used, [ErrLinkDeleted] and [ErrNotFound]. It
// is repeated after network failures, 429, 502, 503 and 504.
//
// API operation: get_identities (GET /links/{id}/identity), 3 calls a minute for a link, 600 for an
// application.
func (s *IdentityService) List(ctx context.Context, linkID string, params IdentityListParams, opts ...CallOption) (*IdentityList, error) {
	return call[IdentityList](ctx, s.core, newGetIdentitiesRequest(linkID, params), opts)
}
