package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect/theme"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// Config holds the settings of a [Handler]. RedirectURI and User are required. Hooks may be called
// concurrently.
type Config struct {
	// Path is the path of the endpoints. It begins and ends with a slash. Empty means /connect/.
	Path string
	// RedirectURI is the redirect URI of link sessions. If it is a web address, the handler serves
	// [ReturnPage] at its path.
	RedirectURI string
	// OtherRedirectURIs are the redirect URIs that PrepareLink and PrepareRelink may set instead,
	// for example the universal link of an iOS app and an Android app's own scheme. The handler
	// serves [ReturnPage] for them too, for browsers that do not open the app.
	OtherRedirectURIs []string
	// ReturnPage configures these pages. Its RedirectURI and its Host must be left empty.
	ReturnPage ReturnPageConfig

	// User returns the user of a request, from the application's own session. If it returns an
	// error or a user without an ID, the response is 401.
	User func(*http.Request) (moneykit.CustomerUser, error)
	// PrepareLink may change the parameters of a session for a new link, for example its
	// institution, products, webhook or tags. A front end may name its platform in the query or the
	// body of its request; PrepareLink then sets the redirect URI of that platform. It may read the
	// body. Changes of the user's ID are ignored. If PrepareLink returns an error, the response is
	// 403.
	PrepareLink func(r *http.Request, params *moneykit.LinkSessionParams) error
	// PrepareRelink does the same for a relink. linkID may come from the front end and is not
	// verified yet: after the hook, the handler verifies that the link belongs to the user.
	PrepareRelink func(r *http.Request, linkID string, params *moneykit.RelinkParams) error

	// OnLinked is called with each new link, and OnRelinked with each link that was repaired or
	// extended. Both store the link's ID with the user. Both must be idempotent, because a front
	// end may post a result several times, also concurrently. If they return an error, the response
	// is 500 and the front end may retry. The context expires a minute after the post. It does not
	// end when the browser leaves.
	OnLinked   func(ctx context.Context, userID string, link *moneykit.Link) error
	OnRelinked func(ctx context.Context, userID string, link *moneykit.Link) error
	// OnDisconnected is called after the handler has deleted one of the user's links, or has found
	// it deleted. It removes the link from the application's data. It must be idempotent. Errors
	// have the same effect as errors of OnLinked. nil disables the endpoint disconnect.
	OnDisconnected func(ctx context.Context, userID, linkID string) error
	// OnExited is called when the user has left Connect without a link. The result comes from the
	// browser and is not verified.
	OnExited func(ctx context.Context, userID string, result *moneykit.ConnectResult)
	// OnEvent is called with the events that Connect reports while it is open. Events come from the
	// browser and are not verified. They arrive in any order, and some are lost when the user
	// leaves the page.
	OnEvent func(ctx context.Context, userID string, event *moneykit.ConnectEvent)

	// Theme is the appearance of Connect on the web. nil means Connect's own theme.
	Theme *theme.Theme
	// Host is the origin of Connect's own pages, such as http://localhost:8787 for a sandbox. The
	// client must call the same sandbox, or both must be MoneyKit; otherwise [NewHandler] logs an
	// error. Empty means MoneyKit, https://connect.moneykit.com.
	Host string
	// TrustedOrigins are other origins whose pages may use the endpoints, such as
	// https://app.example. Only these origins get CORS headers, with which browsers let them send
	// credentials and read responses.
	TrustedOrigins []string
	// Limit limits how often each user may post, to all endpoints together and regardless of the
	// response. nil means 120 posts a minute, counted in the memory of this process. Several
	// processes need a common limiter to enforce one limit. If Allow returns an error, the handler
	// logs it and counts the post in its own memory, so that an outage of the limiter neither
	// blocks users nor lifts the limit.
	Limit PostLimiter
	// Development adds the member detail to errors. It tells the developer of the front end what
	// was wrong with the request.
	Development bool
	// Logger logs requests at level debug, refused requests at level warn, and failures at level
	// error. Errors of User and of the hooks are logged unchanged. Of what a browser sent, only IDs
	// are logged. nil means [slog.Default].
	Logger *slog.Logger
}

// complete sets defaults. It returns an error for a setting that is missing or invalid.
func (c *Config) complete() error {
	c.Path = cmp.Or(c.Path, "/connect/")
	c.OtherRedirectURIs = slices.Clone(c.OtherRedirectURIs)
	switch {
	case c.User == nil:
		return errors.New("Config.User must be set")
	case c.ReturnPage.RedirectURI != "" && c.ReturnPage.RedirectURI != c.RedirectURI:
		return errors.New("Config.ReturnPage.RedirectURI must be empty or the same as RedirectURI")
	case !isPlainPath(c.Path):
		return errors.New("Config.Path must begin and end with a slash and must not have dots, escapes, wildcards or spaces")
	}
	for i, uri := range c.redirects() {
		if err := checkRedirectURI(uri); err != nil {
			return fmt.Errorf("%s %w", redirectName(i), err)
		}
	}
	if c.Host != "" {
		host, err := cleanHost(c.Host)
		if err != nil {
			return fmt.Errorf("Config.Host %w", err)
		}
		c.Host = host
	}
	if c.ReturnPage.Host != "" && c.ReturnPage.Host != c.Host {
		return errors.New("Config.ReturnPage.Host must be empty: set Config.Host")
	}
	if c.Theme != nil {
		return c.Theme.Validate()
	}
	return nil
}

// checkRedirectURI returns an error for a redirect URI that MoneyKit would not accept, or that a
// mux cannot serve.
func checkRedirectURI(uri string) error {
	if err := moneykit.ValidateRedirectURI(uri); err != nil {
		return err
	}
	u, err := url.Parse(uri)
	if err != nil {
		return errors.New("must be a URL")
	}
	if weburl.IsWeb(u) && u.Path != "" && !weburl.IsClean(u.Path) {
		return errors.New("must have a path without dots and doubled slashes")
	}
	return nil
}

// redirects returns all redirect URIs of link sessions.
func (c *Config) redirects() []string { return append([]string{c.RedirectURI}, c.OtherRedirectURIs...) }

// redirectName returns the name of the setting that holds one of the redirect URIs.
func redirectName(i int) string {
	if i == 0 {
		return "Config.RedirectURI"
	}
	return fmt.Sprintf("Config.OtherRedirectURIs[%d]", i-1)
}

// launchHost returns the host for a [Launch]: "" for MoneyKit's own host, which front ends know.
func (c *Config) launchHost() string {
	if c.Host == moneyKitHost {
		return ""
	}
	return c.Host
}

// isPlainPath reports whether p ends with a slash and can be part of a mux pattern unchanged.
func isPlainPath(p string) bool {
	return strings.HasSuffix(p, "/") && weburl.IsClean(p) && !strings.ContainsFunc(p, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("{}?#%", r)
	})
}
