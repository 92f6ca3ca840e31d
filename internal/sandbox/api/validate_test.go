package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	tests := map[string]struct {
		body    string
		headers []string
		kind    string
	}{
		"nothing":       {kind: "missing"},
		"spaces":        {body: "  ", kind: "missing"},
		"not JSON":      {body: "{", kind: "json_invalid"},
		"trailing data": {body: "{}{}", kind: "json_invalid"},
		"not UTF-8":     {body: "{\"exchangeable_token\":\"\xff\"}", kind: "json_invalid"},
		"other case":    {body: `{"Exchangeable_Token":"x"}`, kind: "missing"},
		"too large":     {body: `{"exchangeable_token":1e999999}`, kind: "string_type"},
		"a list":        {body: "[]", kind: "model_attributes_type"},
		"form":          {body: "{}", headers: []string{"Content-Type: application/x-www-form-urlencoded"}, kind: "model_attributes_type"},
		"bad type":      {body: "{}", headers: []string{"Content-Type: ;"}, kind: "model_attributes_type"},
		"no type":       {body: "{}", headers: []string{"Content-Type:"}, kind: "missing"},
		"JSON suffix":   {body: "{}", headers: []string{"Content-Type: application/x+json; charset=utf-8"}, kind: "missing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, mk, http.MethodPost, "/link-session/exchange-token", tt.body, tt.headers...)
			assert.Equal(t, 422, a.status)
			problems, ok := a.field(t, "validation_errors").([]any)
			require.True(t, ok)
			problem, ok := problems[0].(map[string]any)
			require.True(t, ok)
			assert.Equal(t, tt.kind, problem["type"])
		})
	}
	t.Run("fields for the client", func(t *testing.T) {
		t.Parallel()
		body := map[string]any{
			"customer_user": map[string]any{"id": "x"}, "redirect_uri": "https://app.example", "link_tags": []string{"_"},
			"custom_sandbox_data": map[string]any{"accounts": []int{1, 2}},
		}
		err := mk.Client().Do(t.Context(), http.MethodPost, "/link-session", body, nil)
		e := isError(t, err, moneykit.ErrorCodeValidationFailed, 422)
		assert.Equal(t, []moneykit.FieldError{
			{Field: "customer_user.id", Message: "must have at least 4 characters"},
			{Field: "link_tags[0]", Message: "must begin with a letter or digit and have at most 99 characters"},
			{Field: "custom_sandbox_data.accounts[0]", Message: "must be an object"},
			{Field: "custom_sandbox_data.accounts[1]", Message: "must be an object"},
		}, e.Fields)
	})
	t.Run("more than a megabyte", func(t *testing.T) {
		t.Parallel()
		body := `{"exchangeable_token":"` + strings.Repeat("x", 1<<20) + `"}`
		err := mk.Client().Do(t.Context(), http.MethodPost, "/link-session/exchange-token", json.RawMessage(body), nil)
		var e *moneykit.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 413, e.StatusCode, "%v", err)
	})
}

// TestNamesInAnotherCase sends members whose names differ from the API's in case only. The API
// ignores them, like all unknown members.
func TestNamesInAnotherCase(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	a := ask(t, mk, http.MethodPost, "/link-session", `{
		"customer_user": {"id": "user-42", "Email": 7}, "redirect_uri": "https://app.example",
		"Institution_ID": "no-bank", "WEBHOOK": 7, "Redirect_URI": "none", "settings": {"Countries": ["FR"]}
	}`)
	assert.Equal(t, 201, a.status, "%s", a.body)
}
