package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
	"github.com/moneykit/moneykit-go/internal/sandbox"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// grace is the time that requests have to finish when the program is interrupted.
const grace = 5 * time.Second

// serve serves the sandbox until ctx ends.
func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.version {
		_, err := fmt.Fprintln(stdout, "moneykit-sandbox", version())
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !o.clock.IsZero() {
		started := time.Now()
		o.settings.Clock = func() time.Time { return o.clock.Add(time.Since(started)) }
	}

	var listen net.ListenConfig
	apiListener, err := listen.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("cannot serve the API: %w (-listen sets another address)", err)
	}
	defer func() { _ = apiListener.Close() }() // the server has closed it already
	controlListener, err := listen.Listen(ctx, "tcp", o.control)
	if err != nil {
		return fmt.Errorf("cannot serve the control API: %w (-control sets another address)", err)
	}
	defer func() { _ = controlListener.Close() }()

	notes := &notes{w: stderr}
	ctl := &control.Server{Hosts: o.hosts}
	ctl.Sandbox = sandbox.New(ctx, o.settings, ctl.Reports(notes.printf))
	if o.state != "" {
		state, err := ctl.Sandbox.Keep(o.state, sandbox.Wanted{Seed: o.seeded, Clock: !o.clock.IsZero()}, func(err error) {
			notes.printf("moneykit-sandbox: %v", err)
			os.Exit(1) // exit before a response reports a change that is not saved
		})
		if err != nil {
			return err
		}
		defer func() { _ = state.Close() }() // the file is complete already
		if now := ctl.Sandbox.World.Now(); !o.clock.IsZero() && now.Sub(o.clock) > time.Minute {
			notes.printf("moneykit-sandbox: the clock starts at %s, the last time in %s, because the time of -clock is earlier",
				now.Format(time.RFC3339), o.state)
		}
	}
	scheme := "http"
	ctl.Info = control.Info{
		Version: version(), Control: address("http", controlListener),
		ClientID: o.settings.API.ClientID, ClientSecret: o.settings.API.ClientSecret, State: o.state,
	}
	if o.tls {
		certificate, ca, err := certify(o.tlsDir, o.tlsHosts, time.Now())
		if err != nil {
			return err
		}
		scheme, ctl.Info.CA = "https", ca
		apiListener = tls.NewListener(apiListener, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}})
	}
	ctl.Info.API = address(scheme, apiListener)
	if o.fail != nil {
		if err := ctl.Sandbox.API.Fail(o.fail.operation, o.fail.n, api.Fault{Status: o.fail.status, Passing: true}); err != nil {
			return &usageError{"-fail: " + err.Error()}
		}
	}
	if !o.noDelivery {
		go ctl.Sandbox.Courier.RunByLink() //nolint:contextcheck // the courier has ctx
	}
	servers := []*http.Server{
		server(ctx, slow(o.latency, ctl.Watch(ctl.Sandbox.Handler(nil)))),
		server(ctx, ctl.Handler()),
	}
	ended := make(chan error, len(servers))
	go func() { ended <- servers[0].Serve(apiListener) }()
	go func() { ended <- servers[1].Serve(controlListener) }()
	fmt.Fprint(stdout, banner(ctl.Info))
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = nil
	}
	cancel()
	shutDown(context.WithoutCancel(ctx), servers)
	return err
}

func server(ctx context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:    log.New(io.Discard, "", 0), // planned faults break connections
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
}

// shutDown closes the servers after their current requests.
func shutDown(ctx context.Context, servers []*http.Server) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	var all sync.WaitGroup
	for _, s := range servers {
		all.Go(func() {
			if s.Shutdown(ctx) != nil { // the time is over
				_ = s.Close()
			}
		})
	}
	all.Wait()
}

// slow delays requests.
func slow(latency time.Duration, next http.Handler) http.Handler {
	if latency == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(latency):
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler) // a return would send an empty response with status 200
		}
	})
}

// address returns the URL of a listener. The host is localhost for a listener on all interfaces or
// on a loopback address.
func address(scheme string, l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err == nil && ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// notes prints lines about mistakes of clients.
type notes struct {
	mu sync.Mutex
	w  io.Writer
}

func (n *notes) printf(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintln(n.w, plain(fmt.Sprintf(format, args...)))
}

// plain escapes characters that would control a terminal.
func plain(text string) string {
	quoted := strconv.Quote(text)
	if quoted == `"`+text+`"` {
		return text
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}

// banner returns the text that explains how to use the sandbox.
func banner(info control.Info) string {
	var b strings.Builder
	fmt.Fprintf(&b, "moneykit-sandbox %s\n\n", info.Version)
	fmt.Fprintf(&b, "  API          %s\n", info.API)
	fmt.Fprintf(&b, "  Connect      %s, as the host of the front-end package\n", info.API)
	fmt.Fprintf(&b, "  Client       id %s, secret %s\n", info.ClientID, info.ClientSecret)
	fmt.Fprintf(&b, "  Control      %s, with a page for people\n", info.Control)
	if info.CA != "" {
		fmt.Fprintf(&b, "  CA           %s, for clients to trust\n", info.CA)
	}
	fmt.Fprintf(&b, "  Test users   with the password %s; the code is %s, and the answer %s\n", world.Password, world.Code, world.Answer)
	for _, user := range world.TestUsers() {
		fmt.Fprintf(&b, "               %-14s %s\n", user.Name, user.Does)
	}
	b.WriteByte('\n')
	ca := ""
	if info.CA != "" {
		ca = "--cacert '" + info.CA + "' "
	}
	fmt.Fprintf(&b, "  curl %s-u '%s:%s' -d grant_type=client_credentials %s/auth/token\n", ca, info.ClientID, info.ClientSecret, info.API)
	fmt.Fprintf(&b, "  npm install @moneykit/connect    # new MoneyKit({ __connectSDKUIHost: %q })\n\nready\n", info.API)
	return b.String()
}
