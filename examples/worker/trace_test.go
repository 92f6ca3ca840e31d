//go:build unix

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/moneykit/moneykit-go/moneykittest"
)

func testTrace(t *testing.T, s settings) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	recorder := tracetest.NewSpanRecorder()
	p := start(t, mk, mk.URL(), s, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	l := link(mk, p.url)
	spend(mk, l.ID)
	eventually(t, func() bool { return p.idle(t) })
	require.NoError(t, p.stop())
	spans := map[string]sdktrace.ReadOnlySpan{}
	for _, span := range recorder.Ended() {
		spans[span.Name()] = span
		for _, attr := range span.Attributes() {
			assert.NotContains(t, attr.Value.String(), l.ID)
		}
	}
	webhook, job, call := spans["POST "+webhookPath], spans[string(taskSync)], spans["GET /links/{id}/transactions/sync"]
	require.NotNil(t, webhook)
	require.NotNil(t, job)
	require.NotNil(t, call)
	assert.Equal(t, webhook.SpanContext().SpanID(), job.Parent().SpanID())
	assert.Equal(t, job.SpanContext().SpanID(), call.Parent().SpanID())
	assert.Equal(t, webhook.SpanContext().TraceID(), call.SpanContext().TraceID())
	assert.NotNil(t, spans["POST /auth/token"])
}
