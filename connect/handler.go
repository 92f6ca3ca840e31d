package connect

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// maxBody bounds the body of a post: a result or an event, which have at most 1 MiB, and what is
// around it.
const maxBody = 1<<20 + 4<<10

// Handler serves the endpoints of this package. It takes the user from the application's session,
// and verifies what the browser sends with [moneykit.LinkSessionsService.Finish] and
// [moneykit.LinkSessionsService.Relink]. It refuses posts from pages of other origins.
//
// A user may post 60 times a minute to the endpoints session, relink and result. If MoneyKit
// answers that a user must wait, the handler refuses that user's posts until then without calling
// MoneyKit. It remembers both in memory.
type Handler struct {
	client  *moneykit.Client
	config  Config
	origins http.CrossOriginProtection
	limiter *limiter
	routes  []route
	mux     *http.ServeMux // of the routes
}

// route is a pattern of a [http.ServeMux] with its handler.
type route struct {
	pattern string
	handler http.Handler
}

// NewHandler returns the handler of all endpoints. It returns an error if a setting is missing or
// invalid. Mount it with [Handler.Register].
func NewHandler(client *moneykit.Client, config Config) (*Handler, error) {
	config.Path = cmp.Or(config.Path, "/connect/")
	h := &Handler{client: client, config: config, limiter: newLimiter(), mux: http.NewServeMux()}
	if client == nil || client.LinkSessions == nil {
		return nil, errors.New("connect: the client must be made by moneykit.NewClient")
	}
	if err := h.config.check(); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	for _, origin := range config.TrustedOrigins {
		if err := h.origins.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("connect: Config.TrustedOrigins: %w", err)
		}
	}
	if err := h.addRoutes(); err != nil {
		return nil, err
	}
	h.Register(h.mux)
	return h, nil
}

func (h *Handler) addRoutes() error {
	for name, serve := range map[string]endpoint{
		"session": h.session, "relink": h.relink, "result": h.result, "event": h.event,
	} {
		h.routes = append(h.routes, route{h.config.Path + name, h.post(name, serve)})
	}
	redirect, err := url.Parse(h.config.RedirectURI)
	if err != nil || !weburl.IsWeb(redirect) {
		return err
	}
	if slices.ContainsFunc(h.routes, func(r route) bool { return r.pattern == redirect.Path }) {
		return errors.New("connect: Config.RedirectURI must not be one of the endpoints")
	}
	h.config.ReturnPage.RedirectURI = h.config.RedirectURI
	page, err := ReturnPage(h.config.ReturnPage)
	if err != nil {
		return err
	}
	pattern := weburl.Path(redirect)
	if strings.HasSuffix(pattern, "/") {
		pattern += "{$}"
	}
	h.routes = append(h.routes, route{pattern, page})
	return nil
}

// Register adds the endpoints to mux, and the return page at the path of the redirect URI. Like
// [http.ServeMux.Handle] it panics if mux has a pattern that conflicts with one of them.
func (h *Handler) Register(mux *http.ServeMux) {
	for _, r := range h.routes {
		mux.Handle(r.pattern, r.handler)
	}
}

// ServeHTTP serves the same paths as [Handler.Register] adds, and responds with 404 to any other.
// It needs whole paths, so do not put it behind [http.StripPrefix].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// endpoint handles the post of a user. It returns what becomes the JSON of the response, nil for a
// response without a body, or an error.
type endpoint func(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error)

// post returns the handler of an endpoint.
func (h *Handler) post(name string, serve endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		response, err := h.call(w, r, serve)
		status := http.StatusOK
		switch {
		case err != nil:
			var p problem
			status, p = problemFor(err)
			if p.RetryAfter > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
			}
			response = map[string]problem{"error": p}
		case response == nil:
			status = http.StatusNoContent
		}
		h.log(r.Context(), name, status, err, time.Since(start))
		write(w, status, response)
	})
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
	data, err := json.Marshal(v)
	if err != nil { // None of the types of this package fails to marshal.
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // An error means that the browser has left.
}

// call checks a request, finds its user and calls the endpoint. The origin is checked before the
// application is asked for the user.
func (h *Handler) call(w http.ResponseWriter, r *http.Request, serve endpoint) (any, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &refusal{http.StatusMethodNotAllowed, "method_not_allowed", "the method is not POST", nil}
	}
	if err := h.origins.Check(r); err != nil {
		return nil, &refusal{http.StatusForbidden, "cross_origin", "a page of another origin sent the request", nil}
	}
	// The forms of pages of other origins cannot send this type.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &refusal{http.StatusUnsupportedMediaType, "unsupported_media_type", "the type is not application/json", nil}
	}
	user, err := h.config.User(r)
	if err == nil && user.ID == "" {
		err = errors.New("the user has no ID")
	}
	if err != nil {
		return nil, &refusal{http.StatusUnauthorized, "unauthenticated", "the request has no user", err}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &refusal{http.StatusRequestEntityTooLarge, "too_large", "the body is too large", nil}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "invalid_request", "the body was cut off", nil}
	}
	return serve(r, user, body)
}

func (h *Handler) logger() *slog.Logger { return cmp.Or(h.config.Logger, slog.Default()) }

func (h *Handler) log(ctx context.Context, endpoint string, status int, err error, took time.Duration) {
	level, message := slog.LevelDebug, "moneykit: Connect request"
	attrs := []slog.Attr{slog.String("endpoint", endpoint), slog.Int("status", status), slog.Duration("duration", took)}
	if err != nil {
		level, message = slog.LevelWarn, "moneykit: Connect request refused"
		if browserLeft := ctx.Err() != nil; status >= http.StatusInternalServerError && !browserLeft {
			level, message = slog.LevelError, "moneykit: Connect request failed"
		}
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	h.logger().LogAttrs(ctx, level, message, attrs...)
}
