package moneykit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// ConnectOutcome is how a user left Connect.
type ConnectOutcome string

// The outcomes.
const (
	Linked   ConnectOutcome = "linked"   // a new link; its exchangeable token is to be exchanged
	Relinked ConnectOutcome = "relinked" // an existing link was repaired or extended
	Exited   ConnectOutcome = "exited"   // neither
)

// ConnectSource is the platform whose Connect called back.
type ConnectSource string

// The platforms.
const (
	SourceWeb         ConnectSource = "web"
	SourceIOS         ConnectSource = "ios"
	SourceAndroid     ConnectSource = "android"
	SourceReactNative ConnectSource = "react_native"
)

// ConnectResult is what Connect called back with, in one shape for all platforms. It comes from
// the user's device and proves nothing: exchange its token, and believe what MoneyKit says.
type ConnectResult struct {
	Outcome ConnectOutcome
	// Source is the platform, as far as the payload shows it: empty when it could be several, and
	// SourceIOS also for React Native on iOS, which passes the same payload on.
	Source            ConnectSource
	ExchangeableToken string // Linked only
	LinkID            string // where the platform reports it
	Institution       ConnectInstitution
	Accounts          []ConnectAccount
	Screens           []ConnectScreen
	Err               *ConnectError // Exited with an error; nil when the user just left
}

// ConnectInstitution is the institution that the user chose.
type ConnectInstitution struct {
	ID      string
	Name    string
	Country Country
	Domain  string
}

// ConnectAccount is an account that the user shared.
type ConnectAccount struct {
	ID   string
	Name string
	Type string
	Mask string
}

// ConnectScreen is a screen that the user saw.
type ConnectScreen struct {
	Name     string
	Tag      string  // where the platform reports it
	Duration float64 // as the platform reports it
}

// ConnectError is why Connect ended without a link.
type ConnectError struct {
	ID               string // for programs; empty where the platform has none
	DisplayedMessage string // what the user saw
	RequestID        string // for MoneyKit's support
}

// Error names the error by its id.
func (e *ConnectError) Error() string {
	if e.ID == "" {
		return "moneykit: Connect ended with an error"
	}
	return "moneykit: Connect ended with " + cut(e.ID, 100)
}

// String says how Connect ended. It leaves out the exchangeable token and what the user owns.
func (r ConnectResult) String() string {
	s := "Connect result: " + string(r.Outcome)
	if r.Err != nil {
		s += ", " + r.Err.Error()
	}
	return s
}

// GoString is [ConnectResult.String], for %#v.
func (r ConnectResult) GoString() string { return r.String() }

// LogValue leaves the exchangeable token and what the user owns out of logs.
func (r ConnectResult) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("outcome", string(r.Outcome)),
		slog.String("source", string(r.Source)),
		slog.String("institution", cut(r.Institution.ID, 100)),
		slog.Int("accounts", len(r.Accounts)),
	}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// maxConnectPayload bounds what ParseConnectResult looks at; real payloads have a few kilobytes.
const maxConnectPayload = 1 << 20

// ParseConnectResult reads what a front end posts from Connect's success or exit callback:
//
//   - Web: the callback's arguments as an array, or the message of Connect with its type and data.
//   - iOS, Android, React Native: the callback's argument, encoded as JSON.
//   - null, or an empty array, for an exit without an error.
//
// Unknown members are ignored. It fails on anything else, and on more than 1 MiB.
func ParseConnectResult(data []byte) (*ConnectResult, error) {
	if len(data) > maxConnectPayload {
		return nil, fmt.Errorf("moneykit: the Connect result has more than %d bytes", maxConnectPayload)
	}
	data = bytes.TrimSpace(data)
	if !json.Valid(data) {
		return nil, errors.New("moneykit: the Connect result is not JSON")
	}
	var result *ConnectResult
	var err error
	switch {
	case bytes.Equal(data, jsonNull):
		result = &ConnectResult{Outcome: Exited}
	case data[0] == '[':
		result, err = parseArguments(data)
	case data[0] == '{':
		result, err = parsePayload(data)
	default:
		err = errors.New("it is neither an object nor an array")
	}
	if err != nil {
		return nil, fmt.Errorf("moneykit: cannot read the Connect result: %w", err)
	}
	return result, nil
}

// parseArguments reads the arguments of Connect Web's callbacks: (token, institution, link id),
// (institution, link id), (error) or ().
func parseArguments(data []byte) (*ConnectResult, error) {
	var args []json.RawMessage
	if err := json.Unmarshal(data, &args); err != nil {
		return nil, errors.New("its arguments are malformed")
	}
	if len(args) == 0 || bytes.Equal(args[0], jsonNull) {
		return &ConnectResult{Outcome: Exited, Source: SourceWeb}, nil
	}
	object := map[string]json.RawMessage{}
	if args[0][0] == '"' {
		object["exchangeableToken"], args = args[0], args[1:]
	} else if isConnectError(args[0]) {
		object["error"], args = args[0], nil
	}
	for i, name := range []string{"institution", "link_id"} {
		if i < len(args) && !bytes.Equal(args[i], jsonNull) {
			object[name] = args[i]
		}
	}
	if _, ok := object["institution"]; !ok && object["error"] == nil {
		return nil, errors.New("its arguments hold no institution")
	}
	joined, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	result, err := parsePayload(joined)
	if err != nil {
		return nil, err
	}
	result.Source = SourceWeb
	return result, nil
}

// isConnectError reports whether a lone web argument is an error rather than an institution.
func isConnectError(arg json.RawMessage) bool {
	var e connectError
	return json.Unmarshal(arg, &e) == nil && (e.WebID != nil || e.WebMessage != nil)
}

// connectPayload has the members of all platforms' payloads.
type connectPayload struct {
	Type     string          `json:"type"` // Web: a message of Connect
	Data     json.RawMessage `json:"data"`
	Linked   json.RawMessage `json:"linked"` // iOS: a case of its result
	Relinked json.RawMessage `json:"relinked"`

	ExchangeableToken string      `json:"exchangeableToken"` // Web
	Token             connectText `json:"token"`             // elsewhere
	WebLinkID         string      `json:"link_id"`
	AndroidLinkID     connectText `json:"linkId"`
	LinkIdentifier    connectText `json:"linkIdentifier"` // iOS, React Native

	Institution *connectInstitution `json:"institution"`
	Accounts    []connectAccount    `json:"accounts"`
	Screens     []connectScreen     `json:"trackedScreens"`

	Error json.RawMessage `json:"error"` // Web
	connectError
}

type connectInstitution struct {
	ID       string           `json:"id"`
	Name     string           `json:"name"`
	Country  Country          `json:"country"`
	Domain   string           `json:"domain"`
	Accounts []connectAccount `json:"selectedAccounts"` // Web
	Screens  []connectScreen  `json:"trackedScreens"`   // Web
}

type connectAccount struct {
	WebID   string `json:"account_id"`
	WebType string `json:"account_type"`
	WebMask string `json:"account_mask"`
	ID      string `json:"id"`
	Type    string `json:"type"`
	Mask    string `json:"mask"`
	Name    string `json:"name"`
}

type connectScreen struct {
	Name     string  `json:"name"`
	Tag      string  `json:"tag"`
	Duration float64 `json:"duration"`
}

type connectError struct {
	WebID         *string `json:"error_id"` // nil when it is absent or null, as are the others
	IOSID         *string `json:"errorId"`
	ReactNativeID *string `json:"identifier"`
	WebMessage    *string `json:"displayed_message"`
	Message       *string `json:"displayedMessage"`
	WebRequestID  *string `json:"request_id"`
	RequestID     *string `json:"requestId"`
}

// connectText is a string that some platforms wrap as {"value": …}.
type connectText struct {
	value   string
	wrapped bool
}

func (t *connectText) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		return nil
	}
	if data[0] == '"' {
		return json.Unmarshal(data, &t.value)
	}
	t.wrapped = true
	return json.Unmarshal(data, &struct {
		Value *string `json:"value"`
	}{&t.value})
}

// parsePayload reads an object, after taking off the layers that platforms put around it.
func parsePayload(data []byte) (*ConnectResult, error) {
	var p connectPayload
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, errors.New("a member has an unexpected type") // err could quote the token
	}
	switch {
	case p.Type != "" && p.Data != nil:
		return parseMessage(p.Type, p.Data)
	case p.Linked != nil:
		return parseCase(p.Linked, Linked)
	case p.Relinked != nil:
		return parseCase(p.Relinked, Relinked)
	case p.Institution != nil:
		return p.success(), nil
	case p.Error != nil:
		result := &ConnectResult{Outcome: Exited, Source: SourceWeb}
		if bytes.Equal(p.Error, jsonNull) {
			return result, nil
		}
		var e connectError
		if json.Unmarshal(p.Error, &e) != nil || e == (connectError{}) {
			return nil, errors.New("its error is malformed")
		}
		result.Err = e.value()
		return result, nil
	case p.connectError != connectError{}:
		return &ConnectResult{Outcome: Exited, Source: p.source(), Err: p.value()}, nil
	}
	return nil, errors.New("it holds neither an institution nor an error")
}

// parseMessage reads a message of Connect Web.
func parseMessage(kind string, data []byte) (*ConnectResult, error) {
	want, ok := map[string]ConnectOutcome{
		"link.complete":   Linked,
		"relink.complete": Relinked,
		"link.exit":       Exited,
	}[kind]
	if !ok {
		return nil, fmt.Errorf("a message %s is not a result", quoteShort(kind))
	}
	if want == Exited && (bytes.Equal(data, jsonNull) || bytes.Equal(data, []byte("{}"))) {
		return &ConnectResult{Outcome: Exited, Source: SourceWeb}, nil
	}
	result, err := parseCase(data, want)
	if err == nil {
		result.Source = SourceWeb
	}
	return result, err
}

// parseCase reads a payload whose outcome is named around it. Swift puts one more layer inside.
func parseCase(data []byte, want ConnectOutcome) (*ConnectResult, error) {
	var swift struct {
		Value json.RawMessage `json:"_0"`
	}
	if json.Unmarshal(data, &swift) == nil && swift.Value != nil {
		data = swift.Value
	}
	var p connectPayload
	if len(data) == 0 || data[0] != '{' || json.Unmarshal(data, &p) != nil {
		return nil, errors.New("its data is malformed")
	}
	if p.Type != "" || p.Linked != nil || p.Relinked != nil {
		return nil, errors.New("its data is nested")
	}
	result, err := parsePayload(data)
	if err != nil {
		return nil, err
	}
	if result.Outcome != want {
		return nil, fmt.Errorf("it says %s, but its data is that of %s", want, result.Outcome)
	}
	return result, nil
}

// success returns the result of a payload with an institution. A token makes the difference.
func (p *connectPayload) success() *ConnectResult {
	result := &ConnectResult{
		Outcome:           Relinked,
		Source:            p.source(),
		ExchangeableToken: cmp.Or(p.ExchangeableToken, p.Token.value),
		LinkID:            cmp.Or(p.WebLinkID, p.AndroidLinkID.value, p.LinkIdentifier.value),
		Institution: ConnectInstitution{
			ID: p.Institution.ID, Name: p.Institution.Name,
			Country: p.Institution.Country, Domain: p.Institution.Domain,
		},
	}
	if result.ExchangeableToken != "" {
		result.Outcome = Linked
	}
	for _, a := range append(p.Institution.Accounts, p.Accounts...) {
		result.Accounts = append(result.Accounts, ConnectAccount{
			ID: cmp.Or(a.WebID, a.ID), Name: a.Name,
			Type: cmp.Or(a.WebType, a.Type), Mask: cmp.Or(a.WebMask, a.Mask),
		})
	}
	for _, s := range append(p.Institution.Screens, p.Screens...) {
		result.Screens = append(result.Screens, ConnectScreen(s))
	}
	return result
}

// source tells the platform by the members that only it has.
func (p *connectPayload) source() ConnectSource {
	switch {
	case p.ExchangeableToken != "", p.WebLinkID != "", p.WebID != nil, p.WebMessage != nil,
		p.Institution != nil && p.Institution.Accounts != nil:
		return SourceWeb
	case p.AndroidLinkID.value != "":
		return SourceAndroid
	case p.ReactNativeID != nil, p.LinkIdentifier.value != "" && !p.LinkIdentifier.wrapped:
		return SourceReactNative
	case p.IOSID != nil, p.LinkIdentifier.value != "":
		return SourceIOS
	}
	return ""
}

func (e *connectError) value() *ConnectError {
	return &ConnectError{
		ID:               text(e.WebID, e.IOSID, e.ReactNativeID),
		DisplayedMessage: text(e.WebMessage, e.Message),
		RequestID:        text(e.WebRequestID, e.RequestID),
	}
}

// text returns the first text that is there and not empty.
func text(texts ...*string) string {
	for _, t := range texts {
		if t != nil && *t != "" {
			return *t
		}
	}
	return ""
}
