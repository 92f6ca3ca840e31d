package moneykittest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is a request that a [Server] received. Secrets and personal data are replaced by
// "[redacted]": access tokens, the client secret, link session tokens, exchangeable tokens and
// the URLs of [Server.Authorize] wherever they stand alone, and, by their names, e-mail addresses, phone numbers, account and
// routing numbers and masks, and owners with their names and addresses.
type Request struct {
	Operation string // its id in the API, such as "get_link"; "" if there is no route for it
	Method    string
	Path      string
	Query     url.Values
	Header    http.Header
	// Body is as it came, apart from the secrets and, in JSON, the order of members. One that is
	// neither JSON nor a form, or too large, is "[redacted]" as a whole.
	Body   []byte
	Status int       // of the answer, 0 if there was none
	At     time.Time // by the server's clock
}

// maxRequests bounds how many requests are remembered.
const maxRequests = 10_000

const redacted = "[redacted]"

// Requests returns the requests so far, oldest first; of very many the last 10,000.
func (s *Server) Requests() []Request {
	s.core().mu.Lock()
	defer s.core().mu.Unlock()
	out := make([]Request, len(s.core().requests))
	for i, r := range s.core().requests {
		out[i] = *r
		out[i].Query = url.Values(http.Header(r.Query).Clone())
		out[i].Header = r.Header.Clone()
		out[i].Body = bytes.Clone(r.Body)
	}
	return out
}

// record remembers a request, without its secrets from the beginning.
func (c *core) record(rt route, r *http.Request, body []byte, now time.Time) *Request {
	entry := &Request{
		Operation: rt.operation,
		Method:    r.Method,
		Path:      c.redactPath(r.URL.Path),
		Query:     c.redactValues(r.URL.Query()),
		Header:    c.redactHeader(r.Header),
		Body:      c.redactBody(body),
		At:        now,
	}
	if len(c.requests) >= maxRequests {
		c.requests = slices.Delete(c.requests, 0, 1)
	}
	c.requests = append(c.requests, entry)
	return entry
}

// isSecret reports whether s is something that this server issued or was given in confidence.
func (c *core) isSecret(s string) bool {
	return s != "" && (s == c.cfg.clientSecret || c.tokens[s] != nil || c.sessions[s] != nil ||
		c.exchanges[s] != nil || c.returns[s] != nil)
}

// isSecretName reports whether what is called name is to be redacted, in any spelling that a
// decoder of JSON would accept for it.
func isSecretName(name string) bool {
	name = strings.NewReplacer("_", "", "-", "").Replace(name)
	for _, secret := range []string{
		"clientsecret", "accesstoken", "refreshtoken", "linksessiontoken", "exchangeabletoken", "token",
		"email", "emails", "emailaddress", "phone", "phones", "phonenumber", "phonenumbers", "owner", "owners",
		"names", "address", "addresses", "accountnumber", "accountnumbers", "accountmask", "mask", "routingnumber",
		"wireroutingnumber", "sortcode", "iban", "numbers",
	} {
		if strings.EqualFold(name, secret) {
			return true
		}
	}
	return false
}

func (c *core) redactText(s string) string {
	if c.isSecret(s) {
		return redacted
	}
	return s
}

func (c *core) redactPath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = c.redactText(segment)
	}
	return strings.Join(segments, "/")
}

func (c *core) redactValues(values url.Values) url.Values {
	for name, list := range values {
		for i, value := range list {
			if isSecretName(name) {
				list[i] = redacted
			} else {
				list[i] = c.redactText(value)
			}
		}
	}
	return values
}

func (c *core) redactHeader(header http.Header) http.Header {
	header = header.Clone()
	for key, values := range header {
		for i, value := range values {
			switch key {
			case "Authorization", "Proxy-Authorization", "Cookie", "X-Client-Secret":
				values[i] = redacted
			default:
				values[i] = c.redactText(value)
			}
		}
	}
	return header
}

// redactBody does not believe the Content-Type: a body is what it can be read as.
func (c *core) redactBody(body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	if value, err := parse(body); err == nil {
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(c.redactJSON(value, false)); err == nil {
			return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
		}
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Has("grant_type") {
		return []byte(c.redactValues(form).Encode())
	}
	return []byte(redacted)
}

// redactJSON keeps the shape of what it redacts.
func (c *core) redactJSON(value any, secret bool) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = c.redactJSON(member, secret || isSecretName(name))
		}
	case []any:
		for i, item := range v {
			v[i] = c.redactJSON(item, secret)
		}
	case string:
		if secret {
			return redacted
		}
		return c.redactText(v)
	case json.Number:
		if secret {
			return redacted
		}
	}
	return value
}
