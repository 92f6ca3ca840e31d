package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Policy limits the retries of one call. A zero field is not a default: zero retries means none.
type Policy struct {
	MaxRetries int           // attempts after the first
	MinWait    time.Duration // limit of the wait before the first retry; doubles with each retry
	MaxWait    time.Duration // limit of each wait; no retry if the server asks for a longer wait
}

// When is the kind of failure after which a request may be retried.
type When int

const (
	// Never retries nothing.
	Never When = iota
	// WhenRefused retries only after 429, with which the server says that it did nothing. It is for
	// requests that must not be carried out twice.
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
	answered bool // whether the last attempt got a response
	began    time.Time
	wait     time.Duration
	loop     retryablehttp.Client
	request  retryablehttp.Request
}

// Attempt describes an attempt that has ended.
type Attempt struct {
	Number   int            // the number of the attempt, from 1
	Response *http.Response // nil if there was no response
	Err      error          // why there was no response
	Duration time.Duration
	Retried  bool          // whether another attempt follows
	Wait     time.Duration // until the next attempt
}

// Attempts returns how many times the request was sent.
func (c *Call) Attempts() int { return c.attempts }

// Answered reports whether the last attempt got a response, including an error response.
func (c *Call) Answered() bool { return c.answered }

// Do sends req, with body if it is not nil, and retries it. It stops when an attempt succeeds or
// may not be retried, or when the wait would exceed Policy.MaxWait or the context's deadline. It
// then returns the response or the error of the last attempt at once. go-retryablehttp provides the
// loop; this package makes the decisions.
func (c *Call) Do(client *http.Client, req *http.Request, body []byte) (*http.Response, error) {
	c.loop.HTTPClient = client
	c.loop.RetryMax = c.Policy.MaxRetries
	c.loop.CheckRetry = c.check
	c.loop.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.wait }
	c.loop.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.loop.PrepareRetry = func(req *http.Request) error {
		// The loop reuses the header map of the previous attempt, which may still write to it.
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

// check reports whether to retry. It never returns an error, because the loop would then return
// both an error and a response.
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

// plan sets the wait before the next attempt. It returns false if the wait is too long.
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
		// The library knows the errors that no retry resolves: certificates, schemes, headers.
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

// jitter returns a random wait below an exponentially growing limit, so that many clients that
// failed at the same time do not retry at the same time.
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

// isFinal reports whether a retry would fail in the same way.
func isFinal(err error) bool {
	var tooLarge *TooLargeError
	var encoding *EncodingError
	var proxy *ProxyError
	var redirect *redirectError
	return errors.As(err, &redirect) || errors.As(err, &tooLarge) || errors.As(err, &encoding) || errors.As(err, &proxy) && proxy.final()
}
