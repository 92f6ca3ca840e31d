package moneykit_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestUnusualTransactions(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions", answers(200, onLink(`"transactions":[
		{"amount":"123456789012345678","date":"2023-01-01"},
		{"amount":-0.10,"date":"2023-12-31"},
		{"amount":"1.5e-7","currency":null},
		{"amount":7,"type":"reversal","enrichment":{"category":{"value":"space_travel"}}},
		{"amount":"0.00","datetime":"2024-01-09T23:59:59.999999+00:00"}
	],"accounts":[],"total":5,"page":1,"size":5`)))
	list, err := newClient(t, mock).Transactions.List(t.Context(), "mk_1", moneykit.TransactionListParams{})
	require.NoError(t, err)
	var amounts []string
	for _, tx := range list.Transactions {
		amounts = append(amounts, tx.Amount.String())
	}
	assert.Equal(t, []string{"123456789012345678", "-0.10", "1.5e-7", "7", "0.00"}, amounts)
	assert.Equal(t, "2023-12-31", list.Transactions[1].Date.String())
	assert.Empty(t, list.Transactions[2].Currency)
	assert.False(t, list.Transactions[3].Type.Known())
	assert.False(t, moneykit.Category(list.Transactions[3].Enrichment.Category.Value).Known())
}
