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

// handlerConfig contains the settings that handler options change.
type handlerConfig struct {
	dedupe Deduper // nil for none
	final  func(error) bool
}

// WithDedupe skips events that were handled, by their idempotency key, however often MoneyKit
// delivers them. If an event was handled before, the handler responds with 204 at once. If another
// delivery of the event is being handled, the handler responds with 503, and MoneyKit delivers the
// event again. The function must still be idempotent: if a process crashes after the function's
// effects and before the event is recorded, the next delivery calls it again.
//
// An event counts as handled when the function has returned nil or a final error (see
// [WithFinal]). The function's context ends after five minutes. After that, another delivery can
// claim the event. Keys depend on the client id and the link id, so several applications can share
// a [Deduper]. If d is nil, repeated deliveries are handled again.
func WithDedupe(d Deduper) HandlerOption {
	return func(c *handlerConfig) error {
		c.dedupe = d
		return nil
	}
}

// WithFinal sets which errors of the function are final: errors after which another delivery would
// fail in the same way. After a final error the handler logs the error, responds with 204, and
// counts the event as handled. By default, errors that match [ErrLinkDeleted] are final.
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
// [WebhooksService.Verify] does, and checks the signature and its age before it reads the body. It
// calls fn with the event, and responds with
//
//   - 204 if fn returned nil or a final error (see [WithFinal]), or if the event was handled before
//     (see [WithDedupe]);
//   - 400 if the webhook is not signed, not signed by MoneyKit, out of date, altered, or not an
//     event;
//   - 405 for any method but POST, and 413 for a body of more than 1 MiB;
//   - 500 if fn fails or panics, or if the [Deduper] fails;
//   - 503 if MoneyKit's keys are not available, if the signature's key is unknown and may be newer
//     than the cached keys, or if another delivery of the event is being handled.
//
// Responses have no body and never say why a delivery is refused. After any status but 204,
// MoneyKit delivers the event again for two hours. fn should return nil for events that the program
// ignores, and it should return quickly: for work that takes long, put [EventMeta].Raw into a queue
// and read it there with [ParseUnverifiedEvent].
//
// Refused and failed deliveries are logged with the reason and MoneyKit's delivery token, by the
// client's logger, or by [slog.Default] if the client has none. For each status, the first ten
// refusals a minute are logged as warnings or errors, and the others at debug level.
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
	logger   *slog.Logger // nil for slog.Default
	clientID string
	fn       func(context.Context, Event) error
	refused  recent.Map[int, int] // number of refusals in the last minute, by status
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

// receive returns the event of a delivery. It reads the body only if the signature is valid.
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

// readEvent returns the body of a delivery. It allocates the announced size in advance, but no more
// than 64 KiB, because a sender can announce any size.
func readEvent(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil { // Servers always set it, but tests may not.
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
	const most = 10 // a minute, because anybody can send requests that are refused
	if h.refused.Change(status, func(n int) int { return n + 1 }) > most {
		level = slog.LevelDebug
	}
	d := readDelivery(r.Header)
	h.log().LogAttrs(r.Context(), level, "moneykit: webhook refused",
		slog.Int("status", status), slog.String("error", err.Error()),
		slog.String("delivery_token", d.token), slog.Int("delivery_attempt", d.attempt))
	w.WriteHeader(status)
}

// outcome is the result of handling an event.
type outcome int

const (
	eventFailed  outcome = iota
	eventHandled         // The function has handled the event.
	eventDone            // An earlier delivery was handled.
	eventBusy            // Another delivery is being handled.
	eventFinal           // The function failed with a final error.
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
		level, message = slog.LevelInfo, "moneykit: another delivery of the webhook is being handled"
	case o == eventDone:
		message = "moneykit: webhook was handled before"
	case o == eventFinal:
		level, message = slog.LevelWarn, "moneykit: webhook failed with a final error"
	case err != nil:
		level, message = slog.LevelError, "moneykit: webhook handled, but the deduper failed to record it"
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

// handle calls fn with an event, unless the event was handled before or is being handled.
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
	defer func() { // This also runs if fn calls runtime.Goexit.
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
	// The event was handled, so it is acknowledged even if Commit fails.
	return o, errors.Join(err, h.dedupe.Commit(after, key, token))
}

func (h *webhookHandler) release(ctx context.Context, key, token string) {
	after, cancel := afterwards(ctx)
	defer cancel()
	if err := h.dedupe.Release(after, key, token); err != nil {
		h.log().LogAttrs(ctx, slog.LevelError, "moneykit: webhook not released: another delivery can claim it only after the lease",
			slog.Duration("lease", dedupeLease), slog.String("error", err.Error()))
	}
}

// afterwards returns a context for calls that must run even if the sender has disconnected.
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

// dedupeKey returns a key that identifies an event among the events of all applications and links.
// The key is a hash, because an idempotency key may contain any characters. If an unknown event has
// no idempotency key, its body identifies it.
func dedupeKey(clientID string, meta EventMeta) string {
	hash := sha256.New()
	for _, part := range []string{clientID, meta.LinkID, cmp.Or(meta.IdempotencyKey, string(meta.Raw))} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}
