package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
)

//go:embed assets
var files embed.FS

// appConfig contains the settings that depend on the environment.
type appConfig struct {
	origin     string // of the page, such as http://localhost:8080
	webhookURL string // the public URL of /webhooks; empty if there is none
	script     []byte // the page's script
}

// app is the application.
type app struct {
	config   appConfig
	kit      moneyKit
	store    *store
	events   *log
	accounts accountCache
	page     *template.Template
	mux      *http.ServeMux
	connect  map[string]http.Handler // Connect's endpoints, by theme
}

// newApp returns the handler of the whole application.
func newApp(kit moneyKit, s *store, config appConfig) (*app, error) {
	page, err := template.ParseFS(files, "assets/index.html")
	if err != nil {
		return nil, err
	}
	a := &app{config: config, kit: kit, store: s, events: newLog(), page: page, mux: http.NewServeMux()}
	if err := a.addConnect(); err != nil {
		return nil, err
	}
	a.mux.HandleFunc("GET /{$}", a.index)
	a.mux.HandleFunc("GET /app.js", asset("text/javascript", config.script))
	style, err := files.ReadFile("assets/style.css")
	if err != nil {
		return nil, err
	}
	a.mux.HandleFunc("GET /style.css", asset("text/css", append(style, themeCSS()...)))
	a.mux.HandleFunc("GET /api/links", a.listLinks)
	a.mux.HandleFunc("GET /api/links/{link}/transactions", a.listTransactions)
	a.mux.Handle("GET /api/events", a.events)
	router := moneykit.Router{LinkStateChanged: a.stateChanged, ProductRefreshed: a.refreshed, TransactionsAvailable: a.available}
	webhooks := kit.client.Webhooks.Handler(router.Handle)
	a.mux.Handle("POST /webhooks", webhooks)
	if kit.sandbox != nil {
		kit.sandbox.Receive(webhooks)
		// Other sites must not be able to break a visitor's links.
		var origins http.CrossOriginProtection
		a.mux.Handle("POST /api/sandbox/{action}", origins.Handler(http.HandlerFunc(a.play)))
	}
	return a, nil
}

// addConnect mounts the endpoints of Connect. An application usually has one theme, and thus one
// handler. Here the visitor chooses, so there is a handler for each theme.
func (a *app) addConnect() error {
	a.connect = map[string]http.Handler{}
	for _, look := range looks() {
		handler, err := connect.NewHandler(a.kit.client, connect.Config{
			RedirectURI:    a.config.origin + "/connect/oauth",
			Host:           a.kit.host,
			Theme:          look.connectTheme(),
			User:           customerUser,
			PrepareLink:    a.prepareLink,
			OnLinked:       a.linked,
			OnRelinked:     a.relinked,
			OnDisconnected: a.disconnected,
			OnExited:       a.exited,
			OnEvent:        a.connectEvent,
			Development:    true,
		})
		if err != nil {
			return err
		}
		a.connect[look.Name] = handler
	}
	a.connect[""] = a.connect[defaultLook]
	a.mux.HandleFunc("/connect/", func(w http.ResponseWriter, r *http.Request) {
		name := ""
		// Only session and relink depend on the theme. All other requests go to one handler,
		// because each handler has its own memory.
		if cookie, err := r.Cookie("theme"); err == nil && (r.URL.Path == "/connect/session" || r.URL.Path == "/connect/relink") {
			name = cookie.Value
		}
		handler := a.connect[name]
		if handler == nil {
			handler = a.connect[defaultLook]
		}
		handler.ServeHTTP(w, r)
	})
	return nil
}

// ServeHTTP sets the headers of all responses. The handlers of package connect set their own.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", a.policy())
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	a.mux.ServeHTTP(w, r)
}

func (a *app) policy() string {
	host := a.kit.host
	if host == "" {
		host = "https://connect.moneykit.com"
	}
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
		"frame-src " + host, "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	}, "; ")
}

// index serves the page under one host name: MoneyKit sends the user back to the origin, and a
// browser keeps cookies and Connect's session for that name only.
func (a *app) index(w http.ResponseWriter, r *http.Request) {
	if name, _, _ := strings.Cut(r.Host, ":"); name == "127.0.0.1" || strings.HasPrefix(r.Host, "[::1]") {
		http.Redirect(w, r, a.config.origin+"/", http.StatusFound)
		return
	}
	startSession(w, r)
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	view := struct {
		Sandbox bool
		Looks   []look
	}{a.kit.sandbox != nil, looks()}
	_ = a.page.Execute(w, view) // An error means that the browser has left.
}

func (a *app) prepareLink(_ *http.Request, params *moneykit.LinkSessionParams) error {
	params.Webhook = a.webhookURL()
	if a.kit.sandbox != nil {
		params.CustomSandboxData = customData()
	}
	return nil
}

func (a *app) webhookURL() string {
	if a.kit.sandbox != nil {
		return a.config.origin + "/webhooks"
	}
	return a.config.webhookURL
}

func (a *app) linked(ctx context.Context, userID string, link *moneykit.Link) error {
	return a.stored(ctx, userID, link, "linked")
}

func (a *app) relinked(ctx context.Context, userID string, link *moneykit.Link) error {
	return a.stored(ctx, userID, link, "relinked")
}

func (a *app) stored(ctx context.Context, userID string, link *moneykit.Link, name string) error {
	if err := a.store.put(ctx, userID, link); err != nil {
		return err
	}
	a.accounts.forget(link.ID)
	a.events.add(userID, event{Source: "app", Name: name, Text: link.InstitutionName + " is stored", Reload: true})
	a.events.release(userID, link.ID, link.InstitutionName)
	return a.remember(ctx, userID, link)
}

func (a *app) disconnected(ctx context.Context, userID, linkID string) error {
	if err := a.store.remove(ctx, linkID); err != nil {
		return err
	}
	a.accounts.forget(linkID)
	a.events.add(userID, event{Source: "app", Name: "disconnected", Text: "The link is deleted", Reload: true})
	return nil
}

func (a *app) exited(_ context.Context, userID string, result *moneykit.ConnectResult) {
	text := "The user closed Connect"
	if result.Err != nil {
		text = "Connect ended with an error"
	}
	a.events.add(userID, event{Source: "app", Name: "exited", Text: text})
}

func (a *app) connectEvent(_ context.Context, userID string, e *moneykit.ConnectEvent) {
	a.events.add(userID, event{Source: "connect", Name: short(string(e.Name)), Text: short(e.Screen())})
}

// short limits the length of a text from a browser.
func short(text string) string {
	if runes := []rune(text); len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return text
}

// stateChanged reads the link from MoneyKit, because the event may be older than the link's current
// state.
func (a *app) stateChanged(ctx context.Context, e *moneykit.LinkStateChanged) error {
	link, err := a.kit.client.Links.Get(ctx, e.LinkID)
	switch {
	case errors.Is(err, moneykit.ErrLinkDeleted):
		return a.webhook(ctx, e.EventMeta, string(e.State), func() error { return a.store.remove(ctx, e.LinkID) })
	case err != nil:
		return err
	}
	return a.webhook(ctx, e.EventMeta, string(e.State), func() error { return a.store.setState(ctx, link) })
}

func (a *app) refreshed(ctx context.Context, e *moneykit.ProductRefreshed) error {
	return a.webhook(ctx, e.EventMeta, string(e.Product)+" "+string(e.State), func() error { return nil })
}

func (a *app) available(ctx context.Context, e *moneykit.TransactionsAvailable) error {
	return a.webhook(ctx, e.EventMeta, "New transactions", func() error { return nil })
}

// webhook applies an event to the link, and shows it on the pages of its user. Events of a new link
// may arrive before the link is stored. They need not be applied, because a link is stored with its
// current state. They are shown when the link is stored.
func (a *app) webhook(ctx context.Context, meta moneykit.EventMeta, text string, apply func() error) error {
	shown := event{Source: "webhook", Name: string(meta.Type), Text: text, Reload: true}
	stored, err := a.store.byID(ctx, meta.LinkID)
	if errors.Is(err, errNoLink) {
		a.events.hold(meta.LinkID, shown)
		// The link may have been stored meanwhile.
		if stored, err = a.store.byID(ctx, meta.LinkID); err == nil {
			a.events.release(stored.userID, stored.id, stored.institution)
		}
		if errors.Is(err, errNoLink) {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	if err := apply(); err != nil {
		return err
	}
	a.accounts.forget(meta.LinkID)
	shown.Text = stored.institution + ": " + text
	a.events.add(stored.userID, shown)
	return nil
}

// asset serves a file that may change with each start of the program.
func asset(kind string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind+"; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(content)
	}
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":"the response could not be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// writeError responds with a sentence for the user.
func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}
