package connect_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// nativeTypes are the types of a page's Swift or Kotlin whose JSON is posted, by name.
type nativeTypes map[string][]nativeMember

// nativeMember is a member of a type. Its name is its key in the JSON.
type nativeMember struct {
	name, kind string
	list       bool
	optional   bool // it may be missing where the type is made
	null       bool // it is null then, and otherwise left out
}

var (
	comment      = regexp.MustCompile(`//.*`)
	swiftMember  = regexp.MustCompile(`^(?:let|var) (\w+): (\S+)$`)
	swiftStruct  = regexp.MustCompile(`^struct (\w+)[^{]*\{$`)
	kotlinClass  = regexp.MustCompile(`(?s)data class (\w+)\((.*?)\)`)
	kotlinMember = regexp.MustCompile(`val (\w+): ([^,=\n]+?)( = null)?(?:,|\n|$)`)
	eventKeys    = regexp.MustCompile(`(?:"(\w+)": event\.\w+|put\("(\w+)")`)
)

// posted returns the text of the block of a page that has the comment "posted as" with a name, from
// the comment on.
func postedAs(tb testing.TB, page, name string) string {
	tb.Helper()
	for _, block := range blocks(tb, page) {
		if _, text, ok := strings.Cut(block.Text, "// posted as "+name+"\n"); ok {
			return text
		}
	}
	require.Fail(tb, "the page has no code with the comment: posted as "+name, page)
	return ""
}

// readNative parses the types in the code of a page.
func readNative(tb testing.TB, page string) nativeTypes {
	tb.Helper()
	types, text := nativeTypes{}, comment.ReplaceAllString(postedAs(tb, page, "result"), "")
	for _, class := range kotlinClass.FindAllStringSubmatch(text, -1) {
		for _, m := range kotlinMember.FindAllStringSubmatch(class[2], -1) {
			types[class[1]] = append(types[class[1]], newNativeMember(m[1], strings.TrimSpace(m[2]), m[3] == ""))
		}
	}
	text, _, _ = strings.Cut(text, "\nextension ")
	var within []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if found := swiftStruct.FindStringSubmatch(line); found != nil {
			within = append(within, found[1])
		} else if line == "}" && len(within) > 0 {
			within = within[:len(within)-1]
		} else if found := swiftMember.FindStringSubmatch(line); found != nil && len(within) > 0 {
			name := within[len(within)-1]
			types[name] = append(types[name], newNativeMember(found[1], found[2], false))
		}
	}
	return types
}

func newNativeMember(name, kind string, null bool) nativeMember {
	m := nativeMember{name: name, null: null}
	kind, m.optional = strings.CutSuffix(kind, "?")
	inner := strings.NewReplacer("[", "", "]", "", "List<", "", ">", "").Replace(kind)
	m.kind, m.list = inner, inner != kind
	return m
}

// encode converts a value to the JSON of a type whose members have the same names.
func (types nativeTypes) encode(tb testing.TB, kind string, from any) any {
	tb.Helper()
	if kind == "String" {
		require.IsType(tb, "", from)
		return from
	}
	require.Contains(tb, types, kind)
	source, ok := from.(map[string]any)
	require.True(tb, ok, "%s is made of %v", kind, from)
	out := map[string]any{}
	for _, m := range types[kind] {
		value := source[m.name]
		switch {
		case value != nil && m.list:
			list := []any{}
			for _, item := range value.([]any) {
				list = append(list, types.encode(tb, m.kind, item))
			}
			out[m.name] = list
		case value != nil:
			out[m.name] = types.encode(tb, m.kind, value)
		case m.optional && m.null:
			out[m.name] = nil
		default:
			require.True(tb, m.optional, "%s.%s is missing, and not optional", kind, m.name)
		}
	}
	return out
}

// newBodies returns a function that makes the body of a post to result like the code of a page,
// from the arguments of Connect's callback and the handle of a relinked link.
func newBodies(tb testing.TB, p platform) func(payload []byte, handle string) string {
	tb.Helper()
	types := nativeTypes{}
	if p.source == moneykit.ConnectIOS || p.source == moneykit.ConnectAndroid {
		types = readNative(tb, p.page)
	}
	return func(payload []byte, handle string) string {
		body := map[string]any{"result": json.RawMessage(payload)}
		if handle != "" {
			body["link"] = handle
		}
		if len(types) > 0 {
			var result any
			require.NoError(tb, json.Unmarshal(payload, &result))
			if result == nil {
				result = map[string]any{} // a struct without members
			}
			body["result"] = result
			body = types.encode(tb, "ResultBody", body).(map[string]any)
		}
		data, err := json.Marshal(body)
		require.NoError(tb, err)
		return string(data)
	}
}

// TestDocsNative compares the Swift and Kotlin of the pages to the parser. The parser reads each
// member that they write. They lose nothing that the parser reads from Connect's own payload, apart
// from screens and members of accounts other than ID and name.
func TestDocsNative(t *testing.T) {
	t.Parallel()
	for _, p := range platforms() {
		if p.source != moneykit.ConnectIOS && p.source != moneykit.ConnectAndroid {
			continue
		}
		t.Run(p.page, func(t *testing.T) {
			t.Parallel()
			types, unread := readNative(t, p.page), map[string]bool{}
			for _, m := range types["ConnectResult"] {
				unread[m.name] = true
			}
			require.NotEmpty(t, unread)
			for name, payload := range payloads(t, p.source) {
				t.Run(name, func(t *testing.T) {
					source := map[string]any{}
					require.NoError(t, json.Unmarshal(payload, &source))
					written := types.encode(t, "ConnectResult", source).(map[string]any)
					got, want := parsedObject(t, written), parsed(t, string(payload))
					want.Screens = nil
					want.Institution = moneykit.ConnectInstitution{ID: want.Institution.ID, Name: want.Institution.Name}
					for i, a := range want.Accounts {
						want.Accounts[i] = moneykit.ConnectAccount{ID: a.ID, Name: a.Name}
					}
					assert.Equal(t, want, got)
					for key := range written {
						less := maps.Clone(written)
						delete(less, key)
						if !assert.ObjectsAreEqual(got, parsedObject(t, less)) {
							delete(unread, key)
						}
					}
				})
			}
			assert.Empty(t, slices.Collect(maps.Keys(unread)), "the code writes members that the parser does not read")
		})
	}
}

func parsedObject(tb testing.TB, object map[string]any) *moneykit.ConnectResult {
	tb.Helper()
	data, err := json.Marshal(object)
	require.NoError(tb, err)
	return parsed(tb, string(data))
}

// payloads returns the arguments of Connect's callbacks on a platform.
func payloads(tb testing.TB, source moneykit.ConnectSource) map[string][]byte {
	tb.Helper()
	p := platforms()[slices.IndexFunc(platforms(), func(p platform) bool { return p.source == source })]
	b := p.start(tb)
	play := func(handle string, play moneykittest.Play) []byte {
		return b.mk.Connect(b.launch(tb, p, handle).Token, source, play)
	}
	return map[string][]byte{
		"linked":   play("", moneykittest.Play{}),
		"relinked": play(connectHandle(b.broken()), moneykittest.Play{}),
		"exited": play("", moneykittest.Play{Exit: &moneykit.ConnectError{
			ID: "some_error", DisplayedMessage: "It did not work.", RequestID: "req_1",
		}}),
	}
}

// TestDocsNativeEvents does the same for events.
func TestDocsNativeEvents(t *testing.T) {
	t.Parallel()
	for _, p := range platforms() {
		if p.source != moneykit.ConnectIOS && p.source != moneykit.ConnectAndroid {
			continue
		}
		var keys []string
		for _, found := range eventKeys.FindAllStringSubmatch(postedAs(t, p.page, "event"), -1) {
			keys = append(keys, found[1]+found[2])
		}
		b := p.start(t)
		token := b.launch(t, p, "").Token
		b.mk.Connect(token, p.source, moneykittest.Play{})
		events := b.mk.ConnectEvents(token, p.source)
		require.NotEmpty(t, events)
		for _, payload := range events {
			whole, written := map[string]any{}, map[string]any{}
			require.NoError(t, json.Unmarshal(payload, &whole))
			for _, key := range keys {
				require.Contains(t, whole, key, "the code writes a member that Connect does not have")
				written[key] = whole[key]
			}
			assert.Equal(t, whole, written, p.page)
		}
	}
}
