package moneykittest_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const (
	connectedEvent = `{"state":"connected","webhook_event":"link.state_changed"}`
	expiredEvent   = `{"error":"auth_expired","error_message":"the link cannot be used: auth_expired",` +
		`"state":"error","webhook_event":"link.state_changed"}`
	deletedEvent = `{"state":"deleted","webhook_event":"link.state_changed"}`
	updatesEvent = `{"has_history":true,"webhook_event":"transactions.updates_available"}`
)

// TestWebhookFlow receives the server's webhooks with the SDK.
func TestWebhookFlow(t *testing.T) {
	t.Parallel()
	var endpoint http.Handler
	mk := moneykittest.NewServer(t, stopped(), moneykittest.WithReceiver(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		endpoint.ServeHTTP(w, r)
	})))
	client := mk.Client(moneykit.WithLogger(slog.New(slog.DiscardHandler)))
	var events []moneykit.Event
	var fail error
	endpoint = client.Webhooks.Handler(func(ctx context.Context, e moneykit.Event) error {
		if fail != nil {
			return fail
		}
		if _, err := client.Links.Get(ctx, e.Meta().LinkID); err != nil {
			return err
		}
		events = append(events, e)
		return nil
	})
	// next delivers and returns the only event.
	next := func() moneykit.Event {
		delivered := mk.Deliver()
		require.Len(t, delivered, 1)
		require.Len(t, events, 1)
		e := events[0]
		events = nil
		d := delivered[0]
		assert.Equal(t, moneykittest.DeliveryDone, d.State)
		assert.Equal(t, http.StatusNoContent, d.Attempts[len(d.Attempts)-1].Status)
		assert.Equal(t, d.Token, e.Meta().DeliveryToken)
		assert.Equal(t, len(d.Attempts), e.Meta().DeliveryAttempt)
		assert.Equal(t, d.IdempotencyKey, e.Meta().IdempotencyKey)
		assert.Equal(t, d.Body, e.Meta().Raw)
		assert.Equal(t, d.LinkID, e.Meta().LinkID)
		return e
	}
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook, Tags: []string{"a"}})

	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	broken, ok := next().(*moneykit.LinkStateChanged)
	require.True(t, ok)
	assert.Equal(t, moneykit.LinkStateError, broken.State)
	assert.Equal(t, moneykit.LinkErrorAuthExpired, broken.Error)
	assert.NotEmpty(t, broken.ErrorMessage)
	assert.Equal(t, []string{"a"}, broken.LinkTags)
	assert.Equal(t, 1, broken.Major)

	mk.Break(link.ID, "")
	next()
	mk.Refresh(link.ID, moneykit.ProductIdentity)
	refresh, ok := next().(*moneykit.ProductRefreshed)
	require.True(t, ok)
	assert.Equal(t, moneykit.ProductIdentity, refresh.Product)
	assert.Equal(t, moneykit.ProductStateCompleted, refresh.State)
	now, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.True(t, refresh.StateChangedAt.Equal(now.Products.Identity.RefreshedAt.Time))
	mk.AddTransactions(link.ID, moneykit.Transaction{})
	updates, ok := next().(*moneykit.TransactionsAvailable)
	require.True(t, ok)
	assert.True(t, updates.HasHistory)

	for _, kind := range []moneykit.EventType{
		moneykit.EventTypeLinkStateChanged, moneykit.EventTypeLinkProductRefresh,
		moneykit.EventTypeProductStateChanged, moneykit.EventTypeTransactionsUpdatesAvailable,
	} {
		sent, err := client.Webhooks.SendTest(t.Context(), link.ID, moneykit.TestWebhookParams{Event: kind, IdempotencyKey: "mine"})
		require.NoError(t, err)
		e := next()
		_, unknown := e.(*moneykit.UnknownEvent)
		assert.False(t, unknown)
		if kind == moneykit.EventTypeProductStateChanged { // another name for the same event
			kind = moneykit.EventTypeLinkProductRefresh
		}
		assert.Equal(t, kind, e.Meta().Type)
		assert.Equal(t, sent.Token, e.Meta().DeliveryToken)
		assert.Equal(t, "mine", e.Meta().IdempotencyKey)
	}

	// The last attempt has a signature from two hours ago, and is accepted.
	fail = errors.New("not now")
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	for range 10 {
		require.Len(t, mk.Deliver(), 1)
		mk.Advance(mk.Deliveries()[len(mk.Deliveries())-1].Next.Sub(mk.Now()))
	}
	fail = nil
	assert.Equal(t, 11, next().Meta().DeliveryAttempt)

	// After a rotation, webhooks with a signature of the old key are still accepted.
	old := mk.SignedRequest(hook, broken.Raw)
	mk.RotateKeys()
	mk.Break(link.ID, "")
	next()
	assert.Equal(t, http.StatusNoContent, status(endpoint, old))
}

func status(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// TestWebhookForgeries checks that the SDK refuses all forgeries with the right reason.
func TestWebhookForgeries(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	client := mk.Client(moneykit.WithLogger(slog.New(slog.DiscardHandler)))
	handled := 0
	endpoint := client.Webhooks.Handler(func(context.Context, moneykit.Event) error { handled++; return nil })
	genuine := mk.SignedRequest(hook, mk.Deliveries()[0].Body)
	reasons := map[moneykittest.Tampering]error{
		moneykittest.TamperBody: moneykit.ErrBodyMismatch, moneykittest.TamperWhitespace: moneykit.ErrBodyMismatch,
		moneykittest.TamperSwapped: moneykit.ErrBodyMismatch, moneykittest.TamperUnsigned: moneykit.ErrNotSigned,
		moneykittest.TamperStale: moneykit.ErrStaleSignature, moneykittest.TamperFuture: moneykit.ErrStaleSignature,
		moneykittest.TamperUnknownKey: moneykit.ErrKeysUnavailable, // The keys were read a moment ago.
	}
	for _, how := range moneykittest.Tamperings() {
		forged := mk.Tamper(genuine, how)
		body, err := io.ReadAll(forged.Body)
		require.NoError(t, err)
		_, err = client.Webhooks.Verify(t.Context(), forged.Header, body)
		want := reasons[how]
		if want == nil {
			want = moneykit.ErrInvalidSignature
		}
		require.ErrorIs(t, err, want, how)
		refusal := http.StatusBadRequest
		if how == moneykittest.TamperUnknownKey {
			refusal = http.StatusServiceUnavailable
		}
		assert.Equal(t, refusal, status(endpoint, mk.Tamper(genuine, how)), how)
	}
	assert.Zero(t, handled)
	assert.Equal(t, http.StatusNoContent, status(endpoint, genuine))
	assert.Equal(t, 1, handled)

	// Its age depends on the clock of the server.
	again := mk.SignedRequest(hook, mk.Deliveries()[0].Body)
	mk.Advance(3 * time.Hour)
	assert.Equal(t, http.StatusBadRequest, status(endpoint, again))
}

// FuzzTamper checks that every forgery is refused for its signature, with any body.
func FuzzTamper(f *testing.F) {
	for _, body := range []string{
		`{"webhook_event":"x","link_id":"mk_1"}`, `{"link_id":"mk_of_somebody_else"}`, `[]`, `null`, ``, `x`, "{\"link_id\":\"\xff\"}",
	} {
		f.Add([]byte(body))
	}
	mk := moneykittest.NewServer(f)
	client := mk.Client()
	f.Fuzz(func(t *testing.T, body []byte) {
		verify := func(r *http.Request) error {
			data, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			_, err = client.Webhooks.Verify(t.Context(), r.Header, data)
			return err
		}
		genuine := mk.SignedRequest(hook, body)
		for _, how := range moneykittest.Tamperings() {
			err := verify(mk.Tamper(genuine, how))
			require.Error(t, err, how)
			require.NotErrorIs(t, err, moneykit.ErrMalformedEvent, how)
		}
		if err := verify(genuine); err != nil {
			require.ErrorIs(t, err, moneykit.ErrMalformedEvent)
		}
	})
}

func TestEventsOfANewLink(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, moneykittest.WithReceiver(in), moneykittest.WithProductStateChanged())
	params := sessionParams()
	params.Webhook = hook
	params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{Transactions: &moneykit.ProductSettings{}}}
	link := connect(t, mk, params, moneykittest.Play{})
	mk.Deliver()
	posts := in.take()
	require.Len(t, posts, 1)
	assert.JSONEq(t, connectedEvent, posts[0].own(t))
	assert.Equal(t, []any{}, posts[0].event(t)["link_tags"])

	// The first refresh fetches the history. The event has its other name.
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

	// Without a webhook URL there are no events. Earlier events are delivered to the earlier URL.
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
	const completed = `{"product":"accounts","state":"completed","state_changed_at":"then",`
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

	link := mk.AddLink(moneykittest.LinkSpec{
		Webhook: hook, Error: broken, Products: []moneykit.Product{}, NotPermitted: []moneykit.Product{moneykit.ProductAccounts},
	})
	for event, want := range map[moneykit.EventType]string{
		moneykit.EventTypeLinkStateChanged:             expiredEvent,
		moneykit.EventTypeLinkProductRefresh:           completed + `"webhook_event":"link.product_refresh"}`,
		moneykit.EventTypeProductStateChanged:          completed + `"webhook_event":"link.product_refresh"}`,
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

// Requests that cannot be signed or forged are reported to the test. A request is returned anyway.
func TestWebhookMistakes(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	assert.NotNil(t, mk.SignedRequest("nowhere", []byte("{}")))
	assert.Equal(t, []string{"moneykittest: SignedRequest: the webhook is no http or https URL"}, tb.errors)
	assert.NotNil(t, mk.Tamper(mk.SignedRequest(hook, []byte("{}")), "politely"))
	require.Len(t, tb.errors, 2)
	assert.Equal(t, `moneykittest: Tamper: there is no way "politely"`, tb.errors[1])
}

func TestRotateKeys(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, stopped())
	keys := func() int {
		keys, err := mk.Client().Webhooks.Keys(t.Context())
		require.NoError(t, err)
		return len(keys)
	}
	assert.Equal(t, 1, keys())
	mk.RotateKeys()
	mk.Advance(24*time.Hour - 1)
	assert.Equal(t, 2, keys())
	mk.Advance(1)
	assert.Equal(t, 1, keys())
	assert.Equal(t, 200, ask(t, mk, http.MethodGet, "/.well-known/jwks.json", "", "X-Client-Id:", "X-Client-Secret:").status)
}
