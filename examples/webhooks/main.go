// Webhooks receives what MoneyKit reports about links, and prints it.
//
// Without credentials it shows a day of deliveries in a sandbox inside this program, with its own
// clock: nothing waits, and every run prints the same:
//
//	go run ./examples/webhooks
//
// With MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET set it serves POST /webhooks/moneykit until it
// is interrupted. Put it behind a public https address, and open link sessions with that address
// as their Webhook.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/moneykit/moneykit-go"
)

// path is where MoneyKit delivers to.
const path = "/webhooks/moneykit"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "webhooks:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("webhooks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: webhooks [flags]\n\nWith MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET it serves POST %s,\n"+
			"without them it shows a day in a sandbox.\n\n", path)
		flags.PrintDefaults()
	}
	addr := flags.String("addr", "localhost:8080", "with credentials, the `address` to listen on")
	baseURL := flags.String("base-url", "", "ask for keys at this `URL` instead of MoneyKit's")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	id, secret := getenv("MONEYKIT_CLIENT_ID"), getenv("MONEYKIT_CLIENT_SECRET")
	switch {
	case id == "" && secret == "" && *baseURL == "":
		fmt.Fprintln(stdout, "MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET are not set: a day in a sandbox inside this program.")
		return showDay(ctx, stdout)
	case id == "" || secret == "":
		return errors.New("set both MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET, or neither and no -base-url for a sandbox")
	}

	// Refusals and failures show nowhere but in the client's log.
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	opts := []moneykit.Option{moneykit.WithLogger(logger)}
	if *baseURL != "" {
		opts = append(opts, moneykit.WithBaseURL(*baseURL))
	}
	client, err := moneykit.NewClient(id, secret, opts...)
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Listening on http://%s%s\n", listener.Addr(), path)
	return serve(ctx, listener, endpoint(client, log.New(stdout, "", log.LstdFlags)), logger)
}

// endpoint returns the handler that MoneyKit delivers to.
func endpoint(client *moneykit.Client, out *log.Logger) http.Handler {
	a := app{out}
	router := moneykit.Router{
		LinkStateChanged:      a.linkStateChanged,
		ProductRefreshed:      a.productRefreshed,
		TransactionsAvailable: a.transactionsAvailable,
		Default:               a.other,
	}
	mux := http.NewServeMux()
	// MoneyKit delivers an event again when it did not get the answer. With several instances of
	// this program they have to share a Deduper of your own, for example in the database.
	mux.Handle("POST "+path, client.Webhooks.Handler(router.Handle, moneykit.WithDedupe(&moneykit.MemoryDeduper{})))
	return mux
}

// app handles events. It prints what your program would do: return soon, and leave what takes
// long to a queue. An error makes MoneyKit deliver the event again.
type app struct{ out *log.Logger }

func (a app) linkStateChanged(_ context.Context, e *moneykit.LinkStateChanged) error {
	switch e.State {
	case moneykit.LinkStateConnected:
		a.out.Printf("link %s is connected", e.LinkID)
	case moneykit.LinkStateError:
		next := "wait until it works again"
		if moneykit.ActionForEvent(e) == moneykit.ActionRelink {
			next = "ask the user to link again"
		}
		a.out.Printf("link %s does not work (%s): %s", e.LinkID, e.Error, next)
	case moneykit.LinkStateDeleted:
		a.out.Printf("link %s is deleted: forget it", e.LinkID)
	default:
		a.out.Printf("link %s is in state %s", e.LinkID, e.State)
	}
	return nil
}

func (a app) productRefreshed(_ context.Context, e *moneykit.ProductRefreshed) error {
	switch e.State {
	case moneykit.ProductStateCompleted:
		a.out.Printf("link %s has new %s: read them", e.LinkID, e.Product)
	case moneykit.ProductStateFailed:
		a.out.Printf("link %s has no new %s: %s", e.LinkID, e.Product, e.ErrorMessage)
	default:
		a.out.Printf("link %s: the refresh of %s is %s", e.LinkID, e.Product, e.State)
	}
	return nil
}

func (a app) transactionsAvailable(_ context.Context, e *moneykit.TransactionsAvailable) error {
	if e.HasHistory {
		a.out.Printf("link %s: sync its transactions", e.LinkID)
	} else {
		a.out.Printf("link %s: sync its transactions; the older ones are yet to come", e.LinkID)
	}
	return nil
}

// other gets what is newer than this program. To fail would bring it again, to no avail.
func (a app) other(_ context.Context, e moneykit.Event) error {
	meta := e.Meta()
	a.out.Printf("link %s: an event %q of version %d.%d is not known here", meta.LinkID, meta.Type, meta.Major, meta.Minor)
	return nil
}

// serve answers requests until ctx ends, and then finishes those that have begun.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger) error {
	// Anybody can reach a webhook: without limits of time they could hold connections for ever.
	server := http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// What is not finished in time is not lost: MoneyKit delivers it again.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return fmt.Errorf("shutting down: %w", err)
	}
	return nil
}
