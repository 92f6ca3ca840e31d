// Package conformance checks the SDK and moneykittest against the OpenAPI document, with validators
// that neither of them uses. It has tests only.
package conformance

import (
	"encoding/json"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// This file tests the document itself, with two validators that have the rules of OpenAPI from
// different sources. It also tests that each validator refuses errors.

type object = map[string]any

func documentText(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../openapi/openapi.yaml")
	require.NoError(t, err)
	return text
}

// documentTree returns a new tree of the document, which the caller may change.
func documentTree(t *testing.T) object {
	t.Helper()
	var tree object
	require.NoError(t, yaml.Unmarshal(documentText(t), &tree))
	return tree
}

// at returns the object at a path of keys and indexes. It fails the test if there is none.
func at(t *testing.T, tree object, keys ...string) object {
	t.Helper()
	var value any = tree
	for _, key := range keys {
		switch v := value.(type) {
		case object:
			require.Contains(t, v, key)
			value = v[key]
		case []any:
			i, err := strconv.Atoi(key)
			require.NoError(t, err)
			require.Less(t, i, len(v))
			value = v[i]
		}
	}
	require.IsType(t, object{}, value, "%v", keys)
	return value.(object)
}

// write returns a tree as JSON, which both validators read like YAML, only faster.
func write(t *testing.T, tree object) []byte {
	t.Helper()
	text, err := json.Marshal(tree)
	require.NoError(t, err)
	return text
}

// refusedByKin validates with kin-openapi, which has the rules in Go: references, types of schemas,
// defaults, patterns, ids that must be unique.
func refusedByKin(t *testing.T, text []byte) bool {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err == nil {
		err = doc.Validate(t.Context())
	}
	if err != nil {
		t.Log("kin-openapi:", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	return err != nil
}

// refusedByLibopenapi validates with libopenapi, which resolves references, and its validator,
// which uses the JSON Schema of the OpenAPI Initiative. That covers the shape of everything except
// schemas.
func refusedByLibopenapi(t *testing.T, text []byte) bool {
	t.Helper()
	doc, err := libopenapi.NewDocumentWithConfiguration(text, &datamodel.DocumentConfiguration{
		Logger: slog.New(slog.DiscardHandler), // err contains the same
	})
	if err == nil {
		_, err = doc.BuildV3Model()
	}
	if err != nil {
		t.Log("libopenapi:", err)
		return true
	}
	ok, problems := schema_validation.ValidateOpenAPIDocument(doc)
	for _, p := range problems {
		for _, failure := range p.SchemaValidationErrors {
			t.Log("libopenapi:", failure.FieldPath, failure.Reason)
		}
	}
	return !ok
}

func TestDocument(t *testing.T) {
	t.Parallel()
	text := documentText(t)
	assert.False(t, refusedByKin(t, text))
	assert.False(t, refusedByLibopenapi(t, text))
}

func TestDocumentFaults(t *testing.T) {
	t.Parallel()
	const kin, pb33f, both = 1, 2, 3
	type list = []any
	tests := map[string]struct {
		by    int    // the validator that refuses it
		at    string // the path to the object that gets the fault
		key   string // and the member of it
		value any    // which becomes this, or is removed if this is nil
	}{
		"nothing":                        {0, "info", "x-nothing", true},
		"no version":                     {both, "info", "version", nil},
		"dangling reference":             {both, "components schemas AccountList properties link", "$ref", "#/components/schemas/Lnk"},
		"unknown member":                 {both, "paths /links get", "reponses", object{}},
		"parameter in no known place":    {both, "paths /links get parameters 0", "in", "body"},
		"optional parameter of a path":   {both, "paths /links/{id} parameters 0", "required", nil},
		"response without a description": {both, "components responses Forbidden", "description", nil},
		"unknown kind of security":       {both, "components securitySchemes HTTPBasic", "type", "basic"},
		"unknown type":                   {kin, "components schemas Link properties webhook", "type", list{"string", "nil"}},
		"default of another type":        {kin, "components schemas ConnectFeatures properties issue_reporter", "default", "no"},
		"same operation id":              {kin, "paths /links get", "operationId", "get_link"},
		"path without its parameter":     {kin, "paths /links/{id}", "parameters", nil},
		"unknown security scheme":        {kin, "", "security", list{object{"Cookie": list{}}}},
		"status that is a word":          {pb33f, "paths /links get responses", "ok", object{"description": "Fine."}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := documentTree(t)
			place := at(t, doc, strings.Fields(tt.at)...)
			if tt.value == nil {
				require.Contains(t, place, tt.key)
				delete(place, tt.key)
			} else {
				place[tt.key] = tt.value
			}
			text := write(t, doc)
			assert.Equal(t, tt.by&kin != 0, refusedByKin(t, text))
			assert.Equal(t, tt.by&pb33f != 0, refusedByLibopenapi(t, text))
		})
	}
}
