package moneykit_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/docs"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// TestDocsErrors checks the error bodies in docs/testing.md: the SDK must read them as the page
// says, and moneykittest must send the same members with the same status.
func TestDocsErrors(t *testing.T) {
	t.Parallel()
	classes := map[moneykit.ErrorCode]error{
		moneykit.ErrorCodeUnauthorized:               moneykit.ErrUnauthorized,
		moneykit.ErrorCodeExpiredAccessToken:         moneykit.ErrUnauthorized,
		moneykit.ErrorCodeLinkUnauthorizedAccess:     moneykit.ErrUnauthorized,
		moneykit.ErrorCodeLinkForbiddenAction:        moneykit.ErrForbidden,
		moneykit.ErrorCodeLinkSessionForbiddenConfig: moneykit.ErrForbidden,
		moneykit.ErrorCodeLinkNotFound:               moneykit.ErrNotFound,
		moneykit.ErrorCodeInstitutionNotFound:        moneykit.ErrNotFound,
		moneykit.ErrorCodeLinkDeleted:                moneykit.ErrLinkDeleted,
		moneykit.ErrorCodeLinkBadState:               moneykit.ErrRelinkRequired,
		moneykit.ErrorCodeValidationFailed:           moneykit.ErrorCodeValidationFailed,
		moneykit.ErrorCodeRateLimitExceeded:          moneykit.ErrRateLimited,
		moneykit.ErrorCodeInvalidTokenExchange:       moneykit.ErrorCodeInvalidTokenExchange,
		moneykit.ErrorCodeLinkBadConfig:              moneykit.ErrorCodeLinkBadConfig,
	}
	blocks, err := docs.Blocks(filepath.Join("docs", "testing.md"))
	require.NoError(t, err)
	for _, block := range blocks {
		if block.Lang != "json" {
			continue
		}
		require.Equal(t, "error", block.Kind, block)
		status, err := strconv.Atoi(block.Want)
		require.NoError(t, err, block)
		var body struct {
			Code      moneykit.ErrorCode `json:"error_code"`
			Message   string             `json:"error_message"`
			LinkError moneykit.LinkError `json:"link_error_code"`
		}
		require.NoError(t, json.Unmarshal([]byte(block.Text), &body), block)
		require.Contains(t, classes, body.Code, block)

		e := errorOf(t, status, block.Text)
		require.ErrorIs(t, e, body.Code, block)
		require.ErrorIs(t, e, classes[body.Code], block)
		assert.Equal(t, status, e.StatusCode, block)
		assert.Equal(t, body.Message, e.Message, block)
		assert.Equal(t, body.LinkError, e.LinkError, block)
		assert.Equal(t, body.Code == moneykit.ErrorCodeLinkBadState, body.LinkError != "", block)
		if body.Code == moneykit.ErrorCodeValidationFailed {
			assert.Equal(t, []moneykit.FieldError{{Field: "redirect_uri", Message: "is required"}}, e.Fields, block)
			assert.JSONEq(t, malformedSession(t), block.Text, block)
		}

		sent := errorBodyOf(t, body.Code, body.LinkError)
		assert.Equal(t, status, sent.StatusCode, block)
		assert.Equal(t, kinds(t, sent.Body), kinds(t, []byte(block.Text)), block)
		delete(classes, body.Code)
	}
	assert.Empty(t, classes, "the page lacks a code")
}

// errorOf returns the error of a call whose response has the status and the body.
func errorOf(t *testing.T, status int, body string) *moneykit.Error {
	t.Helper()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", httpmock.NewStringResponder(status, body))
	_, err := newClient(t, mock, moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1})).Links.Get(t.Context(), "mk_1")
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	return e
}

// errorBodyOf returns the response of moneykittest with an error code.
func errorBodyOf(t *testing.T, code moneykit.ErrorCode, reason moneykit.LinkError) moneykit.Response {
	t.Helper()
	mk := moneykittest.NewServer(t)
	mk.Fail("get_link", -1, moneykittest.Fault{Code: code, LinkError: reason})
	var got moneykit.Response
	client := mk.Client(moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	_, err := client.Links.Get(t.Context(), "mk_1", moneykit.CaptureResponse(&got))
	require.Error(t, err)
	return got
}

// malformedSession returns the response of moneykittest to a link session without a redirect URI.
func malformedSession(t *testing.T) string {
	t.Helper()
	var got moneykit.Response
	session := map[string]any{"customer_user": map[string]any{"id": "user_0001"}}
	client := moneykittest.NewServer(t).Client()
	err := client.Do(t.Context(), http.MethodPost, "/link-session", session, nil, moneykit.CaptureResponse(&got))
	require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed)
	return string(got.Body)
}

// kinds returns the names of all members of an object and of the objects in it, with the kinds of
// their values, sorted.
func kinds(t *testing.T, text []byte) (all []string) {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(text, &value), string(text))
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(path+"."+name, v[name])
			}
		case []any:
			if len(v) > 0 {
				walk(path+"[]", v[0])
			}
		case nil:
			all = append(all, path+" null")
		case string:
			all = append(all, path+" text")
		default:
			all = append(all, strings.TrimPrefix(path, "."))
		}
	}
	walk("", value)
	return all
}
