package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
)

// The public URLs of the application.
const (
	webhookURL  = "https://app.example/webhooks/moneykit"
	redirectURI = "https://app.example/oauth"
)

// app is the application's back end.
type app struct {
	client *moneykit.Client
	out    *log.Logger

	mu    sync.Mutex
	links map[string]string // the user of each link; a table of your database
}

// newApp returns the application and its endpoints. host serves Connect's pages; it is empty for
// MoneyKit's own.
func newApp(client *moneykit.Client, host string, out *log.Logger) (*app, http.Handler, error) {
	a := &app{client: client, out: out, links: map[string]string{}}
	handler, err := connect.NewHandler(client, connect.Config{
		RedirectURI: redirectURI,
		User:        a.user,
		PrepareLink: a.prepareLink,
		OnLinked:    a.linked,
		OnRelinked:  a.relinked,
		OnExited:    a.exited,
		Host:        host,
		Logger:      slog.New(slog.DiscardHandler), // The program prints its own lines instead of a log.
	})
	if err != nil {
		return nil, nil, err
	}
	router := moneykit.Router{LinkStateChanged: a.linkStateChanged}
	mux := http.NewServeMux()
	handler.Register(mux)
	mux.Handle("POST /webhooks/moneykit", client.Webhooks.Handler(router.Handle, moneykit.WithDedupe(&moneykit.MemoryDeduper{})))
	return a, mux, nil
}

// user returns the user of a request. A real application reads the user from its own session, which
// a client cannot forge.
func (a *app) user(r *http.Request) (moneykit.CustomerUser, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return moneykit.CustomerUser{}, err
	}
	id, ok := strings.CutPrefix(cookie.Value, "session-of-")
	if !ok {
		return moneykit.CustomerUser{}, errors.New("the session does not exist")
	}
	return moneykit.CustomerUser{ID: id}, nil
}

// prepareLink sets the webhook, tags and products of a new link. A relink keeps them.
func (a *app) prepareLink(_ *http.Request, params *moneykit.LinkSessionParams) error {
	params.Webhook, params.Tags = webhookURL, []string{"household", "plan-basic"}
	params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
		Transactions: &moneykit.ProductSettings{Prefetch: true, Reason: "show your spending"},
	}}
	return nil
}

func (a *app) linked(_ context.Context, userID string, link *moneykit.Link) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.links[link.ID] = userID
	a.out.Printf("stored link %s of %s", link.ID, userID)
	return nil
}

func (a *app) relinked(_ context.Context, userID string, link *moneykit.Link) error {
	a.out.Printf("link %s of %s works again", link.ID, userID)
	return nil
}

func (a *app) exited(_ context.Context, userID string, result *moneykit.ConnectResult) {
	if result.Err != nil {
		a.out.Printf("%s left Connect: %s", userID, result.Err.DisplayedMessage)
		return
	}
	a.out.Printf("%s left Connect", userID)
}

// linkStateChanged asks the user to reconnect the bank if that repairs the link.
func (a *app) linkStateChanged(ctx context.Context, event *moneykit.LinkStateChanged) error {
	switch moneykit.ActionForEvent(event) {
	case moneykit.ActionNone:
		a.out.Printf("the link is now %s", event.State)
		return nil
	case moneykit.ActionRelink:
	default:
		a.out.Printf("the link is now %s; a relink does not help", event.State)
		return nil
	}
	a.out.Printf("the link is now in state %s (%s)", event.State, event.Error)
	// The event may be old, and the link may work again. Read its current state.
	link, err := a.client.Links.Get(ctx, event.LinkID)
	if err != nil {
		return err // MoneyKit retries the delivery.
	}
	if link.Action() != moneykit.ActionRelink {
		return nil
	}
	a.mu.Lock()
	userID := a.links[link.ID]
	a.mu.Unlock()
	a.out.Printf("message to %s: %q", userID, link.Error.UserMessage())
	return nil
}
