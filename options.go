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

// config is what options write and NewClient reads.
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
	webhookAges    jws.Ages
	webhookKeyLife time.Duration
	now            func() time.Time
}

// WithBaseURL sends requests elsewhere than to https://api.moneykit.com, for example to a
// MoneyKit for tests. The URL is absolute, with http or https, and may have a path.
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
// request, those for access tokens and keys included. If it is zero, an attempt may take 60
// seconds, or until the deadline of its context.
//
// What its transport says in errors may repeat the request, so an [Error] shows only the kind of a
// transport's error, or the text that its method LogText() string returns, if it has one.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return errors.New("the HTTP client is nil")
		}
		c.httpClient = client
		return nil
	}
}

// WithAPIVersion sends another MoneyKit-Version than 2023-02-18. This package's types describe
// that version.
func WithAPIVersion(date string) Option {
	return func(c *config) error {
		if _, err := ParseDate(date); err != nil {
			return fmt.Errorf("the API version %s is not a date in the form YYYY-MM-DD", plain.Quote(date))
		}
		c.apiVersion = date
		return nil
	}
}

// RetryPolicy bounds how a call is repeated. Zero fields have the defaults.
//
// GET and DELETE are repeated after a failure of the network and after 429, 502, 503 and 504,
// and so is the fetching of an access token. Other methods are repeated only after 429, with
// which MoneyKit says that it did nothing. The wait is random below a bound that doubles, or
// what Retry-After asks for; when that is more than MaxWait, or more than the context's
// deadline leaves, the call fails at once with [Error.RetryAfter] set.
type RetryPolicy struct {
	// MaxRetries is the number of attempts after the first; 3 by default, none if negative.
	MaxRetries int
	// MinWait bounds the first wait; 500 ms by default.
	MinWait time.Duration
	// MaxWait bounds every wait; 30 s by default.
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

// WithRetry sets how calls are repeated.
func WithRetry(policy RetryPolicy) Option {
	return func(c *config) error {
		if policy.MinWait < 0 || policy.MaxWait < 0 {
			return errors.New("a wait of the retry policy is negative")
		}
		c.retry = policy
		return nil
	}
}

// WithTokenSource takes access tokens from source instead of fetching them, so that several
// processes can share one.
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

// WithLogger logs each call at debug level and each retry at warning level. Records name the
// operation, not its parameters, and the error of a call that failed. They hold no secrets.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("the logger is nil")
		}
		c.logger = logger
		return nil
	}
}

// WithObserver calls observe after each attempt of each call, the client's own for tokens and keys
// included, with the context of the call. It is called from many goroutines, and a call waits for
// it.
func WithObserver(observe func(ctx context.Context, info CallInfo)) Option {
	return func(c *config) error {
		if observe == nil {
			return errors.New("the observer is nil")
		}
		c.observer = observe
		return nil
	}
}

// WithUserAgent puts product and version, which may be empty, before this package's own name in
// the User-Agent header.
func WithUserAgent(product, version string) Option {
	return func(c *config) error {
		agent := product
		if version != "" {
			agent += "/" + version
		}
		if product == "" || strings.ContainsFunc(agent, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("the user agent's product is empty, or it has characters other than visible ASCII")
		}
		c.userAgent = agent + " " + c.userAgent
		return nil
	}
}

// WithMaxResponseBytes bounds the size of a response, after decompression; 32 MiB by default.
// A larger one is an error.
func WithMaxResponseBytes(n int64) Option {
	return func(c *config) error {
		if n <= 0 {
			return errors.New("the largest response size is not positive")
		}
		c.maxBytes = min(n, math.MaxInt64-1) // one more is asked for
		return nil
	}
}

// WithWebhookAge sets how old the signature of a webhook may be, and how far in its future it may
// have been made. The defaults are 2 h 15 min, because MoneyKit retries a delivery for two hours
// and may not sign it again, and 5 min; zero means the default. The age does not keep an event from
// being delivered twice: see [WithDedupe], and let a [Deduper] remember events for longer than
// this.
func WithWebhookAge(oldest, ahead time.Duration) Option {
	return func(c *config) error {
		if oldest < 0 || ahead < 0 {
			return errors.New("the age of webhooks is negative")
		}
		c.webhookAges = jws.Ages{Past: oldest, Future: ahead}
		return nil
	}
}

// WithWebhookKeyLife sets for how long MoneyKit's keys are cached, 12 h by default and 24 h at
// most.
func WithWebhookKeyLife(life time.Duration) Option {
	return func(c *config) error {
		if life <= 0 || life > jws.MaxLife {
			return fmt.Errorf("the life of webhook keys must be positive and at most %v", jws.MaxLife)
		}
		c.webhookKeyLife = life
		return nil
	}
}

// WithClock asks now for the time by which the signatures of webhooks and the age of their keys are
// judged, in place of [time.Now]. It is for tests, and called from many goroutines.
func WithClock(now func() time.Time) Option {
	return func(c *config) error {
		if now == nil {
			return errors.New("the clock is nil")
		}
		c.now = now
		return nil
	}
}
