package api

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Auth is a way for clients to authenticate.
type Auth int

// The ways. MoneyKit's documentation has had both at different times.
const (
	AnyAuth    Auth = iota // access tokens or headers
	BearerAuth             // access tokens only
	HeaderAuth             // X-Client-Id and X-Client-Secret only
)

// allScopes is the scope of a client that does not ask for a scope.
const allScopes = "link_session:create link:data:read link:data:refresh institutions:read"

// createAccessToken handles create_access_token. It takes the credentials from an HTTP Basic
// header before those in the form.
func (a *API) createAccessToken(q *call) reply {
	form, err := url.ParseQuery(string(q.body))
	if err != nil {
		form = nil
	}
	if form.Get("grant_type") != "client_credentials" {
		// refresh_token, which some of the documentation has, needs a token that is never issued.
		rep := refuse(moneykit.ErrorCodeUnauthorized, "the grant type must be client_credentials")
		rep.status = http.StatusBadRequest
		return rep
	}
	id, secret, ok := q.BasicAuth()
	if !ok {
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
	q.world.Tokens[token] = world.AccessToken{Expires: q.now.Add(a.TokenLife), Scope: scope}
	return answer(http.StatusCreated, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}{token, "bearer", int(a.TokenLife / time.Second)})
}

// authenticate checks who asks. A bearer token counts before the headers.
func (a *API) authenticate(q *call) (reply, bool) {
	scheme, value, _ := strings.Cut(q.Header.Get("Authorization"), " ")
	switch {
	case a.Auth != HeaderAuth && strings.EqualFold(scheme, "Bearer"):
		token, ok := q.world.Tokens[strings.TrimSpace(value)]
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
