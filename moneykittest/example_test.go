package moneykittest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// A test of a back end: it opens a link session, the user goes through Connect, and the back end
// receives the result from the front end. In your own test, the server is
// moneykittest.NewServer(t).
func Example() {
	mk := moneykittest.New()
	defer mk.Close()
	client := mk.Client() // for the back end that is tested
	ctx := context.Background()

	session, err := client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user-42"},
		RedirectURI:  "https://app.example/oauth",
	})
	if err != nil {
		panic(err)
	}
	posted := mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{})

	result, err := moneykit.ParseConnectResult(posted)
	if err != nil {
		panic(err)
	}
	link, err := client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
	if err != nil {
		panic(err)
	}
	fmt.Println(link.InstitutionName, "is", link.State, "with", len(result.Accounts), "accounts")

	mk.Break(link.ID, moneykit.LinkErrorAuthExpired) // the user changes the password
	_, err = client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	fmt.Println("relink:", errors.Is(err, moneykit.ErrRelinkRequired))
	for _, r := range mk.Requests() {
		fmt.Println(r.Operation, r.Status)
	}
	// Output:
	// Instant Bank is connected with 4 accounts
	// relink: true
	// create_access_token 201
	// create_link_session 201
	// exchange_token 201
	// get_accounts 422
}
