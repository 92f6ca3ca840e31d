// Package pages is Connect as users and front ends see it: its pages for a browser, and what it
// reports to the front end on each platform, at the end and on the way. What users do there changes
// a [world.World].
package pages

import (
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// maxBody is the largest request body that is read.
const maxBody = 1 << 20

// Pages serves Connect's pages. It is safe for concurrent use.
type Pages struct {
	World *world.Shared
	// Errorf reports a mistake of the test or the program.
	Errorf func(format string, args ...any)
	// Logf logs an ending that may be a mistake.
	Logf func(format string, args ...any)
}

// Register adds the pages to mux. The front-end package for the web shows /start, /relink and
// /continue in a frame, if this is the host that it is told to use. They post it the messages that
// it waits for. The others are their own.
func (p *Pages) Register(mux *http.ServeMux) {
	connect, bank := parsed(connectPage), parsed(bankPage)
	for _, path := range []string{"/start", "/relink", "/continue"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			show(w, http.StatusOK, connect(), p.choiceOf(r.URL.Query().Get("linkSessionToken")))
		})
	}
	mux.HandleFunc("POST /connect/play", p.play)
	mux.HandleFunc("GET /connect/bank", func(w http.ResponseWriter, _ *http.Request) {
		show(w, http.StatusOK, bank(), nil)
	})
	mux.HandleFunc("POST /connect/bank", func(w http.ResponseWriter, r *http.Request) {
		returnURL, end := p.authorize(r.URL.Query().Get("linkSessionToken"), r.PostFormValue("answer") == "allow")
		if returnURL == "" {
			show(w, http.StatusBadRequest, bank(), end.Err)
			return
		}
		w.Header().Set("Location", returnURL)
		w.WriteHeader(http.StatusSeeOther)
	})
}

// parsed parses a page when it is shown for the first time, because most tests never show one.
func parsed(page string) func() *template.Template {
	return sync.OnceValue(func() *template.Template { return template.Must(template.New("").Parse(page)) })
}

// show sends a page.
func show(w http.ResponseWriter, status int, page *template.Template, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the token is in the URL
	w.WriteHeader(status)
	_ = page.Execute(w, data) // the browser may be gone
}

// Tell reports an ending that is a mistake, and logs one that may be. what names the method or the
// page where Connect ended.
func (p *Pages) Tell(what string, end world.Ending) {
	if end.Mistake {
		p.Errorf("%s: %s", what, end.Err.DisplayedMessage)
	} else if end.Note {
		p.Logf("%s: %s", what, end.Err.DisplayedMessage)
	}
}

// choice is what the first screen offers. With a bank that is fixed there is one.
type choice struct {
	Banks []bankChoice
}

type bankChoice struct {
	ID, Name  string
	OAuth     bool
	Usernames bool
}

func (p *Pages) choiceOf(token string) choice {
	banks := []world.Institution{world.InstitutionAt(0), world.InstitutionAt(1), world.InstitutionAt(2)} // the test banks
	p.World.Do(func(w *world.World, now time.Time) {
		session := w.Sessions[token]
		if session == nil {
			return
		}
		if id := session.Params.InstitutionID; id != "" {
			if in, ok := world.Lookup(id); ok {
				banks = []world.Institution{in}
			}
		}
		if l := w.Find(session.Params.ExistingLinkID, now); l != nil {
			banks = []world.Institution{l.Institution}
		}
	})
	var out choice
	for _, in := range banks {
		out.Banks = append(out.Banks, bankChoice{in.ID, in.Name, in.ID == world.OAuthBank, in.ID == world.CredentialsBank})
	}
	return out
}

// authorize plays the user who allows or refuses something on the page of the OAuth Bank.
func (p *Pages) authorize(token string, allow bool) (returnURL string, end world.Ending) {
	play := world.Play{Institution: world.OAuthBank}
	if !allow {
		play.Failure = moneykit.LinkErrorUserOAuthDenied
	}
	p.World.Do(func(w *world.World, now time.Time) { returnURL, end = w.Authorize(token, play, now) })
	p.Tell("the page of the OAuth Bank", end)
	return returnURL, end
}

// message is what the pages of Connect post to the front-end package.
type message struct {
	MoneyKit bool   `json:"moneykit"`
	Type     string `json:"type"`
	Data     any    `json:"data"`
}

// play plays what the user of the pages has chosen, and answers with the messages to post.
func (p *Pages) play(w http.ResponseWriter, r *http.Request) {
	var step struct {
		Token       string `json:"linkSessionToken"`
		RedirectURL string `json:"redirectURL"` // after the bank's pages
		Institution string `json:"institution"`
		Username    string `json:"username"`
		Leave       bool   `json:"leave"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil || json.Unmarshal(body, &step) != nil {
		http.Error(w, "this is not from a page of Connect", http.StatusBadRequest)
		return
	}
	play := world.Play{Institution: step.Institution, Username: step.Username, Leave: step.Leave}
	var end world.Ending
	var data []byte
	p.World.Do(func(w *world.World, now time.Time) {
		if step.RedirectURL != "" {
			end = w.Continue(step.Token, step.RedirectURL, play, now)
		} else {
			end = w.Connect(step.Token, play, now)
		}
		data, err = json.Marshal(messages(w.Sessions[step.Token], end))
	})
	p.Tell("the page of Connect", end)
	if err != nil { // by a clock that is past the year 9999
		http.Error(w, "moneykittest cannot write the messages", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // the browser may be gone
}

// messages returns what is to be posted: the events that were not yet, and the ending. The session
// is nil if there is none with the token.
func messages(session *world.Session, end world.Ending) []message {
	var all []message
	if session != nil {
		for _, step := range session.Steps[session.Posted:] {
			if data, err := Event(session, step, moneykit.ConnectWeb); err == nil {
				all = append(all, message{true, "link.event", json.RawMessage(data)})
			}
		}
		session.Posted = len(session.Steps)
	}
	args := webArguments(end)
	switch {
	case end.LinkID == "":
		return append(all, message{true, "link.exit", map[string]any{"error": args[0]}})
	case end.Token == "":
		return append(all, message{true, "relink.complete", map[string]any{"institution": args[0], "link_id": args[1]}})
	}
	return append(all, message{true, "link.complete", map[string]any{
		"exchangeableToken": args[0], "institution": args[1], "link_id": args[2],
	}})
}
