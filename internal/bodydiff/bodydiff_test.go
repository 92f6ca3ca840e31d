package bodydiff_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/bodydiff"
)

const (
	bom = "\xef\xbb\xbf"

	encodedAgain = "it was decoded and encoded again: its white space or the escapes in its strings differ"
	compressed   = "it is compressed, and the signature is for the decompressed body"
	inBase64     = "it is in base64, which gateways use to pass bodies to functions"
	spaceAround  = "white space was put around it"
	inOrder      = "it may have been decoded and encoded again: its members are in alphabetical order, as encoders write maps"
	notJSON      = "it was cut off or altered: it is not JSON"
	altered      = "it was altered, or it was decoded and encoded again with its members in another order, " +
		"or the signature is another delivery's"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, signed, sent, says string }{
		{"BOM added", "{}", bom + "{}", "a byte order mark was put before it"},
		{"BOM lost", bom + "{}", "{}", "the byte order mark before it was lost"},
		{"CRLF added", "{\n\"a\":1\n}\n", "{\r\n\"a\":1\r\n}\r\n", "its line ends were changed to CRLF"},
		{"CRLF lost", "{\r\n\"a\":1\r\n}", "{\n\"a\":1\n}", "its line ends were changed from CRLF"},
		{"line end added", "{}", "{}\n", spaceAround},
		{"space added", "{}", " \t{}\r\n ", spaceAround},
		{"line end lost", "{}\n", "{}", "the line end after it was lost"},
		{"encoded twice", `{"a":"é<\n"}`, `"{\"a\":\"\u00e9<\\n\"}"`, "it was encoded twice: it is a JSON string that contains the signed body"},
		{"encoded twice, with space around", `{}`, ` "{}" `, "it was encoded twice: it is a JSON string that contains the signed body"},
		{"decoded twice", `"{\"a\":\"é<\\n\"}"`, `{"a":"é<\n"}`, "it was decoded twice: it is the content of the signed JSON string"},
		{"base64", `{"a":1}`, "eyJhIjoxfQ==", inBase64},
		{"base64 in lines", `{"a":1}`, "eyJh\r\nIjox\r\nfQ==\r\n", inBase64},
		{"gzip", `{"a":1}`, compress(t, `{"a":1}`), compressed},
		{"gzip in two parts", `{"a":1}`, compress(t, `{"a"`) + compress(t, `:1}`), compressed},
		{"form", `{"a":"1+1+"}`, `{"a":"1 1 "}`, "it was decoded as a form: plus signs became spaces"},
		{"URL", `{"a":"b c"}`, `%7B%22a%22%3A%22b+c%22%7D`, "it was escaped as in a URL"},

		{"compact from Python", `{"a": 1, "b": ["x, y: z\\\"", {}, [], null]}`, `{"a":1,"b":["x, y: z\\\"",{},[],null]}`, encodedAgain},
		{"compact from two spaces", "{\n  \"a\": [\n    1,\n    {}\n  ]\n}", `{"a":[1,{}]}`, encodedAgain},
		{"compact from four spaces", "{\n    \"a\": [\n        1,\n        {}\n    ]\n}", `{"a":[1,{}]}`, encodedAgain},
		{"compact from tabs", "{\n\t\"a\": [\n\t\t1,\n\t\t{}\n\t]\n}", `{"a":[1,{}]}`, encodedAgain},
		{"two spaces from compact", `{"a":[1,{}]}`, "{\n  \"a\": [\n    1,\n    { }\n  ]\n}\n", encodedAgain},
		{"two spaces from four", "{\n    \"a\": 1\n}", "{\n  \"a\": 1\n}", encodedAgain},
		{"indented with its escapes", "{\n  \"a\": \"\\u00E9\\/\"\n}", `{"a":"\u00E9\/"}`, encodedAgain},
		{"plain from ASCII", `{"a":"caf\u00e9 \ud83d\ude00 \u007f"}`, `{"a":"café 😀 ` + "\x7f" + `"}`, encodedAgain},
		{"plain from ASCII with spaces", `{"a": "caf\u00e9", "b": 1}`, `{"a":"café","b":1}`, encodedAgain},
		{"ASCII from plain", `{"a":"café 😀"}`, `{"a":"caf\u00e9 \ud83d\ude00"}`, encodedAgain},
		{"upper case from lower case", `{"a":"caf\u00e9"}`, `{"a":"caf\u00E9"}`, encodedAgain},
		{"plain from HTML", `{"a":"\u003cb\u003e \u0026 \u2028\u2029"}`, `{"a":"<b> & ` + "\u2028\u2029" + `"}`, encodedAgain},
		{"HTML from plain", `{"a":"<b> & é"}`, `{"a":"\u003cb\u003e \u0026 é"}`, encodedAgain},
		{"slashes without escapes", `{"a":"/"}`, `{"a":"\/"}`, encodedAgain},
		{"short escapes", `{"a":"\"\\\b\f\n\r\t\u0001"}`, `{"a":"\u0022\u005c\u0008\u000c\u000a\u000d\u0009\u0001"}`, encodedAgain},
		{"half a surrogate pair", `{"a":"` + "\ufffd\ufffdx\ufffd" + `"}`, `{"a":"\udc00\ud800x\ud800"}`, encodedAgain},
		{"half a surrogate pair before another character", `{"a":"` + "\ufffdA\ufffd" + `\n"}`, `{"a":"\ud800\u0041\ud800\n"}`, encodedAgain},
		{"half a surrogate pair before a pair", `{"a":"` + "\ufffd😀" + `"}`, `{"a":"\ud83d\ud83d\ude00"}`, encodedAgain},
		{"invalid UTF-8", `{"a":"` + "\ufffd" + `"}`, `{"a":"` + "\xff" + `"}`, encodedAgain},
		{"not an object", `[1, 2]`, `[1,2]`, encodedAgain},

		{"empty", "{}", "", "it is empty: something has read it before the handler"},
		{"largest explained body", "{}", strings.Repeat("x", bodydiff.MaxBody), notJSON},
		{"too large", "{}", strings.Repeat("x", bodydiff.MaxBody+1), "it is too large to be explained"},
		{"cut off", `{"a":1,"b":2}`, `{"a":1,"b"`, notJSON},
		{"gzip cut off", `{}`, compress(t, `{}`)[:20], "it is compressed"},
		{"gzip of something else", `{}`, compress(t, `{"a":1}`), "it is compressed"},
		{"in alphabetical order", `{"b":1,"a":2}`, `{"a":2,"b":1}`, inOrder},
		{"in alphabetical order, after escapes", `{"c":1}`, `{"a":2,"\u0062":1,"c":{"z":1,"a":1}}`, inOrder},
		{"not in alphabetical order", `{"c":1}`, `{"a":2,"\u0063":1,"b":1}`, altered},
		{"empty name first", `{"c":1}`, `{"":2,"b":1}`, inOrder},
		{"empty name last", `{"c":1}`, `{"b":2,"":1}`, altered},
		{"one name twice", `{"c":1}`, `{"a":2,"a":1}`, altered},
		{"one member", `{"b":1}`, `{"a":1}`, altered},
		{"altered array", `[1]`, `[2]`, altered},
		{"signed empty body", "", "x", notJSON},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.says, bodydiff.Explain("", []byte(tt.sent), sha256.Sum256([]byte(tt.signed))))
		})
	}
}

func TestExplainEncoding(t *testing.T) {
	t.Parallel()
	signed := sha256.Sum256([]byte(`{"a":1}`))
	tests := []struct{ encoding, sent, says string }{
		{"br", "\x0b\x03\x80", "it is compressed"},
		{"br", `{"a":1}` + "\n", spaceAround},
		{"gzip", compress(t, `{"a":1}`), compressed},
		{"gzip", compress(t, `{"a":2}`), "it is compressed"},
		{"gzip", `{"a":2}`, "it is compressed"},
		{"identity", `{"a":2}`, altered},
		{"Identity", `{"a":`, notJSON},
	}
	for _, tt := range tests {
		t.Run(tt.encoding+" "+tt.sent, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.says, bodydiff.Explain(tt.encoding, []byte(tt.sent), signed))
		})
	}
}

// The limits must leave room for events that are larger than the events that MoneyKit sends.
func TestExplainLargeEvent(t *testing.T) {
	t.Parallel()
	var event bytes.Buffer
	event.WriteString(`{"webhook_event":"link.state_changed","link_tags":[`)
	for i := range 350 {
		fmt.Fprintf(&event, `{"id":%d,"name":"Café <%x> \\ 1+1","tags":["😀",{"a":[true,null,{}]}]},`, i, sha256.Sum256([]byte{byte(i)}))
	}
	event.WriteString(`0],"a":""}`)
	plain := event.String()
	require.Greater(t, len(plain), 40<<10)

	indented := func(indent string) string {
		var out bytes.Buffer
		require.NoError(t, json.Indent(&out, []byte(plain), "", indent))
		return out.String()
	}
	lines := strings.Repeat(`{"a": 1}`+"\n", 6000)
	asText, err := json.Marshal(plain)
	require.NoError(t, err)
	escape := strings.NewReplacer("é", `\u00e9`, "😀", `\ud83d\ude00`)
	spaced := strings.NewReplacer(",", ", ", `":`, `": `)
	goEscaped := strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`)
	tests := []struct{ name, signed, sent, says string }{
		{"BOM lost", bom + plain, plain, "the byte order mark before it was lost"},
		{"CRLF lost", strings.ReplaceAll(lines, "\n", "\r\n"), lines, "its line ends were changed from CRLF"},
		{"line end lost", plain + "\n", plain, "the line end after it was lost"},
		{"encoded twice", plain, string(asText), "it was encoded twice: it is a JSON string that contains the signed body"},
		{"base64", plain[:40<<10], base64.StdEncoding.EncodeToString([]byte(plain[:40<<10])), inBase64},
		{"form", plain, strings.ReplaceAll(plain, "+", " "), altered}, // not all spaces were plus signs
		{"URL", plain[:30<<10], url.QueryEscape(plain[:30<<10]), "it was escaped as in a URL"},
		{"Python", escape.Replace(spaced.Replace(plain)), plain, encodedAgain},
		{"Python without spaces", escape.Replace(plain), plain, encodedAgain},
		{"spaces", spaced.Replace(plain), plain, encodedAgain},
		{"Go", goEscaped.Replace(plain), plain, encodedAgain},
		{"two spaces", indented("  "), plain, encodedAgain},
		{"four spaces", indented("    "), plain, encodedAgain},
		{"tabs", indented("\t"), plain, encodedAgain},
		{"another indentation", indented("   "), plain, altered},
		{"gzip of the largest decompressed body", strings.Repeat(" ", 256<<10), compress(t, strings.Repeat(" ", 256<<10)), compressed},
		{"gzip of a larger body", strings.Repeat(" ", 256<<10+1), compress(t, strings.Repeat(" ", 256<<10+1)), "it is compressed"},
		{"gzip of an event", plain[:5000], compress(t, plain[:5000]), compressed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.LessOrEqual(t, len(tt.sent), bodydiff.MaxBody, "the body is too large for the test")
			assert.Equal(t, tt.says, bodydiff.Explain("", []byte(tt.sent), sha256.Sum256([]byte(tt.signed))))
		})
	}
}
