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
	"net/textproto"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// CallOption changes one call; every method that calls MoneyKit takes them.
type CallOption func(*callConfig) error

type callConfig struct {
	response *Response
	header   http.Header
	noRetry  bool
}

// Response is what MoneyKit answered, as it came.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte // the whole body, decompressed
	RequestID  string // the request id header, if there is one
	Attempts   int    // how often the request was sent
}

// CaptureResponse stores the answer to the call in resp, also when the call fails after an
// answer. A call without an answer leaves resp unchanged. The body may hold the user's data.
func CaptureResponse(resp *Response) CallOption {
	return func(c *callConfig) error {
		if resp == nil {
			return errors.New("the response to capture into is nil")
		}
		c.response = resp
		return nil
	}
}

// WithHeader sends a header with the call. The headers that authenticate or frame the request
// cannot be set.
func WithHeader(key, value string) CallOption {
	return func(c *callConfig) error {
		key = textproto.CanonicalMIMEHeaderKey(key)
		switch key {
		case "", "Authorization", headerClientID, headerClientSecret,
			"Connection", "Content-Length", "Content-Type", "Host", "Transfer-Encoding":
			return fmt.Errorf("the header %s cannot be set", quoteShort(key))
		}
		if c.header == nil {
			c.header = http.Header{}
		}
		c.header.Set(key, value)
		return nil
	}
}

// WithoutRetry sends the call once, whatever [RetryPolicy] says. Only a request that was refused
// because the access token had expired is still sent again, with a new one.
func WithoutRetry() CallOption {
	return func(c *callConfig) error {
		c.noRetry = true
		return nil
	}
}

const (
	headerClientID     = "X-Client-Id"
	headerClientSecret = "X-Client-Secret"
	headerVersion      = "Moneykit-Version"
)

// Do makes a call that this package has no method for, with the client's authentication,
// retries, limits and errors. The path begins with a slash and may have a query; its parts are
// escaped by the caller. in is sent as JSON unless it is nil; the answer is decoded into out
// unless that is nil. It fails with [*Error]. GET and DELETE are repeated as [RetryPolicy]
// says, other methods only after 429.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	r, err := customRequest(method, path, in)
	if err != nil {
		return err
	}
	return c.core.do(ctx, r, out, opts)
}

func customRequest(method, target string, in any) (*request, error) {
	path, query, _ := strings.Cut(target, "?")
	// Paths hold ids of links and users: an error names only where this one begins.
	first, _, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	operation := strings.ToUpper(method) + " /" + cut(first, 50)
	if more {
		operation += "/…"
	}
	var f fieldErrors
	if method == "" || strings.ContainsFunc(method, func(r rune) bool { return !unicode.IsLetter(r) }) {
		f.add("method", "must be a word")
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		f.add("path", "must begin with one slash")
	}
	if strings.Contains(target, "#") {
		f.add("path", "must have no fragment")
	}
	for segment := range strings.SplitSeq(path, "/") {
		if plain, err := url.PathUnescape(segment); err != nil || plain == "." || plain == ".." {
			f.add("path", "must have neither bad escapes nor . or .. between its slashes")
		}
	}
	if err := invalid(operation, f); err != nil {
		return nil, err
	}
	r, err := newRequest("", strings.ToUpper(method)+" "+path)
	if err != nil {
		return nil, err
	}
	r.operation, r.query, r.body = operation, query, in
	r.secrets = append(r.secrets, query)
	for i, segment := range strings.Split(path, "/")[1:] {
		// The API's own words are lower case with dashes; what else there is, is somebody's.
		if strings.Trim(segment, "abcdefghijklmnopqrstuvwxyz-") != "" || (i == 1 && first == "users") {
			plain, _ := url.PathUnescape(segment) // checked above
			r.secrets = append(r.secrets, segment, plain)
		}
	}
	return r, nil
}

// do sends r and decodes the answer into out. Each step of a call has its place: the builders
// made r; here it is authenticated; transport.Call repeats it; transport.Wire bounds it; and
// here the answer becomes a value or an *Error.
func (c *core) do(ctx context.Context, r *request, out any, opts []CallOption) error {
	a := attempt{core: c, request: r}
	for _, opt := range opts {
		if err := opt(&a.cfg); err != nil {
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
	token, err := a.core.tokens.Token(ctx, a.token)
	if err == nil && token.AccessToken == "" {
		err = errors.New("the token source returned an empty one")
	}
	if err != nil {
		return a.noToken(err)
	}
	a.token = token.AccessToken
	return nil
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
	token, err := a.core.tokens.Token(req.Context(), "")
	if err != nil {
		return fmt.Errorf("getting an access token: %w", err)
	}
	a.token = token.AccessToken
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
	if out == nil {
		return nil
	}
	err := decode(resp, body, out)
	if err == nil {
		return nil
	}
	e := a.failed(err) // without a piece of the body: it holds the user's data
	e.StatusCode, e.RequestID = resp.StatusCode, a.redactor().String(requestID(resp.Header))
	return e
}

func decode(resp *http.Response, body []byte, out any) error {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return errors.New("the response has no body")
	case !isJSON(resp):
		return fmt.Errorf("the response is %s, not JSON", quoteShort(resp.Header.Get("Content-Type")))
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
		e.Message = "the redirect was not followed: it leads to another origin or nowhere"
		return e
	}
	e.decode(body, a.redactor().String)
	return e
}

// failed returns the error of a call that has no usable answer.
func (a *attempt) failed(err error) *Error {
	return &Error{
		Operation: a.request.operation,
		Attempts:  a.tries,
		unknown:   a.tries > 0 && a.request.when == transport.WhenRefused && !a.sent.never(),
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
			return cut(id, 100)
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
