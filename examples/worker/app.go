package main

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/trace"

	"github.com/moneykit/moneykit-go"
)

// app is one process of the worker.
type app struct {
	settings

	database *database
	client   *moneykit.Client
	queue    *river.Client[*sql.Tx]
	metrics  *metrics
	tracer   trace.Tracer
	log      *slog.Logger
	started  atomic.Bool
	stopping atomic.Bool
}

// newApp connects the parts. It starts nothing.
func newApp(ctx context.Context, s settings, out io.Writer, traces trace.TracerProvider) (*app, error) {
	a := &app{
		settings: s,
		metrics:  newMetrics(),
		tracer:   traces.Tracer("github.com/moneykit/moneykit-go/examples/worker"),
		log:      slog.New(slog.NewTextHandler(out, nil)),
	}
	var err error
	if a.database, err = openDatabase(ctx, s); err != nil {
		return nil, err
	}
	if a.client, err = a.newClient(); err != nil {
		a.close()
		return nil, err
	}
	if a.queue, err = a.newQueue(out); err != nil {
		a.close()
		return nil, err
	}
	a.metrics.registry.MustRegister(newQueueDepth(a.database.driver.GetExecutor()))
	return a, nil
}

func (a *app) close() { a.database.close() }

// newClient returns a client whose token and rate budgets are shared by all processes.
func (a *app) newClient() (*moneykit.Client, error) {
	network, _ := http.DefaultTransport.(*http.Transport)
	network = network.Clone()
	network.MaxIdleConnsPerHost = a.workers
	network.HTTP2 = &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second}
	var client *moneykit.Client
	// Other credentials on the same database must not get this application's token.
	shared := a.database.store.Application(a.clientID)
	options := []moneykit.Option{
		moneykit.WithHTTPClient(&http.Client{Transport: tracedCalls{a.tracer, network}}),
		moneykit.WithTokenSource(shared.Tokens(func(ctx context.Context) (moneykit.Token, error) {
			return client.Auth.CreateToken(ctx)
		})),
		moneykit.WithLimiter(shared.Limiter()),
		moneykit.WithObserver(a.metrics.observe),
		moneykit.WithLogger(a.log),
		moneykit.WithUserAgent("moneykit-worker-example", "1"),
	}
	if a.baseURL != "" {
		options = append(options, moneykit.WithBaseURL(a.baseURL))
	}
	var err error
	client, err = moneykit.NewClient(a.clientID, a.secret, options...)
	return client, err
}

// newQueue returns River's client. It reports to out what it cannot do.
func (a *app) newQueue(out io.Writer) (*river.Client[*sql.Tx], error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{app: a}); err != nil {
		return nil, err
	}
	const forever = -1
	return river.NewClient(a.database.driver, &river.Config{
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: a.workers}},
		Workers:              workers,
		FetchPollInterval:    a.poll,
		JobTimeout:           a.jobTimeout,
		RescueStuckJobsAfter: a.stuckAfter,
		RetryPolicy:          backoff{a.retry, a.retryMax},
		MaxAttempts:          1000, // With the default -retry-max that is ten days.
		SoftStopTimeout:      a.grace,
		// Cancelled jobs are those that somebody must look at.
		CancelledJobRetentionPeriod: forever,
		DiscardedJobRetentionPeriod: forever,
		Logger:                      slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
}

// backoff implements [river.ClientRetryPolicy]. The delay doubles up to a limit, and differs
// between jobs that failed together.
type backoff struct{ first, most time.Duration }

// NextRetry implements [river.ClientRetryPolicy].
func (b backoff) NextRetry(job *rivertype.JobRow) time.Time {
	delay := b.first
	for range len(job.Errors) {
		if delay *= 2; delay >= b.most {
			delay = b.most
			break
		}
	}
	return time.Now().Add(delay/2 + rand.N(delay/2+1)) //nolint:gosec // G404: not a secret
}
