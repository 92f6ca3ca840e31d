package moneykit

import (
	"log/slog"
)

// Launch is what a front end needs to start Connect. Encoded as JSON it is what [ConnectHandler]
// answers:
//
//	{"call": "link", "link_session_token": "…", "theme": {…}}
//
// On the web, call names the method of the MoneyKit object: link and relink take the token, continue
// takes redirect_url. On iOS, Android and React Native the same call presents either session.
type Launch struct {
	Call        LaunchCall `json:"call"`
	Token       string     `json:"link_session_token,omitempty"`
	RedirectURL string     `json:"redirect_url,omitempty"` // with LaunchContinue
	// Theme is how Connect looks on the web; nil for MoneyKit's own.
	Theme *Theme `json:"theme,omitempty"`
}

// LaunchCall is the method of Connect Web that starts it.
type LaunchCall string

// The methods.
const (
	LaunchLink     LaunchCall = "link"
	LaunchRelink   LaunchCall = "relink"
	LaunchContinue LaunchCall = "continue"
)

// String hides the token, which lets whoever has it act as the user in Connect.
func (l Launch) String() string { return "Connect launch: " + string(l.Call) }

// GoString is [Launch.String], for %#v.
func (l Launch) GoString() string { return l.String() }

// LogValue is [Launch.String], for log/slog.
func (l Launch) LogValue() slog.Value { return slog.StringValue(l.String()) }

// Launch returns how Connect Web goes on after the bank: on the page of the redirect URI, in the
// browser that it was started in.
func (r OAuthReturn) Launch() Launch {
	return Launch{Call: LaunchContinue, RedirectURL: r.ContinueURL()}
}
