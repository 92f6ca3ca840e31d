package moneykit_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func ExampleLinkSessionsService_Finish() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	client := mk.Client()
	session, err := client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"},
		RedirectURI:  "https://example.com/oauth",
	})
	if err != nil {
		log.Fatal(err)
	}
	result, err := moneykit.ParseConnectResult(mk.Connect(session.Token, moneykit.ConnectIOS, moneykittest.Play{}))
	if err != nil {
		log.Fatal(err)
	}

	link, err := client.LinkSessions.Finish(ctx, moneykit.FinishParams{Result: result, UserID: "user_0001"})
	if err != nil {
		log.Fatal(err)
	}
	again, err := client.LinkSessions.Finish(ctx, moneykit.FinishParams{Result: result, UserID: "user_0001"})
	fmt.Println(link.State, err == nil && again.ID == link.ID)

	_, err = client.LinkSessions.Finish(ctx, moneykit.FinishParams{Result: result, UserID: "user_0002"})
	fmt.Println(errors.Is(err, moneykit.ErrorCodeInvalidTokenExchange))
	// Output:
	// connected true
	// true
}

func ExampleLinkSessionsService_Relink() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001", Webhook: "https://app.example/hooks"})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)

	_, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	fmt.Println(moneykit.ActionFor(err), "-", moneykit.UserMessage(err))

	session, err := client.LinkSessions.Relink(ctx, link.ID, moneykit.RelinkParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"},
		RedirectURI:  "https://example.com/oauth",
	})
	if err != nil {
		log.Fatal(err)
	}
	result, err := moneykit.ParseConnectResult(mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{}))
	if err != nil {
		log.Fatal(err)
	}
	mended, err := client.LinkSessions.Finish(ctx, moneykit.FinishParams{Result: result, UserID: "user_0001", LinkID: link.ID})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(mended.State, mended.Webhook)
	// Output:
	// relink - Your bank wants you to log in again. Please reconnect your bank.
	// connected https://app.example/hooks
}
