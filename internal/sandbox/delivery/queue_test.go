package delivery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
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
	assert.Equal(t, link, all[0].LinkID, "delivered webhooks are deleted first")
	token := all[1].Token
	mk.breakLink(ids[0], moneykit.LinkErrorIncomplete)
	assert.Equal(t, token, mk.Deliveries()[0].Token)
}

func TestDeliveryBodiesAreBounded(t *testing.T) {
	t.Parallel()
	mk := newFake(t, receiving(&inbox{}))
	link := mk.addLink(hook)
	mk.World.Do(func(w *world.World, now time.Time) {
		w.Find(link, now).Tags = slices.Repeat([]string{strings.Repeat("t", 99)}, 10_000) // about 1 MB
	})
	breaks := func(n int) (bytes int) {
		for i := range n {
			mk.breakLink(link, []moneykit.LinkError{moneykit.LinkErrorAuthExpired, ""}[i%2])
		}
		for _, d := range mk.Deliveries() {
			bytes += len(d.Body)
		}
		return bytes
	}
	assert.Greater(t, breaks(40), 40_000_000, "pending webhooks are kept")
	require.Len(t, mk.deliver(), 40)
	assert.Less(t, breaks(2), 33<<20)
	all := mk.Deliveries()
	assert.Equal(t, delivery.Pending, all[len(all)-1].State)
	assert.Equal(t, delivery.Pending, all[len(all)-2].State)
	assert.Equal(t, delivery.Done, all[0].State)
	assert.Len(t, mk.deliver(), 2)
}
