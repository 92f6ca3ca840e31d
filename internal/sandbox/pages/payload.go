package pages

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Payload returns the payload that the front end on a platform posts when Connect ends: the
// arguments of the success or exit callback in a version of Connect. The source "" means the web,
// and the version "" means the default version. For a platform or version that does not exist, it
// returns the payload of the web and false.
func Payload(end world.Ending, source moneykit.ConnectSource, version string) ([]byte, bool) {
	build, known := builder(source, version)
	if !known {
		build = web
	}
	data, err := json.Marshal(build(end))
	if err != nil { // cannot happen: it contains only strings and numbers
		return []byte("null"), known
	}
	return data, known
}

// builder returns the function that makes the payloads of a platform and version.
func builder(source moneykit.ConnectSource, version string) (func(world.Ending) any, bool) {
	build, known := map[string]func(world.Ending) any{
		"web ":                       web,
		"web 0.3.28":                 web,
		"web 0.3.16":                 oldWeb,
		"ios ":                       ios,
		"ios 1.10.7":                 ios,
		"ios 1.1":                    oldIOS,
		"ios 2.0":                    newIOS,
		"android ":                   android,
		"android 0.4.2":              android,
		"react_native ":              reactNative,
		"react_native 2.9.0":         reactNative,
		"react_native 2.9.0-ios":     expo(ios),
		"react_native 2.9.0-android": expo(androidBridge),
		"react_native 3-ios":         ios,
		"react_native 3-android":     androidBridgeWrapped,
	}[string(cmp.Or(source, moneykit.ConnectWeb))+" "+version]
	return build, known
}

// screen is a screen that the user has seen.
type screen struct {
	tag, name string
	seconds   float64
}

func screens() []screen {
	return []screen{{"finder", "Finder", 2.5}, {"accounts", "Accounts", 1.25}}
}

// kindOf returns the type of an account in Connect, which lacks the prefix "liability." of the
// API's type.
func kindOf(a moneykit.Account) string { return strings.TrimPrefix(a.Type, "liability.") }

// orNull returns nil for "".
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

type webInstitution struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Country     moneykit.Country `json:"country"`
	Domain      string           `json:"domain"`
	Color       string           `json:"color"`
	ColorDark   *string          `json:"color_dark"`
	Avatar      *string          `json:"avatar"`
	AvatarDark  *string          `json:"avatar_dark"`
	Logo        *string          `json:"logo"`
	LogoDark    *string          `json:"logo_dark"`
	SearchGroup string           `json:"search_group"`
	Featured    bool             `json:"is_featured"`
	Providers   []string         `json:"providers"`
	Accounts    []webAccount     `json:"selectedAccounts"`
	Screens     []webScreen      `json:"trackedScreens"`
}

type webAccount struct {
	ID   string  `json:"account_id"`
	Type string  `json:"account_type"`
	Name string  `json:"name"`
	Mask *string `json:"account_mask"`
}

type webScreen struct {
	Tag      string  `json:"tag"`
	Name     string  `json:"name"`
	Duration float64 `json:"duration"`
}

type webError struct {
	ID        string  `json:"error_id"`
	Message   string  `json:"displayed_message"`
	RequestID *string `json:"request_id"`
}

// web returns the payload of Connect Web: the arguments of its callback.
func web(end world.Ending) any { return webArguments(end) }

// webArguments returns the arguments of the callback of Connect Web.
func webArguments(end world.Ending) []any {
	switch {
	case end.Err != nil:
		return []any{webError{end.Err.ID, end.Err.DisplayedMessage, orNull(end.Err.RequestID)}}
	case end.LinkID == "":
		return []any{nil}
	}
	in := end.Institution
	institution := webInstitution{
		ID: in.ID, Name: in.Name, Country: in.Country, Domain: in.Domain, Color: in.Color,
		Avatar: orNull(in.Avatar()), SearchGroup: "primary",
		Providers: []string{string(moneykit.ProviderMoneyKit)}, Accounts: []webAccount{},
	}
	for _, a := range end.Accounts {
		institution.Accounts = append(institution.Accounts, webAccount{a.ID, kindOf(a), a.Name, orNull(a.Mask)})
	}
	for _, s := range screens() {
		institution.Screens = append(institution.Screens, webScreen{s.tag, s.name, s.seconds})
	}
	if end.Token == "" {
		return []any{institution, end.LinkID}
	}
	return []any{end.Token, institution, end.LinkID}
}

// wrapped is a value inside its own object.
type wrapped struct {
	Value string `json:"value"`
}

type appInstitution struct {
	ID      string           `json:"id"`
	Name    string           `json:"name"`
	Country moneykit.Country `json:"country"`
	Domain  string           `json:"domain"`
	Color   string           `json:"color"`
	Avatar  string           `json:"avatar"`
}

type appAccount struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
	Mask string `json:"mask,omitempty"`
}

// appSuccess is the success of Connect in an app. Each platform sets different members.
type appSuccess struct {
	Institution appInstitution `json:"institution"`
	Accounts    []appAccount   `json:"accounts"`
	Screens     []any          `json:"trackedScreens"`
}

func app(end world.Ending, screenOf func(screen) any) appSuccess {
	in := end.Institution
	out := appSuccess{
		Institution: appInstitution{in.ID, in.Name, in.Country, in.Domain, in.Color, in.Avatar()},
		Accounts:    []appAccount{},
	}
	for _, a := range end.Accounts {
		out.Accounts = append(out.Accounts, appAccount{a.ID, a.Name, kindOf(a), a.Mask})
	}
	for _, s := range screens() {
		out.Screens = append(out.Screens, screenOf(s))
	}
	return out
}

// ios returns the payload of Connect for iOS. A relink has neither a token nor a link id.
func ios(end world.Ending) any {
	switch {
	case end.Err != nil:
		return struct {
			ID        string `json:"errorId"`
			Message   string `json:"displayedMessage"`
			RequestID string `json:"requestId,omitempty"`
		}{end.Err.ID, end.Err.DisplayedMessage, end.Err.RequestID}
	case end.LinkID == "":
		return nil
	}
	success := app(end, func(s screen) any {
		return struct {
			Name     string  `json:"name"`
			Duration float64 `json:"duration"`
		}{s.name, s.seconds}
	})
	if end.Token == "" {
		return success
	}
	return struct {
		appSuccess
		Token wrapped `json:"token"`
		Link  wrapped `json:"linkIdentifier"`
	}{success, wrapped{end.Token}, wrapped{end.LinkID}}
}

// android returns the payload of Connect for Android. Its error has no id, because none is
// documented.
func android(end world.Ending) any {
	switch {
	case end.Err != nil:
		return struct {
			Message   string  `json:"displayedMessage"`
			RequestID *string `json:"requestId"`
		}{end.Err.DisplayedMessage, orNull(end.Err.RequestID)}
	case end.LinkID == "":
		return nil
	}
	success := struct {
		appSuccess
		LinkID string   `json:"linkId"`
		Token  *wrapped `json:"token,omitempty"`
	}{LinkID: end.LinkID}
	success.appSuccess = app(end, func(s screen) any {
		return struct {
			Name string `json:"name"`
			Tag  string `json:"tag"`
		}{s.name, s.tag}
	})
	if end.Token != "" {
		success.Token = &wrapped{end.Token}
	}
	return success
}

// reactNative returns the payload that the types of Connect for React Native declare. Its native
// parts send the payloads of the other platforms instead.
func reactNative(end world.Ending) any {
	switch {
	case end.Err != nil:
		return struct {
			ID        string  `json:"identifier"`
			Message   string  `json:"displayedMessage"`
			RequestID *string `json:"requestId"`
		}{end.Err.ID, end.Err.DisplayedMessage, orNull(end.Err.RequestID)}
	case end.LinkID == "":
		return nil
	}
	success := struct {
		appSuccess
		Token *wrapped `json:"token"`
		Link  *wrapped `json:"linkIdentifier"`
	}{}
	success.appSuccess = app(end, func(s screen) any {
		return struct {
			Name        string  `json:"name"`
			Duration    float64 `json:"duration"`
			RequestTime *string `json:"requestTime"`
		}{s.name, s.seconds, nil}
	})
	if end.Token != "" {
		success.Token, success.Link = &wrapped{end.Token}, &wrapped{end.LinkID}
	}
	return success
}
