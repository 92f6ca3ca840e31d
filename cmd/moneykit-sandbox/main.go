// Command moneykit-sandbox is a fake MoneyKit on this machine, for programs in any language. It
// serves the API and Connect's pages on one port, and a control API with a web page on another.
//
//	go run github.com/moneykit/moneykit-go/cmd/moneykit-sandbox
//
// The same program is a client of the control API:
//
//	moneykit-sandbox links
//	moneykit-sandbox break -link mk_… -reason auth_expired
//
// The flag -h lists all commands and flags.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the program and returns its exit status: 0 after success, 1 after a failure, 2 for wrong
// arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var err error
	switch {
	case len(args) > 0 && args[0] != "" && args[0][0] != '-':
		err = subcommand(ctx, args[0], args[1:], stdout, stderr)
	default:
		err = serve(ctx, args, stdout, stderr)
	}
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "moneykit-sandbox:", err)
		fmt.Fprintln(stderr, "moneykit-sandbox -h lists the commands and flags.")
		return 2
	default:
		fmt.Fprintln(stderr, "moneykit-sandbox:", err)
		return 1
	}
}

// usageError is an error about the command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// subcommand runs the command with a name.
func subcommand(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error {
	verbs, lists := control.Verbs(), control.Lists()
	switch i, j := slices.IndexFunc(verbs, func(v control.Verb) bool { return v.Name == name }),
		slices.IndexFunc(lists, func(l control.List) bool { return l.Name == name }); {
	case name == "serve":
		return serve(ctx, args, stdout, stderr)
	case name == "help":
		return serve(ctx, []string{"-h"}, stdout, stderr)
	case name == "version":
		return serve(ctx, []string{"-version"}, stdout, stderr)
	case name == "openapi":
		return document(args, stdout, stderr)
	case name == "listen", name == "tail":
		return follow(ctx, name, args, stdout, stderr)
	case i >= 0:
		return callVerb(ctx, verbs[i], args, stdout, stderr)
	case j >= 0:
		return readList(ctx, lists[j], args, stdout, stderr)
	default:
		return &usageError{"unknown command: " + name}
	}
}

//go:generate go run . openapi -o ../../docs/control.openapi.json

// document prints the OpenAPI document of the control API, or writes it to a file.
func document(args []string, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("moneykit-sandbox openapi", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	file := set.String("o", "", "write to a `file`")
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(stderr, "Print the OpenAPI document of the control API.")
		set.SetOutput(stderr)
		set.PrintDefaults()
		return err
	case err != nil:
		return &usageError{err.Error()}
	case set.NArg() > 0:
		return &usageError{"unexpected argument: " + set.Arg(0)}
	case *file != "":
		return os.WriteFile(*file, control.Document(), 0o644) //nolint:gosec // the document is public
	}
	_, err := stdout.Write(control.Document())
	return err
}

// version returns the version of the module that the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
