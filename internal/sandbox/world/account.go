package world

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Open returns the accounts of a link that are not closed, limited to the ids in wanted. Empty
// means all. The list is never nil.
func (l *Link) Open(wanted []string) []moneykit.Account {
	accounts := []moneykit.Account{}
	for _, a := range l.Accounts {
		if !a.Closed && (len(wanted) == 0 || slices.Contains(wanted, a.ID)) {
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// AccountsIn returns the accounts of a link whose ids are in a set, in the link's order. The list
// is never nil.
func (l *Link) AccountsIn(ids map[string]bool) []moneykit.Account {
	accounts := []moneykit.Account{}
	for _, a := range l.Accounts {
		if ids[a.ID] {
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// Account returns the account with an id, or nil.
func (l *Link) Account(id string) *moneykit.Account {
	for i := range l.Accounts {
		if l.Accounts[i].ID == id {
			return &l.Accounts[i]
		}
	}
	return nil
}

// everyday returns the account for most payments, or nil if the link has no accounts.
func (l *Link) everyday() *moneykit.Account {
	return l.firstOf("depository.checking", "depository", "liability", "")
}

// firstOf returns the first open account of the first kind that the link has, or nil.
func (l *Link) firstOf(kinds ...string) *moneykit.Account {
	for _, kind := range kinds {
		for i := range l.Accounts {
			if a := &l.Accounts[i]; isKind(a.Type, kind) && !a.Closed {
				return a
			}
		}
	}
	return nil
}

// isKind reports whether an account type is root or a subtype of root. Every type is a subtype of
// "".
func isKind(kind, root string) bool {
	return root == "" || kind == root || strings.HasPrefix(kind, root+".")
}

// seedAccounts returns the accounts that the user of a link has at its institution. A second link
// of the user has the same accounts with other ids.
func (w *World) seedAccounts(l *Link, now time.Time) []moneykit.Account {
	ids, r := w.Random("accounts "+l.ID), w.Random("accounts of "+l.User+" at "+l.Institution.ID)
	limit := 1000 * (1 + r.IntN(20))
	accounts := []moneykit.Account{
		{Type: "depository.checking", Name: "Everyday Checking", Balances: holds(r, 20, 5000)},
		{Type: "depository.savings", Name: "Rainy Day Savings", Balances: holds(r, 500, 40000)},
		{Type: "liability.credit_card", Name: "Rewards Card", Balances: owes(r, limit)},
		{Type: "investment", Name: "Brokerage", Balances: holds(r, 1000, 90000)},
	}
	for i := range accounts {
		a := &accounts[i]
		a.ID = "acc_" + base62(ids)
		a.Mask = fmt.Sprintf("%04d", r.IntN(10000))
		a.Balances.Currency, a.Balances.Date = l.Institution.Currency(), Stamp(now)
	}
	accounts[3].Balances.Available = nil // securities must be sold before they can be spent
	return accounts
}

// customAccounts returns the accounts of user_custom, which are in the parameters of the link
// session.
func (w *World) customAccounts(l *Link, data *moneykit.CustomSandboxData, now time.Time) []moneykit.Account {
	if data == nil {
		return nil
	}
	r := w.Random("accounts " + l.ID)
	l.Custom = map[string]moneykit.CustomSandboxAccount{}
	if len(data.Owners) > 0 {
		l.CustomOwners = data.Owners
	}
	var accounts []moneykit.Account
	for _, custom := range data.Accounts {
		number := []rune(custom.AccountNumber)
		a := moneykit.Account{
			ID:       "acc_" + base62(r),
			Type:     custom.AccountType,
			Name:     custom.Name,
			Mask:     string(number[max(0, len(number)-4):]),
			Balances: holds(r, 20, 5000),
		}
		a.Balances.Currency, a.Balances.Date = l.Institution.Currency(), Stamp(now)
		l.Custom[a.ID] = custom
		accounts = append(accounts, a)
	}
	return accounts
}

// nameAccounts gives an id to the accounts that have none.
func (w *World) nameAccounts(l *Link) {
	r := w.Random("accounts " + l.ID)
	for i := range l.Accounts {
		if l.Accounts[i].ID == "" {
			l.Accounts[i].ID = "acc_" + base62(r)
		}
	}
}

// holds returns balances between least and most dollars.
func holds(r *rand.Rand, least, most int) moneykit.Balances {
	current := least*100 + r.IntN((most-least)*100)
	held := r.IntN(2000) // card payments that are not posted yet
	return moneykit.Balances{Current: cents(current), Available: cents(current - held)}
}

// owes returns the balances of a credit card.
func owes(r *rand.Rand, limit int) moneykit.Balances {
	debt := r.IntN(limit * 100)
	return moneykit.Balances{Current: cents(debt), Available: cents(limit*100 - debt), Limit: cents(limit * 100)}
}

// cents returns n cents as a decimal amount. n must not be negative.
func cents(n int) *moneykit.Decimal {
	d, err := moneykit.ParseDecimal(fmt.Sprintf("%d.%02d", n/100, n%100))
	if err != nil {
		return nil // cannot happen
	}
	return &d
}
