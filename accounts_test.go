package moneykit_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestBalancesMarshalAsNumbers(t *testing.T) {
	t.Parallel()
	const in = `{"currency":"USD","balance_date":"2021-08-12T15:23:00Z","available":340.10,"current":0,"limit":123456789012345678.01}`
	var b moneykit.Balances
	require.NoError(t, json.Unmarshal([]byte(in), &b))
	out, err := json.Marshal(b)
	require.NoError(t, err)
	assert.JSONEq(t, in, string(out), "every digit survives")

	out, err = json.Marshal(moneykit.Balances{})
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(out), "absent money is absent")
}
