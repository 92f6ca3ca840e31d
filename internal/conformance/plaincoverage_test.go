package conformance

import (
	"path"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file runs the plain clients, and checks that the responses cover the whole document.

// TestPlain runs the plain clients. Each operation of the document must have succeeded and failed.
// It must have sent all responses that moneykittest sends without a planned fault, with all
// members.
func TestPlain(t *testing.T) {
	t.Parallel()
	var seen, nulls heard
	t.Run("clients", func(t *testing.T) { // it ends after all its subtests
		for name, run := range map[string]func(*testing.T, *heard){
			"requests": plainRequests, "methods": plainMethods, "heads": plainHeads, "paths": plainPaths,
			"bodies framed": plainBodiesFramed, "connections": plainConnections, "TCP": plainTCP,
			"media": plainMedia, "syntax": plainSyntax, "members": plainMembers, "values": plainValues, "lists": plainLists,
			"credentials": plainCredentials, "tokens": plainTokens, "scopes": plainScopes, "links": plainLinks,
			"sessions": plainSessions, "limits": plainLimits,
			"parameters": plainParameters, "pages": plainPages, "cursors": plainCursors, "syncs": plainSyncs,
			"moments": plainMoments, "shapes": plainShapes,
		} {
			t.Run(name, func(t *testing.T) { run(t, &seen) })
		}
		t.Run("nulls", func(t *testing.T) { plainNulls(t, &nulls) })
	})
	succeeded := map[string]bool{}
	for a := range seen.seen {
		if a.status < 400 {
			succeeded[a.operation] = true
		}
	}
	for _, id := range operationIDs(t) {
		assert.True(t, succeeded[id], "%s has not succeeded", id)
		assert.True(t, seen.failed[id], "%s has not failed", id)
	}
	for a, why := range answers {
		if why == byItself {
			assert.Positive(t, seen.seen[a], "%v is not heard", a)
		}
	}
	t.Run("members", func(t *testing.T) { allMembers(t, &seen, &nulls) })
}

// allMembers requires all members of successful responses, with a value and with null.
func allMembers(t *testing.T, seen, nulls *heard) {
	t.Helper()
	o, err := theOracle()
	require.NoError(t, err)
	optional := map[member]bool{}
	for _, id := range operationIDs(t) {
		for status, response := range o.operation(t, id).Responses.Map() {
			if media := response.Value.Content["application/json"]; status < "300" && media != nil {
				addMembers(optional, media.Schema)
			}
		}
	}
	for m, optional := range optional {
		assert.Equal(t, !neverThere[m], seen.members[m].value, "%v has a value", m)
		if optional {
			assert.Equal(t, !neverNull[m], nulls.members[m].null, "%v is null", m)
		}
		assert.False(t, nulls.members[m].absent, "%v is absent in spite of WithNulls", m)
	}
	for _, table := range []map[member]bool{neverThere, neverNull} {
		for m := range table {
			assert.Contains(t, optional, m)
		}
	}
}

// addMembers adds all members of a schema, with true for optional ones.
func addMembers(all map[member]bool, ref *openapi3.SchemaRef) {
	if len(ref.Value.AnyOf) > 0 {
		ref = ref.Value.AnyOf[0] // the other variant is null
	}
	for name, property := range ref.Value.Properties {
		all[member{path.Base(ref.Ref), name}] = !slices.Contains(ref.Value.Required, name)
		addMembers(all, property)
	}
	if ref.Value.Items != nil {
		addMembers(all, ref.Value.Items)
	}
	if other := ref.Value.AdditionalProperties.Schema; other != nil {
		addMembers(all, other)
	}
}
