package moneykit

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path"
	"strings"
)

// OAuthReturn is a user's return from a bank that they logged in to on its own pages. Its query
// belongs to Connect and is passed on unread; it lets whoever has it go on as the user.
type OAuthReturn struct {
	url   string
	query string
}

// maxOAuthQuery bounds the query of a return. A code and a state have some hundred bytes, a signed
// answer a few thousand; many servers and proxies refuse more than 8 KiB before it gets here.
const maxOAuthQuery = 16 << 10

// ParseOAuthReturn reads the URL at which a user came back, and holds it to the redirect URI of
// the link session. The URL is absolute, as an app receives it, or begins with a slash, as a server
// receives it ([url.URL.RequestURI] of a request); a server's own idea of its scheme and host is
// often wrong behind a proxy, so then they are those of the redirect URI.
//
// It fails unless scheme, host and path are those of the redirect URI, when there is no query,
// as when somebody opens the page by hand, or one of more than 16 KiB, and for a fragment,
// credentials, a backslash or an encoded slash in the path, and characters that no URL has. The
// errors repeat nothing of either URL.
func ParseOAuthReturn(redirectURI, returned string) (*OAuthReturn, error) {
	redirect, err := parseRedirectURI(redirectURI)
	if err != nil {
		return nil, fmt.Errorf("moneykit: the redirect URI %w", err)
	}
	if strings.HasPrefix(returned, "/") {
		returned = originOf(redirect) + returned
	}
	page, query, _ := strings.Cut(returned, "?")
	if err := checkReturn(redirect, page, query); err != nil {
		return nil, fmt.Errorf("moneykit: the OAuth return %w", err)
	}
	return &OAuthReturn{url: returned, query: query}, nil
}

// parseRedirectURI parses a redirect URI that returns can be held to.
func parseRedirectURI(uri string) (*url.URL, error) {
	if err := ValidateRedirectURI(uri); err != nil {
		return nil, err
	}
	if hidesSlash(uri) {
		return nil, errors.New("must have no encoded slash or backslash in its path")
	}
	return url.Parse(uri)
}

// checkReturn says why a return is none, in words that hold nothing of it.
func checkReturn(redirect *url.URL, page, query string) error {
	switch {
	case strings.Contains(page, "#"), strings.Contains(query, "#"):
		return errors.New("must have no fragment")
	case query == "":
		return errors.New("has no query, so it does not come from a bank")
	case len(query) > maxOAuthQuery:
		return fmt.Errorf("has a query of more than %d bytes", maxOAuthQuery)
	case strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("must hold only visible ASCII characters in its query")
	case strings.Contains(page, `\`), hidesSlash(page):
		return errors.New("must have no backslash and no encoded slash in its path")
	}
	u, err := url.Parse(page)
	switch {
	case err != nil:
		return errors.New("must be a URL")
	case u.User != nil:
		return errors.New("must not hold credentials")
	case u.Scheme != redirect.Scheme:
		return errors.New("has another scheme than the redirect URI")
	case !strings.EqualFold(hostOf(u), hostOf(redirect)):
		return errors.New("has another host than the redirect URI")
	case u.Opaque != "", pathOf(u) != pathOf(redirect):
		return errors.New("has another path than the redirect URI")
	}
	return nil
}

// hidesSlash reports whether s has an encoded slash or backslash, which some servers decode before
// they look at the path.
func hidesSlash(s string) bool {
	s = strings.ToLower(s)
	return strings.Contains(s, "%2f") || strings.Contains(s, "%5c")
}

// originOf returns what stands before the path of u.
func originOf(u *url.URL) string {
	if u.Host == "" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}

// hostOf returns the host and port of u. Browsers leave out the port that the scheme has anyway.
func hostOf(u *url.URL) string {
	switch u.Scheme {
	case "https":
		return strings.TrimSuffix(u.Host, ":443")
	case "http":
		return strings.TrimSuffix(u.Host, ":80")
	}
	return u.Host
}

// pathOf returns the path of u as it is sent: browsers put a slash where there is none.
func pathOf(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

// ContinueURL returns the URL that Connect's continue, or continueFlow in an app, is to be called
// with: the whole URL, with its query byte for byte.
func (r OAuthReturn) ContinueURL() string { return r.url }

// ForwardTo returns appURL with the query of the return, byte for byte. An app that is opened with
// it gives it to continueFlow. It is fit for a Location header.
//
// appURL has the app's own scheme, as myfinanceapp://oauth, or is a universal link or app link, as
// https://app.example.com/oauth. It must be a constant of the application: whoever receives the
// query can go on as the user. Where a request has a say in it, use [OAuthReturnHandler] with
// [OAuthReturnConfig].ForwardTargets. ForwardTo fails for what [ValidateRedirectURI] refuses, http,
// ports, hosts that are no domain names, paths with dots, doubled slashes or encoded characters,
// and characters beyond ASCII; write an internationalised domain in its ASCII form.
func (r OAuthReturn) ForwardTo(appURL string) (string, error) {
	if r.query == "" {
		return "", errors.New("moneykit: there is no OAuth return to forward")
	}
	if err := checkAppURL(appURL); err != nil {
		return "", fmt.Errorf("moneykit: the app URL %w", err)
	}
	return appURL + "?" + r.query, nil
}

// checkAppURL allows less than ValidateRedirectURI, because browsers, apps and net/url must agree
// on where the URL leads.
func checkAppURL(appURL string) error {
	if err := ValidateRedirectURI(appURL); err != nil {
		return err
	}
	if strings.Trim(appURL, alphanumeric+"-._~:/!$&'()*+,;=") != "" {
		return errors.New("must hold only letters, digits and punctuation")
	}
	u, err := url.Parse(appURL)
	switch {
	case err != nil:
		return errors.New("must be a URL")
	case u.Scheme == "http":
		return errors.New("must begin with https:// or an app's own scheme")
	case strings.Contains(u.Host, ":"):
		return errors.New("must have no port")
	case u.Scheme == "https" && !isDomain(u.Host):
		return errors.New("must have a domain name as its host")
	case u.Path != "" && path.Clean(u.Path) != u.Path && path.Clean(u.Path)+"/" != u.Path:
		return errors.New("must have a path without dots and doubled slashes")
	}
	return nil
}

// isDomain reports whether host is a domain name of at least two labels, in ASCII and without the
// dot at its end. Addresses are none, however they are written: their last label is a number.
func isDomain(host string) bool {
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, alphanumeric+"-") != "" ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && len(host) <= 253 && (last[0] < '0' || last[0] > '9')
}

// String leaves out the URL, whose query is a secret.
func (r OAuthReturn) String() string { return "OAuth return" }

// GoString is [OAuthReturn.String], for %#v.
func (r OAuthReturn) GoString() string { return r.String() }

// LogValue is [OAuthReturn.String], for log/slog.
func (r OAuthReturn) LogValue() slog.Value { return slog.StringValue(r.String()) }
