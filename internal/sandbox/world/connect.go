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

// check refuses a play that cannot be played.
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

// advance plays the user up to the pages of the bank, the choice of accounts, or the end.
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

// IsLinked reports whether the user has connected the link. One whose token nobody exchanged does
// not count, because the user could never get rid of it.
func (l *Link) IsLinked() bool {
	return l.State == moneykit.LinkStateConnected || l.State == moneykit.LinkStateError
}

// linkAnew adds the new link of a session to the world. It awaits the exchange of its token.
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

// relink connects the link of a session again, whatever was wrong with it. The webhook and the tags
// were replaced when the session was made, however Connect ends. Accounts keep their ids, also with
// another provider: what MoneyKit does then is not published.
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

// discover returns the accounts of a link with others that the user has besides.
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

// UsedSession is how Connect ends with a session that was opened before.
func UsedSession() Ending {
	return mistake("used_session", "the link session token has been used before")
}
