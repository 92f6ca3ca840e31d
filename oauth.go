package moneykit

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"unicode"
)

// ValidateRedirectURI reports why MoneyKit or a bank would not return a user to uri, nil if
// nothing speaks against it. A redirect URI is absolute, with neither query nor fragment, and
// either an https URL, an http URL on this machine (localhost or a loopback address) for
// development, or a URL in an app's own scheme, such as myfinanceapp://oauth. MoneyKit also
// requires that its origin is registered in the dashboard, which cannot be checked here.
func ValidateRedirectURI(uri string) error {
	if strings.ContainsFunc(uri, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' }) {
		return errors.New("must not contain spaces, backslashes or control characters")
	}
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		return errors.New("must not be empty")
	case err != nil:
		return errors.New("must be a URL")
	case u.Scheme == "":
		return errors.New("must be absolute, such as https://example.com/oauth")
	case strings.Contains(uri, "?"):
		return errors.New("must have no query")
	case strings.Contains(uri, "#"):
		return errors.New("must have no fragment")
	case u.User != nil:
		return errors.New("must not hold credentials")
	}
	switch u.Scheme { // url.Parse made it lower case
	case "https":
		if u.Hostname() == "" {
			return errors.New("must have a host")
		}
	case "http":
		if !isLoopback(u.Hostname()) {
			return errors.New("must begin with https:// except on localhost")
		}
	case "javascript", "data", "vbscript", "file", "filesystem", "blob", "about", "view-source", "intent",
		"ftp", "ws", "wss", "mailto", "tel", "sms":
		return errors.New("must be a web address or have an app's own scheme")
	default:
		if u.Opaque != "" || (u.Host == "" && u.Path == "") {
			return errors.New("must have // after its scheme")
		}
	}
	return nil
}

// isLoopback reports whether host is this machine by its name or address.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
