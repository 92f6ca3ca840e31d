package balance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/examples/balance"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestTotal(t *testing.T) {
	mk := moneykittest.NewServer(t) // ends with the test
	client := mk.Client()
	current := moneykit.MustDecimal("12.50")
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001", Accounts: []moneykit.Account{
		{Type: "depository.checking", Balances: moneykit.Balances{Currency: "USD", Current: &current}},
		{Type: "depository.savings", Balances: moneykit.Balances{Currency: "EUR", Current: &current}},
	}})

	total, err := balance.Total(t.Context(), client.Accounts, link.ID, "USD")
	if err != nil || total.String() != "12.50" {
		t.Errorf("the total is %s, %v", total, err)
	}
	mk.Fail("get_accounts", 1, moneykittest.Fault{Status: 503}) // the client retries
	if _, err := balance.Total(t.Context(), client.Accounts, link.ID, "USD"); err != nil {
		t.Error(err)
	}
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	if _, err := balance.Total(t.Context(), client.Accounts, link.ID, "USD"); !errors.Is(err, balance.ErrExpired) {
		t.Errorf("the error of an expired link is %v", err)
	}
}

func TestWebhook(t *testing.T) {
	mk := moneykittest.NewServer(t)
	var broken []string // what the application would store
	router := moneykit.Router{LinkStateChanged: func(_ context.Context, e *moneykit.LinkStateChanged) error {
		broken = append(broken, e.LinkID)
		return nil
	}}
	handler := mk.Client().Webhooks.Handler(router.Handle, moneykit.WithDedupe(&moneykit.MemoryDeduper{}))
	mk.Receive(handler)
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: "https://app.example/webhooks/moneykit"})

	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	mk.Deliver(moneykittest.Duplicated(2))
	if len(broken) != 1 || broken[0] != link.ID {
		t.Errorf("the events are of %v", broken)
	}
}
