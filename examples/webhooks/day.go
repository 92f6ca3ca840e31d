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

// day is a day in the sandbox.
type day struct {
	sandbox *moneykittest.Server
	client  *moneykit.Client
	start   time.Time
	url     string         // of the endpoint
	network http.Transport // that leads to it
	outage  int            // attempts that nobody will answer there
	first   string         // link
	second  string
	refused int // forged webhooks

	mu  sync.Mutex // requests are answered in goroutines of their own
	out io.Writer
}

// showDay lets MoneyKit deliver for a day to the same endpoint as with credentials.
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
		moneykittest.WithClock(func() time.Time { return d.start }), // from there on it is advanced
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

// shorten drops from the log what the timeline shows already, and what is another in each run.
func shorten(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey, "delivery_token":
		return slog.Attr{}
	}
	return a
}

// live goes through the day.
func (d *day) live(ctx context.Context) error {
	for _, step := range []struct {
		at    time.Duration
		title string
		do    func(context.Context) error
		how   moneykittest.DeliverOption
	}{
		{7 * time.Hour, "Two users link their bank accounts.", d.link, nil},
		{8 * time.Hour, "MoneyKit finds the transactions of the night.", d.morning, nil},
		{9*time.Hour + 30*time.Minute, "A user changes the password at the bank. The link breaks.", d.breakLink, nil},
		{9*time.Hour + 45*time.Minute, "The user goes through Connect again, and the link is mended.", d.mendLink, nil},
		{11 * time.Hour, "The receiver is down. MoneyKit comes again, and waits longer each time.", d.breakDown, nil},
		{12*time.Hour + 30*time.Minute, "MoneyKit delivers an event twice, as it may. It is handled once.", d.balances, moneykittest.Duplicated(2)},
		{14 * time.Hour, "Somebody forges webhooks. The log says what is wrong with them, the answer does not.", d.forge, nil},
		{16 * time.Hour, "MoneyKit signs with a new key. Nobody notices.", d.rotate, nil},
		{17 * time.Hour, "A developer has a test event sent.", d.test, nil},
		{18*time.Hour + 30*time.Minute, "A user leaves. The link is deleted.", d.deleteLink, nil},
	} {
		d.sandbox.Advance(d.start.Add(step.at).Sub(d.sandbox.Now()))
		d.printf("\n%s\n", step.title)
		if err := step.do(ctx); err != nil {
			return err
		}
		d.deliver(step.how) //nolint:contextcheck // the sandbox has its own
	}
	return nil
}

// deliver lets MoneyKit deliver what happened, and come again until it has an answer. A day has
// time for that.
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
	params.Webhook = d.url // also for a link that exists: without it the link would lose its own
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

func (d *day) mendLink(ctx context.Context) error {
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
	genuine := d.sandbox.SignedRequest(d.url, deliveries[len(deliveries)-1].Body) //nolint:contextcheck // the sandbox has its own
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

// sum says how the day was.
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
	d.printf("\nDelivered %d webhooks, repeated %d (%d because nobody answered, %d that the app knew already), refused %d.\n",
		delivered, unanswered+known, unanswered, known, d.refused)
	d.printf("The app asked for MoneyKit's keys %d times.\n", d.client.Webhooks.KeyStats().Requests)
}

// RoundTrip takes a webhook from MoneyKit to the endpoint, and shows what MoneyKit sees of it.
func (d *day) RoundTrip(r *http.Request) (*http.Response, error) {
	attempt := r.Header.Get("MoneyKit-Delivery-Attempt")
	if d.outage > 0 {
		d.outage--
		d.say("MoneyKit", "attempt %s: no answer", attempt)
		return nil, errors.New("nobody answers")
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

// from returns a writer of lines that are somebody's.
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
