package moneykit

import "context"

// Get returns a link as it is now: its state, its products and when each was refreshed.
//
// A deleted link can be read for 90 days: MoneyKit answers either with [LinkStateDeleted] or with
// an error that matches [ErrLinkDeleted]; after that with [ErrNotFound]. It is repeated after
// network failures, 429, 502, 503 and 504.
//
// API operation: get_link (GET /links/{id}), 15 calls a minute for a link, 1,000 for an application.
func (s *LinksService) Get(ctx context.Context, linkID string, opts ...CallOption) (*Link, error) {
	r, err := newGetLinkRequest(linkID)
	return call[Link](ctx, s.core, r, err, opts)
}

// Delete ends the access to a link's accounts, for good. A link that is already deleted gives
// an error that matches [ErrLinkDeleted], one that never was [ErrNotFound]. Because a lost
// answer is followed by a second attempt, ErrLinkDeleted can also mean that the first one
// succeeded: treat it as success. It is repeated after network failures, 429, 502, 503 and 504.
//
// API operation: delete_link (DELETE /links/{id}), 600 calls a minute for an application.
func (s *LinksService) Delete(ctx context.Context, linkID string, opts ...CallOption) error {
	r, err := newDeleteLinkRequest(linkID)
	if err != nil {
		return err
	}
	return s.core.do(ctx, r, nil, opts)
}
