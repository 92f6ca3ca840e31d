package connect_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/connect/theme"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestNewHandlerRefusesConfig(t *testing.T) {
	t.Parallel()
	client := moneykittest.NewServer(t).Client()
	for name, tt := range map[string]struct {
		change func(*connect.Config)
		want   string
	}{
		"no user": {func(c *connect.Config) { c.User = nil }, "Config.User must be set"},

		"no redirect URI":       {func(c *connect.Config) { c.RedirectURI = "" }, "Config.RedirectURI must not be empty"},
		"broken redirect URI":   {func(c *connect.Config) { c.RedirectURI = "https://a/%zz" }, "Config.RedirectURI must be a URL"},
		"relative redirect URI": {func(c *connect.Config) { c.RedirectURI = "/oauth" }, "Config.RedirectURI must be absolute"},
		"redirect URI with query": {
			func(c *connect.Config) { c.RedirectURI = "https://a.example/?b" },
			"Config.RedirectURI must not have a query",
		},
		"redirect URI in the clear": {
			func(c *connect.Config) { c.RedirectURI = "http://a.example/oauth" }, "Config.RedirectURI must begin with https://",
		},
		"redirect URI that is an endpoint": {
			func(c *connect.Config) { c.RedirectURI = "https://a.example/connect/result" }, "Config.RedirectURI must not be one of the endpoints",
		},
		"redirect URI that is an endpoint, encoded": {
			func(c *connect.Config) { c.RedirectURI = "https://a.example/connect/%72elink" }, "Config.RedirectURI must not be one of the endpoints",
		},
		"redirect URI with dots": {
			func(c *connect.Config) { c.RedirectURI = "https://a.example/b/../oauth" }, "Config.RedirectURI must have a path without dots",
		},
		"redirect URI with doubled slashes": {
			func(c *connect.Config) { c.RedirectURI = "https://a.example//oauth" }, "Config.RedirectURI must have a path without dots",
		},
		"redirect URI with an encoded slash": {
			func(c *connect.Config) { c.RedirectURI = "https://a.example/b%2foauth" }, "ReturnPageConfig.RedirectURI must not have an encoded slash",
		},
		"other redirect URI with query": {
			func(c *connect.Config) { c.OtherRedirectURIs = []string{"shop://oauth", "https://a.example/?b"} },
			"Config.OtherRedirectURIs[1] must not have a query",
		},
		"other redirect URI that is an endpoint": {
			func(c *connect.Config) { c.OtherRedirectURIs = []string{"https://a.example/connect/session"} },
			"Config.OtherRedirectURIs[0] must not be one of the endpoints",
		},
		"other redirect URI with an encoded slash": {
			func(c *connect.Config) { c.OtherRedirectURIs = []string{"https://a.example/b%2foauth"} },
			"ReturnPageConfig.RedirectURI must not have an encoded slash",
		},
		"other redirect URI that is forwarded to itself": {
			func(c *connect.Config) {
				c.OtherRedirectURIs = []string{"https://a.example/app"}
				c.ReturnPage.ForwardTargets = []string{"https://a.example/app"}
			}, "ReturnPageConfig.ForwardTargets[0] must not be the redirect URI itself",
		},
		"another redirect URI for the page": {
			func(c *connect.Config) { c.ReturnPage.RedirectURI = "https://a.example/other" }, "Config.ReturnPage.RedirectURI must",
		},
		"script": {func(c *connect.Config) { c.ReturnPage.Script = "oauth.js" }, "ReturnPageConfig.Script must"},
		"targets": {
			func(c *connect.Config) { c.ReturnPage.ForwardTargets = []string{"x"} },
			"ReturnPageConfig.ForwardTargets[0] must",
		},
		"Connect":              {func(c *connect.Config) { c.Host = "*" }, "Config.Host must"},
		"Connect's path":       {func(c *connect.Config) { c.Host = "https://connect.example.com/start" }, "Config.Host must"},
		"Connect in the clear": {func(c *connect.Config) { c.Host = "http://connect.example.com" }, "Config.Host must begin with https://"},
		"Connect of the page alone": {
			func(c *connect.Config) { c.ReturnPage.Host = "https://connect.example.com" },
			"Config.ReturnPage.Host must be empty",
		},
		"no start": {func(c *connect.Config) { c.Path = "connect/" }, "Config.Path must"},
		"no end":   {func(c *connect.Config) { c.Path = "/connect" }, "Config.Path must"},
		"wildcard": {func(c *connect.Config) { c.Path = "/{user}/" }, "Config.Path must"},
		"query":    {func(c *connect.Config) { c.Path = "/a?/" }, "Config.Path must"},
		"escape":   {func(c *connect.Config) { c.Path = "/%41/" }, "Config.Path must"},
		"host":     {func(c *connect.Config) { c.Path = "//a.example/" }, "Config.Path must"},
		"method":   {func(c *connect.Config) { c.Path = "POST /a/" }, "Config.Path must"},
		"tab":      {func(c *connect.Config) { c.Path = "/a\t/" }, "Config.Path must"},
		"control":  {func(c *connect.Config) { c.Path = "/a\x7f/" }, "Config.Path must"},
		"dots":     {func(c *connect.Config) { c.Path = "/a/../b/" }, "Config.Path must"},
		"a dot":    {func(c *connect.Config) { c.Path = "/./" }, "Config.Path must"},
		"theme": {
			func(c *connect.Config) {
				c.Theme = &theme.Theme{Colors: theme.Colors{Accent: theme.Value{Light: "url(//evil.example)"}}}
			},
			"theme: colors.accent must",
		},
		"wildcard origin": {func(c *connect.Config) { c.TrustedOrigins = []string{"*"} }, "Config.TrustedOrigins"},
		"null origin":     {func(c *connect.Config) { c.TrustedOrigins = []string{"null"} }, "Config.TrustedOrigins"},
		"empty origin":    {func(c *connect.Config) { c.TrustedOrigins = []string{""} }, "Config.TrustedOrigins"},
		"origin with an umlaut": {
			func(c *connect.Config) { c.TrustedOrigins = []string{"https://ä.example"} },
			"Config.TrustedOrigins: the origin must have an ASCII",
		},
		"origin with a path": {func(c *connect.Config) { c.TrustedOrigins = []string{"https://a.example/"} }, "Config.TrustedOrigins"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := connect.Config{RedirectURI: redirectURI, User: userFromHeader}
			tt.change(&config)
			handler, err := connect.NewHandler(client, config)
			require.Error(t, err)
			assert.Nil(t, handler)
			assert.True(t, strings.HasPrefix(err.Error(), "connect: "+tt.want), err)
			assert.NotContains(t, err.Error(), "evil")
		})
	}
}

func TestNewHandlerNeedsAClient(t *testing.T) {
	t.Parallel()
	for _, client := range []*moneykit.Client{nil, {}} {
		handler, err := connect.NewHandler(client, connect.Config{RedirectURI: redirectURI, User: userFromHeader})
		require.EqualError(t, err, "connect: the client must be made by moneykit.NewClient")
		assert.Nil(t, handler)
	}
}

func TestNewHandlerAcceptsConfig(t *testing.T) {
	t.Parallel()
	client := moneykittest.NewServer(t).Client()
	config := connect.Config{RedirectURI: redirectURI, User: userFromHeader}
	for _, path := range []string{"", "/", "/a-b_c.d~e/", "/ä/"} {
		config.Path = path
		_, err := connect.NewHandler(client, config)
		require.NoError(t, err, path)
	}
	config.TrustedOrigins = []string{"https://app.example", "http://localhost:3000"}
	config.ReturnPage.RedirectURI = redirectURI
	_, err := connect.NewHandler(client, config)
	require.NoError(t, err)
}
