package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// reads returns the paths of all reads of a link.
func reads(link moneykit.Link, account string) []string {
	of := "/links/" + link.ID
	return []string{
		"/links", of, of + "/accounts", of + "/accounts/numbers", of + "/accounts/" + account, of + "/identity", of + "/transactions",
		of + "/transactions/sync", of + "/investments/holdings", of + "/investments/transactions", "/users/user_0001/accounts",
		"/users/user_0001/links", "/users/user_0001/transactions", "/institutions", "/institutions/chase", "/auth/introspect",
	}
}

// TestShapes reads everything with all combinations of the settings for the form of JSON. The
// responses are the same to the SDK.
func TestShapes(t *testing.T) {
	t.Parallel()
	moment := regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)
	zoneless := regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"$`)
	seen := map[bool]int{} // whether there were nulls
	for _, nulls := range []bool{false, true} {
		for _, noZone := range []bool{false, true} {
			mk := newFake(t, day())
			other := newFake(t, day(), withAPI(func(s *api.Settings) { s.Nulls, s.Zoneless = nulls, noZone }))
			spec := world.LinkSpec{Tags: []string{"a"}, Accounts: []moneykit.Account{
				{ID: "acc_1", Type: "depository", Name: "One"},
				{ID: "acc_2", Type: "investment", Name: "Two", Balances: moneykit.Balances{Currency: "EUR"}},
			}}
			link := mk.addLink(t, spec)
			assert.Equal(t, link, other.addLink(t, spec))
			for _, path := range reads(link, "acc_1") {
				want, got := ask(t, mk, http.MethodGet, path, ""), ask(t, other, http.MethodGet, path, "")
				require.Equal(t, 200, got.status, path)
				seen[nulls] += strings.Count(string(got.body), ":null")
				for _, m := range moment.FindAllString(string(got.body), -1) {
					assert.Equal(t, noZone, zoneless.MatchString(m), "%s: %s", path, m)
				}
				assert.Equal(t, plain(t, want.body), plain(t, got.body), path)
			}
		}
	}
	assert.Greater(t, seen[true], 3*seen[false])
}

// plain returns JSON without nulls and with normalized times.
func plain(t *testing.T, body []byte) any {
	t.Helper()
	var tree any
	require.NoError(t, json.Unmarshal(body, &tree))
	var strip func(any) any
	strip = func(node any) any {
		switch n := node.(type) {
		case []any:
			for i := range n {
				n[i] = strip(n[i])
			}
		case map[string]any:
			for name, member := range n {
				if member == nil {
					delete(n, name)
				} else {
					n[name] = strip(member)
				}
			}
		case string:
			if moment, err := moneykit.ParseTimestamp(n); err == nil && len(n) > len("2006-01-02") {
				return moment.UTC().String()
			}
		}
		return node
	}
	return strip(tree)
}

// TestWithNulls checks some of the members that are null.
func TestWithNulls(t *testing.T) {
	t.Parallel()
	mk := newFake(t, withAPI(func(s *api.Settings) { s.Nulls = true }))
	link := mk.addLink(t, world.LinkSpec{Products: []moneykit.Product{}, Accounts: []moneykit.Account{{ID: "acc_1", Type: "other", Name: "One"}}})
	a := ask(t, mk, http.MethodGet, "/links/"+link.ID, "")
	for _, name := range []string{"error_code", "webhook", "link_tags", "tags"} {
		assert.Nil(t, a.field(t, name), name)
	}
	assert.Nil(t, a.field(t, "products", "identity"))
	assert.Nil(t, a.field(t, "products", "accounts", "unavailable"))
	assert.NotContains(t, a.field(t, "products", "accounts"), "has_history")
	assert.NotNil(t, a.field(t, "products", "accounts", "refreshed_at"))
	assert.NotNil(t, a.field(t, "available_products"), "this one is required")
	a = ask(t, mk, http.MethodGet, "/links/"+link.ID+"/accounts/acc_1", "")
	for _, name := range []string{"nickname", "account_mask", "closed", "original_id"} {
		assert.Nil(t, a.field(t, "account", name), name)
	}
	for _, name := range []string{"currency", "available", "current", "limit", "balance_date"} {
		assert.Nil(t, a.field(t, "account", "balances", name), name)
	}
	// Refusals have no additional nulls.
	a = ask(t, mk, http.MethodGet, "/links/mk_x", "")
	assert.JSONEq(t, `{"error_code":"link_error.not_found","error_message":"there is no such link","documentation_url":null}`, string(a.body))
	// The body of a planned fault is sent unchanged.
	mk.Fail("get_link", 1, api.Fault{Body: `{"link_id":"mk_x"}`})
	assert.JSONEq(t, `{"link_id":"mk_x"}`, string(ask(t, mk, http.MethodGet, "/links/"+link.ID, "").body))
}
