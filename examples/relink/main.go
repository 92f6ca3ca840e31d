// Relink shows how a link breaks and is mended: MoneyKit reports it by a webhook, the application
// offers the user to reconnect the bank, and the user goes through Connect once more.
//
// It needs no credentials. MoneyKit is a sandbox inside this program, with its own clock: nothing
// waits, and every run prints the same.
//
//	go run ./examples/relink
//
// What an application has of this is in app.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	"github.com/moneykit/moneykit-go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "relink:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("relink", flag.ContinueOnError)
	flags.SetOutput(stderr)
	source := flags.String("source", "web", "`platform` of the user's Connect: web, ios, android or react_native")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	platform := moneykit.ConnectSource(*source)
	if !slices.Contains([]moneykit.ConnectSource{
		moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative,
	}, platform) {
		return fmt.Errorf("there is no platform %q", *source)
	}
	return tell(ctx, platform, stdout)
}
