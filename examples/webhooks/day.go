package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// day plays a day of deliveries in the sandbox.
type day struct {
	sandbox *moneykittest.Server
	client  *moneykit.Client
	start   time.Time
	url     string         // the endpoint
	network http.Transport // delivers to the endpoint
	outage  int            // number of next attempts that get no response
	first   string         // the id of the first user's link
	second  string         // the id of the second user's link
	refused int            // number of forged webhooks that the endpoint refused

	mu  sync.Mutex // guards out, because handlers run in their own goroutines
	out io.Writer
}

// showDay plays a day of deliveries from a sandbox. The endpoint is the same as with credentials.
func showDay(ctx context.Context, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d := &day{
		start: time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC),
		url:   "http://" + listener.Addr().String() + path,
		out:   out,
	}
	d.network.DisableKeepAlives = true
	d.sandbox = moneykittest.New(
		moneykittest.WithClock(func() time.Time { return d.start }), // advanced by each step
		moneykittest.WithDeliveryTransport(d),
	)
	defer d.sandbox.Close()
	logger := slog.New(slog.NewTextHandler(d.from("log"), &slog.HandlerOptions{ReplaceAttr: shorten}))
	d.client = d.sandbox.Client(moneykit.WithLogger(logger))

	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, endpoint(d.client, log.New(d.from("app"), "", 0)), logger) }()
	err = d.live(ctx)
	stop()
	if err := errors.Join(err, <-served); err != nil {
		return err
	}
	d.sum()
	return nil
}

// shorten removes the time from log records, because each line has it, and the delivery token,
// because it differs in each run.
func shorten(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey, "delivery_token":
		return slog.Attr{}
	}
	return a
}

// live plays the steps of the day.
func (d *day) live(ctx context.Context) error {
	for _, step := range []struct {
		at    time.Duration
		title string
		do    func(context.Context) error
		how   moneykittest.DeliverOption
	}{
		{7 * time.Hour, "Two users link their bank accounts.", d.link, nil},
		{8 * time.Hour, "MoneyKit fetches new transactions from the banks.", d.morning, nil},
		{9*time.Hour + 30*time.Minute, "A user changes the password at the bank. The link stops working.", d.breakLink, nil},
		{9*time.Hour + 45*time.Minute, "The user goes through Connect again. The link works again.", d.relink, nil},
		{11 * time.Hour, "The endpoint is down. MoneyKit retries, and waits longer each time.", d.breakDown, nil},
		{12*time.Hour + 30*time.Minute, "MoneyKit delivers an event twice. The app handles it once.", d.balances, moneykittest.Duplicated(2)},
		{14 * time.Hour, "An attacker forges webhooks. The log has the reason for each refusal, the response does not.", d.forge, nil},
		{16 * time.Hour, "MoneyKit signs with a new key. The client fetches it.", d.rotate, nil},
		{17 * time.Hour, "A developer requests a test event.", d.test, nil},
		{18*time.Hour + 30*time.Minute, "A user closes the account with the app. The app deletes the link.", d.deleteLink, nil},
	} {
		d.sandbox.Advance(d.start.Add(step.at).Sub(d.sandbox.Now()))
		d.printf("\n%s\n", step.title)
		if err := step.do(ctx); err != nil {
			return err
		}
		d.deliver(step.how) //nolint:contextcheck // The sandbox has a context of its own.
	}
	return nil
}

// deliver makes the sandbox deliver all events. It advances the clock for retries until no delivery
// is pending.
func (d *day) deliver(how moneykittest.DeliverOption) {
	for again := true; again; {
		again = false
		for _, sent := range d.sandbox.Deliver(how) {
			if sent.State == moneykittest.DeliveryPending {
				d.sandbox.Advance(sent.Next.Sub(d.sandbox.Now()))
				again = true
			}
		}
	}
}

func (d *day) link(ctx context.Context) (err error) {
	if d.first, err = d.linkUser(ctx, "user_0001"); err != nil {
		return err
	}
	d.second, err = d.linkUser(ctx, "user_0002")
	return err
}

func (d *day) linkUser(ctx context.Context, user string) (linkID string, err error) {
	result, err := d.connect(ctx, moneykit.LinkSessionParams{CustomerUser: moneykit.CustomerUser{ID: user}})
	if err != nil {
		return "", err
	}
	link, err := d.client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
	if err != nil {
		return "", err
	}
	return link.ID, nil
}

// connect opens a link session and plays the user in Connect.
func (d *day) connect(ctx context.Context, params moneykit.LinkSessionParams) (*moneykit.ConnectResult, error) {
	params.RedirectURI = "http://localhost:3000"
	params.Webhook = d.url // For an existing link too: without it, MoneyKit removes the link's webhook.
	params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
		Transactions: &moneykit.ProductSettings{Prefetch: true, Reason: "show your spending"},
	}}
	session, err := d.client.LinkSessions.Create(ctx, params)
	if err != nil {
		return nil, err
	}
	return moneykit.ParseConnectResult(d.sandbox.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{}))
}

func (d *day) morning(context.Context) error {
	d.sandbox.Refresh(d.first, moneykit.ProductTransactions)
	d.sandbox.Refresh(d.second, moneykit.ProductTransactions)
	return nil
}

func (d *day) breakLink(context.Context) error {
	d.sandbox.Break(d.first, moneykit.LinkErrorAuthExpired)
	return nil
}

func (d *day) relink(ctx context.Context) error {
	_, err := d.connect(ctx, moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"}, ExistingLinkID: d.first,
	})
	return err
}

func (d *day) breakDown(context.Context) error {
	d.outage = 3
	d.sandbox.Refresh(d.second, moneykit.ProductAccounts)
	return nil
}

func (d *day) balances(context.Context) error {
	d.sandbox.Refresh(d.first, moneykit.ProductAccounts)
	return nil
}

func (d *day) forge(context.Context) error {
	deliveries := d.sandbox.Deliveries()
	genuine := d.sandbox.SignedRequest(d.url, deliveries[len(deliveries)-1].Body) //nolint:contextcheck // The sandbox has a context of its own.
	for _, how := range []moneykittest.Tampering{
		moneykittest.TamperUnsigned, moneykittest.TamperOtherKey, moneykittest.TamperSwapped, moneykittest.TamperStale,
	} {
		resp, err := d.network.RoundTrip(d.sandbox.Tamper(genuine, how))
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		d.say("forger", "%s: %d, with a body of %d bytes", how, resp.StatusCode, len(body))
		if resp.StatusCode == http.StatusBadRequest {
			d.refused++
		}
	}
	return nil
}

func (d *day) rotate(context.Context) error {
	d.sandbox.RotateKeys()
	d.sandbox.Refresh(d.second, moneykit.ProductTransactions)
	return nil
}

func (d *day) test(ctx context.Context) error {
	_, err := d.client.Webhooks.SendTest(ctx, d.first, moneykit.TestWebhookParams{
		Event: moneykit.EventTypeTransactionsUpdatesAvailable, IdempotencyKey: "test-1",
	})
	return err
}

func (d *day) deleteLink(ctx context.Context) error {
	return d.client.Links.Delete(ctx, d.second)
}

// sum prints the numbers of deliveries.
func (d *day) sum() {
	var delivered, unanswered, known int
	for _, delivery := range d.sandbox.Deliveries() {
		accepted := 0
		for _, attempt := range delivery.Attempts {
			if attempt.Status == http.StatusNoContent {
				accepted++
			} else {
				unanswered++
			}
		}
		if delivery.State == moneykittest.DeliveryDone {
			delivered++
			known += accepted - 1
		}
	}
	d.printf("\nDelivered %d events. Deliveries without a response: %d. Duplicates: %d. Forged webhooks refused: %d.\n",
		delivered, unanswered, known, d.refused)
	d.printf("The app fetched MoneyKit's keys %d times.\n", d.client.Webhooks.KeyStats().Requests)
}

// RoundTrip sends a webhook from the sandbox to the endpoint, and prints the outcome.
func (d *day) RoundTrip(r *http.Request) (*http.Response, error) {
	attempt := r.Header.Get("MoneyKit-Delivery-Attempt")
	if d.outage > 0 {
		d.outage--
		d.say("MoneyKit", "attempt %s: no response", attempt)
		return nil, errors.New("the endpoint is down")
	}
	resp, err := d.network.RoundTrip(r)
	if err == nil {
		d.say("MoneyKit", "attempt %s: %d", attempt, resp.StatusCode)
	}
	return resp, err
}

// say prints a line with the sandbox's time.
func (d *day) say(who, format string, args ...any) {
	fmt.Fprintf(d.from(who), format+"\n", args...)
}

// from returns a writer of lines that begin with the time and who.
func (d *day) from(who string) io.Writer { return lines{d, who} }

type lines struct {
	day *day
	who string
}

// Write prints a line.
func (l lines) Write(line []byte) (int, error) {
	l.day.printf("%s  %-8s  %s", l.day.sandbox.Now().Format(time.TimeOnly), l.who, line)
	return len(line), nil
}

func (d *day) printf(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, format, args...)
}
