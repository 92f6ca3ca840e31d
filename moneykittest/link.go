package moneykittest

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go"
)

// retention is how long a deleted link can be read.
const retention = 90 * 24 * time.Hour

// link is a link.
type link struct {
	id          string
	user        string
	institution institution
	state       moneykit.LinkState
	reason      moneykit.LinkError // in state error
	webhook     string
	tags        []string
	products    map[moneykit.Product]*product
	accounts    []moneykit.Account
	created     time.Time
	deleted     time.Time
	number      int     // links are listed in the order in which they were made
	ledger      *ledger // nil until somebody asks for it
	portfolio   *portfolio
	moves       int // of the balances
	jobs        []job
	asked       map[moneykit.Product]time.Time // when the last refreshes were
	imported    bool
	provider    moneykit.Provider // MoneyKit itself if empty
	// custom and customOwners are from the link session.
	custom       map[string]moneykit.CustomSandboxAccount // by the account's id
	customOwners []moneykit.Owner
}

// product is one that a link has.
type product struct {
	settings  *moneykit.ProductSettings // nil for those that cannot be asked for
	refreshed time.Time                 // zero if there is no data yet
	attempted time.Time                 // zero if it was at refreshed
	failure   moneykit.ProductError     // of the last attempt
}

// LinkSpec describes a link for [Server.AddLink]. The zero value is a connected link of the user
// user_0001 at the Instant Bank, with all products and their data.
type LinkSpec struct {
	UserID string
	// InstitutionID is one of this package's constants, or another of
	// [moneykit.InstitutionsService.All]. It decides about the country.
	InstitutionID string
	// State is connected if empty, or error if there is an Error.
	State moneykit.LinkState
	// Error is why a link is in state error, auth_expired if empty.
	Error   moneykit.LinkError
	Webhook string
	Tags    []string
	// Products are those that the link has, all if nil. It always has accounts.
	Products []moneykit.Product
	// NotPermitted are those that the user has refused, accounts too.
	NotPermitted []moneykit.Product
	// Accounts are those that the user has shared, made-up ones if nil. Ids may be left empty.
	Accounts []moneykit.Account
}

// AddLink makes a link, in any state, without a link session and Connect, and returns it as
// [moneykit.LinksService.Get] would. An institution that does not exist is reported to the test;
// the link is then at the Instant Bank.
func (s *Server) AddLink(spec LinkSpec) moneykit.Link {
	in, ok := s.core().institution(spec.InstitutionID)
	if !ok {
		s.core().errorf("AddLink: there is no institution %q", spec.InstitutionID)
	}
	link, err := s.core().addLink(spec, in)
	if err != nil {
		s.core().errorf("AddLink: %v", err)
	}
	return link
}

func (c *core) addLink(spec LinkSpec, in institution) (moneykit.Link, error) {
	now := c.lock()
	defer c.mu.Unlock()
	l := c.newLink(cmp.Or(spec.UserID, "user_0001"), in, now)
	l.state, l.reason = spec.state()
	if l.state == moneykit.LinkStateDeleted {
		l.deleted = now
	}
	l.webhook, l.tags = spec.Webhook, slices.Clone(spec.Tags)
	for _, p := range allProducts() {
		granted := spec.Products == nil || p == moneykit.ProductAccounts || slices.Contains(spec.Products, p)
		if granted && !slices.Contains(spec.NotPermitted, p) {
			l.products[p] = &product{settings: requestable(appProducts(), p), refreshed: now}
		}
	}
	if spec.Accounts == nil {
		l.accounts = c.seedAccounts(l, now)
	} else {
		l.accounts = slices.Clone(spec.Accounts)
		c.nameAccounts(l)
	}
	return l.public()
}

// state returns the state that is asked for, with the reason that belongs to it.
func (spec *LinkSpec) state() (moneykit.LinkState, moneykit.LinkError) {
	switch {
	case spec.State == moneykit.LinkStateError || (spec.State == "" && spec.Error != ""):
		return moneykit.LinkStateError, cmp.Or(spec.Error, moneykit.LinkErrorAuthExpired)
	case spec.State == "":
		return moneykit.LinkStateConnected, ""
	}
	return spec.State, ""
}

// Break puts a link into state error with reason, as when the user has changed the password
// (auth_expired) or the bank is down (institution_error). An empty reason connects it again. A
// link that does not exist or is deleted is reported to the test. The link's webhook is told what
// changes; see [Server.Deliver].
func (s *Server) Break(linkID string, reason moneykit.LinkError) {
	if !s.core().breakLink(linkID, reason) {
		s.core().errorf("Break: there is no link %s", linkID)
	}
}

func (c *core) breakLink(linkID string, reason moneykit.LinkError) bool {
	now := c.lock()
	defer c.mu.Unlock()
	l := c.find(linkID, now)
	if l == nil || l.state == moneykit.LinkStateDeleted {
		return false
	}
	state := moneykit.LinkStateError
	if reason == "" {
		state = moneykit.LinkStateConnected
	}
	c.become(l, state, reason, now)
	return true
}

// newLink returns a link in state connecting, which the server knows from then on.
func (c *core) newLink(user string, in institution, now time.Time) *link {
	l := &link{
		id:          "mk_" + c.nextID("link"),
		user:        user,
		institution: in,
		created:     now,
		state:       moneykit.LinkStateConnecting,
		products:    map[moneykit.Product]*product{},
	}
	l.number = c.counts["link"]
	c.links[l.id] = l
	c.byUser[user] = append(c.byUser[user], l)
	return l
}

// find returns a link, nil if there is none, or none any more.
func (c *core) find(id string, now time.Time) *link {
	l := c.links[id]
	if l == nil || (!l.deleted.IsZero() && now.Sub(l.deleted) >= retention) {
		return nil
	}
	c.work(l, now)
	return l
}

// usable returns the link of a request for a product's data, or the answer to send instead.
func (c *core) usable(q *call, p moneykit.Product) (*link, reply, bool) {
	l := c.find(q.PathValue("id"), q.now)
	if l == nil {
		return nil, noSuchLink(), false
	}
	switch l.state {
	case moneykit.LinkStateDeleted:
		return nil, deletedLink(), false
	case moneykit.LinkStateConnected:
	case moneykit.LinkStateError:
		return nil, badState(l.reason), false
	default: // connecting, awaiting_token_exchange, or one that AddLink made up
		return nil, badState(moneykit.LinkErrorIncomplete), false
	}
	if l.products[p] == nil {
		return nil, refuse(moneykit.ErrorCodeLinkForbiddenAction, "the user has not permitted %s", p), false
	}
	return l, reply{}, true
}

func noSuchLink() reply {
	return refuse(moneykit.ErrorCodeLinkNotFound, "there is no such link")
}

func deletedLink() reply {
	return refuse(moneykit.ErrorCodeLinkDeleted, "the link has been deleted")
}

// getLink handles get_link. MoneyKit's documentation has both 200 and 410 for deleted links; this
// is the one that it describes in words.
func (c *core) getLink(q *call) reply {
	l := c.find(q.PathValue("id"), q.now)
	if l == nil {
		return noSuchLink()
	}
	return answer(http.StatusOK, l.wire())
}

// deleteLink handles delete_link.
func (c *core) deleteLink(q *call) reply {
	l, rep, ok := c.existing(q)
	if !ok {
		return rep
	}
	l.deleted = q.now
	c.become(l, moneykit.LinkStateDeleted, "", q.now)
	return answer(http.StatusNoContent, nil)
}
