package moneykit_test

import (
	"bytes"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// eventMeta is the meta data of an event about its run of Connect.
type eventMeta struct {
	LinkType, SessionID string
	Timestamp           moneykit.Timestamp
	Institution         moneykit.ConnectInstitution
}

// event returns an event with the meta data.
func (m eventMeta) event(name moneykit.ConnectEventName, properties map[string]any) moneykit.ConnectEvent {
	return moneykit.ConnectEvent{
		Name: name, Properties: properties,
		LinkType: m.LinkType, SessionID: m.SessionID, Timestamp: m.Timestamp, Institution: m.Institution,
	}
}

// connectEvents returns the events in the files of testdata/connect/events, without Raw.
func connectEvents() map[string]moneykit.ConnectEvent {
	type properties = map[string]any
	bank := moneykit.ConnectInstitution{ID: "moneykit-creds-bank", Name: "Credentials Bank"}
	start := eventMeta{
		LinkType: "link", SessionID: "session_1",
		Timestamp: moneykit.Timestamp{Time: time.Date(2025, 6, 1, 12, 0, 0, 250e6, time.UTC)},
	}
	chosen := start
	chosen.Institution = bank
	relink := chosen
	relink.LinkType = "relink"
	app := eventMeta{SessionID: "session_1"}

	open := start.event(moneykit.ConnectEventOpen, nil)
	choice := func(meta eventMeta) moneykit.ConnectEvent {
		meta.Institution = bank
		return meta.event(moneykit.ConnectEventSelectInstitution, properties{"institution_id": bank.ID, "institution_name": bank.Name})
	}
	return map[string]moneykit.ConnectEvent{
		"web-0.3.28-open":           open,
		"web-0.3.28-open-arguments": open,
		"web-0.3.28-open-message":   open,
		"web-0.3.28-open-relink":    relink.event(moneykit.ConnectEventOpen, properties{}),
		"web-0.3.28-change-screen":  start.event(moneykit.ConnectEventChangeScreen, properties{"current_screen_name": "Finder"}),
		"web-0.3.28-search-institution": start.event(moneykit.ConnectEventSearchInstitution,
			properties{"search_term": "Credentials"}),
		"web-0.3.28-select-institution": choice(chosen),
		"web-0.3.28-error": chosen.event(moneykit.ConnectEventError,
			properties{"error_id": "some_error", "displayed_message": "It did not work.", "request_id": "req_1"}),
		"web-0.3.28-submit-accounts": chosen.event(moneykit.ConnectEventSubmitAccounts, nil),
		"web-0.3.28-unlisted":        start.event("something_new", properties{"list": []any{1.0, properties{"a": nil}}}),

		"ios-1.10.7-select-institution":                  choice(chosen),
		"ios-1.1-select-institution":                     choice(app),
		"android-0.4.2-select-institution":               choice(eventMeta{}),
		"react-native-2.9.0-declared-select-institution": choice(app),
		"react-native-2.9.0-ios-select-institution":      choice(chosen),
		"react-native-2.9.0-android-select-institution":  choice(eventMeta{}),
		"react-native-3-select-institution":              choice(app),

		"android-0.4.2-open-null-properties": eventMeta{}.event(moneykit.ConnectEventOpen, nil),
		"android-0.4.2-change-screen": eventMeta{}.event(moneykit.ConnectEventChangeScreen,
			properties{"current_screen_name": "Finder", "previous_screen_name": nil}),
		"react-native-2.9.0-ios-exit":         chosen.event(moneykit.ConnectEventExit, properties{}),
		"react-native-3-open-null-properties": app.event(moneykit.ConnectEventOpen, nil),
		"react-native-3-android-error": eventMeta{}.event(moneykit.ConnectEventError,
			properties{"error_id": "some_error", "displayed_message": "It did not work.", "request_id": nil}),
		"react-native-3-android-submit-otp": eventMeta{}.event(moneykit.ConnectEventSubmitOTP,
			properties{"attempt": "2", "remembered": "false", "device": nil}),
	}
}

func TestParseConnectEvent(t *testing.T) {
	t.Parallel()
	events := connectEvents()
	for name, data := range goldens(t, "testdata/connect/events", events) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := events[name]
			got, err := moneykit.ParseConnectEvent(data)
			require.NoError(t, err)
			assert.Contains(t, string(data), string(got.Raw))
			again, err := moneykit.ParseConnectEvent(got.Raw)
			require.NoError(t, err)
			assert.Equal(t, got, again)

			want.Raw = bytes.Clone(again.Raw)
			clear(data) // the event keeps nothing of the caller's bytes
			assert.Equal(t, &want, got)
		})
	}
}

// TestConnectEventAcceptsNumbersAsText checks that a number is accepted in place of a text, and
// that other values are ignored.
func TestConnectEventAcceptsNumbersAsText(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]moneykit.ConnectEvent{
		`{"name":"open","sessionId":7}`:                                              {SessionID: "7"},
		`{"name":"open","sessionId":{}}`:                                             {},
		`{"name":"open","meta":{"link_session_id":7,"link_type":[]}}`:                {SessionID: "7"},
		`{"name":"open","meta":{"institution_id":12000000,"institution_name":true}}`: {Institution: moneykit.ConnectInstitution{ID: "12000000"}},
	} {
		got, err := moneykit.ParseConnectEvent([]byte(data))
		require.NoError(t, err, data)
		assert.Equal(t, want.SessionID, got.SessionID, data)
		assert.Equal(t, want.Institution, got.Institution, data)
		assert.Empty(t, got.LinkType, data)
	}
}

func TestConnectEventNames(t *testing.T) {
	t.Parallel()
	names := strings.Fields(`open exit success error change_screen select_institution search_institution
		acknowledge_institution_alert dismiss_institution_alert open_institution_website submit_credentials select_help
		select_reset_password open_oauth submit_otp_device submit_otp submit_mfa submit_permissions submit_accounts`)
	require.Len(t, names, 19)
	for _, name := range names {
		event, err := moneykit.ParseConnectEvent(fmt.Appendf(nil, `{"name":%q}`, name))
		require.NoError(t, err)
		assert.True(t, event.Name.Known(), name)
		assert.Equal(t, "Connect event: "+name, event.String())
	}
	assert.False(t, moneykit.ConnectEventName("submit_name").Known())
}

func TestConnectEventMethods(t *testing.T) {
	t.Parallel()
	files := goldens(t, "testdata/connect/events", connectEvents())
	for name, want := range map[string]struct {
		institution, screen, term string
		err                       *moneykit.ConnectError
	}{
		"web-0.3.28-open":                  {},
		"web-0.3.28-open-relink":           {institution: "Credentials Bank"},
		"web-0.3.28-change-screen":         {screen: "Finder"},
		"web-0.3.28-search-institution":    {term: "Credentials"},
		"web-0.3.28-select-institution":    {institution: "Credentials Bank"},
		"android-0.4.2-select-institution": {institution: "Credentials Bank"},
		"android-0.4.2-change-screen":      {screen: "Finder"},
		"react-native-3-android-error":     {err: &moneykit.ConnectError{ID: "some_error", DisplayedMessage: "It did not work."}},
		"web-0.3.28-error": {
			institution: "Credentials Bank",
			err:         &moneykit.ConnectError{ID: "some_error", DisplayedMessage: "It did not work.", RequestID: "req_1"},
		},
	} {
		event, err := moneykit.ParseConnectEvent(files[name])
		require.NoError(t, err)
		assert.Equal(t, want.institution, event.Institution.Name, name)
		assert.Equal(t, want.institution != "", event.Institution.ID == "moneykit-creds-bank", name)
		assert.Equal(t, want.screen, event.Screen(), name)
		assert.Equal(t, want.term, event.SearchTerm(), name)
		assert.Equal(t, want.err, event.Err(), name)
	}

	// Members of other types and members of other events are ignored.
	for _, data := range []string{
		`{"name":"select_institution","properties":{"institution_id":{},"institution_name":["a"]}}`,
		`{"name":"error","properties":{"error_id":{},"current_screen_name":"Finder","search_term":"a"},"meta":{"timestamp":7,"link_type":[]}}`,
		`{"name":"open","properties":{"institution_id":"a","error_id":"e"},"meta":{"timestamp":"yesterday"}}`,
		`{"name":"open","properties":null,"meta":null}`,
	} {
		event, err := moneykit.ParseConnectEvent([]byte(data))
		require.NoError(t, err)
		assert.Empty(t, event.LinkType+event.SessionID, data)
		assert.Zero(t, event.Timestamp, data)
		assert.Zero(t, event.Institution, data)
		assert.Empty(t, event.Screen()+event.SearchTerm(), data)
		if e := event.Err(); e != nil {
			assert.Zero(t, *e, data)
		}
	}

	event, err := moneykit.ParseConnectEvent([]byte(`{"name":"change_screen","properties":{"currentScreenName":"Finder"},
		"meta":{"linkType":"link","linkSessionId":"session_1","institutionId":"a","institutionName":"A"}}`))
	require.NoError(t, err)
	assert.Equal(t, "Finder", event.Screen())
	assert.Equal(t, "link", event.LinkType)
	assert.Equal(t, "session_1", event.SessionID)
	assert.Equal(t, moneykit.ConnectInstitution{ID: "a", Name: "A"}, event.Institution)
}

// badConnectEvents are invalid events, with a part of the error's text.
var badConnectEvents = map[string]struct{ data, want string }{
	"nothing":                {``, "not valid JSON"},
	"not JSON":               {`canary`, "not valid JSON"},
	"trailing data":          {`{"name":"open"}canary`, "not valid JSON"},
	"not UTF-8":              {"{\"name\":\"canary\xff\"}", "not valid JSON"},
	"null":                   {`null`, "not an object"},
	"a text":                 {`"canary"`, "not an object"},
	"no arguments":           {`[]`, "not an object"},
	"another argument":       {`["canary"]`, "not an object"},
	"a message without data": {`{"type":"link.event","data":null}`, "not an object"},
	"an empty object":        {`{}`, "has no name"},
	"an empty name":          {`{"name":"","properties":{"a":"canary"}}`, "has no name"},
	"a result":               {`{"type":"link.exit","data":{"error":null}}`, "has no name"},
	"a message of the demo":  {`{"type":"demo.link.event","data":{"name":"open"}}`, "has no name"},
	"a number as name":       {`{"name":7,"properties":{"a":"canary"}}`, "unexpected type"},
	"a list of properties":   {`{"name":"open","properties":["canary"]}`, "unexpected type"},
	"a text as meta":         {`{"name":"open","meta":"canary"}`, "unexpected type"},
	"a number that is large": {`{"name":"open","properties":{"a":1e999}}`, "not valid JSON"},
	"a name that is long":    {`{"name":"canary` + strings.Repeat("a", 95) + `"}`, "more than 100 bytes"},
	"a name of two lines":    {`{"name":"open\ncanary"}`, "do not print"},
	"a member twice":         {`{"name":"open","properties":{"canary":1,"canary":2}}`, "one name"},
	"a member in two cases":  {`{"name":"open","Name":"canary"}`, "one name"},
	"too much":               {`{"name":"` + strings.Repeat("a", 1<<20) + `"}`, "more than 1048576 bytes"},
	"too deep":               {`{"name":"open","properties":` + strings.Repeat(`{"a":`, 101) + `1` + strings.Repeat(`}`, 102), "not valid JSON"},
}

func TestParseConnectEventRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range badConnectEvents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := moneykit.ParseConnectEvent([]byte(tt.data))
			require.ErrorContains(t, err, tt.want)
			assert.Nil(t, got)
			assert.True(t, strings.HasPrefix(err.Error(), "moneykit: cannot read the Connect event: "), err.Error())
			assert.NotContains(t, err.Error(), "canary")
			assert.Less(t, len(err.Error()), 200)
		})
	}
}

func TestConnectEventInLogs(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	for _, data := range []string{
		`{"name":"canary","properties":{"a":"canary"},"meta":{"link_session_id":"canary","institution_name":"canary"}}`,
		`{"name":"search_institution","properties":{"search_term":"canary"},"meta":{"institution_id":"bank-1"}}`,
		`{"name":"error","properties":{"error_id":"e1","displayed_message":"canary"}}`,
	} {
		event, err := moneykit.ParseConnectEvent([]byte(data))
		require.NoError(t, err)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("connect", "event", event, "again", *event)
		fmt.Fprintf(&logged, "%v %+v %#v %s %v %#v\n", event, event, event, event, *event, *event)
	}
	assert.NotContains(t, logged.String(), "canary")
	assert.Contains(t, logged.String(), `"event":{"name":"other"}`)
	assert.Contains(t, logged.String(), `"event":{"name":"search_institution","institution":"bank-1"}`)
	assert.Contains(t, logged.String(), `"event":{"name":"error","error":"moneykit: Connect ended with e1"}`)
	assert.Contains(t, logged.String(), "Connect event: other Connect event: other Connect event: other")
}

func ExampleParseConnectEvent() {
	posted := []byte(`{"name":"search_institution","properties":{"search_term":"credit union"},
		"meta":{"link_type":"link","timestamp":"2025-06-01T12:00:00Z","link_session_id":"session_1"}}`)

	event, err := moneykit.ParseConnectEvent(posted)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(event) // what the user typed is not printed
	fmt.Println(event.LinkType, event.SearchTerm())
	// Output:
	// Connect event: search_institution
	// link credit union
}
