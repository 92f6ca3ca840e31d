package moneykit_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/moneykit/moneykit-go"
)

// marked puts a mark into a payload, in its token or at the beginning of its texts. An error must
// not contain the mark.
func marked(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("exchangeable-token-1"), []byte("fuzz-canary"))
	return bytes.ReplaceAll(data, []byte(`":"`), []byte(`":"fuzz-canary`))
}

// FuzzParseConnectResult parses any bytes. A parsed result must be consistent, and must be the same
// for other spellings of the payload.
func FuzzParseConnectResult(f *testing.F) {
	for _, data := range goldens(f, "testdata/connect", connectResults()) {
		f.Add(data)
	}
	for name, bad := range badConnectPayloads {
		if !strings.HasPrefix(name, "too ") {
			f.Add([]byte(bad.data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := moneykit.ParseConnectResult(marked(data)); err != nil && strings.Contains(err.Error(), "canary") {
			t.Fatalf("%s gives %v", data, err)
		}
		got, err := moneykit.ParseConnectResult(data)
		if err != nil {
			if got != nil {
				t.Fatal("a result beside an error")
			}
			return
		}
		left := reflect.DeepEqual(*got, moneykit.ConnectResult{Outcome: moneykit.ConnectExited, Source: got.Source, Err: got.Err})
		switch {
		case got.Outcome == moneykit.ConnectLinked && got.ExchangeableToken != "" && got.Err == nil:
		case got.Outcome == moneykit.ConnectRelinked && got.ExchangeableToken == "" && got.Err == nil:
		case got.Outcome == moneykit.ConnectExited && left:
		default:
			t.Fatalf("%s gives %+v", data, *got)
		}

		var indented bytes.Buffer
		if err := json.Indent(&indented, data, "", "  "); err != nil {
			t.Fatal(err)
		}
		again, err := moneykit.ParseConnectResult(indented.Bytes())
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%s gives something else with spaces: %v", data, err)
		}
		again, err = moneykit.ParseConnectResult(asWeb(t, got))
		if err != nil {
			t.Fatalf("%s cannot be read as from the web: %v", data, err)
		}
		again.Source = got.Source
		if !reflect.DeepEqual(got, again) {
			t.Fatalf("%s gives something else as from the web", data)
		}
	})
}

// asWeb writes a result as the arguments of Connect Web's callback.
func asWeb(t *testing.T, r *moneykit.ConnectResult) []byte {
	t.Helper()
	type object = map[string]any
	accounts, screens := []object{}, []object{}
	for _, a := range r.Accounts {
		accounts = append(accounts, object{"account_id": a.ID, "account_type": a.Type, "name": a.Name, "account_mask": a.Mask})
	}
	for _, s := range r.Screens {
		screens = append(screens, object{"tag": s.Tag, "name": s.Name, "duration": s.Duration})
	}
	institution := object{
		"id": r.Institution.ID, "name": r.Institution.Name, "country": r.Institution.Country, "domain": r.Institution.Domain,
		"selectedAccounts": accounts, "trackedScreens": screens,
	}
	args := []any{institution, r.LinkID}
	switch {
	case r.Err != nil:
		args = []any{object{"error_id": r.Err.ID, "displayed_message": r.Err.DisplayedMessage, "request_id": r.Err.RequestID}}
	case r.Outcome == moneykit.ConnectExited:
		args = []any{nil}
	case r.Outcome == moneykit.ConnectLinked:
		args = append([]any{r.ExchangeableToken}, args...)
	}
	data, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzParseConnectEvent parses any bytes. Parsing Raw of the event must return the same event.
func FuzzParseConnectEvent(f *testing.F) {
	for _, data := range goldens(f, "testdata/connect/events", connectEvents()) {
		f.Add(data)
	}
	for name, bad := range badConnectEvents {
		if !strings.HasPrefix(name, "too ") {
			f.Add([]byte(bad.data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := moneykit.ParseConnectEvent(marked(data)); err != nil && strings.Contains(err.Error(), "canary") {
			t.Fatalf("%s gives %v", data, err)
		}
		got, err := moneykit.ParseConnectEvent(data)
		if err != nil {
			if got != nil {
				t.Fatal("an event beside an error")
			}
			return
		}
		if got.Name == "" || !bytes.Contains(data, got.Raw) {
			t.Fatalf("%s gives %q and %s", data, string(got.Name), got.Raw)
		}
		again, err := moneykit.ParseConnectEvent(got.Raw)
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%s gives something else from its own bytes: %v", data, err)
		}
		if (got.Err() != nil) != (got.Name == moneykit.ConnectEventError) || got.LogValue().Kind().String() != "Group" {
			t.Fatalf("%s gives an inconsistent event", data)
		}
		if got.Screen() != "" && got.SearchTerm() != "" {
			t.Fatalf("%s gives two events", data)
		}
	})
}
