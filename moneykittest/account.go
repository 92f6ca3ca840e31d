package moneykittest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
)

// getAccounts handles get_accounts.
func (c *core) getAccounts(q *call) reply {
	l, rep, ok := c.usable(q, moneykit.ProductAccounts)
	if !ok {
		return rep
	}
	return answer(http.StatusOK, struct {
		Accounts []moneykit.Account `json:"accounts"`
		Link     wireLink           `json:"link"`
	}{l.open(q.URL.Query()["account_ids"]), l.wire()})
}

// open returns the accounts that are wanted and not closed, all that are not if none is named.
func (l *link) open(wanted []string) []moneykit.Account {
	accounts := []moneykit.Account{}
	for _, a := range l.accounts {
		if !a.Closed && chosen(wanted, a.ID) {
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// random returns a source of numbers that depends on the seed and on what they are for.
func (c *core) random(purpose string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose))                     // it never fails
	return rand.New(rand.NewPCG(c.cfg.seed, h.Sum64())) //nolint:gosec // made-up data, no secrets
}

// nextID returns the random part of an id.
func (c *core) nextID(kind string) string {
	c.counts[kind]++
	return base62(c.random(fmt.Sprintf("%s %d", kind, c.counts[kind])))
}

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// base62 returns 22 letters and digits, as MoneyKit's ids have them.
func base62(r *rand.Rand) string {
	id := make([]byte, 22)
	for i := range id {
		id[i] = alphanumeric[r.IntN(len(alphanumeric))]
	}
	return string(id)
}

// seedAccounts returns the accounts that the user of a link has at any of the institutions.
func (c *core) seedAccounts(l *link, now time.Time) []moneykit.Account {
	r := c.random("accounts " + l.id)
	limit := 1000 * (1 + r.IntN(20))
	accounts := []moneykit.Account{
		{Type: "depository.checking", Name: "Everyday Checking", Balances: holds(r, 20, 5000)},
		{Type: "depository.savings", Name: "Rainy Day Savings", Balances: holds(r, 500, 40000)},
		{Type: "liability.credit_card", Name: "Rewards Card", Balances: owes(r, limit)},
		{Type: "investment", Name: "Brokerage", Balances: holds(r, 1000, 90000)},
	}
	for i := range accounts {
		a := &accounts[i]
		a.ID = "acc_" + base62(r)
		a.Mask = fmt.Sprintf("%04d", r.IntN(10000))
		a.Balances.Currency, a.Balances.Date = l.institution.currency(), stamp(now)
	}
	accounts[3].Balances.Available = nil // is not spent before it is sold
	return accounts
}

// customAccounts returns the accounts that a link session brings for user_custom.
func (c *core) customAccounts(l *link, data *moneykit.CustomSandboxData, now time.Time) []moneykit.Account {
	if data == nil {
		return nil
	}
	r := c.random("accounts " + l.id)
	l.custom = map[string]moneykit.CustomSandboxAccount{}
	if len(data.Owners) > 0 {
		l.customOwners = data.Owners
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
		a.Balances.Currency, a.Balances.Date = l.institution.currency(), stamp(now)
		l.custom[a.ID] = custom
		accounts = append(accounts, a)
	}
	return accounts
}

// nameAccounts gives an id to the accounts that have none.
func (c *core) nameAccounts(l *link) {
	r := c.random("accounts " + l.id)
	for i := range l.accounts {
		if l.accounts[i].ID == "" {
			l.accounts[i].ID = "acc_" + base62(r)
		}
	}
}

// holds returns balances between least and most dollars.
func holds(r *rand.Rand, least, most int) moneykit.Balances {
	current := least*100 + r.IntN((most-least)*100)
	held := r.IntN(2000) // card payments that are not booked yet
	return moneykit.Balances{Current: cents(current), Available: cents(current - held)}
}

// owes returns the balances of a credit card.
func owes(r *rand.Rand, limit int) moneykit.Balances {
	debt := r.IntN(limit * 100)
	return moneykit.Balances{Current: cents(debt), Available: cents(limit*100 - debt), Limit: cents(limit * 100)}
}

// cents returns an amount that is not negative.
func cents(n int) *moneykit.Decimal {
	d, err := moneykit.ParseDecimal(fmt.Sprintf("%d.%02d", n/100, n%100))
	if err != nil {
		return nil // cannot be
	}
	return &d
}
