package transport

import (
	"errors"
	"net/url"
	"strings"
)

// Redacted stands in place of a secret.
const Redacted = "[redacted]"

// Redactor removes known secrets from text that came from outside and will be kept: a proxy's
// error page that repeats the request, a message that quotes the token it refuses.
type Redactor struct{ secrets []string }

// Add makes the redactor remove secret, both as it is and as it stands in a URL or a form.
// Strings of under four bytes are left out: removing them would only garble the text.
func (r *Redactor) Add(secrets ...string) {
	for _, s := range secrets {
		if len(s) < 4 {
			continue
		}
		r.secrets = append(r.secrets, s)
		if q := url.QueryEscape(s); q != s {
			r.secrets = append(r.secrets, q)
		}
		if p := url.PathEscape(s); p != s {
			r.secrets = append(r.secrets, p)
		}
	}
}

// String returns text without the secrets.
func (r *Redactor) String(text string) string {
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, Redacted)
	}
	return text
}

// Error returns err without the URL that net/http puts around it, and, if its text still holds a
// secret, as a plain text error; an error that is clean keeps its identity.
func (r *Redactor) Error(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if err == nil {
		return nil
	}
	if text := err.Error(); r.String(text) != text {
		return &redactedError{text: r.String(text), err: err}
	}
	return err
}

// redactedError has err's identity for errors.Is but not its text. It has no Unwrap: errors.As
// and %+v must not reach what was removed.
type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string        { return e.text }
func (e *redactedError) Is(target error) bool { return errors.Is(e.err, target) }

// GoString keeps %#v from printing the error inside.
func (e *redactedError) GoString() string { return e.text }
