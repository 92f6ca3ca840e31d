package moneykittest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestRefreshProducts(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day(), moneykittest.WithRefreshDelay(time.Minute))
	client := mk.Client()
	ctx := t.Context()
	link := mk.AddLink(moneykittest.LinkSpec{})
	truth := mk.Transactions(link.ID)
	accounts, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)

	before, err := client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductTransactions, moneykit.ProductAccounts})
	require.NoError(t, err)
	assert.Equal(t, &link, before)
	mk.Advance(time.Minute - time.Second)
	assert.Equal(t, truth, mk.Transactions(link.ID))
	mk.Advance(time.Second)
	after, err := client.Links.Get(ctx, link.ID)
	require.NoError(t, err)
	assert.True(t, after.Products.Transactions.RefreshedAt.After(before.Products.Transactions.RefreshedAt.Time))
	assert.Equal(t, after.Products.Transactions.RefreshedAt, after.Products.Transactions.LastAttemptedAt)
	assert.Equal(t, after.LastSyncedAt, after.Products.Accounts.RefreshedAt) //nolint:staticcheck // deprecated, but sent
	assert.Equal(t, before.Products.Identity, after.Products.Identity)
	assert.NotEqual(t, truth, mk.Transactions(link.ID))
	moved, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	for i, a := range moved.Accounts {
		assert.Equal(t, a.Type == "investment", assert.ObjectsAreEqual(accounts.Accounts[i].Balances, a.Balances), a.Type)
		if l := a.Balances.Limit; l != nil {
			assert.Zero(t, l.Rat().Cmp(a.Balances.Available.Rat().Add(a.Balances.Available.Rat(), a.Balances.Current.Rat())))
		}
	}

	for _, body := range []string{`{}`, `{"products":[]}`, `{"products":["x"]}`, `{"products":null}`, `{"products":"accounts"}`} {
		assert.Equal(t, 422, ask(t, mk, http.MethodPost, "/links/"+link.ID+"/products", body).status, body)
	}
	link = mk.AddLink(moneykittest.LinkSpec{NotPermitted: []moneykit.Product{moneykit.ProductIdentity}})
	_, err = client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductAccounts, moneykit.ProductIdentity})
	isError(t, err, moneykit.ErrForbidden, 403)
	link = mk.AddLink(moneykittest.LinkSpec{Error: moneykit.LinkErrorAuthExpired})
	_, err = client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductAccounts})
	isError(t, err, moneykit.ErrRelinkRequired, 422)
}

// TestRefreshFails lets the link break before the refresh comes.
func TestRefreshFails(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day(), moneykittest.WithRefreshDelay(time.Minute))
	client := mk.Client()
	for reason, want := range map[moneykit.LinkError]moneykit.ProductError{
		moneykit.LinkErrorAuthExpired:      moneykit.ProductErrorAuthExpired,
		moneykit.LinkErrorInstitutionError: moneykit.ProductErrorInstitutionError,
		moneykit.LinkErrorNoAccounts:       moneykit.ProductErrorNoAccounts,
		moneykit.LinkErrorSystemError:      moneykit.ProductErrorUnknown,
	} {
		link := mk.AddLink(moneykittest.LinkSpec{})
		for range 2 {
			_, err := client.Products.Refresh(t.Context(), link.ID, []moneykit.Product{moneykit.ProductIdentity})
			require.NoError(t, err)
		}
		mk.Break(link.ID, reason)
		mk.Advance(time.Minute)
		got, err := client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, want, got.Products.Identity.Error)
		assert.NotEmpty(t, got.Products.Identity.ErrorMessage)
		assert.Equal(t, link.Products.Identity.RefreshedAt, got.Products.Identity.RefreshedAt)
		assert.Equal(t, time.Minute+time.Microsecond, got.Products.Identity.LastAttemptedAt.Sub(link.Products.Identity.LastAttemptedAt.Time))
		mk.Break(link.ID, "")
		mk.Refresh(link.ID)
		got, err = client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Empty(t, got.Products.Identity.Error)
	}
	link := mk.AddLink(moneykittest.LinkSpec{})
	_, err := client.Products.Refresh(t.Context(), link.ID, []moneykit.Product{moneykit.ProductIdentity})
	require.NoError(t, err)
	require.NoError(t, client.Links.Delete(t.Context(), link.ID))
	mk.Advance(time.Hour)
	got, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, link.Products, got.Products)
}

func TestWaitForRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mk := moneykittest.NewServer(t, moneykittest.WithRefreshDelay(12*time.Second))
		client := mk.Client()
		link := mk.AddLink(moneykittest.LinkSpec{})
		products := []moneykit.Product{moneykit.ProductTransactions, moneykit.ProductInvestments}
		before, err := client.Products.Refresh(t.Context(), link.ID, products)
		require.NoError(t, err)
		start := time.Now()
		after, err := client.Products.Wait(t.Context(), before, products)
		require.NoError(t, err)
		assert.Equal(t, 15*time.Second, time.Since(start))
		assert.True(t, after.Products.Investments.RefreshedAt.After(before.Products.Investments.RefreshedAt.Time))
	})
}

func TestRefreshLimits(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day(), moneykittest.WithRateLimits())
	path := "/links/" + mk.AddLink(moneykittest.LinkSpec{}).ID + "/products"
	refresh := func(products string) answer { return ask(t, mk, http.MethodPost, path, `{"products":[`+products+`]}`) }
	assert.Equal(t, 202, refresh(`"accounts","identity","identity"`).status)
	assert.Equal(t, 202, refresh(`"transactions"`).status)
	a := refresh(`"accounts"`)
	assert.Equal(t, 429, a.status)
	assert.Equal(t, "3600", a.header.Get("Retry-After"))
	assert.Equal(t, "api_error.rate_limit_exceeded", a.field(t, "error_code"))
	mk.Advance(time.Hour - time.Second/2)
	assert.Equal(t, "1", refresh(`"transactions"`).header.Get("Retry-After"))
	mk.Advance(time.Second)
	a = refresh(`"accounts","identity"`)
	assert.Equal(t, 429, a.status)
	assert.Equal(t, "82800", a.header.Get("Retry-After"), "the longer wait counts")
	assert.Equal(t, 202, refresh(`"accounts"`).status, "what was refused is not counted")
	mk.Advance(23 * time.Hour)
	assert.Equal(t, 202, refresh(`"accounts","identity"`).status)

	for operation, limit := range map[string]struct {
		method, path, body string
		n                  int
	}{
		"get_links":           {http.MethodGet, "/links", "", 600},
		"import_link":         {http.MethodPost, "/links/import", "{}", 60},
		"update_link":         {http.MethodPatch, "/links/x", "{}", 4},
		"get_account_numbers": {http.MethodGet, "/links/x/accounts/numbers", "", 3},
		"get_account":         {http.MethodGet, "/links/x/accounts/y", "", 15},
		"get_identities":      {http.MethodGet, "/links/x/identity", "", 3},
		"get_institutions":    {http.MethodGet, "/institutions", "", 30},
		"get_institution":     {http.MethodGet, "/institutions/x", "", 400},
	} {
		for range limit.n {
			require.NotEqual(t, 429, ask(t, mk, limit.method, limit.path, limit.body).status, operation)
		}
		a := ask(t, mk, limit.method, limit.path, limit.body)
		assert.Equal(t, 429, a.status, operation)
		assert.Equal(t, "60", a.header.Get("Retry-After"))
	}
}

// TestNothingBeforeTheFirstFetch has a link whose data is not fetched when it is linked.
func TestNothingBeforeTheFirstFetch(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	ctx := t.Context()
	params := sessionParams()
	late := &moneykit.ProductSettings{}
	params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.ProductsSettings{
		AccountNumbers: late, Identity: late, Transactions: late, Investments: late,
	}}
	link := connect(t, mk, params, moneykittest.Play{})
	store := &moneykittest.MemoryStore{}
	read := func() [4]int {
		numbers, err := client.Accounts.Numbers(ctx, link.ID)
		require.NoError(t, err)
		identity, err := client.Identity.List(ctx, link.ID, moneykit.IdentityListParams{})
		require.NoError(t, err)
		holdings, err := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
		require.NoError(t, err)
		_, err = client.SyncTransactions(ctx, link.ID, store, moneykit.SyncOptions{})
		require.NoError(t, err)
		assert.Equal(t, mk.Transactions(link.ID), byID(collect(t, client.Transactions.All(ctx, link.ID, moneykit.TransactionListParams{}))))
		return [4]int{len(numbers.Accounts[0].Numbers.ACH), len(identity.Accounts[0].Owners), len(holdings.Holdings), len(store.Transactions(link.ID))}
	}
	assert.Equal(t, [4]int{}, read())
	_, err := client.Products.Refresh(ctx, link.ID, []moneykit.Product{
		moneykit.ProductAccountNumbers, moneykit.ProductIdentity, moneykit.ProductTransactions, moneykit.ProductInvestments,
	})
	require.NoError(t, err)
	for _, n := range read() {
		assert.Positive(t, n)
	}
	assert.Greater(t, len(store.Transactions(link.ID)), 50, "the past comes with the first fetch")

	link = connect(t, mk, params, moneykittest.Play{})
	mk.AddTransactions(link.ID, moneykit.Transaction{})
	assert.Greater(t, len(mk.Transactions(link.ID)), 50)
}
