package moneykit_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// ignore is a function that handles every event.
func ignore(context.Context, moneykit.Event) error { return nil }

// answer returns the answer of handler to one more delivery of h.
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

// zeros yields n bytes and keeps none.
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

// A gigabyte from outside costs no more than the largest that is accepted. The tests do not run
// beside others, because they measure memory.
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
		{"a panic that net/http knows", func(context.Context, moneykit.Event) error { panic(http.ErrAbortHandler) }, "panic: net/http"},
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

// What the operator is told, and nobody else.
func TestWebhookBodyMismatch(t *testing.T) {
	t.Parallel()
	const spaced = `{"webhook_event": "link.state_changed", "link_id": "mk_1", "n": "caf` + "é" + ` <&> \u2028"}`
	again := "decoded and encoded again: its white space or the escapes"
	tests := []struct{ name, signed, sent, says string }{
		{"pretty to compact", "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}", `{"a":1,"b":[2]}`, again},
		{"pretty by four to compact", "{\n    \"a\": 1\n}", `{"a":1}`, again},
		{"pretty by tabs to compact", "{\n\t\"a\": 1\n}", `{"a":1}`, again},
		{"Python to compact", `{"a": 1, "b": "x, y: z\\\""}`, `{"a":1,"b":"x, y: z\\\""}`, again},
		{"Python's escapes to plain text", `{"a": "caf\u00e9 \ud83d\ude00"}`, `{"a":"café 😀"}`, again},
		{"plain text to escapes", `{"a":"café"}`, `{"a":"caf\u00e9"}`, again},
		{"Go's escapes to plain text", `{"a":"\u003cb\u003e \u0026"}`, `{"a":"<b> &"}`, again},
		{"plain text to Go's escapes", `{"a":"<b> &"}`, `{"a":"\u003cb\u003e \u0026"}`, again},
		{"lost line end", `{"a":1}` + "\n", `{"a":1}`, "the line end after it was lost"},
		{"CRLF", "{\n}", "{\r\n}", "changed to CRLF"},
		{"no CRLF", "{\r\n}", "{\n}", "changed from CRLF"},
		{"a byte order mark lost", "\xef\xbb\xbf{}", "{}", "mark before it was lost"},
		{"decoded twice", `"{\"a\":1}"`, `{"a":1}`, "decoded twice"},
		{"a form", `{"a":"1+1"}`, `{"a":"1 1"}`, "as a form"},
		{"escaped as in a URL", `{"a":"b c"}`, `%7B%22a%22%3A%22b+c%22%7D`, "as in a URL"},
		{"in alphabetical order", spaced, `{"link_id":"mk_1","n":"x","webhook_event":"link.state_changed"}`, "alphabetical order"},
		{"too large to look into", "{}", strings.Repeat("x", 65<<10), "too large to find out"},
		{"something else", "{}", spaced, "another delivery's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t)
			h.signed, h.body = tt.signed, tt.sent
			_, err := h.client().Webhooks.Verify(t.Context(), h.request().Header, []byte(h.body))
			require.ErrorIs(t, err, moneykit.ErrBodyMismatch)
			require.ErrorContains(t, err, tt.says)
			assert.NotContains(t, err.Error(), "mk_1", "the body is in the error")
		})
	}
}

// Whoever saw a signature can send it with any body; finding out what happened to the body must not
// cost more than the body.
func TestWebhookExpensiveBody(t *testing.T) { //nolint:paralleltest // it measures memory
	for name, body := range map[string]string{
		"nested": strings.Repeat("[", 9990) + "0" + strings.Repeat(",0", 21000) + strings.Repeat("]", 9990),
		"texts":  "[" + strings.Repeat(`"\u2028<",`, 5000) + `""]`,
		"spaces": strings.Repeat(" ", 64<<10),
	} {
		h := newHook(t)
		h.body = body
		client, request := h.client(), h.request()
		_, err := client.Webhooks.Verify(t.Context(), request.Header, []byte("x")) // gets the keys
		require.Error(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = client.Webhooks.Verify(t.Context(), request.Header, []byte(body))
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, moneykit.ErrBodyMismatch, name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), name)
	}
}

func TestWebhookUnknownKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHook(t)
		client := h.client()
		h.head = strings.Replace(h.head, "key-1", "key-2", 1)
		verify := func() error {
			_, err := client.Webhooks.Verify(t.Context(), h.request().Header, []byte(h.body))
			return err
		}
		err := verify()
		require.ErrorIs(t, err, moneykit.ErrInvalidSignature)
		require.ErrorContains(t, err, `key key-2: the key set, just read, does not have the key: it is of MoneyKit's other environment`)
		require.ErrorContains(t, err, `this client's id, which begins with sandbox`)
		err = verify()
		require.ErrorIs(t, err, moneykit.ErrKeysUnavailable, "it may be newer than the key set")
		require.ErrorContains(t, err, "not read again for 5m0s: it is newer than the key set, or forged")
		assert.Equal(t, moneykit.WebhookKeyStats{Requests: 1, Unknown: 2, Keys: 1, Fetched: hookTime()}, client.Webhooks.KeyStats())

		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		slow := newHook(t)
		slow.answers = httpmock.Responder(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		_, err = slow.client().Webhooks.Verify(canceled, slow.request().Header, []byte(slow.body))
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, moneykit.ErrKeysUnavailable)
		<-time.After(time.Minute) // the request for the keys runs out
	})
}

func TestWebhookAge(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) moneykit.Option {
		return moneykit.WithClock(func() time.Time { return hookTime().Add(d) })
	}
	h := newHook(t)
	tight := moneykit.WithWebhookAge(time.Minute, time.Second)
	for d, want := range map[time.Duration]error{
		0: nil, time.Minute: nil, 61 * time.Second: moneykit.ErrStaleSignature,
		-time.Second: nil, -2 * time.Second: moneykit.ErrStaleSignature,
	} {
		_, err := h.client(tight, at(d)).Webhooks.Verify(t.Context(), h.request().Header, []byte(h.body))
		require.ErrorIs(t, err, want, d)
	}
}

// events is how many are delivered. CI delivers 20,000 under the race detector.
var events = flag.Int("events", 2_000, "how many events TestWebhookExactlyOnce delivers")

// Many workers deliver events, some more than once, until each has been acknowledged, to a function
// that often fails.
func TestWebhookExactlyOnce(t *testing.T) {
	t.Parallel()
	const workers = 64
	h := newHook(t)
	client := h.client()
	x := newExactly(*events)
	handler := client.Webhooks.Handler(x.handle, moneykit.WithDedupe(&moneykit.MemoryDeduper{}))
	bodies, tokens := make([]string, *events), make([]string, *events)
	for i := range *events {
		h.sends(strings.Replace(eventJSON, "evt_1", x.key(i), 1))
		bodies[i], tokens[i] = h.body, h.compact()
	}
	deliver := func(i int) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(bodies[i]))
		r.Header.Set("MoneyKit-Signature", tokens[i])
		w := httptest.NewRecorder()
		func() {
			defer func() { _ = recover() }() // a server survives them
			handler.ServeHTTP(w, r)
		}()
		return w.Code
	}
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() { x.work(worker, workers, deliver) })
	}
	wg.Wait()
	x.check(t)
}
