package moneykit

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// CallOption changes one call. Every method that calls MoneyKit accepts call options.
type CallOption func(*callConfig) error

type callConfig struct {
	response *Response
	header   http.Header
	noRetry  bool
	maxWait  time.Duration
	pageSize int
	progress func(SyncProgress)
}

// apply sets c from the options of a call.
func (c *callConfig) apply(opts []CallOption) error {
	for _, opt := range opts {
		if opt == nil {
			return errors.New("an option is nil")
		}
		if err := opt(c); err != nil {
			return err
		}
	}
	return nil
}

// Response is MoneyKit's response to a call, as received. Printing it, logging it or encoding it as
// JSON shows only its status and the size of its body, because the body may contain the user's
// data.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte // the whole body, decompressed
	RequestID  string // the request id header, empty if there is none
	Attempts   int    // how many times the request was sent
}

// String shows the status and the size of the body.
func (r Response) String() string {
	return fmt.Sprintf("response with status %d and %d bytes", r.StatusCode, len(r.Body))
}

// Format writes [Response.String] for every verb of fmt.
func (r Response) Format(f fmt.State, verb rune) { plain.Format(f, verb, r.String()) }

// LogValue returns [Response.String], for log/slog.
func (r Response) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText returns [Response.String], for encoders such as the JSON handler of log/slog.
func (r Response) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// CaptureResponse stores the response to the call in resp, even if the response is an error. If
// there is no response, resp stays unchanged. The body may contain the user's data.
func CaptureResponse(resp *Response) CallOption {
	return func(c *callConfig) error {
		if resp == nil {
			return errors.New("the response to capture into is nil")
		}
		c.response = resp
		return nil
	}
}

// WithHeader sends a header with the call and replaces the client's own header of that name. The
// call fails for a header that authenticates, frames or compresses the request or response, or that
// makes net/http retry a request.
func WithHeader(key, value string) CallOption {
	return func(c *callConfig) error {
		if !isToken(key) {
			return errors.New("the name of a header must be a token of letters, digits and dashes")
		}
		key = textproto.CanonicalMIMEHeaderKey(key)
		switch key {
		case "Authorization", headerClientID, headerClientSecret,
			"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect",
			"Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
			"Idempotency-Key", "X-Idempotency-Key": // With these, net/http retries any request by itself.
			return fmt.Errorf("the header %s cannot be set", plain.Quote(key))
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r != '\t' && (r < ' ' || r == 0x7f) }) {
			return fmt.Errorf("the header %s must not have control characters in its value", plain.Quote(key))
		}
		if c.header == nil {
			c.header = http.Header{}
		}
		c.header.Set(key, value)
		return nil
	}
}

// isToken reports whether s is a valid header name, by RFC 9110.
func isToken(s string) bool {
	return s != "" && plain.Only(s, plain.Alphanumeric+"!#$%&'*+-.^_`|~")
}

// WithoutRetry sends the call once, whatever [RetryPolicy] says. The client still sends a request
// again, with a new access token, if MoneyKit refused the old one as expired.
func WithoutRetry() CallOption {
	return func(c *callConfig) error {
		c.noRetry = true
		return nil
	}
}

// WithMaxWait limits each wait of this call between two attempts, in place of
// [RetryPolicy].MaxWait, and each wait for a [Limiter]. If MoneyKit or the limiter names a longer
// time, the call fails at once with [Error.RetryAfter]. Use it where a person waits for the
// response, such as in a web handler. d must be positive.
func WithMaxWait(d time.Duration) CallOption {
	return func(c *callConfig) error {
		if d <= 0 {
			return errors.New("the longest wait must be positive")
		}
		c.maxWait = d
		return nil
	}
}

// WithPageSize sets how many changes [TransactionsService.Sync] and [Client.SyncTransactions]
// request at a time: 1 to 500, or 0 for the default of 500. Other methods ignore it.
func WithPageSize(n int) CallOption {
	return func(c *callConfig) error {
		c.pageSize = n
		return nil
	}
}

// WithProgress calls f after each update that [Client.SyncTransactions] has stored. Other methods
// ignore it.
func WithProgress(f func(SyncProgress)) CallOption {
	return func(c *callConfig) error {
		if f == nil {
			return errors.New("the progress function is nil")
		}
		c.progress = f
		return nil
	}
}
