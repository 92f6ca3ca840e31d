package moneykittest_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// decode reads an answer.
func decode(t *testing.T, a answer, value any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, value), "%s", a.body)
}

// encode writes a forged cursor.
func encode(place string) string { return base64.RawURLEncoding.EncodeToString([]byte(place)) }

// raw returns a member of an answer as it was written.
func raw(t *testing.T, a answer, name string) json.RawMessage {
	t.Helper()
	var object map[string]json.RawMessage
	decode(t, a, &object)
	return object[name]
}
