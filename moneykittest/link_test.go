package moneykittest_test

import (
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestUpdateLink(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	ctx := t.Context()
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: "https://a.example", Tags: []string{"a"}})
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
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{})
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
	assert.Equal(t, moneykit.ConnectRelinked, play(t, mk, open(t, client, params), moneykittest.Play{}).Outcome)
	_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	link = mk.AddLink(moneykittest.LinkSpec{State: moneykit.LinkStateConnecting})
	_, err = client.Links.Reset(t.Context(), link.ID)
	isError(t, err, moneykit.LinkErrorIncomplete, 422)
}

func TestListLinks(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day())
	client := mk.Client()
	var want []moneykit.LinkRef
	for i := range 1203 {
		mk.Advance(time.Second)
		spec := moneykittest.LinkSpec{Accounts: []moneykit.Account{}}
		switch i % 6 {
		case 0:
			spec.State = moneykit.LinkStateDeleted
		case 1:
			spec.Error = moneykit.LinkErrorAuthExpired
		}
		link := mk.AddLink(spec)
		if i%6 > 1 {
			want = append(want, moneykit.LinkRef{ID: link.ID, CreatedAt: link.Products.Accounts.RefreshedAt})
		}
	}
	mk.AddLink(moneykittest.LinkSpec{Products: []moneykit.Product{}, NotPermitted: []moneykit.Product{moneykit.ProductAccounts}})
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

	a := ask(t, moneykittest.New(), http.MethodGet, "/links", "")
	assert.JSONEq(t, `{"links":[],"next_cursor":""}`, string(a.body))
}

func TestInstitutions(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	ctx := t.Context()
	all := collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{}))
	assert.InDelta(t, 300, len(all), 30)
	assert.Equal(t, []string{moneykittest.InstantBank, moneykittest.CredentialsBank, moneykittest.OAuthBank}, []string{all[0].ID, all[1].ID, all[2].ID})
	for _, limit := range []int{1, 50, 299} {
		assert.Equal(t, all, collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{Limit: limit})))
	}
	countries, featured, plain, aliases, names := map[moneykit.Country]int{}, []moneykit.Institution{}, 0, map[string]bool{}, []moneykit.Institution{}
	for _, in := range all {
		countries[in.Country]++
		if in.Featured {
			featured = append(featured, in)
		}
		if in.Color == "" {
			plain++
		} else {
			assert.Regexp(t, `^#[0-9A-F]{6}$`, in.Color)
		}
		if strings.Contains(in.Name, "Savings") {
			names = append(names, in)
		}
		for _, id := range append([]string{in.ID}, in.IDAliases...) {
			assert.False(t, aliases[id], id)
			aliases[id] = true
		}
	}
	assert.Len(t, countries, 3)
	assert.Positive(t, plain)
	assert.Less(t, len(featured), 60)
	assert.Equal(t, featured, collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{Featured: true, Limit: 5})))
	assert.Equal(t, names, collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{Name: "sAvInGs", Limit: 7})))
	none, err := client.Institutions.List(ctx, moneykit.InstitutionListParams{Name: "no such name"})
	require.NoError(t, err)
	assert.Equal(t, &moneykit.InstitutionPage{Institutions: []moneykit.Institution{}}, none)
	a := ask(t, mk, http.MethodGet, "/institutions?featured=0&limit=50", "")
	assert.Len(t, a.field(t, "institutions"), 50)
	a = ask(t, mk, http.MethodGet, "/institutions", "X-Client-Id:")
	assert.Equal(t, 200, a.status)
	assert.Equal(t, 401, ask(t, mk, http.MethodGet, "/institutions", "", "X-Client-Id:").status)
	assert.Equal(t, 401, ask(t, mk, http.MethodGet, "/institutions/x", "", "X-Client-Id:").status)

	last := all[len(all)-1]
	for _, id := range []string{last.ID, last.IDAliases[0]} {
		got, err := client.Institutions.Get(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, &last, got)
	}
	_, err = client.Institutions.Get(ctx, "mx.nowhere")
	e := isError(t, err, moneykit.ErrNotFound, 404)
	assert.Equal(t, moneykit.ErrorCodeInstitutionNotFound, e.Code)

	// All can be linked, and there the directory decides about the name.
	params := sessionParams()
	params.InstitutionID = last.ID
	link := connect(t, mk, params, moneykittest.Play{})
	assert.Equal(t, last.Name, link.InstitutionName)
	link = connect(t, mk, sessionParams(), moneykittest.Play{Institution: all[20].ID})
	assert.Equal(t, all[20].Name, link.InstitutionName)
}

func TestSameSeedSameData(t *testing.T) {
	t.Parallel()
	build := func(seed uint64) []any {
		mk := moneykittest.NewServer(t, day(), moneykittest.WithSeed(seed))
		client := mk.Client()
		ctx := t.Context()
		var out []any
		link := mk.AddLink(moneykittest.LinkSpec{})
		for range 3 {
			mk.Refresh(link.ID)
			mk.Settle(link.ID)
			accounts, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
			require.NoError(t, err)
			numbers, err := client.Accounts.Numbers(ctx, link.ID)
			require.NoError(t, err)
			owners, err := client.Identity.List(ctx, link.ID, moneykit.IdentityListParams{})
			require.NoError(t, err)
			holdings, err := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
			require.NoError(t, err)
			activity := collect(t, client.Investments.AllTransactions(ctx, link.ID, moneykit.InvestmentTransactionListParams{}))
			var batches []*moneykit.TransactionBatch
			for batch, err := range client.Transactions.Sync(ctx, link.ID, "") {
				require.NoError(t, err)
				batches = append(batches, batch)
			}
			out = append(out, mk.Transactions(link.ID), accounts, numbers, owners, holdings, activity, batches)
		}
		return out
	}
	one := build(1)
	assert.Equal(t, one, build(1))
	other := build(2)
	for i := range one {
		assert.NotEqual(t, one[i], other[i])
	}
}

func TestTogether(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, moneykittest.WithHistory(10*24*time.Hour), moneykittest.WithRefreshDelay(time.Millisecond))
	client := mk.Client(moneykit.WithHeaderAuth())
	ctx := t.Context()
	work := func(name string) error {
		link := mk.AddLink(moneykittest.LinkSpec{UserID: "shared"})
		store := &moneykittest.MemoryStore{}
		for range 4 {
			mk.AddTransactions(link.ID, moneykit.Transaction{Description: name})
			_, err1 := client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductTransactions, moneykit.ProductInvestments})
			_, err2 := client.Users.Transactions(ctx, "shared", moneykit.UserTransactionListParams{})
			_, err3 := client.Users.Accounts(ctx, "shared", moneykit.UserAccountListParams{})
			_, err4 := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
			_, err5 := client.SyncTransactions(ctx, link.ID, store, moneykit.SyncOptions{PageSize: 10})
			if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
				return err
			}
		}
		mk.Advance(time.Second) // what is due happens
		if _, err := client.SyncTransactions(ctx, link.ID, store, moneykit.SyncOptions{}); err != nil {
			return err
		}
		if !assert.ObjectsAreEqual(mk.Transactions(link.ID), store.Transactions(link.ID)) {
			return errors.New("the copy differs")
		}
		return nil
	}
	failures := make(chan error, 6)
	for i := range cap(failures) {
		go func() { failures <- work(fmt.Sprint(i)) }()
	}
	for range cap(failures) {
		require.NoError(t, <-failures)
	}
}

func TestBankMistakes(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t, moneykittest.WithHistory(0))
	link := mk.AddLink(moneykittest.LinkSpec{})
	gone := mk.AddLink(moneykittest.LinkSpec{State: moneykit.LinkStateDeleted})
	bare := mk.AddLink(moneykittest.LinkSpec{Products: []moneykit.Product{}})
	empty := mk.AddLink(moneykittest.LinkSpec{Accounts: []moneykit.Account{}})
	mk.AddTransactions(link.ID, moneykit.Transaction{ID: "txn_a"}, moneykit.Transaction{ID: "txn_b"}, moneykit.Transaction{ID: "txn_p", Pending: true})
	mk.RemoveTransaction(link.ID, "txn_b")
	require.Empty(t, tb.errors)
	truth := mk.Transactions(link.ID)
	type tx = moneykit.Transaction
	for want, f := range map[string]func(){
		`AddTransactions: there is no link mk_x`:                               func() { mk.AddTransactions("mk_x") },
		`AddTransactions: there is no link ` + gone.ID:                         func() { mk.AddTransactions(gone.ID) },
		`AddTransactions: the link ` + bare.ID + ` does not have transactions`: func() { mk.AddTransactions(bare.ID) },
		`AddTransactions: the link has no account ""`:                          func() { mk.AddTransactions(empty.ID, tx{}) },
		`AddTransactions: the link has no account "acc_x"`:                     func() { mk.AddTransactions(link.ID, tx{}, tx{AccountID: "acc_x"}) },
		`AddTransactions: the amount -1 is negative`:                           func() { mk.AddTransactions(link.ID, tx{Amount: amount(t, "-1")}) },
		`AddTransactions: the id "txn_a" has been used`:                        func() { mk.AddTransactions(link.ID, tx{ID: "txn_a"}) },
		`AddTransactions: the id "txn_b" has been used`:                        func() { mk.AddTransactions(link.ID, tx{ID: "txn_b", Pending: true}) },
		`AddTransactions: the id "txn_c" has been used`:                        func() { mk.AddTransactions(link.ID, tx{ID: "txn_c"}, tx{ID: "txn_c"}) },
		`AddTransactions: json: `:                                              func() { mk.AddTransactions(link.ID, tx{Date: moneykit.Date{Year: 2030, Month: 2, Day: 30}}) },
		`UpdateTransaction: the link has no posted transaction "txn_p"`:        func() { mk.UpdateTransaction(link.ID, tx{ID: "txn_p"}) },
		`UpdateTransaction: a posted transaction does not become pending`:      func() { mk.UpdateTransaction(link.ID, tx{ID: "txn_a", Pending: true}) },
		`UpdateTransaction: the link has no account "acc_x"`:                   func() { mk.UpdateTransaction(link.ID, tx{ID: "txn_a", AccountID: "acc_x"}) },
		`RemoveTransaction: the link has no posted transaction "txn_b"`:        func() { mk.RemoveTransaction(link.ID, "txn_b") },
		`Settle: there is no link mk_x`:                                        func() { mk.Settle("mk_x") },
		`ResetCursors: there is no link mk_x`:                                  func() { mk.ResetCursors("mk_x") },
		`Transactions: there is no link mk_x`:                                  func() { assert.Nil(t, mk.Transactions("mk_x")) },
		`Refresh: there is no link mk_x`:                                       func() { mk.Refresh("mk_x") },
		`Refresh: the link ` + bare.ID + ` does not have "identity"`:           func() { mk.Refresh(bare.ID, moneykit.ProductIdentity) },
	} {
		tb.errors = nil
		f()
		require.Len(t, tb.errors, 1, want)
		assert.Contains(t, tb.errors[0], want)
	}
	assert.Equal(t, truth, mk.Transactions(link.ID))

	// What is missing is filled in, and what comes back is nobody else's.
	confidence := 5
	mk.AddTransactions(link.ID, tx{
		ID: "txn_d", Datetime: moneykit.Timestamp{Time: time.Now()},
		Enrichment: &moneykit.TransactionEnrichment{Category: moneykit.TransactionCategory{Value: "home", Confidence: &confidence}},
	})
	confidence = 6
	rows := mk.Transactions(link.ID)
	added := rows[slices.IndexFunc(rows, func(t tx) bool { return t.ID == "txn_d" })]
	assert.Equal(t, 5, *added.Enrichment.Category.Confidence)
	assert.Equal(t, "USD", added.Currency)
	assert.Equal(t, moneykit.TransactionTypeDebit, added.Type)
	assert.Equal(t, moneykit.DateOf(time.Now().UTC()), added.Date)
	store := &moneykittest.MemoryStore{}
	syncAll(t, mk.Client(), link.ID, store, 0)
	assert.Equal(t, rows, store.Transactions(link.ID))
	*added.Enrichment.Category.Confidence = 7
	assert.Equal(t, store.Transactions(link.ID), mk.Transactions(link.ID))
}

func TestSettle(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, moneykittest.WithHistory(0))
	link := mk.AddLink(moneykittest.LinkSpec{})
	for range 20 {
		mk.AddTransactions(link.ID, moneykit.Transaction{Pending: true, Amount: amount(t, "3")})
	}
	other := mk.AddLink(moneykittest.LinkSpec{})
	for range 20 {
		mk.AddTransactions(other.ID, moneykit.Transaction{Pending: true})
	}
	mk.Refresh(other.ID, moneykit.ProductTransactions)
	assert.Greater(t, len(mk.Transactions(other.ID)), 10, "a refresh settles, too")

	before := mk.Transactions(link.ID)
	mk.Settle(link.ID)
	after := mk.Transactions(link.ID)
	assert.Less(t, len(after), len(before))
	assert.NotEmpty(t, after)
	for _, tx := range after {
		assert.False(t, tx.Pending)
		assert.False(t, slices.ContainsFunc(before, func(b moneykit.Transaction) bool { return b.ID == tx.ID }))
		assert.Zero(t, tx.Amount.Rat().Cmp(big.NewRat(3, 1)))
	}
}
