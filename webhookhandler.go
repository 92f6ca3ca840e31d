package moneykit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// dedupeLease is how long an event may be handled before another delivery of it may be.
const dedupeLease = 5 * time.Minute

// HandlerOption changes what [WebhooksService.Handler] returns.
type HandlerOption func(*webhookHandler)

// WithDedupe lets each event be handled once, by its idempotency key, however often it is
// delivered: a delivery of an event that was handled is answered with 204 at once, and one of an
// event that is being handled with 503, so that MoneyKit comes back to see whether that worked. An
// event counts as handled when the function has returned nil. The function's context ends after
// five minutes, and then another delivery may get the event. With nil nothing is remembered.
func WithDedupe(d Deduper) HandlerOption {
	return func(h *webhookHandler) { h.dedupe = d }
}

// Handler returns the endpoint for a link's webhook. It verifies each delivery as
// [WebhooksService.Verify] does, calls fn with its event, and answers
//
//   - 204 when fn has returned nil;
//   - 400 to what will never be believed: not signed, not by MoneyKit, out of date, altered, not an
//     event;
//   - 405 to another method than POST, and 413 to a body of more than 1 MiB;
//   - 500 when fn fails or panics, or the Deduper fails;
//   - 503 when MoneyKit's keys cannot be had.
//
// Answers have no body, and tell a forger nothing. MoneyKit delivers again for two hours after all
// of them but 204. Return nil from fn also for events that are of no interest, and return soon: do
// what takes long after putting [EventMeta].Raw into a queue, and read it there with
// [ParseUnverifiedEvent].
//
// Each refusal and each failure is logged with the reason and MoneyKit's delivery token, with the
// client's logger, or else with [slog.Default]: what goes wrong here shows nowhere else.
func (s *WebhooksService) Handler(fn func(ctx context.Context, event Event) error, opts ...HandlerOption) http.Handler {
	h := &webhookHandler{verifier: s.core.webhooks, logger: s.core.logger, fn: fn}
	if fn == nil {
		h.fn = func(context.Context, Event) error { return errors.New("the handler has no function") }
	}
	for _, opt := range opts {
		if opt != nil {
			opt(h)
		}
	}
	return h
}

type webhookHandler struct {
	verifier *verifier
	logger   *slog.Logger // nil for the default one
	fn       func(context.Context, Event) error
	dedupe   Deduper // nil for none
}

// errTooLarge is of a body that is too large.
var errTooLarge = fmt.Errorf("the body has more than %d bytes", maxEvent)

// ServeHTTP answers one delivery.
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

// receive returns the event of a delivery. A body is read only with a signature before it.
func (h *webhookHandler) receive(w http.ResponseWriter, r *http.Request) (Event, error) {
	token, err := readSignature(r.Header)
	if err != nil {
		return nil, err
	}
	if r.ContentLength > maxEvent {
		return nil, errTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("%w: reading the body: %w", ErrBodyMismatch, err)
	}
	return h.verifier.verify(r.Context(), token, r.Header, body)
}

// refuse answers a delivery that brought no event.
func (h *webhookHandler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, level := http.StatusBadRequest, slog.LevelWarn
	switch {
	case errors.Is(err, errTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrKeysUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		status, level = http.StatusServiceUnavailable, slog.LevelError
	}
	token, attempt := delivery(r.Header)
	h.log().LogAttrs(r.Context(), level, "moneykit: webhook refused",
		slog.Int("status", status), slog.String("error", err.Error()),
		slog.String("delivery_token", token), slog.Int("delivery_attempt", attempt))
	w.WriteHeader(status)
}

// outcome is what became of an event.
type outcome int

const (
	eventFailed  outcome = iota
	eventHandled         // now
	eventDone            // before
	eventBusy            // another delivery is at it
)

func (o outcome) status() int {
	switch o {
	case eventHandled, eventDone:
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
	case err != nil:
		level, message = slog.LevelError, "moneykit: webhook handled, but perhaps not remembered"
	}
	attrs := append(event.Meta().attrs(), slog.Int("status", o.status()), slog.Duration("duration", took))
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	h.log().LogAttrs(ctx, level, message, attrs...)
}

func (h *webhookHandler) log() *slog.Logger { return cmp.Or(h.logger, slog.Default()) }

// handle lets fn handle an event, unless that was done or is under way.
func (h *webhookHandler) handle(ctx context.Context, event Event) (outcome, error) {
	if h.dedupe == nil {
		return h.call(ctx, event)
	}
	key := dedupeKey(event.Meta())
	claim, err := h.dedupe.Claim(ctx, key, dedupeLease)
	switch {
	case err != nil:
		return eventFailed, fmt.Errorf("claiming the event: %w", err)
	case claim.State == ClaimDone:
		return eventDone, nil
	case claim.State != ClaimGranted:
		return eventBusy, nil
	}
	handled := false
	defer func() { // also when fn ends the goroutine
		if !handled {
			h.release(ctx, key, claim.Token)
		}
	}()
	work, cancel := context.WithTimeout(ctx, dedupeLease)
	defer cancel()
	if o, err := h.call(work, event); err != nil {
		return o, err
	}
	handled = true
	after, cancel := afterwards(ctx)
	defer cancel()
	// A failure is no reason to have the event delivered again: it was handled.
	return eventHandled, h.dedupe.Commit(after, key, claim.Token)
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

// call calls fn, and survives it.
func (h *webhookHandler) call(ctx context.Context, event Event) (o outcome, err error) {
	defer func() {
		if value := recover(); value != nil {
			o, err = eventFailed, fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	if err := h.fn(ctx, event); err != nil {
		return eventFailed, err
	}
	return eventHandled, nil
}

// dedupeKey returns what tells an event from others. An event of a form that is not known may
// have no idempotency key, and nobody says what may be in one.
func dedupeKey(meta EventMeta) string {
	const longest = 255
	if key := meta.IdempotencyKey; key != "" && len(key) <= longest && plain.Visible(key) == key {
		return key
	}
	hash := sha256.Sum256([]byte(cmp.Or(meta.IdempotencyKey, string(meta.Raw))))
	return "sha256:" + hex.EncodeToString(hash[:])
}
