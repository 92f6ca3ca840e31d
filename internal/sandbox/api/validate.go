package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// problem is one problem of a request. The types of problems are those of FastAPI, because
// MoneyKit's bodies look like FastAPI's. MoneyKit's own types are not published.
type problem struct {
	Location []any  `json:"location"`
	Message  string `json:"message"`
	Type     string `json:"type"`
}

// rule checks a JSON value and appends its problems to found. It returns the value to decode, which
// may be a converted form of the value.
type rule func(found *[]problem, at []any, value any) any

// read validates the body of a request and decodes it into value. If the body is invalid, it
// returns the response to send and false.
func (q *call) read(check rule, value any) (reply, bool) {
	var found []problem
	add := func(kind, message string) { found = append(found, problem{[]any{"body"}, message, kind}) }
	parsed, err := parse(q.body)
	switch {
	case !isJSON(q.Header):
		add("model_attributes_type", "the Content-Type must be application/json")
	case len(bytes.TrimSpace(q.body)) == 0:
		add("missing", "a body is required")
	case err != nil:
		add("json_invalid", "the body is not JSON in UTF-8")
	default:
		parsed = check(&found, []any{"body"}, parsed)
		if len(found) > 0 {
			break
		}
		body, err := json.Marshal(parsed)
		if err == nil {
			err = json.Unmarshal(body, value)
		}
		if err != nil {
			add("value_error", "the body cannot be understood") // a rule is missing
		}
	}
	if len(found) == 0 {
		return reply{}, true
	}
	return malformed(found), false
}

// parse decodes a single JSON value in UTF-8. Numbers keep their digits.
func parse(data []byte) (value any, err error) {
	// encoding/json would silently replace bytes that are not UTF-8.
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errors.New("not JSON in UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	err = decoder.Decode(&value)
	return value, err
}

// isJSON reports whether the Content-Type is JSON or absent.
func isJSON(h http.Header) bool {
	header := h.Get("Content-Type")
	if header == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(header)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// member is the rule of a member of an object.
type member struct {
	name     string
	required bool // must not be absent
	value    bool // must not be null
	check    rule
}

func required(name string, check rule) member { return member{name, true, true, check} }

// optional returns a member that may be absent or null. MoneyKit's document of 2025 declares only
// the webhook of an updated link as nullable. Two more kinds of members are accepted as null: those
// that its document of 2023 declared as nullable, and those that are null in responses.
func optional(name string, check rule) member { return member{name, false, false, check} }

// present returns a member that may be absent, but not null. Such members have a default, or are
// not declared as nullable anywhere.
func present(name string, check rule) member { return member{name, false, true, check} }

// object checks the members of an object and drops all others. Others could confuse encoding/json,
// which ignores the case of names.
func object(members ...member) rule {
	return func(found *[]problem, at []any, value any) any {
		object, ok := value.(map[string]any)
		if !ok {
			*found = append(*found, problem{at, "must be an object", "model_attributes_type"})
			return value
		}
		kept := map[string]any{}
		for _, m := range members {
			v, ok := object[m.name]
			switch {
			case ok && (v != nil || m.value):
				kept[m.name] = m.check(found, under(at, m.name), v)
			case ok:
				kept[m.name] = nil
			case m.required:
				*found = append(*found, problem{under(at, m.name), "is required", "missing"})
			}
		}
		return kept
	}
}

func list(item rule) rule {
	return func(found *[]problem, at []any, value any) any {
		items, ok := value.([]any)
		if !ok {
			*found = append(*found, problem{at, "must be a list", "list_type"})
			return value
		}
		for i, v := range items {
			items[i] = item(found, under(at, i), v)
		}
		return items
	}
}

// nonempty checks a list with at least one item.
func nonempty(item rule) rule {
	each := list(item)
	return func(found *[]problem, at []any, value any) any {
		if items, ok := value.([]any); ok && len(items) == 0 {
			*found = append(*found, problem{at, "must have at least one item", "too_short"})
			return value
		}
		return each(found, at, value)
	}
}

// under returns a copy of at with one more step.
func under(at []any, step any) []any { return append(slices.Clip(at), step) }

// text checks a string of least to most characters.
func text(least, most int) rule {
	return func(found *[]problem, at []any, value any) any {
		s, ok := value.(string)
		if !ok {
			*found = append(*found, problem{at, "must be a string", "string_type"})
			return value
		}
		switch n := utf8.RuneCountInString(s); {
		case n < least:
			*found = append(*found, problem{at, fmt.Sprintf("must have at least %d characters", least), "string_too_short"})
		case n > most:
			*found = append(*found, problem{at, fmt.Sprintf("must have at most %d characters", most), "string_too_long"})
		}
		return value
	}
}

// matching checks a string for which accept must return true.
func matching(accept func(string) bool, message, kind string) rule {
	return func(found *[]problem, at []any, value any) any {
		s, ok := value.(string)
		if !ok {
			*found = append(*found, problem{at, "must be a string", "string_type"})
		} else if !accept(s) {
			*found = append(*found, problem{at, message, kind})
		}
		return value
	}
}

// known checks a value of an enumeration.
func known[T interface {
	~string
	Known() bool
}]() rule {
	return matching(func(s string) bool { return T(s).Known() }, "is not one of the known values", "enum")
}

func boolean(found *[]problem, at []any, value any) any {
	if _, ok := value.(bool); !ok {
		*found = append(*found, problem{at, "must be true or false", "bool_type"})
	}
	return value
}

func tag() rule {
	isAlphanumeric := func(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' }
	return matching(func(s string) bool {
		return s != "" && isAlphanumeric(s[0]) && utf8.RuneCountInString(s) < 100
	}, "must begin with a letter or digit and have at most 99 characters", "string_pattern_mismatch")
}

func routingNumber() rule {
	return matching(world.IsRoutingNumber, "must be nine digits, the last of them a valid check digit", "string_pattern_mismatch")
}
