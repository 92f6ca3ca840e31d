package moneykit

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// ValidateRedirectURI returns an error if MoneyKit or a bank would not return a user to uri. A
// redirect URI is absolute and has neither a query nor a fragment. It is an https URL, an http URL
// on localhost or a loopback address for development, or a URL in an app's own scheme, such as
// myfinanceapp://oauth. MoneyKit also requires that its origin is registered in the dashboard,
// which ValidateRedirectURI cannot check. The error does not contain the URI.
func ValidateRedirectURI(uri string) error { return weburl.CheckRedirectURI(uri) }

// OAuthReturn is the URL at which a user came back from a bank's own login pages. Its query belongs
// to Connect and is passed on unread. The query is a secret: anyone who has it can continue as the
// user. Printing an OAuthReturn, logging it or encoding it as JSON leaves out the URL.
type OAuthReturn struct {
	url   string
	query string
}

// maxOAuthQuery limits the query of a return. A code and a state have some hundred bytes, a signed
// response a few thousand. Many servers and proxies refuse more than 8 KiB anyway.
const maxOAuthQuery = 16 << 10

// ParseOAuthReturn reads the URL at which a user came back from a bank, and checks that it belongs
// to the redirect URI of the link session. returned is an absolute URL, as an app receives it, or
// begins with a slash, as a server receives it ([url.URL.RequestURI] of a request). In the second
// case ParseOAuthReturn uses the scheme and host of the redirect URI, because a server behind a
// proxy often does not know its own.
//
// It returns an error if
//
//   - scheme, host or path differ from the redirect URI;
//   - there is no query, as when somebody opens the page by hand, or it has more than 16 KiB;
//   - there is a fragment, there are credentials, or the path has a backslash or an encoded slash;
//   - there are characters that a URL cannot have.
//
// The error contains no part of either URL.
func ParseOAuthReturn(redirectURI, returned string) (*OAuthReturn, error) {
	redirect, err := weburl.ParseRedirectURI(redirectURI)
	if err != nil {
		return nil, fmt.Errorf("moneykit: the redirect URI %w", err)
	}
	if strings.HasPrefix(returned, "/") {
		returned = weburl.Origin(redirect) + returned
	}
	page, query, _ := strings.Cut(returned, "?")
	if err := checkReturn(redirect, page, query); err != nil {
		return nil, fmt.Errorf("moneykit: the OAuth return %w", err)
	}
	return &OAuthReturn{url: returned, query: query}, nil
}

// checkReturn returns why a return is not valid, without any part of it.
func checkReturn(redirect *url.URL, page, query string) error {
	switch {
	case strings.Contains(page, "#"), strings.Contains(query, "#"):
		return errors.New("must have no fragment")
	case query == "":
		return errors.New("has no query, so it does not come from a bank")
	case len(query) > maxOAuthQuery:
		return fmt.Errorf("has a query of more than %d bytes", maxOAuthQuery)
	case strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("must have only visible ASCII characters in its query")
	case strings.Contains(page, `\`), weburl.HidesSlash(page):
		return errors.New("must have no backslash and no encoded slash in its path")
	}
	u, err := url.Parse(page)
	switch {
	case err != nil:
		return errors.New("must be a URL")
	case u.User != nil:
		return errors.New("must not have credentials")
	case u.Scheme != redirect.Scheme:
		return errors.New("has another scheme than the redirect URI")
	case !weburl.SameHost(u, redirect):
		return errors.New("has another host than the redirect URI")
	case u.Opaque != "", weburl.Path(u) != weburl.Path(redirect):
		return errors.New("has another path than the redirect URI")
	}
	return nil
}

// ContinueURL returns the whole URL, with its query unchanged. Pass it to Connect's continue on the
// web, or to continueFlow in an app.
func (r OAuthReturn) ContinueURL() string { return r.url }

// ForwardTo returns appURL with the query of the return, unchanged. The result can be sent as a
// Location header. The app that opens the URL passes it to continueFlow.
//
// appURL has the app's own scheme, such as myfinanceapp://oauth, or is a universal link or app
// link, such as https://app.example.com/oauth. It must be a constant of the application, because
// the receiver of the query can continue as the user. If the request decides which app to open, use
// ReturnPage of package connect with its ForwardTargets.
//
// ForwardTo returns an error for URLs that [ValidateRedirectURI] refuses, and for http, ports,
// hosts that are not domain names, paths with dots, double slashes or encoded characters, and
// characters beyond ASCII. Write an internationalised domain in its ASCII form.
func (r OAuthReturn) ForwardTo(appURL string) (string, error) {
	if r.query == "" {
		return "", errors.New("moneykit: there is no OAuth return to forward")
	}
	if err := weburl.CheckAppURL(appURL); err != nil {
		return "", fmt.Errorf("moneykit: the app URL %w", err)
	}
	return appURL + "?" + r.query, nil
}

// String returns a fixed text without the URL, whose query is a secret.
func (r OAuthReturn) String() string { return "OAuth return" }

// Format writes [OAuthReturn.String] for every verb of fmt.
func (r OAuthReturn) Format(f fmt.State, verb rune) { plain.Format(f, verb, r.String()) }

// LogValue returns [OAuthReturn.String], for log/slog.
func (r OAuthReturn) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText returns [OAuthReturn.String], for encoders such as the JSON handler of log/slog.
func (r OAuthReturn) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
