package connect

import (
	"errors"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/recent"
)

const (
	// maxPosts is how many posts of a user lead to calls of MoneyKit in a minute. MoneyKit itself
	// opens 20 link sessions a minute for a user.
	maxPosts = 60
	// maxWait bounds how long a user waits because MoneyKit said so.
	maxWait = time.Hour
	// maxUsers bounds the memory of a limiter.
	maxUsers = 100_000
)

// limiter limits how often a user makes the handler call MoneyKit.
type limiter struct {
	posts recent.Map[string, int]         // posts of a user in the last minute
	waits recent.Map[userCall, time.Time] // until when MoneyKit does not accept a call from a user
}

type userCall struct{ user, call string }

func newLimiter() *limiter {
	return &limiter{
		posts: recent.Map[string, int]{Life: time.Minute, Limit: maxUsers},
		waits: recent.Map[userCall, time.Time]{Life: maxWait, Limit: maxUsers},
	}
}

// do calls f for a user, unless the user has posted too often or MoneyKit has told the user to wait
// before this call. Then it returns an error that matches [moneykit.ErrRateLimited].
func (l *limiter) do(call, user string, f func() error) error {
	key := userCall{user, call}
	var left time.Duration
	if l.posts.Change(user, func(n int) int { return n + 1 }) > maxPosts {
		left = l.posts.Left(user)
	}
	if until, ok := l.waits.Get(key); ok {
		left = max(left, time.Until(until))
	}
	if left > 0 {
		return &moneykit.Error{
			Operation: "Connect", Code: moneykit.ErrorCodeRateLimitExceeded,
			StatusCode: http.StatusTooManyRequests, RetryAfter: left,
		}
	}
	err := f()
	if errors.Is(err, moneykit.ErrRateLimited) {
		l.waits.Put(key, time.Now().Add(min(retryAfter(err), maxWait)))
	}
	return err
}

// retryAfter returns how long to wait after an error that matches [moneykit.ErrRateLimited]: a
// minute, like MoneyKit's limits, if the response did not say.
func retryAfter(err error) time.Duration {
	var e *moneykit.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return time.Minute
}
