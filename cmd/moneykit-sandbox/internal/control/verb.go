package control

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// Verb is an operation that changes the sandbox: POST /control/NAME with the JSON of Params.
type Verb struct {
	Name    string
	Summary string
	Params  reflect.Type // a struct; see [Fields]
	Result  reflect.Type
	Example string // flags of the subcommand

	read func(s *Server, body io.Reader) (any, error)
}

// List is a part of the state that can be read: GET /control/NAME.
type List struct {
	Name    string
	Summary string
	Result  reflect.Type
	Columns []string // columns of its table: names of members of the items

	read func(s *Server) (any, error)
}

// verb describes a verb with the parameters P and the result R.
func verb[P, R any](name, summary, example string, do func(*Server, P) (R, error)) Verb {
	return Verb{
		Name: name, Summary: summary, Example: example, Params: reflect.TypeFor[P](), Result: reflect.TypeFor[R](),
		read: func(s *Server, body io.Reader) (any, error) {
			var params P
			if err := decode(body, &params); err != nil {
				return nil, err
			}
			result, err := do(s, params)
			if err == nil {
				s.feed.changed()
			}
			return result, err
		},
	}
}

func list[R any](name, summary string, read func(*Server) (R, error), columns ...string) List {
	return List{
		Name: name, Summary: summary, Result: reflect.TypeFor[R](), Columns: columns,
		read: func(s *Server) (any, error) { return read(s) },
	}
}

// decode decodes the parameters of a verb. It returns an error for unknown members and for missing
// required ones.
func decode(body io.Reader, params any) error {
	data, err := io.ReadAll(body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &requestError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit)}
	case err != nil:
		return &requestError{http.StatusBadRequest, "the body is incomplete"}
	}
	if len(bytes.TrimSpace(data)) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(params)
		if err == nil {
			if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
				err = errors.New("unexpected data after the object")
			}
		}
		if err != nil {
			return &requestError{http.StatusBadRequest, "the body is not valid JSON for this verb: " + why(err)}
		}
	}
	value := reflect.ValueOf(params).Elem()
	for _, f := range Fields(value.Type()) {
		if f.Required && value.FieldByIndex(f.Index).IsZero() {
			return fmt.Errorf("%s is missing or empty", f.Name)
		}
	}
	return nil
}

// why returns a message about a JSON error that uses the names of JSON members.
func why(err error) string {
	var kind *json.UnmarshalTypeError
	if !errors.As(err, &kind) {
		return strings.TrimPrefix(err.Error(), "json: ")
	}
	name := kind.Field[strings.LastIndexByte(kind.Field, '.')+1:]
	return fmt.Sprintf("%s must not have the type %s", cmp.Or(name, "it"), kind.Value)
}

// Field describes a member of parameters.
type Field struct {
	Name     string // in JSON
	Flag     string // flag of the subcommand
	Help     string
	Required bool
	Omitted  bool // omitted from a result if empty
	Type     reflect.Type
	Index    []int
}

// Fields returns the members of parameters, from the struct tags json, help and required. For types
// of other packages, and for results, the help comes from describe. The flag of a member is its
// name with dashes, without a final _id.
func Fields(params reflect.Type) []Field {
	var all []Field
	for _, f := range reflect.VisibleFields(params) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		flag := f.Tag.Get("flag")
		if flag == "" {
			flag = strings.ReplaceAll(strings.TrimSuffix(name, "_id"), "_", "-")
		}
		all = append(all, Field{
			Name: name, Flag: flag, Help: cmp.Or(f.Tag.Get("help"), describe(params.Name()+"."+name)),
			Required: f.Tag.Get("required") == "true", Omitted: strings.Contains(options, "omit"), Type: f.Type, Index: f.Index,
		})
	}
	return all
}
