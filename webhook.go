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
	"strconv"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/bodydiff"
	"github.com/moneykit/moneykit-go/internal/jws"
	"github.com/moneykit/moneykit-go/internal/plain"
)

// Why a webhook is refused, for [errors.Is]. The errors around them say more, to the operator; the
// sender is told nothing.
var (
	// ErrNotSigned: the request has no MoneyKit-Signature header. It is not from MoneyKit.
	ErrNotSigned = errors.New("moneykit: the webhook is not signed")
	// ErrInvalidSignature: the signature is not one of MoneyKit's.
	ErrInvalidSignature = errors.New("moneykit: the webhook's signature is invalid")
	// ErrStaleSignature: the signature is MoneyKit's, but too old or from the future.
	ErrStaleSignature = errors.New("moneykit: the webhook's signature is out of date")
	// ErrBodyMismatch: the signature is MoneyKit's, but for another body. Most often something
	// between the network and Verify has decoded the body and encoded it again.
	ErrBodyMismatch = errors.New("moneykit: the webhook's body is not what was signed")
	// ErrMalformedEvent: the body is not an event, or lacks what it must have.
	ErrMalformedEvent = errors.New("moneykit: the webhook is not an event")
	// ErrKeysUnavailable: MoneyKit's keys cannot be had now, so that nothing can be said of the
	// signature. MoneyKit will deliver again.
	ErrKeysUnavailable = errors.New("moneykit: the keys of webhooks cannot be had")
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
	environment string // of the client, as far as its id shows it
}

func newVerifier(c *core, policy WebhookPolicy, now func() time.Time) *verifier {
	environment, _, ok := strings.Cut(c.clientID, "_")
	if !ok {
		environment = ""
	}
	return &verifier{
		keys: jws.Cache{
			Fetch: c.fetchKeys, Now: now,
			Life: cmp.Or(policy.KeyLife, 12*time.Hour),
		},
		ages: jws.Ages{
			Past:   cmp.Or(policy.MaxAge, 2*time.Hour+15*time.Minute),
			Future: cmp.Or(policy.MaxAhead, 5*time.Minute),
		},
		now:         now,
		environment: environment,
	}
}

// Verify returns the event of a webhook, if MoneyKit signed exactly this body not too long ago. The
// body is that of the request, byte for byte: an event that was decoded and encoded again is not
// what was signed. It has at most 1 MiB, and the event's Raw is the same memory.
//
// It fails with [ErrNotSigned], [ErrInvalidSignature], [ErrStaleSignature], [ErrBodyMismatch] or
// [ErrMalformedEvent], and then the webhook is not to be believed, now or later. It fails with
// [ErrKeysUnavailable], or the error of ctx, when that cannot be found out now: answer with a status
// like 503, and MoneyKit delivers again. [WebhooksService.Handler] does all of this.
//
// Keys are fetched when they are first needed and kept for 12 hours; a key that is not among them
// has them fetched anew, at most every five minutes. If that fails the old ones are used until they
// are 24 hours old.
//
// API operation: get_well_known_jwks (GET /.well-known/jwks.json).
func (s *WebhooksService) Verify(ctx context.Context, header http.Header, body []byte) (Event, error) {
	token, err := readSignature(header)
	if err != nil {
		return nil, err
	}
	return s.core.webhooks.verify(ctx, token, header, body)
}

// readSignature returns the token in a request's header, of which nothing is believed yet.
func readSignature(header http.Header) (*jws.Token, error) {
	signatures := headerValues(header, headerSignature)
	switch {
	case len(signatures) == 0 || (len(signatures) == 1 && signatures[0] == ""):
		return nil, fmt.Errorf("%w: there is no header %s", ErrNotSigned, headerSignature)
	case len(signatures) > 1:
		return nil, fmt.Errorf("%w: there are %d headers %s", ErrInvalidSignature, len(signatures), headerSignature)
	}
	token, err := jws.Parse(signatures[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidSignature, err)
	}
	return token, nil
}

// headerValues returns what a header has under name, however its keys are written: queues and
// gateways hand headers on in maps with lower-case keys.
func headerValues(header http.Header, name string) (values []string) {
	for key, list := range header {
		if strings.EqualFold(key, name) {
			values = append(values, list...)
		}
	}
	return values
}

func (v *verifier) verify(ctx context.Context, token *jws.Token, header http.Header, body []byte) (Event, error) {
	key, err := v.keys.Key(ctx, token.KeyID)
	if err != nil {
		return nil, v.noKey(token.KeyID, err)
	}
	claims, err := token.Verify(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidSignature, err)
	}
	if err := claims.CheckAge(v.now(), v.ages); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStaleSignature, err)
	}
	if hash := sha256.Sum256(body); subtle.ConstantTimeCompare(hash[:], claims.BodyHash[:]) != 1 {
		return nil, fmt.Errorf("%w: %s", ErrBodyMismatch, bodydiff.Explain(strings.Join(headerValues(header, "Content-Encoding"), ","), body, claims.BodyHash))
	}
	event, err := ParseUnverifiedEvent(body)
	if err != nil {
		return nil, err
	}
	addDelivery(event, header)
	return event, nil
}

func (v *verifier) noKey(id string, err error) error {
	var unknown *jws.UnknownKeyError
	var unavailable *jws.UnavailableError
	switch {
	case errors.As(err, &unavailable):
		return fmt.Errorf("%w: %w", ErrKeysUnavailable, err)
	case !errors.As(err, &unknown):
		return err // the context's
	case unknown.Wait > 0:
		return fmt.Errorf("%w: key %s: %w: it is newer than the key set, or forged", ErrInvalidSignature, plain.Quote(id), err)
	}
	own := "of this client's own environment"
	if v.environment != "" {
		own = "of the environment of this client's id, which begins with " + plain.Quote(v.environment)
	}
	return fmt.Errorf("%w: key %s: %w: it is of MoneyKit's other environment or another application, and not %s, or forged",
		ErrInvalidSignature, plain.Quote(id), err, own)
}

// addDelivery adds to an event what only the header of its delivery says.
func addDelivery(event Event, header http.Header) {
	var meta *EventMeta
	switch e := event.(type) {
	case *LinkStateChanged:
		meta = &e.EventMeta
	case *ProductRefreshed:
		meta = &e.EventMeta
	case *TransactionsAvailable:
		meta = &e.EventMeta
	case *UnknownEvent:
		meta = &e.EventMeta
	default:
		return
	}
	meta.DeliveryToken, meta.DeliveryAttempt = delivery(header)
}

// delivery reads the headers that name a delivery. Nobody vouches for them.
func delivery(header http.Header) (token string, attempt int) {
	if tokens := headerValues(header, headerDelivery); len(tokens) > 0 {
		token = plain.Visible(plain.Cut(tokens[0], 100))
	}
	if attempts := headerValues(header, headerAttempt); len(attempts) > 0 {
		n, err := strconv.ParseUint(attempts[0], 10, 31)
		if err == nil {
			attempt = int(n)
		}
	}
	return token, attempt
}

// WebhookKeyStats counts what was done to have MoneyKit's keys.
type WebhookKeyStats struct {
	Requests int64     // for the key set
	Failures int64     // of those
	Unknown  int64     // webhooks that named a key which the set did not have
	Keys     int       // that are in use
	Skipped  int       // keys of the set that are not for webhooks, or not usable
	Fetched  time.Time // when they were fetched; zero if they never were
}

// KeyStats returns what [WebhooksService.Verify] did so far to have MoneyKit's keys, for metrics.
func (s *WebhooksService) KeyStats() WebhookKeyStats {
	return WebhookKeyStats(s.core.webhooks.keys.Stats())
}

// fetchKeys returns the key set as it came. It is asked for once: many webhooks may wait for it,
// and MoneyKit repeats them all.
func (c *core) fetchKeys(ctx context.Context) ([]byte, error) {
	r, err := newGetWellKnownJWKSRequest()
	if err != nil {
		return nil, err
	}
	r.auth, r.answer = authClientID, jws.MaxKeySet
	var resp Response
	if err := c.do(ctx, r, nil, []CallOption{WithoutRetry(), CaptureResponse(&resp)}); err != nil {
		return nil, err
	}
	return resp.Body, nil
}

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
