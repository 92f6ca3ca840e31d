package conformance

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file tests the errors of credentials, links, sessions and limits.

// public are the operations that need no access token.
func (p *plain) public(a attempt) bool { return a.op.Security != nil }

// standing is a clock that only Advance changes.
func standing() moneykittest.Option {
	now := time.Now()
	return moneykittest.WithClock(func() time.Time { return now })
}

func basic(id, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// plainCredentials sends each operation without credentials, and with bad ones.
func plainCredentials(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	const unauthorized, expired = "api_error.auth.unauthorized", "api_error.auth.expired_access_token"
	p := newPlain(t, seen, standing())
	s := p.set(t)
	var attempts []attempt
	for _, id := range operationIDs(t) {
		attempts = append(attempts, p.prepare(t, s, id))
	}
	old := p.token
	p.mk.ExpireTokens()
	p.token = p.newToken(t, "")
	tests := map[string]struct {
		headers []string
		query   string
		code    string
	}{
		"nothing":                {[]string{"Authorization: " + none}, "", unauthorized},
		"empty header":           {[]string{"Authorization: "}, "", unauthorized},
		"wrong token":            {[]string{"Authorization: Bearer " + strings.ToLower(p.token)}, "", unauthorized},
		"empty token":            {[]string{"Authorization: Bearer "}, "", unauthorized},
		"token and more":         {[]string{"Authorization: Bearer " + p.token + " x"}, "", unauthorized},
		"no scheme":              {[]string{"Authorization: " + p.token}, "", unauthorized},
		"other scheme":           {[]string{"Authorization: Token " + p.token}, "", unauthorized},
		"id and secret as Basic": {[]string{basic(p.id, p.secret)}, "", unauthorized},
		"token in the query":     {[]string{"Authorization: " + none}, "?access_token=" + p.token, unauthorized},
		"secret in the query":    {[]string{"Authorization: " + none}, "?client_id=" + p.id + "&client_secret=" + p.secret, unauthorized},
		"id only":                {[]string{"Authorization: " + none, "X-Client-Id: " + p.id}, "", unauthorized},
		"secret only":            {[]string{"Authorization: " + none, "X-Client-Secret: " + p.secret}, "", unauthorized},
		"wrong secret":           {[]string{"Authorization: " + none, "X-Client-Id: " + p.id, "X-Client-Secret: x" + p.secret}, "", unauthorized},
		"wrong id":               {[]string{"Authorization: " + none, "X-Client-Id: x" + p.id, "X-Client-Secret: " + p.secret}, "", unauthorized},
		"expired token":          {[]string{"Authorization: Bearer " + old}, "", expired},
		"expired token and more": {[]string{"Authorization: Bearer " + old, "X-Client-Id: " + p.id, "X-Client-Secret: " + p.secret}, "", expired},
	}
	for _, a := range attempts {
		for name, tt := range tests {
			wrong := a
			wrong.target += tt.query
			r := p.try(t, wrong, tt.headers...)
			if p.public(a) {
				r.success(t, a.status)
				continue
			}
			body := r.refused(t, http.StatusUnauthorized, tt.code)
			assert.NotContains(t, body["error_message"], p.secret, name)
			assert.NotContains(t, body["error_message"], p.token, name)
		}
		p.try(t, a).success(t, a.status)
	}
	assert.Len(t, slices.DeleteFunc(attempts, p.public), 26, "two operations are for everybody")

	p.mk.Advance(59*time.Minute + 59*time.Second)
	p.ask(t, http.MethodGet, "/auth/introspect", "").success(t, http.StatusOK)
	p.mk.Advance(2 * time.Second) // tokens have an hour
	p.ask(t, http.MethodGet, "/auth/introspect", "").refused(t, http.StatusUnauthorized, expired)
}

// plainTokens requests access tokens in all ways.
func plainTokens(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen, moneykittest.WithCredentials("client 1/é", "s3&cret=+%"))
	id, secret := url.QueryEscape(p.id), url.QueryEscape(p.secret)
	const form = "Content-Type: application/x-www-form-urlencoded"
	good := "grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret
	grant := "grant_type=client_credentials"
	tests := map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"form":                        {good, []string{form}, 201},
		"form with a charset":         {good, []string{form + "; charset=utf-8"}, 201},
		"empty scope":                 {good + "&scope=", []string{form}, 201},
		"unknown fields":              {good + "&audience=x&Grant_Type=y", []string{form}, 201},
		"Basic":                       {grant, []string{form, basic(p.id, p.secret)}, 201},
		"basic in small letters":      {grant, []string{form, strings.Replace(basic(p.id, p.secret), "Basic", "basic", 1)}, 201},
		"empty Basic beside the form": {good, []string{form, "Authorization: Basic Og=="}, 201}, // as the Ruby client does
		"right Basic, wrong form":     {grant + "&client_id=x&client_secret=y", []string{form, basic(p.id, p.secret)}, 201},
		"wrong Basic, right form":     {good, []string{form, basic("x", "y")}, 401},
		"wrong secret":                {good + "x", []string{form}, 401},
		"no credentials":              {grant, []string{form}, 401},
		"id only":                     {grant + "&client_id=" + id, []string{form}, 401},
		"headers of other operations": {grant, []string{form, "X-Client-Id: x", "X-Client-Secret: y"}, 401},
		"no grant type":               {"client_id=" + id + "&client_secret=" + secret, []string{form}, 400},
		"refresh token":               {strings.Replace(good, "client_credentials", "refresh_token", 1), []string{form}, 400},
		"grant type in capitals":      {strings.Replace(good, "client_credentials", "CLIENT_CREDENTIALS", 1), []string{form}, 400},
		"JSON": {
			`{"grant_type":"client_credentials"}`,
			[]string{"Content-Type: application/json", basic(p.id, p.secret)},
			400,
		},
		"nothing":                      {"", []string{form, basic(p.id, p.secret)}, 400},
		"form that cannot be read":     {good + "&%zz=1", []string{form}, 400},
		"grant type twice, first good": {good + "&grant_type=x", []string{form}, 201},
	}
	tokens := map[any]bool{}
	for name, tt := range tests {
		t.Log(name)
		r := p.send(t, http.MethodPost, "/auth/token", tt.body, tt.headers...)
		if tt.status != http.StatusCreated {
			r.refused(t, tt.status, "api_error.auth.unauthorized")
			continue
		}
		body := r.success(t, tt.status)
		assert.Equal(t, object{"access_token": body["access_token"], "token_type": "bearer", "expires_in": 3600.0}, body)
		assert.False(t, tokens[body["access_token"]], "each has one of its own")
		tokens[body["access_token"]] = true
		p.token = body["access_token"].(string)
		client := p.ask(t, http.MethodGet, "/auth/introspect", "").success(t, http.StatusOK)
		assert.Equal(t, p.id, client["client_id"])
		assert.Equal(t, "link_session:create link:data:read link:data:refresh institutions:read", client["scope"])
	}
}

// plainScopes sends each operation with an access token that may do nothing.
func plainScopes(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	var attempts []attempt
	for _, id := range operationIDs(t) {
		attempts = append(attempts, p.prepare(t, s, id))
	}
	p.token = p.newToken(t, "nothing at:all")
	for _, a := range attempts {
		r := p.try(t, a)
		switch {
		case p.public(a):
			r.success(t, a.status)
		case a.id == "instrospect_client":
			assert.Equal(t, "nothing at:all", r.success(t, a.status)["scope"])
		case a.id == "create_link_session":
			r.refused(t, http.StatusForbidden, "link_session_error.forbidden_config")
		case a.op.Responses.Status(http.StatusForbidden) != nil:
			r.refused(t, http.StatusForbidden, "link_error.forbidden_action")
		default: // MoneyKit declares no error that fits
			r.isError(t, http.StatusForbidden, "link_error.forbidden_action")
		}
	}
	p.token = p.newToken(t, "institutions:read link:data:read")
	p.ask(t, http.MethodGet, "/institutions", "").success(t, http.StatusOK)
	p.ask(t, http.MethodGet, "/links/"+s.link, "").success(t, http.StatusOK)
	p.ask(t, http.MethodDelete, "/links/"+s.link, "").refused(t, http.StatusForbidden, "link_error.forbidden_action")
}

// plainLinks sends operations about links in states that do not allow them. The table answers
// contains the refusals of moneykittest.
func plainLinks(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	refuses := func(id string, status int, code string) bool {
		why, ok := answers[answer{id, status, code}]
		return ok && why == byItself
	}
	deleted := p.link(t, "user-5", "", `{}`)
	p.ask(t, http.MethodDelete, "/links/"+deleted, "").success(t, http.StatusNoContent)
	importedAndDeleted := p.ask(t, http.MethodPost, "/links/import", plainBodies["import_link"].full).success(t, 200)["link_id"].(string)
	p.ask(t, http.MethodDelete, "/links/"+importedAndDeleted, "").success(t, http.StatusNoContent)
	awaiting := p.play(t, p.session(t, "user-6", ""), `{}`)[2].(string)
	declined := p.link(t, "user-7", "", `{"decline":["account_numbers","identity","transactions","investments"]}`)

	for _, id := range operationIDs(t) {
		if refuses(id, 404, "link_error.not_found") {
			for _, unknown := range []string{"mk_unknown", s.link + "x", strings.ToUpper(s.link), "%00", "mk_%C3%A9", "..%2F..", "a%2Fb"} {
				p.try(t, p.about(t, s, id, unknown)).refused(t, http.StatusNotFound, "link_error.not_found")
			}
		}
		if refuses(id, 410, "link_error.deleted") {
			p.try(t, p.about(t, s, id, deleted)).refused(t, http.StatusGone, "link_error.deleted")
			p.try(t, p.about(t, s, id, importedAndDeleted)).refused(t, http.StatusGone, "link_error.deleted")
		}
		if refuses(id, 422, "link_error.bad_state") {
			body := p.try(t, p.about(t, s, id, awaiting)).refused(t, http.StatusUnprocessableEntity, "link_error.bad_state")
			assert.Equal(t, "incomplete", body["link_error_code"])
			if id != "reset_link" { // which takes a link in state error
				body = p.try(t, p.about(t, s, id, s.imported)).refused(t, http.StatusUnprocessableEntity, "link_error.bad_state")
				assert.Equal(t, "auth_expired", body["link_error_code"])
			}
		}
		if refuses(id, 403, "link_error.forbidden_action") {
			for _, product := range []string{"numbers", "identity", "transactions", "investments"} {
				if a := p.about(t, s, id, declined); strings.Contains(a.target, product) && id != "import_transactions" {
					p.try(t, a).refused(t, http.StatusForbidden, "link_error.forbidden_action")
				}
			}
		}
		if refuses(id, 400, "link_error.bad_config") {
			p.try(t, p.about(t, s, id, declined)).refused(t, http.StatusBadRequest, "link_error.bad_config")
		}
	}
	refresh := `{"products":["accounts","identity"]}`
	p.ask(t, http.MethodPost, "/links/"+declined+"/products", refresh).refused(t, http.StatusForbidden, "link_error.forbidden_action")
	rows := `{"transactions":[]}`
	p.ask(t, http.MethodPost, "/links/"+s.link+"/import/transactions", rows).refused(t, http.StatusForbidden, "link_error.forbidden_action")
	for _, account := range []string{"acc_unknown", s.account + "x", "%20", "a%2Fb"} {
		p.ask(t, http.MethodGet, "/links/"+s.link+"/accounts/"+account, "").refused(t, http.StatusNotFound, "link_error.not_found")
	}
	enrich := "/links/" + s.link + "/transactions/txn_unknown/enrichment"
	p.ask(t, http.MethodPost, enrich, `{"category":"travel"}`).refused(t, http.StatusNotFound, "link_error.not_found")
	for _, institution := range []string{"unknown", "CHASE", "chase%20", "mx.", "%00"} {
		p.ask(t, http.MethodGet, "/institutions/"+institution, "").refused(t, http.StatusNotFound, "institution_error.not_found")
	}

	// A link breaks for each reason that there is.
	broken := p.link(t, "user-8", `,"institution_id":"moneykit-oauth-bank"`, `{}`)
	for _, reason := range p.oracle.doc.Components.Schemas["LinkError"].Value.Enum {
		p.play(t, p.session(t, "user-8", `,"existing_link_id":`+quote(broken)), `{"failure":`+quote(reason.(string))+`}`)
		link := p.ask(t, http.MethodGet, "/links/"+broken, "").success(t, http.StatusOK)
		assert.Equal(t, "error", link["state"])
		assert.Equal(t, reason, link["error_code"])
		r := p.ask(t, http.MethodGet, "/links/"+broken+"/accounts", "")
		assert.Equal(t, reason, r.refused(t, http.StatusUnprocessableEntity, "link_error.bad_state")["link_error_code"])
	}

	// A deleted link can be read for 90 days.
	link := p.ask(t, http.MethodGet, "/links/"+deleted, "").success(t, http.StatusOK)
	assert.Equal(t, "deleted", link["state"])
	p.mk.Advance(91 * 24 * time.Hour)
	p.token = p.newToken(t, "")
	p.ask(t, http.MethodGet, "/links/"+deleted, "").refused(t, http.StatusNotFound, "link_error.not_found")
}

// plainSessions opens link sessions that are refused, and exchanges invalid tokens.
func plainSessions(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen, moneykittest.WithRedirectOrigins("https://app.test", "app://back"))
	open := func(redirect, more string) answered {
		t.Helper()
		return p.ask(t, http.MethodPost, "/link-session", `{"customer_user":{"id":"user-1"},"redirect_uri":`+quote(redirect)+more+`}`)
	}
	for _, redirect := range []string{"https://app.test", "https://APP.test:443/a/b", "app://back", "app://back/x"} {
		open(redirect, "").success(t, http.StatusCreated)
	}
	for _, redirect := range []string{"http://app.test", "https://app.test:8443", "https://app.test?a=b", "https://app.test/?", "app", "//app.test"} {
		open(redirect, "").refused(t, http.StatusForbidden, "link_session_error.forbidden_config")
	}
	for _, more := range []string{`,"institution_id":"no-bank"`, `,"existing_link_id":"mk_unknown"`} {
		open("https://app.test", more).refused(t, http.StatusForbidden, "link_session_error.forbidden_config")
	}

	exchange := func(token string) answered {
		t.Helper()
		return p.ask(t, http.MethodPost, "/link-session/exchange-token", `{"exchangeable_token":`+quote(token)+`}`)
	}
	session := p.session(t, "user-1", "")
	result := p.play(t, session, `{}`)
	used, late := result[0].(string), p.exchangeable(t, "user-2", "", `{}`)
	link := exchange(used).success(t, http.StatusCreated)["link"].(object)
	assert.Equal(t, result[2], link["link_id"])
	assert.Equal(t, "connected", link["state"])
	p.mk.Advance(31 * time.Minute)
	for _, token := range []string{used, late, session, "", "unknown", used + "x", "\x00", strings.Repeat("é", 1000)} {
		exchange(token).refused(t, http.StatusBadRequest, "link_session_error.invalid_token_exchange")
	}
	// A relink has no token: its link is connected again.
	p.mk.Break(link["link_id"].(string), "auth_expired")
	again := p.play(t, p.session(t, "user-1", `,"existing_link_id":`+quote(link["link_id"].(string))), `{}`)
	assert.Equal(t, link["link_id"], again[len(again)-1])
	assert.Equal(t, "connected", p.ask(t, http.MethodGet, "/links/"+link["link_id"].(string), "").success(t, 200)["state"])
}

// plainLimits sends each operation as often as the document says, and once more.
func plainLimits(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	const limited = "api_error.rate_limit_exceeded"
	for _, id := range operationIDs(t) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			p := newPlain(t, seen, moneykittest.WithRateLimits(), standing())
			s := p.set(t)
			published, _ := p.about(t, s, id, s.link).op.Extensions["x-rate-limits"].([]any)
			if len(published) == 0 {
				return
			}
			p.mk.Advance(time.Minute) // what set sent is forgotten
			least := published[0].(object)
			for _, l := range published {
				if l.(object)["limit"].(float64) < least["limit"].(float64) {
					least = l.(object)
				}
			}
			a := p.about(t, s, id, s.link)
			for range int(least["limit"].(float64)) {
				require.NotEqual(t, http.StatusTooManyRequests, p.try(t, a).status)
			}
			r := p.try(t, a)
			r.refused(t, http.StatusTooManyRequests, limited)
			assert.Regexp(t, `^([1-9]|[1-5][0-9]|60)$`, r.header["Retry-After"][0])
			if least["per"] == "link" { // another link has a minute of its own
				p.try(t, p.about(t, s, id, "mk_other")).refused(t, http.StatusNotFound, "link_error.not_found")
			}
			p.mk.Advance(time.Minute)
			assert.NotEqual(t, http.StatusTooManyRequests, p.try(t, a).status)
		})
	}
	t.Run("refreshes", func(t *testing.T) {
		t.Parallel()
		p := newPlain(t, seen, moneykittest.WithRateLimits(), standing())
		s := p.set(t)
		refresh := func(product string) answered {
			t.Helper()
			return p.ask(t, http.MethodPost, "/links/"+s.link+"/products", `{"products":["`+product+`"]}`)
		}
		for product, every := range map[string]time.Duration{
			"accounts": time.Hour, "transactions": time.Hour, "account_numbers": 24 * time.Hour, "identity": 24 * time.Hour,
		} {
			refresh(product).success(t, http.StatusAccepted)
			r := refresh(product)
			r.refused(t, http.StatusTooManyRequests, limited)
			wait, err := time.ParseDuration(r.header["Retry-After"][0] + "s")
			require.NoError(t, err)
			assert.Equal(t, every, wait)
		}
		p.mk.Advance(time.Hour)
		p.token = p.newToken(t, "")
		refresh("accounts").success(t, http.StatusAccepted)
		refresh("identity").refused(t, http.StatusTooManyRequests, limited)
	})
}
