package moneykittest

import (
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Play is what a user does in Connect. The zero value links all accounts at the institution of
// the link session, or at the Instant Bank if it names none.
type Play struct {
	// Institution is chosen, if the link session leaves the choice: one of this package's
	// constants, or another of [moneykit.InstitutionsService.All].
	Institution string
	// Username signs in at the Credentials Bank, which is chosen if there is a Username and no
	// Institution. It is user_good if empty. With user_custom the accounts are those of the link
	// session's CustomSandboxData. All others are refused.
	Username string
	// Accounts are the types of the accounts that the user shares, such as
	// "depository.checking"; all if empty.
	Accounts []string
	// Decline are the products that the user does not permit. Those that the session requires
	// cannot be declined.
	Decline []moneykit.Product
	// Exit ends Connect with an error.
	Exit *moneykit.ConnectError
	// Leave ends Connect without one: the user closes it.
	Leave bool
}

// Connect plays the user who goes through Connect with the token of a link session, on the
// platform of source, and returns what the front end would post: the payload of the success or
// exit callback, which [moneykit.ParseConnectResult] reads. After a success on a new link, the
// link awaits the exchange of its token; a link session for an existing link has connected it. An
// exit leaves nothing behind.
//
// A session is good once. With a token that is unknown, used or expired Connect ends with an
// error; so it does with a user name that the bank refuses and without any account to share. The
// ids of these errors begin with "moneykittest.", because MoneyKit's are not published. What can
// only be a mistake is also reported to the test: a token that is unknown or used, an institution
// that does not exist, accounts that the user does not have, an unknown source.
func (s *Server) Connect(linkSessionToken string, source moneykit.ConnectSource, play Play) []byte {
	c := s.core()
	now := c.lock()
	end := c.play(linkSessionToken, play, now)
	c.mu.Unlock()
	if end.mistake {
		c.errorf("Connect: %s", end.err.DisplayedMessage)
	} else if end.note {
		c.logf("Connect: %s", end.err.DisplayedMessage)
	}
	payload, ok := end.payload(source)
	if !ok {
		c.errorf("Connect: there is no source %q", source)
	}
	return payload
}

// ending is how Connect ends.
type ending struct {
	link     *link // nil for an exit
	accounts []moneykit.Account
	token    string // of a new link
	err      *moneykit.ConnectError
	mistake  bool // the test's
	note     bool
}

func exit(id, message string) ending {
	return ending{err: &moneykit.ConnectError{ID: "moneykittest." + id, DisplayedMessage: message}}
}

func mistake(id, message string) ending {
	end := exit(id, message)
	end.mistake = true
	return end
}

func (c *core) play(token string, play Play, now time.Time) ending {
	session := c.sessions[token]
	switch {
	case session == nil:
		return mistake("unknown_session", "the link session token is unknown")
	case session.used:
		return mistake("used_session", "the link session token has been used before")
	case c.isOld(session.created, now):
		end := exit("expired_session", "the link session token has expired")
		end.note = true
		return end
	}
	session.used = true
	switch {
	case play.Exit != nil:
		err := *play.Exit
		if err == (moneykit.ConnectError{}) {
			err.DisplayedMessage = "Something went wrong." // no platform has an error without anything
		}
		return ending{err: &err}
	case play.Leave:
		return ending{}
	case session.params.ExistingLinkID != "":
		return c.relink(session, play, now)
	}
	return c.linkAnew(session, play, now)
}

func (c *core) relink(session *session, play Play, now time.Time) ending {
	l := c.find(session.params.ExistingLinkID, now)
	if l == nil || l.state == moneykit.LinkStateDeleted {
		return exit("link_deleted", "the link has been deleted")
	}
	if end, ok := signIn(l.institution, play); !ok {
		return end
	}
	c.become(l, moneykit.LinkStateConnected, "", now)
	c.grant(l, session, play, now)
	return ending{link: l, accounts: slices.Clone(l.accounts)}
}

func (c *core) linkAnew(session *session, play Play, now time.Time) ending {
	params := &session.params
	id := params.InstitutionID
	if id == "" {
		id = play.Institution
	}
	if id == "" && play.Username != "" {
		id = CredentialsBank
	}
	in, ok := c.institution(id)
	if !ok {
		return mistake("unknown_institution", "there is no institution "+id)
	}
	if end, ok := signIn(in, play); !ok {
		return end
	}
	l := c.newLink(params.CustomerUser.ID, in, now)
	if in.id == CredentialsBank && play.Username == userCustom {
		l.accounts = c.customAccounts(l, params.CustomSandboxData, now)
	} else {
		l.accounts = c.seedAccounts(l, now)
	}
	if end, ok := l.share(params.ConnectFeatures, play); !ok {
		delete(c.links, l.id)
		return end
	}
	l.state = moneykit.LinkStateAwaitingTokenExchange
	l.webhook, l.tags = params.Webhook, slices.Clone(params.Tags)
	c.grant(l, session, play, now)
	token := secretID()
	c.exchanges[token] = &exchange{link: l, created: now}
	return ending{link: l, accounts: slices.Clone(l.accounts), token: token}
}

// The users of the Credentials Bank.
const (
	userGood   = "user_good"
	userCustom = "user_custom"
)

func signIn(in institution, play Play) (ending, bool) {
	if in.id != CredentialsBank {
		return ending{}, true
	}
	switch play.Username {
	case "", userGood, userCustom:
		return ending{}, true
	}
	return exit("invalid_credentials", "the bank refuses the user name"), false
}

// share leaves a link only those accounts that the user shares.
func (l *link) share(features *moneykit.ConnectFeatures, play Play) (ending, bool) {
	if features == nil {
		features = &moneykit.ConnectFeatures{}
	}
	if features.PermitOnlyDepositoryAccounts {
		l.accounts = slices.DeleteFunc(l.accounts, func(a moneykit.Account) bool {
			return a.Type != "depository" && !strings.HasPrefix(a.Type, "depository.")
		})
	}
	if len(l.accounts) == 0 {
		return exit("no_accounts", "the user has no accounts to share"), false
	}
	if len(play.Accounts) > 0 {
		l.accounts = slices.DeleteFunc(l.accounts, func(a moneykit.Account) bool {
			return !slices.Contains(play.Accounts, a.Type)
		})
		if len(l.accounts) == 0 {
			return mistake("no_accounts", "the user has none of the accounts "+strings.Join(play.Accounts, ", ")), false
		}
	}
	if features.PermitOnlyOneAccount {
		l.accounts = l.accounts[:1]
	}
	return ending{}, true
}

// grant adds to a link the products that the session asks for and the user permits. Those that it
// has keep their settings.
func (c *core) grant(l *link, session *session, play Play, now time.Time) {
	asked := appProducts()
	if s := session.params.Settings; s != nil && s.Products != nil {
		asked = s.Products
	}
	for _, p := range allProducts() {
		settings := requestable(asked, p)
		if settings == nil || l.products[p] != nil {
			continue
		}
		if slices.Contains(play.Decline, p) && !settings.Required && !settings.RequirePermission {
			continue
		}
		granted := &product{settings: settings}
		if settings.Prefetch {
			granted.refreshed = now
		}
		l.products[p] = granted
	}
	if p := l.products[moneykit.ProductTransactions]; p != nil && l.products[moneykit.ProductEnrichment] == nil {
		l.products[moneykit.ProductEnrichment] = &product{refreshed: p.refreshed}
	}
	if l.products[moneykit.ProductAccounts] == nil {
		l.products[moneykit.ProductAccounts] = &product{}
	}
	l.products[moneykit.ProductAccounts].touch(now)
}

// appProducts is what the app asks for when a session does not say. In MoneyKit the dashboard
// decides; here it is everything, at once.
func appProducts() *moneykit.ProductsSettings {
	all := func() *moneykit.ProductSettings { return &moneykit.ProductSettings{Prefetch: true} }
	return &moneykit.ProductsSettings{AccountNumbers: all(), Identity: all(), Transactions: all(), Investments: all()}
}

// requestable returns the settings of a product, nil if it is not asked for. Some cannot be.
func requestable(s *moneykit.ProductsSettings, p moneykit.Product) *moneykit.ProductSettings {
	switch p {
	case moneykit.ProductAccountNumbers:
		return s.AccountNumbers
	case moneykit.ProductIdentity:
		return s.Identity
	case moneykit.ProductTransactions:
		return s.Transactions
	case moneykit.ProductInvestments:
		return s.Investments
	case moneykit.ProductAccounts, moneykit.ProductEnrichment:
	}
	return nil
}
