package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/moneykit/moneykit-go/sqlstore"
)

// jobArgs say what a job does. They hold no data of the event: the task reads from MoneyKit what
// the link is like when it runs.
type jobArgs struct {
	LinkID string `json:"link_id"`
	Task   task   `json:"task"`
}

// Kind implements [river.JobArgs].
func (jobArgs) Kind() string { return "moneykit_link_task" }

// enqueue asks for a task in the caller's transaction. It raises the counter of the link's requests
// and inserts a job that runs it down.
//
// River's unique jobs are no substitute for the counter. They drop an event that arrives while a
// job for the link runs, although the job may have read from MoneyKit before the event happened.
func (a *app) enqueue(ctx context.Context, tx *sql.Tx, store *sqlstore.Store, linkID string, t task) error {
	if err := store.Request(ctx, linkID, string(t)); err != nil {
		return err
	}
	return a.insert(ctx, tx, jobArgs{linkID, t})
}

// insert inserts a job that continues the trace of ctx.
func (a *app) insert(ctx context.Context, tx *sql.Tx, args jobArgs) error {
	_, err := a.queue.InsertTx(ctx, tx, args, &river.InsertOpts{Metadata: jobMetadata(ctx)})
	return err
}

// worker runs jobs for River.
type worker struct {
	river.WorkerDefaults[jobArgs]

	app *app
}

// Work implements [river.Worker].
func (w *worker) Work(ctx context.Context, job *river.Job[jobArgs]) error {
	a := w.app
	ctx, span := a.tracer.Start(continueTrace(ctx, job.Metadata), string(job.Args.Task),
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.Int64("river.job_id", job.ID), attribute.Int("river.attempt", job.Attempt)))
	defer span.End()
	result, start := outcomeRetried, time.Now() // River retries a job that panics, too.
	defer func() {
		a.metrics.job(job.Args.Task, result, time.Since(start))
		span.SetAttributes(attribute.String("worker.outcome", string(result)))
		if result.failed() {
			span.SetStatus(codes.Error, string(result))
		}
	}()
	result, err := a.work(ctx, job.Args)
	a.logJob(ctx, job, result, err)
	return err
}

func (a *app) logJob(ctx context.Context, job *river.Job[jobArgs], result outcome, err error) {
	level := slog.LevelInfo
	switch {
	case result == outcomeCancelled:
		level = slog.LevelError
	case result.failed():
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("outcome", string(result)), slog.String("task", string(job.Args.Task)),
		slog.String("link_id", job.Args.LinkID), slog.Int64("job_id", job.ID), slog.Int("attempt", job.Attempt),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	a.log.LogAttrs(ctx, level, "job", attrs...)
}

// work does a task under the claim on it, so that no two processes do it at once. It returns the
// error that tells River what to do with the job.
func (a *app) work(ctx context.Context, args jobArgs) (outcome, error) {
	store := a.database.store
	work, err := store.Begin(ctx, args.LinkID, string(args.Task), a.lease)
	var busy *sqlstore.BusyError
	switch {
	case errors.Is(err, sqlstore.ErrNoWork):
		return outcomeNothing, nil
	case errors.As(err, &busy):
		return outcomeBusy, river.JobSnooze(busy.For)
	case err != nil:
		return a.failure(ctx, err)
	}
	finished := false
	defer func() { // also after a panic
		if !finished {
			a.release(ctx, work)
		}
	}()
	held, leave := a.hold(ctx, work)
	err = a.perform(held, args.Task, args.LinkID)
	lost := errors.Is(context.Cause(held), sqlstore.ErrWorkLost)
	leave()
	if lost {
		return outcomeLost, river.JobSnooze(0)
	}
	result, err := a.settle(ctx, args, err)
	if err != nil {
		return result, err
	}
	more, err := a.finish(ctx, args, work)
	switch {
	case errors.Is(err, sqlstore.ErrWorkLost):
		return outcomeLost, river.JobSnooze(0)
	case err != nil:
		return a.failure(ctx, err)
	}
	finished = true
	if more {
		return outcomeAgain, nil
	}
	return result, nil
}

// finish records that the work is done. For events that came meanwhile it queues another job,
// behind those of other links. They have jobs of their own, but those may have found the link busy
// and wait, or may be gone.
func (a *app) finish(ctx context.Context, args jobArgs, work sqlstore.Work) (more bool, err error) {
	err = a.database.inTx(ctx, func(tx *sql.Tx, store *sqlstore.Store) (err error) {
		if more, err = store.Finish(ctx, work); err != nil || !more {
			return err
		}
		return a.insert(ctx, tx, args)
	})
	return more, err
}

// hold extends the claim until leave is called. The context that it returns ends when the claim is
// lost.
func (a *app) hold(ctx context.Context, work sqlstore.Work) (held context.Context, leave func()) {
	held, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(a.lease / 3)
		defer ticker.Stop()
		for {
			select {
			case <-held.Done():
				return
			case <-ticker.C:
			}
			// After another error the claim may still be there.
			if err := a.database.store.Extend(held, work, a.lease); errors.Is(err, sqlstore.ErrWorkLost) {
				cancel(err)
			}
		}
	}()
	return held, func() {
		cancel(nil)
		<-ended
	}
}

// release lets another process have the claim at once, also when this one stops.
func (a *app) release(ctx context.Context, work sqlstore.Work) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := a.database.store.Release(ctx, work); err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "a claim is not released and lasts until its lease ends",
			slog.String("link_id", work.LinkID), slog.String("error", err.Error()))
	}
}
