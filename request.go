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

// newRequest fills the template's parameters with ids, in order. It refuses an id that would
// change which path the request goes to.
func newRequest(id, method, template string, ids ...string) (*request, error) {
	r := &request{id: id, operation: method + " " + template, method: method, path: template}
	if method == http.MethodGet || method == http.MethodDelete {
		r.when = transport.Always
	} else {
		r.when = transport.WhenRefused
	}
	if len(ids) == 0 {
		return r, nil
	}
	var path strings.Builder
	for _, value := range ids {
		before, rest, _ := strings.Cut(template, "{")
		name, after, _ := strings.Cut(rest, "}")
		if value == "" || value == "." || value == ".." {
			return nil, invalid(r.operation, []FieldError{{
				Field: name, Message: "must not be " + quoteShort(value),
			}})
		}
		segment, err := runtime.StyleParamWithOptions("simple", false, name, value,
			runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationPath})
		if err != nil {
			return nil, invalid(r.operation, []FieldError{{Field: name, Message: err.Error()}})
		}
		path.WriteString(before)
		path.WriteString(segment)
		template = after
	}
	path.WriteString(template)
	r.path = path.String()
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
