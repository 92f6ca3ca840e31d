package moneykit_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

const (
	webInstitution = `{"id":"chase","name":"Chase","country":"US","domain":"chase.com","color":"#123","color_dark":null,
		"avatar":null,"search_group":"primary","is_featured":null,"providers":["mx"],
		"selectedAccounts":[{"account_id":"acc_1","account_type":"depository.checking","name":"Checking","account_mask":null}],
		"trackedScreens":[{"tag":"finder","name":"Finder","duration":1.5}]}`
	nativeInstitution = `{"id":"chase","name":"Chase","country":"US","domain":"chase.com","color":"#123","avatar":null}`
	nativeAccounts    = `[{"id":"acc_1","name":"Checking","type":"depository.checking","mask":"1234"}]`
)

// connectPayloads are what the platforms call back with, and what it means.
var connectPayloads = []struct {
	name string
	data string
	want moneykit.ConnectResult
}{
	{"web linked", `["tok-1",` + webInstitution + `,"mk_1"]`, result(moneykit.Linked, moneykit.SourceWeb, "tok-1", "mk_1", "", "finder")},
	{"web linked, older", `["tok-1",` + webInstitution + `]`, result(moneykit.Linked, moneykit.SourceWeb, "tok-1", "", "", "finder")},
	{"web linked, empty link id", `["tok-1",` + webInstitution + `,""]`, result(moneykit.Linked, moneykit.SourceWeb, "tok-1", "", "", "finder")},
	{"web relinked", `[` + webInstitution + `,"mk_1"]`, result(moneykit.Relinked, moneykit.SourceWeb, "", "mk_1", "", "finder")},
	{
		"web linked, as a message", `{"moneykit":true,"type":"link.complete","data":{"exchangeableToken":"tok-1","institution":` + webInstitution + `,"link_id":"mk_1"}}`,
		result(moneykit.Linked, moneykit.SourceWeb, "tok-1", "mk_1", "", "finder"),
	},
	{
		"web relinked, as a message", `{"moneykit":true,"type":"relink.complete","data":{"institution":` + webInstitution + `}}`,
		result(moneykit.Relinked, moneykit.SourceWeb, "", "", "", "finder"),
	},
	{
		"web linked, as its data", `{"exchangeableToken":"tok-1","institution":` + webInstitution + `}`,
		result(moneykit.Linked, moneykit.SourceWeb, "tok-1", "", "", "finder"),
	},
	{"web exit", `[null]`, moneykit.ConnectResult{Outcome: moneykit.Exited, Source: moneykit.SourceWeb}},
	{"web exit, without an argument", `[]`, moneykit.ConnectResult{Outcome: moneykit.Exited, Source: moneykit.SourceWeb}},
	{"web exit with an error", `[{"error_id":"e1","displayed_message":"Sorry","request_id":null}]`, exit(moneykit.SourceWeb, "e1", "")},
	{
		"web exit with an empty error", `[{"error_id":"","displayed_message":"","request_id":null}]`,
		moneykit.ConnectResult{Outcome: moneykit.Exited, Source: moneykit.SourceWeb, Err: &moneykit.ConnectError{}},
	},
	{
		"web exit, as a message", `{"moneykit":true,"type":"link.exit","data":{"error":null}}`,
		moneykit.ConnectResult{Outcome: moneykit.Exited, Source: moneykit.SourceWeb},
	},
	{
		"web exit, as a message without data", `{"moneykit":true,"type":"link.exit","data":{}}`,
		moneykit.ConnectResult{Outcome: moneykit.Exited, Source: moneykit.SourceWeb},
	},
	{
		"web exit with an error, as a message", `{"type":"link.exit","data":{"error":{"error_id":"e1","displayed_message":"Sorry","request_id":"r1"}}}`,
		exit(moneykit.SourceWeb, "e1", "r1"),
	},

	{
		"iOS linked", `{"institution":` + nativeInstitution + `,"accounts":` + nativeAccounts + `,"token":{"value":"tok-1"},
		"linkIdentifier":{"value":"mk_1"},"trackedScreens":[{"name":"Finder","duration":1.5,"requestTime":2,"gameTime":null}]}`,
		result(moneykit.Linked, moneykit.SourceIOS, "tok-1", "mk_1", "1234", ""),
	},
	{
		"iOS linked, as a case", `{"linked":{"_0":{"institution":` + nativeInstitution + `,"accounts":` + nativeAccounts + `,"token":{"value":"tok-1"},
		"linkIdentifier":{"value":"mk_1"},"trackedScreens":[{"name":"Finder","duration":1.5}]}}}`,
		result(moneykit.Linked, moneykit.SourceIOS, "tok-1", "mk_1", "1234", ""),
	},
	{
		"iOS relinked", `{"institution":` + nativeInstitution + `,"accounts":` + nativeAccounts + `,"trackedScreens":[{"name":"Finder","duration":1.5}]}`,
		result(moneykit.Relinked, "", "", "", "1234", ""),
	},
	{
		"iOS relinked, as a case", `{"relinked":{"institution":` + nativeInstitution + `,"accounts":` + nativeAccounts + `,"trackedScreens":[{"name":"Finder","duration":1.5}]}}`,
		result(moneykit.Relinked, "", "", "", "1234", ""),
	},
	{"iOS exit with an error", `{"errorId":"e1","displayedMessage":"Sorry","requestId":"r1"}`, exit(moneykit.SourceIOS, "e1", "r1")},

	{
		"Android linked", `{"institution":{"id":"chase","name":"Chase","country":"US","domain":"chase.com"},"accounts":` + nativeAccounts + `,
		"token":{"value":"tok-1"},"linkId":"mk_1","trackedScreens":[{"name":"Finder","tag":"finder","duration":1.5}]}`,
		result(moneykit.Linked, moneykit.SourceAndroid, "tok-1", "mk_1", "1234", "finder"),
	},
	{
		"Android relinked", `{"institution":` + nativeInstitution + `,"accounts":` + nativeAccounts + `,"linkId":"mk_1",
		"trackedScreens":[{"name":"Finder","tag":"finder","duration":1.5}]}`,
		result(moneykit.Relinked, moneykit.SourceAndroid, "", "mk_1", "1234", "finder"),
	},
	{"Android exit with an error", `{"displayedMessage":"Sorry","requestId":"r1"}`, exit("", "", "r1")},

	{
		"React Native linked, on Android", `{"institution":` + nativeInstitution + `,"accounts":` + nativeAccounts + `,"token":{"value":"tok-1"},
		"linkIdentifier":"mk_1","trackedScreens":[{"name":"Finder","tag":"finder","duration":1.5}]}`,
		result(moneykit.Linked, moneykit.SourceReactNative, "tok-1", "mk_1", "1234", "finder"),
	},
	{
		"React Native relinked, as declared", `{"institution":` + nativeInstitution + `,"accounts":` + nativeAccounts + `,"token":null,
		"linkIdentifier":null,"trackedScreens":[{"name":"Finder","duration":1.5,"requestTime":null}]}`,
		result(moneykit.Relinked, "", "", "", "1234", ""),
	},
	{"React Native exit with an error", `{"identifier":"e1","displayedMessage":"Sorry","requestId":null}`, exit(moneykit.SourceReactNative, "e1", "")},
	{"native exit", ` null `, moneykit.ConnectResult{Outcome: moneykit.Exited}},
	{
		"with members that are new", `["tok-1",` + strings.Replace(webInstitution, `{`, `{"new":{"a":[1]},`, 1) + `,"mk_1",{"more":true}]`,
		result(moneykit.Linked, moneykit.SourceWeb, "tok-1", "mk_1", "", "finder"),
	},
}

func result(outcome moneykit.ConnectOutcome, source moneykit.ConnectSource, token, link, mask, tag string) moneykit.ConnectResult {
	return moneykit.ConnectResult{
		Outcome: outcome, Source: source, ExchangeableToken: token, LinkID: link,
		Institution: moneykit.ConnectInstitution{ID: "chase", Name: "Chase", Country: "US", Domain: "chase.com"},
		Accounts:    []moneykit.ConnectAccount{{ID: "acc_1", Name: "Checking", Type: "depository.checking", Mask: mask}},
		Screens:     []moneykit.ConnectScreen{{Name: "Finder", Tag: tag, Duration: 1.5}},
	}
}

func exit(source moneykit.ConnectSource, id, request string) moneykit.ConnectResult {
	return moneykit.ConnectResult{
		Outcome: moneykit.Exited, Source: source,
		Err: &moneykit.ConnectError{ID: id, DisplayedMessage: "Sorry", RequestID: request},
	}
}

func TestParseConnectResult(t *testing.T) {
	t.Parallel()
	for _, tt := range connectPayloads {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := moneykit.ParseConnectResult([]byte(tt.data))
			require.NoError(t, err)
			assert.Equal(t, &tt.want, got)
		})
	}
}

var badConnectPayloads = map[string]string{
	"nothing":                  ``,
	"not JSON":                 `token`,
	"two values":               `[null][null]`,
	"a number":                 `7`,
	"a text":                   `"tok-canary"`,
	"a boolean":                `true`,
	"an empty object":          `{}`,
	"an object of others":      `{"a":1}`,
	"a token alone":            `["tok-canary"]`,
	"a token without a bank":   `{"exchangeableToken":"tok-canary"}`,
	"a token of another type":  `{"token":{"value":7,"x":"tok-canary"},"institution":{"id":"a"}}`,
	"a bank of another type":   `["tok-canary","chase"]`,
	"accounts of another type": `{"institution":{"id":"a"},"accounts":{"id":"tok-canary"}}`,
	"an event":                 `{"moneykit":true,"type":"link.event","data":{"name":"open"}}`,
	"a message of a number":    `{"type":"link.complete","data":7}`,
	"linked without a token":   `{"type":"link.complete","data":{"institution":{"id":"a"}}}`,
	"relinked with a token":    `{"type":"relink.complete","data":{"exchangeableToken":"tok-canary","institution":{"id":"a"}}}`,
	"exit with a bank":         `{"type":"link.exit","data":{"institution":{"id":"a"}}}`,
	"a case of nothing":        `{"linked":{"_0":{}}}`,
	"a case of a case":         `{"linked":{"relinked":{"institution":{"id":"a"}}}}`,
	"an error of another type": `{"error":"tok-canary"}`,
	"an empty error":           `{"error":{}}`,
	"too much":                 `["` + strings.Repeat("a", 1<<20) + `"]`,
	"too deep":                 strings.Repeat(`[`, 1<<19) + strings.Repeat(`]`, 1<<19),
}

func TestParseConnectResultRefuses(t *testing.T) {
	t.Parallel()
	for name, data := range badConnectPayloads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := moneykit.ParseConnectResult([]byte(data))
			require.Error(t, err)
			assert.Nil(t, got)
			assert.NotContains(t, err.Error(), "tok-canary")
			assert.Less(t, len(err.Error()), 200)
		})
	}
}

func TestConnectResultInLogs(t *testing.T) {
	t.Parallel()
	linked, err := moneykit.ParseConnectResult([]byte(connectPayloads[0].data))
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("connect", "result", linked, "exit", &moneykit.ConnectResult{
		Outcome: moneykit.Exited, Err: &moneykit.ConnectError{ID: "e1", DisplayedMessage: "Sorry"},
	})
	fmt.Fprintf(&log, "%v %+v %#v %s %v", linked, *linked, linked, linked, *linked)
	assert.NotContains(t, log.String(), "tok-1")
	assert.NotContains(t, log.String(), "acc_1")
	assert.Contains(t, log.String(), "result.outcome=linked")
	assert.Contains(t, log.String(), `exit.error="moneykit: Connect ended with e1"`)
	assert.Equal(t, "moneykit: Connect ended with an error", (&moneykit.ConnectError{}).Error())
}

func FuzzParseConnectResult(f *testing.F) {
	for _, tt := range connectPayloads {
		f.Add([]byte(tt.data))
	}
	for name, data := range badConnectPayloads {
		if !strings.HasPrefix(name, "too ") {
			f.Add([]byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := moneykit.ParseConnectResult(data)
		if err != nil {
			if got != nil {
				t.Fatal("a result beside an error")
			}
			return
		}
		switch got.Outcome {
		case moneykit.Linked:
			if got.ExchangeableToken == "" || got.Err != nil {
				t.Fatalf("%s gives %+v", data, got)
			}
		case moneykit.Relinked:
			if got.ExchangeableToken != "" || got.Err != nil {
				t.Fatalf("%s gives %+v", data, got)
			}
		case moneykit.Exited:
			if got.ExchangeableToken != "" || got.LinkID != "" || got.Accounts != nil {
				t.Fatalf("%s gives %+v", data, got)
			}
		default:
			t.Fatalf("%s gives %+v", data, got)
		}
	})
}
