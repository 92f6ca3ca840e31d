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
	ConnectExited   ConnectOutcome = "exited"   // neither
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
// user's device and proves nothing; [LinkSessionsService.Finish] does.
//
// Printing a ConnectResult, logging it and encoding it as JSON show neither its token nor the
// user's data. This holds wherever the value is reached through an exported field, a slice or a
// map. It does not hold for an unexported field of your own struct, whose content package fmt
// prints without calling any method.
type ConnectResult struct {
	Outcome ConnectOutcome
	// Source is the platform, if the payload identifies it, and empty if several fit. React Native
	// on iOS is ConnectIOS, whose payload it passes on; an error of iOS 1.1 is ConnectReactNative.
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

// Error returns a text with the id of the error.
func (e *ConnectError) Error() string {
	if e.ID == "" {
		return "moneykit: Connect ended with an error"
	}
	return "moneykit: Connect ended with " + plain.Label(e.ID)
}

// String returns how Connect ended. It leaves out the exchangeable token and the user's data.
func (r ConnectResult) String() string {
	s := "Connect result: " + string(r.Outcome)
	if r.Err != nil {
		s += ", " + r.Err.Error()
	}
	return s
}

// Format writes [ConnectResult.String] for every verb of fmt.
func (r ConnectResult) Format(f fmt.State, verb rune) { plain.Format(f, verb, r.String()) }

// MarshalText is [ConnectResult.String], for encoders such as that of log/slog.
func (r ConnectResult) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue leaves out the exchangeable token and the user's data.
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
// that are unknown, null or empty are ignored. Missing accounts are no error, because a token can
// be exchanged only once.
//
// It returns an error for
//
//   - more than 1 MiB, and anything but a JSON object, array or null;
//   - a token or link id that appears twice, or under a name in another case;
//   - two different tokens;
//   - an error together with a success that has no token.
//
// The error contains nothing of the payload.
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
