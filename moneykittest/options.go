package moneykittest

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
)

// Option configures a [Server].
type Option func(*config)

// Auth is how clients authenticate.
type Auth int

// The ways to authenticate. MoneyKit has documented both at different times.
const (
	AnyAuth    Auth = Auth(api.AnyAuth)    // access tokens or headers
	BearerAuth Auth = Auth(api.BearerAuth) // access tokens only
	HeaderAuth Auth = Auth(api.HeaderAuth) // X-Client-Id and X-Client-Secret only
)

// config contains the settings of the options.
type config struct {
	sandbox.Settings

	autoDelivery bool
	mistakes     []string // in options
}

// Settling is how pending transactions become posted.
type Settling string

// The ways to settle. MoneyKit documents the first; recordings of its sandbox show the second.
const (
	// NewIDs posts pending transactions under new IDs, as created.
	NewIDs Settling = "new_ids"
	// SameID posts pending transactions under the same IDs, as updated. A sync that did not read
	// them while they were pending gets them in created and in updated.
	SameID Settling = "same_id"
)

func newConfig(opts []Option) config {
	cfg := config{
		Settings: sandbox.Default(),
	}
	cfg.addShapes(os.Getenv(shapesVariable))
	for _, opt := range opts {
		if opt != nil {
			opt(&cfg)
		}
	}
	if cfg.Delivery.Transport == nil {
		cfg.Delivery.Transport = delivery.Network()
	}
	return cfg
}

// WithCredentials sets the only client ID and secret that the server accepts. By default they are
// made up; see [Server.Credentials].
func WithCredentials(clientID, clientSecret string) Option {
	return func(c *config) { c.API.ClientID, c.API.ClientSecret = clientID, clientSecret }
}

// WithClock sets the function that tells the server the time, [time.Now] by default. It must be
// safe for concurrent use.
func WithClock(now func() time.Time) Option {
	return func(c *config) {
		if now != nil {
			c.Clock = now
		}
	}
}

// WithSeed changes all IDs and made-up data of links. They depend on the seed, 0 by default, and on
// the order in which links are created. Transactions also depend on the day on which a link is
// created. Servers whose links are stored in one database need different seeds.
func WithSeed(seed uint64) Option {
	return func(c *config) { c.World.Seed = seed }
}

// WithAuth restricts the ways for clients to authenticate, [AnyAuth] by default.
func WithAuth(auth Auth) Option {
	return func(c *config) { c.API.Auth = api.Auth(auth) }
}

// WithRateLimits enforces MoneyKit's published rate limits: the requests a minute of each
// operation, and how often a link may be refreshed. Beyond them the server responds with 429 and
// Retry-After in seconds. By default there are no limits.
func WithRateLimits() Option {
	return func(c *config) { c.API.RateLimits = true }
}

// WithTokenLifetime sets how long access tokens are accepted, one hour by default.
func WithTokenLifetime(d time.Duration) Option {
	return func(c *config) { c.API.TokenLife = d }
}

// WithSessionLifetime sets how long link session tokens and exchangeable tokens are accepted, 30
// minutes by default. MoneyKit does not publish its own lifetime.
func WithSessionLifetime(d time.Duration) Option {
	return func(c *config) { c.World.SessionLife = d }
}

// WithHistory sets how far back the made-up transactions of a new link go, 90 days by default. With
// zero there are no transactions; see [Server.AddTransactions].
func WithHistory(d time.Duration) Option {
	return func(c *config) { c.World.History = d }
}

// WithRefreshDelay delays refreshes by API request by d, by the server's clock. By default they
// happen at once.
func WithRefreshDelay(d time.Duration) Option {
	return func(c *config) { c.World.RefreshDelay = d }
}

// WithRedirectOrigins registers the origins of redirect URIs, such as https://app.example,
// http://localhost:3000 or myapp://oauth. The server refuses redirect URIs of other origins, as
// MoneyKit does. By default it accepts any. A value that is not an origin is reported to the test.
func WithRedirectOrigins(origins ...string) Option {
	return func(c *config) {
		c.API.Origins = api.Origins(origins...)
		for _, origin := range origins {
			if len(api.Origins(origin)) == 0 {
				c.mistakes = append(c.mistakes, fmt.Sprintf("WithRedirectOrigins: %q is not an origin such as https://app.example", origin))
			}
		}
	}
}

// WithReceiver delivers webhooks to h in memory, regardless of their URL, instead of over the
// network. It works inside a testing/synctest bubble. A panic of h is reported to the test.
// [Server.Receive] does the same for a running server.
func WithReceiver(h http.Handler) Option {
	return func(c *config) {
		if h != nil {
			c.Delivery.Transport = delivery.Receiver(h)
		}
	}
}

// WithDeliveryTransport delivers webhooks through t, for example the transport of
// httptest.Server.Client, which trusts that server's certificate. The default transport trusts the
// certificates of this machine.
func WithDeliveryTransport(t http.RoundTripper) Option {
	return func(c *config) {
		if t != nil {
			c.Delivery.Transport = t
		}
	}
}

// WithAutoDelivery delivers webhooks in the background, in order and one at a time, as soon as
// they are due. Without it they wait for [Server.Deliver].
func WithAutoDelivery() Option {
	return func(c *config) { c.autoDelivery = true }
}

// WithFreshSignatures signs each attempt of a delivery at its own time. By default all attempts
// have the signature of the first, which can be two hours old. MoneyKit does not publish what it
// does.
func WithFreshSignatures() Option {
	return func(c *config) { c.Delivery.FreshSignatures = true }
}

// WithKeyOverlap sets how long the old key for webhooks stays published after [Server.RotateKeys],
// 24 hours by default. MoneyKit only says "for a while".
func WithKeyOverlap(d time.Duration) Option {
	return func(c *config) { c.Delivery.KeyOverlap = d }
}

// WithProductStateChanged announces refreshes with the event product.state_changed instead of
// link.product_refresh. MoneyKit does not publish which of the two it sends.
func WithProductStateChanged() Option {
	return func(c *config) { c.World.RefreshEvent = moneykit.EventTypeProductStateChanged }
}

// shapesVariable is the environment variable that [WithNulls] describes.
const shapesVariable = "MONEYKITTEST_SHAPES"

// addShapes applies the options in a comma-separated list.
func (c *config) addShapes(names string) {
	for name := range strings.SplitSeq(names, ",") {
		switch name = strings.TrimSpace(name); name {
		case "":
		case "nulls":
			WithNulls()(c)
		case "zoneless":
			WithZonelessTimestamps()(c)
		case string(SameID):
			WithSettling(SameID)(c)
		default:
			c.mistakes = append(c.mistakes, fmt.Sprintf("%s contains %q, which is not nulls, zoneless or same_id", shapesVariable, name))
		}
	}
}

// WithNulls writes optional members of responses and webhooks as null if they have no value. By
// default most of them are absent.
//
// WithNulls, [WithZonelessTimestamps] and [WithSettling] select JSON shapes that occur in
// recordings of MoneyKit's sandbox. The environment variable MONEYKITTEST_SHAPES applies them to
// all servers, to run an unchanged test suite against these shapes:
//
//	MONEYKITTEST_SHAPES=nulls,zoneless,same_id go test ./...
//
// Options override the variable.
func WithNulls() Option {
	return func(c *config) { c.API.Nulls, c.Delivery.Nulls = true, true }
}

// WithZonelessTimestamps writes times in responses and webhooks in UTC without a zone and with six
// decimals, such as 2030-06-20T12:00:00.000000. By default they are RFC 3339. See [WithNulls].
func WithZonelessTimestamps() Option {
	return func(c *config) { c.API.Zoneless, c.Delivery.Zoneless = true, true }
}

// WithSettling sets how pending transactions become posted, [NewIDs] by default. See [WithNulls].
func WithSettling(mode Settling) Option {
	return func(c *config) {
		c.World.SameID = mode == SameID
		if mode != SameID && mode != NewIDs {
			c.mistakes = append(c.mistakes, fmt.Sprintf("WithSettling: there is no mode %q", mode))
		}
	}
}
