package moneykit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestMemoryDeduper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &moneykit.MemoryDeduper{Limit: 3, Age: time.Hour}
		claim := func(key string, want moneykit.ClaimState) string {
			token, state, err := d.Claim(t.Context(), key, time.Minute)
			require.NoError(t, err)
			assert.Equal(t, want, state)
			assert.Equal(t, want == moneykit.ClaimGranted, token != "")
			return token
		}
		a := claim("a", moneykit.ClaimGranted)
		claim("a", moneykit.ClaimBusy)
		require.NoError(t, d.Commit(t.Context(), "a", a))
		claim("a", moneykit.ClaimDone)
		require.ErrorIs(t, d.Commit(t.Context(), "a", a), moneykit.ErrClaimLost, "twice")
		require.NoError(t, d.Release(t.Context(), "a", a))
		claim("a", moneykit.ClaimDone) // It cannot be released.

		<-time.After(time.Hour)
		claim("a", moneykit.ClaimGranted) // It is forgotten.

		// The limit: what is done goes first, then what nobody is at any more.
		b := claim("b", moneykit.ClaimGranted)
		require.NoError(t, d.Commit(t.Context(), "b", b))
		claim("c", moneykit.ClaimGranted)
		claim("d", moneykit.ClaimGranted) // It forgets b.
		_, _, err := d.Claim(t.Context(), "e", time.Minute)
		require.ErrorContains(t, err, "too many events")
		claim("c", moneykit.ClaimBusy) // Others are not harmed.
		<-time.After(time.Minute)
		claim("e", moneykit.ClaimGranted)

		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err = d.Claim(canceled, "f", time.Minute)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// The bounds hold whatever comes, and the defaults are bounds.
func TestMemoryDeduperIsBounded(t *testing.T) { //nolint:paralleltest // it measures memory
	d := &moneykit.MemoryDeduper{}
	fill := func(from int) {
		for i := range 150_000 {
			key := fmt.Sprint("evt_", from+i)
			token, _, err := d.Claim(t.Context(), key, time.Minute)
			require.NoError(t, err)
			require.NoError(t, d.Commit(t.Context(), key, token))
		}
	}
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	fill(0)
	before := heap()
	fill(1_000_000)
	assert.Less(t, int64(heap())-int64(before), int64(8<<20))
	_, state, err := d.Claim(t.Context(), "evt_1149999", time.Minute)
	require.NoError(t, err)
	assert.Equal(t, moneykit.ClaimDone, state)
	runtime.KeepAlive(d)
}

// scripted is a Deduper that fails where it is told to.
type scripted struct {
	moneykit.MemoryDeduper

	claim, commit, release error
	lost                   bool                // what fails has taken effect: only the answer is lost
	state                  moneykit.ClaimState // in place of the real one
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
		{"failed and released, and the answer is lost", &scripted{release: down, lost: true}, fails, 500, 204},
		{"panicked", &scripted{}, func(context.Context, moneykit.Event) error { panic(1) }, 500, 204},
		{"cannot be claimed", &scripted{claim: down}, ignore, 500, 500},
		{"busy", &scripted{state: moneykit.ClaimBusy}, ignore, 503, 503},
		{"a state that is none", &scripted{state: 9}, ignore, 503, 503},
		{"done", &scripted{state: moneykit.ClaimDone}, fails, 204, 204},
		{"handled, but not remembered", &scripted{commit: down}, ignore, 204, 503},
		{"handled and remembered, and the answer is lost", &scripted{commit: down, lost: true}, ignore, 204, 204},
		{"handled, but somebody else's by then", &scripted{commit: moneykit.ErrClaimLost}, ignore, 204, 503},
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
			assert.NotContains(t, tt.dedupe.deadlines, false, "commit and release are bounded, and outlive the request")
		})
	}
}

// The sender may be gone when the function returns.
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

// A goroutine that the function ends gives its event back.
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

// Keys are hashes of the application, the link and the idempotency key, or of the body without one.
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
