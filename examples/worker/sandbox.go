package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// sandbox is the MoneyKit of the demo.
type sandbox struct{ server *moneykittest.Server }

// newSandbox starts a MoneyKit in this process and points the settings at it. It delivers webhooks
// by itself and keeps MoneyKit's limits.
func newSandbox(s *settings) sandbox {
	server := moneykittest.New(moneykittest.WithAutoDelivery(), moneykittest.WithRateLimits(),
		moneykittest.WithSeed(rand.Uint64())) //nolint:gosec // G404: no secret; a database that exists already knows other ids.
	s.baseURL = server.URL()
	s.clientID, s.secret = server.Credentials()
	return sandbox{server}
}

func (b sandbox) close() { b.server.Close() }

// play lets things happen to a link until ctx is canceled: the user links, spends, loses the
// connection to the bank and relinks.
func (b sandbox) play(ctx context.Context, a *app, webhook string) {
	if err := b.live(ctx, a, webhook); err != nil && ctx.Err() == nil {
		a.log.LogAttrs(ctx, slog.LevelError, "the demo has failed", slog.String("error", err.Error()))
	}
}

func (b sandbox) live(ctx context.Context, a *app, webhook string) error {
	say := func(text string) { a.log.LogAttrs(ctx, slog.LevelInfo, "demo: "+text) }
	const userID = "user_0001"
	session := moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: userID},
		RedirectURI:  "http://localhost:3000",
		Webhook:      webhook,
		Settings: &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
			Transactions: &moneykit.ProductSettings{Prefetch: true, Reason: "show your spending"},
		}},
	}
	say("a user links a bank")
	result, err := b.connect(ctx, a, session)
	if err != nil {
		return err
	}
	link, err := a.client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
	if err != nil {
		return err
	}
	if err := a.database.store.SaveLink(ctx, userID, link); err != nil {
		return err
	}
	session.ExistingLinkID = link.ID
	steps := []struct {
		text string
		do   func() error
	}{
		{"the user buys a coffee", func() error { b.coffee(link.ID); return nil }},
		{"MoneyKit refreshes the balances", func() error { b.server.Refresh(link.ID, moneykit.ProductAccounts); return nil }},
		{"the user changes the password at the bank", func() error { b.server.Break(link.ID, moneykit.LinkErrorAuthExpired); return nil }},
		{"the user relinks", func() error { _, err := b.connect(ctx, a, session); return err }},
	}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		step := steps[i%len(steps)]
		say(step.text)
		if err := step.do(); err != nil {
			return err
		}
	}
}

// coffee lets the user spend something.
func (b sandbox) coffee(linkID string) {
	b.server.AddTransactions(linkID, moneykit.Transaction{
		Amount: moneykit.MustDecimal("4.80"), Description: "Coffee at the corner", Pending: true,
	})
}

// connect opens a link session and plays the user in Connect.
func (b sandbox) connect(ctx context.Context, a *app, params moneykit.LinkSessionParams) (*moneykit.ConnectResult, error) {
	session, err := a.client.LinkSessions.Create(ctx, params)
	if err != nil {
		return nil, err
	}
	return moneykit.ParseConnectResult(b.server.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{}))
}
