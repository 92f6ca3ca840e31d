package wirejson_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// skips reports whether a cursor skips data as one value.
func skips(data string) error {
	c := wirejson.NewCursor([]byte(data))
	c.Skip()
	return c.End()
}

func TestSyntax(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat(`[{"a":`, n/2) + "1" + strings.Repeat("}]", n/2) }
	for _, data := range []string{
		"null", "true", "false", "0", "-0", "-1.5e+7", "1E7", "0.10", `""`, `"a\u00e4\"\\\/\b\f\n\r\t"`, "[]", "{}",
		" \t\r\n[ 1 , [] , {} ] ",
		`{"":1,"":2}`, ` { "a" : { "b" : [ "c" ] } } `, "\"\xff\"", `"\ud800"`, "\"\x7f\"", nested(10000),
	} {
		require.True(t, json.Valid([]byte(data)), data)
		require.NoError(t, skips(data), "%.40q", data)
	}
	for _, data := range []string{
		"", " ", "nul", "nulll", "True", "tru", "falsy", "01", "-", "-a", "+1", ".5", "1.", "1.e2", "1e", "1e+", "0x10", "1_0", "NaN",
		"Infinity",
		`"`, `"a`, `"\`, `"\a"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"12345678\x00\"", "'a'", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]",
		"[1}", "{", `{"a"`,
		`{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{"a":1 "b":2}`, `{a:1}`, `{1:1}`, `{"a":1]`, `{"a":}`, "1 2",
		"{}{}", "[]]",
		"\xef\xbb\xbf{}", "\u00a0{}", "{}\x00", "\x00", "\v1", "/* */1", nested(10002),
	} {
		require.False(t, json.Valid([]byte(data)), data)
		require.ErrorIs(t, skips(data), wirejson.ErrSyntax, "%.40q", data)
	}
}

// TestSyntaxComesFirst checks that a syntax error takes precedence over a wrong value before it.
func TestSyntaxComesFirst(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`[true]`: "the document is not a text", `[true`: "the document is not valid JSON", `[true]]`: "the document is not valid JSON",
	} {
		c := wirejson.NewCursor([]byte(data))
		var text string
		require.True(t, c.Open('[', "a list"))
		c.Text(&text)
		require.True(t, c.Failed())
		require.EqualError(t, c.End(), want)
	}
}

// TestAfterAnError checks that reads after an error return nothing.
func TestAfterAnError(t *testing.T) {
	t.Parallel()
	c := wirejson.NewCursor([]byte(`{"a":1}`))
	c.Wrong("a list")
	c.Wrong("a text")
	text, truth, number, whole := "kept", true, 0.5, 7
	c.Text(&text)
	c.Bool(&truth)
	c.Float(&number)
	c.Int(&whole)
	c.Skip()
	assert.False(t, c.Open('{', "an object"))
	assert.False(t, c.More('}'))
	assert.False(t, c.Null())
	assert.Equal(t, []any{"kept", true, 0.5, 7}, []any{text, truth, number, whole})
	require.EqualError(t, c.End(), "the document is not a list")
}

func TestPaths(t *testing.T) {
	t.Parallel()
	failed := func(data string, steps ...string) error {
		c := wirejson.NewCursor([]byte(data))
		c.Wrong("a text")
		for _, step := range steps {
			c.Under(step)
		}
		c.Row(0, "id")
		return c.End()
	}
	for _, tt := range []struct {
		data, want string
		steps      []string
	}{
		{`{}`, "the document is not a text", nil},
		{`{"id":"r1"}`, "the document of r1 is not a text", nil},
		{`{"id":7}`, "a.b of 7 is not a text", []string{"b", "a"}},
		{`{"x":{"id":"r2"}}`, "a[3].b is not a text", []string{"b", "[3]", "a"}},
		{`{"id":"r1","x":[1],"id":"r2"}`, "a[3][4] of r2 is not a text", []string{"[4]", "[3]", "a"}},
		{`{"id":"Ada Lovelace"}`, "a of other is not a text", []string{"a"}},
		{`{"id":{"id":"r1"}}`, "a is not a text", []string{"a"}},
		{`{"id":null}`, "a is not a text", []string{"a"}},
		{`[]`, "a is not a text", []string{"a"}},
		{`{"id":"r1"`, "the document is not valid JSON", []string{"a"}},
	} {
		require.EqualError(t, failed(tt.data, tt.steps...), tt.want, tt.data)
	}
	c := wirejson.NewCursor([]byte("x"))
	c.Skip()
	c.Under("a") // A syntax error has no path.
	c.Row(0, "id")
	require.ErrorIs(t, c.End(), wirejson.ErrSyntax)
}

func TestFold(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Link_ID": "link_id", "\u017Ftate": "state", "lin\u212A": "link", "\u00c4": "\u00c4", "a\xff": "a\ufffd",
	} {
		got, other := wirejson.Fold([]byte(name))
		assert.True(t, other, name)
		assert.Equal(t, want, string(got))
	}
	_, other := wirejson.Fold([]byte("link_id2"))
	assert.False(t, other)
}

// TestKeep checks that equal texts become equal strings, and that returned strings never change.
func TestKeep(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10, 600, 5000} {
		c := wirejson.NewCursor(make([]byte, size))
		var got, want []string
		for i := range 2000 {
			text := strings.Repeat(string(rune('a'+i%26)), i*7%200)
			got, want = append(got, c.Keep([]byte(text))), append(want, text)
		}
		require.Equal(t, want, got)
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	type scalars struct {
		text  string
		truth bool
		float float64
		whole int
	}
	read := func(data string) (v scalars, errs [4]error) {
		v = scalars{"kept", true, 0.5, 7}
		for i, read := range []func(*wirejson.Cursor){
			func(c *wirejson.Cursor) { c.Text(&v.text) }, func(c *wirejson.Cursor) { c.Bool(&v.truth) },
			func(c *wirejson.Cursor) { c.Float(&v.float) }, func(c *wirejson.Cursor) { c.Int(&v.whole) },
		} {
			c := wirejson.NewCursor([]byte(data))
			read(c)
			errs[i] = c.End()
		}
		return v, errs
	}
	kept := scalars{"kept", true, 0.5, 7}
	for data, want := range map[string]scalars{
		`null`: kept, `"a"`: {"a", true, 0.5, 7}, `true`: kept, `false`: {"kept", false, 0.5, 7}, `"false"`: {"false", false, 0.5, 7},
		`12`: {"12", true, 12, 12}, `"12"`: {"12", true, 12, 12}, `1.2e1`: {"1.2e1", true, 12, 12}, `"1.20e1"`: {"1.20e1", true, 12, 12},
		`1.5`: {"1.5", true, 1.5, 7}, `"+1"`: {"+1", true, 0.5, 7}, `" 1"`: {" 1", true, 0.5, 7}, `"1 "`: {"1 ", true, 0.5, 7},
		`"NaN"`:  {"NaN", true, 0.5, 7},
		`"0x10"`: {"0x10", true, 0.5, 7}, `1e400`: {"1e400", true, 0.5, 7}, `1e300`: {"1e300", true, 1e300, 7}, `"\"1\""`: {
			`"1"`,
			true, 0.5, 7,
		},
		`99999999999999999999`: {"99999999999999999999", true, 99999999999999999999, 7}, `[]`: kept, `{}`: kept, `""`: {"", true, 0.5, 7},
	} {
		got, errs := read(data)
		assert.Equal(t, want, got, data)
		for i, word := range []string{"a text", "true or false", "a number", "a whole number"} {
			if errs[i] != nil {
				require.EqualError(t, errs[i], "the document is not "+word, data)
			}
		}
		_, isBool := wirejson.Bool([]byte(data))
		assert.Equal(t, errs[1] == nil && data != "null", isBool, data)
		n, isNumber := wirejson.Number([]byte(data))
		assert.Equal(t, errs[2] == nil && data != "null", isNumber, data)
		assert.True(t, !isNumber || n == got.float, data)
	}
	for data, want := range map[string]int64{
		"9007199254740993": 9007199254740993, "9223372036854775807": math.MaxInt64, "-0": 0,
		"9e15": 9e15,
	} {
		got, ok := wirejson.Int([]byte(data))
		assert.True(t, ok, data)
		assert.Equal(t, want, got)
	}
	for _, data := range []string{
		"1e17", "9223372036854775808", "true", "null", "", "1 2", `"007"`, `"-01"`, `"+1"`, `"1_0"`, `" 1"`, `""`, `"\"1\""`,
	} {
		_, ok := wirejson.Int([]byte(data))
		assert.False(t, ok, data)
	}
}

// FuzzSyntax compares a cursor with encoding/json: both accept the same documents and return the
// same texts.
func FuzzSyntax(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e+7,true,false,null,"b\u00e4\ud83d\ude00"]}`, `"\ud800\u0041"`, "\"\xff\xc3\"", `"\ud800\ud83d\ude00"`, `[1,]`,
		`{"a" "b"}`,
		"\"0123456\xe4\xbd\xa0\"", `"\"\\\/\b\f\n\r\t"`, "\"\x1f\"", `-`, `[[[[`, `{"a":{"a":`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		valid := json.Valid(data)
		require.Equal(t, valid, skips(string(data)) == nil)
		if text, ok := wirejson.Text(data); ok && data[0] == '"' {
			var want string
			require.NoError(t, json.Unmarshal(data, &want))
			require.Equal(t, want, text)
		} else if valid && data[0] == '"' && data[len(data)-1] == '"' {
			t.Error("a text that is not read")
		}
		c := wirejson.NewCursor(data)
		if names := 0; c.Open('{', "an object") {
			var want map[string]json.RawMessage
			invalid := json.Unmarshal(data, &want)
			for c.More('}') {
				name := string(c.Name())
				c.Skip()
				if invalid == nil {
					require.Contains(t, want, name)
				}
				names++
			}
			require.GreaterOrEqual(t, names, len(want))
		}
	})
}
