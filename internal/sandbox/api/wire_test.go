package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// TestWire checks the JSON of a link without the SDK.
func TestWire(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link := mk.addLink(t, world.LinkSpec{Products: []moneykit.Product{"transactions"}, Tags: []string{"a"}})
	for _, a := range []answer{
		ask(t, mk, http.MethodGet, "/links/"+link.ID, ""),
		ask(t, mk, http.MethodGet, "/links/"+link.ID+"/accounts", ""),
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
	a := ask(t, mk, http.MethodDelete, "/links/"+link.ID, "")
	assert.Equal(t, 204, a.status)
	assert.Empty(t, a.body)
	assert.Empty(t, a.header.Get("Content-Type"))
	a = ask(t, mk, http.MethodDelete, "/links/"+link.ID, "")
	assert.Equal(t, 410, a.status)
	assert.JSONEq(t, `{"error_code":"link_error.deleted","error_message":"the link has been deleted","documentation_url":null}`, string(a.body))
}
