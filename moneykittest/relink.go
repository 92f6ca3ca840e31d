package moneykittest

import (
	"fmt"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

func linkDeleted() ending { return exit("link_deleted", "the link has been deleted") }

// relink connects the link of a session again, whatever was wrong with it. The webhook and the tags
// were replaced when the session was made, however Connect ends. Accounts keep their ids, also with
// another provider: what MoneyKit does then is not published.
func (c *core) relink(session *session, play Play, now time.Time) ending {
	l := c.find(session.params.ExistingLinkID, now)
	if l == nil || l.state == moneykit.LinkStateDeleted { // while the user was at the bank
		return linkDeleted()
	}
	if play.Failure != "" {
		c.become(l, moneykit.LinkStateError, play.Failure, now)
		return refused(play.Failure)
	}
	before := l.accounts
	if end, ok := c.discover(l, play, now); !ok {
		return end
	}
	if end, ok := l.shareMore(len(before), session.features(), play); !ok {
		l.accounts = before
		return end
	}
	if len(play.NewAccounts) > 0 {
		session.see("Accounts", now)
		session.happened(moneykit.ConnectEventSubmitAccounts, nil, now)
	}
	if play.Provider != "" {
		l.provider = play.Provider
	}
	if l.portfolio != nil {
		for i := range l.accounts[len(before):] {
			if a := &l.accounts[len(before)+i]; isKind(a.Type, "investment") {
				l.portfolio.fill(c, a, now)
			}
		}
	}
	c.become(l, moneykit.LinkStateConnected, "", now)
	if c.grant(l, session, play, now) {
		session.happened(moneykit.ConnectEventSubmitPermissions, nil, now)
	}
	return ending{link: l, accounts: slices.Clone(l.accounts)}
}

// shareMore leaves a link that had n accounts only those new ones that the user shares. What the
// user permitted before cannot be withdrawn in Connect.
func (l *link) shareMore(n int, features moneykit.ConnectFeatures, play Play) (ending, bool) {
	if len(l.accounts) > 0 && len(play.shared(slices.Clone(l.accounts))) == 0 {
		return play.noneOfThem(), false
	}
	more := play.shared(permitted(slices.Clone(l.accounts[n:]), features))
	if features.PermitOnlyOneAccount {
		more = more[:min(len(more), max(0, 1-n))]
	}
	l.accounts = append(l.accounts[:n:n], more...)
	return ending{}, true
}

// discover adds to a link the accounts that a play says the user has besides.
func (c *core) discover(l *link, play Play, now time.Time) (ending, bool) {
	accounts := slices.Clone(l.accounts)
	for _, a := range play.NewAccounts {
		if a.ID == "" {
			a.ID = "acc_" + c.nextID("account")
		}
		if slices.ContainsFunc(accounts, func(b moneykit.Account) bool { return a.ID == b.ID }) {
			return mistake("taken_account", fmt.Sprintf("the link already has an account %q", a.ID)), false
		}
		if a.Balances.Currency == "" {
			a.Balances.Currency = l.institution.currency()
		}
		if a.Balances.Date.IsZero() {
			a.Balances.Date = stamp(now)
		}
		accounts = append(accounts, a)
	}
	l.accounts = accounts
	return ending{}, true
}
