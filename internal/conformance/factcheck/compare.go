package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A check collects the differences between the document and the listing.
type check struct {
	doc, listing object
	types        object            // the schemas of the listing, by MoneyKit's names
	schema       map[string]object // the schemas of the document, by MoneyKit's names
	names        map[string]string // MoneyKit's names by the document's
	found, count map[string]int
}

func newCheck(doc, listing object) *check {
	c := &check{
		doc: doc, listing: listing, types: dig(listing, "schemas"),
		schema: map[string]object{}, names: map[string]string{},
		found: map[string]int{}, count: map[string]int{},
	}
	for name, s := range dig(doc, "components", "schemas") {
		up, ok := s.(object)["x-upstream-name"].(string)
		if !ok {
			up = name
		}
		if c.schema[up] != nil {
			c.differ("schema %s: twice in the document", up)
		}
		c.schema[up], c.names[name] = s.(object), up
	}
	return c
}

// differ records a difference.
func (c *check) differ(format string, args ...any) { c.found[fmt.Sprintf(format, args...)]++ }

// dig descends into objects. A missing object is an empty object.
func dig(o object, keys ...string) object {
	for _, k := range keys {
		o, _ = o[k].(object)
	}
	return o
}

func list(o object, key string) []any { l, _ := o[key].([]any); return l }

func names(l []any) []string {
	s := make([]string, len(l))
	for i, v := range l {
		s[i] = text(v)
	}
	return s
}

func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// resolve follows a reference into the components of the document.
func (c *check) resolve(o object) object {
	if ref, ok := o["$ref"].(string); ok {
		return dig(c.doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return o
}

func (c *check) upstream(name string) string {
	if up, ok := c.names[name]; ok {
		return up
	}
	return name + " (undefined)"
}

// inline reports whether the document has a listed schema only in place, without a name.
func (c *check) inline(name string) bool {
	return dig(c.types, name)["kind"] == "anyOf" && c.schema[name] == nil
}

func (c *check) general() {
	info := dig(c.listing, "info")
	c.same("info", facets{"title": text(dig(c.doc, "info")["title"]), "version": text(dig(c.doc, "info")["version"])},
		facets{"title": text(info["title"]), "version": text(info["spec_version"])})
	urls := func(l []any) (s []string) {
		for _, v := range l {
			s = append(s, text(v.(object)["url"]))
		}
		return s
	}
	c.sameSet("server", urls(list(c.doc, "servers")), urls(list(info, "servers")))

	got, want := dig(c.doc, "components", "securitySchemes"), dig(info, "auth_schemes")
	for _, name := range c.sameSet("security scheme", sortedKeys(got), sortedKeys(want)) {
		g, w := dig(got, name), dig(want, name)
		c.same("security scheme "+name, pick(facets{"type": text(g["type"])}, g, "scheme"),
			pick(facets{"type": text(w["openapi_type"])}, w, "scheme"))
		if flow, ok := w["flow_inferred"].(string); ok {
			url := text(dig(g, "flows", flow)["tokenUrl"])
			if !strings.HasSuffix(url, text(w["token_path"])) {
				c.differ("security scheme %s: the token comes from %s", name, url)
			}
		}
	}
}

// pick adds those of the keys that o has.
func pick(f facets, o object, keys ...string) facets {
	for _, k := range keys {
		if v, ok := o[k]; ok && v != false {
			f[k] = text(v)
		}
	}
	return f
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// operations compares the operations by method and path.
func (c *check) operations() {
	got, want := map[string]object{}, map[string]object{}
	shared := map[string][]any{} // parameters of the path
	for path, item := range dig(c.doc, "paths") {
		for method, op := range item.(object) {
			if method == "parameters" {
				continue
			}
			key := strings.ToUpper(method) + " " + path
			got[key], shared[key] = op.(object), list(item.(object), "parameters")
		}
	}
	for _, op := range list(c.listing, "operations") {
		op := op.(object)
		want[text(op["method"])+" "+text(op["path"])] = op
	}
	for _, key := range c.sameSet("operation", sortedKeys(got), sortedKeys(want)) {
		g, w := got[key], want[key]
		c.count["operations"]++
		c.same(key, pick(facets{}, g, "operationId"), facets{"operationId": text(w["operation_id"])})
		where := text(w["operation_id"])
		c.security(g, w)
		c.parameters(where, slices.Concat(shared[key], list(g, "parameters")), list(w, "parameters"))
		c.body(where, c.resolve(dig(g, "requestBody")), dig(w, "request_body"))
		c.responses(where, g, w)
	}
}

// security compares the ways to authenticate an operation.
func (c *check) security(got, want object) {
	requirements, ok := got["security"].([]any)
	if !ok {
		requirements = list(c.doc, "security")
	}
	var ways []string
	for _, r := range requirements {
		if way := strings.Join(sortedKeys(r.(object)), "+"); way != "" {
			ways = append(ways, way)
		} else {
			ways = append(ways, "none")
		}
	}
	listed := names(list(want, "auth"))
	for _, w := range listed {
		if !slices.Contains(ways, w) {
			c.differ("%s: security %s is not in the document", want["operation_id"], w)
		}
	}
	for _, w := range ways {
		if !slices.Contains(listed, w) {
			c.differ("security %s: the document adds %s", strings.Join(append(listed, "none")[:max(1, len(listed))], ","), w)
		}
	}
}

// parameters compares the parameters of an operation by place and name.
func (c *check) parameters(where string, got, want []any) {
	index := func(l []any) map[string]object {
		m := map[string]object{}
		for _, p := range l {
			p := c.resolve(p.(object))
			m[text(p["in"])+" "+text(p["name"])] = p
		}
		return m
	}
	g, w := index(got), index(want)
	for _, key := range c.sameSet(where+" parameter", sortedKeys(g), sortedKeys(w)) {
		c.count["parameters"]++
		f := pick(c.documented(dig(g[key], "schema")), g[key], "required", "deprecated", "style", "explode")
		if f["type"] == "array" && strings.HasPrefix(key, "query") { // the defaults of OpenAPI
			for k, v := range map[string]string{"style": "form", "explode": "true"} {
				if _, ok := g[key][k]; !ok {
					f[k] = v
				}
			}
		}
		c.same(where+" parameter "+key, f, c.listed(w[key]))
	}
}

// body compares a request body: media type, schema, and whether it is required.
func (c *check) body(where string, got, want object) {
	if len(got) == 0 || len(want) == 0 {
		if len(got) != len(want) {
			c.differ("%s: request body on one side only", where)
		}
		return
	}
	media := text(want["content_type"])
	c.sameSet(where+" request", sortedKeys(dig(got, "content")), []string{media})
	c.same(where+" request", pick(facets{}, got, "required"), pick(facets{}, want, "required"))
	schema := dig(got, "content", media, "schema")
	if inline, ok := want["schema"].(object); ok {
		c.properties(where, schema, inline)
		return
	}
	c.same(where+" request", c.documented(schema), facets{"ref": text(want["schema"])})
}

// responses compares the statuses of an operation, the schema of a success and the error codes of
// an error.
func (c *check) responses(where string, got, want object) {
	inferred := names(list(got, "x-inferred-statuses"))
	listed := dig(want, "responses")
	for _, status := range sortedKeys(dig(got, "responses")) {
		r := c.resolve(dig(got, "responses", status))
		media := dig(r, "content")
		if _, ok := listed[status]; ok == slices.Contains(inferred, status) {
			c.differ("%s: status %s is listed: %t, marked as inferred: %t", where, status, ok, ok)
			continue
		}
		if len(media) > 0 {
			c.sameSet(where+" "+status, sortedKeys(media), names(list(want, "accept")))
		}
		schema := dig(media, "application/json", "schema")
		if status < "400" {
			f := facets{}
			if name := listed[status]; name != nil {
				f["ref"] = text(name)
			}
			c.same(where+" "+status, c.documented(schema), f)
			continue
		}
		codes, base := c.narrowed(schema)
		if base != "Error" {
			c.differ("%s %s: the body is not an Error", where, status)
		}
		wanted := c.codes(text(listed[status]))
		for _, code := range codes {
			switch {
			case slices.Contains(inferred, status):
				c.differ("status %s %s: inferred", status, code)
			case !slices.Contains(wanted, code):
				c.differ("status %s %s: added", status, code)
			}
		}
		for _, code := range wanted {
			if !slices.Contains(codes, code) {
				c.differ("%s %s: error code %s is not in the document", where, status, code)
			}
		}
	}
	for status := range listed {
		if _, ok := dig(got, "responses")[status]; !ok {
			c.differ("%s: status %s is not in the document", where, status)
		}
	}
	for _, status := range inferred {
		if _, ok := dig(got, "responses")[status]; !ok {
			c.differ("%s: status %s is inferred but not in the document", where, status)
		}
	}
}

// narrowed returns the error codes to which an error response restricts its schema.
func (c *check) narrowed(schema object) (codes []string, base string) {
	for _, part := range list(schema, "allOf") {
		if ref, ok := part.(object)["$ref"].(string); ok {
			base = refName(ref)
		}
		codes = append(codes, names(list(dig(part.(object), "properties", "error_code"), "enum"))...)
	}
	return codes, base
}

// codes returns the error codes of a listed error body, or of all bodies in a union.
func (c *check) codes(name string) (codes []string) {
	for _, v := range list(dig(c.types, name), "variants") {
		codes = append(codes, c.codes(text(v))...)
	}
	for _, f := range list(dig(c.types, name), "fields") {
		if f := f.(object); f["name"] == "error_code" && f["const"] != nil {
			codes = append(codes, text(f["const"]))
		}
	}
	return codes
}
