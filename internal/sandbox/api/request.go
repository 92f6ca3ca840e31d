package api

import (
	"bytes"
	"net/http"
	"net/url"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Request is a request that an [API] received, without secrets and personal data.
type Request struct {
	Operation string // "" if no operation matches
	Method    string
	Path      string
	Query     url.Values
	Header    http.Header
	Body      []byte
	Status    int // status of the response; 0 if there was none
	At        time.Time
	Number    int    // counts the requests, from 1
	Refusal   string // why the request was refused; "" if it was not
}

// Limits of the recorded requests.
const (
	maxRequests     = 10_000
	maxRequestBytes = 32 << 20
)

// size returns the approximate memory of a request, in bytes.
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

// Requests returns copies of the recorded requests, oldest first. Only the last 10,000 requests,
// and at most 32 MiB of them, are kept.
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

// Received returns the number of requests so far.
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

// record adds a redacted copy of a request to the record.
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
		a.requests = a.requests[1:] // append copies the slice from time to time, not for each request
	}
	return entry
}
