package moneykittest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestAddLink(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	client := mk.Client()
	amount, err := moneykit.ParseDecimal("12.30")
	require.NoError(t, err)
	accounts := []moneykit.Account{
		{Name: "Mine", Type: "depository.checking", Balances: moneykit.Balances{Current: &amount}},
		{ID: "acc_closed", Name: "Gone", Closed: true},
		{ID: "acc_1", Name: "Other"},
	}
	link := mk.AddLink(moneykittest.LinkSpec{
		UserID: "user-7", InstitutionID: moneykittest.OAuthBank, Webhook: "https://app.example/hook", Tags: []string{"a", "b"},
		Products: []moneykit.Product{"transactions"}, Accounts: accounts,
	})
	assert.Equal(t, "OAuth Bank", link.InstitutionName)
	assert.Equal(t, "https://app.example/hook", link.Webhook)
	assert.Equal(t, []string{"a", "b"}, link.Tags)
	assert.Equal(t, []moneykit.Product{"account_numbers", "identity", "investments", "enrichment"}, link.AvailableProducts)
	list, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	require.Len(t, list.Accounts, 2, "closed accounts are not listed")
	assert.Regexp(t, `^acc_[0-9A-Za-z]{22}$`, list.Accounts[0].ID)
	assert.Equal(t, "12.30", list.Accounts[0].Balances.Current.String())
	assert.Equal(t, "acc_1", list.Accounts[1].ID)
	assert.Empty(t, accounts[0].ID, "the test's own list stays as it is")
	assert.Empty(t, tb.errors)

	link = mk.AddLink(moneykittest.LinkSpec{InstitutionID: "no-bank"})
	assert.Equal(t, moneykittest.InstantBank, link.InstitutionID)
	assert.Len(t, tb.errors, 1)

	// JSON cannot represent these times.
	bad := moneykit.Timestamp{Time: time.Date(123456, 1, 1, 0, 0, 0, 0, time.UTC)}
	link = mk.AddLink(moneykittest.LinkSpec{Accounts: []moneykit.Account{{Balances: moneykit.Balances{Date: bad}}}})
	_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{}, moneykit.WithoutRetry())
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 500, e.StatusCode)
	assert.Len(t, tb.errors, 2)
	strange, tb := newFake(t, moneykittest.WithClock(func() time.Time { return bad.Time }))
	strange.AddLink(moneykittest.LinkSpec{})
	assert.Len(t, tb.errors, 1)
}

func TestBreak(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	_, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	isError(t, err, moneykit.ErrRelinkRequired, 422)
	mk.Break(link.ID, "")
	_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	assert.Empty(t, tb.errors)

	require.NoError(t, client.Links.Delete(t.Context(), link.ID))
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	mk.Break("mk_unknown", moneykit.LinkErrorAuthExpired)
	assert.Len(t, tb.errors, 2)
	got, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateDeleted, got.State)
}
