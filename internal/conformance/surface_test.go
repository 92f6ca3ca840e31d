package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// This file compares the public surface of the SDK to the document: each operation has one method,
// and each property one field.

// beyond are the methods of services that are not operations, and their reasons.
var beyond = map[string]string{
	"Links.All":     "reads Links.List to its end",
	"Products.Wait": "reads Links.Get until products are fresh",

	"Institutions.All":            "reads Institutions.List to its end",
	"Transactions.All":            "reads Transactions.List to its end",
	"Investments.AllTransactions": "reads Investments.Transactions to its end",
	"Users.AllTransactions":       "reads Users.Transactions to its end",

	"LinkSessions.Finish": "settles what Connect calls back with, by LinkSessions.Exchange, Links.Get and Users.Links",
	"LinkSessions.Relink": "is LinkSessions.Create for a link that is to be mended",
	"Links.WaitConnected": "polls Links.Get",

	"Webhooks.Verify":   "reads a webhook, with the keys of Webhooks.Keys",
	"Webhooks.Handler":  "is Webhooks.Verify as an http.Handler",
	"Webhooks.KeyStats": "counts what Webhooks.Verify did",
}

func TestOneMethodAnOperation(t *testing.T) {
	t.Parallel()
	o, err := theOracle()
	require.NoError(t, err)
	methods := map[string]string{} // to operations
	for path, item := range o.doc.Paths.Map() {
		for verb, op := range item.Operations() {
			method, ok := op.Extensions["x-go-method"].(string)
			require.True(t, ok, "%s %s has no x-go-method", verb, path)
			require.NotContains(t, methods, method)
			methods[method] = op.OperationID
		}
	}
	require.Len(t, methods, 28)

	public := map[string]bool{}
	client := reflect.TypeFor[moneykit.Client]()
	for field := range client.Fields() {
		if field.IsExported() {
			for method := range field.Type.Methods() {
				public[field.Name+"."+method.Name] = true
			}
		}
	}
	for method, operation := range methods {
		assert.True(t, public[method], "%s of %s does not exist", method, operation)
	}
	for method := range public {
		if methods[method] == "" {
			assert.NotEmpty(t, beyond[method], "%s is no operation's, and nothing says why it exists", method)
		}
	}
	comments := commentsOf(t)
	for method, operation := range methods {
		assert.Contains(t, comments[method], "API operation: "+operation+" (", method)
	}
}

// commentsOf returns the doc comments of the services' methods.
func commentsOf(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range []string{
		"accounts.go", "auth.go", "exchange.go", "identity.go", "institutions.go", "investments.go", "links.go",
		"linksession.go", "products.go", "transactions.go", "users.go", "webhook.go",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "../../"+name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !f.Name.IsExported() {
				continue
			}
			if receiver, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok {
				service := strings.TrimSuffix(typeName(receiver.X), "Service")
				found[service+"."+f.Name.Name] = f.Doc.Text()
			}
		}
	}
	return found
}

// without are the schemas that have no struct in Go, and the reasons.
var without = map[string]string{
	"Error":                              "errors.go decodes it into moneykit.Error, which tells the codes apart",
	"ValidationError":                    "becomes moneykit.FieldError",
	"AccessTokenResponse":                "becomes moneykit.Token, whose text hides the token",
	"ExchangeTokenRequest":               "is the argument of LinkSessions.Exchange",
	"ExchangeTokenResponse":              "is the result of LinkSessions.Exchange; the link id beside the link is deprecated",
	"RefreshProductsRequest":             "is the argument of Products.Refresh",
	"TransactionsProductSettings":        "has the fields of ProductSettings, and is that in Go",
	"BasicLinkProduct":                   "is LinkedProduct in Go, whatever the product",
	"JWKSet":                             "is the result of Webhooks.Keys",
	"LinkStateChangedWebhook":            "events come from outside and are parsed by hand",
	"ProductStateChangedWebhook":         "events come from outside and are parsed by hand",
	"TransactionUpdatesAvailableWebhook": "events come from outside and are parsed by hand",
}

// left are the properties that have no field in Go, and the reasons.
var left = map[string]string{
	"LinkUpdateParams.tags": "deprecated; link_tags does the same",
}

func TestOneFieldAProperty(t *testing.T) {
	t.Parallel()
	o, err := theOracle()
	require.NoError(t, err)
	structs := map[string][]string{} // the JSON names of their fields
	for _, spec := range declarations[*ast.TypeSpec](sourceOf(t, "types.gen.go")) {
		s, ok := spec.Type.(*ast.StructType)
		if !ok {
			continue
		}
		schema := strings.ToUpper(spec.Name.Name[:1]) + spec.Name.Name[1:] // Some have no exported type.
		for _, field := range s.Fields.List {
			if field.Tag == nil {
				continue
			}
			tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
			name, _, _ := strings.Cut(tag, ",")
			structs[schema] = append(structs[schema], name)
		}
	}
	unused := maps.Clone(left)
	for name, schema := range o.doc.Components.Schemas {
		properties := propertiesOf(schema.Value)
		if len(properties) == 0 {
			continue
		}
		if reason := without[name]; reason != "" {
			assert.NotContains(t, structs, name, "%s has a struct, though %s", name, reason)
			continue
		}
		var want []string
		for _, property := range properties {
			if key := name + "." + property; left[key] != "" {
				delete(unused, key)
				continue
			}
			want = append(want, property)
		}
		assert.ElementsMatch(t, want, structs[name], name)
		delete(structs, name)
	}
	assert.Empty(t, unused, "no longer left out")
	for name, fields := range structs {
		assert.Empty(t, fields, "%s is no schema", name)
	}
	for name := range without {
		assert.Contains(t, o.doc.Components.Schemas, name)
	}
}

func propertiesOf(schema *openapi3.Schema) []string {
	if schema == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(schema.Properties))
}
