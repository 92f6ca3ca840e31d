// Nodecheck tests that a program in another language can use moneykittest over HTTP. It runs a
// script in Node.js that links a bank and copies its transactions, with only fetch:
//
//	go run ./nodecheck
//
// It needs node, version 18 or later.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/moneykittest"
)

//go:embed flow.mjs
var flow string

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "nodecheck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	moneykit := moneykittest.New()
	defer moneykit.Close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: moneykit.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // it ends with http.ErrServerClosed
	defer func() { _ = server.Close() }()

	id, secret := moneykit.Credentials()
	script := exec.CommandContext(ctx, "node", "--input-type=module", "-", "http://"+listener.Addr().String(), id, secret) //nolint:gosec // our own
	script.Stdin = strings.NewReader(flow)
	script.Stdout, script.Stderr = os.Stdout, os.Stderr
	if err := script.Run(); err != nil {
		return fmt.Errorf("the script: %w", err)
	}
	return nil
}
