package api

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// reshape rewrites a successful response for the settings Nulls and Zoneless.
func (a *API) reshape(rep *reply) {
	if !a.Nulls && !a.Zoneless || rep.value == nil || rep.status >= 300 {
		return
	}
	tree, err := parse(rep.body)
	if err != nil {
		return // cannot happen: the body was encoded here
	}
	if body, err := json.Marshal(a.shape(tree, reflect.TypeOf(rep.value))); err == nil {
		rep.body = body
	}
}

// shape rewrites node, the JSON of a value of type t.
func (a *API) shape(node any, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n := node.(type) {
	case string:
		if a.Zoneless && t == reflect.TypeFor[moneykit.Timestamp]() {
			return zoneless(n)
		}
	case []any:
		for i := range n {
			n[i] = a.shape(n[i], t.Elem())
		}
	case map[string]any:
		if t.Kind() == reflect.Map {
			for name := range n {
				n[name] = a.shape(n[name], t.Elem())
			}
			break
		}
		for _, field := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" || name == "-" {
				continue // VisibleFields also returns the fields of embedded structs
			}
			if member, ok := n[name]; ok {
				n[name] = a.shape(member, field.Type)
			} else if a.Nulls {
				n[name] = nil
			}
		}
	}
	return node
}

// zoneless converts an RFC 3339 time to a time without a zone.
func zoneless(s string) string {
	t, err := moneykit.ParseTimestamp(s)
	if err != nil {
		return s
	}
	return world.Zoneless(t.Time)
}
