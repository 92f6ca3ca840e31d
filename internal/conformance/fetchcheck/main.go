//go:build !js

// Fetchcheck tests that a client works with GOOS=js, where net/http calls the platform's fetch. It
// compiles the other half of this package to WebAssembly and runs it in Node.js, against a MoneyKit
// on the loopback interface:
//
//	go run ./fetchcheck
//
// It needs node, version 18 or later.
package main

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/moneykit/moneykit-go/moneykittest"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "fetchcheck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	moneykit := moneykittest.New()
	defer moneykit.Close()
	link := moneykit.AddLink(moneykittest.LinkSpec{})

	var strayed, fetched atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	defer stranger.Close()
	host := httptest.NewServer(ways(moneykit.Handler(), stranger.URL, &fetched))
	defer host.Close()

	dir, err := os.MkdirTemp("", "fetchcheck")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "client.wasm")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./fetchcheck") //nolint:gosec // a file of its own
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building for js: %w: %s", err, out)
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	id, secret := moneykit.Credentials()
	script := filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec_node.js")
	client := exec.CommandContext(ctx, "node", "--stack-size=8192", script, program, host.URL, id, secret, link.ID) //nolint:gosec // as above
	// net/http does not use fetch in a program that is called node.
	client.Args[0] = "fetchcheck"
	client.Stdout, client.Stderr = os.Stdout, os.Stderr
	if err := client.Run(); err != nil {
		return fmt.Errorf("the client: %w", err)
	}
	switch {
	case strayed.Load() > 0:
		return errors.New("a redirect to another origin was followed")
	case fetched.Load() == 0:
		return errors.New("no request came from fetch")
	}
	return nil
}

// ways serves MoneyKit below several paths, in a different way below each.
func ways(moneykit http.Handler, stranger string, fetched *atomic.Int32) http.Handler {
	mux := http.NewServeMux()
	handle := func(way string, handler http.HandlerFunc) {
		mux.Handle(way+"/", http.StripPrefix(way, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Sec-Fetch-Mode") != "" {
				fetched.Add(1)
			}
			if r.URL.Path == "/auth/token" {
				moneykit.ServeHTTP(w, r)
				return
			}
			handler(w, r)
		})))
	}
	handle("/plain", moneykit.ServeHTTP)
	handle("/gzip", encoded(moneykit, "gzip", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }))
	handle("/deflate", encoded(moneykit, "deflate", func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }))
	handle("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/plain"+r.URL.Path, http.StatusTemporaryRedirect) //nolint:gosec // our own path
	})
	handle("/stranger", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger+r.URL.Path, http.StatusTemporaryRedirect) //nolint:gosec // on purpose
	})
	handle("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	handle("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "{")
		panic(http.ErrAbortHandler)
	})
	return mux
}

// encoded serves the responses of moneykit in a content encoding.
func encoded(moneykit http.Handler, name string, encoder func(io.Writer) io.WriteCloser) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		moneykit.ServeHTTP(answer, r)
		var body bytes.Buffer
		encoding := encoder(&body)
		_, _ = encoding.Write(answer.Body.Bytes())
		_ = encoding.Close()
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		w.Header().Set("Content-Encoding", name)
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body.Bytes())
	}
}
