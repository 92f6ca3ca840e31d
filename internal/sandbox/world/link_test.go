package world_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestAddLink(t *testing.T) {
	t.Parallel()
	w := newWorld()
	link := add(t, w, world.LinkSpec{})
	assert.Regexp(t, `^mk_[0-9A-Za-z]{22}$`, link.ID)
	assert.Equal(t, "user_0001", link.User)
	assert.Equal(t, world.InstantBank, link.Institution.ID)
	assert.Equal(t, moneykit.LinkStateConnected, link.State)
	assert.Len(t, link.Accounts, 4)
	assert.Len(t, link.Products, len(world.AllProducts()))

	mine := []moneykit.Account{{Name: "Mine"}, {ID: "acc_x", Closed: true}}
	link = add(t, w, world.LinkSpec{Accounts: mine, Products: []moneykit.Product{moneykit.ProductIdentity}})
	assert.Regexp(t, `^acc_[0-9A-Za-z]{22}$`, link.Accounts[0].ID)
	assert.Empty(t, mine[0].ID, "the caller's list is not changed")
	assert.Len(t, link.Products, 2)
	assert.Len(t, link.Open(nil), 1)
	assert.Empty(t, link.Open([]string{"acc_x"}))
	assert.NotNil(t, link.Open([]string{"acc_x"}))
	assert.Equal(t, "acc_x", link.Account("acc_x").ID)
	assert.Nil(t, link.Account("acc_y"))

	link, known := w.AddLink(world.LinkSpec{InstitutionID: "no-bank"}, start)
	assert.False(t, known)
	assert.Equal(t, world.InstantBank, link.Institution.ID)
}

func TestLinkStates(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, tt := range []struct {
		spec   world.LinkSpec
		state  moneykit.LinkState
		reason moneykit.LinkError
	}{
		{world.LinkSpec{}, moneykit.LinkStateConnected, ""},
		{world.LinkSpec{State: moneykit.LinkStateConnected, Error: moneykit.LinkErrorAuthExpired}, moneykit.LinkStateConnected, ""},
		{world.LinkSpec{State: moneykit.LinkStateError}, moneykit.LinkStateError, moneykit.LinkErrorAuthExpired},
		{world.LinkSpec{Error: moneykit.LinkErrorNoAccounts}, moneykit.LinkStateError, moneykit.LinkErrorNoAccounts},
		{world.LinkSpec{State: moneykit.LinkStateConnecting}, moneykit.LinkStateConnecting, ""},
	} {
		link := add(t, w, tt.spec)
		assert.Equal(t, tt.state, link.State)
		assert.Equal(t, tt.reason, link.Reason)
		assert.Equal(t, tt.state == moneykit.LinkStateConnected, link.Readable(moneykit.ProductAccounts))
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld()
	first, second := add(t, w, world.LinkSpec{UserID: "a"}), add(t, w, world.LinkSpec{UserID: "b"})
	third := add(t, w, world.LinkSpec{UserID: "a"})
	assert.Equal(t, []*world.Link{first, second, third}, w.AllLinks(start))
	assert.Equal(t, []*world.Link{first, third}, w.LinksOf("a", start))
	assert.Empty(t, w.LinksOf("c", start))

	w.Delete(first, start)
	assert.Equal(t, []*world.Link{third}, w.LinksOf("a", start))
	require.Error(t, w.Break(first.ID, moneykit.LinkErrorAuthExpired, start))
	end := start.Add(90 * 24 * time.Hour)
	assert.Equal(t, first, w.Find(first.ID, end.Add(-1)), "a deleted link can be read for 90 days")
	assert.Nil(t, w.Find(first.ID, end))
	assert.Nil(t, w.Find("mk_unknown", start))
}

func TestLinksAfter(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for range 6 {
		add(t, w, world.LinkSpec{Accounts: []moneykit.Account{}})
	}
	w.Delete(w.Links[w.Order[3]], start)
	for number, want := range map[int][]int{-1: {1, 2, 3, 5, 6}, 0: {1, 2, 3, 5, 6}, 2: {3, 5, 6}, 4: {5, 6}, 6: nil, 99: nil} {
		var got []int
		for l := range w.LinksAfter(number, start) {
			got = append(got, l.Number)
		}
		assert.Equal(t, want, got, number)
	}
	for l := range w.LinksAfter(1, start) {
		assert.Equal(t, 2, l.Number)
		break
	}
}
