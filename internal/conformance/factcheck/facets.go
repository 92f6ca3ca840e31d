package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// facets are the properties of a value, a property or a parameter: "type", "ref", "default", "items
// type" and so on, each as text. Both sides are brought into this form.
type facets map[string]string

func text(v any) string {
	switch v := v.(type) {
	case string:
		if v == "" {
			return `""`
		}
		return v
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = text(e)
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v)
}

func (f facets) nest(prefix string, inner facets) {
	for k, v := range inner {
		f[prefix+" "+k] = v
	}
}

func (f facets) String() string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(f)) {
		parts = append(parts, k+" "+f[k])
	}
	return strings.Join(parts, ", ")
}

// variants returns the facet of a union.
func variants(each []facets) string {
	parts := make([]string, len(each))
	for i, f := range each {
		parts[i] = f.String()
	}
	return strings.Join(parts, " | ")
}

// documented returns the facets of a schema of the document. A keyword that it does not know
// becomes a facet too, and so a difference.
func (c *check) documented(schema object) facets {
	f := facets{}
	for key, v := range schema {
		switch {
		case key == "description" || strings.HasPrefix(key, "x-"):
		case key == "$ref":
			f["ref"] = c.upstream(refName(text(v)))
		case key == "type":
			types, ok := v.([]any)
			if !ok {
				types = []any{v}
			}
			for _, t := range types {
				if t == "null" {
					f["null"] = "true"
				} else {
					f["type"] = text(t)
				}
			}
		case key == "const":
			f["enum"] = text(v)
		case key == "items" || key == "additionalProperties":
			f.nest(key, c.documented(v.(object)))
		case key == "anyOf":
			var each []facets
			for _, e := range v.([]any) {
				if e := c.documented(e.(object)); len(e) == 1 && e["null"] != "" {
					f["null"] = "true"
				} else {
					each = append(each, e)
				}
			}
			if len(each) == 1 {
				maps.Copy(f, each[0])
			} else {
				f["anyOf"] = variants(each)
			}
		default:
			f[key] = text(v)
		}
	}
	return f
}

// aside contains the keys of the listing for the source of an entry, for its name in other clients,
// and for facts that are compared elsewhere.
var aside = map[string]bool{
	"name": true, "in": true, "python_name": true, "python_type": true, "from_ruby": true, "example": true,
	"observed_example": true, "nullable": true, "null_likely": true, "null_evidence": true,
	"null_observed": true, "null_meaning": true, "may_be_omitted": true, "collection_format": true,
	"ref_has_sibling_description": true, "format_inferred": true, "server_ignores": true,
	"kind": true, "used_in": true, "spec_title": true, "documented_values": true, "accepts_null": true,
	"discriminator": true,
}

// listed returns the facets of an entry of the listing.
func (c *check) listed(entry object) facets {
	f := facets{}
	for key, v := range entry {
		switch {
		case aside[key] || v == false && (key == "required" || key == "deprecated"):
		case key == "ref":
			if target, ok := c.types[text(v)].(object); ok && c.inline(text(v)) {
				maps.Copy(f, c.listed(target))
			} else {
				f["ref"] = text(v)
			}
		case key == "const":
			f["enum"] = text(v)
		case key == "items":
			f.nest(key, c.listed(v.(object)))
		case key == "additional_properties":
			if of, ok := v.(object); ok {
				f.nest("additionalProperties", c.listed(of))
			}
		case key == "variants":
			var each []facets
			for _, e := range v.([]any) {
				if of, ok := e.(object); ok {
					each = append(each, c.listed(of))
				} else {
					each = append(each, facets{"ref": text(e)})
				}
			}
			f["anyOf"] = variants(each)
		case key == "semantic":
			if strings.Contains(text(v), "decimal string") {
				f["format"] = "decimal"
			}
		case key == "documented_only_constraints":
			for limit, v := range v.(object) {
				switch limit {
				case "maxLength":
					f["items maxLength"] = text(v)
				case "starts_with":
					f["items pattern"] = map[string]string{"alphanumeric": "^[A-Za-z0-9]"}[text(v)]
				default:
					f[limit] = text(v)
				}
			}
		default:
			f[key] = text(v)
		}
	}
	return f
}

// same reports each facet in which the two sides differ.
func (c *check) same(where string, got, want facets) {
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if want[k] == "" {
			c.differ("%s: %s is %s, listed none", where, k, got[k])
		} else if got[k] != want[k] {
			c.differ("%s: %s is %s, listed %s", where, k, got[k], want[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] == "" {
			c.differ("%s: %s is none, listed %s", where, k, want[k])
		}
	}
}

// sameSet reports the elements that only one side has, and returns those that both have.
func (c *check) sameSet(what string, got, want []string) (both []string) {
	for _, s := range got {
		if slices.Contains(want, s) {
			both = append(both, s)
		} else {
			c.differ("%s %s: not listed", what, s)
		}
	}
	for _, s := range want {
		if !slices.Contains(got, s) {
			c.differ("%s %s: not in the document", what, s)
		}
	}
	return both
}
