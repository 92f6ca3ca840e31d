package moneykit

import (
	"encoding"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/oapi-codegen/runtime"

	"github.com/moneykit/moneykit-go/internal/transport"
)

const (
	headerClientID     = "X-Client-Id"
	headerClientSecret = "X-Client-Secret"
	headerVersion      = "Moneykit-Version"
)

// request is one API call before authentication, as the generated builders prepare it.
type request struct {
	operation string // "GET /links/{id}"
	method    string
	path      string // escaped
	query     []byte // escaped
	body      any    // encoded as a form if it is url.Values, else as JSON; nil for no body
	linkID    string // the id of the link that the request is about; empty if there is none

	auth   authMode
	when   transport.When // which failures it may be retried after
	wrong  fieldErrors    // invalid parameters; the request is sent only if there are none
	limit  int            // largest body in bytes, 0 for no limit
	answer int64          // largest response in bytes, 0 for the client's limit
}

// authMode is how a request is authenticated.
type authMode int

const (
	authAlways   authMode = iota // a bearer token, or the client's id and secret in headers
	authNone                     // the body contains the credentials
	authClientID                 // only the client's id, in a header
)

// newRequest returns a request for an operation, such as "GET /links/{id}". ids are the parameters
// of its path, in order.
func newRequest(operation string, ids ...string) *request {
	method, path, _ := strings.Cut(operation, " ")
	r := &request{operation: operation, method: method, path: path, when: transport.WhenRefused}
	if method == http.MethodGet || method == http.MethodDelete {
		r.when = transport.Always
	}
	if len(ids) > 0 && (strings.Contains(path, "/links/{") || strings.Contains(path, "/link/{")) {
		r.linkID = ids[0]
	}
	for _, value := range ids {
		open, end := strings.IndexByte(r.path, '{'), strings.IndexByte(r.path, '}')
		name := r.path[open+1 : end]
		if value == "" {
			r.wrong.add(name, "must not be empty")
		}
		r.wrong.pathID(name, value)
		r.path = r.path[:open] + r.segment(name, value) + r.path[end+1:]
	}
	return r
}

// segment returns the escaped value of a path parameter. MoneyKit's ids need no escapes.
func (r *request) segment(name, value string) string {
	if !strings.ContainsFunc(value, isReserved) {
		return value
	}
	segment, err := runtime.StyleParamWithOptions("simple", false, name, value,
		runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationPath})
	if err != nil {
		r.wrong.add(name, "cannot be sent")
	}
	return segment
}

// isReserved reports whether a character is not one of the unreserved characters of RFC 3986.
func isReserved(c rune) bool {
	unreserved := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
	return !unreserved
}

// movesPath reports whether a path segment would send the request to another path, at a server or
// at a gateway that decodes the path again. It decodes the segment at most ten times. For a segment
// that is encoded more often it returns true.
func movesPath(segment string) bool {
	const most = 10
	for range most {
		// Some servers ignore what follows a semicolon, and the other three may end the path.
		name := segment
		if end := strings.IndexAny(segment, ";?#\x00"); end >= 0 {
			name = segment[:end]
		}
		if name == "." || name == ".." || strings.ContainsAny(segment, `/\`) {
			return true
		}
		decoded := unescaped(segment)
		if decoded == segment {
			return false
		}
		segment = decoded
	}
	return true
}

// unescaped decodes the percent-encoded characters in s. Unlike url.PathUnescape it leaves invalid
// escapes as they are and decodes the others, because a gateway may do the same.
func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if i+3 <= len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil && len(c) == 1 {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// add adds a query parameter, unless its value is empty. This and the following methods encode
// values as OpenAPI's style "form" with "explode".
func (r *request) add(name, value string) {
	if value == "" {
		return
	}
	if len(r.query) > 0 {
		r.query = append(r.query, '&')
	}
	r.query = append(r.query, url.QueryEscape(name)...)
	r.query = append(r.query, '=')
	r.query = append(r.query, url.QueryEscape(value)...)
}

// addInt adds a query parameter, unless its value is 0.
func (r *request) addInt(name string, value int) {
	if value != 0 {
		r.add(name, strconv.Itoa(value))
	}
}

// addBool adds a query parameter, unless its value is false.
func (r *request) addBool(name string, value bool) {
	if value {
		r.add(name, "true")
	}
}

// addList adds one query parameter for each value.
func (r *request) addList(name string, values []string) {
	if slices.Contains(values, "") {
		r.wrong.add(name, "must not have an empty id")
		return
	}
	for _, value := range values {
		r.add(name, value)
	}
}

// textMarshaler is a [Date] or a [Timestamp].
type textMarshaler interface {
	encoding.TextMarshaler
	IsZero() bool
}

// addTime adds a day or a moment as a query parameter, unless it is the zero value.
func (r *request) addTime(name string, value textMarshaler) {
	if value.IsZero() {
		return
	}
	text, err := value.MarshalText()
	if err != nil {
		r.wrong.add(name, "cannot be sent")
		return
	}
	r.add(name, string(text))
}

// between checks that a parameter is at least least and at most most. If most is 0, there is no
// upper limit. It accepts the value 0, which is not sent.
func (r *request) between(name string, value, least, most int) {
	if value != 0 && (value < least || (most > 0 && value > most)) {
		if most > 0 {
			r.wrong.add(name, "must be %d to %d, not %d", least, most, value)
		} else {
			r.wrong.add(name, "must be at least %d, not %d", least, value)
		}
	}
}

// ordered checks that a range of days does not end before it starts.
func (r *request) ordered(start, end Date) {
	if !start.IsZero() && !end.IsZero() && end.Compare(start) < 0 {
		r.wrong.add("end_date", "must not be before start_date")
	}
}

// check returns an error if the request has invalid parameters.
func (r *request) check() error { return invalid(r.operation, r.wrong) }

func (r *request) contentType() string {
	if _, ok := r.body.(url.Values); ok {
		return "application/x-www-form-urlencoded"
	}
	return "application/json"
}

// encode returns the encoded body, or nil if there is none.
func (r *request) encode() ([]byte, error) {
	if r.body == nil {
		return nil, nil
	}
	if form, ok := r.body.(url.Values); ok {
		return []byte(form.Encode()), nil
	}
	body, err := json.Marshal(r.body)
	if err != nil {
		return nil, &Error{Operation: r.operation, why: "the request cannot be encoded as JSON", err: transport.Hide(err)}
	}
	if r.limit > 0 && len(body) > r.limit {
		r.wrong.add("body", "must have at most %d bytes, not %d", r.limit, len(body))
	}
	return body, r.check()
}

// knows reports whether name is defined by the API: a parameter of the request, a member of a
// request body, or a part of a request such as "query". Other names could be personal data.
func (r *request) knows(name string) bool {
	places := []string{"body", "query", "path", "header"}
	sent, _ := url.ParseQuery(string(r.query)) // An invalid query contributes no names.
	if slices.Contains(places, name) || sent.Has(name) || strings.Contains(r.operation, "{"+name+"}") {
		return true
	}
	seen := map[reflect.Type]bool{}
	for _, body := range []any{
		LinkSessionParams{}, LinkUpdateParams{}, LinkImportParams{}, TransactionImportParams{}, EnrichmentParams{}, TestWebhookParams{},
	} {
		if hasMember(reflect.TypeOf(body), name, seen) {
			return true
		}
	}
	return name == "exchangeable_token" || name == "products"
}

// hasMember reports whether a type, or the type of one of its fields, has a JSON member called
// name.
func hasMember(t reflect.Type, name string, seen map[reflect.Type]bool) bool {
	switch t.Kind() { //nolint:exhaustive // Other kinds have no members.
	case reflect.Pointer, reflect.Slice:
		return hasMember(t.Elem(), name, seen)
	case reflect.Struct:
		if seen[t] {
			return false
		}
		seen[t] = true
		for i := range t.NumField() {
			field := t.Field(i)
			tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if (tag == name && name != "") || hasMember(field.Type, name, seen) {
				return true
			}
		}
	}
	return false
}
