// Minimal links an account at a bank and prints its balances. The MoneyKit that it calls runs
// inside the program.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func main() {
	ctx := context.Background()
	sandbox := moneykittest.New() // a MoneyKit that runs inside this program
	defer sandbox.Close()
	client := sandbox.Client() // for the real one: moneykit.NewClientFromEnv()

	session, err := client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"},
		RedirectURI:  "https://example.com/oauth",
	})
	check(err)
	// The front end starts Connect with session.Token and posts the arguments of its callback.
	posted := sandbox.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{})
	result, err := moneykit.ParseConnectResult(posted)
	check(err)
	link, err := client.LinkSessions.Finish(ctx, moneykit.FinishParams{Result: result, UserID: "user_0001"})
	check(err)
	list, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	check(err)
	for _, a := range list.Accounts {
		fmt.Println(a.Name, a.Balances.Current, a.Balances.Currency)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
