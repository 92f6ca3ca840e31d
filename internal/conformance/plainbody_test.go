package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file tests the bodies of requests: their media types, their JSON, and each member that the
// document has for them.

// withBody returns the attempts that have a body of JSON.
func (p *plain) withBody(t *testing.T, s scene) []attempt {
	t.Helper()
	var attempts []attempt
	for _, id := range operationIDs(t) {
		if a := p.prepare(t, s, id); a.media == "application/json" {
			attempts = append(attempts, a)
		}
	}
	require.Len(t, attempts, len(plainBodies), "bodies for all operations that take one")
	return attempts
}

// plainMedia sends bodies under other media types.
func plainMedia(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	for _, media := range []string{
		"application/json; charset=utf-8", "application/json;charset=UTF-8", `application/json; charset="utf-8"`,
		"Application/JSON", "application/vnd.api+json", "application/problem+json; a=b", none,
	} {
		for _, a := range p.withBody(t, s) {
			p.try(t, a, "Content-Type: "+media).success(t, a.status)
		}
	}
	for _, media := range []string{
		"text/plain", "text/json", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
		"application/jsonp", "json", "*/*",
	} {
		for _, a := range p.withBody(t, s) {
			p.try(t, a, "Content-Type: "+media).malformed(t, "body")
		}
	}
}

// plainSyntax sends bodies that are not JSON objects.
func plainSyntax(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	for _, a := range p.withBody(t, s) {
		for _, body := range []string{
			"", " \r\n\t", "null", "true", "7", `"{}"`, "[]", "[{}]", "{", `{"a":}`, `{'a':1}`, "{} {}", "{},", "{}x", `{"a":1,}`, "NaN",
			"a=b&c=d", "<xml/>", "\xef\xbb\xbf" + a.body, a.body[:len(a.body)-1], a.body + "}", "{\"\xff\":1," + a.body[1:],
			`{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}", `{"a":"` + "\x01" + `"}`,
		} {
			wrong := a
			wrong.body = body
			p.try(t, wrong).malformed(t, "body")
		}
	}
	// There are other ways to write the same JSON.
	for _, a := range p.withBody(t, s) {
		if i := strings.Index(a.body, `"`); i >= 0 {
			a.body = a.body[:i+1] + fmt.Sprintf(`\u%04x`, a.body[i+1]) + a.body[i+2:]
		}
		a.body = " \r\n\t" + a.body + "\n"
		p.try(t, a).success(t, a.status)
	}
}

// place is a member of a body, and its schema in the document.
type place struct {
	in       object
	name     string
	at       string // "body.a.0.b"
	schema   *openapi3.Schema
	required bool
}

// placesOf returns the members of a body that a schema has, at any depth.
func placesOf(t *testing.T, schema *openapi3.Schema, value any, at string) []place {
	t.Helper()
	var places []place
	switch v := value.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			property := schema.Properties[name].Value
			require.Contains(t, v, name, "the fullest body has it: %s", at)
			places = append(places, place{v, name, at + "." + name, property, slices.Contains(schema.Required, name)})
			places = append(places, placesOf(t, property, v[name], at+"."+name)...)
		}
	case []any:
		require.NotEmpty(t, v, at)
		places = placesOf(t, schema.Items.Value, v[0], at+".0")
	}
	return places
}

// eachPlace calls f with each member of the fullest bodies, and with a function that sends the
// changed body. Afterwards it restores the body.
func eachPlace(t *testing.T, p *plain, s scene, f func(t *testing.T, a attempt, m place, send func() answered)) {
	t.Helper()
	for _, id := range slices.Sorted(maps.Keys(plainBodies)) {
		t.Run(id, func(t *testing.T) {
			a := p.prepare(t, s, id)
			schema := a.op.RequestBody.Value.Content["application/json"].Schema.Value
			token := decode(t, []byte(a.body))["exchangeable_token"]
			var body any = decode(t, []byte(fullBody(id)))
			for _, m := range placesOf(t, schema, body, "body") {
				before, there := m.in[m.name]
				if m.name == "exchangeable_token" {
					before = token
				}
				f(t, a, m, func() answered {
					text, err := json.Marshal(body)
					require.NoError(t, err)
					a.body = string(text)
					return p.try(t, a)
				})
				require.True(t, there)
				m.in[m.name] = before
			}
		})
	}
}

// permits reports whether the document lets a value have a type.
func permits(schema *openapi3.Schema, kind string) bool {
	if schema.Type != nil && schema.Type.Includes(kind) {
		return true
	}
	return slices.ContainsFunc(schema.AnyOf, func(s *openapi3.SchemaRef) bool { return permits(s.Value, kind) })
}

// plainMembers removes each member of the fullest bodies, sets it to null, and sets it to values of
// other types.
func plainMembers(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	accepted := func(t *testing.T, a attempt, m place, r answered) {
		t.Helper()
		want := []int{a.status}
		if a.id == "exchange_token" {
			want = append(want, http.StatusBadRequest) // the token is used
		}
		assert.Contains(t, want, r.status, "%s: %s", m.at, r.text)
	}
	eachPlace(t, p, s, func(t *testing.T, a attempt, m place, send func() answered) {
		t.Helper()
		full := m.in[m.name]
		accepted(t, a, m, send())
		delete(m.in, m.name)
		if m.required {
			send().malformed(t, m.at)
		} else {
			accepted(t, a, m, send())
		}
		m.in[m.name] = nil
		switch r := send(); {
		case permits(m.schema, "null"):
			accepted(t, a, m, r)
		case m.required || r.status == http.StatusUnprocessableEntity:
			r.malformed(t, m.at)
		default: // the document of 2023 allowed it
			accepted(t, a, m, r)
		}
		for kind, value := range map[string]any{
			"object": object{"a": 1}, "array": []any{object{}}, "boolean": true, "number": 1e300, "string": "\u0000",
		} {
			if !permits(m.schema, kind) {
				m.in[m.name] = value
				send().malformed(t, m.at)
			}
		}
		// Members that the document does not have are ignored, even if they resemble one that it
		// has.
		m.in[m.name] = full
		for _, name := range []string{"zzz", "", strings.ToUpper(m.name), strings.ToUpper(m.name[:1]) + m.name[1:]} {
			m.in[name] = []any{object{"a": nil}}
			accepted(t, a, m, send())
			delete(m.in, name)
		}
	})
}

// plainValues sends strings as long as the document allows, and longer; and all values of
// enumerations, and others.
func plainValues(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	eachPlace(t, p, s, func(t *testing.T, _ attempt, m place, send func() answered) {
		t.Helper()
		schema, at, wrap := m.schema, m.at, func(v string) any { return v }
		if schema.Items != nil && schema.Items.Value.Properties == nil {
			schema, at, wrap = schema.Items.Value, m.at+".0", func(v string) any { return []any{v} }
		}
		try := func(value string, ok bool) {
			t.Helper()
			m.in[m.name] = wrap(value)
			if r := send(); ok && r.status == http.StatusUnprocessableEntity {
				assert.NotContains(t, r.places(t), at, "%.100q: %s", value, r.text)
			} else if !ok {
				r.malformed(t, at)
			}
		}
		for _, value := range schema.Enum {
			try(value.(string), true)
		}
		if len(schema.Enum) > 0 {
			for _, value := range []string{"", "mood", strings.ToUpper(schema.Enum[0].(string)) + "x", schema.Enum[0].(string) + " "} {
				try(value, false)
			}
		}
		// An é is a character, though it has two bytes.
		letters := func(n int) string { return strings.Repeat("a", min(n, 1)) + strings.Repeat("é", max(n-1, 0)) }
		if schema.MinLength > 0 {
			try(letters(int(schema.MinLength)), true)
			try(letters(int(schema.MinLength)-1), false)
		}
		if schema.MaxLength != nil {
			try(letters(int(*schema.MaxLength)), true)
			try(letters(int(*schema.MaxLength)+1), false)
		}
		if schema.Pattern != "" && strings.Contains(schema.Pattern, "A-Z") { // a tag
			for _, value := range []string{"Z", "0 -_", "a\n"} {
				try(value, true)
			}
			for _, value := range []string{"", " a", "-", "é", "#a"} {
				try(value, false)
			}
		}
		switch schema.Format {
		case "decimal":
			for _, value := range []string{"0", "-0.00", "12345678901234567890.123456789", "1e3"} {
				try(value, true)
			}
			for _, value := range []string{"", "one", "1,5", "0x10", "NaN", "Infinity", "1.2.3", "$1"} {
				try(value, false)
			}
		case "date-time":
			for _, value := range []string{
				"2024-02-29T12:00:00Z", "2024-02-29T12:00:00.123456", "2024-02-29 12:00:00+0000",
				"2024-02-29", "1700000000",
			} {
				try(value, true)
			}
			for _, value := range []string{"", "2023-02-29T12:00:00Z", "29.02.2024", "now", "2024-02-29T25:00:00Z"} {
				try(value, false)
			}
		}
	})
}

// plainLists sends lists with few and with many items.
func plainLists(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	eachPlace(t, p, s, func(t *testing.T, a attempt, m place, send func() answered) {
		t.Helper()
		if m.schema.Items == nil {
			return
		}
		items := m.in[m.name].([]any)
		m.in[m.name] = []any{}
		if r := send(); m.schema.MinItems > 0 || m.at == "body.products" { // which says so in words only
			r.malformed(t, m.at)
		} else if m.at != "body.accounts" { // whose transactions are then of no account
			assert.Equal(t, a.status, r.status, "%s: %s", m.at, r.text)
		}
		m.in[m.name] = []any{items[0], nil, items[0]}
		r := send()
		require.Equal(t, http.StatusUnprocessableEntity, r.status)
		assert.Contains(t, r.places(t), m.at+".1")
	})
}
