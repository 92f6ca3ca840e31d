package moneykittest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/moneykit/moneykit-go"
)

// connectEvent is a step of a user in Connect.
type connectEvent struct {
	name        moneykit.ConnectEventName
	properties  map[string]any
	at          time.Time
	institution institution // as far as it is chosen
}

// happened notes an event.
func (s *session) happened(name moneykit.ConnectEventName, properties map[string]any, now time.Time) {
	s.events = append(s.events, connectEvent{name, properties, now, s.institution})
}

// see notes that the user comes to a screen.
func (s *session) see(screen string, now time.Time) {
	s.happened(moneykit.ConnectEventChangeScreen, map[string]any{"current_screen_name": screen}, now)
}

// open notes that Connect is opened, once.
func (s *session) open(now time.Time) {
	if !s.used {
		s.used = true
		s.happened(moneykit.ConnectEventOpen, nil, now)
	}
}

// end notes how Connect ends.
func (s *session) end(end ending, now time.Time) {
	s.over = true
	switch {
	case end.link != nil:
		s.happened(moneykit.ConnectEventSuccess, nil, now)
		return
	case end.err != nil:
		s.happened(moneykit.ConnectEventError, map[string]any{
			"error_id": end.err.ID, "displayed_message": end.err.DisplayedMessage, "request_id": orNull(end.err.RequestID),
		}, now)
	}
	s.happened(moneykit.ConnectEventExit, nil, now)
}

// ConnectEvents returns what Connect has called its event callback with so far, for the link session
// with this token and on the platform of source: payloads that [moneykit.ParseConnectEvent] reads,
// oldest first. They are none before Connect was opened with the session. A user who is warned
// of linking an institution again comes to a screen "Duplicate Institution". The events are among
// those whose meaning is published; Connect has more. A token or a source that is unknown is reported
// to the test.
func (s *Server) ConnectEvents(linkSessionToken string, source moneykit.ConnectSource) [][]byte {
	payloads, err := s.core().connectEvents(linkSessionToken, source)
	if err != nil {
		s.core().errorf("ConnectEvents: %v", err)
	}
	return payloads
}

func (c *core) connectEvents(token string, source moneykit.ConnectSource) ([][]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	session := c.sessions[token]
	if session == nil {
		return nil, errors.New("the link session token is unknown")
	}
	var payloads [][]byte
	for _, e := range session.events {
		data, err := e.payload(session, source)
		if err != nil {
			return nil, err
		}
		payloads = append(payloads, data)
	}
	return payloads, nil
}

// eventMeta is what an event says about its run of Connect.
type eventMeta struct {
	LinkType        string             `json:"link_type"`
	Timestamp       moneykit.Timestamp `json:"timestamp"`
	SessionID       string             `json:"link_session_id"`
	InstitutionID   string             `json:"institution_id,omitempty"`
	InstitutionName string             `json:"institution_name,omitempty"`
}

// payload returns the argument of the event callback on a platform. The names in what an app gets
// are taken to be those of the web, which are the published ones.
func (e *connectEvent) payload(s *session, source moneykit.ConnectSource) ([]byte, error) {
	meta := eventMeta{"link", stamp(e.at), s.id, e.institution.id, e.institution.name}
	if s.params.ExistingLinkID != "" {
		meta.LinkType = "relink"
	}
	properties := e.properties
	if properties == nil {
		properties = map[string]any{}
	}
	switch source {
	case moneykit.ConnectWeb, "":
		return json.Marshal(struct {
			Name       moneykit.ConnectEventName `json:"name"`
			Properties map[string]any            `json:"properties,omitempty"`
			Meta       eventMeta                 `json:"meta"`
		}{e.name, properties, meta})
	case moneykit.ConnectIOS:
		return json.Marshal(struct {
			Name       moneykit.ConnectEventName `json:"name"`
			Properties map[string]any            `json:"properties"`
			Meta       eventMeta                 `json:"meta"`
		}{e.name, properties, meta})
	case moneykit.ConnectAndroid:
		return json.Marshal(struct {
			Name       moneykit.ConnectEventName `json:"name"`
			Properties map[string]any            `json:"properties"`
		}{e.name, properties})
	case moneykit.ConnectReactNative: // as its types declare it
		return json.Marshal(struct {
			Name       moneykit.ConnectEventName `json:"name"`
			SessionID  string                    `json:"sessionId"`
			Properties map[string]any            `json:"properties"`
		}{e.name, s.id, properties})
	}
	return nil, fmt.Errorf("there is no source %q", source)
}
