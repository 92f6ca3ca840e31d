package moneykit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/moneykit/moneykit-go/internal/recent"
	"github.com/moneykit/moneykit-go/internal/transport"
)

// dedupeLease is how long an event may be handled before another delivery of it can claim it.
const dedupeLease = 5 * time.Minute

// HandlerOption configures [WebhooksService.Handler].
type HandlerOption func(*handlerConfig) error

// handlerConfig is what handler options write.
type handlerConfig struct {
	dedupe Deduper // nil for none
	final  func(error) bool
}

// WithDedupe handles each event once, by its idempotency key, however often MoneyKit delivers it. A
// delivery of an event that was handled gets 204 at once. A delivery of an event that is being
// handled gets 503, so that MoneyKit delivers it again and learns the outcome.
//
// An event counts as handled when the function has returned nil or an error that is final (see
// [WithFinal]). The function's context ends after five minutes; then another delivery may claim the
// event. Keys contain the client's id and the link id, so several applications can share a
// [Deduper]. If d is nil, events are not remembered.
func WithDedupe(d Deduper) HandlerOption {
	return func(c *handlerConfig) error {
		c.dedupe = d
		return nil
	}
}

// WithFinal sets which errors of the function are final: another delivery of the event would fail
// in the same way. After a final error the handler responds with 204, logs the error, and counts
// the event as handled. By default errors that match [ErrLinkDeleted] are final.
func WithFinal(isFinal func(error) bool) HandlerOption {
	return func(c *handlerConfig) error {
		if isFinal == nil {
			return errors.New("the function for final errors is nil")
		}
		c.final = isFinal
		return nil
	}
}

// Handler returns the endpoint for a link's webhook. It verifies each delivery as
// [WebhooksService.Verify] does, signature and age before it reads the body, calls fn with the
// event, and responds with
//
//   - 204 if fn returned nil or a final error (see [WithFinal]), or if the event was handled before
//     (see [WithDedupe]);
//   - 400 if the webhook is not signed, not signed by MoneyKit, out of date, altered, or not an
//     event;
//   - 405 for another method than POST, and 413 for a body of more than 1 MiB;
//   - 500 if fn fails or panics, or if the [Deduper] fails;
//   - 503 if MoneyKit's keys are not available, if the signature's key is unknown and may be newer
//     than the cached keys, or if another delivery of the event is being handled.
//
// Responses have no body and never say why a delivery is refused. MoneyKit delivers again for two
// hours after every status but 204. fn should return nil for events that the program ignores, and
// return soon: to do work that takes long, put [EventMeta].Raw into a queue and read it there with
// [ParseUnverifiedEvent].
//
// Refused and failed deliveries are logged with the reason and MoneyKit's delivery token, with the
// client's logger or else [slog.Default]. Of refusals with the same status, the first ten a minute
// are logged as warnings or errors, the others at debug level.
//
// Handler panics if fn or an option is nil.
func (s *WebhooksService) Handler(fn func(ctx context.Context, event Event) error, opts ...HandlerOption) http.Handler {
	if fn == nil {
		panic("moneykit: the function for events is nil")
	}
	h := &webhookHandler{
		handlerConfig: handlerConfig{final: func(err error) bool { return errors.Is(err, ErrLinkDeleted) }},
		verifier:      s.core.webhooks,
		logger:        s.core.logger,
		clientID:      s.core.clientID,
		fn:            fn,
		refused:       recent.Map[int, int]{Life: time.Minute},
	}
	for _, opt := range opts {
		err := errors.New("an option is nil")
		if opt != nil {
			err = opt(&h.handlerConfig)
		}
		if err != nil {
			panic("moneykit: " + err.Error())
		}
	}
	return h
}

type webhookHandler struct {
	handlerConfig

	verifier *verifier
	logger   *slog.Logger // nil for the default one
	clientID string
	fn       func(context.Context, Event) error
	refused  recent.Map[int, int] // how many deliveries in the last minute, by status
}

// errTooLarge is the error of a body that is too large.
var errTooLarge = fmt.Errorf("the body has more than %d bytes", maxEvent)

// ServeHTTP responds to one delivery.
func (h *webhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	event, err := h.receive(w, r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	start := time.Now()
	outcome, err := h.handle(r.Context(), event)
	h.logHandled(r.Context(), event, outcome, err, time.Since(start))
	if outcome == eventBusy {
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(outcome.status())
}

// receive returns the event of a delivery. A body is read only behind a signature of MoneyKit's.
func (h *webhookHandler) receive(w http.ResponseWriter, r *http.Request) (Event, error) {
	claims, err := h.verifier.signed(r.Context(), r.Header)
	if err != nil {
		return nil, err
	}
	if r.ContentLength > maxEvent {
		return nil, errTooLarge
	}
	body, err := readEvent(w, r)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, webhookError(ErrBodyMismatch, fmt.Errorf("reading the body: %w", transport.Cause(err)))
	}
	return h.verifier.event(claims, r.Header, body)
}

// readEvent returns the body of a delivery, in a buffer of its announced size. An announcement of
// more than real events have is not believed until the bytes are there.
func readEvent(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil { // A server never leaves it nil; tests do.
		return nil, nil
	}
	const believed = 64 << 10
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), believed)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxEvent))
	return body.Bytes(), err
}

// refuse responds to a delivery without a valid event.
func (h *webhookHandler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, level := http.StatusBadRequest, slog.LevelWarn
	switch {
	case errors.Is(err, errTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrKeysUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		status, level = http.StatusServiceUnavailable, slog.LevelError
	}
	const most = 10 // a minute: anybody can send what is refused
	if h.refused.Change(status, func(n int) int { return n + 1 }) > most {
		level = slog.LevelDebug
	}
	d := readDelivery(r.Header)
	h.log().LogAttrs(r.Context(), level, "moneykit: webhook refused",
		slog.Int("status", status), slog.String("error", err.Error()),
		slog.String("delivery_token", d.token), slog.Int("delivery_attempt", d.attempt))
	w.WriteHeader(status)
}

// outcome is what became of an event.
type outcome int

const (
	eventFailed  outcome = iota
	eventHandled         // now
	eventDone            // before
	eventBusy            // another delivery is at it
	eventFinal           // it failed, and would again
)

func (o outcome) status() int {
	switch o {
	case eventHandled, eventDone, eventFinal:
		return http.StatusNoContent
	case eventBusy:
		return http.StatusServiceUnavailable
	case eventFailed:
	}
	return http.StatusInternalServerError
}

func (h *webhookHandler) logHandled(ctx context.Context, event Event, o outcome, err error, took time.Duration) {
	level, message := slog.LevelDebug, "moneykit: webhook handled"
	switch {
	case o == eventFailed:
		level, message = slog.LevelError, "moneykit: webhook failed"
	case o == eventBusy:
		level, message = slog.LevelInfo, "moneykit: webhook is being handled already"
	case o == eventDone:
		message = "moneykit: webhook was handled before"
	case o == eventFinal:
		level, message = slog.LevelWarn, "moneykit: webhook failed, and is not delivered again"
	case err != nil:
		level, message = slog.LevelError, "moneykit: webhook handled, but perhaps not remembered"
	}
	log := h.log()
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := append(event.Meta().attrs(), slog.Int("status", o.status()), slog.Duration("duration", took))
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	log.LogAttrs(ctx, level, message, attrs...)
}

func (h *webhookHandler) log() *slog.Logger { return cmp.Or(h.logger, slog.Default()) }

// handle lets fn handle an event, unless that was done or is under way.
func (h *webhookHandler) handle(ctx context.Context, event Event) (outcome, error) {
	if h.dedupe == nil {
		return h.call(ctx, event)
	}
	key := dedupeKey(h.clientID, event.Meta())
	token, state, err := h.dedupe.Claim(ctx, key, dedupeLease)
	switch {
	case err != nil:
		return eventFailed, fmt.Errorf("claiming the event: %w", err)
	case state == ClaimDone:
		return eventDone, nil
	case state != ClaimGranted:
		return eventBusy, nil
	}
	handled := false
	defer func() { // also when fn ends the goroutine
		if !handled {
			h.release(ctx, key, token)
		}
	}()
	work, cancel := context.WithTimeout(ctx, dedupeLease)
	defer cancel()
	o, err := h.call(work, event)
	if o == eventFailed {
		return o, err
	}
	handled = true
	after, cancel := afterwards(ctx)
	defer cancel()
	// A failure is no reason to have the event delivered again: it was handled.
	return o, errors.Join(err, h.dedupe.Commit(after, key, token))
}

func (h *webhookHandler) release(ctx context.Context, key, token string) {
	after, cancel := afterwards(ctx)
	defer cancel()
	if err := h.dedupe.Release(after, key, token); err != nil {
		h.log().LogAttrs(ctx, slog.LevelError, "moneykit: webhook not released: another delivery gets it after the lease only",
			slog.Duration("lease", dedupeLease), slog.String("error", err.Error()))
	}
}

// afterwards returns a context for what must be done although the sender may be gone.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

// call calls fn and recovers from a panic in it.
func (h *webhookHandler) call(ctx context.Context, event Event) (o outcome, err error) {
	defer func() {
		if value := recover(); value != nil {
			o, err = eventFailed, fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	err = h.fn(ctx, event)
	switch {
	case err == nil:
		return eventHandled, nil
	case h.final(err):
		return eventFinal, err
	}
	return eventFailed, err
}

// dedupeKey returns a key that identifies an event among those of all applications and links. It is
// a hash, because an idempotency key may hold any characters. An unknown event may have no
// idempotency key; then its body identifies it.
func dedupeKey(clientID string, meta EventMeta) string {
	hash := sha256.New()
	for _, part := range []string{clientID, meta.LinkID, cmp.Or(meta.IdempotencyKey, string(meta.Raw))} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}
