// Cache-transactions keeps a copy of users' transactions in a database, brings it up to date, and
// shows it:
//
//	go run -C examples/cache-transactions . sync
//	go run -C examples/cache-transactions . show
//
// Without keys it uses a sandbox inside the program, which keeps its links and their transactions
// between runs. Without DATABASE_URL it uses a SQLite file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second Ctrl-C ends the program at once.
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "cache-transactions:", err)
	if usage := (*usageError)(nil); errors.As(err, &usage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// command is a command of the program.
type command struct {
	name, does string
	args       string // the arguments after the flags
	example    string
	run        func(ctx context.Context, p *program, flags *flag.FlagSet, args []string) error
}

func commands() []command {
	return []command{
		{"sync", "brings the copy of each link up to date with MoneyKit", "[LINK...]", "sync -json", runSync},
		{"show", "shows transactions, sums by month and a plot", "", "show -month 2026-10 -category groceries", runShow},
		{"refresh", "refreshes the data from the banks now, and syncs", "[LINK...]", "refresh -timeout 2m", runRefresh},
		{"state", "shows the links and the state of their copies", "", "state", runState},
		{"watch", "keeps syncing until Ctrl-C", "", "watch -listen localhost:8090", runWatch},
		{"forget", "deletes the copy of a link from the database", "LINK...", "forget mk_1234", runForget},
	}
}

// program contains the settings that all commands share.
type program struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	db             string // -db
	json           bool   // -json
}

// usageError is the error for a mistake on the command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func wrong(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage())
		return wrong("name a command, for example sync")
	}
	if name := args[0]; name == "help" || name == "-h" || name == "-help" || name == "--help" {
		fmt.Fprint(stdout, usage())
		return nil
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		p := &program{stdout: stdout, stderr: stderr, getenv: getenv}
		flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
		flags.SetOutput(stderr)
		flags.StringVar(&p.db, "db", "", "`file` of the SQLite database (default: in the user's cache folder)")
		flags.Usage = func() { c.usage(flags) }
		return c.run(ctx, p, flags, args[1:])
	}
	return wrong("there is no command %q: see cache-transactions -h", args[0])
}

// usage lists the commands.
func usage() string {
	var b strings.Builder
	b.WriteString("Cache-transactions keeps a copy of users' transactions in a database.\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-8s %s\n", c.name, c.does)
	}
	b.WriteString(`
Each has -h. Environment:
  MONEYKIT_CLIENT_ID, MONEYKIT_CLIENT_SECRET
      keys for MoneyKit itself; without them a sandbox inside this program is used
  MONEYKIT_BASE_URL
      another MoneyKit for these keys, such as a running moneykit-sandbox
  DATABASE_URL
      a PostgreSQL instead of the SQLite file
  NO_COLOR, CLICOLOR_FORCE, COLUMNS
      no color, color even if no terminal reads it, the width of the output
`)
	return b.String()
}

func (c command) usage(flags *flag.FlagSet) {
	out := flags.Output()
	fmt.Fprintf(out, "usage: cache-transactions %s\n\n%s %s.\n\nFor example:\n  cache-transactions %s\n\nFlags:\n",
		strings.TrimSpace(c.name+" [flags] "+c.args), strings.ToUpper(c.name[:1])+c.name[1:], c.does, c.example)
	flags.PrintDefaults()
}

// parse reads flags, and refuses arguments if none are expected.
func parse(flags *flag.FlagSet, args []string, takesLinks bool) error {
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &usageError{err.Error()}
	}
	if flags.NArg() > 0 && !takesLinks {
		return wrong("unexpected argument %q", flags.Arg(0))
	}
	for _, id := range flags.Args() {
		if strings.HasPrefix(id, "-") {
			return wrong("write the flag %s before the links", id)
		}
	}
	return nil
}
