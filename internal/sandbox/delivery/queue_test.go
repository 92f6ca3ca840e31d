package delivery_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestDeliveriesAreBounded(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := newFake(t, receiving(in))
	ids := breakAll(mk, 2)
	mk.deliver()
	link := mk.addLink(hook)
	for i := range 10_000 {
		mk.breakLink(link, []moneykit.LinkError{moneykit.LinkErrorAuthExpired, ""}[i%2])
	}
	all := mk.Deliveries()
	require.Len(t, all, 10_000)
	assert.Equal(t, link, all[0].LinkID, "those that are done go first")
	token := all[1].Token
	mk.breakLink(ids[0], moneykit.LinkErrorIncomplete)
	assert.Equal(t, token, mk.Deliveries()[0].Token)
}
