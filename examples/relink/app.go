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

// Where the application is in the world.
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

// newApp returns the application and its endpoints. The host is where Connect's pages come from; it
// is empty for MoneyKit itself.
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
		Logger:      slog.New(slog.DiscardHandler), // This program prints a story instead of a log.
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

// user returns the user of a request. Yours comes from your own session, which nobody can forge.
func (a *app) user(r *http.Request) (moneykit.CustomerUser, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return moneykit.CustomerUser{}, err
	}
	id, ok := strings.CutPrefix(cookie.Value, "session-of-")
	if !ok {
		return moneykit.CustomerUser{}, errors.New("there is no such session")
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
	a.out.Printf("stores the link %s of %s", link.ID, userID)
	return nil
}

func (a *app) relinked(_ context.Context, userID string, link *moneykit.Link) error {
	a.out.Printf("the link %s of %s works again", link.ID, userID)
	return nil
}

func (a *app) exited(_ context.Context, userID string, result *moneykit.ConnectResult) {
	if result.Err != nil {
		a.out.Printf("%s left Connect: %s", userID, result.Err.DisplayedMessage)
		return
	}
	a.out.Printf("%s left Connect", userID)
}

// linkStateChanged offers the user to reconnect the bank, where that helps.
func (a *app) linkStateChanged(ctx context.Context, event *moneykit.LinkStateChanged) error {
	switch moneykit.ActionForEvent(event) {
	case moneykit.ActionNone:
		a.out.Printf("hears that the link is %s", event.State)
		return nil
	case moneykit.ActionRelink:
	default:
		a.out.Printf("hears that the link is %s: nothing that a relink mends", event.State)
		return nil
	}
	a.out.Printf("hears that the link is in state %s (%s)", event.State, event.Error)
	// The event may be old, and the link may work again: only the link itself says how it is.
	link, err := a.client.Links.Get(ctx, event.LinkID)
	if err != nil {
		return err // MoneyKit delivers the event again
	}
	if link.Action() != moneykit.ActionRelink {
		return nil
	}
	a.mu.Lock()
	userID := a.links[link.ID]
	a.mu.Unlock()
	a.out.Printf("tells %s: %q", userID, link.Error.UserMessage())
	return nil
}
