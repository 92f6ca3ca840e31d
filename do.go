package moneykit

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"unicode"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// Do makes a call that this package has no method for, with the client's authentication, retries,
// limits and errors. path begins with a slash and may have a query; the caller escapes its parts.
// in is sent as JSON unless it is nil. The response is decoded into out unless out is nil: into a
// type of this package as by its methods, into another type with encoding/json.
//
// Errors, logs, [CallInfo] and a [Limiter] name the operation of MoneyKit's published API that has
// the method and the path, such as "GET /links/{id}/accounts". For other paths they show only the
// method and the first word of the path.
//
// It returns an [*Error]. GET and DELETE are retried like any read, other methods only after 429.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	r := newCustomRequest(method, path, in)
	if out != nil {
		if v := reflect.ValueOf(out); v.Kind() != reflect.Pointer || v.IsNil() {
			r.wrong.add("out", "must be nil or a pointer that is not nil")
		}
		if !isOwn(out) {
			out = custom{out}
		}
	}
	return c.core.do(ctx, r, out, opts)
}

// custom marks a value of the caller's own type, which is decoded with encoding/json.
type custom struct{ out any }

// isOwn reports whether out is a pointer to a type of this package that has a decoder. A caller's
// type that embeds one has its methods, but more members.
func isOwn(out any) bool {
	_, ok := out.(object)
	return ok && reflect.TypeOf(out).Elem().PkgPath() == reflect.TypeFor[Client]().PkgPath()
}

func newCustomRequest(method, target string, in any) *request {
	path, query, _ := strings.Cut(target, "?")
	method = strings.ToUpper(method)
	var wrong fieldErrors
	if method == "" || strings.ContainsFunc(method, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		wrong.add("method", "must be a word")
		method = ""
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		wrong.add("path", "must begin with one slash")
	}
	if strings.Contains(target, "#") {
		wrong.add("path", "must not have a fragment")
	}
	if strings.ContainsFunc(target, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		wrong.add("path", "must not have spaces or control characters")
	}
	for segment := range strings.SplitSeq(path, "/") {
		if _, err := url.PathUnescape(segment); err != nil || movesPath(segment) {
			wrong.add("path", "must not have invalid escapes, backslashes, encoded slashes, or . or .. between its slashes")
			break
		}
	}
	operation, ids := published(method, path)
	if operation == "" {
		operation = method + " " + pathTemplate(path)
	}
	r := newRequest(operation, ids...)
	r.path, r.query, r.body, r.wrong = path, []byte(query), in, wrong
	return r
}

// published returns the operation of MoneyKit's published API that has the method and the path, and
// the ids in the path. It returns "" if there is no such operation.
func published(method, path string) (operation string, ids []string) {
	segments := strings.Split(path, "/")
	for _, candidate := range operations() {
		verb, template, _ := strings.Cut(candidate, " ")
		values, ok := match(strings.Split(template, "/"), segments)
		// If two templates fit, the one with fewer parameters is the more specific.
		if ok && verb == method && (operation == "" || len(values) < len(ids)) {
			operation, ids = candidate, values
		}
	}
	return operation, ids
}

// match reports whether the segments of a path fit a template, and returns the values of the
// template's parameters.
func match(template, segments []string) (values []string, ok bool) {
	if len(template) != len(segments) {
		return nil, false
	}
	for i, word := range template {
		switch {
		case strings.HasPrefix(word, "{") && segments[i] != "":
			values = append(values, unescaped(segments[i]))
		case word != segments[i]:
			return nil, false
		}
	}
	return values, true
}

// pathTemplate returns a path for errors and logs. A path may contain ids of links and users, so
// only its first word is kept, and only if it looks like a word of the API.
func pathTemplate(path string) string {
	first, _, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !plain.Only(first, "abcdefghijklmnopqrstuvwxyz-") || len(first) > 20 {
		first = "…"
	}
	if more {
		return "/" + first + "/…"
	}
	return "/" + first
}
