package delivery

import (
	"encoding/json"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// body is the body of a webhook.
type body struct {
	Name         moneykit.EventType `json:"webhook_event"`
	Major        int                `json:"webhook_major_version"`
	Minor        int                `json:"webhook_minor_version"`
	Key          string             `json:"webhook_idempotency_key"`
	Timestamp    moneykit.Timestamp `json:"webhook_timestamp"`
	LinkID       string             `json:"link_id"`
	Tags         []string           `json:"link_tags"`
	Product      moneykit.Product   `json:"product,omitempty"`
	State        string             `json:"state,omitempty"` // of the link or the product
	ChangedAt    moneykit.Timestamp `json:"state_changed_at,omitzero"`
	Error        moneykit.LinkError `json:"error,omitempty"`
	ErrorMessage string             `json:"error_message,omitempty"`
	HasHistory   *bool              `json:"has_history,omitempty"`
}

// payload returns the body of the webhook that tells about an event.
func payload(e world.Event) []byte {
	data, err := json.Marshal(body{
		Name: e.Name, Major: 1, Key: e.Key, Timestamp: world.Stamp(e.At), LinkID: e.LinkID, Tags: e.Tags,
		Product: e.Product, State: e.State, ChangedAt: world.Stamp(e.ChangedAt),
		Error: e.Error, ErrorMessage: e.ErrorMessage, HasHistory: e.HasHistory,
	})
	if err != nil { // only by a clock that is past the year 9999
		return []byte("null")
	}
	return data
}
