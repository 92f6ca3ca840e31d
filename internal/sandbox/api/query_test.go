package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// TestQueries sends invalid parameters.
func TestQueries(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link := mk.addLink(t, world.LinkSpec{})
	dated := []string{
		"page=0", "page=x", "page=-1", "page=1.5", "page=", "size=0", "size=1001", "start_date=2030-02-30", "start_date=x",
		"page=-99999999999999999999", "size=99999999999999999999",
		"end_date=2030-1-1", "start_date=2030-01-02&end_date=2030-01-01", "end_date=",
	}
	for path, queries := range map[string][]string{
		"/links/" + link.ID + "/transactions":             dated,
		"/links/" + link.ID + "/investments/transactions": dated,
		"/links/" + link.ID + "/transactions/sync":        {"size=0", "size=501", "size=x", "cursor=x"},
		"/users/user_0001/transactions":                   append([]string{"account_id="}, dated...),
		"/users/user_0001/accounts":                       {"account_ids="},
		"/links":                                          {"limit=499", "limit=5001", "limit=x", "cursor=x", "cursor=e30"},
		"/institutions": {
			"limit=0", "limit=1001", "featured=perhaps", "cursor=x", "cursor=e30", "cursor=" + encode(`{"institution":999}`),
		},
	} {
		assert.Equal(t, 200, ask(t, mk, http.MethodGet, path, "").status)
		for _, query := range queries {
			a := ask(t, mk, http.MethodGet, path+"?"+query, "")
			assert.Equal(t, 422, a.status, "%s?%s", path, query)
			parts := strings.Split(query, "&")
			name, _, _ := strings.Cut(parts[len(parts)-1], "=")
			problem := a.field(t, "validation_errors").([]any)[0].(map[string]any)
			assert.Equal(t, []any{"query", name}, problem["location"])
			assert.NotEmpty(t, problem["message"])
			assert.NotEmpty(t, problem["type"])
		}
	}
	for _, page := range []string{"2147483647", "4294967297", "9223372036854775807", "99999999999999999999"} {
		a := ask(t, mk, http.MethodGet, "/links/"+link.ID+"/transactions?page="+page+"&size=1000", "")
		require.Equal(t, 200, a.status, page)
		assert.JSONEq(t, `[]`, string(raw(t, a, "transactions")), page)
	}
}
