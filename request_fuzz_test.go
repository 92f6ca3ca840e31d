package moneykit_test

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oapi-codegen/runtime"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// styled returns the query that oapi-codegen/runtime encodes. It omits zero values.
func styled(t *testing.T, namesAndValues ...any) string {
	t.Helper()
	var parts []string
	for pair := range slices.Chunk(namesAndValues, 2) {
		name, value := pair[0].(string), pair[1]
		v := reflect.ValueOf(value)
		if v.IsZero() || (v.Kind() == reflect.Slice && v.Len() == 0) {
			continue
		}
		part, err := runtime.StyleParamWithOptions("form", true, name, value,
			runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationQuery})
		require.NoError(t, err)
		parts = append(parts, part)
	}
	return strings.Join(parts, "&")
}

// FuzzParameters compares the encoded parameters of requests with the output of
// oapi-codegen/runtime, which styles values of any type by reflection.
func FuzzParameters(f *testing.F) {
	f.Add("mk_1", "a bank & co", "cursor+/=", "acc_1,acc_2", 1, 500, true, 738000)
	f.Add("żółć?#", "\x00\xff", "%2F%", "a b, ", 3, 1000, false, 1)
	f.Add("...", "", "", "", 0, 0, false, 0)
	f.Fuzz(func(t *testing.T, id, name, cursor, list string, page, size int, featured bool, day int) {
		var path, query string
		sent := false
		client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(testBase),
			moneykit.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				sent, path, query = true, r.URL.EscapedPath(), r.URL.RawQuery
				return nil, errors.New("seen")
			})}), moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
		require.NoError(t, err)
		var ids []string
		if list != "" {
			ids = strings.Split(list, ",")
		}
		var start, end moneykit.Date
		if day > 0 {
			start = moneykit.DateOf(time.Date(1, 1, 1+day%3_000_000, 0, 0, 0, 0, time.UTC))
			end = start.AddDays(day % 100)
		}
		segment, err := runtime.StyleParamWithOptions("simple", false, "id", id,
			runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationPath})
		require.NoError(t, err)
		for _, call := range []struct {
			do   func() error
			path string
			want string
		}{
			{func() error {
				_, err := client.Institutions.List(t.Context(), moneykit.InstitutionListParams{
					Name: name, Featured: featured, Cursor: cursor, Limit: size,
				})
				return err
			}, "/institutions", styled(t, "name", name, "featured", featured, "cursor", cursor, "limit", size)},
			{func() error {
				_, err := client.Transactions.List(t.Context(), id, moneykit.TransactionListParams{
					AccountIDs: ids, Page: page, Size: size, StartDate: start, EndDate: end,
				})
				return err
			}, "/links/" + segment + "/transactions", styled(t,
				"account_ids", ids, "page", page, "size", size, "start_date", start, "end_date", end)},
			{func() error {
				_, err := client.Accounts.List(t.Context(), id, moneykit.AccountListParams{AccountIDs: ids})
				return err
			}, "/links/" + segment + "/accounts", styled(t, "account_ids", ids)},
		} {
			sent = false
			err := call.do()
			require.Error(t, err)
			require.NotEqual(t, errors.Is(err, moneykit.ErrorCodeValidationFailed), sent, "a request is sent or refused: %v", err)
			if sent {
				require.Equal(t, call.path, strings.TrimPrefix(path, "/base"))
				require.Equal(t, call.want, query)
			}
		}
	})
}
