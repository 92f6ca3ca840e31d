package connect

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/recent"
)

const (
	// maxPosts is the number of posts a minute that a handler serves each user. Connect reports
	// some twenty events while a user links a bank, and MoneyKit opens 20 link sessions a minute
	// for a user.
	maxPosts = 120
	// maxWait limits the wait after MoneyKit has limited a user's calls.
	maxWait = time.Hour
	// maxUsers bounds the memory of a handler's limits.
	maxUsers = 100_000
)

// PostLimiter limits how often a user may post to the endpoints of a [Handler]. It may be called
// concurrently.
type PostLimiter interface {
	// Allow counts a post of a user. It returns zero if the user may post, and otherwise how long
	// the user must wait.
	Allow(ctx context.Context, userID string) (retryAfter time.Duration, err error)
}

// memoryLimiter is the default limiter. It counts the posts of each user in a minute that begins
// with the first post.
type memoryLimiter struct{ posts recent.Map[string, int] }

func newMemoryLimiter() *memoryLimiter {
	return &memoryLimiter{recent.Map[string, int]{Life: time.Minute, Limit: maxUsers}}
}

// Allow counts a post of a user. It never fails.
func (l *memoryLimiter) Allow(_ context.Context, userID string) (retryAfter time.Duration, err error) {
	if l.posts.Change(userID, func(n int) int { return n + 1 }) > maxPosts {
		return l.posts.Left(userID), nil
	}
	return 0, nil
}

// limit returns an error that matches [moneykit.ErrRateLimited] if the user must wait before the
// next post.
func (h *Handler) limit(ctx context.Context, userID string) error {
	if h.config.Limit == nil {
		return tooOften(h.memory.Allow(ctx, userID))
	}
	left, err := h.config.Limit.Allow(ctx, userID)
	if err != nil {
		h.logger().ErrorContext(ctx, "moneykit: the limiter of Connect requests failed", "error", err.Error())
		left, err = h.memory.Allow(ctx, userID)
	}
	return tooOften(left, err)
}

// tooOften returns an error that matches [moneykit.ErrRateLimited] if there is time left to wait.
func tooOften(left time.Duration, err error) error {
	if err != nil || left <= 0 {
		return err
	}
	return &moneykit.Error{
		Operation: "Connect", Code: moneykit.ErrorCodeRateLimitExceeded,
		StatusCode: http.StatusTooManyRequests, RetryAfter: left,
	}
}

// waits contains the times until which MoneyKit does not accept a call for a user.
type waits struct {
	until recent.Map[userCall, time.Time]
}

type userCall struct{ user, call string }

func newWaits() *waits {
	return &waits{recent.Map[userCall, time.Time]{Life: maxWait, Limit: maxUsers}}
}

// do calls f, unless MoneyKit still limits this call for this user. In that case it returns an
// error that matches [moneykit.ErrRateLimited].
func (w *waits) do(call, user string, f func() error) error {
	key := userCall{user, call}
	if until, ok := w.until.Get(key); ok {
		if err := tooOften(time.Until(until), nil); err != nil {
			return err
		}
	}
	err := f()
	if errors.Is(err, moneykit.ErrRateLimited) {
		w.until.Put(key, time.Now().Add(min(retryAfter(err), maxWait)))
	}
	return err
}

// retryAfter returns how long to wait after an error that matches [moneykit.ErrRateLimited]. If the
// response did not say, it returns a minute, the period of MoneyKit's limits.
func retryAfter(err error) time.Duration {
	var e *moneykit.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return time.Minute
}
