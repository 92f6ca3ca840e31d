package moneykit

import (
	"fmt"
	"log/slog"

	"github.com/moneykit/moneykit-go/internal/plain"
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

// ConnectResult is what Connect called back with, in one shape for all platforms. It comes from the
// user's device and proves nothing: [LinkSessionsService.Finish] does. Printing, logging and
// encoding it as JSON show neither the token nor what the user owns; so do not copy the token into
// a struct of yours that is printed.
type ConnectResult struct {
	Outcome ConnectOutcome
	// Source is the platform, as far as the payload shows it, and empty if it could be several.
	// React Native on iOS counts as ConnectIOS, whose payload it passes on; an error of iOS 1.1
	// counts as ConnectReactNative.
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

// Format writes [ConnectResult.String] for every verb of fmt.
func (r ConnectResult) Format(f fmt.State, verb rune) { plain.Format(f, verb, r.String()) }

// MarshalText is [ConnectResult.String], for encoders such as that of log/slog.
func (r ConnectResult) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

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

// ParseConnectResult reads what a front end posts from Connect's success or exit callback:
//
//   - Web: the callback's arguments as an array, or as an object with the members
//     exchangeableToken, institution, link_id and error, or the message of Connect around that
//     object with its type.
//   - iOS, Android, React Native: the callback's argument, encoded as JSON.
//   - The token alone: {"exchangeable_token": "…"}.
//   - null, an empty array or object, for an exit without an error.
//
// A payload with an exchangeable token is a new link. One without a token that has an institution
// or a link id is a relink. Everything else is an exit, with an error if there is one. Members that
// are unknown, null or empty are ignored, and missing accounts are no reason to refuse a token,
// which can be exchanged only once.
//
// It returns an error for more than 1 MiB, for what is not a JSON object, array or null, for a
// token or link id that is there twice or under a name in another case, for two different tokens,
// and for an error beside a success without a token. The error repeats nothing of the payload.
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
