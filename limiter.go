package moneykit

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// Limiter keeps requests within MoneyKit's rate limits, so that calls wait before they are sent
// instead of failing with 429. [MemoryLimiter] is for an application that runs in one process.
// Implement Limiter in a store that all processes share to give them a common budget.
//
// Wait is called from many goroutines. It must not call the client that it limits.
type Limiter interface {
	// Wait returns nil when the request may be sent; the client then sends it at once. operation is
	// the method and the path template, such as "GET /links/{id}". linkID is the link that the
	// request is about, or "" for none.
	//
	// If Wait returns an error, the request is not sent and the call fails with an [*Error] that
	// wraps it. To refuse a request, return an [*Error] with the Code [ErrorCodeRateLimitExceeded],
	// and in RetryAfter the time until a request would be allowed. The error of the call then
	// matches [ErrRateLimited] and has the same RetryAfter. Any other error means that the limiter
	// itself failed. The text of an error other than an [*Error] is not shown, because it may
	// contain a secret; errors.Is and errors.As find the error. Wait returns when ctx ends.
	Wait(ctx context.Context, operation, linkID string) error
}

// WithLimiter asks limiter before each attempt of each call, retries included. That also holds for
// the client's own requests for tokens and keys, which are about no link: "POST /auth/token" and
// "GET /.well-known/jwks.json". A call of [Client.Do] has the operation of the method with the same
// path, if there is one.
//
// The context of Wait ends with the context of the call, or after the time of [WithMaxWait]. The
// time in Wait does not count towards the timeout of the attempt. A renewal of the access token,
// which many calls may wait for, ends after a minute, including its time in Wait.
//
// The client gets an access token before it asks the limiter, so that a failure to get one does not
// use the budget.
func WithLimiter(limiter Limiter) Option {
	return func(c *config) error {
		if limiter == nil {
			return errors.New("the limiter is nil")
		}
		c.limiter = limiter
		return nil
	}
}

// tokenAge is how long an attempt may wait for the limiter before it gets its access token again.
const tokenAge = time.Second

// limit waits for the limiter. It returns nil if the attempt may be sent.
func (a *attempt) limit(ctx context.Context, h http.Header) error {
	if a.core.limiter == nil {
		return nil
	}
	start := time.Now()
	err := a.wait(ctx)
	a.held = time.Since(start)
	a.limited += a.held
	if err != nil {
		a.refusal = a.notSent(err)
		a.observeRefusal(ctx)
		return a.refusal
	}
	if a.held > tokenAge { // The token may have expired.
		a.tokenErr = a.authorize(ctx, h)
	}
	return a.tokenErr
}

func (a *attempt) wait(ctx context.Context) error {
	if a.cfg.maxWait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.cfg.maxWait)
		defer cancel()
	}
	return a.core.limiter.Wait(ctx, a.request.operation, a.request.linkID)
}

// notSent returns the error for a call whose limiter returned err.
func (a *attempt) notSent(err error) *Error {
	e := &Error{
		Operation: a.request.operation,
		Attempts:  a.tries + a.call.Attempts(),
		why:       "the limiter did not allow the request",
	}
	var own *Error
	switch {
	case errors.As(err, &own):
		e.RetryAfter = own.RetryAfter
		e.err = transport.Reword(cmp.Or(own.explain(), own.Error()), err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.err = transport.Cause(err)
	default:
		e.err = transport.Hide(err)
	}
	e.err = &unsentError{e.err}
	return e
}
