//go:build !js

package transport

import (
	"net"
	"net/http"
	"time"
)

// NewBase returns the default transport of a client: the standard library's, with a connection pool
// for a single API host and a limit for each wait before the response.
func NewBase() *http.Transport {
	base := newBase()
	base.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	return base
}

// prepare returns the request to send through base.
func prepare(_ http.RoundTripper, req *http.Request) *http.Request { return req }

// decodes reports whether base removes all content encodings without changing the header.
func decodes(http.RoundTripper) bool { return false }
