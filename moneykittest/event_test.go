package moneykittest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const (
	connectedEvent = `{"state":"connected","webhook_event":"link.state_changed"}`
	expiredEvent   = `{"error":"auth_expired","error_message":"the link cannot be used: auth_expired","state":"error","webhook_event":"link.state_changed"}`
	deletedEvent   = `{"state":"deleted","webhook_event":"link.state_changed"}`
	updatesEvent   = `{"has_history":true,"webhook_event":"transactions.updates_available"}`
)

func TestEventsOfANewLink(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, moneykittest.WithReceiver(in), moneykittest.WithProductStateChanged())
	params := sessionParams()
	params.Webhook = hook
	params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.ProductsSettings{Transactions: &moneykit.ProductSettings{}}}
	link := connect(t, mk, params, moneykittest.Play{})
	mk.Deliver()
	posts := in.take()
	require.Len(t, posts, 1)
	assert.JSONEq(t, connectedEvent, posts[0].own(t))
	assert.Equal(t, []any{}, posts[0].event(t)["link_tags"])

	// The first refresh brings the past. The event has its other name.
	test := moneykit.TestWebhookParams{Event: moneykit.EventTypeTransactionsUpdatesAvailable, IdempotencyKey: "key"}
	_, err := mk.Client().Webhooks.SendTest(t.Context(), link.ID, test)
	require.NoError(t, err)
	mk.Refresh(link.ID, moneykit.ProductTransactions)
	mk.Deliver()
	posts = in.take()
	require.Len(t, posts, 3)
	assert.JSONEq(t, `{"has_history":false,"webhook_event":"transactions.updates_available"}`, posts[0].own(t))
	assert.Equal(t, "product.state_changed", posts[1].event(t)["webhook_event"])
	assert.JSONEq(t, updatesEvent, posts[2].own(t))

	// Without a webhook there are no events, and those before go where it was.
	mk.Break(link.ID, moneykit.LinkErrorUserError)
	_, err = mk.Client().Links.Update(t.Context(), link.ID, moneykit.LinkUpdateParams{Webhook: moneykit.Clear[string]()})
	require.NoError(t, err)
	mk.Break(link.ID, "")
	mk.Deliver()
	posts = in.take()
	require.Len(t, posts, 1)
	assert.Equal(t, "app.example/hooks?tenant=1", posts[0].url)
	assert.Len(t, mk.Deliveries(), 5)
}

func TestEventsOfAnImport(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, moneykittest.WithReceiver(in))
	client := mk.Client()
	link, err := client.Links.Import(t.Context(), moneykit.LinkImportParams{
		CustomerUser: moneykit.CustomerUser{ID: "user-42"}, InstitutionID: moneykittest.InstantBank,
		Accounts: []moneykit.AccountImport{{ID: "mine", Type: "other", Name: "Wallet"}},
	})
	require.NoError(t, err)
	_, err = client.Links.Update(t.Context(), link.ID, moneykit.LinkUpdateParams{Webhook: moneykit.Set(hook)})
	require.NoError(t, err)
	for _, rows := range []string{
		`[]`, `[{"account_id":"mine","amount":"1","date":"2026-01-02"}]`,
	} {
		require.Equal(t, 200, ask(t, mk, "POST", "/links/"+link.ID+"/import/transactions", `{"transactions":`+rows+`}`).status)
	}
	mk.Deliver()
	posts := in.take()
	require.Len(t, posts, 1)
	assert.JSONEq(t, updatesEvent, posts[0].own(t))
}

func TestSendTest(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, moneykittest.WithReceiver(in))
	broken := moneykit.LinkErrorAuthExpired
	whole := mk.AddLink(moneykittest.LinkSpec{Webhook: hook})
	mk.Advance(time.Hour)
	_, err := mk.Client().Webhooks.SendTest(t.Context(), whole.ID, moneykit.TestWebhookParams{
		Event: moneykit.EventTypeLinkProductRefresh, IdempotencyKey: "my key",
	})
	require.NoError(t, err)
	mk.Deliver()
	at, err := moneykit.ParseTimestamp(in.take()[0].event(t)["state_changed_at"].(string))
	require.NoError(t, err)
	assert.True(t, at.Equal(whole.Products.Accounts.RefreshedAt.Time))

	link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook, Error: broken, Products: []moneykit.Product{}, NotPermitted: []moneykit.Product{moneykit.ProductAccounts}})
	for event, want := range map[moneykit.EventType]string{
		moneykit.EventTypeLinkStateChanged:             expiredEvent,
		moneykit.EventTypeLinkProductRefresh:           refreshed(moneykit.ProductAccounts),
		moneykit.EventTypeProductStateChanged:          `{"product":"accounts","state":"completed","state_changed_at":"then","webhook_event":"product.state_changed"}`,
		moneykit.EventTypeTransactionsUpdatesAvailable: `{"webhook_event":"transactions.updates_available"}`,
	} {
		sent, err := mk.Client().Webhooks.SendTest(t.Context(), link.ID, moneykit.TestWebhookParams{Event: event, IdempotencyKey: "my key"})
		require.NoError(t, err)
		deliveries := mk.Deliver()
		require.Len(t, deliveries, 1)
		posts := in.take()
		require.Len(t, posts, 1)
		assert.Equal(t, sent.Token, posts[0].header.Get("MoneyKit-Delivery-Token"))
		assert.Equal(t, sent.Token, deliveries[0].Token)
		assert.Equal(t, "my key", deliveries[0].IdempotencyKey)
		assert.Equal(t, "my key", posts[0].event(t)["webhook_idempotency_key"])
		assert.Equal(t, want, posts[0].own(t))
	}
}

// A clock that no body can be written with does no harm.
func TestEventBeyondTime(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk, _ := newFake(t, moneykittest.WithReceiver(in), moneykittest.WithClock(func() time.Time { return time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC) }))
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook, Accounts: []moneykit.Account{}})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	for _, d := range mk.Deliveries() {
		assert.True(t, json.Valid(d.Body))
	}
}
