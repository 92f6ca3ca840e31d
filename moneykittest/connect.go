package moneykittest

import (
	"cmp"
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
	// "depository.checking"; all if empty. With an existing link they are said of NewAccounts: what
	// was shared before stays so.
	Accounts []string
	// NewAccounts are accounts that the user has at the bank besides those that this package makes
	// up. With an existing link they are new there, and offered to be shared too. Ids may be left
	// empty.
	NewAccounts []moneykit.Account
	// Decline are the products that the user does not permit. Those that the session requires
	// cannot be declined.
	Decline []moneykit.Product
	// Provider is how MoneyKit reaches the bank from now on; it can change with a relink. If it is
	// empty a new link has MoneyKit itself, and an existing one the provider that it had.
	Provider moneykit.Provider
	// Failure is why the bank does not let the user in, so that Connect ends with an error. An
	// existing link is then in state error for this reason. With user_oauth_denied the user refuses
	// on the pages of the OAuth Bank, and can do so nowhere else.
	Failure moneykit.LinkError
	// Exit ends Connect with an error.
	Exit *moneykit.ConnectError
	// Leave ends Connect without one: the user closes it.
	Leave bool
}

// Connect plays the user who goes through Connect with the token of a link session, on the
// platform of source, and returns what the front end would post: the payload of the success or
// exit callback, which [moneykit.ParseConnectResult] reads. After a success on a new link, the
// link awaits the exchange of its token; a link session for an existing link has connected it,
// whatever was wrong with it. An exit leaves nothing behind. At the OAuth Bank the user goes to the
// bank and comes back; [Server.Authorize] and [Server.Continue] do it in two steps.
//
// A session is good once. With a token that is unknown, used or expired Connect ends with an
// error; so it does with a user name that the bank refuses, without any account to share, and where
// the session rejects an institution that the user has linked before. The
// ids of these errors begin with "moneykittest.", because MoneyKit's are not published. What can
// only be a mistake is also reported to the test: a token that is unknown or used, an institution
// that does not exist, accounts that the user does not have, new accounts with ids that are taken,
// a refusal where there is nothing to refuse, an unknown source.
func (s *Server) Connect(linkSessionToken string, source moneykit.ConnectSource, play Play) []byte {
	c := s.core()
	now := c.lock()
	end := c.play(linkSessionToken, play, now)
	c.mu.Unlock()
	return c.callBack("Connect", end, source)
}

// callBack returns what a front end gets of an ending, and tells the test what is to be told.
func (c *core) callBack(method string, end ending, source moneykit.ConnectSource) []byte {
	c.tellOf(method, end)
	payload, ok := end.payload(source)
	if !ok {
		c.errorf("%s: there is no source %q", method, source)
	}
	return payload
}

func (c *core) tellOf(method string, end ending) {
	if end.mistake {
		c.errorf("%s: %s", method, end.err.DisplayedMessage)
	} else if end.note {
		c.logf("%s: %s", method, end.err.DisplayedMessage)
	}
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

// noted is an exit that a test may want, and may wonder about if it does not.
func noted(id, message string) ending {
	end := exit(id, message)
	end.note = true
	return end
}

func (c *core) play(token string, play Play, now time.Time) ending {
	session, end, ok := c.enter(token, now)
	if !ok {
		return end
	}
	if end, ok = c.reach(session, play, now); ok {
		end = c.conclude(session, play, now)
	}
	session.end(end, now)
	return end
}

// enter opens Connect with the token of a session.
func (c *core) enter(token string, now time.Time) (*session, ending, bool) {
	session := c.sessions[token]
	switch {
	case session == nil:
		return nil, mistake("unknown_session", "the link session token is unknown"), false
	case session.used:
		return nil, mistake("used_session", "the link session token has been used before"), false
	case c.isOld(session.created, now):
		return nil, noted("expired_session", "the link session token has expired"), false
	}
	session.open(now)
	return session, ending{}, true
}

// goesOn reports whether the user goes on, and else how Connect ends.
func (play *Play) goesOn() (ending, bool) {
	switch {
	case play.Exit != nil:
		err := *play.Exit
		if err == (moneykit.ConnectError{}) {
			err.DisplayedMessage = "Something went wrong." // no platform has an error without anything
		}
		return ending{err: &err}, false
	case play.Leave:
		return ending{}, false
	}
	return ending{}, true
}

// reach plays Connect up to the bank's answer: the choice of a bank, and how the user signs in.
func (c *core) reach(session *session, play Play, now time.Time) (ending, bool) {
	if session.params.ExistingLinkID == "" && session.params.InstitutionID == "" {
		session.see("Finder", now)
	}
	if end, ok := play.goesOn(); !ok {
		return end, false
	}
	if end, ok := c.choose(session, play, now); !ok {
		return end, false
	}
	switch session.institution.id {
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
	return ending{}, true
}

// The users of the Credentials Bank.
const (
	userGood   = "user_good"
	userCustom = "user_custom"
)

// choose finds the bank that Connect goes to.
func (c *core) choose(session *session, play Play, now time.Time) (ending, bool) {
	params := &session.params
	if params.ExistingLinkID != "" {
		l := c.find(params.ExistingLinkID, now)
		if l == nil || l.state == moneykit.LinkStateDeleted {
			return linkDeleted(), false
		}
		session.institution = l.institution
		return ending{}, true
	}
	id := cmp.Or(params.InstitutionID, play.Institution)
	if id == "" && play.Username != "" {
		id = CredentialsBank
	}
	in, ok := c.institution(id)
	if !ok {
		return mistake("unknown_institution", "there is no institution "+id), false
	}
	session.institution = in
	if params.InstitutionID == "" {
		session.happened(moneykit.ConnectEventSelectInstitution,
			map[string]any{"institution_id": in.id, "institution_name": in.name}, now)
	}
	if features := session.features(); c.isLinked(params.CustomerUser.ID, in, now) {
		if features.DuplicateInstitutionRejected {
			return exit("duplicate_institution", "the user has linked this institution before"), false
		}
		if features.DuplicateInstitutionWarning {
			session.see(duplicateScreen, now)
		}
	}
	return ending{}, true
}

// duplicateScreen is the screen of a warning. MoneyKit's name for it is not published.
const duplicateScreen = "Duplicate Institution"

// isLinked reports whether a user has a link at an institution. One whose token nobody exchanged
// does not count, because the user could never get rid of it.
func (c *core) isLinked(user string, in institution, now time.Time) bool {
	return slices.ContainsFunc(c.linksOf(user, now), func(l *link) bool {
		return l.institution.id == in.id && (l.state == moneykit.LinkStateConnected || l.state == moneykit.LinkStateError)
	})
}

// conclude plays what comes after the bank's answer.
func (c *core) conclude(session *session, play Play, now time.Time) ending {
	if play.Failure == moneykit.LinkErrorUserOAuthDenied && session.institution.id != OAuthBank {
		return mistake("nothing_to_refuse", "the user cannot refuse on pages of a bank that has none")
	}
	play.Failure = cmp.Or(session.failure, play.Failure)
	if session.params.ExistingLinkID != "" {
		return c.relink(session, play, now)
	}
	return c.linkAnew(session, play, now)
}

func refused(reason moneykit.LinkError) ending {
	return exit(string(reason), "the bank does not let the user in: "+string(reason))
}

func (c *core) linkAnew(session *session, play Play, now time.Time) ending {
	if play.Failure != "" {
		return refused(play.Failure)
	}
	params := &session.params
	in := session.institution
	l := c.newLink(params.CustomerUser.ID, in, now)
	if in.id == CredentialsBank && play.Username == userCustom {
		l.accounts = c.customAccounts(l, params.CustomSandboxData, now)
	} else {
		l.accounts = c.seedAccounts(l, now)
	}
	end, ok := c.discover(l, play, now)
	if ok {
		end, ok = l.share(session.features(), play)
	}
	if !ok {
		delete(c.links, l.id)
		own := c.byUser[l.user]
		c.byUser[l.user] = own[:len(own)-1]
		return end
	}
	session.see("Accounts", now)
	session.happened(moneykit.ConnectEventSubmitAccounts, nil, now)
	session.happened(moneykit.ConnectEventSubmitPermissions, nil, now)
	l.state, l.provider = moneykit.LinkStateAwaitingTokenExchange, play.Provider
	l.webhook, l.tags = params.Webhook, slices.Clone(params.Tags)
	c.grant(l, session, play, now)
	token := secretID()
	c.exchanges[token] = &exchange{link: l, created: now}
	return ending{link: l, accounts: slices.Clone(l.accounts), token: token}
}

// share leaves a new link only those accounts that the user shares.
func (l *link) share(features moneykit.ConnectFeatures, play Play) (ending, bool) {
	l.accounts = permitted(l.accounts, features)
	if len(l.accounts) == 0 {
		return exit("no_accounts", "the user has no accounts to share"), false
	}
	l.accounts = play.shared(l.accounts)
	if len(l.accounts) == 0 {
		return play.noneOfThem(), false
	}
	if features.PermitOnlyOneAccount {
		l.accounts = l.accounts[:1]
	}
	return ending{}, true
}

// permitted keeps the accounts that a session lets the user share.
func permitted(accounts []moneykit.Account, features moneykit.ConnectFeatures) []moneykit.Account {
	return slices.DeleteFunc(accounts, func(a moneykit.Account) bool {
		return features.PermitOnlyDepositoryAccounts && a.Type != "depository" && !strings.HasPrefix(a.Type, "depository.")
	})
}

// shared keeps the accounts that the user shares.
func (play *Play) shared(accounts []moneykit.Account) []moneykit.Account {
	return slices.DeleteFunc(accounts, func(a moneykit.Account) bool {
		return len(play.Accounts) > 0 && !slices.Contains(play.Accounts, a.Type)
	})
}

func (play *Play) noneOfThem() ending {
	return mistake("no_accounts", "the user has none of the accounts "+strings.Join(play.Accounts, ", "))
}

// grant adds to a link the products that the session asks for and the user permits, and reports
// whether there are any. Those that it has keep their settings. A relink takes none away: about that
// MoneyKit's documentation contradicts itself.
func (c *core) grant(l *link, session *session, play Play, now time.Time) bool {
	more := false
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
		l.products[p], more = granted, true
	}
	if p := l.products[moneykit.ProductTransactions]; p != nil && l.products[moneykit.ProductEnrichment] == nil {
		l.products[moneykit.ProductEnrichment] = &product{refreshed: p.refreshed}
	}
	if l.products[moneykit.ProductAccounts] == nil {
		l.products[moneykit.ProductAccounts] = &product{}
	}
	l.products[moneykit.ProductAccounts].touch(now)
	return more
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
