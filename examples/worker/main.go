// Worker receives MoneyKit's webhooks and does the work that they ask for: it syncs transactions,
// follows the state of links and reads refreshed products. It queues the work in its database with
// River, so that several processes share it and no event is lost when one of them is killed.
//
// Without keys it plays a few events with a MoneyKit inside the program:
//
//	go run -C examples/worker .
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second Ctrl-C ends the program at once.
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// settings are the flags of the program, and what it takes from the environment.
type settings struct {
	listen     string
	db         string // file of the SQLite database, empty for one in memory
	workers    int
	lease      time.Duration
	jobTimeout time.Duration
	stuckAfter time.Duration
	poll       time.Duration
	retry      time.Duration
	retryMax   time.Duration
	grace      time.Duration
	stopAfter  time.Duration

	postgres string // DATABASE_URL, which has a password and is therefore no flag
	baseURL  string // MONEYKIT_BASE_URL, empty for MoneyKit itself
	clientID string // MONEYKIT_CLIENT_ID, empty for the demo
	secret   string // MONEYKIT_CLIENT_SECRET
	traces   bool   // OTEL_EXPORTER_OTLP_ENDPOINT is set
}

// demo reports whether the program plays events with a MoneyKit of its own.
func (s settings) demo() bool { return s.clientID == "" }

// readSettings reads the flags and the environment.
func readSettings(args []string, getenv func(string) string, stderr io.Writer) (settings, error) {
	s := settings{
		postgres: getenv("DATABASE_URL"),
		baseURL:  getenv("MONEYKIT_BASE_URL"),
		clientID: getenv("MONEYKIT_CLIENT_ID"),
		secret:   getenv("MONEYKIT_CLIENT_SECRET"),
		traces:   getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "",
	}
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "`address` to listen at; port 0 picks a free one")
	flags.StringVar(&s.db, "db", "",
		"`file` of the SQLite database (default: in memory for the demo; DATABASE_URL names a PostgreSQL instead)")
	flags.IntVar(&s.workers, "workers", 10, "`number` of jobs that this process runs at once")
	flags.DurationVar(&s.lease, "lease", 30*time.Second, "how long a process that was killed keeps its links from the others")
	flags.DurationVar(&s.jobTimeout, "job-timeout", 10*time.Minute, "`duration` after which a job is stopped; a sync continues in its next run")
	flags.DurationVar(&s.stuckAfter, "rescue", 0,
		"`duration` after which River retries a job that still counts as running (default: job-timeout plus lease)")
	flags.DurationVar(&s.poll, "poll", time.Second, "`interval` at which River looks for jobs that it was not notified of")
	flags.DurationVar(&s.retry, "retry", time.Second, "`delay` before the first retry of a failed job; it doubles each time")
	flags.DurationVar(&s.retryMax, "retry-max", 15*time.Minute, "longest `delay` before a retry")
	flags.DurationVar(&s.grace, "grace", 20*time.Second, "how long running jobs may go on after SIGTERM before they are interrupted")
	flags.DurationVar(&s.stopAfter, "for", 0, "stop after this `duration` (default: at Ctrl-C)")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.stuckAfter == 0 {
		s.stuckAfter = s.jobTimeout + s.lease
	}
	return s, s.validate()
}

func (s settings) validate() error {
	if s.db != "" && s.postgres != "" {
		return errors.New("-db and DATABASE_URL name two databases: unset one of them")
	}
	if (s.clientID == "") != (s.secret == "") {
		return errors.New("MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET belong together: set both, or none for the demo")
	}
	if s.demo() && s.baseURL != "" {
		return errors.New("MONEYKIT_BASE_URL needs MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET")
	}
	if !s.demo() && s.db == "" && s.postgres == "" {
		return errors.New("events need a database that outlives the program: name a file with -db, or a PostgreSQL with DATABASE_URL")
	}
	if s.workers < 1 || s.workers > 10_000 {
		return errors.New("-workers must be from 1 to 10000")
	}
	for _, d := range []struct {
		name       string
		value, min time.Duration
	}{
		{"lease", s.lease, 500 * time.Millisecond},
		{"job-timeout", s.jobTimeout, 500 * time.Millisecond},
		{"poll", s.poll, 100 * time.Millisecond},
		{"retry", s.retry, 10 * time.Millisecond},
		{"retry-max", s.retryMax, s.retry},
		{"grace", s.grace, time.Millisecond},
		{"for", s.stopAfter, 0},
	} {
		if d.value < d.min {
			return fmt.Errorf("-%s must be at least %v", d.name, d.min)
		}
	}
	if s.stuckAfter <= s.jobTimeout {
		return errors.New("-rescue must be longer than -job-timeout: River would start jobs again that still run")
	}
	return nil
}

// run serves webhooks and runs jobs until ctx is canceled.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	s, err := readSettings(args, getenv, stderr)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("cannot listen at -listen %s: %w", s.listen, err)
	}
	defer func() { _ = listener.Close() }() // The server has usually closed it.

	traces, err := newTraces(ctx, s)
	if err != nil {
		return err
	}
	defer flush(ctx, traces)
	demo := func(context.Context, *app, string) {}
	if s.demo() {
		kit := newSandbox(&s)
		defer kit.close()
		demo = kit.play
	}
	a, err := newApp(ctx, s, stdout, traces)
	if err != nil {
		return err
	}
	defer a.close()
	fmt.Fprintf(stdout, "listening on http://%s\n", listener.Addr())
	if s.stopAfter > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.stopAfter)
		defer cancel()
	}
	go demo(ctx, a, "http://"+listener.Addr().String()+webhookPath)
	return a.serve(ctx, listener)
}

// flush exports the traces that are left.
func flush(ctx context.Context, traces *sdktrace.TracerProvider) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = traces.Shutdown(ctx) // A collector that is down is no failure of the worker.
}
