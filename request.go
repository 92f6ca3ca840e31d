package moneykit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/oapi-codegen/runtime"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/transport"
)

// request is one API call before authentication, as the generated builders prepare it.
type request struct {
	operation string // "GET /links/{id}"
	method    string
	path      string // escaped
	query     string // escaped
	body      any    // encoded as a form if it is url.Values, else as JSON; nil for none

	auth    authMode
	when    transport.When // which failures it may be repeated after
	secrets []string       // of this request alone: what must not show in an error
	wrong   fieldErrors    // what is wrong with its parameters
	limit   int            // of the body in bytes, 0 for none
	answer  int64          // bound of the answer in bytes, 0 for the client's
}

// authMode says how a request names its sender.
type authMode int

const (
	authAlways   authMode = iota // a bearer token, or the client's id and secret in headers
	authNone                     // the request brings its own
	authClientID                 // only the client's id, in a header
)

// newRequest prepares an operation, such as "GET /links/{id}", and fills the parameters of its
// path with ids, in order. It refuses an id that would change which path the request goes to.
func newRequest(operation string, ids ...string) (*request, error) {
	method, path, _ := strings.Cut(operation, " ")
	r := &request{operation: operation, method: method, path: path, when: transport.WhenRefused}
	if method == http.MethodGet || method == http.MethodDelete {
		r.when = transport.Always
	}
	if strings.HasPrefix(path, "/users/") {
		r.secrets = ids // the caller's own, and perhaps an e-mail address
	}
	for _, value := range ids {
		open, end := strings.IndexByte(r.path, '{'), strings.IndexByte(r.path, '}')
		name := r.path[open+1 : end]
		if value == "" || value == "." || value == ".." {
			return nil, invalid(operation, []FieldError{{
				Field: name, Message: "must not be " + plain.Quote(value),
			}})
		}
		segment, err := runtime.StyleParamWithOptions("simple", false, name, value,
			runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationPath})
		if err != nil {
			return nil, invalid(operation, []FieldError{{Field: name, Message: err.Error()}})
		}
		r.path = r.path[:open] + segment + r.path[end+1:]
	}
	return r, nil
}

// add adds a query parameter, unless its value is zero or empty.
func (r *request) add(name string, value any) {
	v := reflect.ValueOf(value)
	if v.IsZero() || (v.Kind() == reflect.Slice && v.Len() == 0) {
		return
	}
	if ids, ok := value.([]string); ok && slices.Contains(ids, "") {
		r.wrong.add(name, "must not hold an empty id")
		return
	}
	fragment, err := runtime.StyleParamWithOptions("form", true, name, value,
		runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationQuery})
	if err != nil {
		r.wrong.add(name, "cannot be sent: %v", err)
		return
	}
	if r.query != "" {
		r.query += "&"
	}
	r.query += fragment
}

// between checks a parameter against its limits; 0 is no limit, and a zero value is not sent.
func (r *request) between(name string, value, least, most int) {
	if value != 0 && (value < least || (most > 0 && value > most)) {
		if most > 0 {
			r.wrong.add(name, "must be %d to %d, not %d", least, most, value)
		} else {
			r.wrong.add(name, "must be at least %d, not %d", least, value)
		}
	}
}

// ordered checks the two ends of a range of days.
func (r *request) ordered(start, end Date) {
	if !start.IsZero() && !end.IsZero() && end.Compare(start) < 0 {
		r.wrong.add("end_date", "must not be before start_date")
	}
}

// problems returns the error of a request that is not to be sent, nil if it is fine.
func (r *request) problems() error { return invalid(r.operation, r.wrong) }

// encode returns the body and its media type, nil and "" for none.
func (r *request) encode() (body []byte, contentType string, err error) {
	switch b := r.body.(type) {
	case nil:
		return nil, "", nil
	case url.Values:
		return []byte(b.Encode()), "application/x-www-form-urlencoded", nil
	}
	body, err = json.Marshal(r.body)
	if err == nil && r.limit > 0 && len(body) > r.limit {
		err = invalid(r.operation, []FieldError{{
			Field: "body", Message: fmt.Sprintf("must have at most %d bytes, not %d", r.limit, len(body)),
		}})
	}
	return body, "application/json", err
}
