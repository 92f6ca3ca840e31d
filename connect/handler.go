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

const (
	// maxBody bounds the body of a post.
	maxBody = 64 << 10
	// maxResult bounds the body of a post to result: a result, which has at most 1 MiB, and what is
	// around it. Banks have pictures in it.
	maxResult = 1<<20 + 4<<10
)

// Handler serves the endpoints of this package. It takes the user from the application's session,
// and verifies what the browser sends with [moneykit.LinkSessionsService.Finish] and
// [moneykit.LinkSessionsService.Relink]. It refuses posts from pages of other origins.
//
// A user may post 120 times a minute, unless [Config.Limit] says otherwise. If MoneyKit answers that
// a user must wait, the handler refuses that user's posts until then without calling MoneyKit.
//
// A handler and its client remember some things in the memory of their process, within fixed limits
// and for an hour at most. Users of an application with several processes can notice that each
// process remembers its own:
//
//   - posts of a user: each process allows 120 a minute, unless they share a [PostLimiter].
//   - waits that MoneyKit asked for: each process asks MoneyKit once.
//   - relink sessions of the last minute: a double click may open one session in each process.
//   - links that were exchanged, while nobody could look up whose they are: if another process gets
//     the result that is posted again, the response is 409 expired.
type Handler struct {
	client  *moneykit.Client
	config  Config
	origins http.CrossOriginProtection
	memory  *memoryLimiter
	waits   *waits
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
	h := &Handler{client: client, config: config, memory: newMemoryLimiter(), waits: newWaits(), mux: http.NewServeMux()}
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
	for name, e := range map[string]endpoint{
		"session": {maxBody, h.session}, "relink": {maxBody, h.relink},
		"result": {maxResult, h.result}, "event": {maxBody, h.event},
	} {
		h.routes = append(h.routes, route{h.config.Path + name, h.post(name, e)})
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
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL == nil { // as in a request that a program made by hand
		http.NotFound(w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// String names the handler by its path. It leaves out users, whom the handler remembers.
func (h *Handler) String() string { return "Connect handler at " + h.config.Path }

// Format writes [Handler.String] for every verb.
func (h *Handler) Format(f fmt.State, verb rune) { format(f, verb, h.String()) }

// endpoint accepts posts of users.
type endpoint struct {
	maxBody int64
	// serve handles the post of a user. It returns what becomes the JSON of the response, nil for a
	// response without a body, or an error.
	serve func(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error)
}

// post returns the handler of an endpoint.
func (h *Handler) post(name string, e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		response, err := h.call(w, r, e)
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

// call checks a request, finds its user and calls the endpoint. The origin is checked before the
// application is asked for the user.
func (h *Handler) call(w http.ResponseWriter, r *http.Request, e endpoint) (any, error) {
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
	if err := h.limit(r.Context(), user.ID); err != nil {
		return nil, err
	}
	if r.Body == nil { // as in a request that a program made by hand
		r.Body = http.NoBody
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &refusal{http.StatusRequestEntityTooLarge, "too_large", "the body is too large", nil}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "invalid_request", "the body was cut off", nil}
	}
	return e.serve(r, user, body)
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
