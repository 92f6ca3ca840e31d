package connect_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/connect/theme"
	"github.com/moneykit/moneykit-go/moneykittest"
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
			data, err := tt.launch.JSON()
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
	type owner struct {
		User   string
		Launch connect.Launch
		Next   *connect.Launch
	}
	values := map[string]any{
		"value": launch, "pointer": &launch, "slice": []connect.Launch{launch}, "pointers": []*connect.Launch{&launch},
		"map": map[string]connect.Launch{"a": launch}, "struct": owner{"jane", launch, &launch},
		"deep": []map[string]any{{"a": []any{launch, &launch}}},
	}
	var texts []string
	for name, v := range values {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "launch", v, slog.Group("g", "launch", v))
		slog.New(slog.NewTextHandler(&log, nil)).Info("made", "launch", v)
		data, err := json.Marshal(v)
		require.NoError(t, err, name)
		texts = append(texts, log.String(), string(data))
		if name == "deep" {
			continue
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t"} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
	}
	data, err := xml.Marshal(launch)
	require.NoError(t, err)
	for _, text := range append(texts, string(data), fmt.Sprint(launch), launch.String()) {
		assert.NotContains(t, text, "canary")
		assert.NotContains(t, strings.ToLower(text), hex.EncodeToString([]byte("canary")))
	}
	assert.Equal(t, "Connect launch: link", launch.String())
	assert.Equal(t, `"Connect launch: link"`, fmt.Sprintf("%q", launch))
}

// A printed handler must not show the users whom it remembers.
func TestHandlerHidesUsers(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	s.post(t, me, "session", "")
	s.post(t, me, "event", `{"name":"open"}`)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		assert.Equal(t, "Connect handler at /connect/", fmt.Sprintf(verb, s.handler))
	}
	data, err := json.Marshal(s.handler)
	require.NoError(t, err)
	assert.JSONEq(t, "{}", string(data))
}
