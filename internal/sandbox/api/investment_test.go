package api_test

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestInvestments(t *testing.T) {
	t.Parallel()
	mk := newFake(t, day())
	client := mk.Client()
	ctx := t.Context()
	link := mk.addLink(t, world.LinkSpec{})
	check := func() (*moneykit.HoldingList, []moneykit.InvestmentTransaction) {
		list, err := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
		require.NoError(t, err)
		require.Len(t, list.Accounts, 1)
		account := list.Accounts[0]
		ids := map[string]bool{}
		for _, s := range list.Securities {
			ids[s.ID] = true
			assert.Regexp(t, `^sec_`, s.ID)
			if s.ISIN != "" {
				assert.Regexp(t, `^US\d{10}$`, s.ISIN)
				assert.Zero(t, luhn("3028"+s.ISIN[2:])) // 3028 stands for U and S
			}
		}
		sum := new(big.Rat)
		for _, h := range list.Holdings {
			assert.True(t, ids[h.SecurityID])
			assert.Equal(t, account.ID, h.AccountID)
			sum.Add(sum, h.Value.Rat())
			if h.Price != nil {
				assert.Regexp(t, `^\d+\.\d{10}$`, h.Quantity.String())
				value := new(big.Rat).Mul(h.Quantity.Rat(), h.Price.Rat())
				assert.Equal(t, value.FloatString(2), h.Value.String())
			}
		}
		assert.Equal(t, account.Balances.Current.String(), sum.FloatString(2), "the value of the holdings is the balance of the account")
		rows := collect(t, client.Investments.AllTransactions(ctx, link.ID, moneykit.InvestmentTransactionListParams{Size: 4}))
		assert.True(t, slices.IsSortedFunc(rows, func(a, b moneykit.InvestmentTransaction) int { return b.Date.Compare(a.Date) }))
		for _, it := range rows {
			assert.Regexp(t, `^it_`, it.ID)
			switch it.Type {
			case "buy":
				assert.Positive(t, it.Amount.Sign())
				assert.Positive(t, it.Quantity.Sign())
			case "sell":
				assert.Negative(t, it.Amount.Sign())
				assert.Negative(t, it.Quantity.Sign())
			case "fee":
				assert.Positive(t, it.Amount.Sign())
			case "cash.dividend", "transfer":
				assert.Negative(t, it.Amount.Sign())
			default:
				assert.Fail(t, it.Type)
			}
		}
		return list, rows
	}
	before, history := check()
	require.NotEmpty(t, history)
	page, err := client.Investments.Transactions(ctx, link.ID, moneykit.InvestmentTransactionListParams{Size: 5, StartDate: history[4].Date})
	require.NoError(t, err)
	assert.Equal(t, history[:5], page.Transactions)
	for _, it := range page.Transactions {
		if it.SecurityID != "" {
			assert.True(t, slices.ContainsFunc(page.Securities, func(s moneykit.Security) bool { return s.ID == it.SecurityID }))
		}
	}

	mk.advance(24 * time.Hour)
	_, err = client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductInvestments})
	require.NoError(t, err)
	after, more := check()
	assert.NotEqual(t, before.Holdings, after.Holdings)
	assert.Len(t, more, len(history)+1)
	assert.True(t, after.Link.Products.Investments.RefreshedAt.After(before.Link.Products.Investments.RefreshedAt.Time))

	none, err := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{AccountIDs: []string{"acc_x"}})
	require.NoError(t, err)
	assert.Equal(t, []moneykit.Holding{}, none.Holdings)
	assert.Equal(t, []moneykit.Security{}, none.Securities)
	link = mk.addLink(t, world.LinkSpec{Accounts: []moneykit.Account{{Type: "investment"}, {Type: "depository"}, {Type: "liability"}}})
	mk.refresh(t, link.ID)
	_, err = client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
	require.NoError(t, err)
}

func luhn(digits string) int {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum % 10
}
