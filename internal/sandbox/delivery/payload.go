package delivery

import (
	"encoding/json"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// payload returns the body of the webhook for an event.
func (c *Courier) payload(e world.Event) []byte {
	body := map[string]any{
		"webhook_event":           e.Name,
		"webhook_major_version":   1,
		"webhook_minor_version":   0,
		"webhook_idempotency_key": e.Key,
		"webhook_timestamp":       c.moment(e.At),
		"link_id":                 e.LinkID,
		"link_tags":               e.Tags,
	}
	// optional sets a member if its value is known.
	optional := func(name string, value any, known bool) {
		if known {
			body[name] = value
		} else if c.Nulls {
			body[name] = nil
		}
	}
	switch e.Name {
	case moneykit.EventTypeLinkStateChanged:
		body["state"] = e.State
		optional("error", e.Error, e.Error != "")
		optional("error_message", e.ErrorMessage, e.ErrorMessage != "")
	case moneykit.EventTypeLinkProductRefresh, moneykit.EventTypeProductStateChanged:
		body["product"], body["state"], body["state_changed_at"] = e.Product, e.State, c.moment(e.ChangedAt)
		optional("error_message", e.ErrorMessage, e.ErrorMessage != "")
	case moneykit.EventTypeTransactionsUpdatesAvailable:
		optional("has_history", e.HasHistory, e.HasHistory != nil)
	}
	data, err := json.Marshal(body)
	if err != nil { // only if the clock is past the year 9999
		return []byte("null")
	}
	return data
}

// moment returns the JSON value of a time.
func (c *Courier) moment(t time.Time) any {
	if c.Zoneless {
		return world.Zoneless(t)
	}
	return world.Stamp(t)
}
