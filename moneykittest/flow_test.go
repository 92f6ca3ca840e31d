package moneykittest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestFlow(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, stopped())
	client := mk.Client()
	ctx := t.Context()

	params := sessionParams()
	params.Webhook = "https://app.example/hook"
	params.Tags = []string{"beta"}
	session, err := client.LinkSessions.Create(ctx, params)
	require.NoError(t, err)

	result, err := moneykit.ParseConnectResult(mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{}))
	require.NoError(t, err)
	require.Equal(t, moneykit.ConnectLinked, result.Outcome)
	assert.Equal(t, moneykittest.InstantBank, result.Institution.ID)

	waiting, err := client.Links.Get(ctx, result.LinkID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateAwaitingTokenExchange, waiting.State)
	_, err = client.Accounts.List(ctx, result.LinkID, moneykit.AccountListParams{})
	isError(t, err, moneykit.LinkErrorIncomplete, 422)

	link, err := client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
	require.NoError(t, err)
	assert.Equal(t, result.LinkID, link.ID)
	assert.Regexp(t, `^mk_[0-9A-Za-z]{22}$`, link.ID)
	assert.Equal(t, moneykit.LinkStateConnected, link.State)
	assert.Equal(t, "Instant Bank", link.InstitutionName)
	assert.Equal(t, moneykit.ProviderMoneyKit, link.Provider)
	assert.Equal(t, "https://app.example/hook", link.Webhook)
	assert.Equal(t, []string{"beta"}, link.Tags)
	assert.Equal(t, []moneykit.Product{}, link.AvailableProducts)

	again, err := client.Links.Get(ctx, link.ID)
	require.NoError(t, err)
	assert.Equal(t, link, again)

	list, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	assert.Equal(t, *link, list.Link)
	require.Len(t, list.Accounts, len(result.Accounts))
	var types []string
	for i, a := range list.Accounts {
		types = append(types, a.Type)
		assert.Regexp(t, `^acc_[0-9A-Za-z]{22}$`, a.ID)
		assert.Regexp(t, `^\d{4}$`, a.Mask)
		assert.Equal(t, "USD", a.Balances.Currency)
		assert.Regexp(t, `^\d+\.\d\d$`, a.Balances.Current.String())
		assert.Equal(t, moneykit.ConnectAccount{
			ID: a.ID, Name: a.Name, Type: strings.TrimPrefix(a.Type, "liability."), Mask: a.Mask,
		}, result.Accounts[i])
	}
	assert.Equal(t, []string{"depository.checking", "depository.savings", "liability.credit_card", "investment"}, types)
	card := list.Accounts[2].Balances
	assert.Zero(t, card.Limit.Rat().Cmp(card.Available.Rat().Add(card.Available.Rat(), card.Current.Rat())))

	ids := []string{list.Accounts[0].ID, list.Accounts[2].ID, "acc_unknown"}
	some, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{AccountIDs: ids})
	require.NoError(t, err)
	assert.Equal(t, []moneykit.Account{list.Accounts[0], list.Accounts[2]}, some.Accounts)

	require.NoError(t, client.Links.Delete(ctx, link.ID))
	deleted, err := client.Links.Get(ctx, link.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateDeleted, deleted.State)
	_, err = client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	isError(t, err, moneykit.ErrLinkDeleted, 410)
	isError(t, client.Links.Delete(ctx, link.ID), moneykit.ErrLinkDeleted, 410)

	mk.Advance(90*24*time.Hour - time.Minute)
	_, err = client.Links.Get(ctx, link.ID)
	require.NoError(t, err)
	mk.Advance(time.Minute)
	_, err = client.Links.Get(ctx, link.ID)
	isError(t, err, moneykit.ErrNotFound, 404)
	isError(t, client.Links.Delete(ctx, link.ID), moneykit.ErrNotFound, 404)
}

func TestTokensWorkOnce(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	client := mk.Client()
	token := open(t, client, sessionParams())

	result := play(t, mk, token, moneykittest.Play{})
	require.Equal(t, moneykit.ConnectLinked, result.Outcome)
	assert.Empty(t, tb.errors)
	second := play(t, mk, token, moneykittest.Play{})
	assert.Equal(t, moneykit.ConnectExited, second.Outcome)
	assert.Equal(t, "moneykittest.used_session", second.Err.ID)
	assert.Len(t, tb.errors, 1)

	_, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
	require.NoError(t, err)
	_, err = client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
	isError(t, err, moneykit.ErrorCodeInvalidTokenExchange, 400)
	_, err = client.LinkSessions.Exchange(t.Context(), "00000000-0000-4000-8000-000000000000")
	isError(t, err, moneykit.ErrorCodeInvalidTokenExchange, 400)

	// A session also ends when the user leaves.
	token = open(t, client, sessionParams())
	assert.Nil(t, play(t, mk, token, moneykittest.Play{Leave: true}).Err)
	assert.Equal(t, "moneykittest.used_session", play(t, mk, token, moneykittest.Play{}).Err.ID)
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	for name, life := range map[string]time.Duration{"by default": 30 * time.Minute, "as set": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := []moneykittest.Option{stopped()}
			if name == "as set" {
				opts = append(opts, moneykittest.WithSessionLifetime(life))
			}
			mk, tb := newFake(t, opts...)
			client := mk.Client()

			early, late := open(t, client, sessionParams()), open(t, client, sessionParams())
			mk.Advance(life - time.Second)
			assert.Equal(t, moneykit.ConnectLinked, play(t, mk, early, moneykittest.Play{}).Outcome)
			mk.Advance(time.Second)
			assert.Equal(t, "moneykittest.expired_session", play(t, mk, late, moneykittest.Play{}).Err.ID)
			assert.Empty(t, tb.errors, "the test wanted it")
			assert.Len(t, tb.logs, 1)

			one := play(t, mk, open(t, client, sessionParams()), moneykittest.Play{})
			two := play(t, mk, open(t, client, sessionParams()), moneykittest.Play{})
			mk.Advance(life - time.Second)
			_, err := client.LinkSessions.Exchange(t.Context(), one.ExchangeableToken)
			require.NoError(t, err)
			mk.Advance(time.Second)
			_, err = client.LinkSessions.Exchange(t.Context(), two.ExchangeableToken)
			isError(t, err, moneykit.ErrorCodeInvalidTokenExchange, 400)
		})
	}
}

func TestExchangeAfterDelete(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	result := play(t, mk, open(t, client, sessionParams()), moneykittest.Play{})
	require.NoError(t, client.Links.Delete(t.Context(), result.LinkID))
	_, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
	isError(t, err, moneykit.ErrorCodeInvalidTokenExchange, 400)
}

func TestWithClock(t *testing.T) {
	t.Parallel()
	day := time.Date(2031, 5, 6, 7, 8, 9, 123456789, time.FixedZone("", 3600))
	mk := moneykittest.NewServer(t, moneykittest.WithClock(func() time.Time { return day }), moneykittest.WithClock(nil))
	link := mk.AddLink(moneykittest.LinkSpec{})
	want := moneykit.Timestamp{Time: time.Date(2031, 5, 6, 6, 8, 9, 123456000, time.UTC)}
	assert.Equal(t, want, link.Products.Accounts.RefreshedAt)
	mk.Advance(time.Hour)
	_, err := mk.Client().Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	for _, r := range mk.Requests() {
		assert.Equal(t, day.Add(time.Hour), r.At)
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	type made struct {
		link     string
		accounts []moneykit.Account
	}
	build := func(seed uint64) (out []made) {
		now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		mk := moneykittest.NewServer(t, moneykittest.WithSeed(seed), moneykittest.WithClock(func() time.Time { return now }))
		for range 3 {
			link := mk.AddLink(moneykittest.LinkSpec{})
			list, err := mk.Client().Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
			require.NoError(t, err)
			out = append(out, made{link.ID, list.Accounts})
		}
		return out
	}
	one, other := build(1), build(2)
	assert.Equal(t, one, build(1))
	for i := range one {
		assert.NotEqual(t, one[i].link, other[i].link)
		assert.NotEqual(t, one[i].link, one[(i+1)%3].link)
		assert.NotEqual(t, one[i].accounts[0].ID, one[(i+1)%3].accounts[0].ID)
		assert.NotEqual(t, one[i].accounts[0].Balances, other[i].accounts[0].Balances)
	}
}
