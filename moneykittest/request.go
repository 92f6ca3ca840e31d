package moneykittest

import (
	"net/http"
	"net/url"
	"time"
)

// Request is a request that a [Server] received. "[redacted]" replaces secrets and personal data:
//   - access tokens, the client secret, link session tokens, exchangeable tokens and the URLs of
//     [Server.Authorize], if they are a whole value
//   - values whose names indicate secrets, e-mail addresses, phone numbers, account and routing
//     numbers, masks, or owners with their names and addresses
//
// The JSON members are named in the tags of the fields. A JSON body is included unchanged, any
// other body as a string.
type Request struct {
	Operation string      `json:"operation"` // its ID in the API, such as "get_link"; "" if no operation has this path
	Method    string      `json:"method"`
	Path      string      `json:"path"`
	Query     url.Values  `json:"query,omitempty"`
	Header    http.Header `json:"header,omitempty"`
	// Body is the received body, apart from secrets and, in JSON, the order of members. A body that
	// is neither JSON nor a form, or that is too large, is "[redacted]" as a whole.
	Body   []byte    `json:"body,omitempty"`
	Status int       `json:"status,omitempty"` // of the response, 0 if there was none
	At     time.Time `json:"at"`               // by the server's clock
}

// Requests returns the last 10,000 requests, or fewer if they do not fit into 32 MiB, oldest first.
func (s *Server) Requests() []Request {
	received := s.core().API.Requests()
	out := make([]Request, len(received))
	for i, r := range received {
		out[i] = Request{
			Operation: r.Operation, Method: r.Method, Path: r.Path, Query: r.Query, Header: r.Header, Body: r.Body,
			Status: r.Status, At: r.At,
		}
	}
	return out
}
