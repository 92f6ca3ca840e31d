// Package api answers the requests to the fake MoneyKit: the operations of its API with
// authentication, rate limits, validation, planned faults and JSON. The state is a
// [world.World]; this package has none but what concerns requests: the faults that are planned, the
// counts of the rate limits, and a record of the requests.
package api

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// maxBody is the largest request body that is read. MoneyKit publishes 1 MB for imports.
const maxBody = 1 << 20

// Settings is how an [API] behaves.
type Settings struct {
	ClientID, ClientSecret string // the only ones that are accepted
	Auth                   Auth
	RateLimits             bool
	TokenLife              time.Duration   // of access tokens
	Origins                map[string]bool // of redirect URIs, see [Origins]; nil for any
	Nulls                  bool            // write absent optional members as null
	Zoneless               bool            // write times without a zone, with six decimals
}

// Surroundings is what an [API] needs of the program that it is part of.
type Surroundings struct {
	World *world.Shared
	// Keys returns the key set that webhooks are verified with, as JSON. It is called with the
	// world locked.
	Keys func(now time.Time) ([]byte, error)
	// Errorf reports a mistake of the test or the program that sends requests.
	Errorf func(format string, args ...any)
	// Done ends requests that a planned fault delays.
	Done <-chan struct{}
	// Observe is told each request when its response is decided, or that it has none, and why it is
	// refused, or "". It is called with the world locked, and may be nil.
	Observe func(r Request, refusal string)
}

// API serves the operations. Make one with [New]; it is safe for concurrent use.
type API struct {
	Settings
	Surroundings

	operations map[string]bool // written only by New

	// The lock of the world guards what follows.
	faults    map[string][]plannedFault
	replanned bool // faults is different than when it was saved
	windows   map[window]*usage
	sweepAt   int                   // the number of windows at which those that are over are forgotten
	refreshes map[refresh]time.Time // when the last ones were asked for
	requests  []*Request
	received  int // requests, all that there were

	requestBytes int // that requests take
}

// New returns an API. Its settings are final.
func New(settings Settings, around Surroundings) *API {
	a := &API{
		Settings: settings, Surroundings: around,
		operations: map[string]bool{},
		faults:     map[string][]plannedFault{},
		windows:    map[window]*usage{},
		refreshes:  map[refresh]time.Time{},
	}
	for _, rt := range routes() {
		a.operations[rt.operation] = true
	}
	return a
}

// Handler returns the API as a handler, together with what mux serves already.
func (a *API) Handler(mux *http.ServeMux) http.Handler {
	for _, rt := range routes() {
		mux.Handle(rt.pattern, a.handler(rt))
	}
	unknown := a.handler(route{pattern: "/", handle: unknownPath, public: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux would redirect /links//x and hide the mistake.
		if p := r.URL.EscapedPath(); p != path.Clean(p) {
			unknown.ServeHTTP(w, r)
			return
		}
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
		} else if methods := allowed(mux, r); len(methods) > 0 {
			a.handler(route{handle: wrongMethod(methods), public: true}).ServeHTTP(w, r)
		} else {
			unknown.ServeHTTP(w, r)
		}
	})
}

// allowed returns the methods that mux serves at the path of a request.
func allowed(mux *http.ServeMux, r *http.Request) []string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete} {
		other := *r
		other.Method = method
		if _, pattern := mux.Handler(&other); pattern != "" {
			methods = append(methods, method)
		}
	}
	return methods
}

// call is a request on its way through a handler. The world is locked for it.
type call struct {
	*http.Request
	world *world.World
	body  []byte
	now   time.Time
	scope string // what its access token may do
}

// handler takes the requests of a route through the same steps: they are recorded, fail if that
// was planned, are checked, handled and responded to.
func (a *API) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil {
			r.Body = http.NoBody // a request that no server has read
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var tooLarge *http.MaxBytesError
		if err != nil && !errors.As(err, &tooLarge) {
			// The client is gone, or the body is not what its headers say.
			rep := refuse("", "the body cannot be read")
			rep.status = http.StatusBadRequest
			w.Header().Set("Connection", "close")
			rep.send(w, false)
			return
		}
		var entry *Request
		var fault Fault
		var planned bool
		a.World.Do(func(w *world.World, now time.Time) {
			entry = a.record(w, rt, r, body, now)
			fault, planned = a.nextFault(rt.operation)
		})

		if !a.wait(r.Context(), fault.Latency) || (planned && fault.Reset == ResetBefore) {
			a.decide(entry, 0, "")
			abort(w)
			return
		}
		rep, instead := fault.reply(planned)
		if !instead {
			a.World.Do(func(w *world.World, now time.Time) {
				rep = a.handle(rt, &call{Request: r, world: w, body: body, now: now}, tooLarge != nil)
				a.reshape(&rep)
			})
		}
		fault.change(&rep)
		if rep.report != "" {
			a.Errorf("%s", rep.report)
		}
		if planned && fault.Reset == ResetAfter {
			a.decide(entry, 0, "")
			abort(w)
			return
		}
		a.decide(entry, rep.status, rep.refusal())
		rep.send(w, fault.Truncate)
	})
}

// decide notes and tells how a request ends.
func (a *API) decide(entry *Request, status int, refusal string) {
	a.World.Do(func(*world.World, time.Time) {
		entry.Status, entry.Refusal = status, refusal
		if a.Observe != nil {
			a.Observe(entry.copy(), refusal)
		}
	})
}

// Operations returns the ids of the operations, in order.
func (a *API) Operations() []string { return slices.Sorted(maps.Keys(a.operations)) }

func (a *API) handle(rt route, q *call, tooLarge bool) reply {
	if tooLarge {
		rep := refuse("", "the body has more than %d bytes", maxBody)
		rep.status = http.StatusRequestEntityTooLarge
		return rep
	}
	if rep, ok := checkVersion(q); !ok {
		return rep
	}
	if !rt.public {
		if rep, ok := a.authenticate(q); !ok {
			return rep
		}
		if rep, ok := checkScope(rt, q); !ok {
			return rep
		}
	}
	if rep, ok := a.checkLimits(rt, q); !ok {
		return rep
	}
	// URL.Query leaves out what it cannot decode, and the request would seem to ask for less.
	if _, err := url.ParseQuery(q.URL.RawQuery); err != nil && rt.operation != "" {
		return malformed([]problem{{[]any{"query"}, "has a bad percent-encoding or a semicolon", "value_error"}})
	}
	return rt.handle(a, q)
}

// checkVersion refuses unknown versions. What MoneyKit does with them is not published. Its
// document of 2023 declares the header as a parameter with one value.
func checkVersion(q *call) (reply, bool) {
	const name, known = "MoneyKit-Version", "2023-02-18"
	if version := q.Header.Get(name); version != "" && version != known {
		return malformed([]problem{{[]any{"header", name}, "must be " + known, "enum"}}), false
	}
	return reply{}, true
}

// unknownPath answers a request whose path does not exist. MoneyKit has no error code for it.
func unknownPath(a *API, q *call) reply {
	rep := refuse("", "there is nothing at this path")
	rep.status = http.StatusNotFound
	rep.report = "there is no operation for " + q.Method + " " + redactor{q.world, a.ClientSecret}.path(q.URL.Path)
	return rep
}

// wrongMethod answers a request whose path exists with other methods.
func wrongMethod(methods []string) func(*API, *call) reply {
	allow := strings.Join(methods, ", ")
	return func(a *API, q *call) reply {
		rep := refuse("", "the method is not allowed at this path")
		rep.status = http.StatusMethodNotAllowed
		rep.header = http.Header{"Allow": {allow}}
		rep.report = "there is no operation for " + q.Method + " " + redactor{q.world, a.ClientSecret}.path(q.URL.Path) +
			", which has " + allow
		return rep
	}
}

// wait waits for d. It reports false when the request or the program ends before.
func (a *API) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-a.Done:
	}
	return false
}

// abort ends the connection of w, on TCP with a reset.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // how a handler ends a connection that it cannot take over
	}
	if l, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = conn.Close()
}
