package connect_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// The setting Host applies to sessions, relinks and return pages.
func TestHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"":                             "",
		"https://connect.moneykit.com": "", "https://connect.moneykit.com/": "", "https://Connect.MoneyKit.com:443": "",
		"https://connect.example.com": "https://connect.example.com", "https://connect.example.com/": "https://connect.example.com",
		"http://localhost:8787": "http://localhost:8787", "http://127.0.0.1:8787/": "http://127.0.0.1:8787",
		"http://[::1]:80": "http://[::1]",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
				c.Host, c.ReturnPage.Script = host, "/oauth.js"
			})
			link := s.mk.AddLink(moneykittest.LinkSpec{UserID: me, Error: moneykit.LinkErrorAuthExpired})
			for endpoint, body := range map[string]string{"session": "", "relink": `{"link":"` + link.ID + `"}`} {
				assert.Equal(t, want, s.launch(t, me, endpoint, body).Host)
				assert.Equal(t, want != "", strings.Contains(s.post(t, me, endpoint, body).Body.String(), `"host"`))
			}
			w := visit(t, s.handler, http.MethodGet, "/oauth?code=1")
			if want == "" {
				want = "https://connect.moneykit.com"
			}
			assert.Equal(t, want, policy(t, w)["frame-src"])
		})
	}
}

// A session of a sandbox does not exist at MoneyKit. The log says so at the start.
func TestHostMismatch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ api, host, want string }{
		"both MoneyKit":            {"", "", ""},
		"both MoneyKit, said":      {"https://api.moneykit.com", "https://connect.moneykit.com", ""},
		"another of MoneyKit":      {"https://API.MoneyKit.com/v2/", "", ""},
		"both a sandbox":           {"http://localhost:8787", "http://localhost:8787", ""},
		"pages of MoneyKit":        {"http://localhost:8787", "", "set connect.Config.Host"},
		"almost MoneyKit":          {"https://notmoneykit.com", "", "set connect.Config.Host"},
		"a proxy, and said so":     {"https://proxy.example", "https://connect.moneykit.com", ""},
		"pages of a sandbox":       {"", "http://localhost:8787", "leave connect.Config.Host empty"},
		"pages of a sandbox, said": {"https://api.moneykit.com", "http://localhost:8787/", "leave connect.Config.Host empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var options []moneykit.Option
			if tt.api != "" {
				options = append(options, moneykit.WithBaseURL(tt.api))
			}
			client, err := moneykit.NewClient("client at home", "secret-canary", options...)
			require.NoError(t, err)
			var log bytes.Buffer
			_, err = connect.NewHandler(client, connect.Config{
				RedirectURI: redirectURI, User: userFromHeader, Host: tt.host, Logger: slog.New(slog.NewJSONHandler(&log, nil)),
			})
			require.NoError(t, err)
			assert.NotContains(t, log.String(), "canary")
			if tt.want == "" {
				assert.Empty(t, log.String())
				return
			}
			assert.Contains(t, log.String(), `"level":"ERROR"`)
			assert.Contains(t, log.String(), tt.want)
		})
	}
}
