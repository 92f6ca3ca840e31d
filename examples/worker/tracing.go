package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/moneykit/moneykit-go"
)

// newTraces returns what records traces. Without an endpoint for them it records none.
func newTraces(ctx context.Context, s settings) (*sdktrace.TracerProvider, error) {
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "moneykit-worker"))),
	}
	if s.traces {
		exporter, err := otlptracehttp.New(ctx) // It reads OTEL_EXPORTER_OTLP_ENDPOINT itself.
		if err != nil {
			return nil, fmt.Errorf("cannot export traces: %w", err)
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	} else {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	}
	return sdktrace.NewTracerProvider(options...), nil
}

// tracedCalls makes a span of each attempt of an API call. The span is named after the operation,
// because the URL holds ids and cursors.
type tracedCalls struct {
	tracer trace.Tracer
	next   http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t tracedCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	name, ok := moneykit.OperationFrom(r.Context())
	if !ok {
		name = r.Method
	}
	ctx, span := t.tracer.Start(r.Context(), name, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("server.address", r.URL.Hostname())))
	defer span.End()
	resp, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		span.SetStatus(codes.Error, "no response") // The error may hold the URL.
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
	if resp.StatusCode >= http.StatusBadRequest {
		span.SetStatus(codes.Error, "")
	}
	return resp, nil
}

// jobMetadata returns the metadata of a job that continues the trace of ctx.
func jobMetadata(ctx context.Context) []byte {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	metadata, err := json.Marshal(carrier)
	if err != nil { // A map of strings always has a JSON form.
		return nil
	}
	return metadata
}

// continueTrace returns a context in the trace that the metadata of a job names.
func continueTrace(ctx context.Context, metadata []byte) context.Context {
	var members map[string]any // River keeps notes of its own there.
	if json.Unmarshal(metadata, &members) != nil {
		return ctx
	}
	carrier := propagation.MapCarrier{}
	for _, name := range (propagation.TraceContext{}).Fields() {
		if text, ok := members[name].(string); ok {
			carrier[name] = text
		}
	}
	return propagation.TraceContext{}.Extract(ctx, carrier)
}
