package moneykit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"unicode"

	"github.com/moneykit/moneykit-go/internal/plain"
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
// cannot be set, nor those that make net/http repeat it.
func WithHeader(key, value string) CallOption {
	return func(c *callConfig) error {
		key = textproto.CanonicalMIMEHeaderKey(key)
		switch key {
		case "", "Authorization", headerClientID, headerClientSecret,
			"Connection", "Content-Length", "Content-Type", "Host", "Transfer-Encoding",
			"Idempotency-Key", "X-Idempotency-Key": // with these net/http would repeat any request by itself
			return fmt.Errorf("the header %s cannot be set", plain.Quote(key))
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
	operation := strings.ToUpper(method) + " /" + plain.Cut(first, 50)
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
		if raw, err := url.PathUnescape(segment); err != nil || raw == "." || raw == ".." {
			f.add("path", "must have neither bad escapes nor . or .. between its slashes")
		}
	}
	if err := invalid(operation, f); err != nil {
		return nil, err
	}
	r, err := newRequest(strings.ToUpper(method) + " " + path)
	if err != nil {
		return nil, err
	}
	r.operation, r.query, r.body = operation, query, in
	r.secrets = append(r.secrets, query)
	values, _ := url.ParseQuery(query) // what cannot be read is in query
	for _, value := range values {
		r.secrets = append(r.secrets, value...)
	}
	for i, segment := range strings.Split(path, "/")[1:] {
		// The API's own words are lower case with dashes; what else there is, is somebody's.
		if strings.Trim(segment, "abcdefghijklmnopqrstuvwxyz-") != "" || (i == 1 && first == "users") {
			raw, _ := url.PathUnescape(segment) // checked above
			r.secrets = append(r.secrets, segment, raw)
		}
	}
	return r, nil
}
