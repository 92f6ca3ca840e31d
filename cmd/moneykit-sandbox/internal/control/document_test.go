package control

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

var root = filepath.Join("..", "..", "..", "..")

// TestDocument compares the document in the repository with the document of the program.
func TestDocument(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(filepath.Join(root, "docs", "control.openapi.json"))
	require.NoError(t, err)
	assert.Equal(t, string(Document()), string(file), "run go generate ./cmd/moneykit-sandbox")
}

// TestDescriptions checks that all types and members have a description, except those of MoneyKit's
// API, which its own document describes.
func TestDescriptions(t *testing.T) {
	t.Parallel()
	var document struct {
		Components struct {
			Schemas map[string]struct {
				Description string
				Properties  map[string]struct{ Description string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(Document(), &document))
	require.NotEmpty(t, document.Components.Schemas)
	ofAPI := []string{"Account", "Balances", "Transaction"}
	for name, schema := range document.Components.Schemas {
		if slices.Contains(ofAPI, name) || strings.HasPrefix(name, "Transaction") && name != "TransactionsParams" {
			continue
		}
		if !strings.HasSuffix(name, "Param") && !strings.HasSuffix(name, "Params") {
			assert.NotEmpty(t, schema.Description, name)
		}
		for member, s := range schema.Properties {
			assert.NotEmpty(t, s.Description, "%s.%s", name, member)
		}
	}
}

// TestEnumerations compares the values in the document with the declared values.
func TestEnumerations(t *testing.T) {
	t.Parallel()
	declared := map[string][]string{}
	for _, name := range []string{"types.gen.go", "result.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			of, isNamed := spec.Type.(*ast.Ident)
			value, isText := spec.Values[0].(*ast.BasicLit)
			if isNamed && isText {
				text, err := strconv.Unquote(value.Value)
				require.NoError(t, err)
				declared[of.Name] = append(declared[of.Name], text)
			}
			return true
		})
	}
	for _, enum := range []reflect.Type{
		reflect.TypeFor[moneykit.ConnectSource](), reflect.TypeFor[moneykit.LinkState](), reflect.TypeFor[moneykit.LinkError](),
		reflect.TypeFor[moneykit.Product](), reflect.TypeFor[moneykit.Provider](), reflect.TypeFor[moneykit.EventType](),
		reflect.TypeFor[moneykit.ErrorCode](), reflect.TypeFor[moneykit.TransactionType](),
	} {
		assert.ElementsMatch(t, declared[enum.Name()], enumeration(enum), enum.Name())
		assert.NotEmpty(t, declared[enum.Name()])
	}
	assert.Len(t, enumeration(reflect.TypeFor[moneykittest.Tampering]()), 16)
	for _, reset := range enumeration(reflect.TypeFor[moneykittest.Reset]()) {
		assert.NoError(t, new(moneykittest.Reset).UnmarshalText([]byte(reset)))
	}
}

// TestExamples decodes the example of each verb as its parameters.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, v := range Verbs() {
		params := reflect.New(v.Params)
		require.NoError(t, decode(strings.NewReader(example(v.Name)), params.Interface()), v.Name)
		if v.Params != reflect.TypeFor[none]() {
			assert.False(t, params.Elem().IsZero(), v.Name)
		}
	}
}
