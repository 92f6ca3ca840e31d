package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestLinkSessionValidation(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	type object = map[string]any
	type list = []any
	long := func(n int) string { return strings.Repeat("é", n) }
	routed := func(number string) object {
		account := object{"account_type": "x", "name": "y", "account_number": "z", "routing_number": number}
		return object{"custom_sandbox_data": object{"accounts": list{account}}}
	}
	owner := object{"names": list{"A"}, "addresses": list{}, "phone_numbers": list{}, "emails": list{}}
	tests := map[string]struct {
		change object // changes to a valid body; nil removes a member
		at     string // location of the problem; "" for none
		kind   string
	}{
		"good": {},
		"full": {change: object{
			"customer_user": object{
				"id":    long(150),
				"email": object{"address": "a@b.c", "customer_verified_at": "2024-01-02T03:04:05"},
				"phone": object{"number": "+15550100", "country": "US", "customer_verified_at": "2024-01-02T03:04:05.678Z"},
			},
			"settings": object{
				"providers": list{"mx"}, "countries": list{"US", "GB", "CA"},
				"products": object{"identity": object{"required": true, "reason": nil}, "future": 1},
			},
			"webhook": "https://app.example/hook", "link_tags": list{"a", "B" + long(98), "1"},
			"connect_features": object{"issue_reporter": true}, "institution_id": nil, "existing_link_id": nil,
			"custom_sandbox_data": object{
				"accounts": list{object{"account_type": "x", "name": "y", "account_number": "z", "routing_number": "021000021"}},
				"owners":   list{owner},
			},
			"unknown": object{"ignored": true},
		}},
		"no user":        {change: object{"customer_user": nil}, at: "customer_user", kind: "missing"},
		"null id":        {change: object{"customer_user": object{"id": (*string)(nil)}}, at: "customer_user id", kind: "string_type"},
		"no id":          {change: object{"customer_user": object{}}, at: "customer_user id", kind: "missing"},
		"user is text":   {change: object{"customer_user": "me"}, at: "customer_user", kind: "model_attributes_type"},
		"short id":       {change: object{"customer_user": object{"id": "abc"}}, at: "customer_user id", kind: "string_too_short"},
		"long id":        {change: object{"customer_user": object{"id": long(151)}}, at: "customer_user id", kind: "string_too_long"},
		"id is a number": {change: object{"customer_user": object{"id": 12345}}, at: "customer_user id", kind: "string_type"},
		"short email": {
			change: object{"customer_user": object{"id": "user", "email": object{"address": "a@b"}}}, at: "customer_user email address",
			kind: "string_too_short",
		},
		"bad time": {
			change: object{"customer_user": object{"id": "user", "email": object{"address": "a@b.c", "customer_verified_at": "now"}}},
			at:     "customer_user email customer_verified_at", kind: "datetime_parsing",
		},
		"long phone": {
			change: object{"customer_user": object{"id": "user", "phone": object{"number": long(31)}}}, at: "customer_user phone number",
			kind: "string_too_long",
		},
		"phone's country": {
			change: object{"customer_user": object{"id": "user", "phone": object{"number": "12345", "country": "FR"}}},
			at:     "customer_user phone country", kind: "enum",
		},
		"no redirect":       {change: object{"redirect_uri": nil}, at: "redirect_uri", kind: "missing"},
		"empty redirect":    {change: object{"redirect_uri": ""}, at: "redirect_uri", kind: "string_too_short"},
		"long redirect":     {change: object{"redirect_uri": long(65537)}, at: "redirect_uri", kind: "string_too_long"},
		"unknown provider":  {change: object{"settings": object{"providers": list{"mx", "sophtron"}}}, at: "settings providers 1", kind: "enum"},
		"providers is text": {change: object{"settings": object{"providers": "mx"}}, at: "settings providers", kind: "list_type"},
		"unknown country":   {change: object{"settings": object{"countries": list{1}}}, at: "settings countries 0", kind: "string_type"},
		"prefetch is text": {
			change: object{"settings": object{"products": object{"identity": object{"prefetch": "yes"}}}},
			at:     "settings products identity prefetch", kind: "bool_type",
		},
		"empty webhook":    {change: object{"webhook": ""}, at: "webhook", kind: "string_too_short"},
		"long tag":         {change: object{"link_tags": list{"a", "b" + long(99)}}, at: "link_tags 1", kind: "string_pattern_mismatch"},
		"tag begins wrong": {change: object{"link_tags": list{"_a"}}, at: "link_tags 0", kind: "string_pattern_mismatch"},
		"empty tag":        {change: object{"link_tags": list{""}}, at: "link_tags 0", kind: "string_pattern_mismatch"},
		"tag is a number":  {change: object{"link_tags": list{1}}, at: "link_tags 0", kind: "string_type"},
		"feature is text": {
			change: object{"connect_features": object{"permit_only_one_account": "yes"}}, at: "connect_features permit_only_one_account",
			kind: "bool_type",
		},
		"no accounts": {change: object{"custom_sandbox_data": object{}}, at: "custom_sandbox_data accounts", kind: "missing"},
		"account's name": {
			change: object{"custom_sandbox_data": object{"accounts": list{object{"account_type": "x", "account_number": "z"}}}},
			at:     "custom_sandbox_data accounts 0 name", kind: "missing",
		},
		"check digit": {
			change: routed("021000022"),
			at:     "custom_sandbox_data accounts 0 routing_number", kind: "string_pattern_mismatch",
		},
		"routing letters": {
			change: routed("02100002;"),
			at:     "custom_sandbox_data accounts 0 routing_number", kind: "string_pattern_mismatch",
		},
		"routing length": {
			change: routed("00000000"),
			at:     "custom_sandbox_data accounts 0 routing_number", kind: "string_pattern_mismatch",
		},
		"owner's names": {
			change: object{"custom_sandbox_data": object{
				"accounts": list{}, "owners": list{object{"addresses": list{}, "phone_numbers": list{}, "emails": list{}}},
			}},
			at: "custom_sandbox_data owners 0 names", kind: "missing",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := object{"customer_user": object{"id": "user-42"}, "redirect_uri": "https://app.example/oauth"}
			maps.Copy(body, tt.change)
			for key, value := range tt.change {
				if value == nil && name != "full" {
					delete(body, key)
				}
			}
			data, err := json.Marshal(body)
			require.NoError(t, err)
			a := ask(t, mk, http.MethodPost, "/link-session", string(data))
			if tt.at == "" {
				assert.Equal(t, 201, a.status, "%s", a.body)
				assert.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, a.field(t, "link_session_token"))
				return
			}
			assert.Equal(t, 422, a.status)
			assert.Equal(t, "api_error.request.validation_failed", a.field(t, "error_code"))
			problems, ok := a.field(t, "validation_errors").([]any)
			require.True(t, ok)
			require.Len(t, problems, 1, "%s", a.body)
			problem, ok := problems[0].(map[string]any)
			require.True(t, ok)
			assert.Equal(t, "[body "+tt.at+"]", fmt.Sprint(problem["location"]))
			assert.Equal(t, tt.kind, problem["type"])
			assert.NotEmpty(t, problem["message"])
		})
	}
}

func TestForbiddenConfig(t *testing.T) {
	t.Parallel()
	registered := withOrigins(
		"https://app.example", "HTTPS://Other.example:443/", "http://localhost:3000", "http://localhost:80", "myapp://oauth", "nonsense",
	)
	tests := map[string]struct {
		opts        []option
		uri         string
		institution string
		forbidden   bool
	}{
		"any":                       {uri: "https://anything.example/x"},
		"any app":                   {uri: "anyapp://oauth"},
		"query":                     {uri: "https://app.example/x?y=z", forbidden: true},
		"relative":                  {uri: "/oauth", forbidden: true},
		"not a URL":                 {uri: "http://[", forbidden: true},
		"registered":                {opts: []option{registered}, uri: "https://APP.example:443/oauth"},
		"registered in capitals":    {opts: []option{registered}, uri: "https://other.example/oauth"},
		"registered with a port":    {opts: []option{registered}, uri: "http://localhost:3000"},
		"registered without a port": {opts: []option{registered}, uri: "http://localhost/x"},
		"registered app":            {opts: []option{registered}, uri: "myapp://oauth"},
		"another port":              {opts: []option{registered}, uri: "http://localhost:3001", forbidden: true},
		"another scheme":            {opts: []option{registered}, uri: "http://app.example", forbidden: true},
		"another host":              {opts: []option{registered}, uri: "https://app.example.evil.example", forbidden: true},
		"none registered":           {opts: []option{withOrigins()}, uri: "https://app.example", forbidden: true},
		"unknown institution":       {uri: "https://app.example", institution: "no-bank", forbidden: true},
		"institution of the server": {uri: "https://app.example", institution: world.CredentialsBank},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk := newFake(t, tt.opts...)
			body := map[string]any{"customer_user": map[string]any{"id": "user-42"}, "redirect_uri": tt.uri, "institution_id": tt.institution}
			err := mk.Client().Do(t.Context(), http.MethodPost, "/link-session", body, nil)
			if !tt.forbidden {
				require.NoError(t, err)
				return
			}
			isError(t, err, moneykit.ErrorCodeLinkSessionForbiddenConfig, 403)
		})
	}
}
