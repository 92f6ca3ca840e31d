package world

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// retention is how long a link can be read after its deletion.
const retention = 90 * 24 * time.Hour

// Link is the connection of a user to an institution.
type Link struct {
	ID          string
	Number      int // position in lists of links, from 1
	User        string
	Institution Institution
	State       moneykit.LinkState
	Reason      moneykit.LinkError // why the link is in state error
	Webhook     string
	Tags        []string
	Products    map[moneykit.Product]*Product
	Accounts    []moneykit.Account
	Created     time.Time
	Deleted     time.Time         // zero if it is not deleted
	Ledger      *Ledger           // nil before the first use
	Portfolio   *Portfolio        // nil before the first use
	Moves       int               // number of refreshes that moved the balances
	Jobs        []Job             // the next one first
	Imported    bool              // whether import_link created it
	Provider    moneykit.Provider // MoneyKit itself if empty
	// Custom and CustomOwners are from the link session.
	Custom       map[string]moneykit.CustomSandboxAccount // by account id
	CustomOwners []moneykit.Owner
}

// LinkSpec describes a link for [World.AddLink]. The zero value is a connected link of the user
// user_0001 at the Instant Bank, with all products and their data.
type LinkSpec struct {
	UserID        string
	InstitutionID string
	State         moneykit.LinkState // if empty: error if Error is set, else connected
	Error         moneykit.LinkError // in state error: auth_expired if empty
	Webhook       string
	Tags          []string
	Products      []moneykit.Product // nil means all; accounts is always included
	NotPermitted  []moneykit.Product // products that the user refused; may include accounts
	Accounts      []moneykit.Account // nil means made-up accounts; an empty id gets a value
}

// AddLink adds a link without a link session and Connect. If the institution does not exist, the
// link is at the Instant Bank and AddLink returns false.
func (w *World) AddLink(spec LinkSpec, now time.Time) (*Link, bool) {
	in, ok := Lookup(spec.InstitutionID)
	l := w.newLink(cmp.Or(spec.UserID, "user_0001"), in, now)
	l.State, l.Reason = spec.state()
	if l.State == moneykit.LinkStateDeleted {
		l.Deleted = now
	}
	l.Webhook, l.Tags = spec.Webhook, slices.Clone(spec.Tags)
	for _, p := range AllProducts() {
		granted := spec.Products == nil || p == moneykit.ProductAccounts || slices.Contains(spec.Products, p)
		if granted && !slices.Contains(spec.NotPermitted, p) {
			l.Products[p] = &Product{Settings: requestable(appProducts(), p), Refreshed: now}
		}
	}
	if spec.Accounts == nil {
		l.Accounts = w.seedAccounts(l, now)
	} else {
		l.Accounts = slices.Clone(spec.Accounts)
		w.nameAccounts(l)
	}
	w.add(l)
	return l, ok
}

// state returns the state of the new link, and the reason if the state is error.
func (spec *LinkSpec) state() (moneykit.LinkState, moneykit.LinkError) {
	switch {
	case spec.State == moneykit.LinkStateError || (spec.State == "" && spec.Error != ""):
		return moneykit.LinkStateError, cmp.Or(spec.Error, moneykit.LinkErrorAuthExpired)
	case spec.State == "":
		return moneykit.LinkStateConnected, ""
	}
	return spec.State, ""
}

// newLink returns a link in state connecting. [World.add] adds it to the world.
func (w *World) newLink(user string, in Institution, now time.Time) *Link {
	l := &Link{
		ID:          "mk_" + w.nextID("link"),
		User:        user,
		Institution: in,
		Created:     now,
		State:       moneykit.LinkStateConnecting,
		Products:    map[moneykit.Product]*Product{},
	}
	return l
}

func (w *World) add(l *Link) {
	w.Counts["added"]++
	l.Number = w.Counts["added"] // users may finish Connect in another order than they began it
	w.Links[l.ID] = l
	w.Touch(l)
	w.Order = append(w.Order, l.ID)
	w.ByUser[l.User] = append(w.ByUser[l.User], l.ID)
}

// Find returns the link with an id, or nil if it does not exist or was deleted too long ago. It
// first runs the due jobs of the link.
func (w *World) Find(id string, now time.Time) *Link {
	l := w.Links[id]
	if l == nil || (!l.Deleted.IsZero() && now.Sub(l.Deleted) >= retention) {
		return nil
	}
	w.work(l, now)
	return l
}

// existing returns a link that is not deleted.
func (w *World) existing(id string, now time.Time) (*Link, error) {
	l := w.Find(id, now)
	if l == nil || l.State == moneykit.LinkStateDeleted {
		return nil, fmt.Errorf("there is no link %s", id)
	}
	w.Touch(l)
	return l, nil
}

// LinksOf returns the links of a user that are not deleted, in the order in which they were made.
func (w *World) LinksOf(user string, now time.Time) []*Link {
	return slices.Collect(w.live(w.ByUser[user], now))
}

// AllLinks returns the links that are not deleted, in the order in which they were made.
func (w *World) AllLinks(now time.Time) []*Link { return slices.Collect(w.LinksAfter(0, now)) }

// LinksAfter yields the links that are not deleted and have a larger number, in the order in which
// they were made.
func (w *World) LinksAfter(number int, now time.Time) iter.Seq[*Link] {
	return w.live(w.Order[max(0, min(number, len(w.Order))):], now) // the first link has the number 1
}

func (w *World) live(ids []string, now time.Time) iter.Seq[*Link] {
	return func(yield func(*Link) bool) {
		for _, id := range ids {
			if l := w.Find(id, now); l != nil && l.State != moneykit.LinkStateDeleted && !yield(l) {
				return
			}
		}
	}
}

// Break puts a link into state error with a reason. An empty reason connects the link again.
func (w *World) Break(id string, reason moneykit.LinkError, now time.Time) error {
	l, err := w.existing(id, now)
	if err != nil {
		return err
	}
	state := moneykit.LinkStateError
	if reason == "" {
		state = moneykit.LinkStateConnected
	}
	w.become(l, state, reason, now)
	return nil
}

// Reset puts a link into state error, so that the user must sign in at the bank again. It also
// replaces the reason of a link that is in state error already.
func (w *World) Reset(l *Link, now time.Time) {
	w.become(l, moneykit.LinkStateError, moneykit.LinkErrorAuthExpired, now)
}

// Delete deletes a link.
func (w *World) Delete(l *Link, now time.Time) {
	l.Deleted = now
	w.become(l, moneykit.LinkStateDeleted, "", now)
}

// HasData reports whether any product of the link was ever fetched.
func (l *Link) HasData() bool {
	for _, p := range l.Products {
		if !p.Refreshed.IsZero() {
			return true
		}
	}
	return false
}

// Readable reports whether a product of the link can be read now.
func (l *Link) Readable(p moneykit.Product) bool {
	return l.State == moneykit.LinkStateConnected && l.Products[p] != nil
}
