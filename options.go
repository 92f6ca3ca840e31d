package moneykit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/jws"
	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/transport"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// Option configures a [Client]; see [NewClient].
type Option func(*config) error

// config collects the options of a client.
type config struct {
	baseURL        string
	apiVersion     string
	userAgent      string
	maxBytes       int64
	httpClient     *http.Client
	retry          RetryPolicy
	tokens         TokenSource
	headerAuth     bool
	logger         *slog.Logger
	observer       func(context.Context, CallInfo)
	limiter        Limiter
	webhookAges    jws.Ages
	webhookKeyLife time.Duration
	now            func() time.Time
}

// WithBaseURL sends requests to base instead of https://api.moneykit.com, for example to a test
// server. base is an absolute URL and may have a path. Its scheme is https or http; http is refused
// for MoneyKit's own hosts.
func WithBaseURL(base string) Option {
	return func(c *config) error {
		checked, err := weburl.CheckBase(base)
		if err != nil {
			return fmt.Errorf("the base URL %w", err)
		}
		c.baseURL = checked
		return nil
	}
}

// WithHTTPClient sends requests through a copy of client: its transport, cookies and redirect
// policy. Redirects to another origin are never followed. Its Timeout bounds each attempt of each
// request, requests for access tokens and keys included. If it is zero, an attempt ends after 60
// seconds or, if its context has a deadline, at the deadline.
//
// An error of its transport may contain parts of the request. An [Error] therefore shows only the
// kind of that error, or the result of its method LogText() string if it has one.
//
// The transport of a client without this option closes an HTTP/2 connection that does not respond
// to pings within seconds. To get the same, set SendPingTimeout and PingTimeout in the HTTP2 field
// of your [http.Transport]. With GOOS=js, a transport that wraps an http.Transport follows
// redirects to other origins, because fetch does; use [WithObserver] instead of a wrapper there.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return errors.New("the HTTP client is nil")
		}
		c.httpClient = client
		return nil
	}
}

// WithAPIVersion sets the MoneyKit-Version header, which is 2023-02-18 by default. The types of
// this package describe that version.
func WithAPIVersion(date string) Option {
	return func(c *config) error {
		if day, err := ParseDate(date); err != nil || day.String() != date {
			return fmt.Errorf("the API version %s is not a date in the form YYYY-MM-DD", plain.Quote(date))
		}
		c.apiVersion = date
		return nil
	}
}

// RetryPolicy limits how often a call is retried and how long it waits. Zero fields have the
// defaults.
//
// GET, DELETE and the request for an access token are retried after network errors and after 429,
// 502, 503 and 504. Other methods are retried only after 429, with which MoneyKit says that it did
// nothing.
//
// If MoneyKit names a time in Retry-After, the wait is that time. If the time exceeds MaxWait, the
// call fails at once with [Error.RetryAfter]. Any other wait is random, below a limit that starts
// at MinWait and doubles with each attempt up to MaxWait. A call also fails at once if a wait
// would outlast the context's deadline.
type RetryPolicy struct {
	// MaxRetries is the number of attempts after the first. Zero means 3; a negative number means
	// none.
	MaxRetries int
	// MinWait is the upper limit of the random first wait. Zero means 500 ms.
	MinWait time.Duration
	// MaxWait is the upper limit of each wait. Zero means 30 s.
	MaxWait time.Duration
}

func (p RetryPolicy) policy() transport.Policy {
	retries := p.MaxRetries
	switch {
	case retries == 0:
		retries = 3
	case retries < 0:
		retries = 0
	}
	return transport.Policy{
		MaxRetries: retries,
		MinWait:    cmp.Or(p.MinWait, 500*time.Millisecond),
		MaxWait:    cmp.Or(p.MaxWait, 30*time.Second),
	}
}

// WithRetry sets how calls are retried.
func WithRetry(policy RetryPolicy) Option {
	return func(c *config) error {
		if policy.MinWait < 0 || policy.MaxWait < 0 {
			return errors.New("a wait of the retry policy is negative")
		}
		c.retry = policy
		return nil
	}
}

// WithTokenSource takes access tokens from source instead of fetching them. Several processes can
// share a token this way.
func WithTokenSource(source TokenSource) Option {
	return func(c *config) error {
		if source == nil {
			return errors.New("the token source is nil")
		}
		c.tokens = source
		return nil
	}
}

// WithHeaderAuth sends the client id and secret in the headers X-Client-Id and X-Client-Secret
// of each request, instead of exchanging them for an access token first.
func WithHeaderAuth() Option {
	return func(c *config) error {
		c.headerAuth = true
		return nil
	}
}

// WithLogger logs each call at debug level and each retry at warning level. A record contains the
// operation, the link id, the request id, the status, the duration and the text of an error, and no
// secret. Without this option the client logs nothing, but [WebhooksService.Handler] logs to
// [slog.Default].
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("the logger is nil")
		}
		c.logger = logger
		return nil
	}
}

// WithObserver calls observe after each attempt of each call, with the context of the call. This
// includes the client's own requests for tokens and keys, and attempts that a [Limiter] did not
// allow. observe is called from many goroutines, and a call waits until it returns.
func WithObserver(observe func(ctx context.Context, info CallInfo)) Option {
	return func(c *config) error {
		if observe == nil {
			return errors.New("the observer is nil")
		}
		c.observer = observe
		return nil
	}
}

// WithUserAgent puts product and version before this package's own name in the User-Agent header.
// version may be empty.
func WithUserAgent(product, version string) Option {
	return func(c *config) error {
		agent := product
		if version != "" {
			agent += "/" + version
		}
		if product == "" || strings.ContainsFunc(agent, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("the user agent must have a product and only visible ASCII characters")
		}
		c.userAgent = agent + " " + c.userAgent
		return nil
	}
}

// WithMaxResponseBytes bounds the size of a response body after decompression. The default is 32
// MiB. A call with a larger response fails.
func WithMaxResponseBytes(n int64) Option {
	return func(c *config) error {
		if n <= 0 {
			return errors.New("the largest response size is not positive")
		}
		c.maxBytes = min(n, math.MaxInt64-1) // Wire adds one, to detect a larger response.
		return nil
	}
}

// WithWebhookAge sets how old the signature of a webhook may be, and how far in the future it may
// be. Zero means the defaults, 2 h 15 min and 5 min: MoneyKit retries a delivery for two hours and
// may not sign it again. This option does not prevent duplicate deliveries: use [WithDedupe], with
// a [Deduper] that remembers events for longer than oldest.
func WithWebhookAge(oldest, ahead time.Duration) Option {
	return func(c *config) error {
		if oldest < 0 || ahead < 0 {
			return errors.New("the age of webhooks is negative")
		}
		c.webhookAges = jws.Ages{Past: oldest, Future: ahead}
		return nil
	}
}

// WithWebhookKeyLife sets how long MoneyKit's keys are cached. The default is 12 hours, the maximum
// 24 hours.
func WithWebhookKeyLife(life time.Duration) Option {
	return func(c *config) error {
		if life <= 0 || life > jws.MaxLife {
			return fmt.Errorf("the life of webhook keys must be positive and at most %v", jws.MaxLife)
		}
		c.webhookKeyLife = life
		return nil
	}
}

// WithClock replaces [time.Now] when the client checks the age of webhook signatures and keys. It
// is for tests. now is called from many goroutines.
func WithClock(now func() time.Time) Option {
	return func(c *config) error {
		if now == nil {
			return errors.New("the clock is nil")
		}
		c.now = now
		return nil
	}
}
