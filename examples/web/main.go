// Web serves a page on which users connect their banks. The page's script is app.js.
//
// It needs no credentials: MoneyKit and Connect are a sandbox inside this program. The page needs
// the npm package that starts Connect:
//
//	npm install --prefix /tmp/web @moneykit/connect
//	go run ./examples/web -modules /tmp/web/node_modules
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/moneykit/moneykit-go/moneykittest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

// run serves the page until ctx is canceled.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("web", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "localhost:8080", "`address` to listen on")
	modules := flags.String("modules", "node_modules", "`folder` in which npm has installed @moneykit/connect")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if _, err := os.Stat(filepath.Join(*modules, "@moneykit", "connect")); err != nil {
		return fmt.Errorf("the package @moneykit/connect is missing; install it and set -modules: %w", err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	// Always use the name localhost: http://localhost and http://127.0.0.1 are different origins.
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	origin := "http://localhost:" + port

	sandbox := moneykittest.New()
	defer sandbox.Close()
	handler, err := newSite(sandbox, origin, *modules)
	if err != nil {
		return err
	}
	server := http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintln(stdout, "open", origin)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
