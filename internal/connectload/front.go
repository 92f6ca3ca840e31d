package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
)

// answer is a response of the application to a front end.
type answer struct {
	connect.Launch

	Outcome moneykit.ConnectOutcome `json:"outcome"`
	Link    string                  `json:"link"` // its handle
	Error   problem                 `json:"error"`
}

type problem struct {
	Code       string          `json:"code"`
	Action     moneykit.Action `json:"action"`
	RetryAfter int             `json:"retry_after"`
}

// String describes a response without its token.
func (a answer) String() string {
	if a.Error.Code != "" {
		return fmt.Sprintf("%s (%s)", a.Error.Code, a.Error.Action)
	}
	return fmt.Sprintf("%s%s", a.Call, a.Outcome)
}

// The wait of front ends between attempts, and the number of attempts. Real ones wait longer.
const (
	shortWait = 2 * time.Millisecond
	longWait  = 250 * time.Millisecond
	tries     = 50
)

// insist posts for a user until the response needs no retry.
func (l *load) insist(ctx context.Context, user, endpoint string, body any) (answer, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return answer{}, err
	}
	var got answer
	for range tries {
		if got, err = l.post(ctx, user, endpoint, data); err != nil || got.Error.Action != moneykit.ActionRetry {
			return got, err
		}
		l.retries.Add(1)
		wait := min(max(shortWait, time.Duration(got.Error.RetryAfter)*time.Second), longWait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
	return got, fmt.Errorf("%s still returns %v after all retries", endpoint, got)
}

// post sends a front end's request with the user's session.
func (l *load) post(ctx context.Context, user, endpoint string, body []byte) (got answer, err error) {
	l.posts.Add(1)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+"/connect/"+endpoint, bytes.NewReader(body))
	if err != nil {
		return got, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.AddCookie(&http.Cookie{Name: cookieName, Value: user}) //nolint:gosec // what a browser sends has no attributes
	start := time.Now()
	defer func() { l.slow(time.Since(start)) }()
	resp, err := l.front.Do(r)
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return got, nil
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return got, err
	}
	if (resp.StatusCode == http.StatusOK) != (got.Error.Code == "") {
		err = errors.New("status and answer contradict each other")
	}
	return got, err
}

// slow records the duration of the slowest response.
func (l *load) slow(took time.Duration) {
	for slowest := l.slowest.Load(); int64(took) > slowest && !l.slowest.CompareAndSwap(slowest, int64(took)); {
		slowest = l.slowest.Load()
	}
}
