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
	Institution string                 // id of the chosen one, if the session does not name one
	Username    string                 // entered at the Credentials Bank; user_good if empty
	Accounts    []string               // types of the accounts to share, or of the new accounts of an existing link; empty means all
	NewAccounts []moneykit.Account     // accounts at the bank in addition to the made-up ones, or to those of the existing link
	Decline     []moneykit.Product     // products that the user does not permit; ignored for those that the session requires
	Provider    moneykit.Provider      // of the link from now on; unchanged if empty
	Failure     moneykit.LinkError     // why the bank denies access
	Exit        *moneykit.ConnectError // the error with which Connect ends; nil for none
	Leave       bool                   // the user closes Connect without an error
	Version     string                 // version of Connect on the platform; empty means the default
}

// Ending is the outcome of Connect.
type Ending struct {
	LinkID      string // "" for an exit
	Institution Institution
	Accounts    []moneykit.Account // shared by the user
	Token       string             // exchangeable token of a new link
	Err         *moneykit.ConnectError
	Mistake     bool // Err can only be the result of a mistake in the test
	Note        bool // Err may be intended by the test, or the result of a mistake
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
	return exit(string(reason), "the bank denies access: "+string(reason))
}

func linkDeleted() Ending { return exit("link_deleted", "the link has been deleted") }

func success(l *Link, token string) Ending {
	return Ending{LinkID: l.ID, Institution: l.Institution, Accounts: slices.Clone(l.Accounts), Token: token}
}

// Connect plays a user who goes through Connect with the token of a link session. After a success,
// a new link awaits the exchange of its token, and an existing link is connected. A session can be
// used once.
func (w *World) Connect(token string, play Play, now time.Time) Ending {
	session, end, ok := w.enter(token, now)
	if !ok {
		return end
	}
	end, ok = w.beginPlay(session, play, now)
	if ok {
		end, ok = w.check(session, play, now)
	}
	if !ok {
		w.finish(session, end, now)
		return end
	}
	if w.advance(session, play, now); session.Screen == ScreenOAuth {
		w.Act(session, Action{Name: "oauth"}, now)
		w.found(session, nil, now)
	}
	return w.conclude(session, play, now)
}

// enter opens Connect with the token of a session.
func (w *World) enter(token string, now time.Time) (*Session, Ending, bool) {
	session := w.Session(token)
	switch {
	case session == nil:
		return nil, mistake("unknown_session", "the link session token is unknown"), false
	case session.Used:
		return nil, UsedSession(), false
	case w.isOld(session.Created, now):
		return nil, noted("expired_session", "the link session token has expired"), false
	}
	session.open(now)
	return session, Ending{}, true
}

// goesOn reports whether the user continues. If not, it returns how Connect ends.
func (play *Play) goesOn() (Ending, bool) {
	switch {
	case play.Exit != nil:
		err := *play.Exit
		if err == (moneykit.ConnectError{}) {
			err.DisplayedMessage = "Something went wrong." // no platform reports an error without any text
		}
		return Ending{Err: &err}, false
	case play.Leave:
		return Ending{}, false
	}
	return Ending{}, true
}

// beginPlay plays Connect up to the choice of an institution.
func (w *World) beginPlay(s *Session, play Play, now time.Time) (Ending, bool) {
	s.Version, s.Provider, s.More = play.Version, play.Provider, play.NewAccounts
	w.arrive(s, now)
	if end, ok := play.goesOn(); !ok {
		return end, false
	}
	if s.Screen != ScreenFinder {
		return Ending{}, true
	}
	id := play.Institution
	if id == "" && play.Username != "" {
		id = CredentialsBank
	}
	in, ok := Lookup(id)
	if !ok {
		return mistake("unknown_institution", "there is no institution "+id), false
	}
	w.goToBank(s, in, now) // even if the session does not offer it
	return Ending{}, true
}

// check refuses a play that is not possible in the session.
func (w *World) check(s *Session, play Play, now time.Time) (Ending, bool) {
	if play.Failure == moneykit.LinkErrorUserOAuthDenied && s.Institution.ID != OAuthBank && s.Screen != ScreenError {
		return mistake("nothing_to_refuse", "the user cannot refuse on pages of a bank that has none"), false
	}
	l, err := w.existing(s.Params.ExistingLinkID, now)
	if err != nil {
		return Ending{}, true
	}
	all := append(slices.Clone(l.Accounts), play.NewAccounts...)
	if len(all) > 0 && len(play.shared(all)) == 0 {
		return play.noneOfThem(), false
	}
	return Ending{}, true
}

// advance plays the user until the pages of the bank, the choice of accounts, or the end of
// Connect.
func (w *World) advance(s *Session, play Play, now time.Time) {
	s.Failure = play.Failure
	for {
		act := Action{Username: cmp.Or(play.Username, userGood), Password: Password, Device: Devices()[0].ID, Code: Code, Answer: Answer}
		switch s.Screen {
		case ScreenDuplicate, ScreenReconnect:
			act.Name = "acknowledge"
		case ScreenPermissions:
			act.Name = "permissions"
			act.Permitted = slices.DeleteFunc(w.Asked(s), func(p moneykit.Product) bool { return slices.Contains(play.Decline, p) })
		case ScreenCredentials:
			act.Name = "credentials"
		case ScreenDevice:
			act.Name = "device"
		case ScreenCode:
			act.Name = "otp"
		case ScreenQuestion:
			act.Name = "mfa"
		case ScreenWaiting:
			act.Name = "poll"
		case ScreenFinder, ScreenOAuth, ScreenAccounts, ScreenSuccess, ScreenError:
			return
		}
		if w.Act(s, act, now); s.Wrong != "" {
			return
		}
	}
}

// conclude plays the choice of accounts, and ends Connect.
func (w *World) conclude(s *Session, play Play, now time.Time) Ending {
	if s.Screen == ScreenAccounts {
		chosen := play.shared(slices.Clone(s.Offered))
		if len(chosen) == 0 && s.Draft != nil {
			end := play.noneOfThem()
			w.finish(s, end, now)
			return end
		}
		var ids []string
		for _, a := range chosen {
			ids = append(ids, a.ID)
		}
		w.submitAccounts(s, ids, now)
	}
	end := w.Leave(s, now)
	end.Mistake = s.Impossible
	return end
}

// isLinked reports whether a user has a link at an institution.
func (w *World) isLinked(user string, in Institution, now time.Time) bool {
	return slices.ContainsFunc(w.LinksOf(user, now), func(l *Link) bool { return l.Institution.ID == in.ID && l.IsLinked() })
}

// IsLinked reports whether the user has connected the link. A link whose token was not exchanged
// does not count, because the user would have no way to delete it.
func (l *Link) IsLinked() bool {
	return l.State == moneykit.LinkStateConnected || l.State == moneykit.LinkStateError
}

// linkAnew adds the new link of a session to the world. The link awaits the exchange of its token.
func (w *World) linkAnew(s *Session, accounts []moneykit.Account, now time.Time) Ending {
	l := s.Draft
	l.Accounts, l.Created = accounts, now
	l.State, l.Provider = moneykit.LinkStateAwaitingTokenExchange, s.Provider
	l.Webhook, l.Tags = s.Params.Webhook, slices.Clone(s.Params.Tags)
	l.grant(s.products(), s.Declined, now)
	w.add(l)
	token := NewToken()
	w.Exchanges[token] = &Exchange{LinkID: l.ID, Created: now}
	w.exchange(token)
	w.issued(token, now)
	return success(l, token)
}

// relink connects the link of a session again, whatever its error was. The webhook and the tags are
// not set here: they were replaced when the session was created. Accounts keep their ids, even if
// the provider changes. What MoneyKit does in that case is not published.
func (w *World) relink(s *Session, l *Link, more []moneykit.Account, now time.Time) Ending {
	l.Accounts = append(slices.Clip(l.Accounts), more...)
	l.Provider = cmp.Or(s.Provider, l.Provider)
	if l.Portfolio != nil {
		for i := range more {
			if isKind(more[i].Type, "investment") {
				l.Portfolio.fill(w, &more[i], now)
			}
		}
	}
	w.become(l, moneykit.LinkStateConnected, "", now)
	had := l.Products[moneykit.ProductTransactions] != nil
	if l.grant(s.products(), s.Declined, now) && !had {
		w.announceFirst(l, now)
	}
	return success(l, "")
}

// discover returns the accounts of a link, followed by more accounts of the user.
func (w *World) discover(l *Link, more []moneykit.Account, now time.Time) ([]moneykit.Account, error) {
	accounts := slices.Clone(l.Accounts)
	for _, a := range more {
		if a.ID == "" {
			a.ID = "acc_" + w.nextID("account")
		}
		if slices.ContainsFunc(accounts, func(b moneykit.Account) bool { return a.ID == b.ID }) {
			return nil, fmt.Errorf("the link already has an account %q", a.ID)
		}
		if a.Balances.Currency == "" {
			a.Balances.Currency = l.Institution.Currency()
		}
		if a.Balances.Date.IsZero() {
			a.Balances.Date = Stamp(now)
		}
		accounts = append(accounts, a)
	}
	return accounts, nil
}

// permitted returns the accounts that a session allows the user to share.
func permitted(accounts []moneykit.Account, features moneykit.ConnectFeatures) []moneykit.Account {
	return slices.DeleteFunc(accounts, func(a moneykit.Account) bool {
		return features.PermitOnlyDepositoryAccounts && !isKind(a.Type, "depository")
	})
}

// shared returns the accounts that the user shares.
func (play *Play) shared(accounts []moneykit.Account) []moneykit.Account {
	return slices.DeleteFunc(accounts, func(a moneykit.Account) bool {
		return len(play.Accounts) > 0 && !slices.Contains(play.Accounts, a.Type)
	})
}

func (play *Play) noneOfThem() Ending {
	return mistake("no_accounts", "the user has none of the accounts "+strings.Join(play.Accounts, ", "))
}

// UsedSession returns how Connect ends for a session that was opened before.
func UsedSession() Ending {
	return mistake("used_session", "the link session token has been used before")
}
