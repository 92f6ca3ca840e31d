package moneykit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/strictjson"
	"github.com/moneykit/moneykit-go/internal/wirejson"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// decoded returns all structs in responses, by name: the results of the services' methods, and the
// structs in these results.
func decoded() []reflect.Type {
	found := map[string]reflect.Type{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		switch t.Kind() { //nolint:exhaustive // Other kinds contain no structs.
		case reflect.Pointer, reflect.Slice, reflect.Map:
			add(t.Elem())
		case reflect.Struct:
			own := reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
			if own || found[t.Name()] != nil {
				return
			}
			found[t.Name()] = t
			for i := range t.NumField() {
				add(t.Field(i).Type)
			}
		}
	}
	add(reflect.TypeFor[moneykit.SyncPage]())
	client := reflect.TypeFor[moneykit.Client]()
	for i := range client.NumField() {
		service := client.Field(i)
		if !service.IsExported() {
			continue
		}
		for j := range service.Type.NumMethod() {
			method := service.Type.Method(j).Type
			for k := range method.NumOut() {
				// Other results are built from responses, or are not JSON objects.
				if out := method.Out(k); out.Kind() == reflect.Pointer && !slices.Contains([]reflect.Type{
					reflect.TypeFor[*moneykit.ConnectResult](), reflect.TypeFor[*moneykit.TransactionBatch](),
				}, out) {
					add(out)
				}
			}
		}
	}
	types := make([]reflect.Type, 0, len(found))
	for _, t := range found {
		types = append(types, t)
	}
	slices.SortFunc(types, func(a, b reflect.Type) int { return strings.Compare(a.Name(), b.Name()) })
	return types
}

func TestEveryResponseTypeHasADecoder(t *testing.T) {
	t.Parallel()
	types := decoded()
	assert.Greater(t, len(types), 40)
	for _, of := range types {
		assert.True(t, moneykit.HasDecoder(reflect.New(of).Interface()), "%v", of)
	}
}

// agree decodes data as a value of type of twice, and compares with encoding/json:
//
//   - a document that encoding/json accepts has the same value;
//   - invalid JSON returns a syntax error;
//   - a document that encoding/json refuses for its values has the value of the mended document,
//     or is refused, too.
func agree(t *testing.T, of reflect.Type, data []byte) {
	t.Helper()
	want, got := reflect.New(of), reflect.New(of)
	wantErr, err := json.Unmarshal(data, want.Interface()), moneykit.Decode(data, got.Interface())
	if err != nil {
		require.Truef(t, errors.Is(err, wirejson.ErrSyntax) || errors.As(err, new(*wirejson.Error)), "%v", err)
	}
	switch {
	case wantErr == nil:
		require.NoErrorf(t, err, "%v of %.200q", of, data)
		require.Truef(t, reflect.DeepEqual(want.Interface(), got.Interface()), "%v of %.200q:\n%+v\n%+v", of, data, want, got)
	case !json.Valid(data):
		require.ErrorIsf(t, err, wirejson.ErrSyntax, "%v of %.200q", of, data)
	case strictjson.Unique(data) == nil: // Mending needs unique members.
		mended, hopeless := mend(data, of)
		if hopeless != nil {
			require.Errorf(t, err, "%v of %.200q", of, data)
			require.NotErrorIs(t, err, wirejson.ErrSyntax)
			return
		}
		require.NoErrorf(t, err, "%v of %.200q", of, data)
		want.Elem().SetZero()
		require.NoError(t, json.Unmarshal(mended, want.Interface()))
		require.Truef(t, reflect.DeepEqual(want.Interface(), got.Interface()), "%v of %.200q:\n%+v\n%+v", of, data, want, got)
	}
}

// sample returns a value of type t with all members, as JSON. The values depend on n.
func sample(t reflect.Type, n int) string {
	switch reflect.New(t).Interface().(type) {
	case *moneykit.Decimal:
		return []string{`"12.50"`, `-0.5`, `1e3`}[n%3]
	case *moneykit.Date:
		return `"2023-02-16"`
	case *moneykit.Timestamp:
		return []string{`"2023-02-16T09:14:11"`, `"2023-02-16T09:14:11.25+02:00"`}[n%2]
	}
	switch t.Kind() { //nolint:exhaustive // Types of responses have no other kinds.
	case reflect.Pointer:
		return sample(t.Elem(), n+1)
	case reflect.Struct:
		return object(t, n, "", "")
	case reflect.Map:
		return fmt.Sprintf(`{"k%d":%s,"l":%s}`, n, sample(t.Elem(), n+1), sample(t.Elem(), n+2))
	case reflect.Slice:
		return "[" + sample(t.Elem(), n+1) + "," + sample(t.Elem(), n+2) + "]"
	case reflect.Bool:
		return []string{"true", "false"}[n%2]
	case reflect.Int, reflect.Float64:
		return fmt.Sprint(n + 1)
	}
	return fmt.Sprintf(`"text %d"`, n)
}

// object returns a value of struct t with all members, one of them replaced by value.
func object(t reflect.Type, n int, replaced, value string) string {
	var members []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != replaced {
			members = append(members, fmt.Sprintf("%q:%s", name, sample(t.Field(i).Type, n+i)))
		}
	}
	if replaced != "" {
		members = append(members, fmt.Sprintf("%q:%s", replaced, value))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// oddValues replace each member of each type in turn.
var oddValues = []string{
	`null`, `true`, `false`, `0`, `-0`, `7`, `-1`, `1.5`, `1e2`, `1E-2`, `100.0`, `1e400`, `-1e400`, `9007199254740993`,
	`99999999999999999999`,
	`0.30000000000000004`, `01`, `1.`, `-`, `+1`, `NaN`, `""`, `"a"`, `"null"`, `"true"`, `"false"`, `"7"`, `"1e2"`, `" 7"`, `"07"`,
	`"0x7"`,
	`"\u0031"`, `"\u0000"`, `"\"\\\/\b\f\n\r\t"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`, `"\ud83dx"`,
	`"\uD83D\uDE00\u"`,
	`"\x"`, "\"\xff\"", "\"a\xc3\"", "\"\xed\xa0\x80b\"", "\"\xf0\x9f\x98\x80 \xe2\x82\xac\"", "\"a\nb\"", "\"a\x7fb\"",
	`"` + strings.Repeat("long ", 60) + `"`,
	`"2023-02-16"`, `"2023-02-29"`, `"2023-02-16T09:14:11"`, `"2023-02-16T00:00:00Z"`, `"2023-02-16T09:14:11.123456789-05:30"`,
	`"20230216"`,
	`"2023\u002d02-16"`, `"12.50"`, `"-0.10"`, `"1e1000"`, `"1e1001"`, `"."`, `"1."`, `"-"`, `"00.1"`, `"` + strings.Repeat("9", 256) + `"`,
	`"` + strings.Repeat("9", 257) + `"`, strings.Repeat("9", 40), `[]`, `[null]`, `[[]]`, `[{}]`, `["a",null,7]`, `[1,]`, `[`, `{}`,
	`{"a":null}`, `{"a":{}}`,
	`{"a":1}`, `{"a":[]}`, `{"value":"x","confidence":"0.5"}`, `{`, `}`, ``, ` null `, `nul`, `tru`, `{"id":{"x":[{}]}}`,
}

func TestDecodeAgreesOnOddValues(t *testing.T) {
	t.Parallel()
	for _, of := range decoded() {
		t.Run(of.Name(), func(t *testing.T) {
			t.Parallel()
			for i := range 3 {
				agree(t, of, []byte(sample(of, i)))
			}
			for i := range of.NumField() {
				name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
				before, after, _ := strings.Cut(object(of, i, name, "VALUE"), "VALUE")
				for _, value := range oddValues {
					agree(t, of, []byte(before+value+after))
				}
			}
			for _, value := range oddValues {
				agree(t, of, []byte(value))
				agree(t, of, []byte(`{"unknown":`+value+`}`))
			}
		})
	}
}

// oddDocuments are decoded as a page of transactions, as one transaction and as the links of a
// user.
var oddDocuments = []string{
	" \t\r\n{ \"size\" : 1 , \"transactions\" : [ { } , null ] } \n", "\v{}", "{}\x00", "\u00a0{}", "\xef\xbb\xbf{}", "{}{}", "{},",
	"[{}]", `"{}"`,
	// Duplicate members.
	`{"size":1,"size":2}`, `{"size":1,"size":null}`, `{"size":1,"Size":2}`, `{"SIZE":1,"size":2,"sIzE":3}`, `{"size":"1","size":2}`,
	`{"transactions":[{"description":"a","pending":true},{"category":"b"}],"transactions":[{"category":"c"}]}`,
	`{"transactions":[{"description":"a"},{"category":"b"}],"transactions":[{"category":"c"}],"transactions":[{},{},{"type":"x"}]}`,
	`{"transactions":[{"description":"a"}],"transactions":[]}`,
	`{"transactions":[{"description":"a"}],"transactions":[],"transactions":[{}]}`,
	`{"transactions":[{"description":"a"}],"transactions":null}`, `{"transactions":[{"description":"a"}],"transactions":[null]}`,
	`{"transactions":[{"enrichment":{"merchant":{"name":"a"}}}],"transactions":[{"enrichment":{"merchant":{"id":"b"}}}]}`,
	`{"enrichment":{"merchant":{"name":"a","confidence":1}},"enrichment":{"merchant":{"id":"b"},"category":{"value":"c"}}}`,
	`{"enrichment":{"merchant":{"name":"a"}},"enrichment":{"merchant":null}}`, `{"enrichment":{"merchant":{"name":"a"}},"enrichment":null}`,
	`{"enrichment":{"category":{"confidence":1}},"enrichment":{"category":{"confidence":null}}}`, `{"date":"2023-02-16","date":null}`,
	`{"date":"2023-02-16","date":""}`, `{"amount":"1","amount":null}`, `{"description":"a","description":null}`,
	`{"pending":true,"pending":null}`,
	`{"link":{"link_tags":["a","b"],"products":{"accounts":{"unavailable":"x"}}},"link":{"link_tags":[null],"products":{"accounts":{}}}}`,
	`{"link":{"link_tags":["a","b","c"]},"link":{"link_tags":["d"]},"link":{"link_tags":[null,null,null,null]}}`,
	`{"links":{"a":{"state":"x","link_tags":["t"]},"b":{}},"links":{"a":{"provider":"y"},"c":null}}`,
	`{"links":{"a":{"state":"x"},"a":{"provider":"y"}}}`,
	`{"links":{"a":{}},"links":null}`, `{"links":null,"links":{}}`, `{"links":{"":{}}}`, `{"links":{"\u0061":{},"a":null}}`,
	"{\"links\":{\"\xff\":{}}}",
	// Names in other spellings.
	`{"TRANSACTIONS":[{"Description":"a"}]}`, `{"\u0073ize":1}`, `{"\u017fize":1}`, "{\"\u017fize\":1}", "{\"li\u212a\":1}",
	"{\"lin\u212a\":{\"lin\u212a_id\":\"a\"}}",
	`{"size\u0000":1}`, `{"size ":1}`, `{" size":1}`, "{\"size\xff\":1}", `{"siZe":"x"}`, `{"":1}`, `{"transactions ":[}`,
	`{"ſize":1,"size":2}`, `{"Ä":1}`,
	// The syntax of unknown members is checked.
	`{"new":{"a":[1,{"b":"\u00e4"}]},"size":1}`, `{"new":{"a":[1,{"b":"\u00"}]},"size":1}`, `{"new":01,"size":1}`,
	`{"new":[1 2],"size":1}`, `{"new":tru}`,
	`{"new":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + `}`, `{"new":` + strings.Repeat("[",
		10000) + strings.Repeat("]", 10000) + `}`,
	`{"link":{"new":` + strings.Repeat(`{"a":`, 9998) + "1" + strings.Repeat("}", 9998) + `}}`,
	`{"link":{"new":` + strings.Repeat(`{"a":`, 9999) + "1" + strings.Repeat("}", 9999) + `}}`, strings.Repeat("[", 100000),
	strings.Repeat(`{"a":`, 100000),
	// Punctuation.
	`{"size":1,}`, `{,"size":1}`, `{"size"}`, `{"size":}`, `{"size":1 "page":2}`, `{"size":1;"page":2}`, `{"size" 1}`, `{size:1}`,
	`{'size':1}`, `{"size":1]`,
	`{"transactions":[{},]}`, `{"transactions":[,{}]}`, `{"transactions":[{} {}]}`, `{"transactions":[{}}`,
	`{"transactions":[{"date":"2023-02-16"}`, `{"size":1`, `{"size":`,
	`{"links":{"a":{},}}`, `{"links":{"a"}}`, `{"links":{"a":}}`, `{"links":{,}}`,
}

func TestDecodeAgreesOnOddDocuments(t *testing.T) {
	t.Parallel()
	for _, document := range oddDocuments {
		for _, of := range []reflect.Type{
			reflect.TypeFor[moneykit.TransactionPage](), reflect.TypeFor[moneykit.Transaction](), reflect.TypeFor[moneykit.UserLinks](),
			reflect.TypeFor[moneykit.UserTransactionPage](), reflect.TypeFor[moneykit.Link](),
		} {
			agree(t, of, []byte(document))
		}
	}
}

// TestDecodeOfCutDocuments cuts a page after each byte, and changes each byte.
func TestDecodeOfCutDocuments(t *testing.T) {
	t.Parallel()
	of := reflect.TypeFor[moneykit.SyncPage]()
	page := syncPageJSON(1)
	agree(t, of, page)
	for i := range page {
		agree(t, of, page[:i])
		for _, b := range []byte("\"\\}],0 \xff") {
			changed := bytes.Clone(page)
			changed[i] = b
			agree(t, of, changed)
		}
	}
}

// TestDecodeOfLongLists decodes lists beyond the sizes at which the growth changes.
func TestDecodeOfLongLists(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 15, 16, 17, 128, 129, 1000} {
		agree(t, reflect.TypeFor[moneykit.SyncPage](), syncPageJSON(n))
		list := `{"link_tags":[` + strings.TrimSuffix(strings.Repeat(`"a",`, n), ",") + `],"webhook":"` + strings.Repeat("w", 5000) + `"}`
		agree(t, reflect.TypeFor[moneykit.Link](), []byte(list))
		var link moneykit.Link
		require.NoError(t, moneykit.Decode([]byte(list), &link))
		assert.LessOrEqual(t, cap(link.Tags), max(12*n, 32), "the bytes after a list are not all items of it")
	}
}

// TestDecodedStrings checks that strings are copies, by changing a body after decoding it.
func TestDecodedStrings(t *testing.T) {
	t.Parallel()
	body := syncPageJSON(50)
	var want, got moneykit.SyncPage
	require.NoError(t, json.Unmarshal(body, &want))
	require.NoError(t, moneykit.Decode(body, &got))
	for i := range body {
		body[i] = 'x'
	}
	assert.Equal(t, want, got)
}

// TestDecodePaths checks the path and the row in errors.
func TestDecodePaths(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`[]`:                      "the document is not an object",
		`"canary"`:                "the document is not an object",
		`{"total":1.5}`:           "total is not a whole number",
		`{"TOTAL":true}`:          "total is not a whole number",
		`{"transactions":{}}`:     "transactions is not a list",
		`{"transactions":["c"]}`:  "transactions[0] is not an object",
		`{"link":{"link_id":[]}}`: "link.link_id is not a text",
		`{"link":{"link_id":"mk_1","link_tags":["a",[]]}}`: "" +
			"link.link_tags[1] of mk_1 is not a text",
		`{"link":{"products":{"accounts":[]},"link_id":"mk_1"}}`: "" +
			"link.products.accounts of mk_1 is not an object",
		`{"transactions":[{},{"pending":"canary","transaction_id":"t2"}]}`: "" +
			"transactions[1].pending of t2 is not true or false",
		`{"transactions":[{"transaction_id":"Ada Lovelace","pending":1}]}`: "" +
			"transactions[0].pending of other is not true or false",
		`{"transactions":[{"transaction_id":7,"enrichment":{"merchant":{"id":"m","confidence":"canary"}}}]}`: "" +
			"transactions[0].enrichment.merchant.confidence of m is not a number",
		`{"transactions":[{"transaction_id":"t","enrichment":{"merchant":{"confidence":"canary"}}}]}`: "" +
			"transactions[0].enrichment.merchant.confidence of t is not a number",
		`{"accounts":[{"balances":{"current":"canary"},"account_id":"acc_1"}],"total":"canary"}`: "" +
			"accounts[0].balances.current of acc_1 is not a decimal number",
		`{"total":"canary","link":`: "the document is not valid JSON",
	} {
		require.EqualError(t, moneykit.Decode([]byte(document), new(moneykit.TransactionPage)), want, document)
	}
	for document, want := range map[string]string{
		`{"links":{"mk_1":{"link_id":"mk_1","state":[]}}}`: "links[mk_1].state of mk_1 is not a text",
		`{"links":{"Ada Lovelace":{"products":{"accounts":true}}}}`: "" +
			"links[other].products.accounts is not an object",
		`{"links":{"mk_1":{"last_synced_at":"canary"}}}`: "" +
			"links[mk_1].last_synced_at is not an RFC 3339 timestamp",
		`{"links":[]}`: "links is not an object",
		`{"links":{"mk_1":{"available_products":{"\u0061":"b"}}}}`: "" +
			"links[mk_1].available_products is not a list",
		`{"links":{"mk_1":{"PRODUCTS":{"\u0061ccounts":"canary"}}}}`: "" +
			"links[mk_1].products.accounts is not an object",
	} {
		require.EqualError(t, moneykit.Decode([]byte(document), new(moneykit.UserLinks)), want, document)
	}
}

// FuzzDecode chooses the type by the first number. One target for all types takes less time than
// one target for each type.
func FuzzDecode(f *testing.F) {
	types := decoded()
	for i, of := range types {
		for n := range 2 {
			f.Add(uint8(i), []byte(sample(of, n)))
		}
	}
	page := slices.IndexFunc(types, func(t reflect.Type) bool { return t == reflect.TypeFor[moneykit.TransactionPage]() })
	for _, document := range oddDocuments {
		if len(document) < 1000 {
			f.Add(uint8(page), []byte(document))
		}
	}
	for name, body := range sandboxResponses(f) {
		i := slices.IndexFunc(types, func(t reflect.Type) bool { return t.Name() == name })
		require.NotEqual(f, -1, i, name)
		f.Add(uint8(i), body)
	}
	f.Fuzz(func(t *testing.T, i uint8, data []byte) { agree(t, types[int(i)%len(types)], data) })
}

// TestDecodeAgreesOnSandboxResponses decodes responses of the fake MoneyKit.
func TestDecodeAgreesOnSandboxResponses(t *testing.T) {
	t.Parallel()
	responses := sandboxResponses(t)
	for _, of := range decoded() {
		if body, ok := responses[of.Name()]; ok {
			agree(t, of, body)
		}
	}
}

// sandboxResponses returns responses of the fake MoneyKit by the name of their type.
func sandboxResponses(tb testing.TB) map[string][]byte {
	tb.Helper()
	mk := moneykittest.NewServer(tb)
	link, client := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"}), mk.Client()
	bodies := map[string][]byte{}
	ctx := tb.Context()
	var resp moneykit.Response
	capture := moneykit.CaptureResponse(&resp)
	keep := func(v any, err error) {
		require.NoError(tb, err)
		bodies[reflect.TypeOf(v).Elem().Name()] = bytes.Clone(resp.Body)
	}
	keep(client.Auth.Introspect(ctx, capture))
	keep(client.Links.Get(ctx, link.ID, capture))
	keep(client.Links.List(ctx, moneykit.LinkListParams{}, capture))
	keep(client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{}, capture))
	keep(client.Accounts.Numbers(ctx, link.ID, capture))
	keep(client.Identity.List(ctx, link.ID, moneykit.IdentityListParams{}, capture))
	keep(client.Transactions.List(ctx, link.ID, moneykit.TransactionListParams{Size: 20}, capture))
	keep(client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{}, capture))
	keep(client.Users.Links(ctx, "user_0001", capture))
	keep(client.Users.Accounts(ctx, "user_0001", moneykit.UserAccountListParams{}, capture))
	keep(client.Users.Transactions(ctx, "user_0001", moneykit.UserTransactionListParams{Size: 20}, capture))
	keep(client.Institutions.List(ctx, moneykit.InstitutionListParams{}, capture))
	next, stop := iter.Pull2(client.Transactions.Sync(ctx, link.ID, "", capture))
	defer stop()
	_, err, _ := next()
	keep(new(moneykit.SyncPage), err)
	return bodies
}

// syncPageJSON is a page of n changes. 1 in 26 is an update.
func syncPageJSON(n int) []byte {
	var created, updated []string
	for i := range n {
		row := fmt.Sprintf(`{"transaction_id":"txn_%022d","account_id":"acc_0000000000000000000001","amount":"%d.%02d",`+
			`"type":"debit","currency":"USD","date":"20%02d-%02d-%02d","datetime":null,"description":"Regina's Mulberry",`+
			`"raw_description":"REGINA'S MULBERRY #%d T48999-84","pending":false,"category":"food_and_drinks.restaurants",`+
			`"enrichment":{"category":{"value":"food_and_drink","confidence":99},"subcategory":{"value":"coffee","confidence":93},`+
			`"merchant":{"id":"a0822a4f-a59b-4fc9-a768-d880da5bd090","name":"Regina's","logo":null,"confidence":90},`+
			`"recurrence":null},"original_id":null}`,
			i, i%1000, i%100, 10+i%15, 1+i%12, 1+i%28, i)
		if i%26 == 25 {
			updated = append(updated, row)
		} else {
			created = append(created, row)
		}
	}
	return fmt.Appendf(nil, `{"transactions":{"created":[%s],"updated":[%s],"removed":["txn_a","txn_b"]},"accounts":[{"account_id":`+
		`"acc_0000000000000000000001","account_type":"depository.checking","name":"Checking","balances":{"currency":"USD",`+
		`"available":340.12,"current":445.89}}],"cursor":{"next":"c_17"},"has_more":false,"link":%s}`,
		strings.Join(created, ","), strings.Join(updated, ","), linkJSON)
}
