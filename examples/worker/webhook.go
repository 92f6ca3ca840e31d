package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// webhookPath is where MoneyKit delivers to.
const webhookPath = "/webhooks/moneykit"

// webhooks returns the endpoint that MoneyKit delivers to.
//
// It needs no Deduper. The primary key of the inbox is the event's idempotency key, and the event
// and its jobs are committed together or not at all. So another delivery finds both, and changes
// nothing, or it finds neither and starts from the beginning.
func (a *app) webhooks() http.Handler {
	handler := a.client.Webhooks.Handler(a.receive)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := a.tracer.Start(r.Context(), "POST "+webhookPath, trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot())
		defer span.End()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		if a.stopping.Load() {
			// MoneyKit delivers again, to a process that goes on.
			recorder.WriteHeader(http.StatusServiceUnavailable)
		} else {
			handler.ServeHTTP(recorder, r.WithContext(ctx))
		}
		span.SetAttributes(attribute.Int("http.response.status_code", recorder.status))
		a.metrics.webhooks.WithLabelValues(strconv.Itoa(recorder.status)).Inc()
	})
}

// statusRecorder notes the status of a response.
type statusRecorder struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements [http.ResponseWriter].
func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// receive stores a verified event and queues what it asks for, in one transaction.
func (a *app) receive(ctx context.Context, event moneykit.Event) error {
	meta := event.Meta()
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.String("moneykit.event", eventLabel(meta.Type)))
	tasks := tasksFor(event)
	first := false
	err := a.database.inTx(ctx, func(tx *sql.Tx, store *sqlstore.Store) (err error) {
		if first, err = store.Receive(ctx, meta); err != nil || !first {
			return err
		}
		if e, ok := event.(*moneykit.LinkStateChanged); ok {
			if err := a.setLinkState(ctx, store, e.LinkID, e.State, e.Error, e.Timestamp.Time); err != nil {
				return err
			}
		}
		for _, t := range tasks {
			if err := a.enqueue(ctx, tx, store, meta.LinkID, t); err != nil {
				return err
			}
		}
		return nil
	})
	result := "queued"
	switch {
	case err != nil:
		result = "failed"
		span.SetStatus(codes.Error, "the event is not stored")
	case !first:
		result = "duplicate"
	case len(tasks) == 0:
		result = "ignored"
	}
	a.metrics.events.WithLabelValues(eventLabel(meta.Type), result).Inc()
	a.log.LogAttrs(ctx, slog.LevelInfo, "webhook "+result, slog.String("event", eventLabel(meta.Type)),
		slog.String("link_id", meta.LinkID), slog.Any("tasks", tasks))
	if err != nil {
		return fmt.Errorf("storing the event: %w", err)
	}
	return nil
}

// eventLabel returns the type of an event for metrics. An unknown type could hold anything.
func eventLabel(t moneykit.EventType) string {
	if !t.Known() {
		return "unknown"
	}
	return string(t)
}
