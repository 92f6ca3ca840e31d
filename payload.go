package moneykit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// maxConnectPayload limits the payload of a front end. Real payloads have a few kilobytes.
const maxConnectPayload = 1 << 20

// readConnect returns data without the space around it. It returns an error unless data is one JSON
// value within the limits.
func readConnect(data []byte) ([]byte, error) {
	if len(data) > maxConnectPayload {
		return nil, fmt.Errorf("has more than %d bytes", maxConnectPayload)
	}
	data = bytes.Trim(data, " \t\r\n") // JSON allows no other space.
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errors.New("is not valid JSON in UTF-8")
	}
	return data, nil
}

// members are the members of an object. A null member counts as absent, but its presence may
// identify the platform.
type members map[string]json.RawMessage

// decisive returns the names of the members that decide what a payload is and which link it is
// about. A payload with such a member twice, or with its name in another case, is refused, because
// another reader of the same bytes could interpret it differently.
func decisive() []string {
	return []string{
		"type", "data", "linked", "relinked", "_0", "value",
		"exchangeableToken", "exchangeable_token", "token", "link_id", "linkId", "linkIdentifier",
	}
}

// readMembers reads the members of an object. It returns no members for a value of another kind. If
// a member that is not decisive appears twice, the last one counts.
func readMembers(data json.RawMessage) (members, error) {
	if len(data) == 0 || data[0] != '{' {
		return members{}, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("it is not valid JSON")
	}
	found, seen := members{}, map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		name, ok := key.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return nil, errors.New("it is not valid JSON")
		}
		if known, ok := lookAlike(name); ok && name != known {
			return nil, fmt.Errorf("it has a member whose name differs from %s in case", known)
		} else if ok && seen[name] {
			return nil, fmt.Errorf("it has the member %s twice", known)
		}
		seen[name], found[name] = true, value
	}
	return found, nil
}

// looseMembers reads an object without the rules for decisive names. It is for objects that are not
// verified anyway. An unusual name in them must not make the token unusable.
func looseMembers(data json.RawMessage) members {
	var found members
	if len(data) == 0 || data[0] != '{' || json.Unmarshal(data, &found) != nil {
		return members{}
	}
	return found
}

// tokenNames returns the names that the platforms use for the member with the token.
func tokenNames() []string { return []string{"exchangeableToken", "exchangeable_token", "token"} }

// lookAlike returns the decisive name that equals name or differs from it only in case.
func lookAlike(name string) (string, bool) {
	found, ok := "", false
	for _, known := range decisive() {
		if name == known {
			return known, true
		}
		if strings.EqualFold(name, known) {
			found, ok = known, true
		}
	}
	return found, ok
}

// text returns the first of the named members that is a text and not empty. A text may be wrapped
// in an object, as the member value.
func (m members) text(names ...string) string {
	for _, name := range names {
		data := m[name]
		if inner, err := readMembers(data); err == nil && inner.has("value") {
			data = inner["value"]
		}
		if s, ok := wirejson.Text(data); ok && s != "" {
			return s
		}
	}
	return ""
}

// has reports whether one of the named members is present and is neither null nor an empty object
// or array.
func (m members) has(names ...string) bool {
	for _, name := range names {
		if !isEmpty(m[name]) {
			return true
		}
	}
	return false
}

// connectPayload is the content of a payload without its layers.
type connectPayload struct {
	members     // of the object in the innermost layer
	institution members
	failure     members // of the error
	tokens      []string
	linkID      string
	web         bool // only Connect Web sends such a payload
}

// read removes the layers that platforms put around an object, and reads the object.
func (p *connectPayload) read(data json.RawMessage) error {
	const most = 5 // layers; real payloads have up to three
	for range most {
		switch {
		case string(data) == "null":
			return nil
		case data[0] == '[':
			inner := p.readArguments(data)
			if inner == nil {
				return nil
			}
			data = inner
			continue
		case data[0] != '{':
			return errors.New("it is neither an object nor an array")
		}
		m, err := readMembers(data)
		if err != nil {
			return err
		}
		inner, err := p.layer(m)
		if err != nil {
			return err
		}
		if inner == nil {
			return p.readObject(m)
		}
		data = inner
	}
	return errors.New("it is nested too deeply")
}

// layer returns the value inside an object that is a layer, nil for any other object.
func (p *connectPayload) layer(m members) (json.RawMessage, error) {
	switch m.text("type") {
	case "link.complete", "relink.complete", "link.exit":
		p.web = true
		if m.has("data") {
			return m["data"], nil
		}
		return nil, nil //nolint:nilnil // The other members are beside the type.
	case "connect.started", "link.event", "demo.link.event", "link.close_oauth", "link.resume":
		return nil, errors.New("it is a message of Connect, but not a result")
	}
	if m.isLayer("linked") && m.isLayer("relinked") {
		return nil, errors.New("it says both linked and relinked")
	}
	for _, name := range []string{"linked", "relinked", "_0"} { // Swift encodes enumerations this way.
		if m.isLayer(name) {
			return m[name], nil
		}
	}
	return nil, nil //nolint:nilnil // not a layer
}

// isLayer reports whether a member contains the result. A flag beside a token does not.
func (m members) isLayer(name string) bool {
	return m.has(name) && (isNested(m[name]) || m.text(tokenNames()...) == "")
}

// isNested reports whether a value is an object or an array.
func isNested(data json.RawMessage) bool {
	return len(data) > 0 && (data[0] == '{' || data[0] == '[')
}

// isEmpty reports whether a value is absent, null, or an empty object or array.
func isEmpty(data json.RawMessage) bool {
	if len(data) == 0 {
		return true
	}
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch data[0] {
	case '[':
		return json.Unmarshal(data, &list) == nil && len(list) == 0
	case '{':
		return json.Unmarshal(data, &object) == nil && len(object) == 0
	}
	return string(data) == "null"
}

// readArguments reads the arguments of Connect Web's callbacks: (token, institution, link id),
// (institution, link id), (error) or (). If the only argument is a payload of its own, it returns
// that argument, because an app may post its callback's argument in an array. Otherwise it returns
// nil.
func (p *connectPayload) readArguments(data json.RawMessage) json.RawMessage {
	args := firstOf(data, 10) // real callbacks have three at most
	given := slices.DeleteFunc(slices.Clone(args), isEmpty)
	if len(given) == 1 && isNested(given[0]) {
		if m := looseMembers(given[0]); !isFailure(m) && !isInstitution(m) {
			return given[0]
		}
	}
	p.web = true
	for i, arg := range args {
		m := looseMembers(arg)
		text, isText := wirejson.Text(arg)
		switch {
		case isFailure(m) && p.failure == nil:
			p.failure = m
		case isInstitution(m) && p.institution == nil:
			p.institution = m
		case !isText || text == "":
		case i == 0, i == 1 && len(p.tokens) > 0: // The second may be a text where the institution should be.
			p.tokens = append(p.tokens, text)
		case p.linkID == "":
			p.linkID = text
		}
	}
	return nil
}

// isInstitution reports whether an object names an institution.
func isInstitution(m members) bool { return m.has("id", "name") }

// isFailure reports whether an object is an error, in the form of any platform.
func isFailure(m members) bool {
	return m.has("error_id", "errorId", "identifier", "displayed_message", "displayedMessage")
}

func (p *connectPayload) readObject(m members) error {
	p.members = m
	for _, wrapped := range []string{"token", "linkIdentifier"} {
		if _, err := readMembers(m[wrapped]); err != nil {
			return err
		}
	}
	institution, failure := looseMembers(m["institution"]), looseMembers(m["error"])
	if shifted, err := readMembers(m["exchangeableToken"]); err != nil {
		return err
	} else if isInstitution(shifted) {
		// After a relink, Connect Web's continue calls the callback for links with the arguments
		// for relinks, so that each argument has the name of the one before it.
		p.web, p.institution = true, shifted
		p.linkID = m.text("institution", "link_id")
		return nil
	}
	if isInstitution(institution) {
		p.institution = institution
	}
	for _, name := range tokenNames() {
		if token := m.text(name); token != "" {
			p.tokens = append(p.tokens, token)
		}
	}
	p.linkID = m.text("link_id", "linkId", "linkIdentifier")
	message, isText := wirejson.Text(m["error"])
	switch {
	case isFailure(failure):
		p.failure, p.web = failure, true
	case isText && message != "":
		p.failure = members{"displayed_message": m["error"]}
	case isFailure(m):
		p.failure = m
	case m["error"] != nil:
		p.web = true
	}
	return nil
}

func (p *connectPayload) result() (*ConnectResult, error) {
	var token string
	for _, t := range p.tokens {
		if token != "" && t != token {
			return nil, errors.New("it contains two tokens")
		}
		token = t
	}
	success := p.institution != nil || p.linkID != ""
	result := &ConnectResult{Source: p.source(), ExchangeableToken: token, LinkID: p.linkID}
	switch {
	case token != "":
		result.Outcome = ConnectLinked
	case success && p.failure != nil:
		return nil, errors.New("it contains both an error and a success")
	case success:
		result.Outcome = ConnectRelinked
	default:
		result.Outcome = ConnectExited
		if p.failure != nil {
			result.Err = newConnectError(p.failure)
		}
		return result, nil
	}
	in := p.institution
	result.Institution = ConnectInstitution{
		ID: in.text("id"), Name: in.text("name"), Country: Country(in.text("country")), Domain: in.text("domain"),
	}
	for _, list := range []json.RawMessage{in["selectedAccounts"], p.members["accounts"]} {
		result.Accounts = append(result.Accounts, readAccounts(list)...)
	}
	for _, list := range []json.RawMessage{in["trackedScreens"], p.members["trackedScreens"]} {
		result.Screens = append(result.Screens, readScreens(list)...)
	}
	return result, nil
}

// firstOf returns the first values of an array, at most most of them.
func firstOf(data json.RawMessage, most int) []json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return nil
	}
	var found []json.RawMessage
	for len(found) < most && dec.More() {
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return found
		}
		found = append(found, value)
	}
	return found
}

// items returns the objects of a list. It stops after 1000 values, which no real list has.
func items(data json.RawMessage) []members {
	const most = 1000
	if len(data) == 0 || data[0] != '[' {
		return nil
	}
	var found []members
	for _, item := range firstOf(data, most) {
		if m := looseMembers(item); len(m) > 0 {
			found = append(found, m)
		}
	}
	return found
}

// readAccounts reads a list of accounts. It skips objects without any member of an account.
func readAccounts(data json.RawMessage) []ConnectAccount {
	var accounts []ConnectAccount
	for _, m := range items(data) {
		account := ConnectAccount{
			ID: m.text("account_id", "id"), Name: m.text("name"),
			Type: m.text("account_type", "type"), Mask: m.text("account_mask", "mask"),
		}
		if account != (ConnectAccount{}) {
			accounts = append(accounts, account)
		}
	}
	return accounts
}

func readScreens(data json.RawMessage) []ConnectScreen {
	var screens []ConnectScreen
	for _, m := range items(data) {
		duration, _ := wirejson.Number(m["duration"])
		screen := ConnectScreen{Name: m.text("name"), Tag: m.text("tag"), Duration: duration}
		if screen != (ConnectScreen{}) {
			screens = append(screens, screen)
		}
	}
	return screens
}

// newConnectError reads an error in the form of any platform.
func newConnectError(m members) *ConnectError {
	return &ConnectError{
		ID:               m.text("error_id", "errorId", "identifier"),
		DisplayedMessage: m.text("displayed_message", "displayedMessage"),
		RequestID:        m.text("request_id", "requestId"),
	}
}

// hasTags reports whether the screens have tags. On iOS they have none, so a payload with tags and
// a wrapped link id comes from React Native on Android.
func (p *connectPayload) hasTags() bool {
	return slices.ContainsFunc(readScreens(p.members["trackedScreens"]), func(s ConnectScreen) bool { return s.Tag != "" })
}

// source returns the platform. It recognizes a platform by the members that only that platform
// sends.
func (p *connectPayload) source() ConnectSource {
	identifier, _ := readMembers(p.members["linkIdentifier"])
	_, unwrapped := wirejson.Text(p.members["linkIdentifier"])
	switch {
	case p.web, p.institution.has("selectedAccounts"), p.has("exchangeableToken", "link_id"),
		p.failure.has("error_id", "displayed_message"):
		return ConnectWeb
	case p.has("linkId"):
		return ConnectAndroid
	case p.failure.has("identifier"), unwrapped, identifier.has("value") && p.hasTags():
		return ConnectReactNative
	case p.failure.has("errorId"), identifier.has("value"):
		return ConnectIOS
	}
	return ""
}
