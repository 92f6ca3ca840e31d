package api

import (
	"bytes"
	"net/http"
	"net/url"
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

// Bounds of the requests that are remembered.
const (
	maxRequests     = 10_000
	maxRequestBytes = 32 << 20
)

// size returns about how much memory a request takes.
func (r *Request) size() int {
	n := 256 + len(r.Path) + len(r.Body)
	for _, values := range []map[string][]string{r.Query, r.Header} {
		for name, list := range values {
			n += 64 + len(name)
			for _, value := range list {
				n += 16 + len(value)
			}
		}
	}
	return n
}

// Requests returns copies of the requests so far, oldest first; of very many the last 10,000, or
// those that fit into 32 MiB.
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
	a.requests = append(a.requests, entry)
	a.requestBytes += entry.size()
	for len(a.requests) > maxRequests || a.requestBytes > maxRequestBytes && len(a.requests) > 1 {
		a.requestBytes -= a.requests[0].size()
		a.requests[0] = nil
		a.requests = a.requests[1:] // append copies them now and then, not with each request
	}
	return entry
}
