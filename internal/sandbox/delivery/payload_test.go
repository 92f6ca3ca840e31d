package delivery_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestPayload(t *testing.T) {
	t.Parallel()
	start := time.Date(2030, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600))
	history := false
	common := `"webhook_major_version":1,"webhook_minor_version":0,"webhook_idempotency_key":"key",
		"webhook_timestamp":"2030-01-02T02:04:05.000006Z","link_id":"mk_1"`
	for event, want := range map[*world.Event]string{
		{Name: moneykit.EventTypeLinkStateChanged, State: "connected", Tags: []string{"a"}}: `{
			"webhook_event":"link.state_changed","state":"connected","link_tags":["a"],` + common + `}`,
		{Name: moneykit.EventTypeLinkStateChanged, State: "error", Error: "auth_expired", ErrorMessage: "sorry", Tags: []string{}}: `{
			"webhook_event":"link.state_changed","state":"error","error":"auth_expired","error_message":"sorry","link_tags":[],` + common + `}`,
		{Name: moneykit.EventTypeProductStateChanged, Product: "identity", State: "completed", ChangedAt: start, Tags: []string{}}: `{
			"webhook_event":"product.state_changed","product":"identity","state":"completed",
			"state_changed_at":"2030-01-02T02:04:05.000006Z","link_tags":[],` + common + `}`,
		{Name: moneykit.EventTypeTransactionsUpdatesAvailable, HasHistory: &history, Tags: []string{}}: `{
			"webhook_event":"transactions.updates_available","has_history":false,"link_tags":[],` + common + `}`,
	} {
		event.Key, event.LinkID, event.At = "key", "mk_1", start
		mk := newFake(t)
		mk.World.Do(func(w *world.World, _ time.Time) { w.Events = append(w.Events, *event) })
		all := mk.Deliveries()
		require.Len(t, all, 1)
		assert.JSONEq(t, want, string(all[0].Body))
		assert.Equal(t, start, all[0].QueuedAt)
		assert.Equal(t, string(event.Name), all[0].Event)
		assert.Equal(t, "key", all[0].IdempotencyKey)
	}
}

// TestPayloadShapes encodes events in the other forms that MoneyKit has been observed to use.
func TestPayloadShapes(t *testing.T) {
	t.Parallel()
	start := time.Date(2030, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600))
	common := `"webhook_major_version":1,"webhook_minor_version":0,"webhook_idempotency_key":"key",
		"webhook_timestamp":"2030-01-02T02:04:05.000006","link_id":"mk_1","link_tags":[]`
	for event, want := range map[*world.Event]string{
		{Name: moneykit.EventTypeLinkStateChanged, State: "connected"}: `{
			"webhook_event":"link.state_changed","state":"connected","error":null,"error_message":null,` + common + `}`,
		{Name: moneykit.EventTypeLinkProductRefresh, Product: "identity", State: "completed", ChangedAt: start}: `{
			"webhook_event":"link.product_refresh","product":"identity","state":"completed","error_message":null,
			"state_changed_at":"2030-01-02T02:04:05.000006",` + common + `}`,
		{Name: moneykit.EventTypeTransactionsUpdatesAvailable}: `{
			"webhook_event":"transactions.updates_available","has_history":null,` + common + `}`,
	} {
		event.Key, event.LinkID, event.At, event.Tags = "key", "mk_1", start, []string{}
		mk := newFake(t, func(s *setup) { s.delivery.Nulls, s.delivery.Zoneless = true, true })
		mk.World.Do(func(w *world.World, _ time.Time) { w.Events = append(w.Events, *event) })
		assert.JSONEq(t, want, string(mk.Deliveries()[0].Body))
	}
}

// A clock past the year 9999, with which no body can be encoded, causes no panic.
func TestPayloadAfterYear9999(t *testing.T) {
	t.Parallel()
	mk := newFake(t, withClock(func() time.Time { return time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC) }))
	breakAll(mk, 1)
	for _, d := range mk.Deliveries() {
		assert.True(t, json.Valid(d.Body))
	}
}
