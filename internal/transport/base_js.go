package transport

import (
	"net/http"
	"strings"
	"syscall/js"
)

// NewBase returns the default transport of a client. It has no dial function, because with one
// net/http does not use the fetch function of the platform.
func NewBase() *http.Transport { return newBase() }

// prepare returns the request to send through base. It turns off redirects in fetch, which would
// send the headers and the body of the request to another origin.
func prepare(base http.RoundTripper, req *http.Request) *http.Request {
	if !fetches(base) {
		return req
	}
	manual := *req
	manual.Header = req.Header.Clone()
	manual.Header["js.fetch:redirect"] = []string{"manual"} // net/http removes it.
	return &manual
}

// decodes reports whether base removes all content encodings without changing the header.
func decodes(base http.RoundTripper) bool { return fetches(base) }

// fetches reports whether base uses fetch. It follows the rule of net/http.
func fetches(base http.RoundTripper) bool {
	t, ok := base.(*http.Transport)
	//nolint:staticcheck // net/http checks the deprecated functions as well.
	if !ok || t.Dial != nil || t.DialContext != nil || t.DialTLS != nil || t.DialTLSContext != nil {
		return false
	}
	if js.Global().Get("fetch").IsUndefined() {
		return false
	}
	process := js.Global().Get("process")
	return process.Type() != js.TypeObject || !strings.HasPrefix(process.Get("argv0").String(), "node")
}
