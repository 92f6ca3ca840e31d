package connect

import (
	"log/slog"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect/theme"
)

// Launch is what a front end needs to start Connect.
//
// On the web, Call names the method of the MoneyKit object: link and relink take the token,
// continue takes the redirect URL. On iOS, Android and React Native one call presents either kind
// of session.
type Launch struct {
	Call        LaunchCall   `json:"call"`
	Token       string       `json:"link_session_token,omitempty"` // of [LaunchLink] and [LaunchRelink]
	RedirectURL string       `json:"redirect_url,omitempty"`       // of [LaunchContinue]
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
// in the browser that Connect was started in, on a page of the same origin.
func ContinueLaunch(returned *moneykit.OAuthReturn) Launch {
	return Launch{Call: LaunchContinue, RedirectURL: returned.ContinueURL()}
}

// String returns the call without the token and the URL. Whoever has one of them can act as the
// user in Connect.
func (l Launch) String() string { return "Connect launch: " + string(l.Call) }

// GoString returns the same as [Launch.String], for %#v.
func (l Launch) GoString() string { return l.String() }

// LogValue returns the same as [Launch.String], for log/slog.
func (l Launch) LogValue() slog.Value { return slog.StringValue(l.String()) }
