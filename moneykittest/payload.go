package moneykittest

import (
	"encoding/json"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// payload returns what the front end on a platform posts, and what the web posts with false for
// a platform that does not exist. "" is the web.
func (end *ending) payload(source moneykit.ConnectSource) ([]byte, bool) {
	known := true
	var value any
	switch source {
	case moneykit.ConnectIOS:
		value = end.ios()
	case moneykit.ConnectAndroid:
		value = end.android()
	case moneykit.ConnectReactNative:
		value = end.reactNative()
	case moneykit.ConnectWeb, "":
		value = end.web()
	default:
		value, known = end.web(), false
	}
	data, err := json.Marshal(value)
	if err != nil { // cannot be: there are only strings and numbers in it
		return []byte("null"), known
	}
	return data, known
}

// screen is one that the user saw.
type screen struct {
	tag, name string
	seconds   float64
}

func screens() []screen {
	return []screen{{"finder", "Finder", 2.5}, {"accounts", "Accounts", 1.25}}
}

// kindOf returns the type of an account as Connect has it, which lacks the API's "liability.".
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

// web returns the arguments of the callback of Connect Web.
func (end *ending) web() []any {
	switch {
	case end.err != nil:
		return []any{webError{end.err.ID, end.err.DisplayedMessage, orNull(end.err.RequestID)}}
	case end.link == nil:
		return []any{nil}
	}
	in := end.link.institution
	institution := webInstitution{
		ID: in.id, Name: in.name, Country: in.country(), Domain: in.domain, Color: in.color,
		Avatar: orNull(in.avatar()), SearchGroup: "primary",
		Providers: []string{string(moneykit.ProviderMoneyKit)}, Accounts: []webAccount{},
	}
	for _, a := range end.accounts {
		institution.Accounts = append(institution.Accounts, webAccount{a.ID, kindOf(a), a.Name, orNull(a.Mask)})
	}
	for _, s := range screens() {
		institution.Screens = append(institution.Screens, webScreen{s.tag, s.name, s.seconds})
	}
	if end.token == "" {
		return []any{institution, end.link.id}
	}
	return []any{end.token, institution, end.link.id}
}

// wrapped is a value in an object of its own.
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

// appSuccess is the success of Connect in an app. The platforms have different members of it.
type appSuccess struct {
	Institution appInstitution `json:"institution"`
	Accounts    []appAccount   `json:"accounts"`
	Screens     []any          `json:"trackedScreens"`
}

func (end *ending) app(screenOf func(screen) any) appSuccess {
	in := end.link.institution
	out := appSuccess{
		Institution: appInstitution{in.id, in.name, in.country(), in.domain, in.color, in.avatar()},
		Accounts:    []appAccount{},
	}
	for _, a := range end.accounts {
		out.Accounts = append(out.Accounts, appAccount{a.ID, a.Name, kindOf(a), a.Mask})
	}
	for _, s := range screens() {
		out.Screens = append(out.Screens, screenOf(s))
	}
	return out
}

// ios returns the struct that Connect for iOS hands over. A relink has neither token nor link id.
func (end *ending) ios() any {
	switch {
	case end.err != nil:
		return struct {
			ID        string `json:"errorId"`
			Message   string `json:"displayedMessage"`
			RequestID string `json:"requestId,omitempty"`
		}{end.err.ID, end.err.DisplayedMessage, end.err.RequestID}
	case end.link == nil:
		return nil
	}
	success := end.app(func(s screen) any {
		return struct {
			Name     string  `json:"name"`
			Duration float64 `json:"duration"`
		}{s.name, s.seconds}
	})
	if end.token == "" {
		return success
	}
	return struct {
		appSuccess
		Token wrapped `json:"token"`
		Link  wrapped `json:"linkIdentifier"`
	}{success, wrapped{end.token}, wrapped{end.link.id}}
}

// android returns what Connect for Android hands over. That its error has an id is not known.
func (end *ending) android() any {
	switch {
	case end.err != nil:
		return struct {
			Message   string  `json:"displayedMessage"`
			RequestID *string `json:"requestId"`
		}{end.err.DisplayedMessage, orNull(end.err.RequestID)}
	case end.link == nil:
		return nil
	}
	success := struct {
		appSuccess
		LinkID string   `json:"linkId"`
		Token  *wrapped `json:"token,omitempty"`
	}{LinkID: end.link.id}
	success.appSuccess = end.app(func(s screen) any {
		return struct {
			Name string `json:"name"`
			Tag  string `json:"tag"`
		}{s.name, s.tag}
	})
	if end.token != "" {
		success.Token = &wrapped{end.token}
	}
	return success
}

// reactNative returns what the types of Connect for React Native declare. What its native parts
// send differs from that, and is what the other platforms have.
func (end *ending) reactNative() any {
	switch {
	case end.err != nil:
		return struct {
			ID        string  `json:"identifier"`
			Message   string  `json:"displayedMessage"`
			RequestID *string `json:"requestId"`
		}{end.err.ID, end.err.DisplayedMessage, orNull(end.err.RequestID)}
	case end.link == nil:
		return nil
	}
	success := struct {
		appSuccess
		Token *wrapped `json:"token"`
		Link  *wrapped `json:"linkIdentifier"`
	}{}
	success.appSuccess = end.app(func(s screen) any {
		return struct {
			Name        string  `json:"name"`
			Duration    float64 `json:"duration"`
			RequestTime *string `json:"requestTime"`
		}{s.name, s.seconds, nil}
	})
	if end.token != "" {
		success.Token, success.Link = &wrapped{end.token}, &wrapped{end.link.id}
	}
	return success
}
