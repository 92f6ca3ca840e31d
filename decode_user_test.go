package moneykit_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// TestTypesThroughEncodingJSON stores responses with encoding/json and loads them again, as a
// program does that keeps them. encoding/json loads what the client decoded from odd scalars, too,
// because the types encode them in the documented form.
func TestTypesThroughEncodingJSON(t *testing.T) {
	t.Parallel()
	responses := sandboxResponses(t)
	for _, of := range decoded() {
		if of == reflect.TypeFor[moneykit.LinkSession]() {
			continue // It holds a secret and does not encode its fields.
		}
		t.Run(of.Name(), func(t *testing.T) {
			t.Parallel()
			if body, ok := responses[of.Name()]; ok {
				require.True(t, reloads(t, of, body))
			}
			require.True(t, reloads(t, of, []byte(sample(of, 1))))
			for i := range of.NumField() {
				name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
				before, after, _ := strings.Cut(object(of, i, name, "VALUE"), "VALUE")
				for _, value := range oddValues {
					reloads(t, of, []byte(before+value+after))
				}
			}
		})
	}
}

// reloads requires that a value that was decoded from document is the same after encoding/json has
// encoded and decoded it, with the difference that an empty list may be nil and an absent amount 0.
// It reports whether the document can be decoded.
func reloads(t *testing.T, of reflect.Type, document []byte) bool {
	t.Helper()
	value := reflect.New(of).Interface()
	if moneykit.Decode(document, value) != nil {
		return false
	}
	stored, err := json.Marshal(value)
	require.NoErrorf(t, err, "%v of %.200q", of, document)
	loaded := reflect.New(of).Interface()
	require.NoErrorf(t, json.Unmarshal(stored, loaded), "%v of %.200q", of, document)
	again, err := json.Marshal(loaded)
	require.NoError(t, err)
	require.Equalf(t, string(stored), string(again), "%v of %.200q", of, document)
	agree(t, of, stored)
	return true
}

// TestWhatOnlyTheClientDecodes lists the differences between the client and encoding/json: a
// scalar in another form, unless its type has a decoder of its own.
func TestWhatOnlyTheClientDecodes(t *testing.T) {
	t.Parallel()
	of := reflect.TypeFor[moneykit.Transaction]()
	for _, document := range []string{
		`{"date":"20230216","datetime":"2023-02-16 09:14","amount":1.5}`, `{"amount":"15e-1"}`, `{"DESCRIPTION":"a"}`, `{"description":null}`,
	} {
		require.NoError(t, json.Unmarshal([]byte(document), new(moneykit.Transaction)), document)
		agree(t, of, []byte(document))
	}
	for _, document := range []string{
		`{"description":7}`, `{"transaction_id":7}`, `{"type":1.5}`, `{"pending":"false"}`, `{"enrichment":{"category":{"confidence":"97"}}}`,
	} {
		require.NoError(t, moneykit.Decode([]byte(document), new(moneykit.Transaction)), document)
		require.Error(t, json.Unmarshal([]byte(document), new(moneykit.Transaction)), document)
		agree(t, of, []byte(document))
	}
	for _, count := range []string{`"500"`, `5e2`, `500.0`} {
		require.NoError(t, moneykit.Decode([]byte(`{"total":`+count+`}`), new(moneykit.TransactionPage)), count)
		require.Error(t, json.Unmarshal([]byte(`{"total":`+count+`}`), new(moneykit.TransactionPage)), count)
	}
}
