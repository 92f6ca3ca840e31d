package moneykit_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestEnumsAcceptUnknownValues(t *testing.T) {
	t.Parallel()
	var link moneykit.Link
	require.NoError(t, json.Unmarshal([]byte(`{"state":"hibernating","provider":"acme","error_code":"new_error",
		"available_products":["crypto"],"something_new":{"a":[1]}}`), &link))
	assert.Equal(t, moneykit.LinkState("hibernating"), link.State)
	assert.False(t, link.State.Known())
	assert.False(t, link.Provider.Known())
	assert.False(t, link.Error.Known())
	assert.False(t, link.AvailableProducts[0].Known())
	assert.True(t, moneykit.LinkStateConnected.Known())
}
