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

// failWith gets a link and returns what an answer becomes.
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

func TestValidationErrors(t *testing.T) {
	t.Parallel()
	want := []moneykit.FieldError{
		{Field: "customer_user.id", Message: "too short"},
		{Field: "accounts[0].name", Message: "missing"},
		{Field: "query.limit", Message: "too small"},
	}
	for _, body := range []string{
		`{"error_code":"api_error.request.validation_failed","error_message":"Request validation error","validation_errors":[
			{"location":["body","customer_user","id"],"message":"too short","type":"x"},
			{"location":["body","accounts",0,"name"],"message":"missing","type":"x"},
			{"location":["query","limit"],"message":"too small","type":"x"}]}`,
		`{"detail":[{"loc":["body","customer_user","id"],"msg":"too short","type":"x","input":"abc"},
			{"loc":["body","accounts",0,"name"],"msg":"missing","type":"x"},
			{"loc":["query","limit"],"msg":"too small","type":"x"}]}`,
	} {
		e := failWith(t, answers(422, body))
		assert.Equal(t, moneykit.ErrorCodeValidationFailed, e.Code)
		assert.Equal(t, want, e.Fields)
		assert.Contains(t, e.Error(), "customer_user.id was refused; accounts[0].name was refused")
		assert.NotContains(t, e.Error(), "abc", "what was sent is not repeated")
	}
}

// TestOddErrorBodies lose nothing but the member that is odd.
func TestOddErrorBodies(t *testing.T) {
	t.Parallel()
	const deleted = `"error_code":"` + string(moneykit.ErrorCodeLinkDeleted) + `"`
	for _, body := range []string{
		`{` + deleted + `,"error_message":5}`,
		`{` + deleted + `,"error_message":{"text":"gone"}}`,
		`{` + deleted + `,"documentation_url":["https://docs.example"]}`,
		`{` + deleted + `,"link_error_code":{}}`,
		`{` + deleted + `,"validation_errors":{}}`,
		`{` + deleted + `,"validation_errors":[7,null,{"location":{},"message":[]}]}`,
		`{` + deleted + `,"detail":[{"loc":7}]}`,
	} {
		require.ErrorIs(t, failWith(t, answers(410, body)), moneykit.ErrLinkDeleted, body)
	}
	e := failWith(t, answers(422, `{"validation_errors":[{"location":"body.products","message":5}]}`))
	assert.Equal(t, []moneykit.FieldError{{Field: "products", Message: "5"}}, e.Fields)
	require.ErrorContains(t, e, "products was refused")

	e = failWith(t, answers(422, `{"detail":[{"loc":["body","products",4111111111111111],"msg":"no"}]}`))
	require.ErrorContains(t, e, "products[…] was refused", "a number may be an account's")
}

func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ż", 5000)
	var fields strings.Builder
	for range 1000 {
		fmt.Fprintf(&fields, `{"location":["%s"],"message":"%s"},`, long[:400], long)
	}
	e := failWith(t, answers(500, fmt.Sprintf(`{"error_code":%q,"error_message":%q,"validation_errors":[%s{}]}`,
		long, long, fields.String())))
	assert.LessOrEqual(t, len(e.Fields), 50)
	assert.Less(t, len(e.Error()), 64<<10)
	assert.True(t, strings.HasSuffix(e.Message, "ż…"), "no character is split")
}

func TestErrorUnwraps(t *testing.T) {
	t.Parallel()
	e := failWith(t, httpmock.NewErrorResponder(io.ErrClosedPipe))
	require.ErrorIs(t, e, io.ErrClosedPipe)
	assert.Zero(t, e.StatusCode)
	assert.Equal(t, "moneykit: GET /links/{id}: io: read/write on closed pipe", e.Error())
	require.NotErrorIs(t, e, context.Canceled)
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{
		`{"error_code":"link_error.bad_state","error_message":"x","link_error_code":"auth_expired"}`,
		`{"validation_errors":[{"location":["body",0,"a"],"message":"m","type":"t"}]}`,
		`{"detail":[{"loc":["body"],"msg":"m"}]}`, `{"detail":"Not Found"}`,
		`<html>`, `[]`, `null`, `{}`, ``, "\xff", `{"error_code":1}`, `{"validation_errors":[{"location":[null,{},1e300]}]}`,
	} {
		f.Add(422, seed)
	}
	mock := httpmock.NewMockTransport()
	client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(testBase),
		moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}), moneykit.WithHTTPClient(&http.Client{Transport: mock}))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 400 || status > 599 {
			status = 400 + (status&0xff)%200
		}
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(status, body+testSecret))
		_, err := client.Links.Get(t.Context(), "mk_1")
		var e *moneykit.Error
		if !errors.As(err, &e) {
			t.Fatalf("%d %q gives %v", status, body, err)
		}
		if e.StatusCode != status || len(e.Error()) > 64<<10 || len(e.Fields) > 50 {
			t.Fatalf("%d %q gives %v", status, body, e)
		}
		if strings.Contains(e.Error(), testSecret) {
			t.Fatalf("%q shows the secret: %v", body, e)
		}
	})
}
