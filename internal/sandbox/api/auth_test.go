package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestCreateAccessToken(t *testing.T) {
	t.Parallel()
	mk := newFake(t, withAPI(func(s *api.Settings) {
		s.ClientID, s.ClientSecret, s.TokenLife = "sandbox_me", "s3cret", 90*time.Second
	}))
	basic := func(pair string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	tests := map[string]struct {
		body    string
		headers []string
		status  int
		scope   string
	}{
		"form":  {body: "grant_type=client_credentials&client_id=sandbox_me&client_secret=s3cret", status: 201},
		"basic": {body: "grant_type=client_credentials", headers: []string{basic("sandbox_me:s3cret")}, status: 201},
		"scope": {
			body: "grant_type=client_credentials&scope=a+b", headers: []string{basic("sandbox_me:s3cret")}, status: 201, scope: "a b",
		},
		"basic counts": {
			body: "grant_type=client_credentials&client_id=sandbox_me&client_secret=s3cret", headers: []string{basic("sandbox_me:no")},
			status: 401,
		},
		"empty basic is ignored": {
			body: "grant_type=client_credentials&client_id=sandbox_me&client_secret=s3cret", headers: []string{"Authorization: Basic Og=="},
			status: 201,
		},
		"empty basic alone": {body: "grant_type=client_credentials", headers: []string{"Authorization: Basic Og=="}, status: 401},
		"empty basic and a wrong form": {
			body: "grant_type=client_credentials&client_id=sandbox_me&client_secret=no", headers: []string{"Authorization: Basic Og=="},
			status: 401,
		},
		"basic without a secret": {
			body: "grant_type=client_credentials&client_id=sandbox_me&client_secret=s3cret", headers: []string{basic("sandbox_me:")},
			status: 401,
		},
		"wrong secret":   {body: "grant_type=client_credentials&client_id=sandbox_me&client_secret=no", status: 401},
		"wrong id":       {body: "grant_type=client_credentials&client_id=me&client_secret=s3cret", status: 401},
		"no credentials": {body: "grant_type=client_credentials", status: 401},
		"refresh token":  {body: "grant_type=refresh_token&client_id=sandbox_me&client_secret=s3cret", status: 400},
		"no grant type":  {body: "client_id=sandbox_me&client_secret=s3cret", status: 400},
		"json":           {body: `{"grant_type":"client_credentials"}`, status: 400},
		"malformed form": {body: "grant_type=client_credentials&%zz", status: 400},
		"headers are ignored": {
			body: "grant_type=client_credentials", headers: []string{"X-Client-Id: sandbox_me", "X-Client-Secret: s3cret"}, status: 401,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, mk, http.MethodPost, "/auth/token", tt.body, form(tt.headers...)...)
			assert.Equal(t, tt.status, a.status)
			assert.Equal(t, "application/json", a.header.Get("Content-Type"))
			if tt.status != 201 {
				assert.Equal(t, "api_error.auth.unauthorized", a.field(t, "error_code"))
				assert.NotEmpty(t, a.field(t, "error_message"))
				assert.Nil(t, a.field(t, "documentation_url"))
				return
			}
			assert.Equal(t, "bearer", a.field(t, "token_type"))
			assert.InDelta(t, 90, a.field(t, "expires_in"), 0)
			token, ok := a.field(t, "access_token").(string)
			require.True(t, ok)
			next := ask(t, mk, http.MethodPost, "/auth/token", tt.body, form(tt.headers...)...)
			assert.NotEqual(t, token, next.field(t, "access_token"))

			who := ask(t, mk, http.MethodGet, "/auth/introspect", "", "X-Client-Id:", "X-Client-Secret:", "Authorization: Bearer "+token)
			assert.Equal(t, 200, who.status)
			assert.Equal(t, "sandbox_me", who.field(t, "client_id"))
			if tt.scope == "" {
				tt.scope = "link_session:create link:data:read link:data:refresh institutions:read"
			}
			assert.Equal(t, tt.scope, who.field(t, "scope"))
			assert.Equal(t, "unused", who.field(t, "client_name"))
			for _, key := range []string{"id", "app_id", "name", "app_name"} {
				assert.NotEmpty(t, who.field(t, "app", key))
			}
		})
	}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	const (
		unauthorized = "api_error.auth.unauthorized"
		expired      = "api_error.auth.expired_access_token"
	)
	tests := map[string]struct {
		auth    api.Auth
		headers []string // TOKEN, OLD and OTHER are replaced by tokens
		code    string
	}{
		"headers":                     {},
		"bearer":                      {headers: []string{"X-Client-Id:", "X-Client-Secret:", "Authorization: Bearer TOKEN"}},
		"lower case":                  {headers: []string{"X-Client-Id:", "X-Client-Secret:", "Authorization: bearer TOKEN"}},
		"nothing":                     {headers: []string{"X-Client-Id:", "X-Client-Secret:"}, code: unauthorized},
		"id alone":                    {headers: []string{"X-Client-Secret:"}, code: unauthorized},
		"secret alone":                {headers: []string{"X-Client-Id:"}, code: unauthorized},
		"wrong id":                    {headers: []string{"X-Client-Id: x"}, code: unauthorized},
		"wrong secret":                {headers: []string{"X-Client-Secret: x"}, code: unauthorized},
		"unknown token":               {headers: []string{"Authorization: Bearer x"}, code: unauthorized},
		"expired token":               {headers: []string{"Authorization: Bearer OLD"}, code: expired},
		"basic":                       {headers: []string{"X-Client-Id:", "X-Client-Secret:", "Authorization: Basic TOKEN"}, code: unauthorized},
		"headers and an empty bearer": {headers: []string{"Authorization: Bearer"}},
		"headers and an empty basic":  {headers: []string{"Authorization: Basic Og=="}},
		"headers with BearerAuth":     {auth: api.BearerAuth, code: unauthorized},
		"bearer with BearerAuth": {
			auth: api.BearerAuth, headers: []string{"X-Client-Id:", "X-Client-Secret:", "Authorization: Bearer TOKEN"},
		},
		"headers with HeaderAuth": {auth: api.HeaderAuth},
		"both with HeaderAuth":    {auth: api.HeaderAuth, headers: []string{"Authorization: Bearer x"}},
		"bearer with HeaderAuth": {
			auth: api.HeaderAuth, headers: []string{"X-Client-Id:", "X-Client-Secret:", "Authorization: Bearer TOKEN"}, code: unauthorized,
		},
		"known version":           {headers: []string{"MoneyKit-Version: 2023-02-18"}},
		"token of another server": {headers: []string{"Authorization: Bearer OTHER"}, code: unauthorized},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk := newFake(t, withAuth(tt.auth))
			token := func(mk *fake) string {
				id, secret := mk.ClientID, mk.ClientSecret
				a := ask(t, mk, http.MethodPost, "/auth/token",
					"grant_type=client_credentials&client_id="+id+"&client_secret="+secret, form()...)
				text, ok := a.field(t, "access_token").(string)
				require.True(t, ok)
				return text
			}
			tokens := map[string]string{"OLD": token(mk)}
			mk.expireTokens()
			tokens["TOKEN"] = token(mk)
			tokens["OTHER"] = token(newFake(t))
			headers := make([]string, len(tt.headers))
			for i, header := range tt.headers {
				for name, value := range tokens {
					if before, ok := strings.CutSuffix(header, " "+name); ok {
						header = before + " " + value
					}
				}
				headers[i] = header
			}
			a := ask(t, mk, http.MethodGet, "/auth/introspect", "", headers...)
			if tt.code == "" {
				assert.Equal(t, 200, a.status, "%s", a.body)
				return
			}
			assert.Equal(t, 401, a.status)
			assert.Equal(t, tt.code, a.field(t, "error_code"))
		})
	}
}

func TestUnknownVersion(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	client := mk.Client(moneykit.WithAPIVersion("2024-01-01"), moneykit.WithHeaderAuth())
	_, err := client.Auth.Introspect(t.Context())
	e := isError(t, err, moneykit.ErrorCodeValidationFailed, 422)
	assert.Equal(t, []moneykit.FieldError{{Field: "header.MoneyKit-Version", Message: "must be 2023-02-18"}}, e.Fields)
}

// TestTokenExpiry counts how often the client renews its token.
func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	mk := newFake(t, stopped())
	client := mk.Client()
	link := mk.addLink(t, world.LinkSpec{})
	read := func(tokens, links int) {
		t.Helper()
		_, err := client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"create_access_token": tokens, "get_link": links}, operations(mk))
	}
	read(1, 1)
	read(1, 2)
	mk.expireTokens()
	read(2, 4)
	read(2, 5)
	mk.advance(time.Hour - time.Second)
	read(2, 6)
	mk.advance(time.Second)
	read(3, 8)
}

func TestHeaderAuth(t *testing.T) {
	t.Parallel()
	mk := newFake(t, withAuth(api.HeaderAuth))
	client := mk.Client(moneykit.WithHeaderAuth())
	app, err := client.Auth.Introspect(t.Context())
	require.NoError(t, err)
	id := mk.ClientID
	assert.Equal(t, id, app.ID)
	assert.Equal(t, app.App.ID, app.App.DuplicateID)
	assert.True(t, app.DisabledAt.IsZero())
	assert.Equal(t, map[string]int{"instrospect_client": 1}, operations(mk))

	_, err = mk.Client().Auth.Introspect(t.Context())
	isError(t, err, moneykit.ErrUnauthorized, 401)
}

// TestScopes calls an operation of each kind with tokens of each scope.
func TestScopes(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link := mk.addLink(t, world.LinkSpec{Webhook: "https://app.example/hook"})
	const links, read, refresh, institutions = "link_session:create", "link:data:read", "link:data:refresh", "institutions:read"
	requests := []struct{ scope, method, path, body string }{
		{"", "GET", "/auth/introspect", ""},
		{"", "GET", "/.well-known/jwks.json", ""},
		{links, "POST", "/link-session", `{"customer_user":{"id":"user-42"},"redirect_uri":"https://app.example"}`},
		{links, "POST", "/link-session/exchange-token", `{"exchangeable_token":"x"}`},
		{links, "PATCH", "/links/" + link.ID, `{}`},
		{links, "POST", "/links/import", `{}`},
		{links, "POST", "/links/" + link.ID + "/import/transactions", `{}`},
		{links, "POST", "/links/" + link.ID + "/transactions/x/enrichment", `{}`},
		{links, "POST", "/webhooks/test/link/" + link.ID, `{}`},
		{read, "GET", "/links", ""},
		{read, "GET", "/links/" + link.ID, ""},
		{read, "GET", "/links/" + link.ID + "/accounts", ""},
		{read, "GET", "/links/" + link.ID + "/accounts/numbers", ""},
		{read, "GET", "/links/" + link.ID + "/identity", ""},
		{read, "GET", "/links/" + link.ID + "/transactions", ""},
		{read, "GET", "/links/" + link.ID + "/transactions/sync", ""},
		{read, "GET", "/links/" + link.ID + "/investments/holdings", ""},
		{read, "GET", "/links/" + link.ID + "/investments/transactions", ""},
		{read, "GET", "/users/user_0001/accounts", ""},
		{read, "GET", "/users/user_0001/links", ""},
		{read, "GET", "/users/user_0001/transactions", ""},
		{refresh, "POST", "/links/" + link.ID + "/products", `{"products":["accounts"]}`},
		{institutions, "GET", "/institutions", ""},
		{institutions, "GET", "/institutions/chase", ""},
	}
	for _, scope := range []string{links, read, refresh, institutions, "other", read + " " + institutions, ""} {
		form := form()
		got := ask(t, mk, "POST", "/auth/token", "grant_type=client_credentials&client_id=sandbox_client&client_secret=sandbox_client_secret&scope="+
			url.QueryEscape(scope), form...)
		token := fmt.Sprint(got.field(t, "access_token"))
		for _, r := range requests {
			a := ask(t, mk, r.method, r.path, r.body, "X-Client-Id:", "X-Client-Secret:", "Authorization: Bearer "+token)
			if r.scope == "" || scope == "" || slices.Contains(strings.Fields(scope), r.scope) {
				assert.NotEqual(t, 403, a.status, "%s %s with %q", r.method, r.path, scope)
				continue
			}
			assert.Equal(t, 403, a.status, "%s %s with %q", r.method, r.path, scope)
			want := "link_error.forbidden_action"
			if r.path == "/link-session" {
				want = "link_session_error.forbidden_config"
			}
			assert.Equal(t, want, a.field(t, "error_code"))
		}
	}
}
