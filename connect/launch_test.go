package connect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/connect/theme"
)

func TestLaunchJSON(t *testing.T) {
	t.Parallel()
	look := &theme.Theme{Colors: theme.Colors{Accent: theme.Value{Light: "#0077ff", Dark: "#66aaff"}}}
	returned, err := moneykit.ParseOAuthReturn(redirectURI, "/oauth?z=1%2f+&a=&m")
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		launch connect.Launch
		want   string
	}{
		"link": {
			connect.Launch{Call: connect.LaunchLink, Token: "session-1"},
			`{"call":"link","link_session_token":"session-1"}`,
		},
		"link with a theme": {
			connect.Launch{Call: connect.LaunchLink, Token: "session-1", Theme: look},
			`{"call":"link","link_session_token":"session-1","theme":{"colors":{"accent":{"light":"#0077ff","dark":"#66aaff"}}}}`,
		},
		"relink": {
			connect.Launch{Call: connect.LaunchRelink, Token: "session-1", Theme: &theme.Theme{}},
			`{"call":"relink","link_session_token":"session-1","theme":{}}`,
		},
		"continue": {
			connect.ContinueLaunch(returned),
			`{"call":"continue","redirect_url":"https://example.com/oauth?z=1%2f+\u0026a=\u0026m"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(tt.launch)
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(data))
			var again connect.Launch
			require.NoError(t, json.Unmarshal(data, &again))
			assert.Equal(t, tt.launch, again)
		})
	}
}

func TestContinueLaunch(t *testing.T) {
	t.Parallel()
	for name, returned := range map[string]string{
		"as a server gets it": "/oauth?code=s3cret%2F&state=a+b",
		"as an app gets it":   "https://example.com/oauth?code=s3cret%2F&state=a+b",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := moneykit.ParseOAuthReturn(redirectURI, returned)
			require.NoError(t, err)
			assert.Equal(t, connect.Launch{
				Call: connect.LaunchContinue, RedirectURL: "https://example.com/oauth?code=s3cret%2F&state=a+b",
			}, connect.ContinueLaunch(r))
		})
	}
}

func TestLaunchHidesItsSecrets(t *testing.T) {
	t.Parallel()
	launch := connect.Launch{Call: connect.LaunchLink, Token: "token-canary", RedirectURL: "https://example.com/?code=url-canary"}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("made", "launch", launch, "pointer", &launch)
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "launch", launch, "pointer", &launch)
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, v := range []any{launch, &launch, []connect.Launch{launch}} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
	}
	for _, text := range texts {
		assert.NotContains(t, text, "canary")
		assert.Contains(t, text, "Connect launch: link")
	}
}
