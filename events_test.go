package moneykit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// common is what all events have, as JSON and as a value.
const common = `"webhook_major_version":1,"webhook_minor_version":0,"webhook_idempotency_key":"evt_1",` +
	`"webhook_timestamp":"2026-03-01T12:00:00.5Z","link_id":"mk_1","link_tags":["a","b"]`

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

// What is newer than this package is handed on rather than refused: MoneyKit would deliver it
// again and again.
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

// TestEventWithNullTags takes a null in the tags for no tag.
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

func TestRouter(t *testing.T) {
	t.Parallel()
	called := ""
	failure := errors.New("failed")
	full := moneykit.Router{
		LinkStateChanged: func(_ context.Context, e *moneykit.LinkStateChanged) error {
			called = "link " + e.LinkID
			return failure
		},
		ProductRefreshed: func(_ context.Context, e *moneykit.ProductRefreshed) error {
			called = "product " + e.LinkID
			return failure
		},
		TransactionsAvailable: func(_ context.Context, e *moneykit.TransactionsAvailable) error {
			called = "transactions " + e.LinkID
			return failure
		},
		Default: func(_ context.Context, e moneykit.Event) error {
			called = "default " + e.Meta().LinkID
			return failure
		},
	}
	meta := moneykit.EventMeta{LinkID: "mk_1"}
	events := map[string]moneykit.Event{
		"link mk_1":         &moneykit.LinkStateChanged{EventMeta: meta},
		"product mk_1":      &moneykit.ProductRefreshed{EventMeta: meta},
		"transactions mk_1": &moneykit.TransactionsAvailable{EventMeta: meta},
		"default mk_1":      &moneykit.UnknownEvent{EventMeta: meta},
	}
	rest := moneykit.Router{Default: full.Default}
	var none moneykit.Router
	for want, event := range events {
		require.ErrorIs(t, full.Handle(t.Context(), event), failure)
		assert.Equal(t, want, called)
		require.ErrorIs(t, rest.Handle(t.Context(), event), failure)
		assert.Equal(t, "default mk_1", called)
		require.NoError(t, none.Handle(t.Context(), event), "of no interest")
	}
}
