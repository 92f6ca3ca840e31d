package moneykit_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

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
		assert.NotContains(t, e.Error(), "abc", "the error contains no part of the request")
	}
}

// TestUnusualErrorBodies checks that only the unusual member of an error body is ignored.
func TestUnusualErrorBodies(t *testing.T) {
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

func TestErrorSizeIsLimited(t *testing.T) {
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
