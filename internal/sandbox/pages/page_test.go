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

// browser is a page of Connect.
type browser struct {
	t     *testing.T
	mk    *fake
	token string
	visit string

	seen, screen int
	name, html   string
	over         bool
	names        []string // names of events
	result       *moneykit.ConnectResult
}

type fields map[string]any

func newBrowser(t *testing.T, mk *fake, token string) *browser {
	t.Helper()
	b := &browser{t: t, mk: mk, token: token, visit: "page"}
	b.do("open", nil)
	return b
}

// do sends a step of the user, as the script of the page does.
func (b *browser) do(action string, values fields) {
	b.t.Helper()
	b.send(map[string]any{"action": action, "values": values})
}

func (b *browser) send(body map[string]any) {
	b.t.Helper()
	body["link_session_token"], body["visit"], body["seen"], body["screen"] = b.token, b.visit, b.seen, b.screen
	data, err := json.Marshal(body)
	require.NoError(b.t, err)
	a := b.mk.ask(b.t, http.MethodPost, "/connect/step", string(data))
	require.Equal(b.t, http.StatusOK, a.Code, a.Body)
	var out struct {
		Screen, Seen int
		Name, HTML   string
		Over         bool
		Messages     []json.RawMessage
	}
	require.NoError(b.t, json.Unmarshal(a.Body.Bytes(), &out))
	b.screen, b.seen, b.name, b.html, b.over = out.Screen, out.Seen, out.Name, out.HTML, out.Over
	for _, raw := range out.Messages {
		var message struct{ Type string }
		require.NoError(b.t, json.Unmarshal(raw, &message))
		if message.Type == "link.event" {
			event, err := moneykit.ParseConnectEvent(raw)
			require.NoError(b.t, err, "%s", raw)
			b.names = append(b.names, string(event.Name))
			continue
		}
		b.result, err = moneykit.ParseConnectResult(raw)
		require.NoError(b.t, err)
		assert.Equal(b.t, moneykit.ConnectWeb, b.result.Source)
	}
}

// accounts returns the ids of the accounts on the screen.
func (b *browser) accounts() (ids []string) {
	for _, part := range strings.Split(b.html, `name="accounts" value="`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		ids = append(ids, id)
	}
	return ids
}

func TestShell(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	for _, path := range []string{"/start", "/relink", "/continue"} {
		query := url.Values{"linkSessionToken": {mk.open(sessionParams())}, "origin": {`https://app.example/"<`}}
		a := mk.ask(t, http.MethodGet, path+"?"+query.Encode(), "")
		assert.Equal(t, http.StatusOK, a.Code)
		assert.Equal(t, "text/html; charset=utf-8", a.Header().Get("Content-Type"))
		assert.Equal(t, "no-referrer", a.Header().Get("Referrer-Policy"))
		assert.Equal(t, "no-store", a.Header().Get("Cache-Control"))
		assert.Contains(t, a.Header().Get("Content-Security-Policy"), "script-src 'self'")
		assert.NotContains(t, a.Body.String(), query.Get("linkSessionToken"), "scripts read it from the URL")
		assert.NotContains(t, a.Body.String(), "app.example")
	}
	for _, path := range []string{"/connect/connect.css", "/connect/connect.js", "/connect/panel.js"} {
		assert.Equal(t, http.StatusOK, mk.ask(t, http.MethodGet, path, "").Code)
	}
}

func TestVisitCredentials(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	b := newBrowser(t, mk, mk.open(sessionParams()))
	assert.Equal(t, "Finder", b.name)
	const tiles = 8 // above the list
	assert.Equal(t, world.InstitutionCount+tiles, strings.Count(b.html, `class="bank" data-action="choose" name="institution"`))
	b.do("search", fields{"search_term": strings.Repeat("x", 100_000)})
	b.do("choose", fields{"institution": "no bank"})
	assert.Equal(t, "Finder", b.name)
	b.do("choose", fields{"institution": world.CredentialsBank})
	assert.Equal(t, "Permissions", b.name)
	b.do("back", nil)
	assert.Equal(t, "Finder", b.name)
	b.do("choose", fields{"institution": world.CredentialsBank})
	b.do("permissions", fields{"products": []string{"transactions"}})
	assert.Equal(t, "Credentials", b.name)
	b.do("credentials", fields{"username": "user_good", "password": "x"})
	assert.Contains(t, b.html, "The user name or the password is wrong")
	b.do("credentials", fields{"username": "user_otp", "password": "pass_good"})
	assert.Equal(t, "OTP Device", b.name)
	b.do("device", fields{"device": "email"})
	assert.Equal(t, "OTP", b.name)
	b.do("otp", fields{"code": "000000"})
	assert.Contains(t, b.html, "This code is wrong")
	b.do("otp", fields{"code": "123456"})
	require.Equal(t, "Accounts", b.name)
	ids := b.accounts()
	require.Len(t, ids, 4)
	b.do("accounts", fields{"accounts": []string{}})
	assert.Contains(t, b.html, "Please choose at least one account")
	before := b.screen
	b.do("accounts", fields{"accounts": ids[1:3]})
	assert.Equal(t, "Success", b.name)
	b.screen = before
	b.do("accounts", fields{"accounts": ids}) // The page resends the step, as if the response was lost.
	assert.Equal(t, "Success", b.name)
	assert.Nil(t, b.result)
	b.do("done", nil)
	assert.True(t, b.over)
	require.NotNil(t, b.result)
	assert.Equal(t, moneykit.ConnectLinked, b.result.Outcome)
	assert.Len(t, b.result.Accounts, 2)
	assert.Len(t, b.names, len(mk.events(t, b.token, moneykit.ConnectWeb)), "each event is posted once")
	link := mk.exchange(t, b.result.ExchangeableToken)
	assert.Equal(t, link, b.result.LinkID)

	params := sessionParams()
	params.ExistingLinkID = link
	b = newBrowser(t, mk, mk.open(params))
	assert.Equal(t, "Reconnect", b.name)
	assert.Contains(t, b.html, "Credentials Bank")
	b.do("acknowledge", nil)
	assert.Equal(t, "Permissions", b.name, "the user can permit the declined products")
	b.do("permissions", nil)
	b.do("credentials", fields{"username": "user_more", "password": "pass_good"})
	assert.Equal(t, "Accounts", b.name)
	assert.Contains(t, b.html, "stays connected")
	b.do("accounts", fields{"accounts": b.accounts()})
	b.do("done", nil)
	require.NotNil(t, b.result)
	assert.Equal(t, moneykit.ConnectRelinked, b.result.Outcome)
	assert.Len(t, b.result.Accounts, 3)
}

func TestVisitFailures(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	for user, want := range map[string][2]string{
		"user_locked": {"locked your login", "moneykittest.locked"},
		"user_down":   {"cannot be reached", "moneykittest.institution_error"},
		"user_none":   {"nothing to share", "moneykittest.no_accounts"},
		"user_setup":  {"needs something from you", "moneykittest.user_setup_required"},
	} {
		b := newBrowser(t, mk, mk.open(sessionParams()))
		b.do("choose", fields{"institution": "chase"})
		b.do("permissions", nil)
		b.do("credentials", fields{"username": user, "password": "pass_good"})
		require.Equal(t, "Error", b.name, user)
		assert.Contains(t, b.html, want[0])
		b.do("retry", nil)
		assert.Equal(t, "Credentials", b.name)
		b.do("credentials", fields{"username": user, "password": "pass_good"})
		b.do("restart", nil)
		assert.Equal(t, "Finder", b.name)
		b.do("choose", fields{"institution": "chase"})
		b.do("permissions", nil)
		b.do("credentials", fields{"username": user, "password": "pass_good"})
		b.do("leave", nil)
		require.NotNil(t, b.result)
		assert.Equal(t, want[1], b.result.Err.ID)
	}
	b := newBrowser(t, mk, mk.open(sessionParams()))
	b.do("leave", nil)
	assert.Nil(t, b.result.Err)
	assert.Equal(t, []string{"open", "change_screen", "exit"}, b.names)
}

// answerBank posts an answer on the page of the OAuth Bank, and returns the status and the target
// of the redirect.
func answerBank(t *testing.T, mk *fake, token, answer string) (int, string) {
	t.Helper()
	a := mk.ask(t, http.MethodPost, "/connect/bank?linkSessionToken="+url.QueryEscape(token), "answer="+answer+"&user=user_good")
	return a.Code, a.Header().Get("Location")
}

func TestVisitBank(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	for answer, want := range map[string]string{"allow": "Accounts", "refuse": "Error"} {
		b := newBrowser(t, mk, mk.open(oauthParams()))
		b.do("permissions", nil)
		assert.Equal(t, "OAuth", b.name)
		b.do("oauth", nil)
		a := mk.ask(t, http.MethodGet, "/connect/bank?linkSessionToken="+b.token, "")
		assert.Contains(t, a.Body.String(), `name="password"`)
		status, returned := answerBank(t, mk, b.token, answer)
		require.Equal(t, http.StatusSeeOther, status)

		b.send(map[string]any{"action": "resume", "redirect_url": returned + "&"})
		assert.Contains(t, b.html, "The way back was not right")
		b.do("retry", nil)
		assert.Equal(t, "OAuth", b.name)
		b.send(map[string]any{"action": "resume", "redirect_url": returned})
		assert.Equal(t, want, b.name)

		other := &browser{t: t, mk: mk, token: b.token, visit: "other page"}
		other.send(map[string]any{"action": "open", "redirect_url": returned})
		assert.Contains(t, other.html, "You have come back already")
		other.send(map[string]any{"action": "leave", "redirect_url": returned})
		assert.Equal(t, "moneykittest.used_return", other.result.Err.ID)
	}

	// The page returns from the bank with a changed URL. The user can go to the bank again.
	b := newBrowser(t, mk, mk.open(oauthParams()))
	b.do("permissions", nil)
	_, returned := answerBank(t, mk, b.token, "allow")
	for range 2 { // The page is loaded again.
		b.send(map[string]any{"action": "open", "redirect_url": returned + "&"})
		assert.Contains(t, b.html, "The way back was not right")
	}
	b.do("retry", nil)
	assert.Equal(t, "OAuth", b.name)
	b.send(map[string]any{"action": "open", "redirect_url": returned})
	assert.Equal(t, "Accounts", b.name)
}

func TestVisitBelongsToOnePage(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	b := newBrowser(t, mk, mk.open(sessionParams()))
	b.do("choose", fields{"institution": world.InstantBank})
	other := &browser{t: t, mk: mk, token: b.token, visit: "other page"}
	other.do("open", nil)
	assert.Contains(t, other.html, "in use already")
	other.do("leave", nil)
	assert.Equal(t, "moneykittest.used_session", other.result.Err.ID)
	assert.Equal(t, []string{"open", "error", "change_screen", "exit"}, other.names)
	b.seen, b.screen = 0, 0
	b.do("open", nil) // The page was loaded again.
	assert.Equal(t, "Permissions", b.name)

	unknown := newBrowser(t, mk, "no such token")
	assert.Contains(t, unknown.html, "not known")
	status, _ := answerBank(t, mk, "x", "allow")
	assert.Equal(t, http.StatusBadRequest, status)
	for _, body := range []string{"", "[]", "{}", strings.Repeat(" ", 1<<20) + "{}"} {
		assert.Equal(t, http.StatusBadRequest, mk.ask(t, http.MethodPost, "/connect/step", body).Code)
	}
}

// If the response to a step is lost, the page resends the step, even if the screen stays the same.
func TestStepIsResent(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	b := newBrowser(t, mk, mk.open(sessionParams()))
	b.do("choose", fields{"institution": world.CredentialsBank})
	b.do("permissions", nil)
	for range 9 { // Five wrong passwords would lock the user out.
		b.send(map[string]any{"action": "credentials", "step": 1, "values": fields{"username": "user_good", "password": "x"}})
		assert.Contains(t, b.html, "The user name or the password is wrong")
	}
	b.send(map[string]any{"action": "credentials", "step": 2, "values": fields{"username": "user_slow", "password": "pass_good"}})
	for range 9 {
		b.send(map[string]any{"action": "poll", "step": 3})
		b.send(map[string]any{"action": "poll", "step": 1}) // This step arrives late.
		assert.Equal(t, "Waiting", b.name)
	}
	b.send(map[string]any{"action": "poll", "step": 4})
	b.send(map[string]any{"action": "poll", "step": 5})
	assert.Equal(t, "Accounts", b.name)
	assert.Equal(t, []string{
		"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen",
		"submit_credentials", "error", "submit_credentials", "change_screen", "change_screen",
	}, b.names)

	b = newBrowser(t, mk, mk.open(oauthParams()))
	b.do("permissions", nil)
	_, returned := answerBank(t, mk, b.token, "allow")
	for range 2 {
		b.send(map[string]any{"action": "resume", "step": 1, "redirect_url": returned + "&"})
		assert.Contains(t, b.html, "The way back was not right")
		assert.Contains(t, b.html, "Try again")
	}
	b.do("retry", nil)
	other := &browser{t: t, mk: mk, token: b.token, visit: "other page"}
	other.send(map[string]any{"action": "open", "redirect_url": returned})
	assert.Equal(t, "Accounts", other.name)
	other.send(map[string]any{"action": "accounts", "step": 1, "values": fields{"accounts": other.accounts()}})
	assert.Equal(t, "Success", other.name, "each page counts its own steps")
}
