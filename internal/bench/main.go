// Bench compares the costs of the module with the same work written by hand with the standard
// library, and prints one table of ratios:
//
//	go run ./internal/bench
//	go run ./internal/bench -build
//
// Both sides of a comparison take turns for a while. The table shows the median and the quartiles
// of the ratios of their processor times. With -build it also builds programs with an empty cache,
// which takes minutes. With -check it fails if a row is over its bound. Bounds are wider than
// goals, because machines differ.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
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
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// config contains the settings of the flags.
type config struct {
	only  *regexp.Regexp // names of groups
	time  time.Duration  // duration of a comparison
	rows  int            // number of synced rows
	users int            // number of users of the fake MoneyKit
}

// group is a group of rows that are measured together.
type group struct {
	name    string
	measure func(context.Context, config) ([]row, error)
}

func groups() []group {
	return []group{
		{"decode", decoding},
		{"client", calls},
		{"loopback", loopback},
		{"webhooks", webhooks},
		{"refused", refused},
		{"sync", syncing},
		{"fake", fake},
		{"load", load},
		{"build", build},
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	c := config{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	only := flags.String("only", "", "measure only the groups that match this `regexp`")
	flags.DurationVar(&c.time, "time", 2*time.Second, "how long both sides of a row take turns")
	flags.IntVar(&c.rows, "rows", 100_000, "how many rows are synced")
	flags.IntVar(&c.users, "users", 1500, "how many users load the fake MoneyKit")
	builds := flags.Bool("build", false, "also build programs with an empty cache")
	check := flags.Bool("check", false, "fail if a row is over its bound")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if c.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}

	fmt.Fprintf(out, "%s, %s\n\n", machine(), time.Now().UTC().Format(time.DateOnly))
	table := newTable(out)
	for _, g := range groups() {
		if !c.only.MatchString(g.name) || (g.name == "build" && !*builds) {
			continue
		}
		rows, err := g.measure(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		table.add(rows)
	}
	if *check && len(table.beyond) > 0 {
		return fmt.Errorf("over the bound: %s", strings.Join(table.beyond, "; "))
	}
	return nil
}

// machine describes the machine.
func machine() string {
	text := fmt.Sprintf("%s %s/%s, %d cores", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(data), "model name"); ok {
			model, _, _ := strings.Cut(rest, "\n")
			text += " of " + strings.Trim(model, "\t: ")
		}
	}
	if data, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ := strings.Cut(string(data), " ")
		text += ", load average " + load
	}
	return text
}
