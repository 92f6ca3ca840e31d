package moneykit

import (
	"fmt"
	"log/slog"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// ConnectOutcome is how a run of Connect ended.
type ConnectOutcome string

// The outcomes.
const (
	ConnectLinked   ConnectOutcome = "linked"   // a new link; exchange its token
	ConnectRelinked ConnectOutcome = "relinked" // an existing link was repaired or extended
	ConnectExited   ConnectOutcome = "exited"   // no link was created or changed
)

// ConnectSource is the platform on which Connect ran.
type ConnectSource string

// The platforms.
const (
	ConnectWeb         ConnectSource = "web"
	ConnectIOS         ConnectSource = "ios"
	ConnectAndroid     ConnectSource = "android"
	ConnectReactNative ConnectSource = "react_native"
)

// ConnectResult is the result of a run of Connect, in one form for all platforms. It comes from the
// user's device and is not verified. Verify it with [LinkSessionsService.Finish].
//
// Printing a ConnectResult, logging it or encoding it as JSON shows neither its token nor the
// user's data. An unexported field is the exception, as the package documentation explains.
type ConnectResult struct {
	Outcome ConnectOutcome
	// Source is the platform if the payload identifies it, and empty if several platforms fit. It
	// is ConnectIOS for React Native on iOS, which passes on the payload of iOS, and
	// ConnectReactNative for an error of iOS 1.1.
	Source            ConnectSource
	ExchangeableToken string // ConnectLinked only
	LinkID            string // empty if the platform does not report it
	Institution       ConnectInstitution
	Accounts          []ConnectAccount
	Screens           []ConnectScreen
	Err               *ConnectError // ConnectExited only; nil if the user left without an error
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
	Tag      string  // empty if the platform does not report it
	Duration float64 // the number that the platform reports, unchanged
}

// ConnectError is why Connect ended without a link.
type ConnectError struct {
	ID               string // for programs; empty if the platform does not report it
	DisplayedMessage string // what the user saw
	RequestID        string // for MoneyKit's support
}

// Error returns a text with the id of the error and without the message that the user saw.
func (e *ConnectError) Error() string {
	if e.ID == "" {
		return "moneykit: Connect ended with an error"
	}
	return "moneykit: Connect ended with " + plain.Label(e.ID)
}

// String returns the outcome and the error, without the exchangeable token and the user's data.
func (r ConnectResult) String() string {
	s := "Connect result: " + string(r.Outcome)
	if r.Err != nil {
		s += ", " + r.Err.Error()
	}
	return s
}

// Format writes [ConnectResult.String] for every verb of fmt.
func (r ConnectResult) Format(f fmt.State, verb rune) { plain.Format(f, verb, r.String()) }

// MarshalText returns [ConnectResult.String], for encoders such as the JSON handler of log/slog.
func (r ConnectResult) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue returns the outcome, the platform, the institution and the number of accounts, without
// the exchangeable token and the user's data.
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

// ParseConnectResult reads what a front end posts from Connect's success or exit callback:
//
//   - Web: the callback's arguments as an array, or as an object with the members
//     exchangeableToken, institution, link_id and error, or Connect's own message with that object
//     and a type.
//   - iOS, Android, React Native: the callback's argument, encoded as JSON, also in an array.
//   - The token alone: {"exchangeable_token": "…"}.
//   - null, an empty array or an empty object for an exit without an error.
//
// A payload with an exchangeable token is a new link. A payload with an institution or a link id,
// but no token, is a relink. Any other payload is an exit, with an error if there is one. Members
// that are unknown, null or empty are ignored. Missing accounts are not an error, because the token
// can be exchanged only once and must not be lost.
//
// It returns an error for
//
//   - more than 1 MiB, or data that is not a JSON object, array or null;
//   - a token or link id that appears twice, or under a name in another case;
//   - two different tokens;
//   - an error together with a success that has no token.
//
// The error contains no part of the payload.
func ParseConnectResult(data []byte) (*ConnectResult, error) {
	data, err := readConnect(data)
	if err != nil {
		return nil, fmt.Errorf("moneykit: cannot read the Connect result: it %w", err)
	}
	var p connectPayload
	if err := p.read(data); err != nil {
		return nil, fmt.Errorf("moneykit: cannot read the Connect result: %w", err)
	}
	result, err := p.result()
	if err != nil {
		return nil, fmt.Errorf("moneykit: cannot read the Connect result: %w", err)
	}
	return result, nil
}
