// Relink shows how a user repairs a link that stopped working: MoneyKit reports the problem by a
// webhook, the application asks the user to reconnect the bank, and the user goes through Connect
// again.
//
// It needs no credentials. MoneyKit is a sandbox inside this program. The sandbox has its own
// clock, so the program does not wait and prints the same in every run.
//
//	go run ./examples/relink
//
// The file app.go contains the code that an application needs.
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
