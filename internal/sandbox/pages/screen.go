package pages

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Delays after which a screen continues by itself, in milliseconds.
const (
	pollAfter = 700
	doneAfter = 4000
)

// tiles is the number of institutions that the Finder shows above the list.
const tiles = 8

// viewOf returns the data of the current screen of a session.
func viewOf(w *world.World, s *world.Session, app string, now time.Time) view {
	v := view{
		Screen: string(s.Screen), App: app, Relink: s.Params.ExistingLinkID != "", Back: len(s.Trail) > 0,
		Username: s.Username, Question: world.Question, One: s.Features().PermitOnlyOneAccount,
		Error: correction(s.Wrong), Hints: hintsFor(s),
	}
	if s.Institution.ID != "" {
		bank := viewOfBank(s.Institution)
		v.Bank = &bank
	}
	switch s.Screen {
	case world.ScreenFinder:
		v.Banks = banksFor(s)
	case world.ScreenPermissions:
		v.Products = productsOf(w, s)
	case world.ScreenDevice:
		for _, d := range world.Devices() {
			v.Devices = append(v.Devices, deviceView(d))
		}
	case world.ScreenCode:
		for _, d := range world.Devices() {
			if d.ID == s.Device {
				v.Device = d.Name
			}
		}
	case world.ScreenOAuth:
		v.BankURL = bankURL(s.Token, app)
	case world.ScreenAccounts:
		v.Accounts = accountsOf(w, s, now)
		v.Hidden = s.Draft != nil && len(s.Draft.Accounts) > len(s.Offered)
	case world.ScreenWaiting:
		v.After = pollAfter
	case world.ScreenSuccess:
		v.After, v.Shared = doneAfter, len(s.Result.Accounts)
	case world.ScreenError:
		v.Failure = failureOf(s)
	case world.ScreenDuplicate, world.ScreenReconnect, world.ScreenCredentials, world.ScreenQuestion:
	}
	return v
}

// banksFor returns the institutions that a session offers: the test banks, the featured ones and
// all others.
func banksFor(s *world.Session) []bankView {
	var first, others []bankView
	for i := range world.InstitutionCount {
		in := world.InstitutionAt(i)
		switch {
		case !s.Offers(in):
		case in.Featured || i < world.TestBankCount:
			first = append(first, viewOfBank(in))
		default:
			others = append(others, viewOfBank(in))
		}
	}
	for i := range first[:min(tiles, len(first))] {
		first[i].Tile = true
	}
	return append(first, others...)
}

func viewOfBank(in world.Institution) bankView {
	bank := bankView{
		ID: in.ID, Name: in.Name, Domain: in.Domain, Country: string(in.Country), Color: in.Color,
		Keywords: in.ID,
	}
	if bank.Color == "" {
		bank.Color = "#5B6472"
	}
	for word := range strings.FieldsSeq(in.Name) {
		if first := []rune(word)[0]; unicode.IsLetter(first) && len([]rune(bank.Initials)) < 2 {
			bank.Initials += string(unicode.ToUpper(first))
		}
	}
	return bank
}

// productsOf returns the products that a session asks the user for.
func productsOf(w *world.World, s *world.Session) []productView {
	var all []productView
	if s.Params.ExistingLinkID == "" {
		all = append(all, productView{Product: "accounts", Name: "Accounts and balances", Locked: true})
	}
	for _, p := range w.Asked(s) {
		settings := s.Settings(p)
		locked := settings.Required || settings.RequirePermission
		declined := !locked && slices.Contains(s.Declined, p)
		all = append(all, productView{string(p), nameOf(p), settings.Reason, locked, declined})
	}
	return all
}

func nameOf(p moneykit.Product) string {
	switch p {
	case moneykit.ProductAccountNumbers:
		return "Account and routing numbers"
	case moneykit.ProductIdentity:
		return "Name, address and contact details"
	case moneykit.ProductTransactions:
		return "Transactions"
	case moneykit.ProductInvestments:
		return "Investments"
	case moneykit.ProductAccounts, moneykit.ProductEnrichment:
	}
	return words(string(p))
}

// words turns a name such as account_numbers into words.
func words(name string) string {
	text := []rune(strings.NewReplacer("_", " ", ".", " ").Replace(name))
	if len(text) > 0 {
		text[0] = unicode.ToUpper(text[0])
	}
	return string(text)
}

// accountsOf returns the accounts that the screen shows: first those that an existing link already
// has, then those to choose from. New accounts are preselected. If there are none, all are
// preselected, because the user connects the bank again.
func accountsOf(w *world.World, s *world.Session, now time.Time) []accountView {
	var all []accountView
	for _, l := range w.LinksOf(s.Params.CustomerUser.ID, now) {
		if l.ID == s.Params.ExistingLinkID {
			for _, a := range l.Accounts {
				shared := viewOfAccount(a)
				shared.Shared = true
				all = append(all, shared)
			}
		}
	}
	known := connectedAccounts(w, s, now)
	isNew := func(a moneykit.Account) bool { return !known[a.Name+"\x00"+a.Mask] }
	someNew := slices.ContainsFunc(s.Offered, isNew)
	chosen := false
	for _, a := range s.Offered {
		offered := viewOfAccount(a)
		offered.Known = !isNew(a)
		offered.Checked = s.Wrong == "" && offered.Known != someNew && (!chosen || !s.Features().PermitOnlyOneAccount)
		chosen = chosen || offered.Checked
		all = append(all, offered)
	}
	return all
}

// connectedAccounts returns the names and masks of the accounts that the user has connected at the
// institution before.
func connectedAccounts(w *world.World, s *world.Session, now time.Time) map[string]bool {
	known := map[string]bool{}
	for _, l := range w.LinksOf(s.Params.CustomerUser.ID, now) {
		if l.Institution.ID == s.Institution.ID && l.IsLinked() {
			for _, a := range l.Accounts {
				known[a.Name+"\x00"+a.Mask] = true
			}
		}
	}
	return known
}

func viewOfAccount(a moneykit.Account) accountView {
	kind := a.Type
	if i := strings.LastIndexByte(kind, '.'); i >= 0 {
		kind = kind[i+1:]
	}
	v := accountView{ID: a.ID, Name: a.Name, Kind: words(kind), Mask: a.Mask}
	if a.Balances.Current != nil {
		v.Balance = money(a.Balances.Current.String(), a.Balances.Currency)
	}
	return v
}

// money formats an amount for display.
func money(amount, currency string) string {
	whole, fraction, found := strings.Cut(strings.TrimPrefix(amount, "-"), ".")
	var b strings.Builder
	if strings.HasPrefix(amount, "-") {
		b.WriteString("−")
	}
	symbol, ok := map[string]string{"USD": "$", "GBP": "£", "CAD": "CA$", "EUR": "€"}[currency]
	if !ok {
		symbol = strings.TrimSpace(currency+" ") + " "
	}
	b.WriteString(symbol)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if found {
		b.WriteString("." + fraction)
	}
	return b.String()
}

// hintsFor returns the inputs that testers can choose on the screen.
func hintsFor(s *world.Session) []hint {
	switch s.Screen {
	case world.ScreenFinder:
		var hints []hint
		for i, text := range [world.TestBankCount]string{"nothing to type", "user name and password", "its own page"} {
			in := world.InstitutionAt(i)
			hints = append(hints, hint{in.Name, text, map[string]string{"institution": in.ID}})
		}
		return hints
	case world.ScreenCredentials:
		return userHints()
	case world.ScreenCode:
		return []hint{
			{world.Code, "is right", map[string]string{"code": world.Code}},
			{"000000", "is wrong", map[string]string{"code": "000000"}},
		}
	case world.ScreenQuestion:
		return []hint{
			{world.Answer, "is right", map[string]string{"answer": world.Answer}},
			{"red", "is wrong", map[string]string{"answer": "red"}},
		}
	default:
		return nil
	}
}

func userHints() []hint {
	var hints []hint
	for _, user := range world.TestUsers() {
		hints = append(hints, hint{user.Name, user.Does, map[string]string{"username": user.Name, "password": world.Password}})
	}
	return append(hints, hint{"user_good", "with a wrong password", map[string]string{"username": "user_good", "password": "wrong"}})
}

// correction returns the message about a wrong input.
func correction(wrong string) string {
	switch wrong {
	case "":
		return ""
	case "invalid_credentials":
		return "The user name or the password is wrong. Please try again."
	case "wrong_code":
		return "This code is wrong. Please look again."
	case "wrong_answer":
		return "This answer is wrong. Please try again."
	case "no_accounts":
		return "Please choose at least one account."
	default:
		return "Please choose again."
	}
}

// failureOf returns the content of the error screen: the reason, and how the user can continue.
func failureOf(s *world.Session) *failureView {
	_, id, _ := strings.Cut(s.Problem.ID, ".")
	f := failureOfEnding(id)
	f.Final = s.Hopeless
	f.Other = s.ChoosesBank() && !s.Hopeless
	f.Retry = !s.Hopeless && id != "duplicate_institution"
	f.Website = id == "locked" || id == string(moneykit.LinkErrorUserSetupRequired)
	return &f
}

func failureOfEnding(id string) failureView {
	texts, known := map[string][2]string{
		"unknown_session": {"This session is not known", "Please go back to the application and start again."},
		"used_session": {
			"This session is in use already",
			"It was opened elsewhere, or has ended. Please go back to the application and start again.",
		},
		"expired_session": {
			"This took too long",
			"The session has expired. Please go back to the application and start again.",
		},
		"link_deleted": {
			"This bank is not connected any more",
			"The connection was removed. Please go back to the application and connect the bank again.",
		},
		"duplicate_institution": {
			"You have already connected this bank",
			"It is not connected a second time.",
		},
		"locked": {"The bank has locked your login", "Unlock it at the bank’s website, and then try again."},
		"user_setup_required": {
			"The bank needs something from you",
			"Log in at the bank’s website and follow the steps there. Then try again.",
		},
		"institution_error": {
			"The bank cannot be reached",
			"It may be down for a while. Please try again later.",
		},
		"no_accounts":       {"There is nothing to share", "The bank has no accounts of yours that the application can use."},
		"user_oauth_denied": {"You did not allow access", "Without it, your bank cannot be connected."},
		"used_return": {
			"You have come back already",
			"This page of the bank was opened before. Please go back to the application.",
		},
		"no_return":      {"You have not been to the bank", "Please go back to the application and start again."},
		"changed_return": {"The way back was not right", "The bank did not send you to this address."},
		"other_return":   {"The way back was not right", "The bank sent another session to this address."},
		"expired_return": {"This took too long", "You were at the bank’s page for too long."},
	}[id]
	if !known {
		texts = [2]string{"Something went wrong", "Please go back to the application and start again."}
	}
	return failureView{Title: texts[0], Text: texts[1]}
}
