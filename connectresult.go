package moneykit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/strictjson"
)

// ConnectOutcome is how a user left Connect.
type ConnectOutcome string

// The outcomes.
const (
	ConnectLinked   ConnectOutcome = "linked"   // a new link; its exchangeable token is to be exchanged
	ConnectRelinked ConnectOutcome = "relinked" // an existing link was repaired or extended
	ConnectExited   ConnectOutcome = "exited"   // neither
)

// ConnectSource is the platform whose Connect called back.
type ConnectSource string

// The platforms.
const (
	ConnectWeb         ConnectSource = "web"
	ConnectIOS         ConnectSource = "ios"
	ConnectAndroid     ConnectSource = "android"
	ConnectReactNative ConnectSource = "react_native"
)

// ConnectResult is what Connect called back with, in one shape for all platforms. It comes from
// the user's device and proves nothing: exchange its token, and believe what MoneyKit says.
type ConnectResult struct {
	Outcome ConnectOutcome
	// Source is the platform, as far as the payload shows it: empty when it could be several.
	// ConnectIOS is also React Native on iOS, which passes the same payload on, and
	// ConnectReactNative an error of iOS 1.1.
	Source            ConnectSource
	ExchangeableToken string // ConnectLinked only
	LinkID            string // where the platform reports it
	Institution       ConnectInstitution
	Accounts          []ConnectAccount
	Screens           []ConnectScreen
	Err               *ConnectError // ConnectExited with an error; nil when the user just left
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
	return "moneykit: Connect ended with " + plain.Label(e.ID)
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
		slog.String("institution", plain.Label(r.Institution.ID)),
		slog.Int("accounts", len(r.Accounts)),
	}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// maxConnectPayload bounds what is read from a front end. Real payloads have a few kilobytes.
const maxConnectPayload = 1 << 20

// ParseConnectResult reads what a front end posts from Connect's success or exit callback:
//
//   - Web: the callback's arguments as an array, or as an object with the members
//     exchangeableToken, institution, link_id and error, or the message of Connect around that
//     object with its type.
//   - iOS, Android, React Native: the callback's argument, encoded as JSON.
//   - null, or an empty array, for an exit without an error.
//
// A success has an institution with an id and a list of accounts with ids; without a token it is a
// relink. Unknown members are ignored. It fails on anything else: on more than 1 MiB, on a member
// that is there twice, on a token that is empty, and on members that contradict each other. Its
// errors repeat nothing of the payload.
func ParseConnectResult(data []byte) (*ConnectResult, error) {
	data, err := readConnect(data)
	if err != nil {
		return nil, fmt.Errorf("moneykit: cannot read the Connect result: %w", err)
	}
	var result *ConnectResult
	switch {
	case bytes.Equal(data, jsonNull):
		result = &ConnectResult{Outcome: ConnectExited}
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

// readConnect returns data without the space around it, if it is one JSON value within the limits.
func readConnect(data []byte) ([]byte, error) {
	if len(data) > maxConnectPayload {
		return nil, fmt.Errorf("it has more than %d bytes", maxConnectPayload)
	}
	data = bytes.Trim(data, " \t\r\n") // what JSON takes for space
	// What other readers of the same bytes could understand differently proves nothing.
	if err := strictjson.Unique(data); err != nil {
		return nil, fmt.Errorf("it %w", err)
	}
	return data, nil
}

// present reports whether a member is there and not null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && !bytes.Equal(raw, jsonNull) }

// parseArguments reads the arguments of Connect Web's callbacks: (token, institution, link id),
// (institution, link id), (error) or ().
func parseArguments(data []byte) (*ConnectResult, error) {
	var args []json.RawMessage
	if err := json.Unmarshal(data, &args); err != nil {
		return nil, errors.New("its arguments are malformed")
	}
	for len(args) > 0 && !present(args[len(args)-1]) {
		args = args[:len(args)-1]
	}
	if len(args) == 0 {
		return &ConnectResult{Outcome: ConnectExited, Source: ConnectWeb}, nil
	}
	object := map[string]json.RawMessage{}
	switch {
	case !present(args[0]):
		return nil, errors.New("its first argument is null, but others are not")
	case args[0][0] == '"':
		object["exchangeableToken"], args = args[0], args[1:]
	case isConnectError(args[0]):
		object["error"], args = args[0], nil
	}
	for i, name := range []string{"institution", "link_id"} {
		if i < len(args) && present(args[i]) {
			object[name] = args[i]
		}
	}
	if object["institution"] == nil && object["error"] == nil {
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
	result.Source = ConnectWeb
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

	ExchangeableToken json.RawMessage `json:"exchangeableToken"`  // Web
	APIToken          *string         `json:"exchangeable_token"` // Web, as the API calls it
	Token             connectText     `json:"token"`              // elsewhere
	WebLinkID         *string         `json:"link_id"`
	AndroidLinkID     connectText     `json:"linkId"`
	LinkIdentifier    connectText     `json:"linkIdentifier"` // iOS, React Native

	Institution json.RawMessage  `json:"institution"`
	Accounts    []connectAccount `json:"accounts"`
	Screens     []connectScreen  `json:"trackedScreens"`

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
	value   *string // nil when it is absent or null
	wrapped bool
}

func (t *connectText) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		return nil
	}
	t.value = new(string)
	if data[0] == '"' {
		return json.Unmarshal(data, t.value)
	}
	t.wrapped = true
	return json.Unmarshal(data, &struct {
		Value *string `json:"value"`
	}{t.value})
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
	case present(p.Linked) && present(p.Relinked):
		return nil, errors.New("it says both linked and relinked")
	case present(p.Linked):
		return parseCase(p.Linked, ConnectLinked)
	case present(p.Relinked):
		return parseCase(p.Relinked, ConnectRelinked)
	case present(p.ExchangeableToken) && p.ExchangeableToken[0] == '{':
		// After a relink, Connect Web's continue calls a callback that is declared for links with a
		// relink's arguments, so that they arrive under the names of the arguments before them.
		shifted, err := json.Marshal([]json.RawMessage{p.ExchangeableToken, p.Institution})
		if err != nil {
			return nil, err
		}
		return parseArguments(shifted)
	case present(p.Error) && (present(p.Institution) || p.hasToken()):
		return nil, errors.New("it holds both an error and a success")
	case present(p.Institution):
		return p.success()
	case p.hasToken():
		return nil, errors.New("it holds a token, but no institution")
	case present(p.Error):
		var e connectError
		if json.Unmarshal(p.Error, &e) != nil || e == (connectError{}) {
			return nil, errors.New("its error is malformed")
		}
		return &ConnectResult{Outcome: ConnectExited, Source: ConnectWeb, Err: e.value()}, nil
	case p.Error != nil: // null
		return &ConnectResult{Outcome: ConnectExited, Source: ConnectWeb}, nil
	case p.connectError != connectError{}:
		return &ConnectResult{Outcome: ConnectExited, Source: p.source(false), Err: p.value()}, nil
	}
	return nil, errors.New("it holds neither an institution nor an error")
}

func (p *connectPayload) hasToken() bool {
	return present(p.ExchangeableToken) || p.APIToken != nil || p.Token.value != nil
}

// parseMessage reads a message of Connect Web.
func parseMessage(kind string, data []byte) (*ConnectResult, error) {
	want, ok := map[string]ConnectOutcome{
		"link.complete":   ConnectLinked,
		"relink.complete": ConnectRelinked,
		"link.exit":       ConnectExited,
	}[kind]
	if !ok {
		return nil, errors.New("it is a message of Connect, but not a result")
	}
	if want == ConnectExited && (bytes.Equal(data, jsonNull) || bytes.Equal(data, []byte("{}"))) {
		return &ConnectResult{Outcome: ConnectExited, Source: ConnectWeb}, nil
	}
	result, err := parseCase(data, want)
	if err == nil {
		result.Source = ConnectWeb
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
func (p *connectPayload) success() (*ConnectResult, error) {
	var in connectInstitution
	var web *string
	if json.Unmarshal(p.Institution, &in) != nil ||
		(p.ExchangeableToken != nil && json.Unmarshal(p.ExchangeableToken, &web) != nil) {
		return nil, errors.New("a member has an unexpected type")
	}
	token, ok := agreed(web, p.APIToken, p.Token.value)
	if !ok {
		return nil, errors.New("it holds two tokens")
	}
	if token == "" && p.hasToken() {
		return nil, errors.New("its token is empty")
	}
	linkID, ok := agreed(p.WebLinkID, p.AndroidLinkID.value, p.LinkIdentifier.value)
	switch {
	case !ok:
		return nil, errors.New("it holds two link ids")
	case in.ID == "":
		return nil, errors.New("its institution has no id")
	case in.Accounts == nil && p.Accounts == nil:
		return nil, errors.New("it holds no list of accounts")
	case in.Accounts != nil && p.Accounts != nil:
		return nil, errors.New("it holds two lists of accounts")
	}
	result := &ConnectResult{
		Outcome: ConnectRelinked, Source: p.source(in.Accounts != nil), ExchangeableToken: token, LinkID: linkID,
		Institution: ConnectInstitution{ID: in.ID, Name: in.Name, Country: in.Country, Domain: in.Domain},
	}
	if token != "" {
		result.Outcome = ConnectLinked
	}
	for _, a := range append(in.Accounts, p.Accounts...) {
		account := ConnectAccount{
			ID: cmp.Or(a.WebID, a.ID), Name: a.Name,
			Type: cmp.Or(a.WebType, a.Type), Mask: cmp.Or(a.WebMask, a.Mask),
		}
		if account.ID == "" {
			return nil, errors.New("an account has no id")
		}
		result.Accounts = append(result.Accounts, account)
	}
	for _, s := range append(in.Screens, p.Screens...) {
		result.Screens = append(result.Screens, ConnectScreen(s))
	}
	return result, nil
}

// agreed returns the one text among texts that are there and not empty; it reports false when
// there are two.
func agreed(texts ...*string) (string, bool) {
	var found string
	for _, t := range texts {
		if t == nil || *t == "" || *t == found {
			continue
		}
		if found != "" {
			return "", false
		}
		found = *t
	}
	return found, true
}

// source tells the platform by the members that only it has; web says that the institution has one.
func (p *connectPayload) source(web bool) ConnectSource {
	switch {
	case web, present(p.ExchangeableToken), p.WebLinkID != nil, p.WebID != nil, p.WebMessage != nil:
		return ConnectWeb
	case p.AndroidLinkID.value != nil:
		return ConnectAndroid
	case p.ReactNativeID != nil, p.LinkIdentifier.value != nil && !p.LinkIdentifier.wrapped:
		return ConnectReactNative
	case p.IOSID != nil, p.LinkIdentifier.value != nil:
		return ConnectIOS
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
