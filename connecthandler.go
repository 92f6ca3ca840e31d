package moneykit

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
	"strings"
	"time"
	"unicode"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/recent"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// ConnectConfig configures [ConnectHandler]. Client, RedirectURI and User are required.
type ConnectConfig struct {
	Client *Client
	// Path is where the endpoints are; /connect/ if empty. It begins and ends with a slash.
	Path string
	// RedirectURI is that of all link sessions. If it is a web address its page is served, too.
	RedirectURI string
	// OAuth says what that page does. Its RedirectURI may be left empty.
	OAuth OAuthReturnConfig
	// User returns the user of a request, from the application's own session. When it fails the
	// answer is 401.
	User func(*http.Request) (CustomerUser, error)
	// Link may change the link session that is about to be opened for a user: institution, products,
	// webhook, tags. When it fails the answer is 403.
	Link func(r *http.Request, params *LinkSessionParams) error
	// Relink may change the session that is about to be opened to repair a link, or refuse it like
	// Link.
	Relink func(r *http.Request, linkID string, params *RelinkParams) error
	// Theme is how Connect looks on the web; nil for MoneyKit's own.
	Theme *Theme
	// TrustedOrigins are other origins whose pages may use the endpoints, such as
	// https://app.example. That they may read the answers is a matter of CORS, in front of the handler.
	TrustedOrigins []string

	// Linked is told about each new link of a user, and Relinked about each that works again. Store
	// the link's id with the user. A front end may post a result several times, even at once, so
	// storing one link twice must be as good as once. When they fail the answer is 500, and the front
	// end may post again.
	Linked   func(ctx context.Context, userID string, link *Link) error
	Relinked func(ctx context.Context, userID string, link *Link) error
	// Exited is told about users who left Connect without a link. The result is the browser's word.
	Exited func(ctx context.Context, userID string, result *ConnectResult)
	// Event is told what Connect reports on the way. It is the browser's word. Browsers post events at
	// once, so they come in no order, and not all when the page is left.
	Event func(ctx context.Context, userID string, event *ConnectEvent)
}

const (
	// maxConnectPost bounds a body: a result or an event, and what is around it.
	maxConnectPost = maxConnectPayload + 4<<10
	// maxUserPosts is how often a user may ask in a minute for what MoneyKit is then asked for. It
	// opens 20 sessions for a user in that time.
	maxUserPosts = 60
	// maxUserWait bounds how long a user is kept waiting on MoneyKit's word.
	maxUserWait = time.Hour
	// maxUsers bounds how many users are remembered at once.
	maxUsers = 100_000
	// maxSettling bounds how long a result is settled, and stored.
	maxSettling = time.Minute
)

// ConnectHandler returns the endpoints that a front end needs for Connect, below Path:
//
//   - POST session opens a link session and answers a [Launch];
//   - POST relink, with {"link_id": "mk_…"}, opens one that repairs a link of the user, and answers
//     a [Launch];
//   - POST result, with {"result": …, "link_id": "mk_…"}, takes what Connect called back with, as
//     [ParseConnectResult] reads it. The link id is that of a relink. It answers {"outcome":
//     "linked"}, relinked or exited, with the institution for the first two;
//   - POST event takes what Connect's event callback got, and answers 204;
//   - GET of the redirect URI's path is [OAuthReturnHandler].
//
// Bodies and answers are JSON. An error is {"error": {"code", "message", "action", "retry_after"}}:
// the message is fit for the user, the action is an [Action], and retry_after is in seconds. Which
// user it is, only the application's own session says; what else the browser sends is proved by
// [LinkSessionsService.Finish] and [LinkSessionsService.Relink], or believed by nobody. Requests of
// pages of other origins are refused.
//
// A user whom MoneyKit has told to wait is told so without asking MoneyKit again, and so is one who
// posts more than sixty times a minute. A result is settled, and its hook called, for up to a minute
// also when the browser has left. Failures are logged with the client's logger, or else with [slog.Default].
//
// The handler must see whole paths, so it does not stand behind [http.StripPrefix]. It fails on a
// setting that is missing or wrong.
func ConnectHandler(config ConnectConfig) (http.Handler, error) {
	h := &connectHandler{
		ConnectConfig: config,
		posts:         recent.Map[string, int]{Life: time.Minute, Limit: maxUsers},
		waits:         recent.Map[string, time.Time]{Life: maxUserWait, Limit: maxUsers},
	}
	h.Path = cmp.Or(config.Path, "/connect/")
	h.OAuth.RedirectURI = cmp.Or(config.OAuth.RedirectURI, config.RedirectURI)
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("moneykit: %w", err)
	}
	return h.routes()
}

type connectHandler struct {
	ConnectConfig

	origins http.CrossOriginProtection
	posts   recent.Map[string, int]       // of a user in the minute
	waits   recent.Map[string, time.Time] // until when MoneyKit told a user to wait
}

func (h *connectHandler) check() error {
	redirect, err := url.Parse(h.RedirectURI)
	switch {
	case h.Client == nil || h.Client.core == nil:
		return errors.New("the setting Client is missing")
	case h.User == nil:
		return errors.New("the setting User is missing")
	case err != nil:
		return errors.New("the setting RedirectURI must be a URL")
	case h.OAuth.RedirectURI != h.RedirectURI:
		return errors.New("the setting OAuth has another redirect URI")
	case !strings.HasSuffix(h.Path, "/") || !weburl.IsClean(h.Path) || strings.ContainsFunc(h.Path, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("{}?#%", r)
	}):
		return errors.New("the setting Path must begin and end with a slash, and be plain")
	case weburl.IsWeb(redirect) && redirect.Path != "" && !weburl.IsClean(redirect.Path):
		return errors.New("the setting RedirectURI must have a path without dots and doubled slashes")
	case strings.HasPrefix(redirect.Path, h.Path) && slices.Contains(h.endpoints(), strings.TrimPrefix(redirect.Path, h.Path)):
		return errors.New("the setting RedirectURI is one of the endpoints")
	}
	if err := ValidateRedirectURI(h.RedirectURI); err != nil {
		return fmt.Errorf("the setting RedirectURI %w", err)
	}
	if h.Theme != nil {
		if err := h.Theme.Validate(); err != nil {
			return fmt.Errorf("the setting Theme: %w", err)
		}
	}
	for _, origin := range h.TrustedOrigins {
		if err := h.origins.AddTrustedOrigin(origin); err != nil {
			return fmt.Errorf("the setting TrustedOrigins: %w", err)
		}
	}
	return nil
}

func (h *connectHandler) endpoints() []string {
	return []string{"session", "relink", "result", "event"}
}

func (h *connectHandler) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	for i, serve := range []endpoint{h.session, h.relink, h.result, h.event} {
		name := h.endpoints()[i]
		mux.HandleFunc(h.Path+name, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, name, serve) })
	}
	if redirect, err := url.Parse(h.RedirectURI); err == nil && weburl.IsWeb(redirect) {
		page, err := OAuthReturnHandler(h.OAuth)
		if err != nil {
			return nil, err
		}
		pattern := weburl.Path(redirect)
		if strings.HasSuffix(pattern, "/") {
			pattern += "{$}"
		}
		mux.Handle(pattern, page)
	}
	return mux, nil
}

// endpoint answers the post of a user: with a value that becomes JSON, nil for none, or an error.
type endpoint func(r *http.Request, user CustomerUser, body []byte) (any, error)

func (h *connectHandler) serve(w http.ResponseWriter, r *http.Request, name string, serve endpoint) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	start := time.Now()
	answer, err := h.answer(w, r, serve)
	status := http.StatusOK
	switch {
	case err != nil:
		var problem connectProblem
		status, problem = problemOf(err)
		if problem.RetryAfter > 0 {
			header.Set("Retry-After", fmt.Sprint(problem.RetryAfter))
		}
		if status == http.StatusMethodNotAllowed {
			header.Set("Allow", http.MethodPost)
		}
		answer = map[string]connectProblem{"error": problem}
	case answer == nil:
		status = http.StatusNoContent
	}
	h.log(r.Context(), name, status, err, time.Since(start))
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	data, err := json.Marshal(answer)
	if err != nil { // not with these types
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // who does not listen cannot be told
}

func (h *connectHandler) answer(w http.ResponseWriter, r *http.Request, serve endpoint) (any, error) {
	if r.Method != http.MethodPost {
		return nil, &refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed", why: "other than POST"}
	}
	if err := h.origins.Check(r); err != nil {
		return nil, &refusal{status: http.StatusForbidden, code: "cross_origin", why: "of a page of another origin"}
	}
	// What a form of another page can send has another type.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", why: "not application/json"}
	}
	user, err := h.User(r)
	if err != nil || user.ID == "" {
		return nil, &refusal{status: http.StatusUnauthorized, code: "unauthenticated", why: "of nobody", err: err}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxConnectPost))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, code: "too_large", why: "too large"}
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, code: "invalid_request", why: "cut off"}
	}
	return serve(r, user, body)
}

// session opens a link session.
func (h *connectHandler) session(r *http.Request, user CustomerUser, _ []byte) (any, error) {
	params := LinkSessionParams{RedirectURI: h.RedirectURI, CustomerUser: user}
	if h.Link != nil {
		if err := h.Link(r, &params); err != nil {
			return nil, &forbidden{err}
		}
	}
	params.CustomerUser.ID = user.ID
	return h.launch(LaunchLink, user.ID, func() (*LinkSession, error) {
		return h.Client.LinkSessions.Create(r.Context(), params, WithoutRetry())
	})
}

// relink opens a session that repairs a link.
func (h *connectHandler) relink(r *http.Request, user CustomerUser, body []byte) (any, error) {
	var asked struct {
		LinkID string `json:"link_id"`
	}
	if err := json.Unmarshal(body, &asked); err != nil || asked.LinkID == "" {
		return nil, &refusal{status: http.StatusUnprocessableEntity, code: "invalid_request", why: "without a link_id"}
	}
	params := RelinkParams{RedirectURI: h.RedirectURI, CustomerUser: user}
	if h.Relink != nil {
		if err := h.Relink(r, asked.LinkID, &params); err != nil {
			return nil, &forbidden{err}
		}
	}
	params.CustomerUser.ID = user.ID
	return h.launch(LaunchRelink, user.ID, func() (*LinkSession, error) {
		return h.Client.LinkSessions.Relink(r.Context(), asked.LinkID, params, WithoutRetry())
	})
}

func (h *connectHandler) launch(call LaunchCall, userID string, open func() (*LinkSession, error)) (any, error) {
	var session *LinkSession
	err := h.ask("session", userID, func() (err error) {
		session, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	return Launch{Call: call, Token: session.Token, Theme: h.Theme}, nil
}

// ask asks MoneyKit for something, unless the user asks too often, or MoneyKit has told them to wait
// for it.
func (h *connectHandler) ask(what, userID string, f func() error) error {
	key := what + "\x00" + userID
	wait := time.Duration(0)
	if h.posts.Change(userID, func(n int) int { return n + 1 }) > maxUserPosts {
		wait = h.posts.Left(userID)
	}
	if until, ok := h.waits.Get(key); ok {
		wait = max(wait, time.Until(until))
	}
	if wait > 0 {
		return &Error{
			Operation: "Connect", Code: ErrorCodeRateLimitExceeded,
			StatusCode: http.StatusTooManyRequests, RetryAfter: wait,
		}
	}
	err := f()
	var e *Error
	if errors.Is(err, ErrRateLimited) && errors.As(err, &e) {
		if e.RetryAfter == 0 {
			e.RetryAfter = time.Minute
		}
		h.waits.Put(key, time.Now().Add(min(e.RetryAfter, maxUserWait)))
	}
	return err
}

// connectAnswer is what a front end learns about a result.
type connectAnswer struct {
	Outcome     ConnectOutcome       `json:"outcome"`
	Institution *answeredInstitution `json:"institution,omitempty"`
}

type answeredInstitution struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// result settles what Connect called back with.
func (h *connectHandler) result(r *http.Request, user CustomerUser, body []byte) (any, error) {
	var posted struct {
		Result json.RawMessage `json:"result"`
		LinkID string          `json:"link_id"`
	}
	if err := json.Unmarshal(body, &posted); err != nil || posted.Result == nil {
		return nil, &refusal{status: http.StatusUnprocessableEntity, code: "invalid_request", why: "without a result"}
	}
	result, err := ParseConnectResult(posted.Result)
	if err != nil {
		return nil, &refusal{status: http.StatusUnprocessableEntity, code: "invalid_request", why: "without a result of Connect: " + err.Error()}
	}
	if result.Outcome == ConnectExited {
		h.Client.core.leftRelink(user.ID, posted.LinkID)
		if h.Exited != nil {
			h.Exited(r.Context(), user.ID, result)
		}
		return connectAnswer{Outcome: ConnectExited}, nil
	}
	// The browser may leave once it has posted; what it posted can be exchanged only once.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), maxSettling)
	defer cancel()
	var link *Link
	err = h.ask("result", user.ID, func() (err error) {
		link, err = h.Client.LinkSessions.Finish(ctx, FinishParams{Result: result, UserID: user.ID, LinkID: posted.LinkID})
		return err
	})
	if err != nil {
		return nil, err
	}
	told := h.Linked
	if result.Outcome == ConnectRelinked {
		told = h.Relinked
	}
	if told != nil {
		if err := told(ctx, user.ID, link); err != nil {
			return nil, &unstored{link.ID, err}
		}
	}
	return connectAnswer{result.Outcome, &answeredInstitution{link.InstitutionID, link.InstitutionName}}, nil
}

// event passes on what Connect reports.
func (h *connectHandler) event(r *http.Request, user CustomerUser, body []byte) (any, error) {
	event, err := ParseConnectEvent(body)
	if err != nil {
		return nil, &refusal{status: http.StatusUnprocessableEntity, code: "invalid_request", why: "without an event of Connect: " + err.Error()}
	}
	h.logger().LogAttrs(r.Context(), slog.LevelDebug, "moneykit: Connect event",
		slog.Any("connect", event), slog.String("session_id", plain.Label(event.SessionID)))
	if h.Event != nil {
		h.Event(r.Context(), user.ID, event)
	}
	return nil, nil //nolint:nilnil // an answer without a body
}

func (h *connectHandler) logger() *slog.Logger { return cmp.Or(h.Client.core.logger, slog.Default()) }

func (h *connectHandler) log(ctx context.Context, endpoint string, status int, err error, took time.Duration) {
	level, message := slog.LevelDebug, "moneykit: Connect request"
	gone := ctx.Err() != nil // the browser is
	attrs := []slog.Attr{slog.String("endpoint", endpoint), slog.Int("status", status), slog.Duration("duration", took)}
	if err != nil {
		level, message = slog.LevelWarn, "moneykit: Connect request refused"
		if status >= http.StatusInternalServerError && !gone {
			level, message = slog.LevelError, "moneykit: Connect request failed"
		}
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	h.logger().LogAttrs(ctx, level, message, attrs...)
}
