package world_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestCustomAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	params := sessionParams()
	owner := moneykit.Owner{
		Names: []string{"Sam Sample"}, Addresses: []moneykit.Address{{City: "Fallow Creek", Primary: true}},
		PhoneNumbers: []moneykit.PhoneNumber{}, Emails: []moneykit.Email{{Address: "sam@mail.example"}},
	}
	params.CustomSandboxData = &moneykit.CustomSandboxData{
		Accounts: []moneykit.CustomSandboxAccount{
			{AccountType: "depository.checking", Name: "Mine", AccountNumber: "000111222333", RoutingNumber: "021000021"},
			{AccountType: "depository.savings", Name: "Also mine", AccountNumber: "000111222444"},
		},
		Owners: []moneykit.Owner{owner},
	}
	end := w.Connect(w.OpenSession(params, start).Token, world.Play{Username: "user_custom"}, start)
	require.Nil(t, end.Err)
	link := w.ExchangeToken(end.Token, start)
	require.Len(t, link.Accounts, 2)
	assert.Equal(t, "2333", link.Accounts[0].Mask)
	first, second := w.Numbers(link, link.Accounts[0]).ACH[0], w.Numbers(link, link.Accounts[1]).ACH[0]
	assert.Equal(t, "000111222333", first.AccountNumber)
	assert.Equal(t, "021000021", first.RoutingNumber)
	assert.Equal(t, "000111222444", second.AccountNumber)
	assert.True(t, world.IsRoutingNumber(second.RoutingNumber))
	for _, a := range link.Accounts {
		assert.Equal(t, []moneykit.Owner{owner}, w.Owners(link, a))
	}
}

// A user has the same accounts on each link to a bank, with different ids.
func TestAccountsOfSecondLink(t *testing.T) {
	t.Parallel()
	w := newWorld()
	describe := func(l *world.Link) (all []string) {
		for _, a := range l.Accounts {
			all = append(all, a.Name+" "+a.Mask+" "+a.Balances.Current.String())
		}
		return all
	}
	first, second := add(t, w, world.LinkSpec{}), add(t, w, world.LinkSpec{})
	assert.Equal(t, describe(first), describe(second))
	assert.NotEqual(t, first.Accounts[0].ID, second.Accounts[0].ID)
	assert.NotEqual(t, describe(first), describe(add(t, w, world.LinkSpec{UserID: "user-42"})))
	assert.NotEqual(t, describe(first), describe(add(t, w, world.LinkSpec{InstitutionID: "chase"})))
}
