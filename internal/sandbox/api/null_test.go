package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// eachNull sets each member of the objects in a tree to null in turn, and calls f with the path of
// the member.
func eachNull(node any, path string, f func(path string)) {
	switch n := node.(type) {
	case []any:
		for i, item := range n {
			eachNull(item, fmt.Sprint(path, i, " "), f)
		}
	case map[string]any:
		for name, member := range n {
			eachNull(member, path+name+" ", f)
			n[name] = nil
			f(path + name)
			n[name] = member
		}
	}
}

// fullSession is a body of create_link_session with all members.
const fullSession = `{
	"customer_user": {
		"id": "user-42", "email": {"address": "a@b.example", "customer_verified_at": "2030-01-01"},
		"phone": {"number": "+15550100", "country": "US", "customer_verified_at": "2030-01-01"}
	},
	"redirect_uri": "https://app.example", "institution_id": "chase", "existing_link_id": "", "webhook": "https://app.example/hook",
	"link_tags": ["a"],
	"settings": {"providers": ["mx"], "countries": ["US"], "products": {
		"account_numbers": {"required": true, "require_permission": true, "prefetch": true, "reason": "x"},
		"identity": {}, "transactions": {}, "investments": {}
	}},
	"connect_features": {
		"issue_reporter": true, "enable_money_id": true, "duplicate_institution_warning": true, "duplicate_institution_rejected": true,
		"connect_manually": true, "permit_only_one_account": true, "permit_only_depository_accounts": true
	},
	"custom_sandbox_data": {
		"accounts": [{"account_type": "other", "name": "x", "account_number": "1", "routing_number": "021000021"}],
		"owners": [{
			"names": ["A"], "addresses": [{"street": "x", "primary": true}],
			"phone_numbers": [{"number": "1", "type": "home", "primary": true}], "emails": [{"address": "x", "primary": true}]
		}]
	}
}`

const fullImport = `{
	"customer_user": {"id": "user-42"}, "institution_id": "chase", "provider": "mx",
	"accounts": [{
		"account_id": "a", "name": "A", "type": "other", "nickname": "N", "mask": "1",
		"balances": {"currency": "USD", "available": 1, "current": 1, "limit": 1, "balance_date": "2030-01-01"}
	}],
	"transactions": [{"transaction_id": "t", "account_id": "a", "amount": "1", "date": "2030-01-01", "description": "d", "type": "t"}]
}`

// TestNulls sends each member of all bodies as null. The request is refused, except for the members
// that may be null.
func TestNulls(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link := mk.addLink(t, world.LinkSpec{})
	for _, tt := range []struct {
		method, path, body string
		may                []string
	}{
		{http.MethodPost, "/link-session", fullSession, []string{
			"customer_user email", "customer_user email customer_verified_at",
			"customer_user phone", "customer_user phone country", "customer_user phone customer_verified_at",
			"institution_id", "existing_link_id", "webhook", "settings", "settings providers", "settings countries", "settings products",
			"settings products account_numbers required", "settings products account_numbers require_permission",
			"settings products account_numbers prefetch", "settings products account_numbers reason",
			"custom_sandbox_data owners 0 addresses 0 street",
			"custom_sandbox_data owners 0 addresses 0 primary", "custom_sandbox_data owners 0 phone_numbers 0 primary",
			"custom_sandbox_data owners 0 emails 0 primary",
		}},
		{http.MethodPost, "/links/import", fullImport, []string{
			"accounts 0 balances currency", "accounts 0 balances available", "accounts 0 balances current", "accounts 0 balances limit",
			"accounts 0 balances balance_date",
		}},
		{http.MethodPatch, "/links/" + link.ID, `{"link_tags": ["a"], "tags": ["a"], "webhook": "https://app.example"}`, []string{"webhook", "tags"}},
		{http.MethodPost, "/links/" + link.ID + "/products", `{"products": ["accounts"]}`, nil},
		{http.MethodPost, "/links/" + link.ID + "/transactions/x/enrichment", `{"category": "travel", "subcategory": "taxi"}`, nil},
		{http.MethodPost, "/link-session/exchange-token", `{"exchangeable_token": "x"}`, nil},
		{http.MethodPost, "/webhooks/test/link/" + link.ID, `{"webhook_event": "link.state_changed", "webhook_idempotency_key": "k"}`, nil},
	} {
		assert.NotEqual(t, 422, ask(t, mk, tt.method, tt.path, tt.body).status, tt.path)
		var body any
		require.NoError(t, json.Unmarshal([]byte(tt.body), &body))
		var paths []string
		eachNull(body, "", func(path string) {
			paths = append(paths, path)
			data, err := json.Marshal(body)
			require.NoError(t, err)
			a := ask(t, mk, tt.method, tt.path, string(data))
			assert.Equal(t, !slices.Contains(tt.may, path), a.status == 422, "%s %s: %s is null: %s", tt.method, tt.path, path, a.body)
			if a.status == 422 {
				problem, ok := a.field(t, "validation_errors").([]any)[0].(map[string]any)
				require.True(t, ok)
				assert.Equal(t, "body "+path, strings.Trim(fmt.Sprint(problem["location"]), "[]"))
			}
		})
		assert.Subset(t, paths, tt.may)
	}
}
