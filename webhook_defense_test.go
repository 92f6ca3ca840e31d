package moneykit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// unread is a body that counts the bytes that are read.
type unread struct {
	io.Reader

	n *atomic.Int64
}

func (u unread) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.n.Add(int64(n))
	return n, err
}

func (u unread) Close() error { return nil }

// TestForgedBodiesAreNotRead sends large bodies without a valid signature.
func TestForgedBodiesAreNotRead(t *testing.T) {
	t.Parallel()
	forged := map[string]func(h *hook){
		"unsigned":       func(h *hook) { h.change = func(r *http.Request) { r.Header.Del("MoneyKit-Signature") } },
		"no token":       func(h *hook) { h.token = "a.b.c" },
		"another's key":  func(h *hook) { h.keys = `{"keys":[` + jwkOf(h.t, newKey(h.t), "key-1") + `]}` },
		"unknown key":    func(h *hook) { h.head = `{"alg":"ES256","kid":"key-9"}` },
		"too old":        func(h *hook) { h.claims = claimsAt(hookTime().Add(-3*time.Hour), h.signed) },
		"from to-morrow": func(h *hook) { h.claims = claimsAt(hookTime().Add(time.Hour), h.signed) },
		"no keys":        func(h *hook) { h.answers = httpmock.NewStringResponder(500, "") },
	}
	for name, forge := range forged {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t)
			forge(h)
			request := h.request()
			var read atomic.Int64
			request.Body = unread{strings.NewReader(strings.Repeat("x", 1<<20)), &read}
			request.ContentLength = -1
			w := &recorderOfStatus{}
			h.client().Webhooks.Handler(ignore).ServeHTTP(w, request)
			assert.GreaterOrEqual(t, w.status, 400)
			assert.Zero(t, read.Load())
		})
	}
}

type recorderOfStatus struct {
	header http.Header
	status int
}

func (r *recorderOfStatus) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}
func (r *recorderOfStatus) Write(p []byte) (int, error) { return len(p), nil }
func (r *recorderOfStatus) WriteHeader(status int)      { r.status = status }

// TestForgeriesDoNotFloodTheLog counts the log records of a thousand forged deliveries.
func TestForgeriesDoNotFloodTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		h := newHook(t)
		h.answers = httpmock.NewStringResponder(500, "")
		handler := h.client(moneykit.WithLogger(slog.New(slog.NewTextHandler(&logs, nil)))).Webhooks.Handler(ignore)
		for range 1000 {
			assert.Equal(t, http.StatusServiceUnavailable, h.answer(handler).Code)
		}
		assert.Equal(t, 10, strings.Count(logs.String(), "webhook refused"))
		<-time.After(time.Minute)
		assert.Equal(t, http.StatusServiceUnavailable, h.answer(handler).Code)
		assert.Equal(t, 11, strings.Count(logs.String(), "webhook refused"), "the limit is per minute")
	})
}

// TestExplanationsAreFew sends many altered bodies with one good signature.
func TestExplanationsAreFew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHook(t)
		client := h.client()
		h.body += " "
		explained := 0
		for range 50 {
			_, err := client.Webhooks.Verify(t.Context(), h.request().Header, []byte(h.body))
			require.ErrorIs(t, err, moneykit.ErrBodyMismatch)
			if strings.Contains(err.Error(), "white space was put around it") {
				explained++
			}
		}
		assert.Equal(t, 5, explained)
	})
}

// TestForgedKeyIDDoesNotRefuseANewKey rotates keys just after a delivery with a made-up key id.
func TestForgedKeyIDDoesNotRefuseANewKey(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	keys := `{"keys":[` + jwkOf(t, h.key, "key-1") + `]}`
	h.answers = func(r *http.Request) (*http.Response, error) { return answers(http.StatusOK, keys)(r) }
	now := hookTime()
	client := h.client(moneykit.WithClock(func() time.Time { return now }))
	handler := client.Webhooks.Handler(ignore)
	require.Equal(t, http.StatusNoContent, h.answer(handler).Code)

	now = now.Add(10 * time.Minute)
	good := h.head
	h.head = strings.Replace(good, "key-1", "made-up", 1)
	require.Equal(t, http.StatusBadRequest, h.answer(handler).Code, "the refetched key set does not have the key")

	keys = `{"keys":[` + jwkOf(t, h.key, "key-2") + `,` + jwkOf(t, newKey(t), "key-1") + `]}`
	now = now.Add(time.Second)
	h.head = strings.Replace(good, "key-1", "key-2", 1)
	h.claims = claimsAt(now, h.signed)
	require.Equal(t, http.StatusServiceUnavailable, h.answer(handler).Code, "the key may be newer than the key set")
	_, err := client.Webhooks.Verify(t.Context(), h.request().Header, []byte(h.body))
	require.ErrorIs(t, err, moneykit.ErrKeysUnavailable)
	require.NotErrorIs(t, err, moneykit.ErrInvalidSignature)

	now = now.Add(5 * time.Minute)
	require.Equal(t, http.StatusNoContent, h.answer(handler).Code, "MoneyKit delivers again")
}

// TestFinalFailuresAreAcknowledged lets functions fail with final errors.
func TestFinalFailuresAreAcknowledged(t *testing.T) {
	t.Parallel()
	gone := fmt.Errorf("syncing: %w", &moneykit.Error{Code: moneykit.ErrorCodeLinkDeleted})
	poison := errors.New("cannot ever be stored")
	isPoison := func(err error) bool { return errors.Is(err, poison) }
	for name, tt := range map[string]struct {
		err    error
		opts   []moneykit.HandlerOption
		status int
	}{
		"deleted":            {gone, nil, 204},
		"the sentinel":       {moneykit.ErrLinkDeleted, nil, 204},
		"not found":          {moneykit.ErrNotFound, nil, 500},
		"temporary":          {context.DeadlineExceeded, nil, 500},
		"poison":             {poison, nil, 500},
		"poison, final":      {poison, []moneykit.HandlerOption{moneykit.WithFinal(isPoison)}, 204},
		"deleted, not final": {gone, []moneykit.HandlerOption{moneykit.WithFinal(isPoison)}, 500},
		"nothing is final":   {gone, []moneykit.HandlerOption{moneykit.WithFinal(func(error) bool { return false })}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			h, d, calls := newHook(t), &moneykit.MemoryDeduper{}, 0
			client := h.client(moneykit.WithLogger(slog.New(slog.NewTextHandler(&logs, nil))))
			handler := client.Webhooks.Handler(func(context.Context, moneykit.Event) error { calls++; return tt.err },
				append(tt.opts, moneykit.WithDedupe(d))...)
			assert.Equal(t, tt.status, h.answer(handler).Code)
			assert.Equal(t, tt.status, h.answer(handler).Code)
			if tt.status == 204 {
				assert.Equal(t, 1, calls, "the event counts as handled")
				assert.Equal(t, 1, strings.Count(logs.String(), "level=WARN"), "the error is logged once")
				return
			}
			assert.Equal(t, 2, calls)
		})
	}
}

// TestWebhookOfADeletedLink delivers an event of a deleted link to a function that syncs.
func TestWebhookOfADeletedLink(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client(moneykit.WithLogger(slog.New(slog.DiscardHandler)))
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: "https://app.example/hooks"})
	var store moneykittest.MemoryStore
	handler := client.Webhooks.Handler(func(ctx context.Context, e moneykit.Event) error {
		_, err := client.SyncTransactions(ctx, e.Meta().LinkID, &store)
		return err
	})
	require.NoError(t, client.Links.Delete(t.Context(), link.ID))
	body := `{"webhook_event":"transactions.updates_available","webhook_major_version":1,"webhook_idempotency_key":"e","link_id":"` + link.ID + `"}`
	w := &recorderOfStatus{}
	handler.ServeHTTP(w, mk.SignedRequest("https://app.example/hooks", []byte(body)))
	assert.Equal(t, http.StatusNoContent, w.status)
}

// TestHandlersWithoutABody serves requests whose body is nil, which only tests make.
func TestHandlersWithoutABody(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	request := h.request()
	request.Body = nil
	w := &recorderOfStatus{}
	h.client().Webhooks.Handler(ignore).ServeHTTP(w, request)
	assert.Equal(t, http.StatusBadRequest, w.status)
	h.client().Webhooks.Handler(ignore).ServeHTTP(w, &http.Request{Method: http.MethodPost})
	assert.Equal(t, http.StatusBadRequest, w.status)
}
