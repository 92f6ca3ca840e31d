package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

const redacted = "[redacted]"

// redactor replaces secrets and personal data by "[redacted]". It finds access tokens, the client
// secret, link session tokens, exchangeable tokens and return URLs by their values, where the value
// is the whole string. It finds e-mail addresses, phone numbers, account and routing numbers,
// masks, and owners with their names and addresses by the names of their fields.
type redactor struct {
	world        *world.World
	clientSecret string
}

// isSecretName reports whether the value of a field must be redacted, in any spelling of the name
// that a JSON decoder accepts.
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

func (r redactor) text(s string) string {
	if s != "" && (s == r.clientSecret || r.world.IsSecret(s)) {
		return redacted
	}
	return s
}

func (r redactor) path(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = r.text(segment)
	}
	return strings.Join(segments, "/")
}

func (r redactor) values(values url.Values) url.Values {
	for name, list := range values {
		for i, value := range list {
			if isSecretName(name) {
				list[i] = redacted
			} else {
				list[i] = r.text(value)
			}
		}
	}
	return values
}

func (r redactor) header(header http.Header) http.Header {
	header = header.Clone()
	for key, values := range header {
		for i, value := range values {
			switch key {
			case "Authorization", "Proxy-Authorization", "Cookie", "X-Client-Secret":
				values[i] = redacted
			default:
				values[i] = r.text(value)
			}
		}
	}
	return header
}

// body redacts a body. It ignores the Content-Type and tries to decode the body as JSON, then as a
// form.
func (r redactor) body(body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	if value, err := parse(body); err == nil {
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(r.json(value, false)); err == nil {
			return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
		}
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Has("grant_type") {
		return []byte(r.values(form).Encode())
	}
	return []byte(redacted)
}

// json redacts the strings and numbers of a JSON value, and keeps its structure.
func (r redactor) json(value any, secret bool) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = r.json(member, secret || isSecretName(name))
		}
	case []any:
		for i, item := range v {
			v[i] = r.json(item, secret)
		}
	case string:
		if secret {
			return redacted
		}
		return r.text(v)
	case json.Number:
		if secret {
			return redacted
		}
	}
	return value
}
