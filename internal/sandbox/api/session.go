package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

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
		switches = append(switches, present(name, boolean))
	}
	return object(
		required("customer_user", customerRule()),
		required("redirect_uri", text(1, longText)),
		optional("settings", object(
			optional("providers", list(known[moneykit.Provider]())),
			optional("countries", list(known[moneykit.Country]())),
			optional("products", object(present("account_numbers", product), present("identity", product),
				present("transactions", product), present("investments", product))),
		)),
		optional("institution_id", free),
		optional("existing_link_id", free),
		optional("webhook", text(1, longText)),
		present("link_tags", list(tag())),
		present("connect_features", object(switches...)),
		present("custom_sandbox_data", object(
			required("accounts", list(object(required("account_type", text(1, longText)), required("name", text(1, longText)),
				required("account_number", text(1, longText)), present("routing_number", routingNumber())))),
			present("owners", list(owner)),
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
func (a *API) createLinkSession(q *call) reply {
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
		return forbidden("the redirect_uri must not have a query")
	case !ok || (a.Origins != nil && !a.Origins[origin]):
		return forbidden("the origin of the redirect_uri is not registered")
	}
	if params.ExistingLinkID != "" { // the user and the institution are ignored
		l := q.world.Find(params.ExistingLinkID, q.now)
		if l == nil || l.State == moneykit.LinkStateDeleted {
			// MoneyKit's error for this case is not published. Of the errors that the operation
			// declares, only this one fits.
			return forbidden("there is no link with the existing_link_id")
		}
	} else if _, ok := world.Lookup(params.InstitutionID); !ok {
		// This error is not published either.
		return forbidden("there is no institution with the institution_id")
	}
	return answer(http.StatusCreated, struct {
		Token string `json:"link_session_token"`
	}{q.world.OpenSession(params, q.now).Token})
}

// exchangeToken handles exchange_token.
func (a *API) exchangeToken(q *call) reply {
	var body struct {
		Token string `json:"exchangeable_token"`
	}
	if rep, ok := q.read(object(required("exchangeable_token", text(0, maxBody))), &body); !ok {
		return rep
	}
	l := q.world.ExchangeToken(body.Token, q.now)
	if l == nil {
		return refuse(moneykit.ErrorCodeInvalidTokenExchange, "the exchangeable token is unknown, expired or used")
	}
	return answer(http.StatusCreated, struct {
		LinkID string   `json:"link_id"`
		Link   wireLink `json:"link"`
	}{l.ID, wire(l)})
}

// Origins returns the origins of absolute URLs, for [Settings]. It skips strings that are not
// absolute URLs.
func Origins(urls ...string) map[string]bool {
	origins := map[string]bool{}
	for _, u := range urls {
		if origin, ok := originOf(u); ok {
			origins[origin] = true
		}
	}
	return origins
}

// originOf returns the scheme, host and port of an absolute URL, in a normalized form.
func originOf(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "", false
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme { // url.Parse made it lower case
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host, true
}
