package moneykit_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func commonMeta(kind, body string) moneykit.EventMeta {
	return moneykit.EventMeta{
		Type: moneykit.EventType(kind), Major: 1, IdempotencyKey: "evt_1", LinkID: "mk_1", LinkTags: []string{"a", "b"},
		Timestamp: moneykit.Timestamp{Time: time.Date(2026, 3, 1, 12, 0, 0, 5e8, time.UTC)}, Raw: []byte(body),
	}
}

func TestParseUnverifiedEvent(t *testing.T) {
	t.Parallel()
	changed := moneykit.Timestamp{Time: time.Date(2026, 3, 1, 11, 59, 0, 0, time.UTC)}
	tests := []struct {
		name, body string
		want       func(moneykit.EventMeta) moneykit.Event
	}{
		{
			"link.state_changed", `{"webhook_event":"link.state_changed",` + common +
				`,"state":"error","error":"auth_expired","error_message":"Log in again"}`,
			func(m moneykit.EventMeta) moneykit.Event {
				return &moneykit.LinkStateChanged{
					EventMeta: m, State: moneykit.LinkStateError, Error: moneykit.LinkErrorAuthExpired, ErrorMessage: "Log in again",
				}
			},
		},
		{
			"link.state_changed", `{"state":"connected","error":null,"webhook_event":"link.state_changed",` + common + `}`,
			func(m moneykit.EventMeta) moneykit.Event {
				return &moneykit.LinkStateChanged{EventMeta: m, State: moneykit.LinkStateConnected}
			},
		},
		{
			"link.product_refresh", `{"webhook_event":"link.product_refresh",` + common +
				`,"product":"identity","state":"failed","state_changed_at":"2026-03-01T11:59:00","error_message":"Down"}`,
			func(m moneykit.EventMeta) moneykit.Event {
				return &moneykit.ProductRefreshed{
					EventMeta: m, Product: moneykit.ProductIdentity, State: moneykit.ProductStateFailed,
					StateChangedAt: changed, ErrorMessage: "Down",
				}
			},
		},
		{
			"product.state_changed", `{"webhook_event":"product.state_changed",` + common +
				`,"product":"identity","state":"completed","state_changed_at":null}`,
			func(m moneykit.EventMeta) moneykit.Event {
				return &moneykit.ProductRefreshed{EventMeta: m, Product: moneykit.ProductIdentity, State: moneykit.ProductStateCompleted}
			},
		},
		{
			"transactions.updates_available", `{"webhook_event":"transactions.updates_available",` + common + `,"has_history":true}`,
			func(m moneykit.EventMeta) moneykit.Event {
				return &moneykit.TransactionsAvailable{EventMeta: m, HasHistory: true}
			},
		},
		{
			"transactions.updates_available", `{"webhook_event":"transactions.updates_available",` + common + `}`,
			func(m moneykit.EventMeta) moneykit.Event { return &moneykit.TransactionsAvailable{EventMeta: m} },
		},
		{
			"link.renamed", `{"webhook_event":"link.renamed",` + common + `,"state":7,"name":"x"}`,
			func(m moneykit.EventMeta) moneykit.Event { return &moneykit.UnknownEvent{EventMeta: m} },
		},
	}
	for _, tt := range tests {
		event, err := moneykit.ParseUnverifiedEvent([]byte(tt.body))
		require.NoError(t, err, tt.body)
		assert.Equal(t, tt.want(commonMeta(tt.name, tt.body)), event)
	}
}

// Events of unknown types are passed on. If they were refused, MoneyKit would deliver them again.
func TestUnknownEvents(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       moneykit.EventMeta
	}{
		{"nothing at all", `{}`, moneykit.EventMeta{Major: 1}},
		{"no name", `{` + common + `,"state":"error"}`, commonMeta("", "")},
		{
			"a new major version", `{"webhook_event":"link.state_changed","webhook_major_version":2,"link_id":{"id":"mk_1"},"state":[]}`,
			moneykit.EventMeta{Type: "link.state_changed", Major: 2},
		},
	}
	for _, tt := range tests {
		event, err := moneykit.ParseUnverifiedEvent([]byte(tt.body))
		require.NoError(t, err, tt.name)
		tt.want.Raw = []byte(tt.body)
		assert.Equal(t, &moneykit.UnknownEvent{EventMeta: tt.want}, event, tt.name)
	}
}

// TestEventWithNullTags checks that null tags are skipped.
func TestEventWithNullTags(t *testing.T) {
	t.Parallel()
	event, err := moneykit.ParseUnverifiedEvent([]byte(strings.Replace(eventJSON, `["a & b"]`, `[null,"a",7]`, 1)))
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "7"}, event.Meta().LinkTags)
}

func TestMalformedEvents(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		`{"webhook_event":"link.state_changed","webhook_event":"x"}`: "one name",
		`{"webhook_major_version":2,"LINK_ID":""}`:                   "in case",
		`nope`:                            "not valid JSON",
		strings.Repeat(" ", 1<<20) + "{}": "more than 1048576 bytes",
	} {
		event, err := moneykit.ParseUnverifiedEvent([]byte(body))
		require.ErrorIs(t, err, moneykit.ErrMalformedEvent)
		require.ErrorContains(t, err, says)
		assert.Nil(t, event)
	}
}

func TestEventLogValue(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	event, err := moneykit.ParseUnverifiedEvent([]byte(strings.Replace(eventJSON, "link.state_changed", strings.Repeat("n", 500), 1)))
	require.NoError(t, err)
	slog.New(slog.NewTextHandler(&logs, nil)).Info("got", "webhook", event.Meta())
	assert.Contains(t, logs.String(), "webhook.link_id=mk_1")
	assert.NotContains(t, logs.String(), "sorry")
	assert.Less(t, logs.Len(), 300)
}

// TestOddEvents reads webhooks whose scalars have undocumented forms.
func TestOddEvents(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"webhook_event":"transactions.updates_available","webhook_major_version":"1","webhook_minor_version":0.0,` +
			`"webhook_idempotency_key":17,"webhook_timestamp":"2026-03-01 12:00","link_id":"mk_1","has_history":"true"}`,
		`{"webhook_event":"transactions.updates_available","webhook_major_version":1e0,"webhook_idempotency_key":"17",` +
			`"webhook_timestamp":"2026-03-01T12:00:00\u002B00:00","link_id":"mk\u005f1","has_history":true}`,
	} {
		event, err := moneykit.ParseUnverifiedEvent([]byte(body))
		require.NoError(t, err)
		available, ok := event.(*moneykit.TransactionsAvailable)
		require.True(t, ok)
		assert.True(t, available.HasHistory)
		assert.Equal(t, "17", available.IdempotencyKey)
		assert.Equal(t, "mk_1", available.LinkID)
		assert.True(t, available.Timestamp.Equal(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
	}
}
