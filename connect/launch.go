package connect

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect/theme"
)

// Launch contains what a front end needs to start Connect.
//
// On the web, Call names the method of the MoneyKit object: link and relink take the token,
// continue takes the redirect URL. On iOS, Android and React Native one call presents either kind
// of session.
//
// Printing, logging and encoding a Launch do not show the token and the URL; only [Launch.JSON]
// returns them. Do not print a struct that has a Launch in an unexported field: package fmt cannot
// call methods there, and shows both.
type Launch struct {
	Call        LaunchCall   `json:"call"`
	Token       string       `json:"link_session_token,omitempty"` // of [LaunchLink] and [LaunchRelink]
	RedirectURL string       `json:"redirect_url,omitempty"`       // of [LaunchContinue]
	Host        string       `json:"host,omitempty"`               // [Config.Host]; empty means MoneyKit's own pages
	Theme       *theme.Theme `json:"theme,omitempty"`              // for the web; nil means Connect's own
}

// LaunchCall is a method of Connect Web.
type LaunchCall string

// The methods that start Connect Web.
const (
	LaunchLink     LaunchCall = "link"
	LaunchRelink   LaunchCall = "relink"
	LaunchContinue LaunchCall = "continue"
)

// ContinueLaunch returns the launch with which Connect Web continues after a bank's page. It works
// only in the browser in which Connect was started, on a page of the same origin.
func ContinueLaunch(returned *moneykit.OAuthReturn) Launch {
	return Launch{Call: LaunchContinue, RedirectURL: returned.ContinueURL()}
}

// JSON returns the launch for a front end, with the token or the URL. Anyone who has one of these
// can act as the user in Connect, so send it only in a response to that user.
func (l Launch) JSON() ([]byte, error) {
	type wire Launch // has the fields of Launch, but not its methods
	return json.Marshal(wire(l))
}

// String returns the call without the token and the URL.
func (l Launch) String() string { return "Connect launch: " + string(l.Call) }

// Format writes [Launch.String] for every verb.
func (l Launch) Format(f fmt.State, verb rune) { format(f, verb, l.String()) }

// LogValue returns [Launch.String], for log/slog.
func (l Launch) LogValue() slog.Value { return slog.StringValue(l.String()) }

// MarshalText returns [Launch.String], for encoders such as those of log/slog. Use [Launch.JSON]
// for front ends.
func (l Launch) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// format writes text for every verb of package fmt.
func format(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}
