// Connectload plays many users who link their banks and relink concurrently, with a MoneyKit that
// sometimes fails. At the end it checks that every user has exactly their own links:
//
//	go run -race ./internal/connectload -users 10000
//
// Each user links one bank or two. A link breaks, a webhook reports it, and the user relinks. All
// requests go to one application on the loopback interface, which uses connect.Handler and
// Webhooks.Handler. Its hooks also fail at first. Front ends retry after errors, post results twice
// concurrently, leave Connect, and post results of other users.
//
// It fails unless every user has exactly their own links, connected and with the original webhook
// and tags, both at MoneyKit and in the application.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "connectload:", err)
		os.Exit(1)
	}
}

// config contains the flags.
type config struct {
	users, workers int
	seed           uint64
	faults         bool
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var c config
	flags := flag.NewFlagSet("connectload", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&c.users, "users", 10_000, "number of users")
	flags.IntVar(&c.workers, "workers", 64, "number of concurrent users")
	flags.Uint64Var(&c.seed, "seed", 1, "seed for the actions of users and for the faults")
	flags.BoolVar(&c.faults, "faults", true, "make MoneyKit and the application fail sometimes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case c.users < 2 || c.workers < 1:
		return errors.New("there must be at least two users and one worker")
	}
	l, err := newLoad(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = l.close() }()
	start := time.Now()
	l.live(ctx)
	took := time.Since(start)
	l.check(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	l.print(out, took)
	return l.verdict(out)
}

// figures are the counters of a run.
type figures struct {
	posts    atomic.Int64 // of front ends
	retries  atomic.Int64 // of these, after a response that allows a retry
	doubles  atomic.Int64 // results that were posted twice concurrently
	exits    atomic.Int64 // users who left Connect without a link, with or without an exit
	ended    atomic.Int64 // links that were disconnected
	forged   atomic.Int64 // refused
	again    atomic.Int64 // users who had to start over
	links    atomic.Int64
	orphans  atomic.Int64 // links without a user
	webhooks atomic.Int64 // attempts
	planned  atomic.Int64 // faults
	lost     atomic.Int64 // of these, responses of exchange_token
	slowest  atomic.Int64 // response to a front end, in nanoseconds
}

// discrepancies are the differences that check finds. Only the first are kept.
type discrepancies struct {
	mu    sync.Mutex
	n     int
	first []string
}

func (d *discrepancies) add(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n++; len(d.first) < 20 {
		d.first = append(d.first, fmt.Sprintf(format, args...))
	}
}

// live runs all users, and delivers MoneyKit's webhooks meanwhile.
func (l *load) live(ctx context.Context) {
	over, stop := context.WithCancel(ctx)
	var deliverer sync.WaitGroup
	deliverer.Go(func() { l.deliverAll(over) })
	l.each(l.users, func(i int) {
		if err := l.newUser(i).live(ctx); err != nil {
			l.wrong.add("%s: %v", userID(i), err)
		}
	})
	stop()
	deliverer.Wait()
	l.stopFailing()
	for more := ctx.Err() == nil; more; {
		more = l.deliver() //nolint:contextcheck // the sandbox has its own context
	}
}

// each calls do for the numbers below n, with one goroutine for each worker.
func (l *load) each(n int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(l.workers, n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}

func userID(i int) string { return fmt.Sprintf("user_%06d", i) }

func (l *load) print(out io.Writer, took time.Duration) {
	asked, injected := l.meter.sum()
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-18s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("users", "%d, %d at once, seed %d", l.users, l.workers, l.seed)
	line("links", "%d, each broken and mended", l.links.Load())
	line("requests", "%d of front ends, %d to MoneyKit, %d webhooks", l.posts.Load(), asked, l.webhooks.Load())
	line("faults injected", "%s", injected)
	line("lost exchanges", "%d", l.lost.Load())
	line("hooks that failed", "%d", l.app.failed.Load())
	line("retries", "%d of front ends", l.retries.Load())
	line("posted twice", "%d results", l.doubles.Load())
	line("left Connect", "%d times", l.exits.Load())
	line("disconnected", "%d links", l.ended.Load())
	line("forgeries refused", "%d", l.forged.Load())
	line("started over", "%d users, %d orphan links", l.again.Load(), l.orphans.Load())
	total := l.posts.Load() + asked + l.webhooks.Load()
	line("duration", "%.1f s, %.0f requests/s", took.Seconds(), float64(total)/took.Seconds())
	line("slowest answer", "%.1f s", time.Duration(l.slowest.Load()).Seconds())
	if peak, ok := peakMemory(); ok {
		line("peak memory", "%.0f MiB", peak)
	}
}

// verdict prints the first discrepancies, and returns an error if there are any.
func (l *load) verdict(out io.Writer) error {
	l.wrong.mu.Lock()
	defer l.wrong.mu.Unlock()
	if l.wrong.n == 0 {
		fmt.Fprintln(out, "every user has exactly their own links, connected, with webhook and tags")
		return nil
	}
	slices.Sort(l.wrong.first)
	for _, what := range l.wrong.first {
		fmt.Fprintln(out, what)
	}
	return fmt.Errorf("%d discrepancies", l.wrong.n)
}

// peakMemory returns the peak resident memory of this process in MiB, if the kernel reports it.
func peakMemory() (float64, bool) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	var kib float64
	_, after, found := bytes.Cut(data, []byte("VmHWM:"))
	if !found {
		return 0, false
	}
	n, _ := fmt.Sscan(string(after), &kib)
	return kib / 1024, n == 1
}
