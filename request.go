package moneykit

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/oapi-codegen/runtime"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// request is one API call before authentication, as the generated builders prepare it.
type request struct {
	id        string // the API's operationId
	operation string // "GET /links/{id}"
	method    string
	path      string // escaped
	query     string // escaped
	body      any    // encoded as a form if it is url.Values, else as JSON; nil for none

	auth    authMode
	when    transport.When // which failures it may be repeated after
	secrets []string       // of this request alone: what must not show in an error
}

// authMode says how a request names its sender.
type authMode int

const (
	authAlways authMode = iota // a bearer token, or the client's id and secret in headers
	authNone                   // the request brings its own
)

// newRequest prepares an operation, such as "GET /links/{id}", and fills the parameters of its
// path with ids, in order. It refuses an id that would change which path the request goes to.
func newRequest(id, operation string, ids ...string) (*request, error) {
	method, path, _ := strings.Cut(operation, " ")
	r := &request{id: id, operation: operation, method: method, path: path, when: transport.WhenRefused}
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
				Field: name, Message: "must not be " + quoteShort(value),
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

// addQuery adds a parameter, unless its value is zero or empty.
func (r *request) addQuery(name string, value any) error {
	v := reflect.ValueOf(value)
	if v.IsZero() || (v.Kind() == reflect.Slice && v.Len() == 0) {
		return nil
	}
	fragment, err := runtime.StyleParamWithOptions("form", true, name, value,
		runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationQuery})
	if err != nil {
		return invalid(r.operation, []FieldError{{Field: name, Message: err.Error()}})
	}
	if r.query != "" {
		r.query += "&"
	}
	r.query += fragment
	return nil
}

// encode returns the body and its media type, nil and "" for none.
func (r *request) encode() (body []byte, contentType string, err error) {
	switch b := r.body.(type) {
	case nil:
		return nil, "", nil
	case url.Values:
		return []byte(b.Encode()), "application/x-www-form-urlencoded", nil
	}
	body, err = json.Marshal(r.body)
	return body, "application/json", err
}
