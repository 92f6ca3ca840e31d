package moneykittest

import (
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Option configures a [Server].
type Option func(*config)

// Auth is a way for clients to authenticate.
type Auth int

// The ways. MoneyKit's documentation has had both at different times.
const (
	AnyAuth    = Auth(api.AnyAuth)    // access tokens or headers
	BearerAuth = Auth(api.BearerAuth) // access tokens only
	HeaderAuth = Auth(api.HeaderAuth) // X-Client-Id and X-Client-Secret only
)

// config is what options write.
type config struct {
	now          func() time.Time
	world        world.Settings
	api          api.Settings
	delivery     delivery.Settings
	autoDelivery bool
}

func newConfig(opts []Option) config {
	cfg := config{
		now:   time.Now,
		world: world.Settings{SessionLife: 30 * time.Minute, History: 90 * 24 * time.Hour},
		api: api.Settings{
			ClientID: "sandbox_client", ClientSecret: "sandbox_client_secret", TokenLife: time.Hour,
		},
		delivery: delivery.Settings{KeyOverlap: 24 * time.Hour},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(&cfg)
		}
	}
	if cfg.delivery.Transport == nil {
		cfg.delivery.Transport = delivery.Network()
	}
	return cfg
}

// WithCredentials sets the only client id and secret that are accepted, in place of made-up ones
// that [Server.Credentials] tells.
func WithCredentials(clientID, clientSecret string) Option {
	return func(c *config) { c.api.ClientID, c.api.ClientSecret = clientID, clientSecret }
}

// WithClock lets the server ask now for the time, in place of [time.Now]. It is called from many
// goroutines.
func WithClock(now func() time.Time) Option {
	return func(c *config) {
		if now != nil {
			c.now = now
		}
	}
}

// WithSeed changes all ids and made-up data of links. They depend on the seed, which is 0 by
// default, and on the order in which links are made. Transactions also depend on the day on which
// a link is made, all else not on time. Two servers whose links end up in one database need
// different seeds.
func WithSeed(seed uint64) Option {
	return func(c *config) { c.world.Seed = seed }
}

// WithAuth accepts only some of the ways to authenticate, in place of [AnyAuth].
func WithAuth(auth Auth) Option {
	return func(c *config) { c.api.Auth = api.Auth(auth) }
}

// WithRateLimits answers 429 beyond the numbers of requests a minute that MoneyKit publishes for
// its operations, with Retry-After in seconds. There are no limits by default.
func WithRateLimits() Option {
	return func(c *config) { c.api.RateLimits = true }
}

// WithTokenLifetime sets how long access tokens are accepted, one hour by default.
func WithTokenLifetime(d time.Duration) Option {
	return func(c *config) { c.api.TokenLife = d }
}

// WithSessionLifetime sets how long the tokens of link sessions and the exchangeable tokens are
// accepted, 30 minutes by default. MoneyKit does not publish its own.
func WithSessionLifetime(d time.Duration) Option {
	return func(c *config) { c.world.SessionLife = d }
}

// WithHistory lets links begin with the made-up transactions of the time before, of d in place of
// 90 days. With zero they begin without any; see [Server.AddTransactions].
func WithHistory(d time.Duration) Option {
	return func(c *config) { c.world.History = d }
}

// WithRefreshDelay lets the refreshes that refresh_products asks for happen d later by the server's
// clock, in place of at once.
func WithRefreshDelay(d time.Duration) Option {
	return func(c *config) { c.world.RefreshDelay = d }
}

// WithRedirectOrigins refuses redirect URIs of other origins, as MoneyKit does for those that are
// not registered. An origin is written like https://app.example, with a port where it has one,
// or like myapp://oauth. Any is accepted by default.
func WithRedirectOrigins(origins ...string) Option {
	return func(c *config) { c.api.Origins = api.Origins(origins...) }
}

// WithReceiver delivers webhooks to h in memory, whatever their URL, in place of over the network.
// It works inside a testing/synctest bubble. A panic of h is reported to the test.
func WithReceiver(h http.Handler) Option {
	return func(c *config) {
		if h != nil {
			c.delivery.Transport = delivery.Receiver(h)
		}
	}
}

// WithDeliveryTransport delivers webhooks through t, in place of a transport that knows the
// certificates of this machine. That of httptest.Server.Client knows the server's.
func WithDeliveryTransport(t http.RoundTripper) Option {
	return func(c *config) {
		if t != nil {
			c.delivery.Transport = t
		}
	}
}

// WithAutoDelivery delivers webhooks in the background, in order and one at a time, as soon as
// they are due. Without it they wait for [Server.Deliver].
func WithAutoDelivery() Option {
	return func(c *config) { c.autoDelivery = true }
}

// WithFreshSignatures signs each attempt of a delivery anew. Without it an attempt has the
// signature of the first, which is up to two hours old. What MoneyKit does is not published.
func WithFreshSignatures() Option {
	return func(c *config) { c.delivery.FreshSignatures = true }
}

// WithKeyOverlap sets how long a key for webhooks is published after [Server.RotateKeys], 24 hours
// by default. MoneyKit only says "for a while".
func WithKeyOverlap(d time.Duration) Option {
	return func(c *config) { c.delivery.KeyOverlap = d }
}

// WithProductStateChanged names the event of a refresh product.state_changed, in place of
// link.product_refresh. Which of the two MoneyKit sends is not published.
func WithProductStateChanged() Option {
	return func(c *config) { c.world.RefreshEvent = moneykit.EventTypeProductStateChanged }
}
