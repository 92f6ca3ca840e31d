package pages

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// eventMeta is the metadata of an event.
type eventMeta struct {
	LinkType        string             `json:"link_type"`
	Timestamp       moneykit.Timestamp `json:"timestamp"`
	SessionID       string             `json:"link_session_id"`
	InstitutionID   string             `json:"institution_id,omitempty"`
	InstitutionName string             `json:"institution_name,omitempty"`
}

// Event returns the payload that Connect passes to its event callback on a platform, for a step of
// a session. The source "" means the web. The names in the payloads of apps are assumed to be those
// of the web, because only the names of the web are published.
func Event(s *world.Session, e world.Step, source moneykit.ConnectSource) ([]byte, error) {
	meta := eventMeta{"link", world.Stamp(e.At), s.ID, e.Institution.ID, e.Institution.Name}
	if s.Params.ExistingLinkID != "" {
		meta.LinkType = "relink"
	}
	properties := e.Properties
	if properties == nil {
		properties = map[string]any{}
	}
	if _, known := builder(source, s.Version); !known {
		return nil, fmt.Errorf("there is no source %q with version %q", source, s.Version)
	}
	bridge := source == moneykit.ConnectReactNative
	switch {
	case source == moneykit.ConnectWeb, source == "":
		return json.Marshal(struct {
			Name       moneykit.ConnectEventName `json:"name"`
			Properties map[string]any            `json:"properties,omitempty"`
			Meta       eventMeta                 `json:"meta"`
		}{e.Name, properties, meta})
	case source == moneykit.ConnectIOS && s.Version != "1.1", bridge && strings.HasSuffix(s.Version, "-ios"):
		return json.Marshal(struct {
			Name       moneykit.ConnectEventName `json:"name"`
			Properties map[string]any            `json:"properties"`
			Meta       eventMeta                 `json:"meta"`
		}{e.Name, properties, meta})
	case source == moneykit.ConnectAndroid, bridge && strings.HasSuffix(s.Version, "-android"):
		return json.Marshal(struct {
			Name       moneykit.ConnectEventName `json:"name"`
			Properties map[string]any            `json:"properties"`
		}{e.Name, properties})
	default: // in the form that the types of React Native declare and that iOS 1.1 sends
		return json.Marshal(struct {
			Name       moneykit.ConnectEventName `json:"name"`
			SessionID  string                    `json:"sessionId"`
			Properties map[string]any            `json:"properties"`
		}{e.Name, s.ID, properties})
	}
}
