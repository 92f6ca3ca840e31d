package transport

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects limits how many redirects one call follows in all its attempts together. The
// standard library has the same limit for each attempt.
const maxRedirects = 10

// SameOrigin returns a CheckRedirect that follows redirects only within one scheme, host and port.
// It does not send the credentials and the body of the request anywhere else. The response of a
// redirect that is not followed becomes the response of the request. If next is not nil, SameOrigin
// calls it for each redirect that it allows.
func SameOrigin(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		// If a redirect turned a DELETE or POST into a GET, the success of the GET would look like
		// the success of the request.
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

// redirectError is the error of the caller's redirect policy. A retry would fail in the same way.
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
