package transport

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects bounds how many redirects one call follows, over all its attempts. The standard
// library's own limit is the same for each attempt.
const maxRedirects = 10

// SameOrigin returns a CheckRedirect that follows redirects within one scheme, host and port
// only: anywhere else the credentials and the body of the request would go to a stranger. A
// redirect that is not followed is handed back as the response. next, if not nil, is asked after.
func SameOrigin(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		// A redirect that makes a GET of a DELETE or POST would pass for its success.
		if !sameOrigin(req.URL, via[0].URL) || req.Method != via[0].Method {
			return http.ErrUseLastResponse
		}
		followed := len(via)
		if info := infoFrom(req.Context()); info != nil {
			followed = int(info.redirects.Add(1))
		}
		if followed > maxRedirects {
			return http.ErrUseLastResponse
		}
		if next == nil {
			return nil
		}
		err := next(req, via)
		if err == nil || errors.Is(err, http.ErrUseLastResponse) {
			return err
		}
		return &redirectError{Hide(err)}
	}
}

// redirectError is why the caller's policy refused a redirect. It would refuse the next one, too.
type redirectError struct{ error }

func (e *redirectError) Error() string {
	return "CheckRedirect of the HTTP client refused a redirect with " + e.error.Error()
}
func (e *redirectError) Unwrap() error { return e.error }
func (e *redirectError) own()          {}

func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) &&
		strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if strings.EqualFold(u.Scheme, "https") {
		return "443"
	}
	return "80"
}
