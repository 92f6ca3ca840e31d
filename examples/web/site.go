package main

import (
	"context"
	"crypto/rand"
	"embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

//go:embed index.html app.js style.css
var files embed.FS

// site is the application. Its database is a map.
type site struct {
	page *template.Template
	host string // the origin of Connect's pages

	mu    sync.Mutex
	links map[string]*moneykit.Link // by ID
}

// newSite returns the handler of the whole application.
func newSite(sandbox *moneykittest.Server, origin, modulesDir string) (http.Handler, error) {
	page, err := template.ParseFS(files, "index.html")
	if err != nil {
		return nil, err
	}
	s := &site{page: page, host: sandbox.URL(), links: map[string]*moneykit.Link{}}
	handler, err := connect.NewHandler(sandbox.Client(), connect.Config{
		RedirectURI: origin + "/connect/oauth",
		Host:        s.host,
		User: func(*http.Request) (moneykit.CustomerUser, error) {
			return moneykit.CustomerUser{ID: "user_0001"}, nil // A real application reads its session.
		},
		OnLinked:    s.store,
		OnRelinked:  s.store,
		Development: true,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	handler.Register(mux)
	mux.HandleFunc("GET /{$}", s.index)
	mux.Handle("GET /app.js", http.FileServerFS(files))
	mux.Handle("GET /style.css", http.FileServerFS(files))
	mux.Handle("GET /modules/", http.StripPrefix("/modules/", http.FileServer(http.Dir(modulesDir))))
	return mux, nil
}

func (s *site) store(_ context.Context, _ string, link *moneykit.Link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[link.ID] = link
	return nil
}

// listed is a link on the page.
type listed struct {
	Name, Handle string
	State        moneykit.LinkState
}

func (s *site) index(w http.ResponseWriter, _ *http.Request) {
	view := struct {
		Nonce string
		Links []listed
	}{Nonce: rand.Text()}
	s.mu.Lock()
	for _, id := range slices.Sorted(maps.Keys(s.links)) {
		link := s.links[id]
		view.Links = append(view.Links, listed{link.InstitutionName, connect.LinkHandle("user_0001", id), link.State})
	}
	s.mu.Unlock()
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'self'",
		"script-src 'self' 'nonce-" + view.Nonce + "'", // A page with a bundle needs no nonce.
		"frame-src " + s.host,
	}, "; "))
	_ = s.page.Execute(w, view) // An error means that the browser has closed the connection.
}
