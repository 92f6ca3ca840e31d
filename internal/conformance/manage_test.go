package conformance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file tests the other operations on links, and lists of links.

// refreshes requests refreshes: in time, too early, and of a link that breaks before the end.
func refreshes(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t, moneykittest.WithRateLimits(), moneykittest.WithRefreshDelay(time.Minute)), seen)
	client := w.client(t, moneykit.WithHeaderAuth())
	link := w.mk.AddLink(moneykittest.LinkSpec{Webhook: "https://app.test/hook", Tags: []string{"a"}}).ID
	var all []moneykit.Product
	for _, product := range w.oracle.doc.Components.Schemas["Product"].Value.Enum {
		products := []moneykit.Product{moneykit.Product(product.(string))}
		all = append(all, products...)
		_, err := client.Products.Refresh(t.Context(), link, products)
		require.NoError(t, err)
		_, err = client.Products.Refresh(t.Context(), link, products)
		assert.Positive(t, failed(t, err, 429, moneykit.ErrorCodeRateLimitExceeded).RetryAfter)
	}
	before, err := client.Links.Get(t.Context(), link)
	require.NoError(t, err)
	w.mk.Advance(time.Hour)
	after, err := client.Links.Get(t.Context(), link)
	require.NoError(t, err)
	assert.True(t, after.Products.Identity.RefreshedAt.After(before.Products.Identity.RefreshedAt.Time))
	for _, reason := range w.oracle.doc.Components.Schemas["LinkError"].Value.Enum {
		w.mk.Advance(24 * time.Hour)
		_, err = client.Products.Refresh(t.Context(), link, all)
		require.NoError(t, err)
		w.mk.Break(link, moneykit.LinkError(reason.(string)))
		w.mk.Advance(time.Minute)
		after, err = client.Links.Get(t.Context(), link)
		require.NoError(t, err)
		assert.NotEmpty(t, after.Products.Accounts.Error)
		assert.True(t, after.Products.Accounts.Error.Known(), "%q", after.Products.Accounts.Error)
		w.mk.Break(link, "")
	}
	session, err := client.LinkSessions.Create(t.Context(), fullSession(""))
	require.NoError(t, err)
	result, err := moneykit.ParseConnectResult(w.mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{}))
	require.NoError(t, err)
	asked, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
	require.NoError(t, err)
	for _, id := range []string{asked.ID, w.mk.AddLink(moneykittest.LinkSpec{Products: []moneykit.Product{}}).ID} {
		_, err = client.Links.Get(t.Context(), id)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{
		"/products/account_numbers/unavailable", "/products/accounts/settings", "/products/accounts/unavailable",
		"/products/enrichment/settings", "/products/enrichment/unavailable", "/products/identity/unavailable",
		"/products/investments/unavailable", "/products/transactions/unavailable",
	}, w.never(t, w.take(), "get_link"), "what cannot be asked for has no settings; everything is available")
}

// imports imports a link, which its user connects before it is read.
func imports(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	link, err := client.Links.Import(t.Context(), fullImport())
	require.NoError(t, err)
	_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	failed(t, err, 422, moneykit.ErrorCodeLinkBadState)
	session, err := client.LinkSessions.Create(t.Context(), fullSession(link.ID))
	require.NoError(t, err)
	_, err = moneykit.ParseConnectResult(w.mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{}))
	require.NoError(t, err)

	_ = w.take()
	list, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	assert.Equal(t, "1", list.Accounts[0].OriginalID)
	assert.Equal(t, []string{"/accounts/closed"}, w.never(t, w.take(), "get_accounts"))
	page, err := client.Transactions.List(t.Context(), link.ID, moneykit.TransactionListParams{})
	require.NoError(t, err)
	require.NotEmpty(t, page.Transactions)

	cursor := ""
	for _, n := range []int{page.Total, 2, 0} {
		created := 0
		for batch, err := range client.Transactions.Sync(t.Context(), link.ID, cursor) {
			require.NoError(t, err)
			created, cursor = created+len(batch.Created), batch.Cursor
		}
		assert.Equal(t, n, created)
		if n == page.Total {
			rows := append(fullTransactions(), moneykit.TransactionImport{
				AccountID: "1", Amount: *number("0.1"), Date: moneykit.Date{Year: 2024, Month: time.March, Day: 1},
			})
			_, err = client.Links.ImportTransactions(t.Context(), link.ID, moneykit.TransactionImportParams{Transactions: rows})
			require.NoError(t, err)
		}
	}
	_, err = client.Links.ImportTransactions(t.Context(), "mk_unknown", moneykit.TransactionImportParams{})
	failed(t, err, 404, moneykit.ErrorCodeLinkNotFound)
	strange := fullImport()
	strange.Transactions[0].AccountID, strange.InstitutionID = "2", "unknown"
	_, err = client.Links.Import(t.Context(), strange)
	assert.Len(t, failed(t, err, 422, moneykit.ErrorCodeValidationFailed).Fields, 2)
}

// users reads the data of a user at several institutions.
func users(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	add := func(spec moneykittest.LinkSpec) string {
		spec.UserID = customer
		return w.mk.AddLink(spec).ID
	}
	first := add(moneykittest.LinkSpec{Webhook: "https://app.test/hook", Tags: []string{"a"}})
	second := add(moneykittest.LinkSpec{InstitutionID: britishBank})
	add(moneykittest.LinkSpec{Error: moneykit.LinkErrorAuthExpired})
	add(moneykittest.LinkSpec{Products: []moneykit.Product{}})
	add(moneykittest.LinkSpec{State: moneykit.LinkStateDeleted})
	w.mk.AddLink(moneykittest.LinkSpec{UserID: "somebody else"})
	w.mk.AddTransactions(first, fullTransaction("txn_full"))

	links, err := client.Users.Links(t.Context(), customer)
	require.NoError(t, err)
	assert.Len(t, links.Links, 4)
	accounts, err := client.Users.Accounts(t.Context(), customer, moneykit.UserAccountListParams{})
	require.NoError(t, err)
	assert.Len(t, accounts.Links, 3)
	ids := []string{accounts.Links[first].Accounts[0].ID, accounts.Links[second].Accounts[0].ID}
	accounts, err = client.Users.Accounts(t.Context(), customer, moneykit.UserAccountListParams{AccountIDs: ids})
	require.NoError(t, err)
	assert.Len(t, accounts.Links, 2)
	n := 0
	for _, err := range client.Users.AllTransactions(t.Context(), customer, moneykit.UserTransactionListParams{Size: 37}) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, len(w.mk.Transactions(first))+len(w.mk.Transactions(second)), n)
	some, err := client.Users.Transactions(t.Context(), customer, moneykit.UserTransactionListParams{AccountIDs: ids[1:], Size: 1})
	require.NoError(t, err)
	assert.Len(t, some.Accounts, 1)
	passed := w.take()
	account := []string{"/links/*/accounts/closed", "/links/*/accounts/nickname", "/links/*/accounts/original_id"}
	assert.Equal(t, account, w.never(t, passed, "get_user_accounts"))
	assert.Empty(t, w.never(t, passed, "get_user_transactions"))

	_, err = client.Users.Links(t.Context(), "a:b c?d=é%#\"")
	require.NoError(t, err)
	_, err = client.Users.Accounts(t.Context(), "nobody", moneykit.UserAccountListParams{})
	require.NoError(t, err)
	_, err = client.Users.Transactions(t.Context(), "nobody", moneykit.UserTransactionListParams{})
	require.NoError(t, err)
}

// updates changes, clears and leaves unchanged each setting of a link, and resets the link.
func updates(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	const hook = "https://app.test/hook"
	tags := []string{"a", "7 \"é\""}
	link := w.mk.AddLink(moneykittest.LinkSpec{}).ID
	for _, tt := range []struct {
		params  moneykit.LinkUpdateParams
		webhook string
		tags    int
	}{
		{moneykit.LinkUpdateParams{Webhook: moneykit.Set(hook), Tags: moneykit.Set(tags)}, hook, 2},
		{moneykit.LinkUpdateParams{Tags: moneykit.Set(tags[:1])}, hook, 1},
		{moneykit.LinkUpdateParams{Webhook: moneykit.Clear[string]()}, "", 1},
		{moneykit.LinkUpdateParams{Webhook: moneykit.Set(hook)}, hook, 1},
		{moneykit.LinkUpdateParams{Tags: moneykit.Clear[[]string]()}, hook, 0},
	} {
		updated, err := client.Links.Update(t.Context(), link, tt.params)
		require.NoError(t, err)
		assert.Equal(t, tt.webhook, updated.Webhook)
		assert.Len(t, updated.Tags, tt.tags)
	}
	reset, err := client.Links.Reset(t.Context(), link)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateError, reset.State)
	_, err = client.Accounts.List(t.Context(), link, moneykit.AccountListParams{})
	failed(t, err, 422, moneykit.ErrorCodeLinkBadState)
}

// directories reads all pages of the lists of institutions and of links.
func directories(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	read := func(params moneykit.InstitutionListParams) (n int) {
		for in, err := range client.Institutions.All(t.Context(), params) {
			require.NoError(t, err)
			assert.True(t, in.Country.Known(), "%q", in.Country)
			if n++; n%50 == 1 {
				for _, id := range append(in.IDAliases, in.ID) {
					one, err := client.Institutions.Get(t.Context(), id)
					require.NoError(t, err)
					assert.Equal(t, &in, one)
				}
			}
		}
		return n
	}
	all := read(moneykit.InstitutionListParams{})
	assert.Greater(t, all, 100)
	assert.Equal(t, all, read(moneykit.InstitutionListParams{Limit: 29}))
	assert.Less(t, read(moneykit.InstitutionListParams{Featured: true, Limit: 2}), all)
	assert.Positive(t, read(moneykit.InstitutionListParams{Name: "savings & loan", Limit: 10}))
	assert.Zero(t, read(moneykit.InstitutionListParams{Name: "Crédit & Co"}))
	passed := w.take()
	assert.Equal(t, []string{"/institutions/color_dark"}, w.never(t, passed, "get_institutions"))
	assert.Equal(t, []string{"/color_dark"}, w.never(t, passed, "get_institution"))

	none, err := client.Links.List(t.Context(), moneykit.LinkListParams{})
	require.NoError(t, err)
	assert.Empty(t, none.Links)
	for range 1001 {
		w.mk.AddLink(moneykittest.LinkSpec{Accounts: []moneykit.Account{}})
	}
	w.mk.AddLink(moneykittest.LinkSpec{Error: moneykit.LinkErrorAuthExpired})
	n := 0
	for _, err := range client.Links.All(t.Context(), moneykit.LinkListParams{Limit: 500}) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 1001, n)
	passed = w.take()
	assert.GreaterOrEqual(t, len(passed), 3)
	assert.Empty(t, w.never(t, passed, "get_links"))
}

// events reads the keys that sign events, and sends all test events.
func events(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	keys, err := client.Webhooks.Keys(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, keys)
	link := w.mk.AddLink(moneykittest.LinkSpec{Webhook: "https://app.test/hook"}).ID
	for _, event := range w.oracle.doc.Components.Schemas["EventType"].Value.Enum {
		delivery, err := client.Webhooks.SendTest(t.Context(), link, moneykit.TestWebhookParams{
			Event: moneykit.EventType(event.(string)), IdempotencyKey: "é \"1\"",
		})
		require.NoError(t, err)
		assert.NotEmpty(t, delivery.Token)
	}
	assert.Empty(t, w.never(t, w.take(), "trigger_test_link_webhook_event"))
}
