package moneykittest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// session is a link session.
type session struct {
	params  moneykit.LinkSessionParams
	created time.Time
	used    bool   // Connect has been opened with it
	over    bool   // and has ended
	id      string // in Connect's events
	events  []connectEvent
	posted  int // of the events, by the pages

	institution institution        // as far as it is chosen
	back        string             // where the bank sends the user, "" before
	sent        time.Time          // when it does
	failure     moneykit.LinkError // what the bank says then
}

// features returns what the session wants of Connect.
func (s *session) features() moneykit.ConnectFeatures {
	if s.params.ConnectFeatures == nil {
		return moneykit.ConnectFeatures{}
	}
	return *s.params.ConnectFeatures
}

// exchange is an exchangeable token.
type exchange struct {
	link    *link
	created time.Time
	used    bool
}

// sessionRule checks the body of create_link_session.
func sessionRule() rule {
	const longText = 65536
	free := text(0, longText)
	product := object(optional("required", boolean), optional("require_permission", boolean),
		optional("prefetch", boolean), optional("reason", free))
	owner := object(
		required("names", list(free)),
		required("addresses", list(object(optional("street", free), optional("city", free), optional("region", free),
			optional("postal_code", free), optional("country", free), optional("primary", boolean)))),
		required("phone_numbers", list(object(required("number", free),
			required("type", known[moneykit.PhoneNumberType]()), optional("primary", boolean)))),
		required("emails", list(object(required("address", free), optional("primary", boolean)))),
	)
	features := []string{
		"issue_reporter", "enable_money_id", "duplicate_institution_warning", "duplicate_institution_rejected",
		"connect_manually", "permit_only_one_account", "permit_only_depository_accounts",
	}
	var switches []member
	for _, name := range features {
		switches = append(switches, optional(name, boolean))
	}
	return object(
		required("customer_user", customerRule()),
		required("redirect_uri", text(1, longText)),
		optional("settings", object(
			optional("providers", list(known[moneykit.Provider]())),
			optional("countries", list(known[moneykit.Country]())),
			optional("products", object(optional("account_numbers", product), optional("identity", product),
				optional("transactions", product), optional("investments", product))),
		)),
		optional("institution_id", free),
		optional("existing_link_id", free),
		optional("webhook", text(1, longText)),
		optional("link_tags", list(tag())),
		optional("connect_features", object(switches...)),
		optional("custom_sandbox_data", object(
			required("accounts", list(object(required("account_type", text(1, longText)), required("name", text(1, longText)),
				required("account_number", text(1, longText)), optional("routing_number", routingNumber())))),
			optional("owners", list(owner)),
		)),
	)
}

// customerRule checks a user.
func customerRule() rule {
	return object(
		required("id", text(4, 150)),
		optional("email", object(required("address", text(4, 254)), optional("customer_verified_at", timestamp()))),
		optional("phone", object(required("number", text(4, 30)), optional("country", known[moneykit.Country]()),
			optional("customer_verified_at", timestamp()))),
	)
}

// createLinkSession handles create_link_session.
func (c *core) createLinkSession(q *call) reply {
	var params moneykit.LinkSessionParams
	if rep, ok := q.read(sessionRule(), &params); !ok {
		return rep
	}
	forbidden := func(message string) reply {
		return refuse(moneykit.ErrorCodeLinkSessionForbiddenConfig, "%s", message)
	}
	origin, ok := originOf(params.RedirectURI)
	switch {
	case strings.Contains(params.RedirectURI, "?"):
		return forbidden("the redirect_uri must have no query")
	case !ok || (c.cfg.origins != nil && !c.cfg.origins[origin]):
		return forbidden("the origin of the redirect_uri is not registered")
	}
	if params.ExistingLinkID != "" {
		l := c.find(params.ExistingLinkID, q.now)
		if l == nil || l.state == moneykit.LinkStateDeleted {
			// Which refusal MoneyKit has for this is not published; of those that this operation
			// declares only this one fits.
			return forbidden("there is no link with the existing_link_id")
		}
		// What is left out is removed; user and institution are ignored.
		l.webhook, l.tags = params.Webhook, slices.Clone(params.Tags)
	} else if _, ok := c.institution(params.InstitutionID); !ok {
		// Not published either.
		return forbidden("there is no institution with the institution_id")
	}
	token := secretID()
	c.sessions[token] = &session{params: params, created: q.now, id: secretID()}
	return answer(http.StatusCreated, moneykit.LinkSession{Token: token})
}

// exchangeToken handles exchange_token.
func (c *core) exchangeToken(q *call) reply {
	var body struct {
		Token string `json:"exchangeable_token"`
	}
	if rep, ok := q.read(object(required("exchangeable_token", text(0, maxBody))), &body); !ok {
		return rep
	}
	e := c.exchanges[body.Token]
	if e == nil || e.used || c.isOld(e.created, q.now) || e.link.state == moneykit.LinkStateDeleted {
		return refuse(moneykit.ErrorCodeInvalidTokenExchange, "the exchangeable token is unknown, expired or used")
	}
	e.used = true
	if e.link.state == moneykit.LinkStateAwaitingTokenExchange {
		c.become(e.link, moneykit.LinkStateConnected, "", q.now)
	}
	return answer(http.StatusCreated, struct {
		LinkID string   `json:"link_id"`
		Link   wireLink `json:"link"`
	}{e.link.id, e.link.wire()})
}

// isOld reports whether a token of a link session has expired.
func (c *core) isOld(created, now time.Time) bool { return now.Sub(created) >= c.cfg.sessionLife }

// secretID returns a token in the form of a UUID. Tokens are random even where everything else
// follows from the seed, so that one server's are worth nothing at another.
func secretID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
