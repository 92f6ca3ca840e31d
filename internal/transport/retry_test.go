package transport_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/transport"
)

var errReset = errors.New("connection reset by peer")

// step is the outcome of one attempt at a scripted server: a status, or an error if status is 0.
type step struct {
	status     int
	retryAfter string
}

// script responds to attempt n with step n, and to all later attempts with the last step.
type script struct {
	mu     sync.Mutex
	steps  []step
	at     []time.Time
	bodies []string
	auth   []string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := ""
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	s.bodies = append(s.bodies, body)
	s.auth = append(s.auth, req.Header.Get("Authorization"))
	s.at = append(s.at, time.Now())
	st := s.steps[min(len(s.at), len(s.steps))-1]
	if st.status == 0 {
		return nil, errReset
	}
	header := http.Header{}
	if st.retryAfter != "" {
		header.Set("Retry-After", st.retryAfter)
	}
	return &http.Response{
		StatusCode: st.status, Header: header,
		Body: io.NopCloser(strings.NewReader("{}")), ContentLength: 2,
	}, nil
}

func (s *script) do(ctx context.Context, call *transport.Call, method, body string) (*http.Response, error) {
	client := &http.Client{Transport: &transport.Wire{Base: s, MaxBytes: 1 << 10}}
	req, err := http.NewRequestWithContext(ctx, method, "https://example.com/", nil)
	if err != nil {
		return nil, err
	}
	var payload []byte
	if body != "" {
		payload = []byte(body)
	}
	resp, err := call.Do(client, req, payload)
	if resp != nil {
		resp.Body.Close()
	}
	return resp, err
}

var policy = transport.Policy{MaxRetries: 3, MinWait: time.Second, MaxWait: 10 * time.Second}

func TestCallRetries(t *testing.T) {
	statuses := func(codes ...int) (steps []step) {
		for _, c := range codes {
			steps = append(steps, step{status: c})
		}
		return steps
	}
	tests := []struct {
		name  string
		when  transport.When
		steps []step
		sent  int
		want  int // the status in the end, 0 for an error
	}{
		{"a success is sent once", transport.Always, statuses(200), 1, 200},
		{"a network failure", transport.Always, statuses(0, 200), 2, 200},
		{"429", transport.Always, statuses(429, 200), 2, 200},
		{"502", transport.Always, statuses(502, 200), 2, 200},
		{"503", transport.Always, statuses(503, 200), 2, 200},
		{"504", transport.Always, statuses(504, 200), 2, 200},
		{"500 is an answer", transport.Always, statuses(500, 200), 1, 500},
		{"501 is an answer", transport.Always, statuses(501, 200), 1, 501},
		{"404 is an answer", transport.Always, statuses(404, 200), 1, 404},
		{"401 is an answer", transport.Always, statuses(401, 200), 1, 401},
		{"the retries end with the last response", transport.Always, statuses(503), 4, 503},
		{"the retries end with the last error", transport.Always, statuses(0), 4, 0},
		{"the last response is returned", transport.Always, statuses(0, 502, 503, 429), 4, 429},
		{"refused: 429", transport.WhenRefused, statuses(429, 201), 2, 201},
		{"refused: not 503", transport.WhenRefused, statuses(503, 201), 1, 503},
		{"refused: not a network failure", transport.WhenRefused, statuses(0, 201), 1, 0},
		{"never: not 429", transport.Never, statuses(429, 200), 1, 429},
		{"never: not a network failure", transport.Never, statuses(0, 200), 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: tt.steps}
				call := &transport.Call{Policy: policy, When: tt.when}
				resp, err := s.do(t.Context(), call, http.MethodPost, "payload")
				assert.Len(t, s.at, tt.sent)
				assert.Equal(t, tt.sent, call.Attempts())
				for _, body := range s.bodies {
					assert.Equal(t, "payload", body, "each attempt sends the whole body")
				}
				if tt.want == 0 {
					require.ErrorIs(t, err, errReset)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, tt.want, resp.StatusCode)
			})
		})
	}
}

func TestCallDoesNotRetryTooLarge(t *testing.T) {
	sent := 0
	base := roundTrip(func(*http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: 200, Body: io.NopCloser(endless{}), ContentLength: -1}, nil
	})
	client := &http.Client{Transport: &transport.Wire{Base: base, MaxBytes: 10}}
	call := &transport.Call{Policy: policy, When: transport.Always}
	_, err := call.Do(client, get(t, t.Context()), nil)
	var tooLarge *transport.TooLargeError
	require.ErrorAs(t, err, &tooLarge)
	assert.Equal(t, 1, sent)
}

func TestCallWaits(t *testing.T) {
	tests := []struct {
		name       string
		retryAfter string
		deadline   time.Duration // of the caller, 0 for none
		sent       int
		wait       time.Duration // exactly, before the second attempt; -1 for the jitter's range
	}{
		{"seconds", "7", 0, 2, 7 * time.Second},
		{"a fraction", "1.5", 0, 2, 1500 * time.Millisecond},
		{"at once", "0", 0, 2, 0},
		{"a date", "DATE", 0, 2, 5 * time.Second},
		{"MaxWait", "10", 0, 2, 10 * time.Second},
		{"longer than MaxWait", "11", 0, 1, 0},
		{"out of range", "9999999999", 0, 1, 0},
		{"an invalid value is ignored", "soon", 0, 2, -1},
		{"nothing", "", 0, 2, -1},
		{"within the deadline", "7", 8 * time.Second, 2, 7 * time.Second},
		{"up to the deadline", "8", 8 * time.Second, 1, 0},
		{"beyond the deadline", "9", 8 * time.Second, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				after := tt.retryAfter
				if after == "DATE" {
					after = time.Now().Add(5 * time.Second).UTC().Format(http.TimeFormat)
				}
				s := &script{steps: []step{{429, after}, {status: 200}}}
				start := time.Now()
				var told []transport.Attempt
				call := &transport.Call{
					Policy: policy, When: transport.Always,
					After: func(a transport.Attempt) { told = append(told, a) },
				}
				_, err := s.do(ctx, call, http.MethodGet, "")
				require.NoError(t, err)
				require.Len(t, s.at, tt.sent)
				require.Len(t, told, tt.sent)
				assert.Equal(t, 429, told[0].Response.StatusCode)
				assert.Equal(t, tt.sent > 1, told[0].Retried)
				if tt.sent == 1 {
					assert.Zero(t, told[0].Wait)
					assert.Zero(t, time.Since(start), "it returns at once")
					return
				}
				waited := s.at[1].Sub(start)
				assert.Equal(t, waited, told[0].Wait)
				assert.Equal(t, []int{1, 2}, []int{told[0].Number, told[1].Number})
				assert.False(t, told[1].Retried)
				if tt.wait >= 0 {
					assert.Equal(t, tt.wait, waited)
				} else {
					assert.LessOrEqual(t, waited, policy.MinWait)
				}
			})
		})
	}
}

func TestCallJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var longest [6]time.Duration
		distinct := map[time.Duration]bool{}
		for range 200 {
			s := &script{steps: []step{{status: 503}}}
			call := &transport.Call{
				Policy: transport.Policy{MaxRetries: 6, MinWait: time.Second, MaxWait: 10 * time.Second},
				When:   transport.Always,
				After: func(a transport.Attempt) {
					if a.Retried {
						longest[a.Number-1] = max(longest[a.Number-1], a.Wait)
						distinct[a.Wait] = true
					}
				},
			}
			_, err := s.do(t.Context(), call, http.MethodGet, "")
			require.NoError(t, err)
		}
		for i, bound := range []int{1, 2, 4, 8, 10, 10} {
			assert.LessOrEqual(t, longest[i], time.Duration(bound)*time.Second, "retry "+strconv.Itoa(i+1))
			assert.Greater(t, longest[i], time.Duration(bound)*time.Second*8/10, "retry "+strconv.Itoa(i+1))
		}
		assert.Greater(t, len(distinct), 1000, "waits are spread")
	})
}

func TestCallWaitsWithoutLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []step{{status: 503}, {status: 200}}}
		call := &transport.Call{
			Policy: transport.Policy{MaxRetries: 1, MinWait: math.MaxInt64, MaxWait: math.MaxInt64}, When: transport.Always,
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		resp, err := s.do(ctx, call, http.MethodGet, "")
		require.NoError(t, err)
		assert.Equal(t, 503, resp.StatusCode, "it returns at once")
		assert.True(t, call.Answered())
	})
}

func TestCallStopsWaitingWhenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		s := &script{steps: []step{{429, "9"}}}
		start := time.Now()
		_, err := s.do(ctx, &transport.Call{Policy: policy, When: transport.Always}, http.MethodGet, "")
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Len(t, s.at, 1)
	})
}

func TestCallPreparesEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []step{{status: 503}, {status: 503}, {status: 200}}}
		n := 0
		call := &transport.Call{Policy: policy, When: transport.Always, Before: func(req *http.Request) error {
			n++
			req.Header.Set("Authorization", strconv.Itoa(n))
			return nil
		}}
		_, err := s.do(t.Context(), call, http.MethodGet, "")
		require.NoError(t, err)
		assert.Equal(t, []string{"1", "2", "3"}, s.auth)
	})
}

func TestCallEndsWhenPreparingFails(t *testing.T) {
	for sent := range 3 {
		synctest.Test(t, func(t *testing.T) {
			s := &script{steps: []step{{status: 503}}}
			no, n := errors.New("no token"), 0
			call := &transport.Call{Policy: policy, When: transport.Always, Before: func(*http.Request) error {
				if n == sent {
					return no
				}
				n++
				return nil
			}}
			_, err := s.do(t.Context(), call, http.MethodGet, "")
			require.ErrorIs(t, err, no)
			assert.Len(t, s.at, sent)
			assert.Equal(t, sent, call.Attempts())
		})
	}
}
