// Package pages is Connect as users and front ends see it: its pages for a browser, and the events
// and results that it reports to the front end on each platform. The actions of users change a
// [world.World].
package pages

import (
	"bytes"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// maxBody is the size of the largest accepted request body, in bytes.
const maxBody = 1 << 20

// Pages serves Connect's pages. It is safe for concurrent use.
type Pages struct {
	World *world.Shared

	parse func() *template.Template
}

// Register adds the pages to mux. If the front-end package for the web is configured to use this
// host, it shows /start, /relink and /continue in a frame, and these pages post it the messages
// that it expects. All other paths are used only by the pages themselves.
func (p *Pages) Register(mux *http.ServeMux) {
	p.parse = sync.OnceValue(templates) // Most tests never show a page.
	for _, path := range []string{"/start", "/relink", "/continue"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { p.show(w, http.StatusOK, "shell", nil) })
	}
	for name, kind := range map[string]string{"connect.css": "text/css", "connect.js": "text/javascript", "panel.js": "text/javascript"} {
		mux.HandleFunc("GET /connect/"+name, func(w http.ResponseWriter, _ *http.Request) {
			data, err := assets.ReadFile(name)
			if err != nil {
				http.Error(w, "", http.StatusNotFound)
				return
			}
			w.Header().Set("Content-Type", kind+"; charset=utf-8")
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(data) // the browser may be gone
		})
	}
	mux.HandleFunc("POST /connect/step", p.step)
	mux.HandleFunc("GET "+bankPath, p.bank)
	mux.HandleFunc("POST "+bankPath, p.bank)
}

// policy is the Content-Security-Policy of all pages.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src * data:; font-src *; connect-src 'self'; base-uri 'none'"

// show sends a page.
func (p *Pages) show(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the token is in the URL
	h.Set("Content-Security-Policy", policy)
	w.WriteHeader(status)
	_ = p.parse().ExecuteTemplate(w, name, data) // the browser may be gone
}

// request is the JSON of a step of the user on a page of Connect.
type request struct {
	Token       string `json:"link_session_token"`
	Visit       string `json:"visit"` // identifies the page
	Seen        int    `json:"seen"`  // messages that the page has received
	Screen      int    `json:"screen"`
	Step        int    `json:"step"` // counts the steps; 0 for a step that may be repeated
	Action      string `json:"action"`
	App         string `json:"application_name"`
	RedirectURL string `json:"redirect_url"` // return URL, after the bank's pages
	Values      values `json:"values"`
}

// values contains the fields of a screen's form.
type values struct {
	SearchTerm  string             `json:"search_term"`
	Institution string             `json:"institution"`
	Products    []moneykit.Product `json:"products"`
	Username    string             `json:"username"`
	Password    string             `json:"password"`
	Device      string             `json:"device"`
	Code        string             `json:"code"`
	Answer      string             `json:"answer"`
	Accounts    []string           `json:"accounts"`
}

// answer is the JSON of the response to a step: the next screen, and the messages to post to the
// front end before it is shown.
type answer struct {
	Screen   int       `json:"screen"`
	Step     int       `json:"step"` // number of the last step of the page
	Name     string    `json:"name"`
	HTML     string    `json:"html"`
	Seen     int       `json:"seen"`
	First    int       `json:"first"` // number of events before those in Messages
	Messages []message `json:"messages"`
	Over     bool      `json:"over"`
}

// message is a message that the pages of Connect post to the front-end package.
type message struct {
	MoneyKit bool   `json:"moneykit"`
	Type     string `json:"type"`
	Data     any    `json:"data"`
}

// step plays a step of the user. A step that was played before has no effect, so a page can resend
// a step whose response was lost. A step for a screen that the user has left has no effect either.
func (p *Pages) step(w http.ResponseWriter, r *http.Request) {
	var asked request
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil || json.Unmarshal(body, &asked) != nil || asked.Visit == "" {
		http.Error(w, "this is not from a page of Connect", http.StatusBadRequest)
		return
	}
	var out answer
	var shown view
	var data []byte
	p.World.Do(func(w *world.World, now time.Time) {
		out, shown = act(w, asked, now)
		if !out.Over {
			var html bytes.Buffer
			if err = p.parse().ExecuteTemplate(&html, out.Name, shown); err == nil {
				err = p.parse().ExecuteTemplate(&html, "panel", shown.Hints)
			}
			if err != nil {
				return
			}
			out.HTML = html.String()
		}
		data, err = json.Marshal(out)
	})
	if err != nil { // only if the clock is past the year 9999
		http.Error(w, "moneykittest cannot write the screen", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(data) // the browser may be gone
}

// act plays the action of the user of a page, and returns the next view of the page.
func act(w *world.World, asked request, now time.Time) (answer, view) {
	s, end, ok := enter(w, asked, now)
	if ok && s.Over && s.Result == nil {
		s, end, ok = nil, world.UsedSession(), false
	}
	if !ok {
		return stranded(w, asked, end, now)
	}
	var over *world.Ending
	switch {
	case asked.Action == "leave", asked.Action == "done" && s.Result != nil:
		end := w.Leave(s, now)
		over = &end
	case asked.Screen == s.Number && !s.Over && !s.Repeats(asked.Visit, asked.Step):
		v := asked.Values
		w.Act(s, world.Action{
			Name: asked.Action, Term: v.SearchTerm, Institution: v.Institution, Permitted: v.Products,
			Username: v.Username, Password: v.Password, Device: v.Device, Code: v.Code, Answer: v.Answer, Accounts: v.Accounts,
		}, now)
	}
	s.Acted = max(s.Acted, asked.Step)
	s.Posted = max(s.Posted, min(asked.Seen, len(s.Steps)))
	out := answer{
		Screen: s.Number, Step: s.Acted, Name: string(s.Screen),
		First: s.Posted, Seen: len(s.Steps), Messages: events(s), Over: over != nil,
	}
	if over != nil {
		out.Messages = append(out.Messages, ending(*over))
		return out, view{}
	}
	return out, viewOf(w, s, asked.App, now)
}

// enter returns the session of a page. If the page cannot use a session, it returns how Connect
// ends.
func enter(w *world.World, asked request, now time.Time) (*world.Session, world.Ending, bool) {
	if s := w.Session(asked.Token); s != nil && s.Repeats(asked.Visit, asked.Step) {
		return s, world.Ending{}, true
	}
	if asked.RedirectURL != "" && (asked.Action == "open" || asked.Action == "resume") {
		s, end, ok := w.Return(asked.Token, asked.Visit, asked.RedirectURL, now)
		if own := w.Sessions[asked.Token]; !ok && own != nil && own.Page == asked.Visit && !own.Over {
			if _, _, ok := w.Begin(asked.Token, asked.Visit, now); ok { // The session continues on this page.
				if own.Screen == world.ScreenOAuth {
					own.Refuse(end, now)
				}
				return own, end, true
			}
		}
		return s, end, ok
	}
	s, end, ok := w.Begin(asked.Token, asked.Visit, now)
	if !ok && asked.RedirectURL != "" {
		return w.Return(asked.Token, asked.Visit, asked.RedirectURL, now)
	}
	return s, end, ok
}

// stranded returns the view of a page that cannot use a session. The failure is reported to the
// front end like any other.
func stranded(w *world.World, asked request, end world.Ending, now time.Time) (answer, view) {
	s := &world.Session{} // A session of this page only.
	if known := w.Sessions[asked.Token]; known != nil {
		s.ID, s.Params, s.Institution = known.ID, known.Params, known.Institution
	}
	if asked.Action == "leave" {
		s.Steps = []world.Step{{Name: moneykit.ConnectEventExit, At: now, Institution: s.Institution}}
		return answer{First: asked.Seen, Seen: asked.Seen, Messages: append(events(s), ending(end)), Over: true}, view{}
	}
	if asked.Seen == 0 {
		s.Steps = []world.Step{{Name: moneykit.ConnectEventOpen, At: now}}
	}
	s.Refuse(end, now)
	s.Hopeless = true
	return answer{Name: string(s.Screen), First: asked.Seen, Seen: asked.Seen, Messages: events(s)}, viewOf(w, s, asked.App, now)
}

// events returns the messages for the steps that the page has not posted yet.
func events(s *world.Session) []message {
	all := []message{}
	for _, step := range s.Steps[s.Posted:] {
		if data, err := Event(s, step, moneykit.ConnectWeb); err == nil {
			all = append(all, message{true, "link.event", json.RawMessage(data)})
		}
	}
	return all
}

// ending returns the message that ends Connect.
func ending(end world.Ending) message {
	args := webArguments(end)
	switch {
	case end.LinkID == "":
		return message{true, "link.exit", map[string]any{"error": args[0]}}
	case end.Token == "":
		return message{true, "relink.complete", map[string]any{"institution": args[0], "link_id": args[1]}}
	}
	return message{true, "link.complete", map[string]any{"exchangeableToken": args[0], "institution": args[1], "link_id": args[2]}}
}
