// Package weburl checks and compares URLs by the rules of MoneyKit, banks, browsers and apps.
// Errors do not contain the URL. They begin with "must" or "has", so that the caller can put the
// name of the setting before them.
package weburl

import (
	"errors"
	"net"
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// CheckRedirectURI returns an error if MoneyKit or a bank would not return a user to uri.
func CheckRedirectURI(uri string) error {
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
		return errors.New("must not have a query (put state into your own session)")
	case strings.Contains(uri, "#"):
		return errors.New("must not have a fragment")
	case u.User != nil:
		return errors.New("must not have credentials")
	}
	switch u.Scheme { // url.Parse made it lower case.
	case "https":
		if u.Hostname() == "" {
			return errors.New("must have a host")
		}
	case "http":
		if !IsLoopback(u.Hostname()) {
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

// ParseRedirectURI parses a redirect URI, to compare it with the URL of a return from a bank.
func ParseRedirectURI(uri string) (*url.URL, error) {
	if err := CheckRedirectURI(uri); err != nil {
		return nil, err
	}
	if HidesSlash(uri) {
		return nil, errors.New("must not have an encoded slash or backslash in its path")
	}
	return url.Parse(uri)
}

// CheckAppURL returns an error if a return from a bank cannot be forwarded to appURL. It is
// stricter than CheckRedirectURI, because browsers, apps and net/url must interpret the URL in the
// same way.
func CheckAppURL(appURL string) error {
	if err := CheckRedirectURI(appURL); err != nil {
		return err
	}
	if !plain.Only(appURL, plain.Alphanumeric+"-._~:/!$&'()*+,;=") {
		return errors.New("must have only letters, digits and punctuation")
	}
	u, err := url.Parse(appURL)
	switch {
	case err != nil:
		return errors.New("must be a URL")
	case u.Scheme == "http":
		return errors.New("must begin with https:// or an app's own scheme")
	case strings.Contains(u.Host, ":"):
		return errors.New("must not have a port")
	case u.Scheme == "https" && !IsDomain(u.Host):
		return errors.New("must have a domain name as its host")
	case u.Path != "" && !IsClean(u.Path):
		return errors.New("must have a path without dots and double slashes")
	}
	return nil
}

// CheckWebhook returns an error if MoneyKit could not deliver to webhook.
func CheckWebhook(webhook string) error {
	u, err := url.Parse(webhook)
	if err != nil || !IsWeb(u) || u.Hostname() == "" {
		return errors.New("must be an absolute http or https URL")
	}
	return nil
}

// CheckBase returns base, the URL of an API, without a slash at its end.
func CheckBase(base string) (string, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return "", errors.New("must be a URL")
	case !IsWeb(u):
		return "", errors.New("must begin with https:// or http://")
	case u.Hostname() == "":
		return "", errors.New("must have a host")
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }):
		return "", errors.New("must have a host in ASCII") // net/http interprets "。" as a dot.
	case u.User != nil:
		return "", errors.New("must not have credentials")
	case u.RawQuery != "" || u.ForceQuery:
		return "", errors.New("must not have a query")
	case u.Fragment != "":
		return "", errors.New("must not have a fragment")
	case u.Scheme == "http" && IsMoneyKit(u.Hostname()):
		return "", errors.New("must begin with https:// for MoneyKit itself")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// CheckOrigin returns origin as browsers write it: in lower case, without the port that the scheme
// implies, and without a slash at its end.
func CheckOrigin(origin string) (string, error) {
	u, err := url.Parse(strings.TrimSuffix(origin, "/"))
	switch {
	case err != nil, u.Scheme == "", u.Hostname() == "", strings.HasSuffix(u.Host, ":"):
		return "", errors.New("must be an origin such as https://app.example")
	case u.User != nil, u.Path != "", strings.ContainsAny(origin, "?#"):
		return "", errors.New("must be an origin, without credentials, path, query and fragment")
	case !plain.Only(u.Host, plain.Alphanumeric+"-._:[]"):
		return "", errors.New("must have an ASCII domain name or an address as its host")
	}
	return strings.ToLower(u.Scheme + "://" + host(u)), nil
}

// IsMoneyKit reports whether host is in MoneyKit's domain, with or without a dot at its end.
func IsMoneyKit(host string) bool {
	return strings.HasSuffix("."+strings.ToLower(strings.TrimRight(host, ".")), ".moneykit.com")
}

// IsWeb reports whether the scheme of u is http or https.
func IsWeb(u *url.URL) bool { return u.Scheme == "https" || u.Scheme == "http" }

// IsSecure reports whether nobody in the network can impersonate the host of u, because the scheme
// is https or the host is this machine.
func IsSecure(u *url.URL) bool {
	return u.Hostname() != "" && (u.Scheme == "https" || (u.Scheme == "http" && IsLoopback(u.Hostname())))
}

// IsLoopback reports whether host is this machine, by its name or address.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// IsDomain reports whether host is a domain name of at least two labels, in ASCII and without a dot
// at its end. It returns false for an address in any notation, whose last label is a number.
func IsDomain(host string) bool {
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || !plain.Only(label, plain.Alphanumeric+"-") ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && len(host) <= 253 && (last[0] < '0' || last[0] > '9')
}

// IsClean reports whether p begins with a slash and has no dot segments and no double slashes. An
// [http.ServeMux] redirects such paths.
func IsClean(p string) bool {
	clean := path.Clean("/" + p)
	return p == clean || (clean != "/" && p == clean+"/")
}

// HidesSlash reports whether s has an encoded slash or backslash, which some servers decode before
// they match the path.
func HidesSlash(s string) bool {
	s = strings.ToLower(s)
	return strings.Contains(s, "%2f") || strings.Contains(s, "%5c")
}

// Origin returns the scheme and the host of u.
func Origin(u *url.URL) string {
	if u.Host == "" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}

// SamePage reports whether a and b have the same scheme, host, port and path for a browser.
func SamePage(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && SameHost(a, b) && Path(a) == Path(b)
}

// SameHost reports whether a and b have the same host and port.
func SameHost(a, b *url.URL) bool { return strings.EqualFold(host(a), host(b)) }

// host returns the host and port of u without the port that the scheme implies, which browsers
// omit.
func host(u *url.URL) string {
	switch u.Scheme {
	case "https":
		return strings.TrimSuffix(u.Host, ":443")
	case "http":
		return strings.TrimSuffix(u.Host, ":80")
	}
	return u.Host
}

// Path returns the path of u as a browser sends it: a slash if u has no path.
func Path(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}
