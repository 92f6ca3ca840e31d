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

// connectResults returns the results in the files of testdata/connect. These contain the arguments
// of Connect's callbacks on each platform, as each version declares or sends them. A name ends with
// the outcome and a variant.
func connectResults() map[string]moneykit.ConnectResult {
	const (
		linked, relinked, exited  = moneykit.ConnectLinked, moneykit.ConnectRelinked, moneykit.ConnectExited
		web, ios, android, native = moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative
		link                      = "mk_1"
	)
	// success returns the result of a success. Not all platforms have tag and duration.
	success := func(outcome moneykit.ConnectOutcome, source moneykit.ConnectSource, linkID, tag string, duration float64) moneykit.ConnectResult {
		r := moneykit.ConnectResult{
			Outcome: outcome, Source: source, LinkID: linkID,
			Institution: moneykit.ConnectInstitution{ID: "moneykit-creds-bank", Name: "Credentials Bank", Country: "US", Domain: "example.com"},
			Accounts: []moneykit.ConnectAccount{
				{ID: "acc_1", Name: "Checking", Type: "depository.checking", Mask: "1234"},
				{ID: "acc_2", Name: "Card", Type: "credit_card"},
			},
			Screens: []moneykit.ConnectScreen{{Name: "Finder", Tag: tag, Duration: duration}},
		}
		if outcome == linked {
			r.ExchangeableToken = "exchangeable-token-1"
		}
		return r
	}
	short := func(r moneykit.ConnectResult) moneykit.ConnectResult {
		r.Institution.Country, r.Institution.Domain = "", ""
		return r
	}
	failed := func(source moneykit.ConnectSource, id, request string) moneykit.ConnectResult {
		return moneykit.ConnectResult{
			Outcome: exited, Source: source,
			Err: &moneykit.ConnectError{ID: id, DisplayedMessage: "It did not work.", RequestID: request},
		}
	}
	// bare removes accounts and screens.
	bare := func(r moneykit.ConnectResult) moneykit.ConnectResult {
		r.Accounts, r.Screens = nil, nil
		return r
	}
	noAccounts := func(r moneykit.ConnectResult) moneykit.ConnectResult {
		r.Accounts = nil
		return r
	}
	left, leftWeb := moneykit.ConnectResult{Outcome: exited}, moneykit.ConnectResult{Outcome: exited, Source: web}
	tokenOnly := moneykit.ConnectResult{Outcome: linked, ExchangeableToken: "exchangeable-token-1"}
	const id, request = "some_error", "req_1"
	return map[string]moneykit.ConnectResult{
		"web-0.3.28-linked":               success(linked, web, link, "finder", 1.5),
		"web-0.3.28-linked-empty-link-id": success(linked, web, "", "finder", 1.5),
		"web-example-linked-token-only":   tokenOnly,
		"ios-example-linked-token-only":   tokenOnly,

		"web-0.3.28-linked-no-accounts":          noAccounts(success(linked, web, link, "finder", 1.5)),
		"web-0.3.28-linked-accounts-missing":     bare(success(linked, web, link, "finder", 1.5)),
		"web-0.3.28-linked-message-no-link-id":   success(linked, web, "", "finder", 1.5),
		"web-0.3.28-relinked-empty-link-id":      success(relinked, web, "", "finder", 1.5),
		"web-0.3.28-relinked-message-no-link-id": success(relinked, web, "", "finder", 1.5),

		"web-0.3.28-linked-object":            success(linked, web, link, "finder", 1.5),
		"web-0.3.28-linked-object-api-name":   success(linked, web, link, "finder", 1.5),
		"web-0.3.28-linked-message":           success(linked, web, link, "finder", 1.5),
		"web-0.3.28-relinked":                 success(relinked, web, link, "finder", 1.5),
		"web-0.3.28-relinked-continue":        success(relinked, web, link, "finder", 1.5),
		"web-0.3.28-relinked-continue-object": success(relinked, web, link, "finder", 1.5),
		"web-0.3.28-relinked-object":          success(relinked, web, link, "finder", 1.5),
		"web-0.3.28-relinked-message":         success(relinked, web, link, "finder", 1.5),
		"web-0.3.28-exit":                     leftWeb,
		"web-0.3.28-exit-undefined":           leftWeb,
		"web-0.3.28-exit-object":              leftWeb,
		"web-0.3.28-exit-message":             leftWeb,
		"web-0.3.28-exit-message-undefined":   leftWeb,
		"web-0.3.28-exit-error":               failed(web, id, request),
		"web-0.3.28-exit-error-no-request":    failed(web, id, ""),
		"web-0.3.28-exit-error-bare":          failed(web, id, request),
		"web-0.3.28-exit-error-object":        failed(web, id, request),
		"web-0.3.28-exit-error-message":       failed(web, id, request),

		"web-0.3.16-linked":           success(linked, web, "", "finder", 1.5),
		"web-0.3.16-linked-message":   success(linked, web, "", "finder", 1.5),
		"web-0.3.16-relinked":         success(relinked, web, "", "finder", 1.5),
		"web-0.3.16-relinked-message": success(relinked, web, "", "finder", 1.5),
		"web-0.3.16-exit":             leftWeb,
		"web-0.3.16-exit-error":       failed(web, id, request),

		"ios-1.10.7-linked":                success(linked, ios, link, "", 1.5),
		"ios-1.10.7-linked-case":           success(linked, ios, link, "", 1.5),
		"ios-1.10.7-relinked":              success(relinked, "", "", "", 1.5),
		"ios-1.10.7-relinked-case":         success(relinked, "", "", "", 1.5),
		"ios-1.10.7-linked-no-accounts":    bare(success(linked, ios, link, "", 1.5)),
		"ios-1.10.7-relinked-no-accounts":  bare(success(relinked, "", "", "", 1.5)),
		"ios-1.10.7-exit-error-no-request": failed(ios, id, ""),

		// Without a token, these look like relinks. Finish distinguishes them by the link's state.
		"ios-2.0-linked":      success(relinked, ios, link, "", 1.5),
		"ios-2.0-linked-case": success(relinked, ios, link, "", 1.5),

		"ios-1.10.7-exit":       left,
		"ios-1.10.7-exit-error": failed(ios, id, request),
		"ios-1.1-exit":          left,
		"ios-1.1-exit-error":    failed(native, id, request),

		"android-0.4.2-linked":                 success(linked, android, link, "finder", 0),
		"android-0.4.2-linked-wrapped-link-id": success(linked, android, link, "finder", 0),
		"android-0.4.2-relinked":               success(relinked, android, link, "finder", 0),
		"android-0.4.2-linked-no-accounts":     bare(success(linked, android, link, "finder", 0)),
		"android-0.4.2-relinked-no-accounts":   bare(success(relinked, android, link, "finder", 0)),
		"android-0.4.2-exit-error-no-request":  failed("", "", ""),
		"android-0.4.2-exit":                   left,
		"android-0.4.2-exit-error":             failed("", "", request),

		"react-native-2.9.0-declared-linked":     success(linked, ios, link, "", 1.5),
		"react-native-2.9.0-declared-relinked":   success(relinked, "", "", "", 1.5),
		"react-native-2.9.0-declared-exit":       left,
		"react-native-2.9.0-declared-exit-error": failed(native, id, request),

		"react-native-2.9.0-ios-linked":                              success(linked, ios, link, "", 1.5),
		"react-native-2.9.0-ios-relinked":                            success(relinked, "", "", "", 1.5),
		"react-native-2.9.0-ios-exit":                                left,
		"react-native-2.9.0-ios-exit-empty-object":                   left,
		"react-native-2.9.0-ios-exit-configuration-error-no-request": failed(native, "unknown", ""),
		"react-native-2.9.0-ios-exit-error":                          failed(ios, id, request),
		"react-native-2.9.0-ios-exit-configuration-error":            failed(native, "unknown", ""),

		"react-native-2.9.0-android-linked":                   short(success(linked, native, link, "finder", 0)),
		"react-native-2.9.0-android-relinked":                 short(success(relinked, native, link, "finder", 0)),
		"react-native-2.9.0-android-linked-no-accounts":       bare(short(success(linked, native, link, "finder", 0))),
		"react-native-2.9.0-android-exit":                     left,
		"react-native-2.9.0-android-exit-empty-object":        left,
		"react-native-2.9.0-android-exit-configuration-error": failed("", "", ""),

		"react-native-3-linked":                success(linked, ios, link, "", 1.5),
		"react-native-3-relinked":              success(relinked, "", "", "", 1.5),
		"react-native-3-android-linked":        short(success(linked, native, link, "finder", 0)),
		"react-native-3-android-relinked":      short(success(relinked, native, link, "finder", 0)),
		"react-native-3-exit-error-no-request": failed(native, id, ""),
		"react-native-3-exit":                  left,
		"react-native-3-exit-error":            failed(native, id, request),
	}
}

func TestParseConnectResult(t *testing.T) {
	t.Parallel()
	results := connectResults()
	for name, data := range goldens(t, "testdata/connect", results) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := results[name]
			got, err := moneykit.ParseConnectResult(data)
			require.NoError(t, err)
			assert.Equal(t, &want, got)
		})
	}
}

// TestParseConnectResultAcceptsFutureForms parses payloads that no known version sends.
func TestParseConnectResultAcceptsFutureForms(t *testing.T) {
	t.Parallel()
	const bank = `{"id":"a","new":{"a":[1]},"selectedAccounts":[]}`
	linked := moneykit.ConnectResult{
		Outcome: moneykit.ConnectLinked, Source: moneykit.ConnectWeb, ExchangeableToken: "t", LinkID: "mk_1",
		Institution: moneykit.ConnectInstitution{ID: "a"},
	}
	relinked := linked
	relinked.Outcome, relinked.ExchangeableToken = moneykit.ConnectRelinked, ""
	for data, want := range map[string]moneykit.ConnectResult{
		`["t",` + bank + `,"mk_1",{"more":true}]`:                                          linked,
		`{"exchangeableToken":"t","institution":` + bank + `,"link_id":"mk_1","more":{}}`:  linked,
		`{"exchangeableToken":"t","token":"t","institution":` + bank + `,"linkId":"mk_1"}`: linked,
		`{"exchangeableToken":null,"institution":` + bank + `,"link_id":"mk_1"}`:           relinked,
		`{"error":null,"institution":` + bank + `,"link_id":"mk_1"}`:                       relinked,
		"\n [null, null] ": {Outcome: moneykit.ConnectExited, Source: moneykit.ConnectWeb},
		`[{"error_id":"","displayed_message":"","request_id":null}]`: {
			Outcome: moneykit.ConnectExited, Source: moneykit.ConnectWeb, Err: &moneykit.ConnectError{},
		},
		`{"errorId":"e","displayedMessage":"m","requestId":null}`: {
			Outcome: moneykit.ConnectExited, Source: moneykit.ConnectIOS, Err: &moneykit.ConnectError{ID: "e", DisplayedMessage: "m"},
		},
		`{"displayedMessage":"m","requestId":"r","x":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + `}`: {
			Outcome: moneykit.ConnectExited, Err: &moneykit.ConnectError{DisplayedMessage: "m", RequestID: "r"},
		},
	} {
		got, err := moneykit.ParseConnectResult([]byte(data))
		if assert.NoError(t, err, data) {
			assert.Equal(t, &want, got, data)
		}
	}
}

// badConnectPayloads are invalid payloads, with a part of the error's text.
var badConnectPayloads = map[string]struct{ data, want string }{
	"nothing":                         {``, "not valid JSON"},
	"not JSON":                        {`tok-canary`, "not valid JSON"},
	"not UTF-8":                       {"[\"tok-canary\xff\"]", "not valid JSON"},
	"incomplete":                      {`["tok-canary",{"id":"a"`, "not valid JSON"},
	"a form feed before":              {"\f[null]", "not valid JSON"},
	"two values":                      {`[null][null]`, "not valid JSON"},
	"trailing data":                   {`[null] tok-canary`, "not valid JSON"},
	"a number":                        {`7`, "neither an object nor an array"},
	"a text":                          {`"tok-canary"`, "neither an object nor an array"},
	"a flag alone":                    {`{"linked":true}`, "neither an object nor an array"},
	"an enumeration case with a text": {`{"linked":{"_0":"tok-canary"}}`, "neither an object nor an array"},
	"a boolean":                       {`true`, "neither an object nor an array"},
	"two tokens":                      {`{"exchangeableToken":"tok-canary","token":"tok-canary2","institution":{"id":"a"}}`, "two tokens"},
	"two tokens in an array":          {`["tok-canary","tok-canary2"]`, "two tokens"},
	"a bank and an error":             {`{"institution":{"id":"a"},"accounts":[],"error":{"error_id":"tok-canary"}}`, "both an error and a success"},
	"a link and an error":             {`{"link_id":"mk_1","errorId":"tok-canary"}`, "both an error and a success"},
	"a token twice":                   {`{"exchangeableToken":"tok-canary","exchangeableToken":"b"}`, "exchangeableToken twice"},
	"a token in two cases":            {`{"token":"tok-canary","Token":"b","institution":{"id":"a"}}`, "differs from token in case"},
	"a token with a Kelvin sign":      {`{"token":"tok-canary","to\u212aen":"b","institution":{"id":"a"}}`, "differs from token in case"},
	"a value twice":                   {`{"token":{"value":"tok-canary","value":"b"}}`, "value twice"},
	"a link id in two cases":          {`{"link_id":"mk_1","Link_ID":"mk_2"}`, "differs from link_id in case"},
	"an event":                        {`{"moneykit":true,"type":"link.event","data":{"name":"open"}}`, "not a result"},
	"a message with a number":         {`{"type":"link.complete","data":7}`, "neither an object nor an array"},
	"linked and relinked":             {`{"linked":{"a":1},"relinked":{"b":2}}`, "both linked and relinked"},
	"too many layers":                 {strings.Repeat(`{"linked":`, 6) + `{}` + strings.Repeat(`}`, 6), "nested too deeply"},
	"too much":                        {`["` + strings.Repeat("a", 1<<20) + `"]`, "more than 1048576 bytes"},
	"too deep for JSON":               {strings.Repeat(`[`, 1<<19) + strings.Repeat(`]`, 1<<19), "not valid JSON"},
}

// oddConnectPayloads returns unusual payloads with a clear meaning.
func oddConnectPayloads() map[string]struct {
	data, token string
	outcome     moneykit.ConnectOutcome
} {
	type odd = struct {
		data, token string
		outcome     moneykit.ConnectOutcome
	}
	linked := func(data string) odd { return odd{data, "tok", moneykit.ConnectLinked} }
	relinked := func(data string) odd { return odd{data, "", moneykit.ConnectRelinked} }
	exited := func(data string) odd { return odd{data, "", moneykit.ConnectExited} }
	return map[string]odd{
		"a token alone":                 linked(`{"exchangeable_token":"tok"}`),
		"a token alone in an array":     linked(`["tok"]`),
		"a token and nulls":             linked(`["tok",null,null]`),
		"a wrapped token alone":         linked(`{"token":{"value":"tok"}}`),
		"one token by two names":        linked(`{"exchangeableToken":"tok","exchangeable_token":"tok","token":{"value":"tok"}}`),
		"a bank without an id":          linked(`["tok",{"name":"a"}]`),
		"no accounts":                   linked(`["tok",{"id":"a"},"mk_1"]`),
		"null ids":                      linked(`{"token":{"value":"tok"},"institution":{"id":null},"accounts":[{"id":null,"name":"a"},null]}`),
		"two link ids":                  linked(`{"token":"tok","link_id":"mk_1","linkIdentifier":{"value":"mk_2"}}`),
		"two lists of accounts":         linked(`{"token":"tok","institution":{"id":"a","selectedAccounts":[]},"accounts":[]}`),
		"a token and an error":          linked(`{"exchangeableToken":"tok","error":{"error_id":"e"}}`),
		"other members twice":           linked(`{"token":"tok","x":1,"x":2,"institution":{"id":"a","ID":"b"}}`),
		"an institution that is a text": linked(`{"token":"tok","institution":"chase"}`),
		"accounts of another type":      linked(`{"token":"tok","accounts":{"id":"x"},"trackedScreens":[{"duration":"x"}]}`),
		"relinked with a token":         linked(`{"type":"relink.complete","data":{"exchangeableToken":"tok"}}`),
		"another message":               linked(`{"type":"another","data":{},"token":"tok"}`),
		"deep members":                  linked(`{"token":"tok","x":` + strings.Repeat(`[`, 200) + strings.Repeat(`]`, 200) + `}`),
		"a null bank and a link":        linked(`["tok",null,"mk_1"]`),
		"an empty bank and a link":      linked(`["tok",{},"mk_1"]`),
		"an app's object in an array":   linked(`[{"exchangeableToken":"tok","institution":{"id":"a"}}]`),
		"arguments in an array":         linked(`[["tok",{"id":"a"},"mk_1"]]`),
		"a message in an array":         linked(`[{"type":"link.complete","data":{"exchangeableToken":"tok"}}]`),
		"a token beside the type":       linked(`{"type":"link.complete","exchangeable_token":"tok"}`),
		"flags beside a token":          linked(`{"linked":true,"relinked":false,"_0":0,"exchangeable_token":"tok"}`),
		"odd names in a bank":           linked(`{"token":"tok","institution":{"id":"a","Type":1,"value":1,"value":2}}`),
		"odd names in an argument":      linked(`["tok",{"id":"a","Value":1},"mk_1"]`),
		"odd names in an error":         linked(`{"token":"tok","error":{"Type":1,"DATA":2}}`),
		"no bank but a link":            relinked(`[null,"mk_1"]`),
		"only a third text":             relinked(`[null,null,"mk_1"]`),
		"linked without a token":        relinked(`{"linked":{"_0":{"institution":{"id":"a"},"linkIdentifier":{"value":"mk_1"}}}}`),
		"an empty token":                relinked(`["",{"id":"a","selectedAccounts":[]},"mk_1"]`),
		"an empty object as token":      relinked(`{"token":{},"institution":{"id":"a"},"accounts":[]}`),
		"a link alone":                  relinked(`{"linkIdentifier":{"value":"mk_1"}}`),
		"an empty error":                relinked(`{"institution":{"id":"a"},"error":{}}`),
		"nested enumeration cases":      relinked(`{"linked":{"relinked":{"institution":{"id":"a"}}}}`),
		"an empty object":               exited(`{}`),
		"unknown members":               exited(`{"a":1,"b":null}`),
		"an empty error alone":          exited(`{"error":{}}`),
		"an error that is a text":       exited(`{"error":"It did not work."}`),
		"an error of nulls":             exited(`{"identifier":null,"displayedMessage":null,"requestId":null}`),
		"an empty enumeration case":     exited(`{"linked":{"_0":{}}}`),
		"an empty bank":                 exited(`{"institution":{},"token":{},"accounts":[],"linkIdentifier":{}}`),
		"an array of nulls":             exited(`[null,{},[]]`),
		"an exit whose data is empty":   exited(`{"type":"link.exit","data":{}}`),
	}
}

func TestParseUnusualConnectResults(t *testing.T) {
	t.Parallel()
	for name, odd := range oddConnectPayloads() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := moneykit.ParseConnectResult([]byte(odd.data))
			require.NoError(t, err)
			assert.Equal(t, odd.outcome, got.Outcome)
			assert.Equal(t, odd.token, got.ExchangeableToken)
		})
	}
}

// TestParseConnectResultIsCheap parses lists that are longer than any real one, and measures the
// memory.
func TestParseConnectResultIsCheap(t *testing.T) { //nolint:paralleltest // It counts allocations.
	for name, data := range map[string]string{
		"arguments": `["tok",` + strings.Repeat(`{},`, 300_000) + `{}]`,
		"accounts":  `{"token":"tok","accounts":[` + strings.Repeat(`{"id":1},`, 100_000) + `{}]}`,
	} {
		allocs := testing.AllocsPerRun(1, func() {
			result, err := moneykit.ParseConnectResult([]byte(data))
			require.NoError(t, err)
			require.Equal(t, "tok", result.ExchangeableToken)
		})
		assert.Less(t, allocs, 30_000.0, name)
	}
}

// TestConnectErrorQuotesIDsOnly checks that an id from a front end is not printed if it does not
// look like an id: it may be a person's name or a forged log line.
func TestConnectErrorQuotesIDsOnly(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"":                      "moneykit: Connect ended with an error",
		"user_closed.v2-b":      "moneykit: Connect ended with user_closed.v2-b",
		"jane@example.com":      "moneykit: Connect ended with other",
		"a\nlevel=ERROR":        "moneykit: Connect ended with other",
		strings.Repeat("x", 65): "moneykit: Connect ended with other",
	} {
		assert.EqualError(t, &moneykit.ConnectError{ID: id}, want)
	}
}

func TestParseConnectResultRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range badConnectPayloads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := moneykit.ParseConnectResult([]byte(tt.data))
			require.ErrorContains(t, err, tt.want)
			assert.Nil(t, got)
			assert.True(t, strings.HasPrefix(err.Error(), "moneykit: cannot read the Connect result: "), err.Error())
			assert.NotContains(t, err.Error(), "tok-canary")
			assert.Less(t, len(err.Error()), 200)
		})
	}
}

func TestConnectResultInLogs(t *testing.T) {
	t.Parallel()
	linked, err := moneykit.ParseConnectResult(goldens(t, "testdata/connect", connectResults())["web-0.3.28-linked"])
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("connect", "result", linked, "exit", &moneykit.ConnectResult{
		Outcome: moneykit.ConnectExited, Err: &moneykit.ConnectError{ID: "e1", DisplayedMessage: "Sorry"},
	})
	fmt.Fprintf(&log, "%v %+v %#v %s %v", linked, *linked, linked, linked, *linked)
	assert.NotContains(t, log.String(), "exchangeable-token-1")
	assert.NotContains(t, log.String(), "acc_1")
	assert.NotContains(t, log.String(), "Checking")
	assert.Contains(t, log.String(), "result.outcome=linked")
	assert.Contains(t, log.String(), `exit.error="moneykit: Connect ended with e1"`)
	assert.Equal(t, "moneykit: Connect ended with an error", (&moneykit.ConnectError{}).Error())
}
