package moneykittest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// accessToken is one that was issued. Expired ones are kept, because they are refused in another
// way than those that never were.
type accessToken struct {
	expires time.Time
	expired bool // by ExpireTokens
	scope   string
}

// allScopes is what a client may do that asks for nothing in particular.
const allScopes = "link_session:create link:data:read link:data:refresh institutions:read"

// ExpireTokens lets every access token that was issued so far be refused as expired.
func (s *Server) ExpireTokens() {
	s.core().mu.Lock()
	defer s.core().mu.Unlock()
	for _, token := range s.core().tokens {
		token.expired = true
	}
}

// createAccessToken handles create_access_token. It takes the credentials from an HTTP Basic
// header before those in the form.
func (c *core) createAccessToken(q *call) reply {
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
	if id != c.cfg.clientID || secret != c.cfg.clientSecret {
		return refuse(moneykit.ErrorCodeUnauthorized, "the client id or secret is wrong")
	}
	token := rand.Text()
	scope := form.Get("scope")
	if scope == "" {
		scope = allScopes
	}
	c.tokens[token] = &accessToken{expires: q.now.Add(c.cfg.tokenLife), scope: scope}
	return answer(http.StatusCreated, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}{token, "bearer", int(c.cfg.tokenLife / time.Second)})
}

// authenticate checks who asks. A bearer token counts before the headers.
func (c *core) authenticate(q *call) (reply, bool) {
	scheme, value, _ := strings.Cut(q.Header.Get("Authorization"), " ")
	switch {
	case c.cfg.auth != HeaderAuth && strings.EqualFold(scheme, "Bearer"):
		token, ok := c.tokens[strings.TrimSpace(value)]
		if !ok {
			break
		}
		if token.expired || !q.now.Before(token.expires) {
			return refuse(moneykit.ErrorCodeExpiredAccessToken, "the access token has expired"), false
		}
		q.scope = token.scope
		return reply{}, true
	case c.cfg.auth != BearerAuth &&
		q.Header.Get("X-Client-Id") == c.cfg.clientID && q.Header.Get("X-Client-Secret") == c.cfg.clientSecret:
		q.scope = allScopes
		return reply{}, true
	}
	return refuse(moneykit.ErrorCodeUnauthorized, "the credentials are missing or wrong"), false
}

// introspect handles instrospect_client.
func (c *core) introspect(q *call) reply {
	const appID, appName = "app_moneykittest", "moneykittest"
	return answer(http.StatusOK, struct {
		moneykit.AppClient

		Name string `json:"client_name"` // deprecated, but sent
	}{
		AppClient: moneykit.AppClient{
			ID:    c.cfg.clientID,
			Scope: q.scope,
			App:   moneykit.App{ID: appID, Name: appName, DuplicateID: appID, DuplicateName: appName},
		},
		Name: "unused",
	})
}
