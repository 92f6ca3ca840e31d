package wirejson_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// strict is a type with its own UnmarshalJSON.
type strict string

func (s *strict) UnmarshalJSON(data []byte) error {
	if string(data) == `"bad"` {
		return &wirejson.ValueError{Want: "a good value"}
	}
	return json.Unmarshal(data, (*string)(s))
}

type base struct {
	ID string `json:"row_id"`
}

type row struct {
	base
	ID     string             `json:"id"`
	Own    strict             `json:"own"`
	Count  int                `json:"count"`
	Share  *float64           `json:"share"`
	Open   bool               `json:"open"`
	Raw    json.RawMessage    `json:"raw"`
	Any    any                `json:"any"`
	Nested *row               `json:"nested"`
	List   []string           `json:"list"`
	Named  map[string]float64 `json:"named"`
}

type page struct {
	Rows  []row          `json:"rows"`
	ByKey map[string]row `json:"by_key"`
	Total int64          `json:"total"`
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	half := 0.5
	for _, tt := range []struct {
		data string
		want page
	}{
		{`{"total":"12"}`, page{Total: 12}},
		{`{"total":1.2e1,"unknown":{"total":[]}}`, page{Total: 12}},
		{`{"TOTAL":"12"}`, page{Total: 12}},
		{`{"total":null,"rows":null,"by_key":null}`, page{}},
		{`{"rows":[{"id":7,"count":"3","open":"true","share":"0.5"}]}`, page{Rows: []row{{ID: "7", Count: 3, Open: true, Share: &half}}}},
		{`{"rows":[{"id":"a\u0062","nested":{"count":"1"},"list":[1,"x",2.5]}]}`, page{Rows: []row{{
			ID: "ab", Nested: &row{Count: 1}, List: []string{"1", "x", "2.5"},
		}}}},
		{`{"by_key":{"k":{"count":"4","named":{"a":"1e3"},"raw":{"a":[1]},"any":[1,"x"]}}}`, page{ByKey: map[string]row{"k": {
			Count: 4, Named: map[string]float64{"a": 1000}, Raw: json.RawMessage(`{"a":[1]}`), Any: []any{1.0, "x"},
		}}}},
	} {
		var got page
		require.NoError(t, wirejson.Unmarshal([]byte(tt.data), &got), tt.data)
		assert.Equal(t, tt.want, got, tt.data)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		``:                               "the document is not valid JSON",
		`{"total":1`:                     "the document is not valid JSON",
		`{} {}`:                          "the document is not valid JSON",
		`[]`:                             "the document is not an object",
		`"canary"`:                       "the document is not an object",
		`{"total":1.5}`:                  "total is not a whole number",
		`{"total":1e300}`:                "total is not a whole number",
		`{"total":99999999999999999999}`: "total is not a whole number",
		`{"total":"+1"}`:                 "total is not a whole number",
		`{"total":" 1"}`:                 "total is not a whole number",
		`{"total":"0x10"}`:               "total is not a whole number",
		`{"total":true}`:                 "total is not a whole number",
		`{"rows":{"canary":1}}`:          "rows is not a list",
		`{"rows":[7]}`:                   "rows[0] is not an object",
		`{"rows":[{},{"id":"r2","open":"canary"}]}`:               "rows[1].open of r2 is not true or false",
		`{"rows":[{"open":"canary","id":"r2"}]}`:                  "rows[0].open of r2 is not true or false",
		`{"rows":[{"id":"ada lovelace","open":1}]}`:               "rows[0].open of other is not true or false",
		`{"rows":[{"id":"r","own":"bad"}]}`:                       "rows[0].own of r is not a good value",
		`{"rows":[{"id":"r","own":7}]}`:                           "rows[0].own of r is not what is expected",
		`{"rows":[{"id":"r","share":"NaN"}]}`:                     "rows[0].share of r is not a number",
		`{"rows":[{"id":"r","list":["a",[]]}]}`:                   "rows[0].list[1] of r is not a text",
		`{"rows":[{"id":"r","nested":{"id":"s","count":"x"}}]}`:   "rows[0].nested.count of s is not a whole number",
		`{"by_key":{"mk_1":{"id":"r","named":{"a b":"canary"}}}}`: "by_key[mk_1].named[other] of r is not a number",
	} {
		got := page{Total: 7}
		assert.EqualError(t, wirejson.Unmarshal([]byte(data), &got), want, data)
	}
}

// TestUnmarshalOfTheMachinesInt checks that a value that does not fit into an int of 32 bits is an
// error with the name of the member.
func TestUnmarshalOfTheMachinesInt(t *testing.T) {
	t.Parallel()
	var got page
	err := wirejson.Unmarshal([]byte(`{"rows":[{"id":"r","count":3000000000}]}`), &got)
	if strconv.IntSize == 32 {
		require.EqualError(t, err, "rows[0].count of r is not a whole number")
	} else {
		require.NoError(t, err)
	}
}

// FuzzUnmarshal compares Unmarshal with encoding/json for documents that encoding/json accepts.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"rows":[{"id":"a","count":1,"share":0.5,"open":true,"list":["a"],"nested":{"id":"b"}}],"total":1}`,
		`{"rows":[{"id":7,"count":"1e2","open":"false","named":{"a":"1"}}],"by_key":{"k":{}}}`, `{"total":"x"}`, `[`, `null`, `{"ROWS":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want, got page
		strictErr := json.Unmarshal(data, &want)
		err := wirejson.Unmarshal(data, &got)
		if strictErr == nil {
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		if err != nil {
			require.LessOrEqual(t, len(err.Error()), 2000+len(data))
		}
	})
}
