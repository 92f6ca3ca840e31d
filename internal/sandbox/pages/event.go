package pages

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// eventMeta is what an event says about its run of Connect.
type eventMeta struct {
	LinkType        string             `json:"link_type"`
	Timestamp       moneykit.Timestamp `json:"timestamp"`
	SessionID       string             `json:"link_session_id"`
	InstitutionID   string             `json:"institution_id,omitempty"`
	InstitutionName string             `json:"institution_name,omitempty"`
}

// Event returns what Connect calls its event callback with on a platform, for a step of a session.
// "" is the web. The names in what an app gets are taken to be those of the web, which are the
// published ones.
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
	default: // as the types of React Native declare it, and as iOS 1.1 had it
		return json.Marshal(struct {
			Name       moneykit.ConnectEventName `json:"name"`
			SessionID  string                    `json:"sessionId"`
			Properties map[string]any            `json:"properties"`
		}{e.Name, s.ID, properties})
	}
}
