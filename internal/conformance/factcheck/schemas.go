package main

import (
	"slices"
	"strings"
)

// webhooks compares the event that MoneyKit sends.
func (c *check) webhooks() {
	got, want := map[string]object{}, map[string]object{}
	for _, item := range dig(c.doc, "webhooks") {
		for method, op := range item.(object) {
			got[strings.ToUpper(method)+" "+text(op.(object)["operationId"])] = op.(object)
		}
	}
	for _, cb := range list(c.listing, "callbacks") {
		cb := cb.(object)
		want[text(cb["method"])+" "+text(cb["callback_operation_id"])] = cb
	}
	for _, key := range c.sameSet("webhook", sortedKeys(got), sortedKeys(want)) {
		c.count["webhooks"]++
		g := got[key]
		body := text(dig(want[key], "request_body")["schema"])
		c.same("webhook "+key, c.documented(dig(g, "requestBody", "content", "application/json", "schema")),
			c.listed(dig(c.types, body)))
		c.sameSet("webhook "+key+" status", sortedKeys(dig(g, "responses")), sortedKeys(dig(want[key], "responses")))
		var headers []string
		for _, p := range list(g, "parameters") {
			headers = append(headers, text(p.(object)["name"]))
			c.count["parameters"]++
		}
		c.sameSet("webhook "+key+" header", headers, names(list(dig(c.listing, "info"), "webhook_headers")))
	}
}

// schemas compares the schemas by MoneyKit's names, after setting aside those of error bodies.
func (c *check) schemas() {
	codes, fields := map[string]bool{}, map[string]bool{}
	var want []string
	for _, name := range sortedKeys(c.types) {
		listed := dig(c.types, name)
		switch {
		case c.schema[name] != nil:
			want = append(want, name)
		case len(c.codes(name)) == 1 && listed["kind"] == "object":
			codes[c.codes(name)[0]] = true
			c.folded(name, listed, fields)
		case len(c.codes(name)) > 0: // compared with the responses
			c.differ("union of error bodies: gone")
		case listed["kind"] == "anyOf" && slices.Contains(names(list(listed, "used_in")), "webhook"):
			c.differ("schema %s: gone", name)
		case c.inline(name):
			c.differ("schema %s: inline", name)
		default:
			want = append(want, name)
		}
	}
	c.sameSet("Error property", sortedKeys(dig(c.schema["Error"], "properties")), sortedKeys(fields))
	c.sameSet("error code", names(list(c.schema["ErrorCode"], "enum")), sortedKeys(codes))

	for _, name := range c.sameSet("schema", sortedKeys(c.schema), want) {
		c.count["schemas"]++
		got, want := c.schema[name], dig(c.types, name)
		c.count["enum values"] += len(c.sameSet(name+" value", names(list(got, "enum")), names(list(want, "enum"))))
		if want["kind"] == "object" {
			c.properties(name, got, want)
			continue
		}
		g, w := c.documented(got), c.listed(want)
		delete(g, "enum") // compared above, in any order
		delete(w, "enum")
		c.same("schema "+name, g, w)
	}
}

// folded compares the fields of an error body with those of Error, which requires none of them, and
// notes their names.
func (c *check) folded(name string, listed object, fields map[string]bool) {
	c.differ("error body: folded")
	c.count["schemas"]++
	props := dig(c.schema["Error"], "properties")
	for _, v := range list(listed, "fields") {
		c.count["properties"]++
		fields[text(v.(object)["name"])] = true
		want := c.listed(v.(object))
		for _, k := range []string{"required", "default", "enum"} {
			delete(want, k)
		}
		got := c.documented(dig(props, text(v.(object)["name"])))
		delete(got, "null")
		c.same(name+"."+text(v.(object)["name"]), got, want)
	}
}

// properties compares the properties of an object schema.
func (c *check) properties(name string, got, want object) {
	if t := text(got["type"]); t != "object" {
		c.differ("schema %s: type is %s, listed object", name, t)
	}
	for key := range got {
		switch key {
		case "type", "description", "properties", "required":
		default:
			if !strings.HasPrefix(key, "x-") {
				c.differ("schema %s: %s is not listed", name, key)
			}
		}
	}
	fields := map[string]object{}
	for _, f := range list(want, "fields") {
		fields[text(f.(object)["name"])] = f.(object)
	}
	required := names(list(got, "required"))
	props := dig(got, "properties")
	for _, r := range required {
		if props[r] == nil {
			c.differ("schema %s: requires %s, which it does not have", name, r)
		}
	}
	for _, key := range c.sameSet(name+" property", sortedKeys(props), sortedKeys(fields)) {
		c.count["properties"]++
		p, f := dig(props, key), fields[key]
		g, w := c.documented(p), c.listed(f)
		if slices.Contains(required, key) {
			g["required"] = "true"
		}
		if tolerant(want, f) {
			w["null"] = "true"
		}
		c.same(name+"."+key, g, w)

		known := names(list(f, "documented_values"))
		if f["ref"] != nil { // then they are those of the enumeration
			known = nil
		}
		for _, v := range known {
			if v = strings.TrimSuffix(v, ".*"); !strings.Contains(text(p["description"]), v) {
				c.differ("%s.%s: the description does not name the value %s", name, key, v)
			}
		}
	}
}

// tolerant reports whether null must be accepted for a field: for optional fields of responses and
// events, except constants, and for request fields in which null has a meaning.
func tolerant(schema, field object) bool {
	if field["accepts_null"] == true {
		return true
	}
	if field["required"] == true || field["const"] != nil {
		return false
	}
	return slices.ContainsFunc(names(list(schema, "used_in")), func(use string) bool {
		return use == "response" || use == "webhook"
	})
}
