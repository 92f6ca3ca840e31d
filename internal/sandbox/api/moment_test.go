package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// moments returns texts with the moments that pydantic parses them as, or "" if it refuses them.
func moments() map[string]string {
	return map[string]string{
		"2026-11-24T23:56:48Z":             "2026-11-24T23:56:48Z",
		"2026-11-24 23:56:48+0000":         "2026-11-24T23:56:48Z",
		"2026-11-24t23:56:48z":             "2026-11-24T23:56:48Z",
		"2026-11-24_23:56:48":              "2026-11-24T23:56:48Z",
		"2026-11-24":                       "2026-11-24T00:00:00Z",
		"2026-11-24T23:56":                 "2026-11-24T23:56:00Z",
		"2026-11-24T23:56+01:00":           "2026-11-24T22:56:00Z",
		"2026-11-24T23:56:48.123456-05:30": "2026-11-25T05:26:48.123456Z",
		"2026-11-24T23:56:48,5+01":         "2026-11-24T22:56:48.5Z",
		"1795564608":                       "2026-11-24T23:56:48Z",
		"1795564608.5":                     "2026-11-24T23:56:48.5Z",
		"1795564608500":                    "2026-11-24T23:56:48.5Z",

		"2026-11-24T23":              "",
		"2026-11-24T24:00:00Z":       "",
		"2026-11-24T23:60":           "",
		"2026-11-24T23:56:60Z":       "",
		"2026-11-24T23:56.5":         "",
		"2026-11-24T23:56:48 +0000":  "",
		"2026-11-24T23:56:48+1":      "",
		"2026-11-31":                 "",
		"2026-1-5":                   "",
		"0000-01-01":                 "",
		"2026-W48-2":                 "",
		"2026-328":                   "",
		" 2026-11-24":                "",
		"24.11.2026":                 "",
		"now":                        "",
		"":                           "",
		"inf":                        "",
		"nan":                        "",
		"0x10":                       "",
		"1e3":                        "",
		"9999999999999999999999":     "",
		`"2026-11-24"`:               "",
		"2026-11-24T23:56:48Zjunk":   "",
		"2026-11-24T23:56:48[Etc/Z]": "",
		"2026\u201011\u201024T23:56": "",
	}
}

// TestMoments sends moments in the body of a link session.
func TestMoments(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	for moment, want := range moments() {
		values := []any{moment}
		if json.Valid([]byte(moment)) && strings.Trim(moment, "0123456789.") == "" && moment != "" {
			values = append(values, json.RawMessage(moment)) // as a number as well
		}
		for _, value := range values {
			body, err := json.Marshal(map[string]any{
				"customer_user": map[string]any{"id": "user-42", "email": map[string]any{"address": "a@b.example", "customer_verified_at": value}},
				"redirect_uri":  "https://app.example",
			})
			require.NoError(t, err)
			a := ask(t, mk, http.MethodPost, "/link-session", string(body))
			if want == "" {
				assert.Equal(t, 422, a.status, "%s", body)
				assert.Contains(t, string(a.body), `"datetime_parsing"`)
				continue
			}
			require.Equal(t, 201, a.status, "%s", body)
			mk.World.Do(func(w *world.World, _ time.Time) {
				got := w.Sessions[a.field(t, "link_session_token").(string)].Params.CustomerUser.Email.VerifiedAt
				assert.Equal(t, want, got.UTC().Format(time.RFC3339Nano), "%s", body)
			})
		}
	}
}

// TestImportedDays imports transactions with days and moments. The day of a moment is the day in
// its own offset. A day that is quoted twice, as MoneyKit's client for Python writes it, is
// refused.
func TestImportedDays(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link, err := mk.Client().Links.Import(t.Context(), moneykit.LinkImportParams{
		CustomerUser: moneykit.CustomerUser{ID: "user-42"}, InstitutionID: "mx.chase",
		Accounts: []moneykit.AccountImport{{ID: "a", Type: "other", Name: "A"}},
	})
	require.NoError(t, err)
	assert.Equal(t, "chase", link.InstitutionID)
	for moment, want := range moments() {
		row, err := json.Marshal(map[string]any{"account_id": "a", "amount": "1", "date": moment, "transaction_id": moment})
		require.NoError(t, err)
		a := ask(t, mk, http.MethodPost, "/links/"+link.ID+"/import/transactions", `{"transactions":[`+string(row)+`]}`)
		if want == "" {
			assert.Equal(t, 422, a.status, moment)
		} else {
			assert.Equal(t, 200, a.status, moment)
		}
	}
	for _, row := range mk.transactions(t, link.ID) {
		assert.Equal(t, "2026-11-24", row.Date.String(), row.OriginalID)
	}
}

// TestQueriedDays sends days in queries, where a moment must be midnight.
func TestQueriedDays(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link := mk.addLink(t, world.LinkSpec{})
	for day, status := range map[string]int{
		"2026-11-24": 200, "2026-11-24T00:00:00": 200, "2026-11-24 00:00Z": 200, "1795478400": 200,
		"2026-11-24T00:00:01": 422, "2026-11-24T10:00": 422, "1795564608": 422, "2026-W48-2": 422, "20261124": 422, "24.11.2026": 422,
	} {
		for _, name := range []string{"start_date", "end_date"} {
			a := ask(t, mk, http.MethodGet, "/links/"+link.ID+"/transactions?"+name+"="+url.QueryEscape(day), "")
			assert.Equal(t, status, a.status, "%s=%s", name, day)
		}
	}
}

// MoneyKit's client for Ruby writes lists as parameters with brackets. The API does not know these
// parameters and ignores them, like all unknown ones.
func TestBracketsInQueries(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link := mk.addLink(t, world.LinkSpec{})
	count := func(query string) int {
		accounts, ok := ask(t, mk, http.MethodGet, "/links/"+link.ID+"/accounts?"+query, "").field(t, "accounts").([]any)
		require.True(t, ok)
		return len(accounts)
	}
	assert.Equal(t, 0, count("account_ids=acc_x"))
	assert.Equal(t, 4, count("account_ids[]=acc_x"))
	assert.Equal(t, 4, count("account_ids%5B%5D=acc_x"))
}
