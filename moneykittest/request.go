package moneykittest

import (
	"net/http"
	"net/url"
	"time"
)

// Request is a request that a [Server] received. Secrets and personal data are replaced by
// "[redacted]": access tokens, the client secret, link session tokens, exchangeable tokens and
// the URLs of [Server.Authorize] wherever they stand alone, and, by their names, e-mail addresses, phone numbers, account and
// routing numbers and masks, and owners with their names and addresses.
type Request struct {
	Operation string // its id in the API, such as "get_link"; "" if there is no route for it
	Method    string
	Path      string
	Query     url.Values
	Header    http.Header
	// Body is as it came, apart from the secrets and, in JSON, the order of members. One that is
	// neither JSON nor a form, or too large, is "[redacted]" as a whole.
	Body   []byte
	Status int       // of the answer, 0 if there was none
	At     time.Time // by the server's clock
}

// Requests returns the requests so far, oldest first; of very many the last 10,000.
func (s *Server) Requests() []Request {
	received := s.core().api.Requests()
	out := make([]Request, len(received))
	for i, r := range received {
		out[i] = Request(r)
	}
	return out
}
