package connect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func ExampleNewHandler() {
	mk := moneykittest.New()
	defer mk.Close()
	client, mux := mk.Client(), http.NewServeMux()
	currentUser := func(*http.Request) (moneykit.CustomerUser, error) {
		return moneykit.CustomerUser{ID: "user_0001"}, nil
	}
	storeLink := func(_ context.Context, userID, _ string) error {
		fmt.Println("a link of", userID)
		return nil
	}

	handler, err := connect.NewHandler(client, connect.Config{
		RedirectURI: "https://app.example/connect/oauth",
		User: func(r *http.Request) (moneykit.CustomerUser, error) {
			return currentUser(r) // from your own session
		},
		OnLinked: func(ctx context.Context, userID string, link *moneykit.Link) error {
			return storeLink(ctx, userID, link.ID)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	handler.Register(mux)

	// The front end does this.
	post := func(path, body string) string {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "https://app.example"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Body.String()
	}
	var launch connect.Launch
	if err := json.Unmarshal([]byte(post("/connect/session", "{}")), &launch); err != nil {
		log.Fatal(err)
	}
	result := mk.Connect(launch.Token, moneykit.ConnectWeb, moneykittest.Play{})
	fmt.Println(launch.Call, post("/connect/result", `{"result":`+string(result)+`}`))
	fmt.Println(post("/connect/result", `{"result":null}`))
	// Output:
	// a link of user_0001
	// link {"outcome":"linked","institution":{"id":"moneykit-instant-bank","name":"Instant Bank"}}
	// {"outcome":"exited"}
}
