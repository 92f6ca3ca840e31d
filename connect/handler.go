package connect

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// Handler serves the endpoints of this package. It identifies the user by the application's
// session, and verifies input from the browser with [moneykit.LinkSessionsService.Finish] and
// [moneykit.LinkSessionsService.Relink]. It refuses posts from pages of other origins.
//
// A user may post 120 times a minute, unless [Config.Limit] says otherwise. If MoneyKit limits the
// rate of a user's calls, the handler refuses that user's posts until the limit ends, without
// calling MoneyKit.
//
// A handler and its client keep some state in memory, within fixed limits and for an hour at most.
// The processes of an application do not share this state:
//
//   - Posts of a user: each process allows 120 a minute, unless they share a [PostLimiter].
//   - Rate limits of MoneyKit: each process learns of a limit from its own call.
//   - Relink sessions of the last minute: a double click may open one session in each process.
//   - Exchanged links whose owner could not be looked up: the process that exchanged the token
//     remembers the link for ten minutes. If another process gets the retry, it finds the link by
//     the link ID or the accounts in the result. If the result has only a token, its response is
//     409 expired.
//   - Deleted links: if OnDisconnected fails or MoneyKit's response is lost, and another process
//     gets the retry, the response may be 404 not_found. The link's webhook also reports the
//     deletion.
type Handler struct {
	client    *moneykit.Client
	config    Config
	origins   http.CrossOriginProtection
	trusted   map[string]bool // the trusted origins
	memory    *memoryLimiter
	waits     *waits
	deletions *deletions
	endpoints map[string]endpoint     // by path
	pages     map[string]http.Handler // return pages, by path
}

// endpoint serves a path below [Config.Path].
type endpoint struct {
	methods string // as in the header Allow
	// serve handles a request with one of the methods. It returns a value to encode as JSON, a
	// file, nil for a response without a body, or an error.
	serve func(w http.ResponseWriter, r *http.Request) (any, error)
}

// NewHandler returns the handler of all endpoints. It returns an error if a setting is missing or
// invalid. Mount it with [Handler.Register].
func NewHandler(client *moneykit.Client, config Config) (*Handler, error) {
	if client == nil || client.LinkSessions == nil {
		return nil, errors.New("connect: the client must be made by moneykit.NewClient")
	}
	if err := config.complete(); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	h := &Handler{
		client: client, config: config, trusted: map[string]bool{},
		memory: newMemoryLimiter(), waits: newWaits(), deletions: newDeletions(),
	}
	for _, origin := range config.TrustedOrigins {
		if err := h.trust(origin); err != nil {
			return nil, err
		}
	}
	h.addEndpoints()
	if err := h.addPages(); err != nil {
		return nil, err
	}
	if text := hostMismatch(client, config.Host); text != "" {
		h.logger().Error(text, "client", client, "host", cmp.Or(config.Host, moneyKitHost))
	}
	return h, nil
}

func (h *Handler) addEndpoints() {
	h.endpoints = map[string]endpoint{}
	add := func(name string, e endpoint) { h.endpoints[h.config.Path+name] = e }
	add("session", h.post(maxBody, h.session))
	add("relink", h.post(maxBody, h.relink))
	add("result", h.post(maxResult, h.result))
	add("event", h.post(maxBody, h.event))
	add("connect.js", newFile("text/javascript", scriptJS))
	add("connect.d.ts", newFile("application/typescript", scriptTypes))
	if h.config.OnDisconnected != nil {
		add("disconnect", h.post(maxBody, h.disconnect))
	}
}

// addPages adds a return page for each redirect URI that a browser can visit.
func (h *Handler) addPages() error {
	h.pages = map[string]http.Handler{}
	for i, uri := range h.config.redirects() {
		redirect, err := url.Parse(uri)
		if err != nil || !weburl.IsWeb(redirect) {
			continue // A server gets no requests for an app's own scheme.
		}
		path := cmp.Or(redirect.Path, "/")
		if _, taken := h.endpoints[path]; taken {
			return fmt.Errorf("connect: %s must not be one of the endpoints", redirectName(i))
		}
		if h.pages[path] != nil {
			continue // Another redirect URI has this path on another host.
		}
		config := h.config.ReturnPage
		config.RedirectURI, config.Host = uri, h.config.Host
		if h.pages[path], err = ReturnPage(config); err != nil {
			return err
		}
	}
	return nil
}

// Register adds the handler to mux: at all paths below [Config.Path], and at the paths of the
// redirect URIs. Like [http.ServeMux.Handle] it panics if mux has a pattern that conflicts with one
// of these. A pattern below Path without a method conflicts. "/" and "GET /" do not. "GET
// /connect/settings" does not either, and overrides the handler for its path.
func (h *Handler) Register(mux *http.ServeMux) {
	patterns := []string{h.config.Path}
	for _, path := range slices.Sorted(maps.Keys(h.pages)) {
		if strings.HasPrefix(path, h.config.Path) {
			continue
		}
		pattern := (&url.URL{Path: path}).EscapedPath()
		if strings.HasSuffix(pattern, "/") {
			pattern += "{$}"
		}
		patterns = append(patterns, pattern)
	}
	for _, pattern := range patterns {
		// A pattern without a method would conflict with "GET /" of the application.
		for _, method := range []string{
			http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
			http.MethodOptions, http.MethodConnect, http.MethodTrace,
		} {
			mux.Handle(method+" "+pattern, h)
		}
	}
}

// ServeHTTP serves the paths that [Handler.Register] adds, and responds with 404 to all others. It
// needs the whole path of a request, so do not put it behind [http.StripPrefix].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := ""
	if r.URL != nil { // It can be nil in a request that net/http did not parse.
		path = cmp.Or(r.URL.Path, "/")
	}
	if page := h.pages[path]; page != nil {
		page.ServeHTTP(w, r)
		return
	}
	start := time.Now()
	response, err := h.serve(w, r, path)
	status := http.StatusOK
	switch {
	case err != nil:
		var p problem
		status, p = problemFor(err)
		if p.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
		}
		if !h.config.Development {
			p.Detail = ""
		}
		response = map[string]problem{"error": p}
	case response == nil:
		status = http.StatusNoContent
	}
	h.log(r.Context(), path, status, err, time.Since(start))
	if f, ok := response.(file); ok {
		f.serve(w, r)
		return
	}
	write(w, status, response)
}

// serve handles a request with the endpoint at path.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, path string) (any, error) {
	trusted := h.cors(w.Header(), r)
	e, ok := h.endpoints[path]
	switch {
	case !ok:
		return nil, &refusal{
			status: http.StatusNotFound, code: "not_found", message: "There is nothing at this address.",
			reason: "the endpoints are " + strings.Join(slices.Sorted(maps.Keys(h.endpoints)), ", "),
		}
	case isPreflight(r) && !trusted:
		return nil, crossOrigin(r)
	case isPreflight(r):
		allowPreflight(w.Header(), e.methods)
		return nil, nil //nolint:nilnil // The response has no body.
	case !slices.Contains(strings.Split(e.methods, ", "), r.Method):
		w.Header().Set("Allow", e.methods)
		return nil, &refusal{
			status: http.StatusMethodNotAllowed, code: "method_not_allowed",
			message: "This address does not accept requests of this kind.", reason: "the method must be " + e.methods,
		}
	}
	return e.serve(w, r)
}

// write writes a response with the JSON of v, or without a body if v is nil.
func write(w http.ResponseWriter, status int, v any) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if v == nil {
		w.WriteHeader(status)
		return
	}
	data, err := encode(v)
	if err != nil { // None of the types of this package fails to marshal.
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // An error means that the browser has left.
}

func encode(v any) ([]byte, error) {
	if launch, ok := v.(Launch); ok {
		return launch.JSON()
	}
	return json.Marshal(v)
}

func (h *Handler) logger() *slog.Logger { return cmp.Or(h.config.Logger, slog.Default()) }

// log logs a request. Anybody can send requests to a path or with a method that does not exist, so
// these are logged at level debug.
func (h *Handler) log(ctx context.Context, path string, status int, err error, took time.Duration) {
	name := "unknown"
	if _, ok := h.endpoints[path]; ok {
		name = strings.TrimPrefix(path, h.config.Path)
	}
	level, message := slog.LevelDebug, "moneykit: Connect request"
	attrs := []slog.Attr{slog.String("endpoint", name), slog.Int("status", status), slog.Duration("duration", took)}
	if err != nil {
		message = "moneykit: Connect request refused"
		switch {
		case name == "unknown", status == http.StatusMethodNotAllowed:
		case status >= http.StatusInternalServerError && ctx.Err() == nil: // The browser has not left.
			level, message = slog.LevelError, "moneykit: Connect request failed"
		default:
			level = slog.LevelWarn
		}
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	h.logger().LogAttrs(ctx, level, message, attrs...)
}

// String returns a description with the path of the handler. It does not contain the users whom the
// handler remembers.
func (h *Handler) String() string { return "Connect handler at " + h.config.Path }

// Format writes [Handler.String] for every verb.
func (h *Handler) Format(f fmt.State, verb rune) { format(f, verb, h.String()) }
