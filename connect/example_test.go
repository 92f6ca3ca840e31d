package connect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func ExampleNewHandler() {
	mk := moneykittest.New()
	defer mk.Close()
	id, secret := mk.Credentials()
	os.Setenv("MONEYKIT_CLIENT_ID", id)
	os.Setenv("MONEYKIT_CLIENT_SECRET", secret)
	os.Setenv("MONEYKIT_BASE_URL", mk.URL())
	mux := http.NewServeMux()
	currentUser := func(*http.Request) (moneykit.CustomerUser, error) {
		return moneykit.CustomerUser{ID: "user_0001"}, nil
	}
	storeLink := func(_ context.Context, userID, _ string) error {
		fmt.Println("a link of", userID)
		return nil
	}

	client, err := moneykit.NewClientFromEnv()
	if err != nil {
		log.Fatal(err)
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
	var linked struct {
		Outcome     string `json:"outcome"`
		Link        string `json:"link"`
		Institution struct {
			Name string `json:"name"`
		} `json:"institution"`
	}
	if err := json.Unmarshal([]byte(post("/connect/result", `{"result":`+string(result)+`}`)), &linked); err != nil {
		log.Fatal(err)
	}
	fmt.Println(launch.Call, linked.Outcome, linked.Institution.Name, linked.Link)
	fmt.Println(post("/connect/result", `{"result":null}`))
	// Output:
	// a link of user_0001
	// link linked Instant Bank link_R1RQbRUfa3anBsTO0H78_tZ0
	// {"outcome":"exited"}
}

// A front end says in its request on which platform it runs. The hooks choose the redirect URI.
func ExampleConfig_platforms() {
	mk := moneykittest.New()
	defer mk.Close()
	redirects := map[string]string{
		"ios":     "https://app.example/ios/oauth", // a universal link
		"android": "moneyapp://oauth",
	}
	handler, err := connect.NewHandler(mk.Client(), connect.Config{
		RedirectURI:       "https://app.example/connect/oauth",
		OtherRedirectURIs: slices.Collect(maps.Values(redirects)),
		User: func(*http.Request) (moneykit.CustomerUser, error) {
			return moneykit.CustomerUser{ID: "user_0001"}, nil
		},
		PrepareLink: func(r *http.Request, params *moneykit.LinkSessionParams) error {
			if uri, ok := redirects[r.URL.Query().Get("platform")]; ok {
				params.RedirectURI = uri
			}
			return nil
		},
		PrepareRelink: func(r *http.Request, _ string, params *moneykit.RelinkParams) error {
			if uri, ok := redirects[r.URL.Query().Get("platform")]; ok {
				params.RedirectURI = uri
			}
			return nil
		},
		Host:   mk.URL(),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}

	for _, platform := range []string{"web", "ios", "android"} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/connect/session?platform="+platform, nil)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var launch connect.Launch
		if err := json.Unmarshal(w.Body.Bytes(), &launch); err != nil {
			log.Fatal(err)
		}
		back := mk.Authorize(launch.Token, moneykittest.Play{Institution: moneykittest.OAuthBank})
		page, _, _ := strings.Cut(back, "?")
		fmt.Println(platform, page)
	}
	// Output:
	// web https://app.example/connect/oauth
	// ios https://app.example/ios/oauth
	// android moneyapp://oauth
}
