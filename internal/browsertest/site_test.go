package browsertest

import (
	"context"
	"encoding/json"
	"html/template"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const user = "user_0001"

// probe is a script that exposes internals of the example to the tests. The object settled is the
// outcome of the last promise.
const probe = `
import MoneyKit, { moneyui } from "@moneykit/connect";
import { start } from "/connect/connect.js";
class Spy extends MoneyKit {
  constructor(options) {
    super(options);
    window.launched = options;
  }
}
const show = (value) => { window.settled = value instanceof Error ? { error: value.message, ...value } : value; };
window.waits = [];
window.connect = start({ MoneyKit: Spy, moneyui }, { onWait: (error, seconds) => waits.push([error.message, seconds]), ...window.options });
window.go = (promise) => { window.settled = undefined; promise.then(show, show); };
`

// site is an application with the page of examples/web, its own server and Connect's.
type site struct {
	t      *testing.T
	mk     *moneykittest.Server
	app    *httptest.Server
	host   *httptest.Server // of Connect's pages
	origin string           // of the page

	// These may be set before a page is opened.
	header  http.Header                                       // of the page
	script  string                                            // instead of the example's
	own     string                                            // script of the application for the return page
	before  func(w http.ResponseWriter, r *http.Request) bool // of posts; it reports whether it has responded
	around  func(w http.ResponseWriter, r *http.Request) bool // the same for Connect's pages
	server  string                                            // origin of the endpoints, if it is not that of the page
	returns http.Handler                                      // of the redirect URI, if it is not the handler

	mu      sync.Mutex
	links   []*moneykit.Link
	heard   []string // names of events, and "exited", "disconnected"
	posts   []string // to endpoints
	results []string // bodies of posts to the endpoint result
}

func newSite(t *testing.T, change func(*connect.Config)) *site {
	t.Helper()
	s := &site{t: t, mk: moneykittest.NewServer(t), header: http.Header{}}
	s.host = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.around != nil && s.around(w, r) {
			return
		}
		s.mk.Handler().ServeHTTP(w, r)
	}))
	mux := http.NewServeMux()
	s.app = serve(t, mux)
	// Connect's pages are at another site, which is the usual case.
	s.origin = strings.Replace(s.app.URL, "127.0.0.1", "localhost", 1)
	config := connect.Config{
		RedirectURI: s.origin + "/connect/oauth",
		Host:        s.host.URL,
		User:        currentUser,
		OnLinked:    s.store, OnRelinked: s.store,
		OnDisconnected: func(context.Context, string, string) error { return s.hear("disconnected") },
		OnExited:       func(context.Context, string, *moneykit.ConnectResult) { _ = s.hear("exited") },
		OnEvent: func(_ context.Context, _ string, event *moneykit.ConnectEvent) {
			_ = s.hear(string(event.Name))
		},
		Development: true,
		Logger:      slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&config)
	}
	handler, err := connect.NewHandler(s.mk.Client(), config)
	require.NoError(t, err)
	endpoints := http.NewServeMux()
	handler.Register(endpoints)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = s.note(r)
			s.mu.Lock()
			before := s.before
			s.mu.Unlock()
			if before != nil && before(w, r) {
				return
			}
		}
		if s.returns != nil && r.URL.Path == "/connect/oauth" {
			s.returns.ServeHTTP(w, r)
			return
		}
		endpoints.ServeHTTP(w, r)
	})
	s.addPage(mux)
	return s
}

// addPage adds the page of the example, its script and the npm package, which is unchanged.
func (s *site) addPage(mux *http.ServeMux) {
	const example = "../../examples/web"
	page, err := template.ParseFiles(filepath.Join(example, "index.html"))
	require.NoError(s.t, err)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: user, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		maps.Copy(w.Header(), s.header)
		var html strings.Builder
		assert.NoError(s.t, page.Execute(&html, map[string]any{"Nonce": "nonce", "Links": s.listed()}))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		text := html.String()
		if s.server != "" { // The page loads connect.js from there.
			text = strings.Replace(text, `"imports": {`, `"imports": {"/connect/connect.js": "`+s.server+`/connect/connect.js",`, 1)
		}
		_, _ = io.WriteString(w, text)
	})
	mux.HandleFunc("GET /app.js", func(w http.ResponseWriter, r *http.Request) {
		if s.script == "" {
			http.ServeFile(w, r, filepath.Join(example, "app.js"))
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, s.script)
	})
	mux.HandleFunc("GET /own.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, s.own)
	})
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(example, "style.css"))
	})
	mux.Handle("GET /modules/", http.StripPrefix("/modules/", http.FileServer(http.Dir("node_modules"))))
}

// listed returns the links as the page of the example shows them.
func (s *site) listed() (listed []map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, link := range s.links {
		listed = append(listed, map[string]string{
			"Name": link.InstitutionName, "State": string(link.State), "Handle": connect.LinkHandle(user, link.ID),
		})
	}
	return listed
}

// serve serves a handler until the test is over. Connections of browsers may be open then.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(late(h))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

func currentUser(r *http.Request) (moneykit.CustomerUser, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return moneykit.CustomerUser{}, err
	}
	return moneykit.CustomerUser{ID: cookie.Value}, nil
}

func (s *site) store(_ context.Context, _ string, link *moneykit.Link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = append(slices.DeleteFunc(s.links, func(l *moneykit.Link) bool { return l.ID == link.ID }), link)
	return nil
}

// mend removes the function before, while the page is open.
func (s *site) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = nil
}

func (s *site) hear(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, what)
	return nil
}

// note records the endpoint of a post, and returns its body, which can be read again.
func (s *site) note(r *http.Request) []byte {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = append(s.posts, filepath.Base(r.URL.Path))
	if r.URL.Path == "/connect/result" {
		s.results = append(s.results, string(body))
	}
	return body
}

// count returns how often an endpoint was posted to.
func (s *site) count(endpoint string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, post := range s.posts {
		if post == endpoint {
			n++
		}
	}
	return n
}

// stored returns the links that the application has stored.
func (s *site) stored() []*moneykit.Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.links)
}

// told returns the calls of the application's hooks.
func (s *site) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

// isReady is true when the script of the page has run.
const isReady = "document.querySelector('#link')?.onclick || window.connect"

// visit opens the page in a new browser.
func (s *site) visit() tab {
	s.t.Helper()
	b := newTab(s.t)
	b.open(s.origin + "/")
	b.until(isReady)
	return b
}

// probed opens the page with the script probe and with options in JavaScript.
func (s *site) probed(options string) tab {
	s.t.Helper()
	s.script = "window.options = " + options + ";" + probe
	return s.visit()
}

// settled waits until the promise that was passed to go in the page settles.
func settled(b tab) map[string]any {
	b.t.Helper()
	b.until("window.settled !== undefined")
	var value map[string]any
	require.NoError(b.t, json.Unmarshal([]byte(eval[string](b, "JSON.stringify(window.settled)")), &value))
	return value
}
