package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// This file compares the generated Go to the document, in both directions. No compiler reports a
// part that the generator left out, or that the document no longer has.

// known contains the method Known of every enumeration.
var known = map[string]func(string) bool{
	"Category":        isKnown[moneykit.Category],
	"Country":         isKnown[moneykit.Country],
	"ErrorCode":       isKnown[moneykit.ErrorCode],
	"LinkError":       isKnown[moneykit.LinkError],
	"LinkState":       isKnown[moneykit.LinkState],
	"PhoneNumberType": isKnown[moneykit.PhoneNumberType],
	"Product":         isKnown[moneykit.Product],
	"ProductError":    isKnown[moneykit.ProductError],
	"ProductState":    isKnown[moneykit.ProductState],
	"Provider":        isKnown[moneykit.Provider],
	"Subcategory":     isKnown[moneykit.Subcategory],
	"EventType":       isKnown[moneykit.EventType],
	"TransactionType": isKnown[moneykit.TransactionType],
}

func isKnown[T interface {
	~string
	Known() bool
}](value string) bool {
	return T(value).Known()
}

// sourceOf parses a file of the SDK.
func sourceOf(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../"+name, nil, 0)
	require.NoError(t, err)
	return file
}

// declarations returns the specifications of one kind in a file.
func declarations[T ast.Spec](file *ast.File) []T {
	var specs []T
	for _, decl := range file.Decls {
		if decl, ok := decl.(*ast.GenDecl); ok {
			for _, spec := range decl.Specs {
				if spec, ok := spec.(T); ok {
					specs = append(specs, spec)
				}
			}
		}
	}
	return specs
}

func TestEnumerations(t *testing.T) {
	t.Parallel()
	o, err := theOracle()
	require.NoError(t, err)
	declared := map[string][]string{}
	for name, schema := range o.doc.Components.Schemas {
		if name == "TransactionTypeFilter" { // the same values, in a parameter that is never sent
			assert.Equal(t, o.doc.Components.Schemas["TransactionType"].Value.Enum, schema.Value.Enum)
			continue
		}
		for _, value := range schema.Value.Enum {
			require.IsType(t, "", value)
			declared[name] = append(declared[name], value.(string))
		}
	}
	inGo := map[string][]string{}
	for _, spec := range declarations[*ast.ValueSpec](sourceOf(t, "types.gen.go")) {
		require.Len(t, spec.Values, 1)
		require.IsType(t, &ast.BasicLit{}, spec.Values[0])
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		require.IsType(t, &ast.Ident{}, spec.Type, "%s has no type", spec.Names[0])
		name := spec.Type.(*ast.Ident).Name
		inGo[name] = append(inGo[name], value)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(declared)), slices.Collect(maps.Keys(inGo)))
	require.ElementsMatch(t, slices.Collect(maps.Keys(declared)), slices.Collect(maps.Keys(known)))
	for name, values := range declared {
		assert.ElementsMatch(t, values, inGo[name], name)
		for _, value := range values {
			assert.True(t, known[name](value), "%s %s", name, value)
			assert.False(t, known[name](value+"s"), "%s %ss", name, value)
		}
		assert.False(t, known[name](""), name)
	}

	// Error responses restrict the codes that they may have.
	for name, response := range o.doc.Components.Responses {
		for _, part := range response.Value.Content["application/json"].Schema.Value.AllOf {
			if code := part.Value.Properties["error_code"]; code != nil {
				for _, value := range code.Value.Enum {
					assert.Contains(t, declared["ErrorCode"], value, name)
				}
			}
		}
	}
}

// TestParameters compares what the builders of requests add to the query with the parameters of
// the document, and with the fields of the struct that they come from.
func TestParameters(t *testing.T) {
	t.Parallel()
	o, err := theOracle()
	require.NoError(t, err)
	structs := map[string]*ast.StructType{}
	for _, spec := range declarations[*ast.TypeSpec](sourceOf(t, "types.gen.go")) {
		if s, ok := spec.Type.(*ast.StructType); ok {
			structs[spec.Name.Name] = s
		}
	}
	builders := map[string]map[string]string{} // by struct: the field of each parameter
	for _, decl := range sourceOf(t, "requests.gen.go").Decls {
		if builder, ok := decl.(*ast.FuncDecl); ok {
			for _, p := range builder.Type.Params.List {
				if name := typeName(p.Type); structs[name] != nil {
					require.NotContains(t, builders, name, "one operation a struct")
					builders[name] = added(t, builder)
				}
			}
		}
	}
	named := map[string]bool{}
	for path, item := range o.doc.Paths.Map() {
		for method, op := range item.Operations() {
			wanted := map[string]string{} // the Go type of each parameter
			for _, p := range op.Parameters {
				if p.Value.In == "query" && !p.Value.Deprecated {
					wanted[p.Value.Name] = goType(p.Value.Schema.Value.Type.Slice()[0], p.Value.Schema.Value.Format)
				}
			}
			name, ok := op.Extensions["x-go-params"].(string)
			require.Equal(t, len(wanted) > 0, ok, "%s %s", method, path)
			if !ok {
				continue
			}
			named[name] = true
			require.NotNil(t, structs[name], name)
			types, fields := map[string]string{}, map[string]string{}
			for _, field := range structs[name].Fields.List {
				require.Len(t, field.Names, 1)
				types[field.Names[0].Name] = typeName(field.Type)
			}
			for parameter, field := range builders[name] {
				fields[parameter] = types[field]
			}
			assert.Equal(t, wanted, fields, name)
			assert.Len(t, types, len(wanted), "%s has fields that are not sent", name)
		}
	}
	for name := range builders {
		assert.True(t, named[name], "%s is not in the document", name)
	}
}

// added returns the parameters that a builder adds to the query, each with its field.
func added(t *testing.T, builder *ast.FuncDecl) map[string]string {
	t.Helper()
	parameters := map[string]string{}
	ast.Inspect(builder, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if method, ok := call.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(method.Sel.Name, "add") {
			require.Len(t, call.Args, 2)
			name, err := strconv.Unquote(call.Args[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			require.NotContains(t, parameters, name)
			parameters[name] = call.Args[1].(*ast.SelectorExpr).Sel.Name
		}
		return true
	})
	return parameters
}

// goType returns the type of the field for a parameter. All lists are lists of strings.
func goType(kind, format string) string {
	switch {
	case format == "date":
		return "Date"
	case kind == "integer":
		return "int"
	case kind == "boolean":
		return "bool"
	case kind == "array":
		return "[]string"
	}
	return kind
}

func typeName(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.ArrayType:
		return "[]" + typeName(e.Elt)
	}
	return ""
}
