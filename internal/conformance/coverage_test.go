package conformance

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// This file compares the operations and the table answers to the document, and to the observed
// responses.

func TestExchanges(t *testing.T) {
	t.Parallel()
	var alone, forced tally
	t.Run("scenarios", func(t *testing.T) { // it ends after all its subtests
		for name, run := range map[string]func(*testing.T, *tally){
			"flows": flows, "authentication": authentication, "tokens": tokens, "sessions": sessions,
			"malformed": malformed, "links": links, "accounts": accounts, "limits": limits,
			"refusals": refusals, "requests": requests, "transactions": transactions, "syncs": syncs,
			"investments": investments, "owners": owners, "refreshes": refreshes, "imports": imports,
			"users": users, "updates": updates, "directories": directories, "events": events,
		} {
			t.Run(name, func(t *testing.T) { run(t, &alone) })
		}
		t.Run("planned", func(t *testing.T) { planned(t, &forced) })
	})
	for a, why := range answers {
		seen := alone.seen[a]
		if why != byItself {
			assert.Zero(t, seen, "%v is seen by itself", a)
			seen = forced.seen[a]
		}
		assert.Positive(t, seen, "%v is not seen", a)
	}
	for a := range alone.seen {
		assert.Contains(t, answers, a)
	}
	t.Log(len(answers), "answers, seen by themselves:", alone.seen)
}

// TestAnswersAreDeclared compares the table to the document, in both directions.
func TestAnswersAreDeclared(t *testing.T) {
	t.Parallel()
	o, err := theOracle()
	require.NoError(t, err)
	var declared []answer
	for _, op := range operations() {
		for status, response := range o.operation(t, op.id).Responses.Map() {
			n, err := strconv.Atoi(status)
			require.NoError(t, err)
			if n < 400 {
				declared = append(declared, answer{op.id, n, ""})
				continue
			}
			for _, part := range response.Value.Content["application/json"].Schema.Value.AllOf {
				if code := part.Value.Properties["error_code"]; code != nil {
					for _, value := range code.Value.Enum {
						declared = append(declared, answer{op.id, n, value.(string)})
					}
				}
			}
		}
	}
	assert.ElementsMatch(t, declared, slices.Collect(maps.Keys(answers)))
}

// TestOperations checks that all operations of the document have a method and are covered.
func TestOperations(t *testing.T) {
	t.Parallel()
	o, err := theOracle()
	require.NoError(t, err)
	var declared, covered []string
	for path, item := range o.doc.Paths.Map() {
		for method, op := range item.Operations() {
			declared = append(declared, op.OperationID)
			require.IsType(t, "", op.Extensions["x-go-method"], "%s %s", method, path)
			service, name, _ := strings.Cut(op.Extensions["x-go-method"].(string), ".")
			field, ok := reflect.TypeFor[moneykit.Client]().FieldByName(service)
			require.True(t, ok, service)
			_, ok = field.Type.MethodByName(name)
			assert.True(t, ok, "%s.%s", service, name)
		}
	}
	for _, op := range operations() {
		covered = append(covered, op.id)
	}
	assert.ElementsMatch(t, declared, covered)
}
