package world

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Play is what a user does in Connect. The zero value links all accounts at the institution of
// the link session, or at the Instant Bank if it names none.
type Play struct {
	Institution string                 // chosen, if the session leaves the choice
	Username    string                 // at the Credentials Bank; user_good if empty
	Accounts    []string               // types of the accounts to share, of an existing link the new ones; all if empty
	NewAccounts []moneykit.Account     // besides those that are made up, or that the existing link has
	Decline     []moneykit.Product     // not permitted, unless the session requires them
	Provider    moneykit.Provider      // from now on; unchanged if empty
	Failure     moneykit.LinkError     // why the bank does not let the user in
	Exit        *moneykit.ConnectError // ends Connect with an error
	Leave       bool                   // ends Connect without one
	Version     string                 // of Connect on the platform; the newest if empty
}

// Ending is how Connect ends.
type Ending struct {
	LinkID      string // "" for an exit
	Institution Institution
	Accounts    []moneykit.Account // shared by the user
	Token       string             // exchangeable, of a new link
	Err         *moneykit.ConnectError
	Mistake     bool // that a test must have made
	Note        bool // that a test may want, and may wonder about if it does not
}

func exit(id, message string) Ending {
	return Ending{Err: &moneykit.ConnectError{ID: "moneykittest." + id, DisplayedMessage: message}}
}

func mistake(id, message string) Ending {
	end := exit(id, message)
	end.Mistake = true
	return end
}

func noted(id, message string) Ending {
	end := exit(id, message)
	end.Note = true
	return end
}

func refused(reason moneykit.LinkError) Ending {
	return exit(string(reason), "the bank does not let the user in: "+string(reason))
}

func linkDeleted() Ending { return exit("link_deleted", "the link has been deleted") }

func success(l *Link, token string) Ending {
	return Ending{LinkID: l.ID, Institution: l.Institution, Accounts: slices.Clone(l.Accounts), Token: token}
}

// Connect plays the user who goes through Connect with the token of a link session. After a success
// on a new link, the link awaits the exchange of its token; a link session for an existing link has
// connected it. A session is good once.
func (w *World) Connect(token string, play Play, now time.Time) Ending {
	session, end, ok := w.enter(token, now)
	if !ok {
		return end
	}
	session.Version = play.Version
	if end, ok = w.reach(session, play, now); ok {
		end = w.conclude(session, play, now)
	}
	w.finish(session, end, now)
	return end
}

// enter opens Connect with the token of a session.
func (w *World) enter(token string, now time.Time) (*Session, Ending, bool) {
	session := w.Sessions[token]
	switch {
	case session == nil:
		return nil, mistake("unknown_session", "the link session token is unknown"), false
	case session.Used:
		return nil, mistake("used_session", "the link session token has been used before"), false
	case w.isOld(session.Created, now):
		return nil, noted("expired_session", "the link session token has expired"), false
	}
	session.open(now)
	return session, Ending{}, true
}

// goesOn reports whether the user goes on, and else how Connect ends.
func (play *Play) goesOn() (Ending, bool) {
	switch {
	case play.Exit != nil:
		err := *play.Exit
		if err == (moneykit.ConnectError{}) {
			err.DisplayedMessage = "Something went wrong." // no platform has an error without anything
		}
		return Ending{Err: &err}, false
	case play.Leave:
		return Ending{}, false
	}
	return Ending{}, true
}

// reach plays Connect up to the bank's response: the choice of a bank, and how the user signs in.
func (w *World) reach(session *Session, play Play, now time.Time) (Ending, bool) {
	if session.Params.ExistingLinkID == "" && session.Params.InstitutionID == "" {
		session.see("Finder", now)
	}
	if end, ok := play.goesOn(); !ok {
		return end, false
	}
	if end, ok := w.choose(session, play, now); !ok {
		return end, false
	}
	switch session.Institution.ID {
	case CredentialsBank:
		session.happened(moneykit.ConnectEventSubmitCredentials, nil, now)
		switch play.Username {
		case "", userGood, userCustom:
		default:
			return exit("invalid_credentials", "the bank refuses the user name"), false
		}
	case OAuthBank:
		session.happened(moneykit.ConnectEventOpenOAuth, nil, now)
	}
	return Ending{}, true
}

// The users of the Credentials Bank.
const (
	userGood   = "user_good"
	userCustom = "user_custom"
)

// choose finds the bank that Connect goes to.
func (w *World) choose(session *Session, play Play, now time.Time) (Ending, bool) {
	params := &session.Params
	if params.ExistingLinkID != "" {
		l, err := w.existing(params.ExistingLinkID, now)
		if err != nil {
			return linkDeleted(), false
		}
		session.Institution = l.Institution
		return Ending{}, true
	}
	id := cmp.Or(params.InstitutionID, play.Institution)
	if id == "" && play.Username != "" {
		id = CredentialsBank
	}
	in, ok := Lookup(id)
	if !ok {
		return mistake("unknown_institution", "there is no institution "+id), false
	}
	session.Institution = in
	if params.InstitutionID == "" {
		session.happened(moneykit.ConnectEventSelectInstitution,
			map[string]any{"institution_id": in.ID, "institution_name": in.Name}, now)
	}
	features := session.features()
	if (features.DuplicateInstitutionRejected || features.DuplicateInstitutionWarning) && w.isLinked(params.CustomerUser.ID, in, now) {
		if features.DuplicateInstitutionRejected {
			return exit("duplicate_institution", "the user has linked this institution before"), false
		}
		session.see(duplicateScreen, now)
	}
	return Ending{}, true
}

// duplicateScreen is the screen of a warning. MoneyKit's name for it is not published.
const duplicateScreen = "Duplicate Institution"

// isLinked reports whether a user has a link at an institution. One whose token nobody exchanged
// does not count, because the user could never get rid of it.
func (w *World) isLinked(user string, in Institution, now time.Time) bool {
	return slices.ContainsFunc(w.LinksOf(user, now), func(l *Link) bool {
		return l.Institution.ID == in.ID && (l.State == moneykit.LinkStateConnected || l.State == moneykit.LinkStateError)
	})
}

// conclude plays what comes after the bank's response.
func (w *World) conclude(session *Session, play Play, now time.Time) Ending {
	if play.Failure == moneykit.LinkErrorUserOAuthDenied && session.Institution.ID != OAuthBank {
		return mistake("nothing_to_refuse", "the user cannot refuse on pages of a bank that has none")
	}
	play.Failure = cmp.Or(session.Failure, play.Failure)
	if session.Params.ExistingLinkID != "" {
		return w.relink(session, play, now)
	}
	return w.linkAnew(session, play, now)
}

func (w *World) linkAnew(session *Session, play Play, now time.Time) Ending {
	if play.Failure != "" {
		return refused(play.Failure)
	}
	params := &session.Params
	in := session.Institution
	l := w.newLink(params.CustomerUser.ID, in, now)
	if in.ID == CredentialsBank && play.Username == userCustom {
		l.Accounts = w.customAccounts(l, params.CustomSandboxData, now)
	} else {
		l.Accounts = w.seedAccounts(l, now)
	}
	if end, ok := w.discover(l, play, now); !ok {
		return end
	}
	if end, ok := l.share(session.features(), play); !ok {
		return end
	}
	session.see("Accounts", now)
	session.happened(moneykit.ConnectEventSubmitAccounts, nil, now)
	session.happened(moneykit.ConnectEventSubmitPermissions, nil, now)
	l.State, l.Provider = moneykit.LinkStateAwaitingTokenExchange, play.Provider
	l.Webhook, l.Tags = params.Webhook, slices.Clone(params.Tags)
	l.grant(session.products(), play.Decline, now)
	w.add(l)
	token := NewToken()
	w.Exchanges[token] = &Exchange{LinkID: l.ID, Created: now}
	w.issued(token, now)
	return success(l, token)
}

// relink connects the link of a session again, whatever was wrong with it. The webhook and the tags
// were replaced when the session was made, however Connect ends. Accounts keep their ids, also with
// another provider: what MoneyKit does then is not published.
func (w *World) relink(session *Session, play Play, now time.Time) Ending {
	l, err := w.existing(session.Params.ExistingLinkID, now)
	if err != nil { // it was deleted while the user was at the bank
		return linkDeleted()
	}
	if play.Failure != "" {
		w.become(l, moneykit.LinkStateError, play.Failure, now)
		return refused(play.Failure)
	}
	before := l.Accounts
	if end, ok := w.discover(l, play, now); !ok {
		return end
	}
	if end, ok := l.shareMore(len(before), session.features(), play); !ok {
		l.Accounts = before
		return end
	}
	if len(play.NewAccounts) > 0 {
		session.see("Accounts", now)
		session.happened(moneykit.ConnectEventSubmitAccounts, nil, now)
	}
	if play.Provider != "" {
		l.Provider = play.Provider
	}
	if l.Portfolio != nil {
		for i := range l.Accounts[len(before):] {
			if a := &l.Accounts[len(before)+i]; isKind(a.Type, "investment") {
				l.Portfolio.fill(w, a, now)
			}
		}
	}
	w.become(l, moneykit.LinkStateConnected, "", now)
	had := l.Products[moneykit.ProductTransactions] != nil
	if l.grant(session.products(), play.Decline, now) {
		if !had {
			w.announceFirst(l, now)
		}
		session.happened(moneykit.ConnectEventSubmitPermissions, nil, now)
	}
	return success(l, "")
}

// discover adds to a link the accounts that a play says the user has besides.
func (w *World) discover(l *Link, play Play, now time.Time) (Ending, bool) {
	accounts := slices.Clone(l.Accounts)
	for _, a := range play.NewAccounts {
		if a.ID == "" {
			a.ID = "acc_" + w.nextID("account")
		}
		if slices.ContainsFunc(accounts, func(b moneykit.Account) bool { return a.ID == b.ID }) {
			return mistake("taken_account", fmt.Sprintf("the link already has an account %q", a.ID)), false
		}
		if a.Balances.Currency == "" {
			a.Balances.Currency = l.Institution.Currency()
		}
		if a.Balances.Date.IsZero() {
			a.Balances.Date = Stamp(now)
		}
		accounts = append(accounts, a)
	}
	l.Accounts = accounts
	return Ending{}, true
}

// share leaves a new link only those accounts that the user shares.
func (l *Link) share(features moneykit.ConnectFeatures, play Play) (Ending, bool) {
	l.Accounts = permitted(l.Accounts, features)
	if len(l.Accounts) == 0 {
		return exit("no_accounts", "the user has no accounts to share"), false
	}
	l.Accounts = play.shared(l.Accounts)
	if len(l.Accounts) == 0 {
		return play.noneOfThem(), false
	}
	if features.PermitOnlyOneAccount {
		l.Accounts = l.Accounts[:1]
	}
	return Ending{}, true
}

// shareMore leaves a link that had n accounts only those new ones that the user shares. What the
// user permitted before cannot be withdrawn in Connect.
func (l *Link) shareMore(n int, features moneykit.ConnectFeatures, play Play) (Ending, bool) {
	if len(l.Accounts) > 0 && len(play.shared(slices.Clone(l.Accounts))) == 0 {
		return play.noneOfThem(), false
	}
	more := play.shared(permitted(slices.Clone(l.Accounts[n:]), features))
	if features.PermitOnlyOneAccount {
		more = more[:min(len(more), max(0, 1-n))]
	}
	l.Accounts = append(l.Accounts[:n:n], more...)
	return Ending{}, true
}

// permitted keeps the accounts that a session lets the user share.
func permitted(accounts []moneykit.Account, features moneykit.ConnectFeatures) []moneykit.Account {
	return slices.DeleteFunc(accounts, func(a moneykit.Account) bool {
		return features.PermitOnlyDepositoryAccounts && !isKind(a.Type, "depository")
	})
}

// shared keeps the accounts that the user shares.
func (play *Play) shared(accounts []moneykit.Account) []moneykit.Account {
	return slices.DeleteFunc(accounts, func(a moneykit.Account) bool {
		return len(play.Accounts) > 0 && !slices.Contains(play.Accounts, a.Type)
	})
}

func (play *Play) noneOfThem() Ending {
	return mistake("no_accounts", "the user has none of the accounts "+strings.Join(play.Accounts, ", "))
}
