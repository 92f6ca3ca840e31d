package moneykit

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/transport"
)

// CallInfo describes one attempt of a call, for [WithObserver]. It contains no secret and, except
// for LinkID, no data of the request.
type CallInfo struct {
	Operation  string        // the method and the path template, such as "GET /links/{id}"
	LinkID     string        // the link that the call is about, empty for other calls
	Attempt    int           // the number of the attempt, from 1
	StatusCode int           // the HTTP status, 0 if there was no response
	Duration   time.Duration // from the start of the request to the end of the response
	Wait       time.Duration // until the next attempt, 0 if there is none
	RequestID  string        // the request id in the response, empty if there is none
	Limited    time.Duration // how long the [Limiter] delayed the attempt; not part of Duration
	Err        error         // why there was no response; nil if there was one
}

// observe reports an attempt to the observer, and logs a retry.
func (a *attempt) observe(ctx context.Context, try transport.Attempt) {
	info := CallInfo{
		Operation: a.request.operation,
		LinkID:    a.request.linkID,
		Attempt:   a.tries + try.Number,
		Duration:  try.Duration,
		Wait:      try.Wait,
		Limited:   a.held,
	}
	if try.Response != nil {
		info.StatusCode, info.RequestID = try.Response.StatusCode, requestID(try.Response.Header)
	}
	if try.Err != nil {
		info.Err = transport.Cause(try.Err)
	}
	if try.Retried {
		a.logRetry(ctx, info)
	}
	if a.core.observer != nil {
		a.core.observer(ctx, info)
	}
}

// observeRefusal reports an attempt that the limiter did not allow to the observer.
func (a *attempt) observeRefusal(ctx context.Context) {
	if a.core.observer == nil {
		return
	}
	a.core.observer(ctx, CallInfo{
		Operation: a.request.operation,
		LinkID:    a.request.linkID,
		Attempt:   a.refusal.Attempts + 1,
		Limited:   a.held,
		Err:       a.refusal,
	})
}

func (a *attempt) logRetry(ctx context.Context, info CallInfo) {
	if a.core.logger == nil {
		return
	}
	attrs := append(a.attrs(info.RequestID), slog.Int("attempt", info.Attempt), slog.Duration("wait", info.Wait))
	if info.StatusCode != 0 {
		attrs = append(attrs, slog.Int("status", info.StatusCode))
	}
	if info.Err != nil {
		attrs = append(attrs, slog.String("error", info.Err.Error()))
	}
	a.core.logger.LogAttrs(ctx, slog.LevelWarn, "moneykit: retrying", attrs...)
}

func (a *attempt) logCall(ctx context.Context, resp *http.Response, err error, took time.Duration) {
	if a.core.logger == nil || !a.core.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	id := ""
	if resp != nil {
		id = requestID(resp.Header)
	}
	attrs := append(a.attrs(id), slog.Duration("duration", took), slog.Int("attempts", a.tries))
	if a.limited >= time.Millisecond { // A limiter that does not wait takes some time as well.
		attrs = append(attrs, slog.Duration("limited", a.limited))
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	a.core.logger.LogAttrs(ctx, slog.LevelDebug, "moneykit: call", attrs...)
}

// attrs returns the attributes that identify the call in a log record.
func (a *attempt) attrs(requestID string) []slog.Attr {
	attrs := []slog.Attr{slog.String("operation", a.request.operation)}
	if a.request.linkID != "" {
		attrs = append(attrs, slog.String("link_id", plain.Label(a.request.linkID)))
	}
	if requestID != "" {
		attrs = append(attrs, slog.String("request_id", plain.Label(requestID)))
	}
	return attrs
}

// requestID returns the request id of a response from the usual headers, because MoneyKit documents
// no header for it.
func requestID(h http.Header) string {
	for _, key := range []string{"X-Request-Id", "Request-Id"} {
		if id := h.Get(key); id != "" {
			return plain.Cut(id, 100)
		}
	}
	return ""
}

// OperationFrom returns the operation of the call that ctx belongs to, such as "GET /links/{id}".
// It returns false for a context that does not belong to a call. Call it in an [http.RoundTripper]
// of your own, with the context of the request, and use the operation as the name of a span. The
// URL is no name for a span, because it contains ids.
func OperationFrom(ctx context.Context) (string, bool) {
	return transport.OperationFrom(ctx)
}

// sentTrace records whether a request got a connection.
type sentTrace struct{ wanted, got atomic.Bool }

func (t *sentTrace) watch(ctx context.Context) context.Context {
	t.reset()
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	})
}

func (t *sentTrace) reset() {
	t.wanted.Store(false)
	t.got.Store(false)
}

// never reports whether the request was certainly not sent: the transport wanted a connection and
// got none. For a transport that reports neither, never returns false.
func (t *sentTrace) never() bool { return t.wanted.Load() && !t.got.Load() }
