package moneykittest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// The server sends signed webhooks about a link to the endpoint of a back end. In your own test,
// the server is moneykittest.NewServer(t, …).
func ExampleServer_Deliver() {
	endpoint := http.NewServeMux()
	mk := moneykittest.New(moneykittest.WithReceiver(endpoint))
	defer mk.Close()
	client := mk.Client(moneykit.WithLogger(slog.New(slog.DiscardHandler)))
	endpoint.Handle("/hooks", client.Webhooks.Handler(func(_ context.Context, e moneykit.Event) error {
		if changed, ok := e.(*moneykit.LinkStateChanged); ok {
			fmt.Println("the link is in state", changed.State, changed.Error)
		}
		return nil
	}))

	link := mk.AddLink(moneykittest.LinkSpec{Webhook: "https://app.example/hooks"})
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired) // the user changes the password
	for _, d := range mk.Deliver() {
		fmt.Println(d.Event, "is", d.State)
	}

	forged := mk.Tamper(mk.SignedRequest(link.Webhook, mk.Deliveries()[0].Body), moneykittest.TamperBody)
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, forged)
	fmt.Println("the response to a forgery is", w.Code)
	// Output:
	// the link is in state error auth_expired
	// link.state_changed is delivered
	// the response to a forgery is 400
}
