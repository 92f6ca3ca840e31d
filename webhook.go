package moneykit

import (
	"context"
	"encoding/json"
)

// Keys returns the public keys that MoneyKit signs webhooks with, each as a JSON Web Key. They may
// be kept for 24 hours at most. It is repeated after network failures, 429, 502, 503 and 504.
//
// API operation: get_well_known_jwks (GET /.well-known/jwks.json).
func (s *WebhooksService) Keys(ctx context.Context, opts ...CallOption) ([]json.RawMessage, error) {
	r, err := newGetWellKnownJWKSRequest()
	if err != nil {
		return nil, err
	}
	r.auth = authClientID
	var body struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := s.core.do(ctx, r, &body, opts); err != nil {
		return nil, err
	}
	return body.Keys, nil
}

// SendTest makes MoneyKit send an event of a sandbox link to the link's webhook, and returns the
// token of the delivery.
//
// It fails with [ErrorCodeLinkBadConfig] when the link has no webhook, [ErrForbidden] for a live
// link, [ErrorCodeValidationFailed] without an event or key, [ErrLinkDeleted] and [ErrNotFound]. It
// is repeated after 429 only.
//
// API operation: trigger_test_link_webhook_event (POST /webhooks/test/link/{id}).
func (s *WebhooksService) SendTest(ctx context.Context, linkID string, params TestWebhookParams, opts ...CallOption) (*TestDelivery, error) {
	var wrong fieldErrors
	if params.Event == "" {
		wrong.add("webhook_event", "must not be empty")
	}
	if params.IdempotencyKey == "" {
		wrong.add("webhook_idempotency_key", "must not be empty")
	}
	r, err := newTriggerTestLinkWebhookEventRequest(linkID, params)
	if err == nil {
		err = invalid(r.operation, wrong)
	}
	return call[TestDelivery](ctx, s.core, r, err, opts)
}
