package pages

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// bankPath is the path of the OAuth Bank's own pages.
const bankPath = "/connect/bank"

func bankURL(token, app string) string {
	return bankPath + "?" + url.Values{"linkSessionToken": {token}, "application": {app}}.Encode()
}

// bankPage is the data of a page of the bank.
type bankPage struct {
	App, User, Error string
	Products         []productView
	Hints            []hint
}

// bank serves the bank's pages: the login form, and the form to allow or refuse access. The
// response to the second form redirects the user back to the application.
func (p *Pages) bank(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	page := bankPage{App: r.FormValue("application"), User: r.PostFormValue("username")}
	user, reply := r.PostFormValue("user"), r.PostFormValue("answer")
	name, back := "bank-login", ""
	p.World.Do(func(w *world.World, now time.Time) {
		s := w.AtBank(r.FormValue("linkSessionToken"), now)
		switch {
		case s == nil:
			name, page.Error = "bank-stop", "This page belongs to a session that has ended, or that is not known."
		case reply != "":
			back = w.Answer(s, reply == "allow" && user != "", now)
		case page.User == "" && r.Method == http.MethodGet:
			page.Hints = bankHints()
		case page.User != "user_good" || r.PostFormValue("password") != world.Password:
			page.Error, page.Hints = "The user name or the password is wrong.", bankHints()
		default:
			name = "bank-grant"
			page.Products = slices.DeleteFunc(productsOf(w, s), func(p productView) bool { return p.Declined })
		}
	})
	switch {
	case back != "":
		w.Header().Set("Location", back)
		w.WriteHeader(http.StatusSeeOther)
	case name == "bank-stop":
		p.show(w, http.StatusBadRequest, name, page)
	default:
		p.show(w, http.StatusOK, name, page)
	}
}

// bankHints returns the inputs that testers can choose at the bank.
func bankHints() []hint {
	return []hint{
		{"user_good", "logs in", map[string]string{"username": "user_good", "password": world.Password}},
		{"user_good", "with a wrong password", map[string]string{"username": "user_good", "password": "wrong"}},
	}
}
