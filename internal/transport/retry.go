package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Policy bounds the retries of one call. All fields count as given: zero retries is none.
type Policy struct {
	MaxRetries int           // attempts after the first
	MinWait    time.Duration // the wait before the first retry is at most this; it doubles
	MaxWait    time.Duration // no wait is longer; a server that asks for more is not retried
}

// When is the kind of failure after which a request may be retried.
type When int

const (
	// Never retries nothing.
	Never When = iota
	// WhenRefused retries after 429 alone: the server says that it did nothing. It is for
	// requests that would do their work twice.
	WhenRefused
	// Always retries after 429, 502, 503, 504 and a failure of the network.
	Always
)

// Call is one request with its retries, for one Do. Its zero value sends once.
type Call struct {
	Policy Policy
	When   When
	Before func(*http.Request) error // runs before each attempt, on a request with its own Header
	After  func(Attempt)             // runs after each attempt, before the wait for the next

	attempts int
	answered bool // the last attempt was
	began    time.Time
	wait     time.Duration
	loop     retryablehttp.Client
	request  retryablehttp.Request
}

// Attempt describes an attempt that has ended.
type Attempt struct {
	Number   int            // counts from 1
	Response *http.Response // nil if there was none
	Err      error          // why there was none
	Duration time.Duration
	Retried  bool          // whether another attempt follows
	Wait     time.Duration // until then
}

// Attempts returns how often the request was sent.
func (c *Call) Attempts() int { return c.attempts }

// Answered reports whether the last attempt had an answer, whatever it was.
func (c *Call) Answered() bool { return c.answered }

// Do sends req, with body if it is not nil, until it succeeds, may not be retried, or the wait
// would be longer than Policy.MaxWait or the context's deadline allows; then it returns what the
// last attempt gave, response or error, at once. The loop is go-retryablehttp's; each decision in
// it is made here.
func (c *Call) Do(client *http.Client, req *http.Request, body []byte) (*http.Response, error) {
	c.loop.HTTPClient = client
	c.loop.RetryMax = c.Policy.MaxRetries
	c.loop.CheckRetry = c.check
	c.loop.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.wait }
	c.loop.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.loop.PrepareRetry = func(req *http.Request) error {
		// The loop shares the header map with the previous attempt, which may still be writing it.
		req.Header = req.Header.Clone()
		return c.before(req)
	}
	c.request.Request = req
	if body != nil {
		if err := c.request.SetBody(body); err != nil {
			return nil, err
		}
	}
	if err := c.before(req); err != nil {
		return nil, err
	}
	return c.loop.Do(&c.request)
}

func (c *Call) before(req *http.Request) error {
	if c.Before != nil {
		if err := c.Before(req); err != nil {
			return err
		}
	}
	c.began = time.Now()
	return nil
}

// check never returns an error: the loop would then return both an error and a response.
func (c *Call) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	c.attempts++
	c.answered = err == nil
	now := time.Now()
	retried := c.attempts <= c.Policy.MaxRetries && ctx.Err() == nil && c.repeatable(ctx, resp, err) && c.plan(ctx, resp, now)
	if c.After != nil {
		try := Attempt{Number: c.attempts, Response: resp, Err: err, Duration: now.Sub(c.began), Retried: retried}
		if retried {
			try.Wait = c.wait
		}
		c.After(try)
	}
	return retried, nil
}

// plan chooses the wait before the next attempt. It reports false for one that is too long.
func (c *Call) plan(ctx context.Context, resp *http.Response, now time.Time) bool {
	c.wait = c.jitter()
	if resp != nil {
		if after, ok := RetryAfter(resp.Header.Get("Retry-After"), now); ok {
			c.wait = after
		}
	}
	if c.wait > c.Policy.MaxWait {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || now.Add(c.wait).Before(deadline)
}

func (c *Call) repeatable(ctx context.Context, resp *http.Response, err error) bool {
	if err != nil {
		if c.When != Always || isFinal(err) {
			return false
		}
		// The library knows the errors that no retry mends: certificates, schemes, headers.
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

// isFinal reports whether the next attempt would fail in the same way.
func isFinal(err error) bool {
	var tooLarge *TooLargeError
	var encoding *EncodingError
	var proxy *ProxyError
	var redirect *redirectError
	return errors.As(err, &redirect) || errors.As(err, &tooLarge) || errors.As(err, &encoding) || errors.As(err, &proxy) && proxy.final()
}
