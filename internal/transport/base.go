//go:build !js

package transport

import (
	"net"
	"net/http"
	"time"
)

// NewBase returns the transport that a client has when it is given none: the standard library's,
// with a pool that is wide enough for one API host and a bound on every wait before the response.
func NewBase() *http.Transport {
	base := newBase()
	base.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	return base
}

// prepare returns the request to send through base.
func prepare(_ http.RoundTripper, req *http.Request) *http.Request { return req }

// decodes reports whether base removes all content encodings, and leaves the header as it came.
func decodes(http.RoundTripper) bool { return false }
