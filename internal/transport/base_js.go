package transport

import (
	"net/http"
	"strings"
	"syscall/js"
)

// NewBase returns the transport that a client has when it is given none. It has no dial function:
// with one, net/http does not use the fetch function of the platform.
func NewBase() *http.Transport { return newBase() }

// prepare returns the request to send through base. fetch would follow redirects itself, to another
// origin as well, with the headers and the body of the request.
func prepare(base http.RoundTripper, req *http.Request) *http.Request {
	if !fetches(base) {
		return req
	}
	manual := *req
	manual.Header = req.Header.Clone()
	manual.Header["js.fetch:redirect"] = []string{"manual"} // net/http removes it.
	return &manual
}

// decodes reports whether base removes all content encodings, and leaves the header as it came.
func decodes(base http.RoundTripper) bool { return fetches(base) }

// fetches reports whether base uses fetch, by the rule that net/http has for it.
func fetches(base http.RoundTripper) bool {
	t, ok := base.(*http.Transport)
	//nolint:staticcheck // net/http looks at the deprecated functions as well.
	if !ok || t.Dial != nil || t.DialContext != nil || t.DialTLS != nil || t.DialTLSContext != nil {
		return false
	}
	if js.Global().Get("fetch").IsUndefined() {
		return false
	}
	process := js.Global().Get("process")
	return process.Type() != js.TypeObject || !strings.HasPrefix(process.Get("argv0").String(), "node")
}
