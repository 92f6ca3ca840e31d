package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// routes returns everything that the process serves. Only the webhooks are for the outside.
func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(webhookPath, a.webhooks())
	mux.Handle("GET /metrics", a.metrics.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}

// ready reports why the process should get no webhooks, nil if it should.
func (a *app) ready(ctx context.Context) error {
	if a.stopping.Load() {
		return errors.New("stopping")
	}
	if !a.started.Load() {
		return errors.New("the queue has not started")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := a.database.db.PingContext(ctx); err != nil {
		return errors.New("the database does not respond") // The driver's words may hold its address.
	}
	return nil
}

// serve receives webhooks and runs jobs until ctx is canceled, and then stops in order: /readyz
// fails, webhooks get 503, and running jobs finish or are interrupted.
func (a *app) serve(ctx context.Context, listener net.Listener) error {
	alive := context.WithoutCancel(ctx)
	if err := a.queue.Start(alive); err != nil {
		return fmt.Errorf("the queue cannot start: %w", err)
	}
	background, cancel := context.WithCancel(alive)
	defer cancel()
	var keepers sync.WaitGroup
	defer keepers.Wait()
	defer cancel()
	keepers.Go(func() { a.every(background, a.lease, "rescuing jobs", a.rescueOrphans) })
	keepers.Go(func() { a.every(background, time.Hour, "forgetting events", a.forgetEvents) })

	// Anybody can reach a webhook: without limits of time they could hold connections for ever.
	server := http.Server{
		Handler:           a.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	a.started.Store(true)
	var failed error
	select {
	case failed = <-ended:
	case <-ctx.Done():
	}
	a.stopping.Store(true)
	a.log.LogAttrs(alive, slog.LevelInfo, "stopping", slog.Duration("grace", a.grace))
	return errors.Join(failed, a.stop(alive, &server))
}

// every calls fn at each interval until ctx is canceled.
func (a *app) every(ctx context.Context, interval time.Duration, what string, fn func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := fn(ctx); err != nil && ctx.Err() == nil {
			a.log.LogAttrs(ctx, slog.LevelError, what+" failed", slog.String("error", err.Error()))
		}
	}
}

// stop waits for the jobs, and then for the last requests. Interrupted jobs are queued again at
// once, for another process or the next start.
func (a *app) stop(ctx context.Context, server *http.Server) error {
	const last = 5 * time.Second // for jobs to notice that they are interrupted
	limited, cancel := context.WithTimeout(ctx, a.grace+last)
	defer cancel()
	var err error
	if failed := a.queue.Stop(limited); failed != nil {
		err = fmt.Errorf("some jobs did not end, and are taken over after %v: %w", a.lease, failed)
	}
	closing, cancel := context.WithTimeout(ctx, last)
	defer cancel()
	if failed := server.Shutdown(closing); failed != nil {
		err = errors.Join(err, fmt.Errorf("some requests did not end: %w", failed), server.Close())
	}
	return err
}
