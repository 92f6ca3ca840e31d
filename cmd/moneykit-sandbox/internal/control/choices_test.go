package control

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// TestChoices compares the choices with the constants of their types.
func TestChoices(t *testing.T) {
	t.Parallel()
	constants := map[string][]string{}
	for _, name := range []string{"types.gen.go", "result.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), "../../../../"+name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
				if kind, ok := spec.Type.(*ast.Ident); ok {
					value, ok := spec.Values[0].(*ast.BasicLit)
					require.True(t, ok, kind.Name)
					text, err := strconv.Unquote(value.Value)
					require.NoError(t, err)
					constants[kind.Name] = append(constants[kind.Name], text)
				}
			}
			return true
		})
	}
	for _, kind := range []reflect.Type{
		reflect.TypeFor[moneykit.LinkError](), reflect.TypeFor[moneykit.LinkState](), reflect.TypeFor[moneykit.EventType](),
		reflect.TypeFor[moneykit.ErrorCode](), reflect.TypeFor[moneykit.Product](), reflect.TypeFor[moneykit.Provider](),
		reflect.TypeFor[moneykit.ConnectSource](),
	} {
		require.NotEmpty(t, constants[kind.Name()], kind.Name())
		assert.ElementsMatch(t, constants[kind.Name()], choices(kind), kind.Name())
	}
}

// TestForms finds each member of the parameters of each verb in one of its forms.
func TestForms(t *testing.T) {
	t.Parallel()
	for _, v := range Verbs() {
		var have, want []string
		for place, all := range forms() {
			for _, f := range all {
				if f.Verb != v.Name {
					continue
				}
				assert.NotEqual(t, "more", place, "%s has a place of its own", v.Name)
				for _, field := range append(append([]field{f.Target}, f.Fields...), f.More...) {
					have = append(have, field.Path)
				}
			}
		}
		for _, f := range fieldsOf(v.Params, "", map[string]bool{}) {
			want = append(want, f.Path)
		}
		assert.Subset(t, have, want, v.Name)
	}
}

// TestNewForm makes a form for a verb that the page does not know.
func TestNewForm(t *testing.T) {
	t.Parallel()
	type params struct {
		Name  string               `json:"name" required:"true"`
		Count *int                 `json:"count"`
		Kinds []moneykit.LinkError `json:"kinds"`
		Inner struct {
			Name string `json:"name"`
			Wait Duration
			Many []string `json:"many"`
		} `json:"inner"`
		Row moneykit.Transaction `json:"row"`
	}
	v := verb("new-verb", "do something new", "", func(*Server, params) (none, error) { return none{}, nil })
	f := placement{place: "more", title: "New verb"}.form(v)
	var got [][]string
	for _, field := range f.Fields {
		got = append(got, []string{field.Path, field.Kind, field.Flag})
	}
	assert.Equal(t, [][]string{
		{"name", "text", "name"},
		{"count", "number", "count"},
		{"kinds", "checks", "kinds"},
		{"inner.name", "text", ""}, // the flag -name is taken
		{"inner.many", "words", "many"},
		{"row", "json", "row"},
	}, got)
	assert.Equal(t, "do something new", f.Summary)
}
