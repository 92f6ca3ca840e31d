package moneykit_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestIDsInPaths(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		client := newClient(t, newMock(t)) // any request fails the test
		for _, id := range []string{
			"", ".", "..", "a/b", "../accounts", "a/../b", `a\b`, "%2e%2e", "%2E.", "a%2Fb", "a%2fb", "a%5Cb", "%252F", "%25252e%25252E",
			"..;", "..;a=b", ".;", "%2e%2e%3Bx", "..?x", "..#", "..%3fx", "..\x00", "..%00", "%252e.%253b",
			"..%2Fx%zz", "%2F%", "a%5cb%g", "%252f%", "%%32%46", "%" + strings.Repeat("25", 1_000_000) + "x",
		} {
			_, err := client.Links.Get(t.Context(), id)
			require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed, id)
			var e *moneykit.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, "GET /links/{id}", e.Operation)
			require.Len(t, e.Fields, 1)
			assert.Equal(t, "id", e.Fields[0].Field)
			require.Error(t, client.Links.Delete(t.Context(), id), "it must not delete all links")
			_, err = client.Accounts.List(t.Context(), id, moneykit.AccountListParams{})
			require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed, id)
		}
	})
	t.Run("escaped", func(t *testing.T) {
		t.Parallel()
		ids := map[string]string{
			"mk_1":          "/base/links/mk_1",
			"100%":          "/base/links/100%25",
			"%2e%2e%":       "/base/links/%252e%252e%25",
			"a?b=c#d":       "/base/links/a%3Fb=c%23d",
			"żółć":          "/base/links/%C5%BC%C3%B3%C5%82%C4%87",
			"a b":           "/base/links/a%20b",
			"...":           "/base/links/...",
			"...;..":        "/base/links/...%3B..",
			";":             "/base/links/%3B",
			"\x00\r\n":      "/base/links/%00%0D%0A",
			"{id}":          "/base/links/%7Bid%7D",
			"\xff\xfe":      "/base/links/%FF%FE",
			"mk_1;a=b,c&d+": "/base/links/mk_1%3Ba=b%2Cc&d+",
		}
		var got, decoded string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, decoded = r.URL.EscapedPath(), strings.TrimPrefix(r.URL.Path, "/base/links/")
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, linkJSON)
		}))
		defer server.Close()
		client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(server.URL+"/base"))
		require.NoError(t, err)
		for id, want := range ids {
			_, err := client.Links.Get(t.Context(), id)
			require.NoError(t, err, id)
			assert.Equal(t, want, got)
			assert.Equal(t, id, decoded, "the server must receive the caller's id")
		}
	})
}

func TestQueryArraysRepeatTheKey(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	var query string
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/accounts", func(r *http.Request) (*http.Response, error) {
		query = r.URL.RawQuery
		return answers(200, `{"accounts":[],"link":`+linkJSON+`}`)(r)
	})
	client := newClient(t, mock)
	_, err := client.Accounts.List(t.Context(), "mk_1", moneykit.AccountListParams{AccountIDs: []string{"a,b", "c&d=e"}})
	require.NoError(t, err)
	assert.Equal(t, "account_ids=a%2Cb&account_ids=c%26d%3De", query)
	_, err = client.Accounts.List(t.Context(), "mk_1", moneykit.AccountListParams{AccountIDs: []string{}})
	require.NoError(t, err)
	assert.Empty(t, query, "empty lists are not sent")
}
