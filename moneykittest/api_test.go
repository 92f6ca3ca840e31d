package moneykittest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestLinkStates(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	type spec = moneykittest.LinkSpec
	tests := map[string]struct {
		spec   spec
		state  moneykit.LinkState
		reason moneykit.LinkError
		err    error // of reading accounts
		status int
	}{
		"zero":        {state: "connected"},
		"connected":   {spec: spec{State: "connected", Error: "auth_expired"}, state: "connected"},
		"error":       {spec: spec{State: "error"}, state: "error", reason: "auth_expired", err: moneykit.ErrRelinkRequired, status: 422},
		"broken":      {spec: spec{Error: "institution_error"}, state: "error", reason: "institution_error", err: moneykit.LinkErrorInstitutionError, status: 422},
		"connecting":  {spec: spec{State: "connecting"}, state: "connecting", err: moneykit.LinkErrorIncomplete, status: 422},
		"awaiting":    {spec: spec{State: "awaiting_token_exchange"}, state: "awaiting_token_exchange", err: moneykit.LinkErrorIncomplete, status: 422},
		"of tomorrow": {spec: spec{State: "hibernating"}, state: "hibernating", err: moneykit.ErrorCodeLinkBadState, status: 422},
		"deleted":     {spec: spec{State: "deleted"}, state: "deleted", err: moneykit.ErrLinkDeleted, status: 410},
		"forbidden":   {spec: spec{NotPermitted: []moneykit.Product{"accounts"}}, state: "connected", err: moneykit.ErrForbidden, status: 403},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			link := mk.AddLink(tt.spec)
			assert.Equal(t, tt.state, link.State)
			assert.Equal(t, tt.reason, link.Error)
			got, err := client.Links.Get(t.Context(), link.ID)
			require.NoError(t, err)
			assert.Equal(t, &link, got)
			_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
			if tt.err == nil {
				require.NoError(t, err)
				return
			}
			e := isError(t, err, tt.err, tt.status)
			if tt.reason != "" {
				assert.Equal(t, tt.reason, e.LinkError)
			}
			if tt.state == "deleted" {
				mk.Advance(90 * 24 * time.Hour)
				_, err = client.Links.Get(t.Context(), link.ID)
				isError(t, err, moneykit.ErrNotFound, 404)
			}
		})
	}
	_, err := client.Links.Get(t.Context(), "mk_unknown")
	isError(t, err, moneykit.ErrorCodeLinkNotFound, 404)
	_, err = client.Accounts.List(t.Context(), "mk_unknown", moneykit.AccountListParams{})
	isError(t, err, moneykit.ErrNotFound, 404)
	isError(t, client.Links.Delete(t.Context(), "mk_unknown"), moneykit.ErrNotFound, 404)
}

func TestAddLink(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	client := mk.Client()
	amount, err := moneykit.ParseDecimal("12.30")
	require.NoError(t, err)
	accounts := []moneykit.Account{
		{Name: "Mine", Type: "depository.checking", Balances: moneykit.Balances{Current: &amount}},
		{ID: "acc_closed", Name: "Gone", Closed: true},
		{ID: "acc_1", Name: "Other"},
	}
	link := mk.AddLink(moneykittest.LinkSpec{
		UserID: "user-7", InstitutionID: moneykittest.OAuthBank, Webhook: "https://app.example/hook", Tags: []string{"a", "b"},
		Products: []moneykit.Product{"transactions"}, Accounts: accounts,
	})
	assert.Equal(t, "OAuth Bank", link.InstitutionName)
	assert.Equal(t, "https://app.example/hook", link.Webhook)
	assert.Equal(t, []string{"a", "b"}, link.Tags)
	assert.Equal(t, []moneykit.Product{"account_numbers", "identity", "investments", "enrichment"}, link.AvailableProducts)
	list, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	require.Len(t, list.Accounts, 2, "closed accounts are not listed")
	assert.Regexp(t, `^acc_[0-9A-Za-z]{22}$`, list.Accounts[0].ID)
	assert.Equal(t, "12.30", list.Accounts[0].Balances.Current.String())
	assert.Equal(t, "acc_1", list.Accounts[1].ID)
	assert.Empty(t, accounts[0].ID, "the test's own list stays as it is")
	assert.Empty(t, tb.errors)

	link = mk.AddLink(moneykittest.LinkSpec{InstitutionID: "chase"})
	assert.Equal(t, moneykittest.InstantBank, link.InstitutionID)
	assert.Len(t, tb.errors, 1)

	// Times that JSON has no form for.
	bad := moneykit.Timestamp{Time: time.Date(123456, 1, 1, 0, 0, 0, 0, time.UTC)}
	link = mk.AddLink(moneykittest.LinkSpec{Accounts: []moneykit.Account{{Balances: moneykit.Balances{Date: bad}}}})
	_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{}, moneykit.WithoutRetry())
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 500, e.StatusCode)
	assert.Len(t, tb.errors, 2)
	strange, tb := newFake(t, moneykittest.WithClock(func() time.Time { return bad.Time }))
	strange.AddLink(moneykittest.LinkSpec{})
	assert.Len(t, tb.errors, 1)
}

func TestBreak(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	_, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	isError(t, err, moneykit.ErrRelinkRequired, 422)
	mk.Break(link.ID, "")
	_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	assert.Empty(t, tb.errors)

	require.NoError(t, client.Links.Delete(t.Context(), link.ID))
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	mk.Break("mk_unknown", moneykit.LinkErrorAuthExpired)
	assert.Len(t, tb.errors, 2)
	got, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateDeleted, got.State)
}

// TestWire looks at the JSON of a link, past the SDK.
func TestWire(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{Products: []moneykit.Product{"transactions"}, Tags: []string{"a"}})
	for _, a := range []answer{
		send(t, mk, http.MethodGet, "/links/"+link.ID, ""),
		send(t, mk, http.MethodGet, "/links/"+link.ID+"/accounts", ""),
	} {
		require.Equal(t, 200, a.status)
		var at []string
		if _, ok := a.field(t).(map[string]any)["accounts"]; ok {
			at = []string{"link"}
		}
		products, ok := a.field(t, append(at, "products")...).(map[string]any)
		require.True(t, ok)
		assert.Len(t, products, 2)
		for name, value := range products {
			p, ok := value.(map[string]any)
			require.True(t, ok)
			for _, null := range []string{"error_code", "error_message"} {
				value, ok := p[null]
				assert.True(t, ok, null)
				assert.Nil(t, value)
			}
			assert.Equal(t, name == "transactions", p["has_history"] == true)
			assert.NotEmpty(t, p["refreshed_at"])
		}
		assert.Equal(t, []any{"a"}, a.field(t, append(at, "tags")...))
		assert.NotEmpty(t, a.field(t, append(at, "last_synced_at")...))
	}
	a := send(t, mk, http.MethodDelete, "/links/"+link.ID, "")
	assert.Equal(t, 204, a.status)
	assert.Empty(t, a.body)
	assert.Empty(t, a.header.Get("Content-Type"))
	a = send(t, mk, http.MethodDelete, "/links/"+link.ID, "")
	assert.Equal(t, 410, a.status)
	assert.JSONEq(t, `{"error_code":"link_error.deleted","error_message":"the link has been deleted","documentation_url":null}`, string(a.body))
}

func TestLinkSessionValidation(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	type object = map[string]any
	type list = []any
	long := func(n int) string { return strings.Repeat("é", n) }
	owner := object{"names": list{"A"}, "addresses": list{}, "phone_numbers": list{}, "emails": list{}}
	tests := map[string]struct {
		change object // of a good body; nil removes
		at     string // the location of the fault; "" for none
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
				"products": object{"identity": object{"required": true, "reason": "x"}, "transactions": nil, "future": 1},
			},
			"webhook": "https://app.example/hook", "link_tags": list{"a", "B" + long(98), "1"},
			"connect_features": object{"issue_reporter": true}, "institution_id": nil, "existing_link_id": nil,
			"custom_sandbox_data": object{
				"accounts": list{object{"account_type": "x", "name": "y", "account_number": "z", "routing_number": "021000021"}},
				"owners":   list{owner},
			},
			"unknown": object{"ignored": true},
		}},
		"no user":           {change: object{"customer_user": nil}, at: "customer_user", kind: "missing"},
		"null id":           {change: object{"customer_user": object{"id": (*string)(nil)}}, at: "customer_user id", kind: "string_type"},
		"no id":             {change: object{"customer_user": object{}}, at: "customer_user id", kind: "missing"},
		"user is text":      {change: object{"customer_user": "me"}, at: "customer_user", kind: "model_attributes_type"},
		"short id":          {change: object{"customer_user": object{"id": "abc"}}, at: "customer_user id", kind: "string_too_short"},
		"long id":           {change: object{"customer_user": object{"id": long(151)}}, at: "customer_user id", kind: "string_too_long"},
		"id is a number":    {change: object{"customer_user": object{"id": 12345}}, at: "customer_user id", kind: "string_type"},
		"short email":       {change: object{"customer_user": object{"id": "user", "email": object{"address": "a@b"}}}, at: "customer_user email address", kind: "string_too_short"},
		"bad time":          {change: object{"customer_user": object{"id": "user", "email": object{"address": "a@b.c", "customer_verified_at": "now"}}}, at: "customer_user email customer_verified_at", kind: "datetime_parsing"},
		"long phone":        {change: object{"customer_user": object{"id": "user", "phone": object{"number": long(31)}}}, at: "customer_user phone number", kind: "string_too_long"},
		"phone's country":   {change: object{"customer_user": object{"id": "user", "phone": object{"number": "12345", "country": "FR"}}}, at: "customer_user phone country", kind: "enum"},
		"no redirect":       {change: object{"redirect_uri": nil}, at: "redirect_uri", kind: "missing"},
		"empty redirect":    {change: object{"redirect_uri": ""}, at: "redirect_uri", kind: "string_too_short"},
		"long redirect":     {change: object{"redirect_uri": long(65537)}, at: "redirect_uri", kind: "string_too_long"},
		"unknown provider":  {change: object{"settings": object{"providers": list{"mx", "sophtron"}}}, at: "settings providers 1", kind: "enum"},
		"providers is text": {change: object{"settings": object{"providers": "mx"}}, at: "settings providers", kind: "list_type"},
		"unknown country":   {change: object{"settings": object{"countries": list{1}}}, at: "settings countries 0", kind: "string_type"},
		"prefetch is text":  {change: object{"settings": object{"products": object{"identity": object{"prefetch": "yes"}}}}, at: "settings products identity prefetch", kind: "bool_type"},
		"empty webhook":     {change: object{"webhook": ""}, at: "webhook", kind: "string_too_short"},
		"long tag":          {change: object{"link_tags": list{"a", "b" + long(99)}}, at: "link_tags 1", kind: "string_pattern_mismatch"},
		"tag begins wrong":  {change: object{"link_tags": list{"_a"}}, at: "link_tags 0", kind: "string_pattern_mismatch"},
		"empty tag":         {change: object{"link_tags": list{""}}, at: "link_tags 0", kind: "string_pattern_mismatch"},
		"tag is a number":   {change: object{"link_tags": list{1}}, at: "link_tags 0", kind: "string_type"},
		"feature is text":   {change: object{"connect_features": object{"permit_only_one_account": "yes"}}, at: "connect_features permit_only_one_account", kind: "bool_type"},
		"no accounts":       {change: object{"custom_sandbox_data": object{}}, at: "custom_sandbox_data accounts", kind: "missing"},
		"account's name":    {change: object{"custom_sandbox_data": object{"accounts": list{object{"account_type": "x", "account_number": "z"}}}}, at: "custom_sandbox_data accounts 0 name", kind: "missing"},
		"check digit":       {change: object{"custom_sandbox_data": object{"accounts": list{object{"account_type": "x", "name": "y", "account_number": "z", "routing_number": "021000022"}}}}, at: "custom_sandbox_data accounts 0 routing_number", kind: "string_pattern_mismatch"},
		"routing letters":   {change: object{"custom_sandbox_data": object{"accounts": list{object{"account_type": "x", "name": "y", "account_number": "z", "routing_number": "02100002;"}}}}, at: "custom_sandbox_data accounts 0 routing_number", kind: "string_pattern_mismatch"},
		"routing length":    {change: object{"custom_sandbox_data": object{"accounts": list{object{"account_type": "x", "name": "y", "account_number": "z", "routing_number": "00000000"}}}}, at: "custom_sandbox_data accounts 0 routing_number", kind: "string_pattern_mismatch"},
		"owner's names":     {change: object{"custom_sandbox_data": object{"accounts": list{}, "owners": list{object{"addresses": list{}, "phone_numbers": list{}, "emails": list{}}}}}, at: "custom_sandbox_data owners 0 names", kind: "missing"},
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
			a := send(t, mk, http.MethodPost, "/link-session", string(data))
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

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	tests := map[string]struct {
		body    string
		headers []string
		kind    string
	}{
		"nothing":      {kind: "missing"},
		"spaces":       {body: "  ", kind: "missing"},
		"not JSON":     {body: "{", kind: "json_invalid"},
		"more than it": {body: "{}{}", kind: "json_invalid"},
		"too large":    {body: `{"exchangeable_token":1e999999}`, kind: "string_type"},
		"a list":       {body: "[]", kind: "model_attributes_type"},
		"form":         {body: "{}", headers: []string{"Content-Type: application/x-www-form-urlencoded"}, kind: "model_attributes_type"},
		"bad type":     {body: "{}", headers: []string{"Content-Type: ;"}, kind: "model_attributes_type"},
		"no type":      {body: "{}", headers: []string{"Content-Type:"}, kind: "missing"},
		"json of some": {body: "{}", headers: []string{"Content-Type: application/x+json; charset=utf-8"}, kind: "missing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := send(t, mk, http.MethodPost, "/link-session/exchange-token", tt.body, tt.headers...)
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
	t.Run("over a megabyte", func(t *testing.T) {
		t.Parallel()
		body := `{"exchangeable_token":"` + strings.Repeat("x", 1<<20) + `"}`
		for _, client := range []*moneykit.Client{mk.Client(), mk.Client(moneykit.WithHTTPClient(http.DefaultClient), moneykit.WithBaseURL(mk.URL()))} {
			err := client.Do(t.Context(), http.MethodPost, "/link-session/exchange-token", json.RawMessage(body), nil)
			var e *moneykit.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, 413, e.StatusCode, "%v", err)
		}
	})
}

func TestForbiddenConfig(t *testing.T) {
	t.Parallel()
	registered := moneykittest.WithRedirectOrigins("https://app.example", "HTTPS://Other.example:443/", "http://localhost:3000", "http://localhost:80", "myapp://oauth", "nonsense")
	tests := map[string]struct {
		opts        []moneykittest.Option
		uri         string
		institution string
		forbidden   bool
	}{
		"any":                       {uri: "https://anything.example/x"},
		"any app":                   {uri: "anyapp://oauth"},
		"query":                     {uri: "https://app.example/x?y=z", forbidden: true},
		"relative":                  {uri: "/oauth", forbidden: true},
		"no URL":                    {uri: "http://[", forbidden: true},
		"registered":                {opts: []moneykittest.Option{registered}, uri: "https://APP.example:443/oauth"},
		"registered in capitals":    {opts: []moneykittest.Option{registered}, uri: "https://other.example/oauth"},
		"registered with a port":    {opts: []moneykittest.Option{registered}, uri: "http://localhost:3000"},
		"registered without":        {opts: []moneykittest.Option{registered}, uri: "http://localhost/x"},
		"registered app":            {opts: []moneykittest.Option{registered}, uri: "myapp://oauth"},
		"another port":              {opts: []moneykittest.Option{registered}, uri: "http://localhost:3001", forbidden: true},
		"another scheme":            {opts: []moneykittest.Option{registered}, uri: "http://app.example", forbidden: true},
		"another host":              {opts: []moneykittest.Option{registered}, uri: "https://app.example.evil.example", forbidden: true},
		"none registered":           {opts: []moneykittest.Option{moneykittest.WithRedirectOrigins()}, uri: "https://app.example", forbidden: true},
		"unknown institution":       {uri: "https://app.example", institution: "chase", forbidden: true},
		"institution of the server": {uri: "https://app.example", institution: moneykittest.CredentialsBank},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk := moneykittest.NewServer(t, tt.opts...)
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
