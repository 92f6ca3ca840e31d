package moneykit_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// A back end opens a link session, and turns the result of Connect into a link.
func Example_link() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	client := mk.Client() // in production: moneykit.NewClientFromEnv()

	session, err := client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"},
		RedirectURI:  "https://example.com/oauth",
	})
	if err != nil {
		log.Fatal(err)
	}
	// The front end starts Connect with session.Token, and posts the arguments of its callback.
	body := mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{})
	result, err := moneykit.ParseConnectResult(body)
	if err != nil {
		log.Fatal(err)
	}
	link, err := client.LinkSessions.Finish(ctx, moneykit.FinishParams{Result: result, UserID: "user_0001"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(link.InstitutionName, link.State)
	// Output: Instant Bank connected
}

// A test without a MoneyKit replaces the transport of the client.
func Example_httpmock() {
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodGet, "https://api.moneykit.com/links/mk_1",
		httpmock.NewStringResponder(200, `{"link_id": "mk_1", "state": "error", "error_code": "auth_expired"}`))
	client, err := moneykit.NewClient("id", "secret", moneykit.WithHeaderAuth(), // needs no access token
		moneykit.WithHTTPClient(&http.Client{Transport: mock}))
	if err != nil {
		log.Fatal(err)
	}

	link, err := client.Links.Get(context.Background(), "mk_1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(link.State, link.Error, link.Action())
	fmt.Println(mock.GetTotalCallCount(), "request")
	// Output:
	// error auth_expired relink
	// 1 request
}

func ExampleError() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)

	_, err := mk.Client().Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	var e *moneykit.Error
	if errors.As(err, &e) {
		fmt.Println(e.Operation, e.StatusCode, e.Code, e.LinkError)
	}
	fmt.Println(errors.Is(err, moneykit.ErrRelinkRequired), errors.Is(err, moneykit.ErrLinkDeleted))
	fmt.Println(moneykit.StatusFor(err), moneykit.ActionFor(err), moneykit.UserMessage(err))
	// Output:
	// GET /links/{id}/accounts 422 link_error.bad_state auth_expired
	// true false
	// 409 relink Your bank wants you to log in again. Please reconnect your bank.
}

func ExampleRouter() {
	router := moneykit.Router{
		LinkStateChanged: func(_ context.Context, event *moneykit.LinkStateChanged) error {
			fmt.Println(event.LinkID, "is in state", event.State)
			return nil
		},
		Default: func(_ context.Context, event moneykit.Event) error {
			fmt.Println("ignored", event.Meta().Type)
			return nil
		},
	}
	// Mount it with mux.Handle("POST /webhooks/moneykit", client.Webhooks.Handler(router.Handle)).

	mk := moneykittest.New()
	defer mk.Close()
	mk.Receive(mk.Client().Webhooks.Handler(router.Handle))
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: "https://app.example/webhooks/moneykit"})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	mk.Refresh(link.ID, moneykit.ProductAccounts)
	mk.Deliver()
	// Output:
	// mk_YL5En9bScXzhMzWCBeo8X3 is in state error
	// ignored link.product_refresh
}

func ExampleProductsService_Wait() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	client := mk.Client()
	products := []moneykit.Product{moneykit.ProductAccounts}

	before, err := client.Products.Refresh(ctx, link.ID, products)
	if errors.Is(err, moneykit.ErrRateLimited) {
		log.Fatal("it is too early for another refresh: ", err)
	}
	if err != nil {
		log.Fatal(err)
	}
	after, err := client.Products.Wait(ctx, before, products)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(after.Products.Accounts.RefreshedAt.After(before.Products.Accounts.RefreshedAt.Time))
	// Output: true
}
