// Webhooks receives MoneyKit's webhooks about links, and prints each event.
//
// Without credentials it shows a day of deliveries from a sandbox inside this program. The sandbox
// has its own clock, so the program does not wait and prints the same in every run:
//
//	go run ./examples/webhooks
//
// If MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET are set, it serves POST /webhooks/moneykit until
// it is interrupted. Put it behind a public https address, and open link sessions with that address
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

// path is the path of the endpoint.
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
		fmt.Fprintf(stderr, "usage: webhooks [flags]\n\nServes POST %s if MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET are set.\n"+
			"Otherwise it shows a day of deliveries from a sandbox.\n\n", path)
		flags.PrintDefaults()
	}
	addr := flags.String("addr", "localhost:8080", "`address` to listen on if credentials are set")
	baseURL := flags.String("base-url", "", "fetch keys from this `URL` instead of MoneyKit's")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	id, secret := getenv("MONEYKIT_CLIENT_ID"), getenv("MONEYKIT_CLIENT_SECRET")
	switch {
	case id == "" && secret == "" && *baseURL == "":
		fmt.Fprintln(stdout, "MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET are not set: showing a day in the sandbox inside this program.")
		return showDay(ctx, stdout)
	case id == "" || secret == "":
		return errors.New("set both MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET; for the sandbox set neither, and no -base-url")
	}

	// The client's log is the only place with the reasons for refusals and failures.
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
	// MoneyKit delivers an event again if the response was lost. Several instances of this program
	// must share a Deduper of your own, for example in the database.
	mux.Handle("POST "+path, client.Webhooks.Handler(router.Handle, moneykit.WithDedupe(&moneykit.MemoryDeduper{})))
	return mux
}

// app handles events. It prints what your program would do. Return soon from such a method, and put
// long work into a queue. An error makes MoneyKit retry the delivery.
type app struct{ out *log.Logger }

func (a app) linkStateChanged(_ context.Context, e *moneykit.LinkStateChanged) error {
	switch e.State {
	case moneykit.LinkStateConnected:
		a.out.Printf("link %s is connected", e.LinkID)
	case moneykit.LinkStateError:
		next := "wait until it works again"
		if moneykit.ActionForEvent(e) == moneykit.ActionRelink {
			next = "ask the user to reconnect the bank"
		}
		a.out.Printf("link %s does not work (%s): %s", e.LinkID, e.Error, next)
	case moneykit.LinkStateDeleted:
		a.out.Printf("link %s is deleted: delete its data", e.LinkID)
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
		a.out.Printf("link %s: sync its transactions; older ones will follow", e.LinkID)
	}
	return nil
}

// other handles events that are newer than this program. It returns no error, because a retry of
// the delivery would not help.
func (a app) other(_ context.Context, e moneykit.Event) error {
	meta := e.Meta()
	a.out.Printf("link %s: ignored the unknown event %q of version %d.%d", meta.LinkID, meta.Type, meta.Major, meta.Minor)
	return nil
}

// serve serves requests until ctx ends, and then waits for the active ones.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger) error {
	// Anyone can reach the endpoint. Without timeouts, a client could keep connections open
	// forever.
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
	// MoneyKit retries deliveries that do not finish in time.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return fmt.Errorf("shutting down: %w", err)
	}
	return nil
}
