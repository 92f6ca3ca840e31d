package pages_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// step does what a page of Connect does and reads the messages that it is to post: the names of the
// events, and the result.
func step(t *testing.T, mk *fake, body map[string]any) ([]string, *moneykit.ConnectResult) {
	t.Helper()
	data, err := json.Marshal(body)
	require.NoError(t, err)
	a := mk.ask(t, http.MethodPost, "/connect/play", string(data))
	require.Equal(t, http.StatusOK, a.Code)
	var messages []json.RawMessage
	require.NoError(t, json.Unmarshal(a.Body.Bytes(), &messages))
	require.NotEmpty(t, messages)
	var names []string
	for i, raw := range messages {
		var message map[string]any
		require.NoError(t, json.Unmarshal(raw, &message))
		assert.Equal(t, true, message["moneykit"])
		assert.Len(t, message, 3)
		if i < len(messages)-1 {
			event, err := moneykit.ParseConnectEvent(raw)
			require.NoError(t, err, "%s", raw)
			names = append(names, string(event.Name))
		}
	}
	result, err := moneykit.ParseConnectResult(messages[len(messages)-1])
	require.NoError(t, err)
	assert.Equal(t, moneykit.ConnectWeb, result.Source)
	return names, result
}

// answerBank answers on the page of the OAuth Bank and returns where it leads.
func answerBank(t *testing.T, mk *fake, token, answer string) (int, string) {
	t.Helper()
	a := mk.ask(t, http.MethodPost, "/connect/bank?linkSessionToken="+url.QueryEscape(token), "answer="+answer)
	return a.Code, a.Header().Get("Location")
}

func TestPages(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	broken := mk.addLink(world.LinkSpec{InstitutionID: world.CredentialsBank, Error: moneykit.LinkErrorAuthExpired})
	relink := sessionParams()
	relink.ExistingLinkID = broken
	for name, tt := range map[string]struct {
		path   string
		params moneykit.LinkSessionParams
		banks  []string
	}{
		"start":       {"/start", sessionParams(), []string{"Instant Bank", "Credentials Bank", "OAuth Bank"}},
		"at the bank": {"/start", oauthParams(), []string{"OAuth Bank"}},
		"relink":      {"/relink", relink, []string{"Credentials Bank"}},
		"continue":    {"/continue", oauthParams(), []string{"OAuth Bank"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query := url.Values{"linkSessionToken": {mk.open(tt.params)}, "origin": {`https://app.example/"<`}}
			a := mk.ask(t, http.MethodGet, tt.path+"?"+query.Encode(), "")
			assert.Equal(t, http.StatusOK, a.Code)
			assert.Equal(t, "text/html; charset=utf-8", a.Header().Get("Content-Type"))
			assert.Equal(t, "no-referrer", a.Header().Get("Referrer-Policy"))
			assert.Equal(t, "no-store", a.Header().Get("Cache-Control"))
			assert.Equal(t, len(tt.banks), strings.Count(a.Body.String(), "<option"))
			for _, bank := range tt.banks {
				assert.Contains(t, a.Body.String(), ">"+bank+"</option>")
			}
			assert.NotContains(t, a.Body.String(), query.Get("linkSessionToken"), "scripts read it from the URL")
			assert.NotContains(t, a.Body.String(), "app.example")
		})
	}
	t.Run("the bank", func(t *testing.T) {
		t.Parallel()
		a := mk.ask(t, http.MethodGet, "/connect/bank", "")
		assert.Equal(t, http.StatusOK, a.Code)
		assert.Contains(t, a.Body.String(), `value="allow"`)
	})
	t.Cleanup(func() { assert.Empty(t, mk.errors) })
}

func TestPagesPlay(t *testing.T) {
	t.Parallel()
	mk := newFake(t)

	token := mk.open(sessionParams())
	names, result := step(t, mk, map[string]any{"linkSessionToken": token, "institution": "moneykit-creds-bank", "username": "user_good"})
	assert.Equal(t, moneykit.ConnectLinked, result.Outcome)
	assert.Equal(t, world.CredentialsBank, result.Institution.ID)
	assert.Len(t, names, len(mk.events(t, token, moneykit.ConnectWeb)))
	link := mk.exchange(t, result.ExchangeableToken)
	assert.Equal(t, link, result.LinkID)

	params := sessionParams()
	params.ExistingLinkID = link
	_, result = step(t, mk, map[string]any{"linkSessionToken": mk.open(params)})
	assert.Equal(t, moneykit.ConnectRelinked, result.Outcome)
	assert.Equal(t, link, result.LinkID)

	names, result = step(t, mk, map[string]any{"linkSessionToken": mk.open(sessionParams()), "leave": true})
	assert.Equal(t, moneykit.ConnectExited, result.Outcome)
	assert.Nil(t, result.Err)
	assert.Equal(t, []string{"open", "change_screen", "exit"}, names)

	_, result = step(t, mk, map[string]any{
		"linkSessionToken": mk.open(sessionParams()), "institution": "moneykit-creds-bank", "username": "user_bad",
	})
	assert.Equal(t, "moneykittest.invalid_credentials", result.Err.ID)

	// To the bank and back.
	for answer, want := range map[string]moneykit.ConnectOutcome{"allow": moneykit.ConnectLinked, "refuse": moneykit.ConnectExited} {
		token := mk.open(sessionParams())
		status, returned := answerBank(t, mk, token, answer)
		require.Equal(t, http.StatusSeeOther, status)
		parsed, err := moneykit.ParseOAuthReturn("https://app.example/oauth", returned)
		require.NoError(t, err)
		_, result := step(t, mk, map[string]any{"linkSessionToken": token, "redirectURL": parsed.ContinueURL()})
		assert.Equal(t, want, result.Outcome)
		names, result := step(t, mk, map[string]any{"linkSessionToken": token, "redirectURL": parsed.ContinueURL()})
		assert.Equal(t, "moneykittest.used_return", result.Err.ID)
		assert.Empty(t, names, "events are posted once")
	}
}

func TestPageMistakes(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	_, result := step(t, mk, map[string]any{"linkSessionToken": "no such token"})
	assert.Equal(t, "moneykittest.unknown_session", result.Err.ID)
	status, location := answerBank(t, mk, "no such token", "allow")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Empty(t, location)
	require.Len(t, mk.errors, 2)
	assert.Contains(t, mk.errors[0], "the page of Connect: the link session token is unknown")
	assert.Contains(t, mk.errors[1], "the page of the OAuth Bank: the link session token is unknown")
	for _, body := range []string{"", "[]", strings.Repeat(" ", 1<<20) + "{}"} {
		assert.Equal(t, http.StatusBadRequest, mk.ask(t, http.MethodPost, "/connect/play", body).Code)
	}
	assert.Len(t, mk.errors, 2)
}
