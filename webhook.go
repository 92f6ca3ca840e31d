package moneykit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/bodydiff"
	"github.com/moneykit/moneykit-go/internal/jws"
	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/recent"
)

// Errors of [WebhooksService.Verify], for [errors.Is]. The returned error gives the exact reason:
// log it, but do not send it to the sender of the webhook.
var (
	// ErrNotSigned: the request has no MoneyKit-Signature header. It is not from MoneyKit.
	ErrNotSigned = errors.New("moneykit: the webhook is not signed")
	// ErrInvalidSignature: the signature is malformed or not made by MoneyKit.
	ErrInvalidSignature = errors.New("moneykit: the webhook's signature is invalid")
	// ErrStaleSignature: the signature is MoneyKit's, but too old or dated in the future.
	ErrStaleSignature = errors.New("moneykit: the webhook's signature is out of date")
	// ErrBodyMismatch: the signature is MoneyKit's, but for another body. Usually something between
	// the network and Verify has decoded the body and encoded it again.
	ErrBodyMismatch = errors.New("moneykit: the webhook's body is not what was signed")
	// ErrMalformedEvent: the body is not an event, or lacks a required member.
	ErrMalformedEvent = errors.New("moneykit: the webhook is not an event")
	// ErrKeysUnavailable: MoneyKit's keys are not available, or the signature's key is unknown and
	// may be newer than the cached keys. The webhook may be genuine. MoneyKit delivers it again.
	ErrKeysUnavailable = errors.New("moneykit: MoneyKit's signing keys are not available")
)

const (
	headerSignature = "MoneyKit-Signature"
	headerDelivery  = "MoneyKit-Delivery-Token"
	headerAttempt   = "MoneyKit-Delivery-Attempt"
)

// verifier checks webhooks.
type verifier struct {
	keys        jws.Cache
	ages        jws.Ages
	now         func() time.Time
	environment string // the part of the client id before the first _, "" if it has none
	explained   recent.Map[struct{}, int]
}

func newVerifier(c *core, ages jws.Ages, keyLife time.Duration, now func() time.Time) *verifier {
	environment, _, ok := strings.Cut(c.clientID, "_")
	if !ok {
		environment = ""
	}
	return &verifier{
		keys: jws.Cache{
			Fetch: c.fetchKeys, Now: now,
			Life: cmp.Or(keyLife, 12*time.Hour),
		},
		ages: jws.Ages{
			Past:   cmp.Or(ages.Past, 2*time.Hour+15*time.Minute),
			Future: cmp.Or(ages.Future, 5*time.Minute),
		},
		now:         now,
		environment: environment,
		explained:   recent.Map[struct{}, int]{Life: time.Minute},
	}
}

// Verify returns the event of a webhook if MoneyKit signed this body and the signature is not too
// old. body is the unchanged body of the request, at most 1 MiB. A body that was decoded and
// encoded again does not match the signature. The event's Raw shares memory with body.
//
// It returns an [*Error] that matches
//
//   - [ErrNotSigned], [ErrInvalidSignature], [ErrStaleSignature], [ErrBodyMismatch] or
//     [ErrMalformedEvent]: the webhook is not genuine and never will be. Respond with 400;
//   - [ErrKeysUnavailable] or the error of ctx: the webhook cannot be verified now. Respond with
//     503, and MoneyKit delivers it again.
//
// [WebhooksService.Handler] does all of this. Keys are fetched when they are first needed and
// cached for 12 hours; see [WithWebhookKeyLife]. An unknown key makes the client refetch them, at
// most once in five minutes. If a refetch fails, the old keys are used until they are 24 hours old.
//
// API operation: get_well_known_jwks (GET /.well-known/jwks.json).
func (s *WebhooksService) Verify(ctx context.Context, header http.Header, body []byte) (Event, error) {
	v := s.core.webhooks
	claims, err := v.signed(ctx, header)
	if err != nil {
		return nil, err
	}
	return v.event(claims, header, body)
}

// webhookError returns the error for a refused webhook. The text of err is logged, so it must not
// quote the webhook's body.
func webhookError(class, err error) *Error {
	return &Error{Operation: "verifying a webhook", class: class, why: strings.TrimPrefix(class.Error(), "moneykit: "), err: err}
}

// readSignature returns the token in a request's header. The token is not verified yet.
func readSignature(header http.Header) (*jws.Token, error) {
	signatures := headerValues(header, headerSignature)
	switch {
	case len(signatures) == 0 || (len(signatures) == 1 && signatures[0] == ""):
		return nil, webhookError(ErrNotSigned, errors.New("there is no header "+headerSignature))
	case len(signatures) > 1:
		return nil, webhookError(ErrInvalidSignature, fmt.Errorf("there are %d headers %s", len(signatures), headerSignature))
	}
	token, err := jws.Parse(signatures[0])
	if err != nil {
		return nil, webhookError(ErrInvalidSignature, err)
	}
	return token, nil
}

// headerValues returns the values of the header field name. It ignores the case of the header's
// keys, because queues and gateways pass headers on in maps with lower-case keys.
func headerValues(header http.Header, name string) (values []string) {
	for key, list := range header {
		switch {
		case !strings.EqualFold(key, name):
		case values == nil: // the usual case
			values = list
		default:
			values = slices.Concat(values, list)
		}
	}
	return values
}

// signed verifies the signature in a header, checks its age and returns its claims. It needs no
// body, so an unsigned request cannot make the receiver read one.
func (v *verifier) signed(ctx context.Context, header http.Header) (*jws.Claims, error) {
	token, err := readSignature(header)
	if err != nil {
		return nil, err
	}
	key, err := v.keys.Key(ctx, token.KeyID)
	if err != nil {
		return nil, v.noKey(token.KeyID, err)
	}
	claims, err := token.Verify(key)
	if err != nil {
		return nil, webhookError(ErrInvalidSignature, err)
	}
	if err := claims.CheckAge(v.now(), v.ages); err != nil {
		return nil, webhookError(ErrStaleSignature, err)
	}
	return claims, nil
}

// event checks that body is the body that was signed, and returns its event.
func (v *verifier) event(claims *jws.Claims, header http.Header, body []byte) (Event, error) {
	if hash := sha256.Sum256(body); subtle.ConstantTimeCompare(hash[:], claims.BodyHash[:]) != 1 {
		return nil, webhookError(ErrBodyMismatch, errors.New(v.explain(header, body, claims.BodyHash)))
	}
	event, err := parseEvent(body, readDelivery(header))
	if err != nil {
		return nil, webhookError(ErrMalformedEvent, fmt.Errorf("the body %w", err))
	}
	return event, nil
}

// explain returns why a body differs from the signed body. It explains only a few bodies a minute,
// because anyone who has seen a signature can send it with any body.
func (v *verifier) explain(header http.Header, body []byte, signed [sha256.Size]byte) string {
	const most = 5
	if v.explained.Change(struct{}{}, func(n int) int { return n + 1 }) > most {
		return "no explanation: too many bodies differed from the signed ones in the last minute"
	}
	return bodydiff.Explain(strings.Join(headerValues(header, "Content-Encoding"), ","), body, signed)
}

func (v *verifier) noKey(id string, err error) error {
	var unknown *jws.UnknownKeyError
	var unavailable *jws.UnavailableError
	switch {
	case errors.As(err, &unavailable):
		return webhookError(ErrKeysUnavailable, err)
	case !errors.As(err, &unknown): // the error of the context
		return &Error{Operation: "verifying a webhook", why: "the context ended before the keys were fetched", err: err}
	case unknown.Wait > 0: // A forgery may have used up the refetch that a genuine new key needs.
		return webhookError(ErrKeysUnavailable,
			fmt.Errorf("key %s: %w: the key is newer than the key set, or the webhook is forged", plain.Label(id), err))
	}
	own := "the client id does not name its environment"
	if v.environment != "" {
		own = "the client id is for the environment " + plain.Label(v.environment)
	}
	return webhookError(ErrInvalidSignature, fmt.Errorf(
		"key %s: %w: the webhook comes from another environment or application, or is forged (%s)", plain.Label(id), err, own))
}

// delivery is what a webhook's header says about its delivery. It is not signed.
type delivery struct {
	token   string
	attempt int
}

func readDelivery(header http.Header) delivery {
	var d delivery
	if tokens := headerValues(header, headerDelivery); len(tokens) > 0 {
		d.token = plain.Visible(plain.Cut(tokens[0], 100))
	}
	if attempts := headerValues(header, headerAttempt); len(attempts) > 0 {
		if n, err := strconv.ParseUint(attempts[0], 10, 31); err == nil {
			d.attempt = int(n)
		}
	}
	return d
}

// WebhookKeyStats counts fetches of MoneyKit's signing keys.
type WebhookKeyStats struct {
	Requests int64     // requests for the key set
	Failures int64     // requests that failed
	Unknown  int64     // webhooks whose key was not in the key set
	Keys     int       // usable keys in the cached key set
	Skipped  int       // keys in the cached key set that cannot verify webhooks
	Fetched  time.Time // when the key set was last fetched; zero if it never was
}

// KeyStats returns counters of the key cache of [WebhooksService.Verify], for metrics.
func (s *WebhooksService) KeyStats() WebhookKeyStats {
	return WebhookKeyStats(s.core.webhooks.keys.Stats())
}

// fetchKeys returns the key set as received. It is not retried: many webhooks may wait for it, and
// MoneyKit delivers them again.
func (c *core) fetchKeys(ctx context.Context) ([]byte, error) {
	r := newGetWellKnownJWKSRequest()
	r.auth, r.answer = authClientID, jws.MaxKeySet
	var resp Response
	if err := c.do(ctx, r, nil, []CallOption{WithoutRetry(), CaptureResponse(&resp)}); err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Keys returns the public keys that MoneyKit signs webhooks with, each as a JSON Web Key. Cache
// them for 24 hours at most. Retried like any read.
//
// API operation: get_well_known_jwks (GET /.well-known/jwks.json).
func (s *WebhooksService) Keys(ctx context.Context, opts ...CallOption) ([]json.RawMessage, error) {
	r := newGetWellKnownJWKSRequest()
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
// It returns an error that matches
//
//   - [ErrorCodeLinkBadConfig] if the link has no webhook;
//   - [ErrForbidden] for a live link;
//   - [ErrorCodeValidationFailed] if params lacks an event or a key;
//   - [ErrLinkDeleted] or [ErrNotFound] if the link is gone.
//
// Retried only after 429.
//
// API operation: trigger_test_link_webhook_event (POST /webhooks/test/link/{id}).
func (s *WebhooksService) SendTest(ctx context.Context, linkID string, params TestWebhookParams, opts ...CallOption) (*TestDelivery, error) {
	r := newTriggerTestLinkWebhookEventRequest(linkID, params)
	if params.Event == "" {
		r.wrong.add("webhook_event", "must not be empty")
	}
	if params.IdempotencyKey == "" {
		r.wrong.add("webhook_idempotency_key", "must not be empty")
	}
	return call[TestDelivery](ctx, s.core, r, opts)
}
