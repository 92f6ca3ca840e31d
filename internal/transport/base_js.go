package transport

import "net/http"

// NewBase returns the transport that a client has when it is given none. It has no dial function:
// with one, net/http does not use the fetch function of the platform.
func NewBase() *http.Transport { return newBase() }
