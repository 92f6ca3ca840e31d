// Sandboxload measures the speed of the fake MoneyKit and its memory for each user. The clients run
// on the same machine:
//
//	go run ./internal/sandboxload -users 100000
//
// Each user gets an access token, opens a link session, goes through Connect, exchanges the token
// of the new link, and reads its accounts and a page of its transactions. All requests go over HTTP
// on the loopback interface. Only Connect is played by the fake. The links have webhooks, which are
// delivered meanwhile. Two rounds of requests by users who have links follow.
//
// It fails in these cases:
//   - A request fails.
//   - There are fewer requests a second than -min-rps.
//   - A user costs more bytes than -max-bytes.
//   - The second round has made the heap grow.
//   - Goroutines or connections remain after the clients have ended.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"time"

	"github.com/moneykit/moneykit-go/internal/usage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandboxload:", err)
		os.Exit(1)
	}
}

// config contains the flags.
type config struct {
	users, workers, reads int
	minRate, maxBytes     float64
	profile               string
	asJSON                bool
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var c config
	flags := flag.NewFlagSet("sandboxload", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&c.users, "users", 2000, "number of users who link a bank")
	flags.IntVar(&c.workers, "workers", 32, "number of concurrent users")
	flags.IntVar(&c.reads, "reads", 12_000, "number of requests in each of the two rounds that follow")
	flags.Float64Var(&c.minRate, "min-rps", 0, "fail below this number of requests a second")
	flags.Float64Var(&c.maxBytes, "max-bytes", 0, "fail if a user costs more bytes; 0 for no limit")
	flags.StringVar(&c.profile, "cpuprofile", "", "write a CPU profile of the load to this `file`")
	flags.BoolVar(&c.asJSON, "json", false, "print only requests a second, requests a second of processor time, and bytes a user, as JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case c.users < 1 || c.workers < 1 || c.reads < 1:
		return errors.New("there must be at least one user, one worker and one read")
	}
	return c.measure(ctx, out)
}

// measure loads a fake MoneyKit, prints the measurements, and returns an error if one exceeds its
// limit.
func (c config) measure(ctx context.Context, out io.Writer) error {
	result := out
	if c.asJSON {
		out = io.Discard
	}
	l, err := newLoad(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = l.close() }()
	before := l.take()
	line(out, "users", "%d, %d at once", c.users, c.workers)
	line(out, "before", "%v", before)

	if c.profile != "" {
		file, err := os.Create(c.profile)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
	}
	start, cpu := time.Now(), usage.CPU()
	l.each(ctx, c.users, l.link)
	took, cpu := time.Since(start), usage.CPU()-cpu
	pprof.StopCPUProfile()
	rate := float64(l.latencies.count()) / took.Seconds()
	line(out, "requests", "%d in %.1f s: %.0f/s, p50 %v, p99 %v", l.latencies.count(), took.Seconds(), rate,
		l.latencies.quantile(0.50), l.latencies.quantile(0.99))
	l.settle(ctx)
	linked := l.take()
	bytes := (linked.heap - before.heap) / float64(c.users)
	line(out, "webhooks", "%d", l.webhooks.Load())
	line(out, "after", "%v", linked)
	line(out, "a user", "%.0f bytes", bytes)

	first, err := l.round(ctx, out)
	if err != nil {
		return err
	}
	second, err := l.round(ctx, out)
	if err != nil {
		return err
	}
	switch {
	case l.failures.Load() > 0:
		return fmt.Errorf("%d requests have failed, one with: %w", l.failures.Load(), *l.failure.Load())
	case rate < c.minRate:
		return fmt.Errorf("%.0f requests a second are fewer than %.0f", rate, c.minRate)
	case c.maxBytes > 0 && bytes > c.maxBytes:
		return fmt.Errorf("a user costs %.0f bytes, more than %.0f", bytes, c.maxBytes)
	}
	if c.asJSON {
		err := json.NewEncoder(result).Encode(struct{ Rate, PerCPU, Bytes float64 }{rate, float64(l.latencies.count()) / cpu, bytes})
		if err != nil {
			return err
		}
	}
	return second.growth(before, first)
}

func line(out io.Writer, name, format string, args ...any) {
	fmt.Fprintf(out, "%-10s %s\n", name, fmt.Sprintf(format, args...))
}
