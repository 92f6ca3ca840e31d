package strictjson_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/strictjson"
)

// members returns the members of an object as "name=value" texts.
func members(data string, known ...string) ([]string, error) {
	var out []string
	err := strictjson.Object([]byte(data), known, func(name string, value *strictjson.Reader) error {
		out = append(out, name+"="+string(value.Raw()))
		return nil
	})
	return out, err
}

func TestObject(t *testing.T) {
	t.Parallel()
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf(`"m%d":%d`, i, i)
	}
	tests := []struct {
		name, data string
		want       []string
	}{
		{"empty", " {\t} ", nil},
		{"one", `{"a":1}`, []string{"a=1"}},
		{"white space", "\r\n{ \"a\" : [ 1 , {} ] ,\n\"b\":\t\"x\" }\n", []string{"a=[ 1 , {} ]", `b="x"`}},
		{"escapes in names", `{"\u0061\"":null}`, []string{`a"=null`}},
		{"brackets and escapes in texts", `{"a":"}\\","b":"\"]"}`, []string{`a="}\\"`, `b="\"]"`}},
		{"numbers", `{"a":-0.5e+7,"b":0,"c":10E1}`, []string{"a=-0.5e+7", "b=0", "c=10E1"}},
		{"words", `{"a":true,"b":false,"c":null}`, []string{"a=true", "b=false", "c=null"}},
		{"the same name in several objects", `{"a":{"a":1},"b":[{"a":1},{"a":2}]}`, []string{`a={"a":1}`, `b=[{"a":1},{"a":2}]`}},
		{"a number that rounds to zero", `{"a":1e-999}`, []string{"a=1e-999"}},
		{"names that differ in case, but are not known", `{"x":1,"X":2}`, []string{"x=1", "X=2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := members(tt.data, "known")
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
	got, err := members("{" + strings.Join(many, ",") + "}")
	require.NoError(t, err)
	assert.Len(t, got, 40)
}

func TestObjectRefuses(t *testing.T) {
	t.Parallel()
	many := ""
	for i := range 40 {
		many += fmt.Sprintf(`"m%d":%d,`, i, i)
	}
	tests := []struct {
		data string
		want error
	}{
		{``, strictjson.ErrInvalid},
		{` `, strictjson.ErrInvalid},
		{`null`, strictjson.ErrNotObject},
		{`[{}]`, strictjson.ErrNotObject},
		{`"{}"`, strictjson.ErrNotObject},
		{`{`, strictjson.ErrInvalid},
		{`{"a"`, strictjson.ErrInvalid},
		{`{"a":`, strictjson.ErrInvalid},
		{`{"a":1`, strictjson.ErrInvalid},
		{`{"a":1,`, strictjson.ErrInvalid},
		{`{"a":1,}`, strictjson.ErrInvalid},
		{`{,}`, strictjson.ErrInvalid},
		{`{"a" 1}`, strictjson.ErrInvalid},
		{`{a:1}`, strictjson.ErrInvalid},
		{`{'a':1}`, strictjson.ErrInvalid},
		{`{"a":1 "b":2}`, strictjson.ErrInvalid},
		{`{"a":1}x`, strictjson.ErrInvalid},
		{`{"a":1}{}`, strictjson.ErrInvalid},
		{`{"a":1]`, strictjson.ErrInvalid},
		{`{"a":[1}`, strictjson.ErrInvalid},
		{`{"a":[1,]}`, strictjson.ErrInvalid},
		{`{"a":01}`, strictjson.ErrInvalid},
		{`{"a":+1}`, strictjson.ErrInvalid},
		{`{"a":1.}`, strictjson.ErrInvalid},
		{`{"a":.5}`, strictjson.ErrInvalid},
		{`{"a":1e}`, strictjson.ErrInvalid},
		{`{"a":-}`, strictjson.ErrInvalid},
		{`{"a":NaN}`, strictjson.ErrInvalid},
		{`{"a":nul}`, strictjson.ErrInvalid},
		{`{"a":"\x"}`, strictjson.ErrInvalid},
		{`{"a":"\u12g4"}`, strictjson.ErrInvalid},
		{`{"a":"\u12"}`, strictjson.ErrInvalid},
		{`{"a":"\`, strictjson.ErrInvalid},
		{"{\"a\":\"\n\"}", strictjson.ErrInvalid},
		{"{\"a\":\"\xff\"}", strictjson.ErrInvalid},
		{"\xef\xbb\xbf{}", strictjson.ErrInvalid},
		{`{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, strictjson.ErrInvalid},
		{`{"a":1e999}`, strictjson.ErrInvalid},
		{`{"a":{"b":1,"b":2}}`, strictjson.ErrDuplicate},
		{`{"a":[[{"b":1,"b":2}]]}`, strictjson.ErrDuplicate},
		{`{"a":1,"a":1}`, strictjson.ErrDuplicate},
		{`{"a":1,"\u0061":1}`, strictjson.ErrDuplicate},
		{`{` + many + `"m39":1}`, strictjson.ErrDuplicate},
		{`{` + many + `"m3":1}`, strictjson.ErrDuplicate},
	}
	for _, tt := range tests {
		_, err := members(tt.data)
		require.ErrorIs(t, err, tt.want, "%.80q", tt.data)
	}
	for _, name := range []string{"KID", "kId", "\u212aid", "ki\\u0044"} {
		_, err := members(`{"`+name+`":1}`, "alg", "kid")
		require.ErrorContains(t, err, "has a member whose name differs from kid in case", name)
	}
	for _, data := range []string{`{"a":[{"b":1,"b":2}]}`, `{"a":1e999}`} {
		require.NoError(t, strictjson.Outer([]byte(data), nil, func(string, *strictjson.Reader) error { return nil }), data)
	}
	require.ErrorIs(t, strictjson.Outer([]byte(`{"a":1,"a":1}`), nil, func(string, *strictjson.Reader) error { return nil }), strictjson.ErrDuplicate)
	stop := errors.New("stop")
	n := 0
	require.ErrorIs(t, strictjson.Object([]byte(`{"a":1,"b":2}`), nil, func(string, *strictjson.Reader) error { n++; return stop }), stop)
	assert.Equal(t, 1, n)
}

func TestArray(t *testing.T) {
	t.Parallel()
	var got []string
	array := func(data string, item func(*strictjson.Reader) error) error {
		var refused error
		err := strictjson.Object([]byte(`{"a":`+data+`}`), nil, func(_ string, value *strictjson.Reader) error {
			refused = value.Array(item)
			return nil
		})
		return cmp.Or(err, refused)
	}
	collect := func(value *strictjson.Reader) error { got = append(got, string(value.Raw())); return nil }
	require.NoError(t, array(" [ 1,\"]\" ,[ ], {} ] ", collect))
	assert.Equal(t, []string{"1", `"]"`, "[ ]", "{}"}, got)
	require.NoError(t, array("[]", func(*strictjson.Reader) error { return errors.New("an item") }))
	ignore := func(*strictjson.Reader) error { return nil }
	require.NoError(t, array(`[1,["x",{"a":1}],null]`, ignore), "unread items are skipped")
	stop, n := errors.New("stop"), 0
	require.ErrorIs(t, array("[1,2,3]", func(*strictjson.Reader) error { n++; return stop }), stop)
	assert.Equal(t, 1, n)
	require.ErrorIs(t, array("[1,nul]", func(*strictjson.Reader) error { return stop }), strictjson.ErrInvalid)
	deep := func(value *strictjson.Reader) error { return value.Array(ignore) }
	require.NoError(t, array(`[["x"],[],[[]]]`, deep))
	require.ErrorIs(t, array(`[["x"],1]`, deep), strictjson.ErrNotArray)
	for data, want := range map[string]error{
		"": strictjson.ErrInvalid, "{}": strictjson.ErrNotArray, "[1": strictjson.ErrInvalid, "[1]]": strictjson.ErrInvalid,
		"[\"\xff\"]": strictjson.ErrInvalid, "[,]": strictjson.ErrInvalid,
	} {
		require.ErrorIs(t, array(data, ignore), want, data)
	}
}

func TestUnique(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`1`, ` "a" `, `null`, `[{"a":1},{"a":2}]`, `{"a":{"b":1},"b":{"a":1}}`} {
		require.NoError(t, strictjson.Unique([]byte(data)), data)
	}
	for data, want := range map[string]error{
		``: strictjson.ErrInvalid, `{"a":1}{}`: strictjson.ErrInvalid, `[1`: strictjson.ErrInvalid, "\"\xff\"": strictjson.ErrInvalid,
		`{"a":1,"A":2}`: strictjson.ErrDuplicate, `[{"x":[{"kid":1,"` + "\u212a" + `id":2}]}]`: strictjson.ErrDuplicate,
		`{"a":1,"\u0061":2}`: strictjson.ErrDuplicate, `{"` + "\u017f" + `":1,"S":2}`: strictjson.ErrDuplicate,
	} {
		require.ErrorIs(t, strictjson.Unique([]byte(data)), want, data)
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{`""`: "", `"a"`: "a", `"\n\u00e4"`: "\nä"} {
		got, ok := strictjson.String([]byte(value))
		assert.True(t, ok, value)
		assert.Equal(t, want, got)
	}
	for _, value := range []string{"1", "null", "{}", "[]", `["a"]`} {
		_, ok := strictjson.String([]byte(value))
		assert.False(t, ok, value)
	}
	var nulls []string
	require.NoError(t, strictjson.Object([]byte(`{"a":null,"b":"null","c":0,"d":[null],"e" : null }`), nil,
		func(name string, value *strictjson.Reader) error {
			if value.Kind() == 'n' {
				nulls = append(nulls, name)
			}
			return nil
		}))
	assert.Equal(t, []string{"a", "e"}, nulls)
}

// FuzzObject compares Object with encoding/json. For an accepted object both return the same
// members. For a refused one the error must be true.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1,"b":[true,{"c":"d"}]}`, `{"a":1,"a":2}`, `[]`, `{"\u0061":"\ud800"}`, ` {"a" : -1.5e7 } `, `{"Known":1}`,
		`{"a":"\"\\\/\b"}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := map[string]json.RawMessage{}
		err := strictjson.Object(data, []string{"known"}, func(name string, value *strictjson.Reader) error {
			got[name] = value.Raw()
			return nil
		})
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal(data, &want)
		switch {
		case err == nil:
			require.NoError(t, wantErr)
			require.Len(t, got, len(want))
			for name, value := range want {
				require.Equal(t, string(value), string(got[name]), name)
			}
		case errors.Is(err, strictjson.ErrInvalid):
			large := errors.As(json.Unmarshal(data, new(any)), new(*json.UnmarshalTypeError))
			deep := strings.Count(string(data), "[")+strings.Count(string(data), "{") > 100
			require.True(t, !json.Valid(data) || !utf8.Valid(data) || deep || large)
		case errors.Is(err, strictjson.ErrNotObject):
			require.True(t, json.Valid(data))
			require.False(t, wantErr == nil && want != nil)
		case errors.Is(err, strictjson.ErrDuplicate):
		default:
			require.ErrorContains(t, err, "known")
		}
	})
}
