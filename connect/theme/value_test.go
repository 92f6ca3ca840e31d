package theme_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/connect/theme"
)

func TestValueJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]theme.Value{
		`"red"`:                         {Light: "red"},
		` {"light":"red","dark":"tan"}`: {Light: "red", Dark: "tan"},
		`null`:                          {Light: "kept"},
	} {
		got := theme.Value{Light: "kept"}
		require.NoError(t, json.Unmarshal([]byte(in), &got), in)
		assert.Equal(t, want, got, in)
		if in != `null` {
			encoded, err := json.Marshal(got)
			require.NoError(t, err)
			assert.JSONEq(t, in, string(encoded))
		}
	}
	for _, bad := range []string{
		`7`, `["red"]`, `true`, `{}`, `{"light":"red"}`, `{"dark":"red"}`, `{"light":7,"dark":"red"}`, `{"light":"","dark":"red"}`,
	} {
		kept := theme.Value{Light: "kept"}
		require.Error(t, json.Unmarshal([]byte(bad), &kept), bad)
		assert.Equal(t, theme.Value{Light: "kept"}, kept, bad)
	}
	require.Error(t, new(theme.Value).UnmarshalJSON(nil))
}

func TestWeightJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]theme.Weight{
		`100`: "100", `900`: "900", `"bold"`: "bold", `null`: "kept",
	} {
		got := theme.Weight("kept")
		require.NoError(t, json.Unmarshal([]byte(in), &got), in)
		assert.Equal(t, want, got, in)
	}
	for weight, want := range map[theme.Weight]string{
		"100": `100`, "900": `900`, "bold": `"bold"`, "450": `"450"`, "1e2": `"1e2"`, `"`: `"\""`,
	} {
		encoded, err := json.Marshal(weight)
		require.NoError(t, err)
		assert.Equal(t, want, string(encoded))
	}
	for _, bad := range []string{`450`, `1000`, `0`, `{}`, `true`} {
		var weight theme.Weight
		require.Error(t, json.Unmarshal([]byte(bad), &weight), bad)
	}
	require.Error(t, new(theme.Weight).UnmarshalJSON(nil))
}
