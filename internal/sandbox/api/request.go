package api

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Request is a request that an [API] received, without secrets and personal data; see redactor.
type Request struct {
	Operation string // "" if there is no route for it
	Method    string
	Path      string
	Query     url.Values
	Header    http.Header
	Body      []byte
	Status    int // of the response, 0 if there was none
	At        time.Time
	Number    int    // counts the requests, from 1
	Refusal   string // why it was refused, "" if it was not
}

// maxRequests bounds how many requests are remembered.
const maxRequests = 10_000

// Requests returns copies of the requests so far, oldest first; of very many the last 10,000.
func (a *API) Requests() []Request {
	var out []Request
	a.World.Do(func(*world.World, time.Time) {
		out = make([]Request, len(a.requests))
		for i, r := range a.requests {
			out[i] = r.copy()
		}
	})
	return out
}

// Received returns how many requests there were.
func (a *API) Received() int {
	var n int
	a.World.Do(func(*world.World, time.Time) { n = a.received })
	return n
}

func (r *Request) copy() Request {
	out := *r
	out.Query = url.Values(http.Header(r.Query).Clone())
	out.Header = r.Header.Clone()
	out.Body = bytes.Clone(r.Body)
	return out
}

// record remembers a request, without its secrets from the beginning.
func (a *API) record(w *world.World, rt route, r *http.Request, body []byte, now time.Time) *Request {
	redact := redactor{w, a.ClientSecret}
	a.received++
	entry := &Request{
		Number:    a.received,
		Operation: rt.operation,
		Method:    r.Method,
		Path:      redact.path(r.URL.Path),
		Query:     redact.values(r.URL.Query()),
		Header:    redact.header(r.Header),
		Body:      redact.body(body),
		At:        now,
	}
	if len(a.requests) >= maxRequests {
		a.requests = slices.Delete(a.requests, 0, 1)
	}
	a.requests = append(a.requests, entry)
	return entry
}
