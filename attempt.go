package moneykit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/transport"
)

// do sends r and decodes the answer into out. Each step of a call has its place: the builders
// made r; here it is authenticated; transport.Call repeats it; transport.Wire bounds it; and
// here the answer becomes a value or an *Error.
func (c *core) do(ctx context.Context, r *request, out any, opts []CallOption) error {
	a := attempt{core: c, request: r}
	for _, opt := range opts {
		err := errors.New("an option is nil")
		if opt != nil {
			err = opt(&a.cfg)
		}
		if err != nil {
			return &Error{Operation: r.operation, Message: "call option", err: err}
		}
	}
	body, contentType, err := r.encode()
	if errors.Is(err, ErrorCodeValidationFailed) {
		return err
	}
	if err != nil {
		return a.failed(fmt.Errorf("encoding the request: %w", err))
	}
	if err := ctx.Err(); err != nil {
		return a.failed(err)
	}
	if err := a.authenticate(ctx); err != nil {
		return err
	}
	err = a.send(ctx, body, contentType, out)
	if err == nil || c.tokens == nil || r.auth != authAlways || !tokenExpired(err) {
		return err
	}
	// MoneyKit refused the token, and so did nothing: any request may be sent again, once.
	if err := a.authenticate(ctx); err != nil {
		return err
	}
	return a.send(ctx, body, contentType, out)
}

// tokenExpired reports whether a new access token may mend err. MoneyKit's schema lets an
// expired token's answer come without any code.
func tokenExpired(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.StatusCode == http.StatusUnauthorized &&
		(e.Code == ErrorCodeExpiredAccessToken || e.Code == "")
}

// attempt is one call on its way.
type attempt struct {
	core    *core
	request *request
	cfg     callConfig
	call    transport.Call
	token   string
	sent    sentTrace
	tries   int
}

// authenticate gets a token; the one that the attempt had, if any, was refused.
func (a *attempt) authenticate(ctx context.Context) error {
	if a.core.tokens == nil || a.request.auth != authAlways {
		return nil
	}
	if err := a.getToken(ctx, a.token); err != nil {
		return a.noToken(err)
	}
	return nil
}

func (a *attempt) getToken(ctx context.Context, rejected string) error {
	token, err := a.core.tokens.Token(ctx, rejected)
	if err == nil && token.AccessToken == "" {
		err = errors.New("the token source returned an empty one")
	}
	if err == nil {
		a.token = token.AccessToken
	}
	return err
}

func (a *attempt) noToken(err error) error {
	var e *Error
	if errors.As(err, &e) { // it names its own operation
		return err
	}
	return a.failed(fmt.Errorf("getting an access token: %w", err))
}

func (a *attempt) send(ctx context.Context, body []byte, contentType string, out any) error {
	req, err := a.newHTTPRequest(ctx, contentType)
	if err != nil {
		return a.failed(err)
	}
	a.call = transport.Call{Policy: a.core.policy, When: a.request.when, Prepare: a.restamp}
	if a.cfg.noRetry {
		a.call.When = transport.Never
	}
	if a.core.logger != nil {
		a.call.OnRetry = func(retry transport.Retry) { a.logRetry(ctx, retry) }
	}
	start := time.Now()
	resp, err := a.call.Do(a.core.http, req, body)
	a.tries += a.call.Attempts()
	if err != nil {
		err = a.failed(err)
	} else {
		defer resp.Body.Close()
		err = a.receive(resp, out)
	}
	if a.core.logger != nil {
		a.logCall(ctx, resp, err, time.Since(start))
	}
	return err
}

func (a *attempt) newHTTPRequest(ctx context.Context, contentType string) (*http.Request, error) {
	if a.request.when == transport.WhenRefused {
		ctx = a.sent.watch(ctx)
	}
	if a.request.answer > 0 {
		ctx = transport.WithLimit(ctx, a.request.answer)
	}
	target := a.core.baseURL + a.request.path
	if a.request.query != "" {
		target += "?" + a.request.query
	}
	req, err := http.NewRequestWithContext(ctx, a.request.method, target, nil)
	if err != nil {
		return nil, err
	}
	h := req.Header
	values := make([]string, 0, 6) // one array for all
	set := func(key, value string) {
		values = append(values, value)
		h[key] = values[len(values)-1 : len(values) : len(values)]
	}
	set("User-Agent", a.core.userAgent)
	set("Accept", "application/json")
	set(headerVersion, a.core.apiVersion)
	if contentType != "" {
		set("Content-Type", contentType)
	}
	maps.Copy(h, a.cfg.header)
	switch {
	case a.request.auth == authNone:
	case a.request.auth == authClientID:
		set(headerClientID, a.core.clientID)
	case a.core.tokens == nil:
		set(headerClientID, a.core.clientID)
		set(headerClientSecret, a.core.secret())
	default:
		set("Authorization", "Bearer "+a.token)
	}
	return req, nil
}

// restamp gives a repeat the token of the day: the wait before it may have outlasted the last.
func (a *attempt) restamp(req *http.Request) error {
	a.sent.reset()
	if a.core.tokens == nil || a.request.auth != authAlways {
		return nil
	}
	if err := a.getToken(req.Context(), ""); err != nil {
		return fmt.Errorf("getting an access token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	return nil
}

// receive turns an answer into a value or an *Error.
func (a *attempt) receive(resp *http.Response, out any) error {
	body := resp.Body.(*transport.Body).Bytes() //nolint:forcetypeassert // wireClient sees to it
	if r := a.cfg.response; r != nil {
		*r = Response{
			StatusCode: resp.StatusCode,
			Header:     resp.Header,
			Body:       body,
			RequestID:  requestID(resp.Header),
			Attempts:   a.tries,
		}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return a.refused(resp, body)
	}
	err := decode(resp, body, out)
	if err == nil {
		return nil
	}
	e := a.failed(err) // without a piece of the body: it holds the user's data
	e.unknown = a.request.when == transport.WhenRefused
	e.StatusCode, e.RequestID = resp.StatusCode, a.redactor().String(requestID(resp.Header))
	return e
}

func decode(resp *http.Response, body []byte, out any) error {
	empty := len(bytes.TrimSpace(body)) == 0
	switch {
	case empty && out == nil:
		return nil
	case empty:
		return errors.New("the response has no body")
	case !isJSON(resp): // also where nothing is wanted of it: it is not MoneyKit's success
		return fmt.Errorf("the response is %s, not JSON", plain.Quote(resp.Header.Get("Content-Type")))
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) {
			// The text would quote a number, and that may be somebody's balance.
			mismatch.Value, _, _ = strings.Cut(mismatch.Value, " ")
		}
		return fmt.Errorf("decoding the response: %w", err)
	}
	return nil
}

// isJSON reports whether the answer says that it is JSON, or says nothing.
func isJSON(resp *http.Response) bool {
	switch header := resp.Header.Get("Content-Type"); header {
	case "", "application/json":
		return true
	default:
		mediaType, _, err := mime.ParseMediaType(header)
		return err == nil && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
	}
}

// refused returns the error of an answer with a failing status.
func (a *attempt) refused(resp *http.Response, body []byte) *Error {
	e := &Error{
		Operation:  a.request.operation,
		StatusCode: resp.StatusCode,
		RequestID:  a.redactor().String(requestID(resp.Header)),
		Attempts:   a.tries,
		// Whether a server that failed had done the work before is its secret.
		unknown: resp.StatusCode >= 500 && a.request.when == transport.WhenRefused,
	}
	e.RetryAfter, _ = transport.RetryAfter(resp.Header.Get("Retry-After"), time.Now())
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.Message = "the redirect was not followed: it leads to another origin, or makes another request of this one"
		return e
	}
	e.decode(body, a.redactor().String)
	if a.request.body != nil {
		e.Body = "" // a page that repeats the request would show what it holds
	}
	return e
}

// failed returns the error of a call that has no usable answer.
func (a *attempt) failed(err error) *Error {
	return &Error{
		Operation: a.request.operation,
		Attempts:  a.tries,
		unknown:   a.tries > 0 && a.request.when == transport.WhenRefused && !a.call.Answered() && !a.sent.never(),
		err:       a.redactor().Error(err),
	}
}

func (a *attempt) redactor() *transport.Redactor {
	var r transport.Redactor
	r.Add(a.core.secret(), a.token)
	r.Add(a.request.secrets...)
	return &r
}

func (a *attempt) logRetry(ctx context.Context, retry transport.Retry) {
	attrs := []slog.Attr{
		slog.String("operation", a.request.operation),
		slog.Int("attempt", retry.Attempt),
		slog.Duration("wait", retry.Wait),
	}
	if retry.Status != 0 {
		attrs = append(attrs, slog.Int("status", retry.Status))
	}
	if retry.Err != nil {
		attrs = append(attrs, slog.String("error", a.redactor().Error(retry.Err).Error()))
	}
	a.core.logger.LogAttrs(ctx, slog.LevelWarn, "moneykit: trying again", attrs...)
}

func (a *attempt) logCall(ctx context.Context, resp *http.Response, err error, took time.Duration) {
	if !a.core.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", a.request.operation),
		slog.Duration("duration", took),
		slog.Int("attempts", a.tries),
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	a.core.logger.LogAttrs(ctx, slog.LevelDebug, "moneykit: call", attrs...)
}

// requestID returns the answer's request id, by the names that are usual for it; MoneyKit
// documents none.
func requestID(h http.Header) string {
	for _, key := range []string{"X-Request-Id", "Request-Id"} {
		if id := h.Get(key); id != "" {
			return plain.Cut(id, 100)
		}
	}
	return ""
}

// sentTrace watches whether a request got as far as a connection.
type sentTrace struct{ wanted, got atomic.Bool }

func (t *sentTrace) watch(ctx context.Context) context.Context {
	t.reset()
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	})
}

func (t *sentTrace) reset() {
	t.wanted.Store(false)
	t.got.Store(false)
}

// never reports whether the request certainly did not leave: a connection was asked for and not
// had. A transport that reports neither leaves it open.
func (t *sentTrace) never() bool { return t.wanted.Load() && !t.got.Load() }
