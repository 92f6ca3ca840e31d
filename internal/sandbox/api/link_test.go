package api_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestLinkStates(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	client := mk.Client()
	type spec = world.LinkSpec
	tests := map[string]struct {
		spec   spec
		state  moneykit.LinkState
		reason moneykit.LinkError
		err    error // expected from a read of accounts
		status int
	}{
		"zero":      {state: "connected"},
		"connected": {spec: spec{State: "connected", Error: "auth_expired"}, state: "connected"},
		"error":     {spec: spec{State: "error"}, state: "error", reason: "auth_expired", err: moneykit.ErrRelinkRequired, status: 422},
		"broken": {
			spec: spec{Error: "institution_error"}, state: "error", reason: "institution_error", err: moneykit.LinkErrorInstitutionError,
			status: 422,
		},
		"connecting": {spec: spec{State: "connecting"}, state: "connecting", err: moneykit.LinkErrorIncomplete, status: 422},
		"awaiting": {
			spec: spec{State: "awaiting_token_exchange"}, state: "awaiting_token_exchange", err: moneykit.LinkErrorIncomplete, status: 422,
		},
		"unknown state": {spec: spec{State: "hibernating"}, state: "hibernating", err: moneykit.ErrorCodeLinkBadState, status: 422},
		"deleted":       {spec: spec{State: "deleted"}, state: "deleted", err: moneykit.ErrLinkDeleted, status: 410},
		"forbidden":     {spec: spec{NotPermitted: []moneykit.Product{"accounts"}}, state: "connected", err: moneykit.ErrForbidden, status: 403},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			link := mk.addLink(t, tt.spec)
			assert.Equal(t, tt.state, link.State)
			assert.Equal(t, tt.reason, link.Error)
			got, err := client.Links.Get(t.Context(), link.ID)
			require.NoError(t, err)
			assert.Equal(t, &link, got)
			_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
			if tt.err == nil {
				require.NoError(t, err)
				return
			}
			e := isError(t, err, tt.err, tt.status)
			if tt.reason != "" {
				assert.Equal(t, tt.reason, e.LinkError)
			}
			if tt.state == "deleted" {
				mk.advance(90 * 24 * time.Hour)
				_, err = client.Links.Get(t.Context(), link.ID)
				isError(t, err, moneykit.ErrNotFound, 404)
			}
		})
	}
	_, err := client.Links.Get(t.Context(), "mk_unknown")
	isError(t, err, moneykit.ErrorCodeLinkNotFound, 404)
	_, err = client.Accounts.List(t.Context(), "mk_unknown", moneykit.AccountListParams{})
	isError(t, err, moneykit.ErrNotFound, 404)
	isError(t, client.Links.Delete(t.Context(), "mk_unknown"), moneykit.ErrNotFound, 404)
}

// products returns the product that each read of a link requires, by path.
func products() map[string]moneykit.Product {
	return map[string]moneykit.Product{
		"accounts": moneykit.ProductAccounts, "accounts/acc_x": moneykit.ProductAccounts,
		"accounts/numbers": moneykit.ProductAccountNumbers, "identity": moneykit.ProductIdentity,
		"transactions": moneykit.ProductTransactions, "transactions/sync": moneykit.ProductTransactions,
		"investments/holdings": moneykit.ProductInvestments, "investments/transactions": moneykit.ProductInvestments,
	}
}

// TestReadsOfLinks checks the errors that all reads of a link's data have in common.
func TestReadsOfLinks(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	good := mk.addLink(t, world.LinkSpec{})
	broken := mk.addLink(t, world.LinkSpec{Error: moneykit.LinkErrorInstitutionError})
	waiting := mk.addLink(t, world.LinkSpec{State: moneykit.LinkStateAwaitingTokenExchange})
	deleted := mk.addLink(t, world.LinkSpec{State: moneykit.LinkStateDeleted})
	for path, product := range products() {
		read := func(id string, headers ...string) answer {
			return ask(t, mk, http.MethodGet, "/links/"+id+"/"+path, "", headers...)
		}
		refused := func(a answer, status int, code moneykit.ErrorCode) {
			t.Helper()
			assert.Equal(t, status, a.status, path)
			assert.Equal(t, string(code), a.field(t, "error_code"), path)
		}
		if path != "accounts/acc_x" {
			assert.Equal(t, 200, read(good.ID).status, path)
		}
		refused(read(good.ID, "X-Client-Id: x"), 401, moneykit.ErrorCodeUnauthorized)
		forbidden := mk.addLink(t, world.LinkSpec{NotPermitted: []moneykit.Product{product}})
		refused(read(forbidden.ID), 403, moneykit.ErrorCodeLinkForbiddenAction)
		refused(read("mk_x"), 404, moneykit.ErrorCodeLinkNotFound)
		refused(read(deleted.ID), 410, moneykit.ErrorCodeLinkDeleted)
		refused(read(broken.ID), 422, moneykit.ErrorCodeLinkBadState)
		assert.Equal(t, "institution_error", read(broken.ID).field(t, "link_error_code"))
		assert.Equal(t, "incomplete", read(waiting.ID).field(t, "link_error_code"))
	}
}

// TestWritesOfLinks checks the common errors of operations with a body.
func TestWritesOfLinks(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	good := mk.addLink(t, world.LinkSpec{})
	deleted := mk.addLink(t, world.LinkSpec{State: moneykit.LinkStateDeleted})
	for _, op := range []struct{ method, before, after, body string }{
		{http.MethodPatch, "/links/", "", `{}`},
		{http.MethodPost, "/links/", "/reset", ``},
		{http.MethodPost, "/links/", "/products", `{"products":["accounts"]}`},
		{http.MethodPost, "/links/", "/transactions/txn_x/enrichment", `{"category":"home"}`},
		{http.MethodPost, "/webhooks/test/link/", "", `{"webhook_event":"link.state_changed","webhook_idempotency_key":"k"}`},
	} {
		send := func(id, body string, headers ...string) int {
			return ask(t, mk, op.method, op.before+id+op.after, body, headers...).status
		}
		assert.Equal(t, 401, send(good.ID, op.body, "X-Client-Secret: x"), op.after)
		assert.Equal(t, 404, send("mk_x", op.body), op.after)
		assert.Equal(t, 410, send(deleted.ID, op.body), op.after)
		if op.body != "" {
			assert.Equal(t, 422, send(good.ID, "[]"), op.after)
		}
	}
}

func TestUpdateLink(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	client := mk.Client()
	ctx := t.Context()
	link := mk.addLink(t, world.LinkSpec{Webhook: "https://a.example", Tags: []string{"a"}})
	for _, step := range []struct {
		params  moneykit.LinkUpdateParams
		webhook string
		tags    []string
	}{
		{moneykit.LinkUpdateParams{}, "https://a.example", []string{"a"}},
		{moneykit.LinkUpdateParams{Webhook: moneykit.Set("https://b.example")}, "https://b.example", []string{"a"}},
		{moneykit.LinkUpdateParams{Tags: moneykit.Set([]string{"b", "c"})}, "https://b.example", []string{"b", "c"}},
		{moneykit.LinkUpdateParams{Webhook: moneykit.Clear[string]()}, "", []string{"b", "c"}},
		{moneykit.LinkUpdateParams{Tags: moneykit.Clear[[]string]()}, "", nil},
	} {
		updated, err := client.Links.Update(ctx, link.ID, step.params)
		require.NoError(t, err)
		assert.Equal(t, step.webhook, updated.Webhook)
		assert.Equal(t, step.tags, updated.Tags)
		got, err := client.Links.Get(ctx, link.ID)
		require.NoError(t, err)
		assert.Equal(t, updated, got)
	}
	path := "/links/" + link.ID
	for _, body := range []string{
		`{"webhook":""}`, `{"webhook":1}`, `{"link_tags":null}`, `{"link_tags":["_"]}`, `{"link_tags":"x"}`, `{"tags":[1]}`,
		`{"link_tags":["` + strings.Repeat("x", 100) + `"]}`,
	} {
		assert.Equal(t, 422, ask(t, mk, http.MethodPatch, path, body).status, body)
	}
	a := ask(t, mk, http.MethodPatch, path, `{"tags":["old name"]}`)
	assert.Equal(t, []any{"old name"}, a.field(t, "link_tags"))
	a = ask(t, mk, http.MethodPatch, path, `{"tags":["old name"],"link_tags":["new"]}`)
	assert.Equal(t, []any{"new"}, a.field(t, "tags"))
}

func TestResetLink(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	client := mk.Client()
	link := mk.addLink(t, world.LinkSpec{})
	for range 2 {
		reset, err := client.Links.Reset(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, moneykit.LinkStateError, reset.State)
		assert.Equal(t, moneykit.LinkErrorAuthExpired, reset.Error)
	}
	_, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	isError(t, err, moneykit.ErrRelinkRequired, 422)
	params := sessionParams()
	params.ExistingLinkID = link.ID
	require.Nil(t, mk.connect(open(t, client, params), world.Play{}).Err)
	_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	link = mk.addLink(t, world.LinkSpec{State: moneykit.LinkStateConnecting})
	_, err = client.Links.Reset(t.Context(), link.ID)
	isError(t, err, moneykit.LinkErrorIncomplete, 422)
}

func TestListLinks(t *testing.T) {
	t.Parallel()
	mk := newFake(t, day())
	client := mk.Client()
	var want []moneykit.LinkRef
	for i := range 1203 {
		mk.advance(time.Second)
		spec := world.LinkSpec{Accounts: []moneykit.Account{}}
		switch i % 6 {
		case 0:
			spec.State = moneykit.LinkStateDeleted
		case 1:
			spec.Error = moneykit.LinkErrorAuthExpired
		}
		link := mk.addLink(t, spec)
		if i%6 > 1 {
			want = append(want, moneykit.LinkRef{ID: link.ID, CreatedAt: link.Products.Accounts.RefreshedAt})
		}
	}
	mk.addLink(t, world.LinkSpec{Products: []moneykit.Product{}, NotPermitted: []moneykit.Product{moneykit.ProductAccounts}})
	for _, limit := range []int{0, 500, 802, 5000} {
		assert.Equal(t, want, collect(t, client.Links.All(t.Context(), moneykit.LinkListParams{Limit: limit})), limit)
	}
	page, err := client.Links.List(t.Context(), moneykit.LinkListParams{Limit: 500})
	require.NoError(t, err)
	assert.Len(t, page.Links, 500)
	require.NoError(t, client.Links.Delete(t.Context(), want[500].ID))
	next, err := client.Links.List(t.Context(), moneykit.LinkListParams{Limit: 500, Cursor: page.NextCursor})
	require.NoError(t, err)
	assert.Equal(t, want[501:], next.Links)

	a := ask(t, newFake(t), http.MethodGet, "/links", "")
	assert.JSONEq(t, `{"links":[],"next_cursor":""}`, string(a.body))
}

func TestUsers(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	client := mk.Client()
	ctx := t.Context()
	one := mk.addLink(t, world.LinkSpec{UserID: "a+b c"})
	two := mk.addLink(t, world.LinkSpec{UserID: "a+b c", Error: moneykit.LinkErrorAuthExpired})
	gone := mk.addLink(t, world.LinkSpec{UserID: "a+b c"})
	secret := mk.addLink(t, world.LinkSpec{UserID: "a+b c", NotPermitted: []moneykit.Product{moneykit.ProductAccounts}})
	mk.addLink(t, world.LinkSpec{UserID: "another"})
	require.NoError(t, client.Links.Delete(ctx, gone.ID))
	links, err := client.Users.Links(ctx, "a+b c")
	require.NoError(t, err)
	assert.Equal(t, map[string]moneykit.Link{one.ID: one, two.ID: two, secret.ID: secret}, links.Links)

	list, err := client.Accounts.List(ctx, one.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	accounts, err := client.Users.Accounts(ctx, "a+b c", moneykit.UserAccountListParams{})
	require.NoError(t, err)
	assert.Equal(t, map[string]moneykit.AccountGroup{
		one.ID: {Accounts: list.Accounts, LastSyncedAt: one.Products.Accounts.RefreshedAt},
	}, accounts.Links)
	accounts, err = client.Users.Accounts(ctx, "a+b c", moneykit.UserAccountListParams{AccountIDs: []string{list.Accounts[1].ID}})
	require.NoError(t, err)
	assert.Equal(t, list.Accounts[1:2], accounts.Links[one.ID].Accounts)
	accounts, err = client.Users.Accounts(ctx, "a+b c", moneykit.UserAccountListParams{AccountIDs: []string{"acc_x"}})
	require.NoError(t, err)
	assert.Empty(t, accounts.Links)
	rows, err := client.Users.Transactions(ctx, "a+b c", moneykit.UserTransactionListParams{})
	require.NoError(t, err)
	assert.Subset(t, []string{one.ID, secret.ID}, slices.Collect(func(yield func(string) bool) {
		for a := range maps.Values(rows.Accounts) {
			if !yield(a.LinkID) {
				return
			}
		}
	}))
	nobody, err := client.Users.Links(ctx, "nobody")
	require.NoError(t, err)
	assert.Equal(t, map[string]moneykit.Link{}, nobody.Links)
}

func TestRefreshProducts(t *testing.T) {
	t.Parallel()
	mk := newFake(t, day(), withRefreshDelay(time.Minute))
	client := mk.Client()
	ctx := t.Context()
	link := mk.addLink(t, world.LinkSpec{})
	truth := mk.transactions(t, link.ID)
	accounts, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)

	before, err := client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductTransactions, moneykit.ProductAccounts})
	require.NoError(t, err)
	assert.Equal(t, &link, before)
	mk.advance(time.Minute - time.Second)
	assert.Equal(t, truth, mk.transactions(t, link.ID))
	mk.advance(time.Second)
	after, err := client.Links.Get(ctx, link.ID)
	require.NoError(t, err)
	assert.True(t, after.Products.Transactions.RefreshedAt.After(before.Products.Transactions.RefreshedAt.Time))
	assert.Equal(t, after.Products.Transactions.RefreshedAt, after.Products.Transactions.LastAttemptedAt)
	assert.Equal(t, after.LastSyncedAt, after.Products.Accounts.RefreshedAt) //nolint:staticcheck // deprecated, but sent
	assert.Equal(t, before.Products.Identity, after.Products.Identity)
	assert.NotEqual(t, truth, mk.transactions(t, link.ID))
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
	link = mk.addLink(t, world.LinkSpec{NotPermitted: []moneykit.Product{moneykit.ProductIdentity}})
	_, err = client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductAccounts, moneykit.ProductIdentity})
	isError(t, err, moneykit.ErrForbidden, 403)
	link = mk.addLink(t, world.LinkSpec{Error: moneykit.LinkErrorAuthExpired})
	_, err = client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductAccounts})
	isError(t, err, moneykit.ErrRelinkRequired, 422)
}

// TestRefreshFails puts the link into state error before the refresh is due.
func TestRefreshFails(t *testing.T) {
	t.Parallel()
	mk := newFake(t, day(), withRefreshDelay(time.Minute))
	client := mk.Client()
	for reason, want := range map[moneykit.LinkError]moneykit.ProductError{
		moneykit.LinkErrorAuthExpired:      moneykit.ProductErrorAuthExpired,
		moneykit.LinkErrorInstitutionError: moneykit.ProductErrorInstitutionError,
		moneykit.LinkErrorNoAccounts:       moneykit.ProductErrorNoAccounts,
		moneykit.LinkErrorSystemError:      moneykit.ProductErrorUnknown,
	} {
		link := mk.addLink(t, world.LinkSpec{})
		for range 2 {
			_, err := client.Products.Refresh(t.Context(), link.ID, []moneykit.Product{moneykit.ProductIdentity})
			require.NoError(t, err)
		}
		mk.breakLink(t, link.ID, reason)
		mk.advance(time.Minute)
		got, err := client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, want, got.Products.Identity.Error)
		assert.NotEmpty(t, got.Products.Identity.ErrorMessage)
		assert.Equal(t, link.Products.Identity.RefreshedAt, got.Products.Identity.RefreshedAt)
		assert.Equal(t, time.Minute+time.Microsecond, got.Products.Identity.LastAttemptedAt.Sub(link.Products.Identity.LastAttemptedAt.Time))
		mk.breakLink(t, link.ID, "")
		mk.refresh(t, link.ID)
		got, err = client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Empty(t, got.Products.Identity.Error)
	}
	link := mk.addLink(t, world.LinkSpec{})
	_, err := client.Products.Refresh(t.Context(), link.ID, []moneykit.Product{moneykit.ProductIdentity})
	require.NoError(t, err)
	require.NoError(t, client.Links.Delete(t.Context(), link.ID))
	mk.advance(time.Hour)
	got, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, link.Products, got.Products)
}
