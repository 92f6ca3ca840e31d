package moneykit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// answer returns the response of handler to one more delivery of h.
func (h *hook) answer(handler http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, h.request())
	return w
}

func TestWebhookMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{
		http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "post",
	} {
		h := newHook(t)
		h.method = method
		w := h.answer(h.client().Webhooks.Handler(ignore))
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		assert.Equal(t, http.MethodPost, w.Header().Get("Allow"))
	}
}

func TestWebhookTooLarge(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	h.sends(eventJSON + strings.Repeat(" ", 1<<20-len(eventJSON)+1))
	assert.Equal(t, http.StatusRequestEntityTooLarge, h.answer(h.client().Webhooks.Handler(ignore)).Code, "one byte too many")
	h.change = func(r *http.Request) { r.ContentLength = -1 }
	assert.Equal(t, http.StatusRequestEntityTooLarge, h.answer(h.client().Webhooks.Handler(ignore)).Code, "without a length")

	h = newHook(t)
	_, err := h.client().Webhooks.Verify(t.Context(), h.request().Header, []byte(strings.Repeat(" ", 2<<20)))
	require.ErrorIs(t, err, moneykit.ErrBodyMismatch)
}

func TestWebhookBodyBreaksOff(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	h := newHook(t)
	h.change = func(r *http.Request) {
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(eventJSON[:20]), broken{}))
	}
	client := h.client(moneykit.WithLogger(slog.New(slog.NewTextHandler(&logs, nil))))
	assert.Equal(t, http.StatusBadRequest, h.answer(client.Webhooks.Handler(ignore)).Code)
	assert.Contains(t, logs.String(), "reading the body: the connection ended early")
}

func TestWebhookWithoutSignatureIsNotRead(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	h.change = func(r *http.Request) {
		r.Header.Del("MoneyKit-Signature")
		r.Body = io.NopCloser(untouchable{t})
	}
	assert.Equal(t, http.StatusBadRequest, h.answer(h.client().Webhooks.Handler(ignore)).Code)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// zeros is a reader of n zero bytes.
type zeros struct{ n, read int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.read >= z.n {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n-z.read)
	clear(p[:n])
	z.read += n
	return int(n), nil
}

// A body of a gigabyte takes no more memory than the largest accepted body. This test does not run
// in parallel, because it measures memory.
func TestWebhookMemory(t *testing.T) { //nolint:paralleltest // see above
	const gigabyte = 1 << 30
	allocated := func(f func()) uint64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for _, length := range []int64{gigabyte, -1} {
		h := newHook(t)
		body := &zeros{n: gigabyte}
		h.change = func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(body), length }
		handler, request, w := h.client().Webhooks.Handler(ignore), h.request(), httptest.NewRecorder()
		assert.Less(t, allocated(func() { handler.ServeHTTP(w, request) }), uint64(16<<20))
		assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
		assert.LessOrEqual(t, body.read, int64(2<<20))
	}
	for _, length := range []int64{gigabyte, -1} {
		h := newHook(t)
		keys := &zeros{n: gigabyte}
		h.answers = func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: length, Body: io.NopCloser(keys)}, nil
		}
		handler, request, w := h.client().Webhooks.Handler(ignore), h.request(), httptest.NewRecorder()
		assert.Less(t, allocated(func() { handler.ServeHTTP(w, request) }), uint64(4<<20))
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
		assert.LessOrEqual(t, keys.read, int64(1<<20))
	}
}

func TestWebhookHandlerWithoutAFunction(t *testing.T) {
	t.Parallel()
	client := newHook(t).client()
	assert.PanicsWithValue(t, "moneykit: the function for events is nil", func() { client.Webhooks.Handler(nil) })
	assert.PanicsWithValue(t, "moneykit: an option is nil", func() { client.Webhooks.Handler(ignore, nil) })
	assert.PanicsWithValue(t, "moneykit: the function for final errors is nil", func() {
		client.Webhooks.Handler(ignore, moneykit.WithFinal(nil))
	})
}

func TestWebhookFailures(t *testing.T) {
	t.Parallel()
	failure := errors.New("the database is down")
	tests := []struct {
		name   string
		fn     func(context.Context, moneykit.Event) error
		logged string
	}{
		{"an error", func(context.Context, moneykit.Event) error { return failure }, "the database is down"},
		{"a panic", func(context.Context, moneykit.Event) error { panic("lost") }, "panic: lost"},
		{"a panic with http.ErrAbortHandler", func(context.Context, moneykit.Event) error { panic(http.ErrAbortHandler) }, "panic: net/http"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			h := newHook(t)
			client := h.client(moneykit.WithLogger(slog.New(slog.NewTextHandler(&logs, nil))))
			w := h.answer(client.Webhooks.Handler(tt.fn))
			assert.Equal(t, http.StatusInternalServerError, w.Code)
			assert.Empty(t, w.Body.String())
			for _, part := range []string{
				"level=ERROR", "webhook failed", "event=link.state_changed", "link_id=mk_1", "delivery_token=delivery-1",
				"delivery_attempt=2", "status=500", tt.logged,
			} {
				assert.Contains(t, logs.String(), part)
			}
		})
	}
}

func TestWebhookRefusalIsLogged(t *testing.T) { //nolint:paralleltest // it replaces the default logger
	var logs bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logs, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	h := newHook(t)
	h.change = func(r *http.Request) {
		r.Header.Set("MoneyKit-Delivery-Token", "a\nlevel=ERROR "+strings.Repeat("x", 500))
	}
	h.body += " "
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, keysURL, answers(http.StatusOK, `{"keys":[`+jwkOf(t, h.key, "key-1")+`]}`))
	client := newClient(t, mock, moneykit.WithClock(hookTime)) // without a logger
	assert.Equal(t, http.StatusBadRequest, h.answer(client.Webhooks.Handler(ignore)).Code)
	line := logs.String()
	assert.Contains(t, line, "level=WARN")
	assert.Contains(t, line, "white space was put around it")
	assert.Contains(t, line, `delivery_token="alevel=ERRORxxx`)
	assert.Less(t, len(line), 700)
	assert.Equal(t, 1, strings.Count(line, "\n"))
}

// scripted is a Deduper that fails as its fields say.
type scripted struct {
	moneykit.MemoryDeduper

	claim, commit, release error
	lost                   bool                // Failing calls take effect, and only their result is lost.
	state                  moneykit.ClaimState // replaces the real one
	keys                   []string
	deadlines              []bool
}

func (s *scripted) Claim(ctx context.Context, key string, lease time.Duration) (string, moneykit.ClaimState, error) {
	s.keys = append(s.keys, key)
	if s.claim != nil || s.state != 0 {
		return "", s.state, s.claim
	}
	return s.MemoryDeduper.Claim(ctx, key, lease)
}

func (s *scripted) Commit(ctx context.Context, key, token string) error {
	_, has := ctx.Deadline()
	s.deadlines = append(s.deadlines, has && ctx.Err() == nil)
	if s.commit != nil && !s.lost {
		return s.commit
	}
	return errors.Join(s.commit, s.MemoryDeduper.Commit(ctx, key, token))
}

func (s *scripted) Release(ctx context.Context, key, token string) error {
	_, has := ctx.Deadline()
	s.deadlines = append(s.deadlines, has && ctx.Err() == nil)
	if s.release != nil && !s.lost {
		return s.release
	}
	return errors.Join(s.release, s.MemoryDeduper.Release(ctx, key, token))
}

func TestWithDedupe(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	fails := func(context.Context, moneykit.Event) error { return down }
	tests := []struct {
		name   string
		dedupe *scripted
		fn     func(context.Context, moneykit.Event) error
		first  int
		second int // of the same delivery, with a function that works
	}{
		{"handled", &scripted{}, ignore, 204, 204},
		{"failed and released", &scripted{}, fails, 500, 204},
		{"failed and not released", &scripted{release: down}, fails, 500, 503}, // until the lease ends
		{"failed, and the release succeeds with an error", &scripted{release: down, lost: true}, fails, 500, 204},
		{"panicked", &scripted{}, func(context.Context, moneykit.Event) error { panic(1) }, 500, 204},
		{"cannot be claimed", &scripted{claim: down}, ignore, 500, 500},
		{"busy", &scripted{state: moneykit.ClaimBusy}, ignore, 503, 503},
		{"an undefined claim state", &scripted{state: 9}, ignore, 503, 503},
		{"done", &scripted{state: moneykit.ClaimDone}, fails, 204, 204},
		{"handled, but the commit fails", &scripted{commit: down}, ignore, 204, 503},
		{"handled, and the commit succeeds with an error", &scripted{commit: down, lost: true}, ignore, 204, 204},
		{"handled, but the claim was lost", &scripted{commit: moneykit.ErrClaimLost}, ignore, 204, 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t)
			client := h.client()
			w := h.answer(client.Webhooks.Handler(tt.fn, moneykit.WithDedupe(tt.dedupe)))
			assert.Equal(t, tt.first, w.Code)
			if tt.first == http.StatusServiceUnavailable {
				assert.Equal(t, "5", w.Header().Get("Retry-After"))
			}
			assert.Equal(t, tt.second, h.answer(client.Webhooks.Handler(ignore, moneykit.WithDedupe(tt.dedupe))).Code)
			assert.Regexp(t, "^sha256:[0-9a-f]{64}$", tt.dedupe.keys[0])
			assert.NotContains(t, tt.dedupe.deadlines, false, "commit and release have a deadline and outlive the request")
		})
	}
}

// The event is committed even if the sender has disconnected before the function returns.
func TestWithDedupeOutlivesRequest(t *testing.T) {
	t.Parallel()
	h, d := newHook(t), &scripted{}
	for _, failure := range []error{errors.New("failed"), nil} {
		ctx, cancel := context.WithCancel(t.Context())
		h.change = func(r *http.Request) { *r = *r.WithContext(ctx) }
		h.answer(h.client().Webhooks.Handler(func(work context.Context, _ moneykit.Event) error {
			deadline, ok := work.Deadline()
			assert.True(t, ok)
			assert.LessOrEqual(t, time.Until(deadline), 5*time.Minute)
			cancel()
			return failure
		}, moneykit.WithDedupe(d)))
		cancel()
	}
	assert.Equal(t, []bool{true, true}, d.deadlines)
	_, state, err := d.MemoryDeduper.Claim(t.Context(), d.keys[0], time.Minute)
	require.NoError(t, err)
	assert.Equal(t, moneykit.ClaimDone, state)
}

// If the function calls runtime.Goexit, the event is released.
func TestWithDedupeGoexit(t *testing.T) {
	t.Parallel()
	h, d := newHook(t), &scripted{}
	client := h.client()
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.answer(client.Webhooks.Handler(func(context.Context, moneykit.Event) error {
			runtime.Goexit()
			return nil
		}, moneykit.WithDedupe(d)))
	}()
	<-done
	assert.Equal(t, http.StatusNoContent, h.answer(client.Webhooks.Handler(ignore, moneykit.WithDedupe(d))).Code)
}

// Keys are hashes of the client id, the link id and the idempotency key. The body replaces a
// missing idempotency key.
func TestDedupeKeys(t *testing.T) {
	t.Parallel()
	d := &scripted{}
	for _, body := range []string{
		strings.Replace(eventJSON, "evt_1", `evt\u0000 ä`, 1),
		`{"webhook_event":"new","a":1}`, `{"webhook_event":"new","a":2}`,
		strings.Replace(eventJSON, "evt_1", strings.Repeat("k", 255), 1), strings.Replace(eventJSON, "evt_1", strings.Repeat("k", 256), 1),
	} {
		h := newHook(t)
		h.sends(body)
		for range 2 {
			assert.Equal(t, http.StatusNoContent, h.answer(h.client().Webhooks.Handler(ignore, moneykit.WithDedupe(d))).Code)
		}
	}
	unique := map[string]bool{}
	for _, key := range d.keys {
		unique[key] = true
		assert.Regexp(t, `^[!-~]{1,255}$`, key)
	}
	assert.Len(t, unique, 5)
}

// Links and applications may use the same idempotency key.
func TestDedupeKeysAreScoped(t *testing.T) {
	t.Parallel()
	d := &scripted{}
	for _, id := range []string{testID, testID + "_2"} {
		for _, link := range []string{"mk_1", "mk_2", "mk_1evt_1"} {
			h := newHook(t)
			h.sends(strings.Replace(eventJSON, `"mk_1"`, `"`+link+`"`, 1))
			mock := newMock(t)
			mock.RegisterResponder(http.MethodGet, keysURL, answers(http.StatusOK, `{"keys":[`+jwkOf(t, h.key, "key-1")+`]}`))
			client, err := moneykit.NewClient(id, testSecret, moneykit.WithBaseURL(testBase), moneykit.WithClock(hookTime),
				moneykit.WithHTTPClient(&http.Client{Transport: mock}))
			require.NoError(t, err)
			assert.Equal(t, http.StatusNoContent, h.answer(client.Webhooks.Handler(ignore, moneykit.WithDedupe(d))).Code)
		}
	}
	unique := map[string]bool{}
	for _, key := range d.keys {
		unique[key] = true
	}
	assert.Len(t, unique, 6)
}
