package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// load contains MoneyKit, the application, and the expected state of both.
type load struct {
	config
	figures

	mk     *moneykittest.Server
	meter  *meter
	client *moneykit.Client // of the application
	app    *app
	front  http.Client // shared by all front ends
	url    string      // of the application

	servers []*http.Server
	wake    chan struct{} // wakes the deliverer
	rounds  uint64        // of deliveries

	kept  []map[string]bool // by user: the links from Connect, false if refused
	wrong discrepancies
}

// never is longer than any run by the sandbox's clock, which is advanced for webhooks.
const never = 1000 * 24 * time.Hour

func newLoad(ctx context.Context, c config) (*load, error) {
	l := &load{config: c, wake: make(chan struct{}, 1), kept: make([]map[string]bool, c.users)}
	l.front.Transport = pool(2 * c.workers)
	l.mk = moneykittest.New(
		moneykittest.WithSeed(c.seed),
		moneykittest.WithSessionLifetime(never), moneykittest.WithHistory(0),
		moneykittest.WithDeliveryTransport(pool(senders)),
	)
	l.meter = newMeter(l.mk.Handler())
	bank, err := l.serve(ctx, l.meter)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	id, secret := l.mk.Credentials()
	l.client, err = moneykit.NewClient(id, secret,
		moneykit.WithBaseURL(bank), moneykit.WithClock(l.mk.Now),
		moneykit.WithHTTPClient(&http.Client{Transport: pool(2 * c.workers)}),
		moneykit.WithRetry(moneykit.RetryPolicy{MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond}),
		moneykit.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	mux := http.NewServeMux()
	if l.url, err = l.serve(ctx, mux); err != nil {
		return nil, errors.Join(err, l.close())
	}
	l.app = &app{
		client: l.client, url: l.url, host: bank, wrong: &l.wrong, seed: c.seed, flaky: c.faults,
		links: map[string]*record{}, handled: map[string]int{},
	}
	if err := l.app.register(mux); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// pool returns a transport that keeps n idle connections.
func pool(n int) *http.Transport {
	return &http.Transport{MaxConnsPerHost: n, MaxIdleConnsPerHost: n}
}

// serve serves a handler on the loopback interface, and returns the address.
func (l *load) serve(ctx context.Context, handler http.Handler) (string, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	l.servers = append(l.servers, server)
	go func() { _ = server.Serve(listener) }() // it ends with close
	return "http://" + listener.Addr().String(), nil
}

func (l *load) close() error {
	l.mk.Close()
	var errs []error
	for _, server := range l.servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}

// senders is the number of webhooks that MoneyKit delivers concurrently.
const senders = 8

// deliverAll delivers webhooks until ctx ends.
func (l *load) deliverAll(ctx context.Context) {
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
		for l.deliver() && ctx.Err() == nil { //nolint:contextcheck // the sandbox has its own context
		}
	}
}

// nudge wakes the deliverer.
func (l *load) nudge() {
	select {
	case l.wake <- struct{}{}:
	default: // It is awake already.
	}
}

// deliver delivers the webhooks that are due, out of order and sometimes twice. It reports whether
// any must be delivered again, and advances the sandbox's clock until all of these are due.
func (l *load) deliver() bool {
	l.rounds++
	times := 1
	if l.rounds%4 == 0 {
		times = 2
	}
	var next time.Time
	for _, sent := range l.mk.Deliver(
		moneykittest.Concurrently(senders), moneykittest.Shuffled(l.seed+l.rounds), moneykittest.Duplicated(times),
	) {
		l.webhooks.Add(int64(times))
		switch sent.State {
		case moneykittest.DeliveryPending:
			if sent.Next.After(next) {
				next = sent.Next
			}
		case moneykittest.DeliveryGivenUp:
			l.wrong.add("a webhook of the link %s was given up", sent.LinkID)
		case moneykittest.DeliveryDone:
		}
	}
	if next.IsZero() {
		return false
	}
	l.mk.Advance(max(next.Sub(l.mk.Now()), 0))
	return true
}
