package moneykittest

import (
	"encoding/json"
	"html/template"
	"io"
	"net/http"

	"github.com/moneykit/moneykit-go"
)

// addPages adds the pages of Connect to the API. The front-end package for the web shows /start,
// /relink and /continue in a frame, if this server is the host that it is told to use. They post it
// the messages that it waits for. The others are their own.
func (c *core) addPages(mux *http.ServeMux) {
	connect := template.Must(template.New("connect").Parse(connectPage))
	for _, path := range []string{"/start", "/relink", "/continue"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			show(w, http.StatusOK, connect, c.screenOf(r.URL.Query().Get("linkSessionToken")))
		})
	}
	mux.HandleFunc("POST /connect/play", c.playPage)
	bank := template.Must(template.New("bank").Parse(bankPage))
	mux.HandleFunc("GET /connect/bank", func(w http.ResponseWriter, _ *http.Request) {
		show(w, http.StatusOK, bank, nil)
	})
	mux.HandleFunc("POST /connect/bank", func(w http.ResponseWriter, r *http.Request) {
		play := Play{Institution: OAuthBank}
		if r.PostFormValue("answer") != "allow" {
			play.Failure = moneykit.LinkErrorUserOAuthDenied
		}
		now := c.lock()
		returnURL, end := c.authorize(r.URL.Query().Get("linkSessionToken"), play, now)
		c.mu.Unlock()
		c.tellOf("the page of the OAuth Bank", end)
		if returnURL == "" {
			show(w, http.StatusBadRequest, bank, end.err)
			return
		}
		w.Header().Set("Location", returnURL)
		w.WriteHeader(http.StatusSeeOther)
	})
}

// show sends a page.
func show(w http.ResponseWriter, status int, page *template.Template, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the token is in the URL
	w.WriteHeader(status)
	_ = page.Execute(w, data) // whoever asked may be gone
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

func (c *core) screenOf(token string) choice {
	now := c.lock()
	defer c.mu.Unlock()
	banks := c.institutions[:3] // the test banks
	if session := c.sessions[token]; session != nil {
		if in, ok := c.institution(session.params.InstitutionID); ok && session.params.InstitutionID != "" {
			banks = []institution{in}
		}
		if l := c.find(session.params.ExistingLinkID, now); l != nil {
			banks = []institution{l.institution}
		}
	}
	var out choice
	for _, in := range banks {
		out.Banks = append(out.Banks, bankChoice{in.id, in.name, in.id == OAuthBank, in.id == CredentialsBank})
	}
	return out
}

// message is what the pages of Connect post to the front-end package.
type message struct {
	MoneyKit bool   `json:"moneykit"`
	Type     string `json:"type"`
	Data     any    `json:"data"`
}

// playPage plays what the user of the pages has chosen, and answers with the messages to post.
func (c *core) playPage(w http.ResponseWriter, r *http.Request) {
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
	now := c.lock()
	var end ending
	play := Play{Institution: step.Institution, Username: step.Username, Leave: step.Leave}
	if step.RedirectURL != "" {
		end = c.resume(step.Token, step.RedirectURL, play, now)
	} else {
		end = c.play(step.Token, play, now)
	}
	messages := c.messages(step.Token, end)
	c.mu.Unlock()
	c.tellOf("the page of Connect", end)
	rep := answer(http.StatusOK, messages)
	rep.send(w, false)
}

// messages returns what is to be posted: the events that were not yet, and the ending.
func (c *core) messages(token string, end ending) []message {
	var all []message
	if session := c.sessions[token]; session != nil {
		for _, e := range session.events[session.posted:] {
			if data, err := e.payload(session, moneykit.ConnectWeb); err == nil {
				all = append(all, message{true, "link.event", json.RawMessage(data)})
			}
		}
		session.posted = len(session.events)
	}
	args := end.web()
	switch {
	case end.link == nil:
		return append(all, message{true, "link.exit", map[string]any{"error": args[0]}})
	case end.token == "":
		return append(all, message{true, "relink.complete", map[string]any{"institution": args[0], "link_id": args[1]}})
	}
	return append(all, message{true, "link.complete", map[string]any{
		"exchangeableToken": args[0], "institution": args[1], "link_id": args[2],
	}})
}

// connectPage is the page in the frame. The bank's own pages open in a window of their own, from
// where the front-end package sends the URL of the return here, and in webviews without windows in
// place of the application's page, which then shows /continue.
const connectPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>MoneyKit in a test</title>
<style>[hidden]{display:none!important}body{font:1rem sans-serif;max-width:24rem;margin:3rem auto;background:#fff}button,input,select{font:inherit;display:block;width:100%;margin:.5rem 0;padding:.5rem}</style>
<h1>Connect your bank</h1>
<form>
<select name="institution" aria-label="Bank">
{{- range .Banks}}
<option value="{{.ID}}"{{if .OAuth}} data-oauth{{end}}{{if .Usernames}} data-usernames{{end}}>{{.Name}}</option>
{{- end}}
</select>
<input name="username" aria-label="User name" placeholder="user_good" hidden>
<button>Continue</button>
<button type="button" id="leave">Close</button>
</form>
<script type="module">
const query = new URLSearchParams(location.search);
const linkSessionToken = query.get("linkSessionToken") ?? "";
const post = (message) => parent.postMessage(message, query.get("origin"));
const form = document.querySelector("form");
let bank;

async function play(step) {
  form.hidden = true;
  const answer = await fetch("/connect/play", {method: "POST", body: JSON.stringify({linkSessionToken, ...step})});
  (await answer.json()).forEach(post);
}

function show() {
  form.username.hidden = !("usernames" in form.institution.selectedOptions[0].dataset);
}

form.institution.addEventListener("change", show);
show();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!("oauth" in form.institution.selectedOptions[0].dataset)) {
    play({institution: form.institution.value, username: form.username.hidden ? "" : form.username.value});
    return;
  }
  const page = "/connect/bank?linkSessionToken=" + encodeURIComponent(linkSessionToken);
  bank?.close(); // one at a time: the other's answer would not be heard
  bank = open(page);
  if (!bank) {
    top.location.href = new URL(page, location).href;
  }
});
document.querySelector("#leave").addEventListener("click", () => play({leave: true}));
addEventListener("message", (event) => {
  if (bank && event.source === bank && event.data?.moneykit && event.data.type === "link.resume") {
    bank.close();
    play({redirectURL: event.data.eventData.redirectURL});
  }
});

post({moneykit: true, type: "connect.started", data: {}});
if (location.pathname === "/continue") {
  play({redirectURL: query.get("redirectURL")});
}
</script>
</html>
`

// bankPage is the OAuth Bank's own.
const bankPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>OAuth Bank</title>
<link rel="icon" href="data:,">
<style>body{font:1rem sans-serif;max-width:24rem;margin:3rem auto}button{font:inherit;display:block;width:100%;margin:.5rem 0;padding:.5rem}</style>
<h1>OAuth Bank</h1>
{{with .}}
<p>This cannot go on: {{.DisplayedMessage}}.</p>
{{else}}
<p>MoneyKit would like to see your accounts.</p>
<form method="post">
<button name="answer" value="allow">Allow</button>
<button name="answer" value="refuse">Refuse</button>
</form>
{{end}}
</html>
`
