package moneykittest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestExitLeavesNothing(t *testing.T) {
	t.Parallel()
	mk, other := moneykittest.NewServer(t), moneykittest.NewServer(t)
	params := sessionParams()
	params.ConnectFeatures = &moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true}
	params.CustomSandboxData = &moneykit.CustomSandboxData{}
	exited := play(t, mk, open(t, mk.Client(), params), moneykittest.Play{Username: "user_custom"})
	assert.Equal(t, moneykit.ConnectExited, exited.Outcome)
	play(t, mk, open(t, mk.Client(), params), moneykittest.Play{Exit: &moneykit.ConnectError{}})
	play(t, mk, open(t, mk.Client(), params), moneykittest.Play{Leave: true})
	// The other server knows the IDs that links have.
	for range 3 {
		_, err := mk.Client().Links.Get(t.Context(), other.AddLink(moneykittest.LinkSpec{}).ID)
		isError(t, err, moneykit.ErrNotFound, 404)
	}
}

func TestConnectUnknown(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	result := play(t, mk, "no such token", moneykittest.Play{})
	assert.Equal(t, "moneykittest.unknown_session", result.Err.ID)
	require.Len(t, tb.errors, 1)
	assert.NotContains(t, tb.errors[0], "no such token")

	result, err := moneykit.ParseConnectResult(mk.Connect(open(t, mk.Client(), sessionParams()), "windows_phone", moneykittest.Play{}))
	require.NoError(t, err)
	assert.Equal(t, moneykit.ConnectWeb, result.Source)
	assert.Len(t, tb.errors, 2)

	result, err = moneykit.ParseConnectResult(mk.Connect(open(t, mk.Client(), sessionParams()), "", moneykittest.Play{}))
	require.NoError(t, err)
	assert.Equal(t, moneykit.ConnectWeb, result.Source)
	assert.Len(t, tb.errors, 2)

	// A server outside a test reports nothing.
	free := moneykittest.New()
	defer free.Close()
	assert.Equal(t, "moneykittest.unknown_session", play(t, free, "no such token", moneykittest.Play{}).Err.ID)
}

func TestRelink(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{
		InstitutionID: moneykittest.CredentialsBank, Error: moneykit.LinkErrorAuthExpired,
		Webhook: "https://app.example/old", Tags: []string{"old"}, Products: []moneykit.Product{moneykit.ProductIdentity},
	})
	params := sessionParams()
	params.ExistingLinkID = link.ID
	params.InstitutionID = "ignored"
	params.Webhook, params.Tags = "https://app.example/new", []string{"new"}

	// Opening the session replaces the webhook and the tags; Connect does the rest.
	token := open(t, client, params)
	got, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateError, got.State)
	assert.Equal(t, "https://app.example/new", got.Webhook)
	assert.Equal(t, []string{"new"}, got.Tags)
	_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	e := isError(t, err, moneykit.ErrRelinkRequired, 422)
	assert.Equal(t, moneykit.LinkErrorAuthExpired, e.LinkError)

	// A failure and an exit do not change the link.
	bad := play(t, mk, open(t, client, params), moneykittest.Play{Username: "user_bad"})
	assert.Equal(t, "moneykittest.invalid_credentials", bad.Err.ID)
	assert.Nil(t, play(t, mk, open(t, client, params), moneykittest.Play{Leave: true}).Err)
	got, err = client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateError, got.State)

	result := play(t, mk, token, moneykittest.Play{})
	assert.Equal(t, moneykit.ConnectRelinked, result.Outcome)
	assert.Empty(t, result.ExchangeableToken)
	assert.Equal(t, link.ID, result.LinkID)
	got, err = client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateConnected, got.State)
	assert.Empty(t, got.Error)
	assert.NotNil(t, got.Products.Transactions, "new products are added")
	assert.Equal(t, link.Products.Identity, got.Products.Identity, "old ones stay")

	// The relink removes settings that it does not repeat.
	params.Webhook, params.Tags = "", nil
	open(t, client, params)
	got, err = client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Empty(t, got.Webhook)
	assert.Empty(t, got.Tags)

	// A link that is deleted meanwhile cannot be relinked, nor can a link that does not exist.
	token = open(t, client, params)
	require.NoError(t, client.Links.Delete(t.Context(), link.ID))
	assert.Equal(t, "moneykittest.link_deleted", play(t, mk, token, moneykittest.Play{}).Err.ID)
	for _, id := range []string{link.ID, "mk_unknown"} {
		params.ExistingLinkID = id
		_, err = client.LinkSessions.Create(t.Context(), params)
		isError(t, err, moneykit.ErrorCodeLinkSessionForbiddenConfig, 403)
	}
}

// connectEvents reads the events of a session.
func connectEvents(t *testing.T, mk *moneykittest.Server, token string, source moneykit.ConnectSource) []*moneykit.ConnectEvent {
	t.Helper()
	var all []*moneykit.ConnectEvent
	for _, data := range mk.ConnectEvents(token, source) {
		e, err := moneykit.ParseConnectEvent(data)
		require.NoError(t, err, "%s", data)
		all = append(all, e)
	}
	return all
}

func TestConnectEvents(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	token := open(t, mk.Client(), oauthParams())
	assert.Empty(t, mk.ConnectEvents(token, ""))
	returned := mk.Authorize(token, moneykittest.Play{})
	assert.Len(t, connectEvents(t, mk, token, moneykit.ConnectIOS), 5)
	mk.Continue(token, returned, "", moneykittest.Play{})
	before := mk.ConnectEvents(token, "")
	assert.Len(t, before, 9)
	require.Empty(t, tb.errors)
	mk.Connect(token, "", moneykittest.Play{})
	assert.Equal(t, before, mk.ConnectEvents(token, ""), "a token that is used again adds nothing")

	tb.errors = nil
	assert.Nil(t, mk.ConnectEvents("no such token", moneykit.ConnectWeb))
	assert.Nil(t, mk.ConnectEvents(token, "windows_phone"))
	require.Len(t, tb.errors, 2)
	assert.Contains(t, tb.errors[0], "ConnectEvents: the link session token is unknown")
	assert.Contains(t, tb.errors[1], `ConnectEvents: there is no source "windows_phone"`)
}

// Connect's pages are served next to the API, but are not operations of it.
func TestConnectPages(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	token := open(t, mk.Client(), sessionParams())
	a := ask(t, mk, http.MethodGet, "/start?linkSessionToken="+token, "")
	assert.Equal(t, 200, a.status)
	assert.Contains(t, string(a.body), "Connect your bank")
	step := ask(t, mk, http.MethodPost, "/connect/step", `{"link_session_token":"`+token+`","visit":"page","action":"open"}`)
	assert.Equal(t, 200, step.status)
	assert.Contains(t, string(step.body), "Credentials Bank")
	assert.Equal(t, map[string]int{"create_access_token": 1, "create_link_session": 1}, operations(mk))
	step = ask(t, mk, http.MethodPost, "/connect/step", `{"link_session_token":"unknown","visit":"page","action":"open"}`)
	assert.Equal(t, 200, step.status, "users see what is wrong")
	assert.Contains(t, string(step.body), "This session is not known")
	assert.Empty(t, tb.errors)
}
