package moneykittest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// step does what a page of Connect does and reads the messages that it is to post: the names of the
// events, and the result.
func step(t *testing.T, mk *moneykittest.Server, body map[string]any) ([]string, *moneykit.ConnectResult) {
	t.Helper()
	data, err := json.Marshal(body)
	require.NoError(t, err)
	a := ask(t, mk, http.MethodPost, "/connect/play", string(data), "X-Client-Id:", "X-Client-Secret:")
	require.Equal(t, http.StatusOK, a.status)
	var messages []json.RawMessage
	require.NoError(t, json.Unmarshal(a.body, &messages))
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
func answerBank(t *testing.T, mk *moneykittest.Server, token, answer string) (int, string) {
	t.Helper()
	a := ask(t, mk, http.MethodPost, "/connect/bank?linkSessionToken="+url.QueryEscape(token), "answer="+answer, form()...)
	return a.status, a.header.Get("Location")
}

func TestPages(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	client := mk.Client()
	broken := mk.AddLink(moneykittest.LinkSpec{InstitutionID: moneykittest.CredentialsBank, Error: moneykit.LinkErrorAuthExpired})
	relink := sessionParams()
	relink.ExistingLinkID = broken.ID
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
			query := url.Values{"linkSessionToken": {open(t, client, tt.params)}, "origin": {`https://app.example/"<`}}
			a := ask(t, mk, http.MethodGet, tt.path+"?"+query.Encode(), "", "X-Client-Id:", "X-Client-Secret:")
			assert.Equal(t, http.StatusOK, a.status)
			assert.Equal(t, "text/html; charset=utf-8", a.header.Get("Content-Type"))
			assert.Equal(t, "no-referrer", a.header.Get("Referrer-Policy"))
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
			assert.Equal(t, len(tt.banks), strings.Count(string(a.body), "<option"))
			for _, bank := range tt.banks {
				assert.Contains(t, string(a.body), ">"+bank+"</option>")
			}
			assert.NotContains(t, string(a.body), query.Get("linkSessionToken"), "scripts read it from the URL")
			assert.NotContains(t, string(a.body), "app.example")
		})
	}
	t.Run("the bank", func(t *testing.T) {
		t.Parallel()
		a := ask(t, mk, http.MethodGet, "/connect/bank", "")
		assert.Equal(t, http.StatusOK, a.status)
		assert.Contains(t, string(a.body), `value="allow"`)
	})
	t.Cleanup(func() { assert.Empty(t, tb.errors) })
}

func TestPagesPlay(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()

	token := open(t, client, sessionParams())
	names, result := step(t, mk, map[string]any{"linkSessionToken": token, "institution": "moneykit-creds-bank", "username": "user_good"})
	assert.Equal(t, moneykit.ConnectLinked, result.Outcome)
	assert.Equal(t, moneykittest.CredentialsBank, result.Institution.ID)
	assert.Len(t, names, len(mk.ConnectEvents(token, moneykit.ConnectWeb)))
	link, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
	require.NoError(t, err)
	assert.Equal(t, link.ID, result.LinkID)

	params := sessionParams()
	params.ExistingLinkID = link.ID
	_, result = step(t, mk, map[string]any{"linkSessionToken": open(t, client, params)})
	assert.Equal(t, moneykit.ConnectRelinked, result.Outcome)
	assert.Equal(t, link.ID, result.LinkID)

	names, result = step(t, mk, map[string]any{"linkSessionToken": open(t, client, sessionParams()), "leave": true})
	assert.Equal(t, moneykit.ConnectExited, result.Outcome)
	assert.Nil(t, result.Err)
	assert.Equal(t, []string{"open", "change_screen", "exit"}, names)

	_, result = step(t, mk, map[string]any{
		"linkSessionToken": open(t, client, sessionParams()), "institution": "moneykit-creds-bank", "username": "user_bad",
	})
	assert.Equal(t, "moneykittest.invalid_credentials", result.Err.ID)

	// To the bank and back.
	for answer, want := range map[string]moneykit.ConnectOutcome{"allow": moneykit.ConnectLinked, "refuse": moneykit.ConnectExited} {
		token := open(t, client, sessionParams())
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
	assert.Len(t, operations(mk), 3, "the pages are no operations")
}

func TestPageMistakes(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	_, result := step(t, mk, map[string]any{"linkSessionToken": "no such token"})
	assert.Equal(t, "moneykittest.unknown_session", result.Err.ID)
	status, location := answerBank(t, mk, "no such token", "allow")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Empty(t, location)
	require.Len(t, tb.errors, 2)
	assert.Contains(t, tb.errors[0], "the page of Connect: the link session token is unknown")
	assert.Contains(t, tb.errors[1], "the page of the OAuth Bank: the link session token is unknown")
	for _, body := range []string{"", "[]", strings.Repeat(" ", 1<<20) + "{}"} {
		assert.Equal(t, http.StatusBadRequest, ask(t, mk, http.MethodPost, "/connect/play", body).status)
	}
	assert.Len(t, tb.errors, 2)
}
