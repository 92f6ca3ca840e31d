package moneykit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// failWith reads a link and returns the error for the response.
func failWith(t *testing.T, responder httpmock.Responder) *moneykit.Error {
	t.Helper()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", responder)
	client := newClient(t, mock, moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	_, err := client.Links.Get(t.Context(), "mk_1")
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	return e
}

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	classes := map[string]error{
		"not found": moneykit.ErrNotFound, "unauthorized": moneykit.ErrUnauthorized, "forbidden": moneykit.ErrForbidden,
		"limited": moneykit.ErrRateLimited, "relink": moneykit.ErrRelinkRequired, "deleted": moneykit.ErrLinkDeleted,
		"unknown": moneykit.ErrOutcomeUnknown,
	}
	tests := []struct {
		status int
		code   moneykit.ErrorCode
		link   moneykit.LinkError
		class  string
	}{
		{401, moneykit.ErrorCodeExpiredAccessToken, "", "unauthorized"},
		{401, moneykit.ErrorCodeUnauthorized, "", "unauthorized"},
		{400, moneykit.ErrorCodeUnauthorized, "", "unauthorized"},
		{401, moneykit.ErrorCodeLinkUnauthorizedAccess, "", "unauthorized"},
		{403, moneykit.ErrorCodeLinkForbiddenAction, "", "forbidden"},
		{403, moneykit.ErrorCodeLinkSessionForbiddenConfig, "", "forbidden"},
		{404, moneykit.ErrorCodeLinkNotFound, "", "not found"},
		{404, moneykit.ErrorCodeInstitutionNotFound, "", "not found"},
		{410, moneykit.ErrorCodeLinkDeleted, "", "deleted"},
		{429, moneykit.ErrorCodeRateLimitExceeded, "", "limited"},
		{400, moneykit.ErrorCodeLinkBadConfig, "", ""},
		{400, moneykit.ErrorCodeInvalidTokenExchange, "", ""},
		{422, moneykit.ErrorCodeValidationFailed, "", ""},
		{500, "brand_new.code", "", ""},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorAuthExpired, "relink"},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorIncomplete, "relink"},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorInvalidCredentials, "relink"},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorUserError, "relink"},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorUserInputIncorrect, "relink"},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorUserOAuthDenied, "relink"},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorUserSetupRequired, ""},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorNoAccounts, ""},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorInstitutionError, ""},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorProviderError, ""},
		{422, moneykit.ErrorCodeLinkBadState, moneykit.LinkErrorSystemError, ""},
		{422, moneykit.ErrorCodeLinkBadState, "brand_new_error", ""},
	}
	seen := map[moneykit.ErrorCode]bool{}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, " ", tt.code, " ", tt.link), func(t *testing.T) {
			e := failWith(t, answers(tt.status, fmt.Sprintf(
				`{"error_code":%q,"error_message":"A message.","documentation_url":"https://docs.example/e","link_error_code":%q}`,
				tt.code, tt.link)))
			assert.Equal(t, tt.status, e.StatusCode)
			assert.Equal(t, tt.code, e.Code)
			assert.Equal(t, tt.link, e.LinkError)
			assert.Equal(t, "A message.", e.Message)
			assert.Equal(t, "https://docs.example/e", e.DocumentationURL)
			wrapped := fmt.Errorf("reading: %w", e)
			require.ErrorIs(t, wrapped, tt.code)
			if tt.link != "" {
				require.ErrorIs(t, wrapped, tt.link)
			}
			require.NotErrorIs(t, wrapped, moneykit.ErrorCode("another"))
			require.NotErrorIs(t, wrapped, moneykit.ErrorCode(""), "no code matches nothing")
			require.NotErrorIs(t, wrapped, moneykit.LinkError(""), "no code matches nothing")
			for name, class := range classes {
				assert.Equal(t, name == tt.class, errors.Is(wrapped, class), name)
			}
			assert.Equal(t, tt.code.Known(), strings.Contains(e.Error(), string(tt.code)))
			if tt.link != "" {
				assert.Equal(t, tt.link.Known(), strings.Contains(e.Error(), string(tt.link)))
			}
			assert.NotContains(t, e.Error(), "A message.", "it may repeat what was sent")
			byHand := &moneykit.Error{Code: tt.code, LinkError: tt.link}
			for name, class := range classes {
				assert.Equal(t, name == tt.class, errors.Is(byHand, class), "made by hand: %s", name)
			}
		})
		seen[tt.code] = true
	}
	assert.Len(t, seen, 14, "each of the 13 codes, and one that is new")
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	e := failWith(t, answers(422, `{"error_code":"link_error.bad_state","error_message":"Not usable.","link_error_code":"auth_expired"}`).
		HeaderAdd(http.Header{"X-Request-Id": {"req_1"}, "Retry-After": {"90"}}))
	assert.Equal(t, "moneykit: GET /links/{id}: 422 Unprocessable Entity, link_error.bad_state, auth_expired: "+
		"the bank requires the user to log in again; relink the link (retry after 1m30s, request id req_1)", e.Error())
	assert.Equal(t, 90*time.Second, e.RetryAfter)

	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("failed", "err", e)
	for _, want := range []string{
		`err.operation="GET /links/{id}"`, `err.status=422`, `err.code=link_error.bad_state`,
		`err.link_error=auth_expired`, `err.request_id=req_1`, `err.retry_after=1m30s`,
	} {
		assert.Contains(t, log.String(), want)
	}
	assert.Equal(t, "link_error.deleted", moneykit.ErrorCodeLinkDeleted.Error())
	assert.Equal(t, "auth_expired", moneykit.LinkErrorAuthExpired.Error())
}

func TestErrorUnwraps(t *testing.T) {
	t.Parallel()
	e := failWith(t, httpmock.NewErrorResponder(io.ErrClosedPipe))
	require.ErrorIs(t, e, io.ErrClosedPipe)
	assert.Zero(t, e.StatusCode)
	assert.Equal(t, "moneykit: GET /links/{id}: io: read/write on closed pipe", e.Error())
	require.NotErrorIs(t, e, context.Canceled)
}
