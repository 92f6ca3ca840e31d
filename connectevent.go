package moneykit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/strictjson"
)

// ConnectEventName is the name of an event in Connect.
type ConnectEventName string

// The events that MoneyKit documents. Connect may send others.
const (
	ConnectEventOpen                        ConnectEventName = "open"
	ConnectEventExit                        ConnectEventName = "exit"
	ConnectEventSuccess                     ConnectEventName = "success"
	ConnectEventError                       ConnectEventName = "error"
	ConnectEventChangeScreen                ConnectEventName = "change_screen"
	ConnectEventSelectInstitution           ConnectEventName = "select_institution"
	ConnectEventSearchInstitution           ConnectEventName = "search_institution"
	ConnectEventAcknowledgeInstitutionAlert ConnectEventName = "acknowledge_institution_alert"
	ConnectEventDismissInstitutionAlert     ConnectEventName = "dismiss_institution_alert"
	ConnectEventOpenInstitutionWebsite      ConnectEventName = "open_institution_website"
	ConnectEventSubmitCredentials           ConnectEventName = "submit_credentials" //nolint:gosec // a name, not a credential
	ConnectEventSelectHelp                  ConnectEventName = "select_help"
	ConnectEventSelectResetPassword         ConnectEventName = "select_reset_password"
	ConnectEventOpenOAuth                   ConnectEventName = "open_oauth"
	ConnectEventSubmitOTPDevice             ConnectEventName = "submit_otp_device"
	ConnectEventSubmitOTP                   ConnectEventName = "submit_otp"
	ConnectEventSubmitMFA                   ConnectEventName = "submit_mfa"
	ConnectEventSubmitPermissions           ConnectEventName = "submit_permissions"
	ConnectEventSubmitAccounts              ConnectEventName = "submit_accounts"
)

// Known reports whether n is one of the constants of its type.
func (n ConnectEventName) Known() bool {
	switch n {
	case ConnectEventOpen, ConnectEventExit, ConnectEventSuccess, ConnectEventError,
		ConnectEventChangeScreen, ConnectEventSelectInstitution, ConnectEventSearchInstitution,
		ConnectEventAcknowledgeInstitutionAlert, ConnectEventDismissInstitutionAlert,
		ConnectEventOpenInstitutionWebsite, ConnectEventSubmitCredentials, ConnectEventSelectHelp,
		ConnectEventSelectResetPassword, ConnectEventOpenOAuth, ConnectEventSubmitOTPDevice,
		ConnectEventSubmitOTP, ConnectEventSubmitMFA, ConnectEventSubmitPermissions,
		ConnectEventSubmitAccounts:
		return true
	}
	return false
}

// ConnectEvent is a step of a user in Connect, in one form for all platforms. It comes from the
// user's device and is not verified. Printing it, logging it or encoding it as JSON leaves out its
// properties.
type ConnectEvent struct {
	Name ConnectEventName
	// Properties are the details of the event, as encoding/json decodes them into any; nil if there
	// are none. They may contain what the user typed.
	Properties map[string]any
	// LinkType is "link" or "relink". Like SessionID and Timestamp it is empty on Android, which
	// does not report it.
	LinkType string
	// SessionID is the id of the link session. It is not the token of the session.
	SessionID string
	// Timestamp is when the event happened, by the clock of the user's device. It is zero if the
	// platform does not report it or reports it in an unknown form.
	Timestamp Timestamp
	// Institution is the institution that the user chose with this event or an earlier one. Only
	// its ID and Name are set. Both are empty before the user's choice, and if the platform does
	// not report them.
	Institution ConnectInstitution
	// Raw is the event as received, without the message around it. [ParseConnectEvent] accepts it.
	Raw []byte
}

// ParseConnectEvent reads what a front end posts from Connect's event callback: the callback's
// argument encoded as JSON, alone, in an array, or inside the message of Connect Web. Unknown names
// and members are accepted.
//
// It returns an error for more than 1 MiB, for a duplicate member, and for an event whose name is
// missing, longer than 100 bytes or not printable. The error contains no part of the event.
func ParseConnectEvent(data []byte) (*ConnectEvent, error) {
	data, err := readConnect(data)
	if err == nil {
		err = strictjson.Unique(data)
	}
	if err != nil {
		return nil, fmt.Errorf("moneykit: cannot read the Connect event: it %w", err)
	}
	event, err := parseConnectEvent(data)
	if err != nil {
		return nil, fmt.Errorf("moneykit: cannot read the Connect event: %w", err)
	}
	return event, nil
}

func parseConnectEvent(data json.RawMessage) (*ConnectEvent, error) {
	var message struct {
		Type any             `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	var args []json.RawMessage
	if json.Unmarshal(data, &args) == nil && len(args) > 0 {
		data = args[0]
	} else if json.Unmarshal(data, &message) == nil && message.Type == "link.event" && message.Data != nil {
		data = message.Data
	}
	if data[0] != '{' {
		return nil, errors.New("it is not an object")
	}
	var wire struct {
		Name       string         `json:"name"`
		Properties map[string]any `json:"properties"`
		Meta       map[string]any `json:"meta"`
		SessionID  any            `json:"sessionId"` // in apps, where there is no meta
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return nil, errors.New("a member has an unexpected type") // err could quote what the user typed
	}
	switch {
	case wire.Name == "":
		return nil, errors.New("it has no name")
	case len(wire.Name) > 100:
		return nil, errors.New("its name has more than 100 bytes")
	case strings.ContainsFunc(wire.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return nil, errors.New("its name has characters that do not print")
	}
	timestamp, err := ParseTimestamp(member(wire.Meta, "timestamp"))
	if err != nil {
		timestamp = Timestamp{}
	}
	institution := readChoice(wire.Meta)
	if chosen := readChoice(wire.Properties); ConnectEventName(wire.Name) == ConnectEventSelectInstitution {
		institution.ID, institution.Name = cmp.Or(chosen.ID, institution.ID), cmp.Or(chosen.Name, institution.Name)
	}
	return &ConnectEvent{
		Name:        ConnectEventName(wire.Name),
		Properties:  wire.Properties,
		LinkType:    member(wire.Meta, "link_type", "linkType"),
		SessionID:   cmp.Or(member(wire.Meta, "link_session_id", "linkSessionId"), scalar(wire.SessionID)),
		Timestamp:   timestamp,
		Raw:         bytes.Clone(data),
		Institution: institution,
	}, nil
}

// readChoice returns the institution whose id and name are among members.
func readChoice(members map[string]any) ConnectInstitution {
	return ConnectInstitution{
		ID:   member(members, "institution_id", "institutionId"),
		Name: member(members, "institution_name", "institutionName"),
	}
}

// member returns the first of the named members that is a text or a number, as text. There are
// several names because the web uses snake case and apps may use camel case. Other members are
// ignored, so that one unexpected member does not fail the whole event.
func member(members map[string]any, names ...string) string {
	for _, name := range names {
		if s := scalar(members[name]); s != "" {
			return s
		}
	}
	return ""
}

// scalar returns a string as it is and a number as its digits.
func scalar(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// Screen returns the name of the new screen of a [ConnectEventChangeScreen], "" for other events.
func (e ConnectEvent) Screen() string {
	if e.Name != ConnectEventChangeScreen {
		return ""
	}
	return member(e.Properties, "current_screen_name", "currentScreenName")
}

// SearchTerm returns the text of a [ConnectEventSearchInstitution], "" for other events.
func (e ConnectEvent) SearchTerm() string {
	if e.Name != ConnectEventSearchInstitution {
		return ""
	}
	return member(e.Properties, "search_term", "searchTerm")
}

// Err returns the error of a [ConnectEventError], which the user saw, and nil for other events.
func (e ConnectEvent) Err() *ConnectError {
	if e.Name != ConnectEventError {
		return nil
	}
	return &ConnectError{
		ID:               member(e.Properties, "error_id", "errorId", "identifier"),
		DisplayedMessage: member(e.Properties, "displayed_message", "displayedMessage"),
		RequestID:        member(e.Properties, "request_id", "requestId"),
	}
}

// label returns the name for texts and logs: "other" for an unknown one, because a device can send
// any text as the name.
func (n ConnectEventName) label() string {
	if n.Known() {
		return string(n)
	}
	return "other"
}

// String returns the name of the event if this package knows it. It leaves out the properties.
func (e ConnectEvent) String() string { return "Connect event: " + e.Name.label() }

// Format writes [ConnectEvent.String] for every verb of fmt.
func (e ConnectEvent) Format(f fmt.State, verb rune) { plain.Format(f, verb, e.String()) }

// MarshalText returns [ConnectEvent.String], for encoders such as the JSON handler of log/slog.
func (e ConnectEvent) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// LogValue leaves out the properties, and a name that this package does not know, because either
// could hold personal data.
func (e ConnectEvent) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("name", e.Name.label())}
	if id := e.Institution.ID; id != "" {
		attrs = append(attrs, slog.String("institution", plain.Label(id)))
	}
	if err := e.Err(); err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	return slog.GroupValue(attrs...)
}
