// Package api handles the requests to the fake MoneyKit: the operations of its API with
// authentication, rate limits, validation, planned faults and JSON. The state is a [world.World].
// This package itself keeps only state about requests: the planned faults, the counts of the rate
// limits, and a record of the requests.
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

// maxBody is the size of the largest accepted request body, in bytes. MoneyKit publishes 1 MB for
// imports.
const maxBody = 1 << 20

// Settings configures an [API].
type Settings struct {
	ClientID, ClientSecret string // the only accepted credentials
	Auth                   Auth
	RateLimits             bool
	TokenLife              time.Duration   // lifetime of access tokens
	Origins                map[string]bool // allowed origins of redirect URIs, see [Origins]; nil means any
	Nulls                  bool            // write absent optional members as null
	Zoneless               bool            // write times without a zone, with six decimals
}

// Surroundings contains the dependencies of an [API].
type Surroundings struct {
	World *world.Shared
	// Keys returns the key set for the verification of webhooks, as JSON. The world is locked
	// during the call.
	Keys func(now time.Time) ([]byte, error)
	// Errorf reports a mistake of the test or program that sends requests.
	Errorf func(format string, args ...any)
	// Done ends requests that a planned fault delays.
	Done <-chan struct{}
	// Observe is called for each request when its result is decided. refusal says why the request
	// was refused, or is "". The world is locked during the call. Observe may be nil.
	Observe func(r Request, refusal string)
}

// API serves the operations. Make one with [New]. It is safe for concurrent use.
type API struct {
	Settings
	Surroundings

	operations map[string]bool // written only by New

	// The lock of the world guards the following fields.
	faults    map[string][]plannedFault
	replanned bool // faults has changed since it was saved
	windows   map[window]*usage
	sweepAt   int                   // number of windows above which expired windows are deleted
	refreshes map[refresh]time.Time // times of the last requested refreshes
	requests  []*Request
	received  int // number of requests so far

	requestBytes int // approximate memory of requests
}

// New returns an API. The settings must not be changed afterwards.
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

// Handler returns a handler for the API and for the patterns that mux serves already.
func (a *API) Handler(mux *http.ServeMux) http.Handler {
	for _, rt := range routes() {
		mux.Handle(rt.pattern, a.handler(rt))
	}
	unknown := a.handler(route{pattern: "/", handle: unknownPath, public: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux would redirect a path such as /links//x, which would hide the mistake.
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

// call is a request during its handling. The world is locked meanwhile.
type call struct {
	*http.Request
	world *world.World
	body  []byte
	now   time.Time
	scope string // scope of its access token
}

// handler returns the handler of a route. It records each request, applies planned faults, checks
// and handles the request, and sends the response.
func (a *API) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil {
			r.Body = http.NoBody // a request that did not come through a server
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var tooLarge *http.MaxBytesError
		if err != nil && !errors.As(err, &tooLarge) {
			// The client has disconnected, or the body does not match its headers.
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

// decide records the result of a request, and reports it to Observe.
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
	// URL.Query drops parameters that it cannot decode, so the request would lose them silently.
	if _, err := url.ParseQuery(q.URL.RawQuery); err != nil && rt.operation != "" {
		return malformed([]problem{{[]any{"query"}, "has a bad percent-encoding or a semicolon", "value_error"}})
	}
	return rt.handle(a, q)
}

// checkVersion refuses unknown versions. MoneyKit's behavior is not published, but its document of
// 2023 declares the header as a parameter with a single allowed value.
func checkVersion(q *call) (reply, bool) {
	const name, known = "MoneyKit-Version", "2023-02-18"
	if version := q.Header.Get(name); version != "" && version != known {
		return malformed([]problem{{[]any{"header", name}, "must be " + known, "enum"}}), false
	}
	return reply{}, true
}

// unknownPath refuses a request whose path does not exist. MoneyKit has no error code for that.
func unknownPath(a *API, q *call) reply {
	rep := refuse("", "there is nothing at this path")
	rep.status = http.StatusNotFound
	rep.report = "there is no operation for " + q.Method + " " + redactor{q.world, a.ClientSecret}.path(q.URL.Path)
	return rep
}

// wrongMethod returns a handler for a path that exists only with other methods.
func wrongMethod(methods []string) func(*API, *call) reply {
	allow := strings.Join(methods, ", ")
	return func(a *API, q *call) reply {
		rep := refuse("", "the method is not allowed at this path")
		rep.status = http.StatusMethodNotAllowed
		rep.header = http.Header{"Allow": {allow}}
		rep.report = "there is no operation for " + q.Method + " " + redactor{q.world, a.ClientSecret}.path(q.URL.Path) +
			"; the path allows " + allow
		return rep
	}
}

// wait waits for d. It returns false if the request or the program ends first.
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

// abort closes the connection of w. A TCP connection is reset.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // closes a connection that cannot be hijacked
	}
	if l, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = conn.Close()
}
