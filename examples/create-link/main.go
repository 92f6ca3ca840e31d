// Create-link is an application that links bank accounts in a browser. It shows balances and
// transactions, repairs and disconnects links, receives webhooks, and has themes. One command
// starts it:
//
//	go run -C examples/create-link .
//
// The first start needs npm, to install the package that opens Connect. Without keys the program
// uses a sandbox inside it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second Ctrl-C ends the program at once.
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "create-link:", err)
		os.Exit(1)
	}
}

// settings are the flags of the program. Some have an environment variable as their default.
type settings struct {
	addr       string
	modules    string
	db         string
	webhookURL string
	postgres   string // DATABASE_URL; not a flag, because it contains a password
	real       bool   // whether to use MoneyKit itself instead of the sandbox
}

// keepsLinks reports whether links of the sandbox are kept between runs.
func (s settings) keepsLinks() bool { return s.db != "" || s.postgres != "" }

// readSettings reads the flags and the environment.
func readSettings(args []string, getenv func(string) string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("create-link", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.addr, "addr", "localhost:8080", "`address` to listen at; port 0 picks a free one")
	flags.StringVar(&s.modules, "modules", "", "`folder` for the npm packages (default: in the user's cache)")
	flags.StringVar(&s.db, "db", "", "`file` of the SQLite database (default: in the user's cache, or memory in the sandbox)")
	flags.StringVar(&s.webhookURL, "webhook-url", "", "`URL` at which MoneyKit reaches /webhooks (default: $PUBLIC_URL/webhooks)")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	s.postgres = getenv("DATABASE_URL")
	if s.db != "" && s.postgres != "" {
		return s, errors.New("-db and DATABASE_URL must not both be set: unset one of them")
	}
	var err error
	if s.webhookURL, err = webhookURL(s.webhookURL, getenv("PUBLIC_URL")); err != nil {
		return s, err
	}
	id, secret := getenv("MONEYKIT_CLIENT_ID"), getenv("MONEYKIT_CLIENT_SECRET")
	if (id == "") != (secret == "") {
		return s, errors.New("MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET belong together: set both, or none for the sandbox")
	}
	s.real = id != ""
	return s, nil
}

// run serves the application until ctx is canceled.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	s, err := readSettings(args, getenv, stderr)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, s.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // The server has usually closed it.
	// The page needs one host name, because "localhost" and the address are different origins.
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	origin := "http://localhost:" + port

	modules, err := installModules(ctx, s.modules, stdout)
	if err != nil {
		return err
	}
	script, err := bundle(modules)
	if err != nil {
		return err
	}
	kit, err := newMoneyKit(ctx, s)
	if err != nil {
		return err
	}
	defer kit.close()
	store, where, err := openDatabase(ctx, s)
	if err != nil {
		return err
	}
	defer store.close()
	app, err := newApp(kit, store, appConfig{origin: origin, webhookURL: s.webhookURL, script: script})
	if err != nil {
		return err
	}
	if err := app.restore(ctx); err != nil {
		return err
	}
	fmt.Fprint(stdout, greeting(origin, where, s))
	return serve(ctx, listener, app)
}

// listen opens the address. Its errors explain the usual failures.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("another program listens at %s already: stop it, or choose another port, for example -addr localhost:8081", addr)
	case err != nil:
		return nil, fmt.Errorf("cannot listen at -addr %s: use a host and a port, such as localhost:8080: %w", addr, err)
	}
	return listener, nil
}

// serve handles requests until ctx is canceled, and then waits a short time for running requests.
func serve(ctx context.Context, listener net.Listener, app *app) error {
	server := http.Server{Handler: app, ReadHeaderTimeout: 10 * time.Second}
	server.RegisterOnShutdown(app.events.close) // Streams never end by themselves.
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(limited)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-stopped; err != nil {
		return errors.Join(fmt.Errorf("some requests did not end: %w", err), server.Close())
	}
	return nil
}

// greeting returns the text for the terminal when the program is ready.
func greeting(origin, database string, s settings) string {
	text := "\n  Open     " + origin + "\n"
	if s.real {
		text += "  MoneyKit the real one, with your keys; register " + origin + " for redirects in its dashboard\n"
		text += "  Webhooks " + cmp.Or(s.webhookURL, "none: set -webhook-url or PUBLIC_URL to a public address of this program") + "\n"
	} else {
		text += "  MoneyKit a sandbox inside this program; no keys, no real bank\n"
		text += "  Sign in  user_good / pass_good at the Credentials Bank; other users are in the README\n"
	}
	return text + "  Data     " + database + "\n  Stop     Ctrl-C\n\n"
}
