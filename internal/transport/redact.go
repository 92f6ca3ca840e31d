package transport

import (
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"slices"
	"strings"
)

// Redacted stands in place of a secret.
const Redacted = "[redacted]"

// Redactor removes known secrets from text that came from outside and will be kept: a proxy's
// error page that repeats the request, a message that quotes the token it refuses.
type Redactor struct{ secrets []string }

// Add makes the redactor remove secrets, as they are and as they stand in a URL, a form, JSON or
// a page of HTML. Strings of under four bytes are left out: removing them would only garble the
// text.
func (r *Redactor) Add(secrets ...string) {
	for _, s := range secrets {
		if len(s) < 4 {
			continue
		}
		page := html.EscapeString(s)
		forms := []string{s, url.QueryEscape(s), url.PathEscape(s), page, strings.ReplaceAll(page, "+", "&#43;")}
		if quoted, err := json.Marshal(s); err == nil {
			forms = append(forms, string(quoted[1:len(quoted)-1]))
		}
		for i, form := range forms {
			if !slices.Contains(forms[:i], form) {
				r.secrets = append(r.secrets, form)
			}
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
