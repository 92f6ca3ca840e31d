package api_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestNumbersAndOwners(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	client := mk.Client()
	ctx := t.Context()
	all := collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{}))
	for country, currency := range map[moneykit.Country]string{moneykit.CountryUS: "USD", moneykit.CountryCA: "CAD", moneykit.CountryGB: "GBP"} {
		in := all[slices.IndexFunc(all, func(in moneykit.Institution) bool { return in.Country == country && len(in.IDAliases) > 0 })]
		link := mk.addLink(t, world.LinkSpec{InstitutionID: in.IDAliases[0]})
		assert.Equal(t, in.ID, link.InstitutionID)
		list, err := client.Accounts.Numbers(ctx, link.ID)
		require.NoError(t, err)
		require.Len(t, list.Accounts, 2, "the credit card and the brokerage have no numbers")
		one, err := client.Accounts.Get(ctx, link.ID, list.Accounts[0].ID)
		require.NoError(t, err)
		assert.Equal(t, currency, one.Account.Balances.Currency)
		assert.Equal(t, one.Account.Mask, list.Accounts[0].Mask)
		assert.Equal(t, one.Account.Balances, list.Accounts[0].Balances)
		for _, a := range list.Accounts {
			n := a.Numbers
			assert.NotNil(t, n.ACH)
			assert.NotNil(t, n.EFT)
			assert.NotNil(t, n.BACS)
			assert.NotNil(t, n.International)
			assert.True(t, strings.HasPrefix(a.Type, "depository"))
			assert.Equal(t, country == moneykit.CountryUS, len(n.ACH) == 1)
			assert.Equal(t, country == moneykit.CountryCA, len(n.EFT) == 1)
			assert.Equal(t, country == moneykit.CountryGB, len(n.BACS) == 1)
			assert.Len(t, n.International, len(n.BACS))
			var number string
			switch country {
			case moneykit.CountryUS:
				number = n.ACH[0].AccountNumber
				assert.Regexp(t, `^\d{12}$`, number)
				assert.Zero(t, abaSum(n.ACH[0].RoutingNumber))
				if n.ACH[0].WireRoutingNumber != "" {
					assert.Zero(t, abaSum(n.ACH[0].WireRoutingNumber))
				}
			case moneykit.CountryCA:
				number = n.EFT[0].AccountNumber
				assert.Regexp(t, `^\d{7} \d{3} \d{5}$`, number+" "+n.EFT[0].InstitutionNumber+" "+n.EFT[0].BranchNumber)
			case moneykit.CountryGB:
				number = n.BACS[0].AccountNumber
				assert.Regexp(t, `^\d{8} \d{6}$`, number+" "+n.BACS[0].SortCode)
				assert.True(t, ibanIsRight(n.International[0].IBAN), n.International[0].IBAN)
				assert.Regexp(t, `^[A-Z]{4}GB[A-Z0-9]{2}$`, n.International[0].BIC)
			}
			assert.True(t, strings.HasSuffix(number, a.Mask))
		}
		again, err := client.Accounts.Numbers(ctx, link.ID)
		require.NoError(t, err)
		assert.Equal(t, list, again)

		owners, err := client.Identity.List(ctx, link.ID, moneykit.IdentityListParams{})
		require.NoError(t, err)
		require.Len(t, owners.Accounts, 4)
		for i, a := range owners.Accounts {
			require.Len(t, a.Owners, map[bool]int{false: 1, true: 2}[i == 1])
			owner := a.Owners[0]
			assert.Equal(t, owners.Accounts[0].Owners[0], owner)
			assert.NotEmpty(t, owner.Names)
			assert.Equal(t, string(country), owner.Addresses[0].Country)
			assert.True(t, owner.PhoneNumbers[0].Type.Known())
			assert.Contains(t, owner.Emails[0].Address, "@mail.example")
		}
		some, err := client.Identity.List(ctx, link.ID, moneykit.IdentityListParams{AccountIDs: []string{owners.Accounts[2].ID}})
		require.NoError(t, err)
		assert.Equal(t, owners.Accounts[2:3], some.Accounts)
	}
	link := mk.addLink(t, world.LinkSpec{Accounts: []moneykit.Account{
		{ID: "acc_old", Type: "depository", Closed: true}, {ID: "acc_x", Type: "depository", Mask: "no digits"},
	}})
	_, err := client.Accounts.Get(ctx, link.ID, "acc_old")
	isError(t, err, moneykit.ErrNotFound, 404)
	numbers, err := client.Accounts.Numbers(ctx, link.ID)
	require.NoError(t, err)
	require.Len(t, numbers.Accounts, 1)
	assert.Regexp(t, `^\d{12}$`, numbers.Accounts[0].Numbers.ACH[0].AccountNumber)
}

// No account has numbers before they were fetched.
func TestNumbersBeforeFetch(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	params := sessionParams()
	params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{AccountNumbers: &moneykit.ProductSettings{}}}
	end := mk.connect(open(t, mk.Client(), params), world.Play{})
	link, err := mk.Client().LinkSessions.Exchange(t.Context(), end.Token)
	require.NoError(t, err)
	for _, want := range []int{0, 2} {
		numbers, err := mk.Client().Accounts.Numbers(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Len(t, numbers.Accounts, want)
		mk.refresh(t, link.ID, moneykit.ProductAccountNumbers)
	}
}

func abaSum(number string) int {
	sum := 0
	for i, r := range number {
		sum += int(r-'0') * []int{3, 7, 1}[i%3]
	}
	return sum % 10
}

func ibanIsRight(iban string) bool {
	var digits strings.Builder
	for _, r := range iban[4:] + iban[:4] {
		if r >= 'A' {
			digits.WriteString(big.NewInt(int64(r-'A') + 10).String())
		} else {
			digits.WriteRune(r)
		}
	}
	n, ok := new(big.Int).SetString(digits.String(), 10)
	return ok && n.Mod(n, big.NewInt(97)).Int64() == 1
}
