package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
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
	// RedirectURI is the redirect URI of all link sessions. If it is a web address, the handler
	// serves [ReturnPage] at its path.
	RedirectURI string
	// ReturnPage configures that page. Its RedirectURI may be left empty.
	ReturnPage ReturnPageConfig

	// User returns the user of a request, from the application's own session. If it returns an
	// error or a user without an ID, the response is 401.
	User func(*http.Request) (moneykit.CustomerUser, error)
	// PrepareLink may change the session for a new link before it is opened, for example its
	// institution, products, webhook or tags. If it returns an error, the response is 403. It
	// cannot change the user's ID.
	PrepareLink func(r *http.Request, params *moneykit.LinkSessionParams) error
	// PrepareRelink does the same for a relink. The link ID comes from the front end; after the
	// hook has run, the handler verifies that the link is the user's.
	PrepareRelink func(r *http.Request, linkID string, params *moneykit.RelinkParams) error

	// OnLinked is called with each new link, and OnRelinked with each link that was repaired or
	// extended. Both store the link's ID with the user. A result may be posted several times, also
	// concurrently, so they must be idempotent. If they return an error, the response is 500 and
	// the front end may post the result again. The context ends a minute after the post, even if
	// the browser leaves before.
	OnLinked   func(ctx context.Context, userID string, link *moneykit.Link) error
	OnRelinked func(ctx context.Context, userID string, link *moneykit.Link) error
	// OnExited is called when the user left Connect without a link. The result comes from the
	// browser and is not verified.
	OnExited func(ctx context.Context, userID string, result *moneykit.ConnectResult)
	// OnEvent is called with what Connect reports while the user is in it. Events come from the
	// browser and are not verified. They arrive in any order, and some are lost when the user
	// leaves the page.
	OnEvent func(ctx context.Context, userID string, event *moneykit.ConnectEvent)

	// Theme is how Connect looks on the web. nil means Connect's own theme.
	Theme *theme.Theme
	// TrustedOrigins are other origins whose pages may use the endpoints, such as
	// https://app.example. The handler sends no CORS headers; add them in front of it if pages of
	// these origins must read responses.
	TrustedOrigins []string
	// Limit limits how often each user may post: to all endpoints together, whatever the response
	// is. nil means 120 posts a minute. These are counted in the memory of this process, so several
	// processes need a common limiter to keep that limit. If Allow returns an error, the handler
	// logs it and counts the post in its own memory instead: an outage of the limiter neither keeps
	// users from linking nor lifts the limit.
	Limit PostLimiter
	// Logger receives the requests at level debug, refused requests as warnings, and failures as
	// errors. nil means [slog.Default].
	Logger *slog.Logger
}

// check returns an error for a setting that is missing or invalid. The path has its default.
func (c *Config) check() error {
	redirect, err := url.Parse(c.RedirectURI)
	switch {
	case c.User == nil:
		return errors.New("Config.User must be set")
	case err != nil:
		return errors.New("Config.RedirectURI must be a URL")
	case c.ReturnPage.RedirectURI != "" && c.ReturnPage.RedirectURI != c.RedirectURI:
		return errors.New("Config.ReturnPage.RedirectURI must be empty or the same as RedirectURI")
	case !isPlainPath(c.Path):
		return errors.New("Config.Path must begin and end with a slash and must not have dots, escapes, wildcards or spaces")
	case weburl.IsWeb(redirect) && redirect.Path != "" && !weburl.IsClean(redirect.Path):
		return errors.New("Config.RedirectURI must have a path without dots and doubled slashes")
	}
	if err := moneykit.ValidateRedirectURI(c.RedirectURI); err != nil {
		return fmt.Errorf("Config.RedirectURI %w", err)
	}
	if c.Theme != nil {
		return c.Theme.Validate()
	}
	return nil
}

// isPlainPath reports whether p is the path of a directory that a mux pattern can repeat as it is.
func isPlainPath(p string) bool {
	return strings.HasSuffix(p, "/") && weburl.IsClean(p) && !strings.ContainsFunc(p, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("{}?#%", r)
	})
}
