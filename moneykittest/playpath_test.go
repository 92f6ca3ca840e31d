package moneykittest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// versions are the platforms and versions of Connect that the server plays.
func versions() map[moneykit.ConnectSource][]string {
	return map[moneykit.ConnectSource][]string{
		moneykit.ConnectWeb:         {"", "0.3.28", "0.3.16"},
		moneykit.ConnectIOS:         {"", "1.10.7", "1.1", "2.0"},
		moneykit.ConnectAndroid:     {"", "0.4.2"},
		moneykit.ConnectReactNative: {"", "2.9.0", "2.9.0-ios", "2.9.0-android", "3-ios", "3-android"},
	}
}

// TestEachVersionOfConnect links, relinks and exits with each version, and finishes each result.
func TestEachVersionOfConnect(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	for source, list := range versions() {
		for _, version := range list {
			t.Run(string(source)+" "+version, func(t *testing.T) {
				t.Parallel()
				user := "user_" + string(source) + version
				params := moneykit.LinkSessionParams{
					CustomerUser: moneykit.CustomerUser{ID: user}, RedirectURI: "https://app.example/oauth",
				}
				finish := func(play moneykittest.Play, linkID string) (*moneykit.Link, error) {
					play.Version = version
					params.ExistingLinkID = linkID
					session, err := client.LinkSessions.Create(t.Context(), params)
					require.NoError(t, err)
					payload := mk.Connect(session.Token, source, play)
					result, err := moneykit.ParseConnectResult(payload)
					require.NoError(t, err, "%s", payload)
					for _, event := range mk.ConnectEvents(session.Token, source) {
						_, err := moneykit.ParseConnectEvent(event)
						require.NoError(t, err, "%s", event)
					}
					return client.LinkSessions.Finish(t.Context(), moneykit.FinishParams{Result: result, UserID: user, LinkID: linkID})
				}
				_, err := finish(moneykittest.Play{Leave: true}, "")
				require.ErrorIs(t, err, moneykit.ErrConnectExited)
				_, err = finish(moneykittest.Play{Exit: &moneykit.ConnectError{ID: "e", DisplayedMessage: "No."}}, "")
				require.ErrorIs(t, err, moneykit.ErrConnectExited)
				link, err := finish(moneykittest.Play{}, "")
				if version == "2.0" {
					require.ErrorContains(t, err, "must have the exchangeable token")
					return
				}
				require.NoError(t, err)
				mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
				again, err := finish(moneykittest.Play{}, link.ID)
				require.NoError(t, err)
				assert.Equal(t, link.ID, again.ID)
			})
		}
	}
}

// TestPlayPath gets the payloads of a phone over HTTP.
func TestPlayPath(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	post := func(body string) (int, []byte) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, mk.URL()+moneykittest.PlayPath, strings.NewReader(body))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		var answer bytes.Buffer
		_, err = answer.ReadFrom(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
		return resp.StatusCode, answer.Bytes()
	}
	session, err := client.LinkSessions.Create(t.Context(), moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"}, RedirectURI: "https://app.example/oauth",
	})
	require.NoError(t, err)
	status, body := post(`{"link_session_token":"` + session.Token + `","source":"react_native","play":{"version":"3-android"}}`)
	require.Equal(t, http.StatusOK, status)
	var answer struct{ Result, Events json.RawMessage }
	require.NoError(t, json.Unmarshal(body, &answer))
	assert.Regexp(t, `"linkIdentifier":{"value":"mk_`, string(answer.Result))
	assert.Regexp(t, `^\[{"name":"open"`, string(answer.Events))
	result, err := moneykit.ParseConnectResult(answer.Result)
	require.NoError(t, err)
	_, err = client.LinkSessions.Finish(t.Context(), moneykit.FinishParams{Result: result, UserID: "user_0001"})
	require.NoError(t, err)
	for _, bad := range []string{
		"", "[]", `{"play":7}`, `{"source":"windows"}`, `{"source":"ios","play":{"version":"9"}}`, `{"other":1}`,
		`{} {}`, `{"source":"web"}x`,
	} {
		status, body := post(bad)
		assert.Equal(t, http.StatusUnprocessableEntity, status, bad)
		assert.Contains(t, string(body), "error_message")
	}
}
