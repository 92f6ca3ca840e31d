package pages

import "github.com/moneykit/moneykit-go/internal/sandbox/world"

// oldWeb returns the arguments of the callback of Connect Web 0.3.16, which contain no link id.
func oldWeb(end world.Ending) any {
	args := webArguments(end)
	if end.Err == nil && end.LinkID != "" {
		return args[:len(args)-1]
	}
	return args
}

// oldIOS returns the payload of Connect 1.1 for iOS, whose error has an identifier.
func oldIOS(end world.Ending) any {
	if end.Err == nil {
		return ios(end)
	}
	return struct {
		ID        string `json:"identifier"`
		Message   string `json:"displayedMessage"`
		RequestID string `json:"requestId,omitempty"`
	}{end.Err.ID, end.Err.DisplayedMessage, end.Err.RequestID}
}

// newIOS returns the payload that is announced for Connect 2.0 for iOS, which has a link without
// its token.
func newIOS(end world.Ending) any {
	if end.Token == "" {
		return ios(end)
	}
	linkID := end.LinkID
	end.Token = ""
	success, _ := ios(end).(appSuccess)
	return struct {
		appSuccess
		Link wrapped `json:"linkIdentifier"`
	}{success, wrapped{linkID}}
}

// expo returns the payload that Expo's bridge makes from the payload of a platform. An exit without
// an error becomes an empty object.
func expo(build func(world.Ending) any) func(world.Ending) any {
	return func(end world.Ending) any {
		if payload := build(end); payload != nil {
			return payload
		}
		return struct{}{}
	}
}

// bridged is the success payload of the bridge for Android.
type bridged struct {
	Institution struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"institution"`
	Accounts []appAccount `json:"accounts"`
	Link     any          `json:"linkIdentifier"`
	Token    *wrapped     `json:"token,omitempty"`
	Screens  []any        `json:"trackedScreens"`
}

// androidBridge returns the payload of the bridge for Android, which reports no errors.
func androidBridge(end world.Ending) any {
	if end.Err != nil || end.LinkID == "" {
		return nil
	}
	success := app(end, func(s screen) any {
		return struct {
			Name string `json:"name"`
			Tag  string `json:"tag"`
		}{s.name, s.tag}
	})
	out := bridged{Accounts: success.Accounts, Link: end.LinkID, Screens: success.Screens}
	out.Institution.ID, out.Institution.Name = success.Institution.ID, success.Institution.Name
	if end.Token != "" {
		out.Token = &wrapped{end.Token}
	}
	return out
}

// androidBridgeWrapped returns the payload of the bridge for Android without Expo, where the link
// id is in an object.
func androidBridgeWrapped(end world.Ending) any {
	out, ok := androidBridge(end).(bridged)
	if !ok {
		return nil
	}
	out.Link = wrapped{end.LinkID}
	return out
}
