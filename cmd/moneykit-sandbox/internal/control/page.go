package control

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"sync"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

//go:embed page.html page.css page.js verbs.js
var assets embed.FS

// policy is the Content-Security-Policy of the page. The scripts set only text, never HTML. In
// browsers with trusted types, the policy enforces this.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// icon is the icon of the page.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#3346d3"/>` +
	`<path d="M8 22V10l8 8 8-8v12" fill="none" stroke="#fff" stroke-width="3.2" stroke-linecap="round" stroke-linejoin="round"/></svg>`

// pageData is the data for the template of the page.
type pageData struct {
	Info        Info
	Forms       map[string][]form
	Rows        []string // places of forms that belong to rows of a list
	Suggestions map[string][]choice
	Panels      []panel
	Users       []TestUser
	Password    string // of test users
	Code        string // code that a bank sends to test users
	Answer      string // answer of test users to the security question
}

// panel is a list on the page.
type panel struct {
	Name, Title, Short string
	Empty              string
	Pause              bool
}

// registerPage adds the page and its files to mux.
func (s *Server) registerPage(mux *http.ServeMux) {
	render := sync.OnceValues(s.renderPage)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		page, err := render()
		if err != nil { // cannot happen: tests render the page
			refuse(w, http.StatusInternalServerError, "the page cannot be rendered: "+err.Error())
			return
		}
		sendPage(w, "text/html", page)
	})
	mux.HandleFunc("GET /icon.svg", func(w http.ResponseWriter, _ *http.Request) { sendPage(w, "image/svg+xml", []byte(icon)) })
	for name, media := range map[string]string{"page.css": "text/css", "page.js": "text/javascript", "verbs.js": "text/javascript"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, _ *http.Request) {
			data, err := assets.ReadFile(name)
			if err != nil {
				refuse(w, http.StatusNotFound, "there is no such file")
				return
			}
			sendPage(w, media, data)
		})
	}
}

func sendPage(w http.ResponseWriter, media string, data []byte) {
	h := w.Header()
	h.Set("Content-Type", media+"; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(data) // the browser may be gone
}

func (s *Server) renderPage() ([]byte, error) {
	users, err := s.testUsers()
	if err != nil {
		return nil, err
	}
	data := pageData{
		Info: s.Info, Forms: forms(), Rows: []string{"link", "session", "delivery"}, Suggestions: s.suggestions(), Users: users,
		Password: world.Password, Code: world.Code, Answer: world.Answer,
		Panels: []panel{
			{"links", "Links", "Links", "No links yet. Connect a link session, or make a link here.", false},
			{"sessions", "Link sessions", "Sessions", "No link sessions yet. Your application opens one with POST /link-session.", false},
			{"requests", "Requests", "Requests", "No requests yet. Point your application at the API above.", true},
			{"deliveries", "Webhooks", "Webhooks", "No webhooks yet. Links with a webhook send one when their state changes.", true},
		},
	}
	t, err := template.ParseFS(assets, "page.html")
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, data)
	return page.Bytes(), err
}
