package api

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Auth is the set of accepted ways to authenticate.
type Auth int

// The accepted ways. MoneyKit's documentation has described both at different times.
const (
	AnyAuth    Auth = iota // access tokens or headers
	BearerAuth             // access tokens only
	HeaderAuth             // X-Client-Id and X-Client-Secret only
)

// The scopes of access tokens. MoneyKit does not publish which operations each scope allows. Here
// reads, refreshes and institutions require the scope with that name. All other operations require
// linksScope: they change links, as a link session can, too.
const (
	linksScope        = "link_session:create"
	readScope         = "link:data:read"
	refreshScope      = "link:data:refresh"
	institutionsScope = "institutions:read"

	// allScopes is the scope of a client that does not request a scope.
	allScopes = linksScope + " " + readScope + " " + refreshScope + " " + institutionsScope
)

// checkScope refuses operations that the scope of the credentials does not allow, with the error
// that MoneyKit declares for forbidden actions.
func checkScope(rt route, q *call) (reply, bool) {
	if rt.scope == "" || slices.Contains(strings.Fields(q.scope), rt.scope) {
		return reply{}, true
	}
	code := moneykit.ErrorCodeLinkForbiddenAction
	if rt.operation == "create_link_session" {
		code = moneykit.ErrorCodeLinkSessionForbiddenConfig // the only 403 that this operation declares
	}
	return refuse(code, "the access token lacks the scope %s", rt.scope), false
}

// createAccessToken handles create_access_token. Credentials in an HTTP Basic header take
// precedence over those in the form, but empty ones are ignored: MoneyKit's Ruby client always
// sends the header. An unknown scope allows nothing.
func (a *API) createAccessToken(q *call) reply {
	form, err := url.ParseQuery(string(q.body))
	if err != nil {
		form = nil
	}
	if form.Get("grant_type") != "client_credentials" {
		// Parts of the documentation mention the grant type refresh_token, but refresh tokens are
		// never issued.
		rep := refuse(moneykit.ErrorCodeUnauthorized, "the body must be a form whose grant_type is client_credentials")
		rep.status = http.StatusBadRequest
		return rep
	}
	id, secret, _ := q.BasicAuth()
	if id == "" && secret == "" {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if id != a.ClientID || secret != a.ClientSecret {
		return refuse(moneykit.ErrorCodeUnauthorized, "the client id or secret is wrong")
	}
	token := rand.Text()
	scope := form.Get("scope")
	if scope == "" {
		scope = allScopes
	}
	q.world.IssueToken(token, world.AccessToken{Expires: q.now.Add(a.TokenLife), Scope: scope})
	return answer(http.StatusCreated, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}{token, "bearer", int(a.TokenLife / time.Second)})
}

// authenticate checks the credentials of a request. A bearer token takes precedence over the
// headers.
func (a *API) authenticate(q *call) (reply, bool) {
	scheme, value, _ := strings.Cut(q.Header.Get("Authorization"), " ")
	value = strings.TrimSpace(value)
	switch {
	case a.Auth != HeaderAuth && strings.EqualFold(scheme, "Bearer") && value != "":
		token, ok := q.world.Tokens[value]
		if !ok {
			break
		}
		if !q.now.Before(token.Expires) {
			return refuse(moneykit.ErrorCodeExpiredAccessToken, "the access token has expired"), false
		}
		q.scope = token.Scope
		return reply{}, true
	case a.Auth != BearerAuth &&
		q.Header.Get("X-Client-Id") == a.ClientID && q.Header.Get("X-Client-Secret") == a.ClientSecret:
		q.scope = allScopes
		return reply{}, true
	}
	return refuse(moneykit.ErrorCodeUnauthorized, "the credentials are missing or wrong"), false
}

// introspect handles instrospect_client.
func (a *API) introspect(q *call) reply {
	const appID, appName = "app_moneykittest", "moneykittest"
	return answer(http.StatusOK, struct {
		moneykit.AppClient

		Name string `json:"client_name"` // deprecated, but sent
	}{
		AppClient: moneykit.AppClient{
			ID:    a.ClientID,
			Scope: q.scope,
			App:   moneykit.App{ID: appID, Name: appName, DuplicateID: appID, DuplicateName: appName},
		},
		Name: "unused",
	})
}
