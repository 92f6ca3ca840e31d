package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// This file validates requests and responses by the document. The validator is kin-openapi. This
// file adds checks that it lacks: for members, parameters and credentials that the document does
// not list.

// oracle validates exchanges.
type oracle struct {
	doc    *openapi3.T
	router routers.Router
}

// exchange is a request with its response, and their errors.
type exchange struct {
	operation string // "" if the document has no such path or method
	status    int
	code      string        // the error_code of the response
	again     *http.Request // the request without its body
	sent, got []byte
	request   error
	response  error
}

// theOracle reads the document once for all tests.
var theOracle = sync.OnceValues(func() (*oracle, error) {
	text, err := os.ReadFile("../openapi/openapi.yaml")
	if err != nil {
		return nil, err
	}
	var tree object
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	if err := closeObjects(tree); err != nil {
		return nil, err
	}
	delete(tree, "servers") // any host is valid
	if text, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(doc)
	return &oracle{doc, router}, err
})

// closeObjects forbids members that a schema does not list. The document allows them, because
// MoneyKit may add some at any time, but the SDK and moneykittest must not send any.
func closeObjects(node any) error {
	switch v := node.(type) {
	case object:
		for _, keyword := range []string{"oneOf", "not", "if"} {
			if v[keyword] != nil {
				return fmt.Errorf("with %s, a schema that allows less could accept more", keyword)
			}
		}
		if v["type"] == "object" && v["properties"] != nil && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, member := range v {
			if err := closeObjects(member); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := closeObjects(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// operation returns an operation of the document.
func (o *oracle) operation(t *testing.T, id string) *openapi3.Operation {
	t.Helper()
	for _, item := range o.doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.OperationID == id {
				return op
			}
		}
	}
	require.Fail(t, "the document has no operation "+id)
	return nil
}

// judge validates a request, with the body that was sent, and its response.
func (o *oracle) judge(r *http.Request, sent []byte, status int, header http.Header, got []byte) exchange {
	x, request := o.judgeAnswer(r, status, header, got)
	x.sent = sent
	if request == nil {
		x.request = x.response
		return x
	}
	// The validator reads the body, so it gets its own request.
	request.Request = r.Clone(r.Context())
	request.Request.Body = io.NopCloser(bytes.NewReader(sent))
	x.request = errors.Join(
		openapi3filter.ValidateRequest(r.Context(), request),
		o.credentials(r, request.Route.Operation),
		o.names(r, request.Route.Operation, sent),
		o.version(r),
	)
	return x
}

// judgeAnswer validates only the response to a request. It also returns the validator's input for
// the request, nil if the document has no operation for it.
func (o *oracle) judgeAnswer(r *http.Request, status int, header http.Header, got []byte) (exchange, *openapi3filter.RequestValidationInput) {
	x := exchange{status: status, again: r, got: got}
	var body struct {
		Code string `json:"error_code"`
	}
	if json.Unmarshal(got, &body) == nil && status >= 400 {
		x.code = body.Code
	}
	route, params, err := o.router.FindRoute(r)
	if err != nil {
		x.response = fmt.Errorf("the document has no operation for it: %w", err)
		return x, nil
	}
	x.operation = route.Operation.OperationID
	options := &openapi3filter.Options{
		AuthenticationFunc:                openapi3filter.NoopAuthenticationFunc, // see credentials
		IncludeResponseStatus:             true,
		RejectWhenRequestBodyNotSpecified: true,
		SkipSettingDefaults:               true,
		MultiError:                        true,
	}
	options.WithCustomSchemaErrorFunc(func(err *openapi3.SchemaError) string {
		text := fmt.Sprintf("/%s: %s", strings.Join(err.JSONPointer(), "/"), err.Reason)
		if err.Origin != nil {
			text += ": " + err.Origin.Error()
		}
		return text
	})
	request := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: status, Header: header, Options: options,
	}
	response.SetBodyBytes(got)
	x.response = errors.Join(
		openapi3filter.ValidateResponse(r.Context(), response),
		noContent(route.Operation, status, header, got),
	)
	return x, request
}

// credentials requires exactly one of the ways to authenticate that the document lists, because a
// secret that is sent needlessly can leak.
func (o *oracle) credentials(r *http.Request, op *openapi3.Operation) error {
	var carried []string
	for name, scheme := range o.doc.Components.SecuritySchemes {
		kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		switch s := scheme.Value; s.Type {
		case "oauth2":
			if strings.EqualFold(kind, "Bearer") && value != "" {
				carried = append(carried, name)
			}
		case "http":
			if strings.EqualFold(kind, s.Scheme) && value != "" {
				carried = append(carried, name)
			}
		case "apiKey":
			if r.Header.Get(s.Name) != "" && op.Parameters.GetByInAndName("header", s.Name) == nil {
				carried = append(carried, name)
			}
		}
	}
	slices.Sort(carried)
	ways := o.doc.Security
	if op.Security != nil {
		ways = *op.Security
	}
	if len(ways) == 0 && len(carried) == 0 {
		return nil
	}
	for _, way := range ways {
		if slices.Equal(carried, slices.Sorted(maps.Keys(way))) {
			return nil
		}
	}
	return fmt.Errorf("the request authenticates by %v", carried)
}

// names refuses parameters of the query or of a form that the document does not list, or lists as
// deprecated.
func (o *oracle) names(r *http.Request, op *openapi3.Operation, sent []byte) error {
	for name := range r.URL.Query() {
		if p := op.Parameters.GetByInAndName("query", name); p == nil || p.Deprecated {
			return fmt.Errorf("the query has %s", name)
		}
	}
	const urlencoded = "application/x-www-form-urlencoded"
	if op.RequestBody == nil || op.RequestBody.Value.Content[urlencoded] == nil {
		return nil
	}
	form, err := url.ParseQuery(string(sent))
	for name, values := range form {
		if op.RequestBody.Value.Content[urlencoded].Schema.Value.Properties[name] == nil || len(values) > 1 {
			return fmt.Errorf("the form has %d %s", len(values), name)
		}
	}
	return err
}

func (o *oracle) version(r *http.Request) error {
	if got := r.Header.Get("MoneyKit-Version"); got != o.doc.Info.Version {
		return fmt.Errorf("the version of the API is %q", got)
	}
	return nil
}

// noContent refuses a body if the document has none.
func noContent(op *openapi3.Operation, status int, header http.Header, got []byte) error {
	response := op.Responses.Status(status)
	if response == nil || len(response.Value.Content) > 0 {
		return nil
	}
	if len(got) > 0 || header.Get("Content-Type") != "" {
		return fmt.Errorf("the response has a body of %q", header.Get("Content-Type"))
	}
	return nil
}
