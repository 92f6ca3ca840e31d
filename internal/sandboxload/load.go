package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// load is a fake MoneyKit, its clients, and their measurements.
type load struct {
	config

	mk          *moneykittest.Server
	server      http.Server
	url         string
	client      http.Client
	connections atomic.Int64 // of the server
	goroutines  int          // before the load

	links     []string // their ids, by user
	latencies latencies
	webhooks  atomic.Int64 // received
	failures  atomic.Int64
	failure   atomic.Pointer[error] // one of them
}

func newLoad(ctx context.Context, c config) (*load, error) {
	l := &load{config: c, links: make([]string, c.users)}
	l.mk = moneykittest.New(moneykittest.WithAutoDelivery(),
		moneykittest.WithReceiver(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { l.webhooks.Add(1) })))
	l.client.Transport = &http.Transport{MaxConnsPerHost: c.workers, MaxIdleConnsPerHost: c.workers}
	l.server = http.Server{Handler: l.mk.Handler(), ReadHeaderTimeout: time.Minute, ConnState: func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			l.connections.Add(1)
		case http.StateClosed, http.StateHijacked:
			l.connections.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		l.mk.Close()
		return nil, err
	}
	l.url = "http://" + listener.Addr().String()
	go func() { _ = l.server.Serve(listener) }() // it ends with close
	l.goroutines = runtime.NumGoroutine()
	return l, nil
}

func (l *load) close() error {
	l.mk.Close()
	return l.server.Close()
}

// each calls do for the numbers below n, with one goroutine for each worker.
func (l *load) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(l.workers, n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					l.failures.Add(1)
					l.failure.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	workers.Wait()
}

// round sends some requests of users who have links, and measures the memory that remains in use.
func (l *load) round(ctx context.Context, out io.Writer) (sizes, error) {
	start := time.Now()
	l.each(ctx, l.reads, l.read)
	took := time.Since(start)
	left := l.take()
	line(out, "reads", "%d in %.1f s: %.0f/s; %v", l.reads, took.Seconds(), float64(l.reads)/took.Seconds(), left)
	return left, ctx.Err()
}

// settle waits until all webhooks are delivered.
func (l *load) settle(ctx context.Context) {
	pending := func(d moneykittest.Delivery) bool { return d.State == moneykittest.DeliveryPending }
	for slices.ContainsFunc(l.mk.Deliveries(), pending) && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
}

// link sends the requests of a user who links a bank.
func (l *load) link(ctx context.Context, i int) error {
	token, err := l.token(ctx)
	if err != nil {
		return err
	}
	var session struct {
		Token string `json:"link_session_token"`
	}
	banks := []string{moneykittest.InstantBank, moneykittest.CredentialsBank, moneykittest.OAuthBank, "chase"}
	body := fmt.Sprintf(`{"customer_user": {"id": "user_%06d"}, "institution_id": %q, "redirect_uri": "https://app.example/oauth",
		"webhook": "https://app.example/webhooks", "link_tags": ["load"]}`, i, banks[i%len(banks)])
	if err := l.send(ctx, token, http.MethodPost, "/link-session", body, &session); err != nil {
		return err
	}
	result, err := moneykit.ParseConnectResult(l.mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{}))
	if err != nil {
		return err
	}
	var exchange struct {
		LinkID string `json:"link_id"`
	}
	body = fmt.Sprintf(`{"exchangeable_token": %q}`, result.ExchangeableToken)
	if err := l.send(ctx, token, http.MethodPost, "/link-session/exchange-token", body, &exchange); err != nil {
		return err
	}
	l.links[i] = exchange.LinkID
	return errors.Join(l.accounts(ctx, token, exchange.LinkID), l.sync(ctx, token, exchange.LinkID))
}

// read sends one request of a user who has links. Some links are read many times.
func (l *load) read(ctx context.Context, i int) error {
	rng := rand.New(rand.NewPCG(0, uint64(i))) //nolint:gosec // a choice, no secret
	token, linkID := "", l.links[rng.IntN(1+rng.IntN(len(l.links)))]
	switch {
	case linkID == "": // its user has failed
		return nil
	case i%8 == 0:
		_, err := l.token(ctx)
		return err
	case i%8 == 1:
		return l.send(ctx, token, http.MethodGet, "/links?limit=500", "", nil)
	case i%8 < 5:
		return l.accounts(ctx, token, linkID)
	}
	return l.sync(ctx, token, linkID)
}

func (l *load) token(ctx context.Context) (string, error) {
	id, secret := l.mk.Credentials()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	var got struct {
		Token string `json:"access_token"`
	}
	err := l.send(ctx, "", http.MethodPost, "/auth/token", form.Encode(), &got)
	return got.Token, err
}

func (l *load) accounts(ctx context.Context, token, linkID string) error {
	return l.send(ctx, token, http.MethodGet, "/links/"+linkID+"/accounts", "", nil)
}

func (l *load) sync(ctx context.Context, token, linkID string) error {
	return l.send(ctx, token, http.MethodGet, "/links/"+linkID+"/transactions/sync", "", nil)
}

// send sends a request, and decodes the response into v unless that is nil. Without a token it has
// the client's credentials.
func (l *load) send(ctx context.Context, token, method, path, body string, v any) error {
	r, err := http.NewRequestWithContext(ctx, method, l.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	} else {
		id, secret := l.mk.Credentials()
		r.Header.Set("X-Client-Id", id)
		r.Header.Set("X-Client-Secret", secret)
	}
	start := time.Now()
	resp, err := l.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	l.latencies.add(time.Since(start))
	switch {
	case err != nil:
		return err
	case resp.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("%s %s has the status %d", method, path, resp.StatusCode)
	case v == nil:
		return nil
	}
	return json.Unmarshal(data, v)
}
