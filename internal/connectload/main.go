// Connectload lets many users link their banks and mend their links, all at once and with a
// MoneyKit that fails now and then, and looks afterwards whether everybody has what is theirs:
//
//	go run -race ./internal/connectload -users 10000
//
// Each user links one bank or two. A link breaks, a webhook says so, and the user relinks. All of
// it goes through one application on the loopback interface, made of connect.Handler and
// Webhooks.Handler, whose hooks fail at first, too. Front ends post again what was answered with an
// error, post twice at once, leave Connect, and post what is another user's.
//
// It fails unless every user has exactly their own links, connected, with the webhook and the tags
// that they had at first: in MoneyKit, and in the application.
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

// config is what the flags decide.
type config struct {
	users, workers int
	seed           uint64
	faults         bool
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var c config
	flags := flag.NewFlagSet("connectload", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&c.users, "users", 10_000, "how many users there are")
	flags.IntVar(&c.workers, "workers", 64, "how many of them are busy at once")
	flags.Uint64Var(&c.seed, "seed", 1, "decides what users do, and what fails")
	flags.BoolVar(&c.faults, "faults", true, "let MoneyKit and the application fail now and then")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case c.users < 2 || c.workers < 1:
		return errors.New("there must be two users and one worker at least")
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

// figures count what happened.
type figures struct {
	posts    atomic.Int64 // of front ends
	retries  atomic.Int64 // of them after an answer that said so
	doubles  atomic.Int64 // results that were posted twice at once
	exits    atomic.Int64 // users who left Connect without a link, or without a word
	ended    atomic.Int64 // links that were disconnected
	forged   atomic.Int64 // refused
	again    atomic.Int64 // users who had to start over
	links    atomic.Int64
	orphans  atomic.Int64 // links that nobody knows of
	webhooks atomic.Int64 // attempts
	planned  atomic.Int64 // faults
	lost     atomic.Int64 // of them answers of exchange_token
	slowest  atomic.Int64 // answer to a front end, in nanoseconds
}

// discrepancies are what is wrong. The first are kept.
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

// live lets all users do what they do, and MoneyKit deliver what it has to say.
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
		more = l.deliver() //nolint:contextcheck // the sandbox has its own
	}
}

// each calls do for the numbers below n, as many at once as there are workers.
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

// verdict prints the first discrepancies and fails, if there are any.
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

// peakMemory returns how many MiB of this process were resident at most, where the kernel says so.
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
