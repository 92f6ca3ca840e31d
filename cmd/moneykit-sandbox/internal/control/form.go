package control

import (
	"cmp"
	"encoding"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// form is a form of the page for a verb.
type form struct {
	Verb, Title, Button, Summary string
	Primary                      bool    // the button is highlighted
	Target                       field   // the parameter that the row of a list sets; no path if there is none
	Fields, More                 []field // fields that are always shown, and fields in a fold
}

// field is a field of a form.
type field struct {
	Path     string // path of the member that the field sets, such as play.username
	Flag     string // flag of the subcommand; "" if there is none
	Whole    bool   // the flag takes the JSON of the first member of the path
	Label    string
	Help     string
	Kind     string // text, number, words, json, check, select or checks
	Choices  []choice
	List     string // name of the list of suggestions
	Value    string
	Example  string
	Required bool
}

// choice is a value that a field suggests, and its label.
type choice struct{ Value, Means string }

// placement is a place of a verb on the page. A verb may have several.
type placement struct {
	place, verb   string
	title, button string
	does          string // description; if empty, the summary of the verb
	primary       bool
	shown         []string // paths of the fields that are not in the fold
	only          bool     // the form has no other fields
}

// placements returns the placements in the order of the page. Verbs without a placement are at the
// place "more".
func placements() []placement {
	return []placement{
		{
			place: "link", verb: "break", title: "Break", button: "Break", does: "put it into the state error", primary: true,
			shown: []string{"reason"},
		},
		{place: "link", verb: "break", title: "Connect again", button: "Connect again", does: "as after a relink", only: true},
		{
			place: "link", verb: "transactions", title: "Add a transaction", button: "Add", does: "missing values are made up", only: true,
			shown: []string{"add.0.amount", "add.0.description", "add.0.date", "add.0.pending"},
		},
		{
			place: "link", verb: "transactions", title: "Change transactions", button: "Change", does: "one of the three",
			shown: []string{"remove"},
		},
		{place: "link", verb: "refresh", title: "Refresh", button: "Refresh", does: "products from the bank", shown: []string{"products"}},
		{place: "link", verb: "trigger", title: "Trigger", button: "Trigger", does: "a test event to its webhook", shown: []string{"event"}},
		{place: "link", verb: "settle", title: "Settle", button: "Settle", does: "post the pending transactions"},
		{place: "link", verb: "reset", title: "Reset cursors", button: "Reset cursors", does: "the next sync begins from the start"},
		{
			place: "session", verb: "connect", title: "Connect", button: "Connect", does: "play a user to the end", primary: true,
			shown: []string{"play.username", "source", "play.institution"},
		},
		{
			place: "session", verb: "authorize", title: "Authorize", button: "Go to the bank",
			does: "play a user until the return from the OAuth Bank", shown: []string{"play.institution"},
		},
		{
			place: "session", verb: "continue", title: "Continue", button: "Come back from the bank", does: "play the rest of Connect",
			shown: []string{"return_url", "source"},
		},
		{place: "delivery", verb: "resend", title: "Resend", button: "Send again", does: "as if it were new"},
		{place: "links", verb: "link", title: "Make a link", button: "Make", primary: true, shown: []string{"user_id", "institution_id", "webhook"}},
		{
			place: "requests", verb: "fail", title: "Make requests fail", button: "Plan", primary: true,
			shown: []string{"operation", "fault.status", "n"},
		},
		{place: "requests", verb: "expire-tokens", title: "Expire tokens", button: "Expire all access tokens", primary: true},
		{
			place: "deliveries", verb: "deliver", title: "Deliver", button: "Deliver what is due", primary: true,
			shown: []string{"duplicated", "concurrently", "reversed"},
		},
		{place: "deliveries", verb: "sign", title: "Sign", button: "Sign", primary: true, shown: []string{"url", "body"}},
		{place: "deliveries", verb: "tamper", title: "Tamper", button: "Forge", primary: true, shown: []string{"url", "body", "how"}},
		{place: "deliveries", verb: "rotate-keys", title: "Rotate keys", button: "Sign with a new key", primary: true},
		{place: "clock", verb: "advance", title: "Advance the clock", button: "Advance", primary: true, shown: []string{"by"}},
	}
}

// targets returns the parameters that the row of a list sets, by the place of the row's forms.
func targets() map[string]string {
	return map[string]string{"link": "link_id", "session": "link_session_token", "delivery": "token"}
}

// forms returns the forms of all verbs, by place.
func forms() map[string][]form {
	all := map[string][]form{}
	all["more"] = []form{} // the place exists even if it is empty
	placed := placements()
	for _, v := range Verbs() {
		if !slices.ContainsFunc(placed, func(p placement) bool { return p.verb == v.Name }) {
			title := strings.ToUpper(v.Name[:1]) + strings.ReplaceAll(v.Name[1:], "-", " ")
			placed = append(placed, placement{place: "more", verb: v.Name, title: title, button: title, primary: true})
		}
	}
	for _, p := range placed {
		for _, v := range Verbs() {
			if v.Name == p.verb {
				all[p.place] = append(all[p.place], p.form(v))
			}
		}
	}
	return all
}

func (p placement) form(v Verb) form {
	f := form{Verb: v.Name, Title: p.title, Button: p.button, Summary: cmp.Or(p.does, v.Summary), Primary: p.primary}
	fields := fieldsOf(v.Params, "", map[string]bool{})
	for _, path := range p.shown {
		if list, member, ok := strings.Cut(path, ".0."); ok {
			fields = append(fields, elementField(fields, v.Params, list, member))
		}
	}
	for _, field := range fields {
		switch {
		case field.Path == targets()[p.place]:
			f.Target = field
		case slices.Contains(p.shown, field.Path):
			f.Fields = append(f.Fields, field)
		case p.only || slices.Contains(p.shown, field.Path+".0."):
		case p.place == "more" || field.Required:
			f.Fields = append(f.Fields, field)
		default:
			f.More = append(f.More, field)
		}
	}
	slices.SortStableFunc(f.Fields, func(a, b field) int {
		return slices.Index(p.shown, a.Path) - slices.Index(p.shown, b.Path)
	})
	return f
}

// fieldsOf returns the fields for all members of parameters. If a member is an object, its members
// get their own fields, as they get their own flags in the subcommand.
func fieldsOf(t reflect.Type, prefix string, flags map[string]bool) []field {
	var all []field
	for _, member := range Fields(t) {
		f := fieldOf(member, prefix)
		if !flags[member.Flag] {
			f.Flag = member.Flag
		}
		flags[member.Flag] = true
		if f.Kind == "object" {
			all = append(all, fieldsOf(member.Type, prefix+member.Name+".", flags)...)
			continue
		}
		all = append(all, f)
	}
	return all
}

// elementField returns the field for a member of the first element of a list.
func elementField(fields []field, params reflect.Type, list, member string) field {
	var out field
	for _, outer := range Fields(params) {
		if outer.Name != list {
			continue
		}
		for _, inner := range Fields(outer.Type.Elem()) {
			if inner.Name == member {
				out = fieldOf(inner, list+".0.")
			}
		}
	}
	for _, f := range fields {
		if f.Path == list {
			out.Flag, out.Whole = f.Flag, true
		}
	}
	return out
}

// fieldOf returns the field for a member, without its flag.
func fieldOf(member Field, prefix string) field {
	f := field{
		Path: prefix + member.Name, Label: label(member.Name), Help: member.Help, Required: member.Required, Kind: kindOf(member.Type),
	}
	t := member.Type
	if f.Kind == "checks" {
		t = t.Elem()
	}
	for _, value := range enumeration(t) {
		f.Choices = append(f.Choices, choice{value, value})
	}
	switch f.Path {
	case "operation":
		f.List, f.Help = "operations", "empty means all"
	case "institution_id", "play.institution":
		f.List = "institutions"
	case "play.username":
		f.Kind = "select"
		for _, user := range world.TestUsers() {
			f.Choices = append(f.Choices, choice{user.Name, user.Name + " " + user.Does})
		}
	case "by":
		f.List, f.Value = "durations", "24h"
	case "reason":
		f.Required, f.Help, f.Value = true, "", string(moneykit.LinkErrorAuthExpired) // without a reason, the verb has another button
	case "fault.status":
		f.Value = "503"
	case "n":
		f.Label, f.Help, f.Value = "How many", "negative means all; 0 deletes the planned faults", "1"
	case "url", "webhook":
		f.Example = "http://localhost:3000/webhooks"
	case "body":
		f.Value = `{"webhook_event": "link.state_changed"}`
	case "add.0.amount":
		f.Value = "12.50"
	case "add.0.date":
		f.Example = "2026-01-31"
	case "remove":
		f.Label, f.Help = "Remove", "id of a posted transaction"
	}
	return f
}

// label returns the label for a JSON name.
func label(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words {
		switch {
		case word == "url" || word == "id":
			words[i] = strings.ToUpper(word)
		case i == 0:
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, " ")
}

// kindOf returns the kind of the field for a type. An object has no kind: it becomes a field for
// each member.
func kindOf(t reflect.Type) string {
	text := reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	list := t.Kind() == reflect.Slice
	switch {
	case enumeration(t) != nil:
		return "select"
	case list && enumeration(t.Elem()) != nil:
		return "checks"
	case list && t.Elem().Kind() == reflect.String:
		return "words"
	case t.Kind() == reflect.String, text, t == reflect.TypeFor[time.Duration]():
		return "text"
	case t.Kind() == reflect.Bool:
		return "check"
	case t.Kind() == reflect.Int, t == reflect.TypeFor[*int]():
		return "number"
	case t.Kind() == reflect.Struct && t.PkgPath() != reflect.TypeFor[moneykit.Transaction]().PkgPath():
		return "object"
	default:
		return "json"
	}
}

// suggestions returns the suggestions of fields, by name of the list.
func (s *Server) suggestions() map[string][]choice {
	all := map[string][]choice{}
	for _, operation := range s.Sandbox.API.Operations() {
		all["operations"] = append(all["operations"], choice{Value: operation})
	}
	for _, id := range []string{world.InstantBank, world.CredentialsBank, world.OAuthBank, "chase"} {
		in, _ := world.Lookup(id)
		all["institutions"] = append(all["institutions"], choice{in.ID, in.Name})
	}
	all["durations"] = []choice{{"1h", "an hour"}, {"24h", "a day"}, {"168h", "a week"}, {"720h", "30 days"}}
	return all
}
