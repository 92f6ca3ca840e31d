package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Policy bounds the repeats of one call. All fields count as given: zero retries is none.
type Policy struct {
	MaxRetries int           // attempts after the first
	MinWait    time.Duration // the wait before the first retry is at most this; it doubles
	MaxWait    time.Duration // no wait is longer; a server that asks for more is not retried
}

// When says which failures a request may be repeated after.
type When int

const (
	// Never repeats nothing.
	Never When = iota
	// WhenRefused repeats after 429 alone: the server says that it did nothing. It is for
	// requests that would do their work twice.
	WhenRefused
	// Always repeats after 429, 502, 503, 504 and a failure of the network.
	Always
)

// Call is one request with its repeats, for one Do. Its zero value sends once.
type Call struct {
	Policy  Policy
	When    When
	Prepare func(*http.Request) error // runs before each repeat, on a request with its own Header
	OnRetry func(Retry)               // runs before each wait

	attempts int
	answered bool // the last attempt was
	wait     time.Duration
	loop     retryablehttp.Client
	request  retryablehttp.Request
}

// Retry describes a repeat that is about to be waited for.
type Retry struct {
	Attempt int           // the attempt that failed, from 1
	Wait    time.Duration // until the next
	Status  int           // of the answer, 0 when there was none
	Err     error         // why there was none
}

// Attempts returns how often the request was sent.
func (c *Call) Attempts() int { return c.attempts }

// Answered reports whether the last attempt had an answer, whatever it was.
func (c *Call) Answered() bool { return c.answered }

// Do sends req, with body if it is not nil, until it succeeds, may not be repeated, or the wait
// would be longer than Policy.MaxWait or the context's deadline allows; then it returns what the
// last attempt gave, response or error, at once. The loop is go-retryablehttp's; each decision in
// it is made here.
func (c *Call) Do(client *http.Client, req *http.Request, body []byte) (*http.Response, error) {
	c.loop.HTTPClient = client
	c.loop.RetryMax = c.Policy.MaxRetries
	c.loop.CheckRetry = c.check
	c.loop.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.wait }
	c.loop.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.loop.PrepareRetry = c.prepare
	c.request.Request = req
	if body != nil {
		if err := c.request.SetBody(body); err != nil {
			return nil, err
		}
	}
	return c.loop.Do(&c.request)
}

// check never returns an error: the loop would then return both an error and a response.
func (c *Call) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	c.attempts++
	c.answered = err == nil
	return c.attempts <= c.Policy.MaxRetries && ctx.Err() == nil && c.repeatable(ctx, resp, err) &&
		c.plan(ctx, resp, err), nil
}

// plan chooses the wait before the next attempt. It reports false for one that is too long.
func (c *Call) plan(ctx context.Context, resp *http.Response, err error) bool {
	now := time.Now()
	c.wait = c.jitter()
	if resp != nil {
		if after, ok := RetryAfter(resp.Header.Get("Retry-After"), now); ok {
			c.wait = after
		}
	}
	if c.wait > c.Policy.MaxWait {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok && !now.Add(c.wait).Before(deadline) {
		return false
	}
	if c.OnRetry != nil {
		retry := Retry{Attempt: c.attempts, Wait: c.wait, Err: err}
		if resp != nil {
			retry.Status = resp.StatusCode
		}
		c.OnRetry(retry)
	}
	return true
}

func (c *Call) repeatable(ctx context.Context, resp *http.Response, err error) bool {
	if err != nil {
		var tooLarge *TooLargeError
		if c.When != Always || errors.As(err, &tooLarge) {
			return false
		}
		// The library knows the errors that no repeat mends: certificates, schemes, headers.
		again, _ := retryablehttp.DefaultRetryPolicy(ctx, nil, err)
		return again
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return c.When != Never
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return c.When == Always
	}
	return false
}

// jitter picks the wait from the whole range below an exponentially growing bound, so that many
// clients that failed together do not come back together.
func (c *Call) jitter() time.Duration {
	bound := c.Policy.MinWait
	for i := 1; i < c.attempts && bound < c.Policy.MaxWait; i++ {
		bound *= 2
	}
	bound = min(bound, c.Policy.MaxWait)
	if bound <= 0 {
		return 0
	}
	return time.Duration(rand.Int64N(int64(bound))) //nolint:gosec // jitter, not a secret
}

func (c *Call) prepare(req *http.Request) error {
	if c.Prepare == nil {
		return nil
	}
	// The loop shares the header map with the previous attempt, which may still be writing it.
	req.Header = req.Header.Clone()
	return c.Prepare(req)
}
