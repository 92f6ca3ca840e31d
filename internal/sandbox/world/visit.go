package world

import (
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Screen is the name of a screen of Connect, as in the event change_screen. MoneyKit publishes only
// the name of the Finder.
type Screen string

// The screens of Connect.
const (
	ScreenFinder      Screen = "Finder"
	ScreenDuplicate   Screen = "Duplicate Institution"
	ScreenPermissions Screen = "Permissions"
	ScreenReconnect   Screen = "Reconnect"
	ScreenCredentials Screen = "Credentials"
	ScreenDevice      Screen = "OTP Device"
	ScreenCode        Screen = "OTP"
	ScreenQuestion    Screen = "Security Question"
	ScreenOAuth       Screen = "OAuth"
	ScreenAccounts    Screen = "Accounts"
	ScreenWaiting     Screen = "Waiting"
	ScreenSuccess     Screen = "Success"
	ScreenError       Screen = "Error"
)

// Visit is the position of the user of a session in Connect.
type Visit struct {
	Page     string                 // the page that shows the session; "" for a [Play]
	Acted    int                    // number of the last step that the page has sent
	Screen   Screen                 // "" before Connect is opened
	Number   int                    // counts the screens that the user has seen
	Trail    []Screen               // screens to go back to; the last one is the most recent
	Wrong    string                 // id of the error about a wrong input; "" for none
	Problem  *moneykit.ConnectError // the error that [ScreenError] shows
	Reason   moneykit.LinkError     // error that the problem causes on an existing link; "" for none
	Hopeless bool                   // after the problem, the user can only close Connect
	Told     moneykit.ConnectError  // the last error that was reported as an event
	Username string                 // entered at the bank
	Device   string                 // the device to which the code was sent
	Tries    int                    // number of wrong passwords, codes and answers
	Polls    int                    // number of polls by the waiting page
	Declined []moneykit.Product
	Provider moneykit.Provider  // provider of the link from now on; unchanged if empty
	More     []moneykit.Account // additional accounts at the bank, from a [Play]
	// Impossible means that the problem is a mistake in a [Play].
	Impossible bool
	Draft      *Link              // the new link, before it is in the world
	Offered    []moneykit.Account // accounts to choose from
	Result     *Ending            // nil before success
}

// Action is what a user does on a screen of Connect.
type Action struct {
	Name        string
	Term        string             // text to search for
	Institution string             // id of the chosen one
	Permitted   []moneykit.Product // permitted products, of those that can be declined
	Username    string
	Password    string
	Device      string
	Code        string // the code that the bank sent
	Answer      string // answer to a security question
	Accounts    []string
}

// Limits for users of Connect.
const (
	maxSteps = 2000 // steps of a session; later ones are not recorded
	maxTerm  = 200  // characters of a search term
	maxTries = 5    // attempts to enter the right password, code or answer
	slowness = 3    // polls of the waiting page until it continues
)

// Act plays an action of the user on the current screen. An action that is not possible on the
// screen has no effect.
func (w *World) Act(s *Session, a Action, now time.Time) {
	s.Wrong = ""
	switch a.Name {
	case "back":
		if n := len(s.Trail); n > 0 {
			to := s.Trail[n-1]
			s.Trail = s.Trail[:n-1]
			s.show(to, now)
		}
		return
	case "restart":
		if s.ChoosesBank() && s.Screen == ScreenError && !s.Hopeless {
			s.Trail = nil
			s.show(ScreenFinder, now)
		}
		return
	case "website":
		s.happened(moneykit.ConnectEventOpenInstitutionWebsite, nil, now)
		return
	case "help":
		s.happened(moneykit.ConnectEventSelectHelp, nil, now)
		return
	case "reset_password":
		s.happened(moneykit.ConnectEventSelectResetPassword, nil, now)
		return
	}
	switch string(s.Screen) + " " + a.Name {
	case "Finder search":
		term := []rune(strings.TrimRight(a.Term, "\ufffd")) // A page may cut the term within a character.
		s.happened(moneykit.ConnectEventSearchInstitution, map[string]any{"search_term": string(term[:min(len(term), maxTerm)])}, now)
	case "Finder choose":
		w.choose(s, a.Institution, now)
	case "Duplicate Institution acknowledge":
		s.happened(moneykit.ConnectEventAcknowledgeInstitutionAlert, nil, now)
		w.ask(s, now)
	case "Duplicate Institution dismiss":
		s.happened(moneykit.ConnectEventDismissInstitutionAlert, nil, now)
		if s.ChoosesBank() {
			s.Trail = nil
			s.show(ScreenFinder, now)
		} else {
			s.Hopeless = true
			s.fail("duplicate_institution", "the user has linked this institution before", "", now)
		}
	case "Reconnect acknowledge":
		w.ask(s, now)
	case "Permissions permissions":
		w.permit(s, a.Permitted, now)
	case "OAuth oauth":
		s.happened(moneykit.ConnectEventOpenOAuth, nil, now)
	case "Accounts accounts":
		w.submitAccounts(s, a.Accounts, now)
	case "Error retry":
		if !s.Hopeless {
			w.signIn(s, now)
		}
	default:
		w.authenticate(s, a, now)
	}
}

// Begin opens Connect on a page for a link session, or returns the session that this page has
// opened before. If the session cannot be used, it returns how Connect ends.
func (w *World) Begin(token, page string, now time.Time) (*Session, Ending, bool) {
	if s := w.Session(token); s != nil && s.Page == page && page != "" {
		if !s.Over && w.isOld(s.Created, now) && (s.Sent.IsZero() || w.isOld(s.Sent, now)) {
			return nil, noted("expired_session", "the link session token has expired"), false
		}
		return s, Ending{}, true
	}
	s, end, ok := w.enter(token, now)
	if ok {
		s.Page = page
		w.arrive(s, now)
	}
	return s, end, ok
}

// Repeats reports whether a page has sent the step with this number before. The first number is 1.
func (s *Session) Repeats(page string, step int) bool {
	return s.Page == page && step > 0 && step <= s.Acted
}

// arrive shows the first screen.
func (w *World) arrive(s *Session, now time.Time) {
	params := &s.Params
	switch {
	case params.ExistingLinkID != "":
		l, err := w.existing(params.ExistingLinkID, now)
		if err != nil {
			s.lost(now)
			return
		}
		s.Institution = l.Institution
		s.show(ScreenReconnect, now)
	case params.InstitutionID != "":
		w.choose(s, params.InstitutionID, now)
	default:
		s.show(ScreenFinder, now)
	}
}

// lost shows the error that the link of the session was deleted.
func (s *Session) lost(now time.Time) {
	s.Hopeless = true
	end := linkDeleted()
	s.problem(end.Err, "", now)
}

// ChoosesBank reports whether the user chooses the institution.
func (s *Session) ChoosesBank() bool {
	return s.Params.InstitutionID == "" && s.Params.ExistingLinkID == ""
}

// Offers reports whether users of the session can choose the institution.
func (s *Session) Offers(in Institution) bool {
	settings := s.Params.Settings
	return settings == nil || len(settings.Countries) == 0 || slices.Contains(settings.Countries, in.Country)
}

// choose plays the choice of an institution.
func (w *World) choose(s *Session, id string, now time.Time) {
	in, ok := Lookup(id)
	switch {
	case id != "" && ok && (!s.ChoosesBank() || s.Offers(in)):
		w.goToBank(s, in, now)
	case s.ChoosesBank():
		s.Wrong = "unknown_institution"
	default:
		s.Hopeless, s.Impossible = true, true
		s.problem(mistake("unknown_institution", "there is no institution "+id).Err, "", now)
	}
}

// goToBank continues with an institution. If the user has linked it before, it refuses or warns, as
// the session's features require.
func (w *World) goToBank(s *Session, in Institution, now time.Time) {
	w.forgetBank(s)
	s.Institution = in
	if s.ChoosesBank() {
		s.happened(moneykit.ConnectEventSelectInstitution,
			map[string]any{"institution_id": in.ID, "institution_name": in.Name}, now)
	}
	features := s.Features()
	switch linked := w.isLinked(s.Params.CustomerUser.ID, in, now); {
	case linked && features.DuplicateInstitutionRejected:
		s.Hopeless = !s.ChoosesBank()
		s.fail("duplicate_institution", "the user has linked this institution before", "", now)
	case linked && features.DuplicateInstitutionWarning:
		s.goTo(ScreenDuplicate, now)
	default:
		w.ask(s, now)
	}
}

// forgetBank discards the inputs of the user at the previous institution. A return from its pages
// is no longer valid.
func (w *World) forgetBank(s *Session) {
	delete(w.Returns, s.Return)
	s.Forgotten = true
	s.Username, s.Device, s.Tries, s.Failure = "", "", 0, ""
}

// ask shows the permissions screen, unless an existing link has all requested products already.
func (w *World) ask(s *Session, now time.Time) {
	_, err := w.existing(s.Params.ExistingLinkID, now)
	switch relink := s.Params.ExistingLinkID != ""; {
	case relink && err != nil: // the link was deleted after Connect was opened
		s.lost(now)
	case relink && len(w.Asked(s)) == 0:
		w.signIn(s, now)
	default:
		s.goTo(ScreenPermissions, now)
	}
}

// Asked returns the requested products of the session, without those that an existing link already
// has.
func (w *World) Asked(s *Session) []moneykit.Product {
	var asked []moneykit.Product
	l := w.Links[s.Params.ExistingLinkID]
	for _, p := range AllProducts() {
		if requestable(s.products(), p) != nil && (l == nil || l.Products[p] == nil) {
			asked = append(asked, p)
		}
	}
	return asked
}

// Settings returns the session's settings of a requested product.
func (s *Session) Settings(p moneykit.Product) moneykit.ProductSettings {
	if settings := requestable(s.products(), p); settings != nil {
		return *settings
	}
	return moneykit.ProductSettings{}
}

// permit records which products the user permits, and continues with the sign-in.
func (w *World) permit(s *Session, permitted []moneykit.Product, now time.Time) {
	s.Declined = nil
	for _, p := range w.Asked(s) {
		if !slices.Contains(permitted, p) {
			s.Declined = append(s.Declined, p)
		}
	}
	s.happened(moneykit.ConnectEventSubmitPermissions, nil, now)
	w.signIn(s, now)
}

// submitAccounts shares the accounts with these ids.
func (w *World) submitAccounts(s *Session, ids []string, now time.Time) {
	chosen := slices.DeleteFunc(slices.Clone(s.Offered), func(a moneykit.Account) bool { return !slices.Contains(ids, a.ID) })
	if s.Features().PermitOnlyOneAccount {
		chosen = chosen[:min(len(chosen), 1)]
	}
	if len(chosen) == 0 && s.Draft != nil {
		s.Wrong = "no_accounts"
		return
	}
	s.happened(moneykit.ConnectEventSubmitAccounts, nil, now)
	w.finishVisit(s, chosen, now)
}

// Leave closes Connect and returns how it ended. After a success, it returns the success.
func (w *World) Leave(s *Session, now time.Time) Ending {
	switch {
	case s.Result != nil:
		return *s.Result
	case s.Over:
		return Ending{Err: s.Problem}
	}
	end := Ending{Err: s.Problem}
	reason := s.Reason
	if s.Wrong != "" {
		end = exit(s.Wrong, wrongText(s.Wrong))
		reason = moneykit.LinkErrorInvalidCredentials
	}
	if l, err := w.existing(s.Params.ExistingLinkID, now); err == nil && reason != "" {
		w.become(l, moneykit.LinkStateError, reason, now)
	}
	w.finish(s, end, now)
	return end
}

// Refuse shows why a return from the bank is not accepted. The user can go to the bank again.
func (s *Session) Refuse(end Ending, now time.Time) { s.problem(end.Err, "", now) }

// goTo shows the next screen. The user can go back from there.
func (s *Session) goTo(screen Screen, now time.Time) {
	if slices.Contains([]Screen{ScreenFinder, ScreenPermissions, ScreenReconnect, ScreenCredentials, ScreenDevice}, s.Screen) {
		s.Trail = append(s.Trail, s.Screen)
	}
	s.show(screen, now)
}

// show shows a screen.
func (s *Session) show(screen Screen, now time.Time) {
	s.Screen, s.Problem, s.Reason = screen, nil, ""
	s.Number++
	if screen == ScreenFinder {
		s.Institution = Institution{}
	}
	s.see(string(screen), now)
}

// fail shows an error screen.
func (s *Session) fail(id, text string, reason moneykit.LinkError, now time.Time) {
	s.problem(&moneykit.ConnectError{ID: "moneykittest." + id, DisplayedMessage: text}, reason, now)
}

func (s *Session) problem(err *moneykit.ConnectError, reason moneykit.LinkError, now time.Time) {
	s.tell(err, now)
	s.Trail = nil
	s.show(ScreenError, now)
	s.Problem, s.Reason = err, reason
}
