package moneykittest_test

import (
	"encoding/json"
	"fmt"
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

func refreshed(product moneykit.Product) string {
	return fmt.Sprintf(`{"product":%q,"state":"completed","state_changed_at":"then","webhook_event":"link.product_refresh"}`, product)
}

// TestEvents lets a link live and reads what its webhook is told.
func TestEvents(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, stopped(), moneykittest.WithReceiver(in), moneykittest.WithRefreshDelay(time.Minute))
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook, Tags: []string{"a", "b"}})
	relink := func(exit bool) {
		token := open(t, client, moneykit.LinkSessionParams{
			CustomerUser: moneykit.CustomerUser{ID: "user-42"}, RedirectURI: "https://app.example/oauth",
			ExistingLinkID: link.ID, Webhook: hook, Tags: []string{"a", "b"},
		})
		play(t, mk, token, moneykittest.Play{Leave: exit})
	}
	steps := []struct {
		name string
		do   func() error
		want []string
	}{
		{"nothing", func() error { return nil }, nil},
		{"break", func() error { mk.Break(link.ID, moneykit.LinkErrorAuthExpired); return nil }, []string{expiredEvent}},
		{"break again", func() error { mk.Break(link.ID, moneykit.LinkErrorAuthExpired); return nil }, nil},
		{"mend", func() error { mk.Break(link.ID, ""); return nil }, []string{connectedEvent}},
		{"reset", func() error { _, err := client.Links.Reset(t.Context(), link.ID); return err }, []string{expiredEvent}},
		{"relink that is left", func() error { relink(true); return nil }, nil},
		{"relink", func() error { relink(false); return nil }, []string{connectedEvent}},
		{"relink of a good link", func() error { relink(false); return nil }, nil},
		{
			"refresh by the bank",
			func() error {
				mk.Refresh(link.ID, moneykit.ProductTransactions, moneykit.ProductAccounts, moneykit.ProductAccounts)
				return nil
			},
			[]string{refreshed(moneykit.ProductAccounts), refreshed(moneykit.ProductTransactions), updatesEvent},
		},
		{
			"refresh that is asked for",
			func() error {
				_, err := client.Products.Refresh(t.Context(), link.ID, []moneykit.Product{moneykit.ProductInvestments, moneykit.ProductIdentity})
				return err
			},
			nil,
		},
		{"and done", func() error { mk.Advance(time.Minute); return nil }, []string{refreshed(moneykit.ProductIdentity), refreshed(moneykit.ProductInvestments)}},
		{
			"refresh that fails",
			func() error {
				_, err := client.Products.Refresh(t.Context(), link.ID, []moneykit.Product{moneykit.ProductIdentity, moneykit.ProductIdentity})
				mk.Break(link.ID, moneykit.LinkErrorInstitutionError)
				mk.Advance(time.Minute)
				return err
			},
			[]string{
				`{"error":"institution_error","error_message":"the link cannot be used: institution_error","state":"error","webhook_event":"link.state_changed"}`,
				`{"error_message":"the refresh failed: institution_error","product":"identity","state":"failed","state_changed_at":"then","webhook_event":"link.product_refresh"}`,
			},
		},
		{"mend again", func() error { mk.Break(link.ID, ""); return nil }, []string{connectedEvent}},
		{"new", func() error { mk.AddTransactions(link.ID, moneykit.Transaction{ID: "txn_mine"}); return nil }, []string{updatesEvent}},
		{"changed", func() error { mk.UpdateTransaction(link.ID, moneykit.Transaction{ID: "txn_mine"}); return nil }, []string{updatesEvent}},
		{
			"corrected",
			func() error {
				_, err := client.Transactions.CorrectEnrichment(t.Context(), link.ID, "txn_mine", moneykit.EnrichmentParams{Category: moneykit.CategoryBanking})
				return err
			},
			[]string{updatesEvent},
		},
		{"removed", func() error { mk.RemoveTransaction(link.ID, "txn_mine"); return nil }, []string{updatesEvent}},
		{"settled", func() error { mk.Settle(link.ID); return nil }, []string{updatesEvent}},
		{"nothing to settle", func() error { mk.Settle(link.ID); return nil }, nil},
		{"other cursors", func() error { mk.ResetCursors(link.ID); return nil }, nil},
		{"read", func() error { mk.Transactions(link.ID); return nil }, nil},
		{"deleted", func() error { return client.Links.Delete(t.Context(), link.ID) }, []string{deletedEvent}},
	}
	keys := map[any]bool{}
	for _, step := range steps {
		require.NoError(t, step.do(), step.name)
		mk.Deliver()
		var got []string
		for _, p := range in.take() {
			got = append(got, p.own(t))
			event := p.event(t)
			assert.Equal(t, link.ID, event["link_id"])
			assert.Equal(t, []any{"a", "b"}, event["link_tags"])
			at, err := moneykit.ParseTimestamp(event["webhook_timestamp"].(string))
			require.NoError(t, err)
			assert.WithinRange(t, at.Time, mk.Now().Add(-time.Minute-time.Second), mk.Now())
			assert.False(t, keys[event["webhook_idempotency_key"]])
			keys[event["webhook_idempotency_key"]] = true
		}
		assert.Equal(t, step.want, got, step.name)
	}
}

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
