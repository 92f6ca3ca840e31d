package moneykit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// call sends r and decodes the response into a new T.
func call[T any, P objectOf[T]](ctx context.Context, c *core, r *request, opts []CallOption) (*T, error) {
	out := new(T)
	if err := c.do(ctx, r, P(out), opts); err != nil {
		return nil, err
	}
	return out, nil
}

// do sends r and decodes the response into out. The builder has made r. do checks and encodes it.
// transport.Call retries it, after authorizing and limiting each attempt. transport.Wire limits the
// time and size of an attempt. receive turns the response into a value or an *Error.
func (c *core) do(ctx context.Context, r *request, out any, opts []CallOption) error {
	a := attempt{core: c, request: r}
	if err := a.cfg.apply(opts); err != nil {
		return &Error{Operation: r.operation, why: "a call option is invalid", err: err}
	}
	if err := r.check(); err != nil {
		return err
	}
	body, err := r.encode()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return a.failed(err)
	}
	err = a.send(ctx, body, out)
	if a.tokenExpired(err) {
		// MoneyKit refused the token and did nothing else, so any request may be sent again, once.
		a.rejected = a.token
		err = a.send(ctx, body, out)
	}
	return err
}

// attempt is the state of one call, which may be sent several times.
type attempt struct {
	core     *core
	request  *request
	cfg      callConfig
	call     transport.Call
	token    string        // the access token of the last attempt
	rejected string        // the access token that MoneyKit refused as expired
	tokenErr error         // why there is no access token
	refusal  *Error        // why the limiter did not allow the last attempt
	held     time.Duration // how long the limiter delayed the last attempt
	limited  time.Duration // how long the limiter delayed all attempts
	sent     sentTrace
	tries    int
}

func (a *attempt) send(ctx context.Context, body []byte, out any) error {
	req, err := a.newHTTPRequest(ctx, body != nil)
	if err != nil {
		return a.failed(err)
	}
	a.call = transport.Call{
		Policy: a.core.policy,
		When:   a.request.when,
		Before: func(req *http.Request) error {
			a.sent.reset()
			if a.tokenErr = a.authorize(ctx, req.Header); a.tokenErr != nil {
				return a.tokenErr
			}
			if err := a.limit(ctx, req.Header); err != nil {
				return err
			}
			return ctx.Err() // Fetching the token may have taken until the deadline.
		},
	}
	if a.core.observer != nil || a.core.logger != nil {
		a.call.After = func(try transport.Attempt) { a.observe(ctx, try) }
	}
	if a.cfg.noRetry {
		a.call.When = transport.Never
	}
	if a.cfg.maxWait > 0 {
		a.call.Policy.MaxWait = a.cfg.maxWait
	}
	start := time.Now()
	resp, err := a.call.Do(a.core.http, req, body)
	a.tries += a.call.Attempts()
	if err != nil {
		err = a.failed(transport.Cause(err))
	} else {
		defer resp.Body.Close()
		err = a.receive(resp, out)
	}
	a.logCall(ctx, resp, err, time.Since(start))
	return err
}

func (a *attempt) newHTTPRequest(ctx context.Context, hasBody bool) (*http.Request, error) {
	ctx = transport.WithCall(ctx, a.request.operation, a.request.answer)
	if a.request.when == transport.WhenRefused {
		ctx = a.sent.watch(ctx)
	}
	target := a.core.baseURL + a.request.path
	if len(a.request.query) > 0 {
		target += "?" + string(a.request.query)
	}
	req, err := http.NewRequestWithContext(ctx, a.request.method, target, nil)
	if err != nil {
		return nil, errors.New("the path or method is malformed") // err contains it.
	}
	req.Header.Set("User-Agent", a.core.userAgent)
	req.Header.Set("Accept", "application/json")
	req.Header.Set(headerVersion, a.core.apiVersion)
	if hasBody {
		req.Header.Set("Content-Type", a.request.contentType())
	}
	maps.Copy(req.Header, a.cfg.header)
	return req, nil
}

// receive turns a response into a value or an *Error.
func (a *attempt) receive(resp *http.Response, out any) error {
	content := resp.Body.(*transport.Body) //nolint:forcetypeassert // Wire always returns a *Body.
	body := content.Bytes()
	if r := a.cfg.response; r != nil {
		*r = Response{
			StatusCode: resp.StatusCode,
			Header:     resp.Header,
			Body:       bytes.Clone(body),
			RequestID:  requestID(resp.Header),
			Attempts:   a.tries,
		}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return a.refused(resp, body)
	}
	if err := decodeResponse(resp, body, out); err != nil {
		e := a.failed(err)
		e.unknown = a.request.when == transport.WhenRefused
		e.StatusCode, e.RequestID = resp.StatusCode, requestID(resp.Header)
		return e
	}
	if _, ok := out.(object); ok { // The decoders copy what they keep.
		content.Release()
	}
	return nil
}

// refused returns the error for a response whose status is not a success.
func (a *attempt) refused(resp *http.Response, body []byte) *Error {
	e := &Error{
		Operation:  a.request.operation,
		StatusCode: resp.StatusCode,
		RequestID:  requestID(resp.Header),
		Attempts:   a.tries,
		// A server may have done the work before it failed, or before it sent no final status.
		unknown: (resp.StatusCode >= 500 || resp.StatusCode < 200) && a.request.when == transport.WhenRefused,
	}
	e.RetryAfter, _ = transport.RetryAfter(resp.Header.Get("Retry-After"), time.Now())
	switch {
	case resp.StatusCode == http.StatusNotModified:
		e.why = "the response has no body, because a header of the request made it conditional"
		return e
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e.why = "the redirect was not followed: it leads to another origin, changes the method, or exceeds the limit"
		return e
	case resp.StatusCode < 200:
		e.why = "the response has no final status"
		return e
	}
	e.decode(trimMark(body), a.request.knows)
	if e.Code == "" && e.Message == "" {
		e.why = "the response does not come from MoneyKit"
	}
	return e
}

// failed returns the error for a call without a usable response.
func (a *attempt) failed(err error) *Error {
	if a.tokenErr != nil {
		return a.noToken()
	}
	if a.refusal != nil {
		return a.refusal
	}
	return &Error{
		Operation: a.request.operation,
		Attempts:  a.tries,
		unknown:   a.call.Attempts() > 0 && a.request.when == transport.WhenRefused && !a.call.Answered() && !a.sent.never(),
		err:       err,
	}
}

// noToken returns the error for a call without an access token. The request itself was not sent, so
// its outcome is known, even if the outcome of the request for the token is not.
func (a *attempt) noToken() *Error {
	var e *Error
	if !errors.As(a.tokenErr, &e) {
		return &Error{
			Operation: a.request.operation,
			Attempts:  a.tries,
			why:       "there is no access token",
			err:       &unsentError{transport.Cause(a.tokenErr)},
		}
	}
	own := *e // keeps its own operation, such as POST /auth/token
	own.unknown = false
	if a.tokenErr != error(e) { //nolint:errorlint // A token source may have wrapped it.
		own.why, own.err = cmp.Or(e.why, e.advice().why), &unsentError{transport.Hide(a.tokenErr)}
	}
	return &own
}

// unsentError is the reason why a request was not sent. It never matches ErrOutcomeUnknown, because
// the outcome of a request that was not sent is known.
type unsentError struct{ error }

func (c *unsentError) Is(target error) bool {
	return target != ErrOutcomeUnknown && errors.Is(c.error, target)
}

func (c *unsentError) As(target any) bool { return errors.As(c.error, target) }
