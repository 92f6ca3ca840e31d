package conformance

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// TestSpans names the spans of otelhttp by OperationFrom, like a program that traces its calls.
func TestSpans(t *testing.T) {
	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	spans := tracetest.NewInMemoryExporter()
	traced := otelhttp.NewTransport(http.DefaultTransport,
		otelhttp.WithTracerProvider(trace.NewTracerProvider(trace.WithSyncer(spans))),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
			operation, ok := moneykit.OperationFrom(r.Context())
			assert.True(t, ok, "every request belongs to an operation")
			return operation
		}))
	id, secret := mk.Credentials()
	client, err := moneykit.NewClient(id, secret, moneykit.WithBaseURL(mk.URL()),
		moneykit.WithHTTPClient(&http.Client{Transport: traced}), moneykit.WithRetry(moneykit.RetryPolicy{MinWait: 1}))
	require.NoError(t, err)

	ctx := t.Context()
	_, err = client.Links.Get(ctx, link.ID)
	require.NoError(t, err)
	accounts, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	_, err = client.Accounts.Get(ctx, link.ID, accounts.Accounts[0].ID)
	require.NoError(t, err)
	_, err = client.Users.Links(ctx, "user_0001")
	require.NoError(t, err)
	_, err = client.Webhooks.Keys(ctx)
	require.NoError(t, err)
	require.NoError(t, client.Do(ctx, http.MethodGet, "/links/"+link.ID+"?x="+link.ID, nil, nil))
	mk.Fail("get_link", 1, moneykittest.Fault{Status: http.StatusServiceUnavailable})
	_, err = client.Links.Get(ctx, link.ID)
	require.NoError(t, err)

	var names []string
	for _, span := range spans.GetSpans() {
		names = append(names, span.Name)
		if span.Status.Code == codes.Error {
			names = append(names, "failed")
		}
	}
	assert.Equal(t, []string{
		"POST /auth/token", "GET /links/{id}", "GET /links/{id}/accounts", "GET /links/{id}/accounts/{account_id}",
		"GET /users/{id}/links", "GET /.well-known/jwks.json", "GET /links/{id}", "GET /links/{id}", "failed", "GET /links/{id}",
	}, names)
	assert.NotContains(t, fmt.Sprintf("%+v", spans.GetSpans()), secret)
}
