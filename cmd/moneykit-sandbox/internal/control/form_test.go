package control

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
)

// TestForms checks that each parameter of each verb is in one of its forms.
func TestForms(t *testing.T) {
	t.Parallel()
	for _, v := range Verbs() {
		var have, want []string
		for place, all := range forms() {
			for _, f := range all {
				if f.Verb != v.Name {
					continue
				}
				assert.NotEqual(t, "more", place, "%s has its own place", v.Name)
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

// TestNewForm makes the form of a verb without a placement.
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
