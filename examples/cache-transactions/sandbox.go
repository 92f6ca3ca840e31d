package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/internal/sandbox/journal"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// bank is a sandbox inside the program. It is stored in a file, so that the next run has the same
// links. A program with keys does not need this file, because MoneyKit stores links.
type bank struct {
	*sandbox.Sandbox

	state  *sandbox.State
	server http.Server
	cancel context.CancelFunc
}

// history is the age of the oldest transactions in the sandbox.
const history = 365 * 24 * time.Hour

// sandboxLinks are the links of a new sandbox.
func sandboxLinks() []world.LinkSpec {
	return []world.LinkSpec{
		{UserID: "alice", InstitutionID: "chase"},
		{UserID: "alice", InstitutionID: "kingsway-bank-plc"},
		{UserID: "robert", InstitutionID: world.InstantBank},
	}
}

// useSandbox opens the sandbox of the database. It stores its links if the database has none.
func (a *app) useSandbox(ctx context.Context) error {
	id, err := a.origin(ctx, "the sandbox inside this program")
	if err != nil {
		return err
	}
	file, err := a.sandboxFile(id)
	if err != nil {
		return err
	}
	forgets := sync.OnceFunc(func() {
		fmt.Fprintf(a.stderr, "The sandbox cannot write %s, so it will lose all changes from now on.\n", file)
	})
	b, client, err := openBank(context.WithoutCancel(ctx), file, forgets)
	if err != nil {
		return err
	}
	a.kit = kit{client, b}
	if found, err := a.hasLinks(ctx); err != nil || found { // Do not store forgotten links again.
		return err
	}
	for linkID, userID := range b.links() {
		link, err := client.Links.Get(ctx, linkID)
		if err == nil {
			err = a.store.SaveLink(ctx, userID, link)
		}
		if err != nil {
			return fmt.Errorf("a link of the sandbox cannot be stored: %w", a.words(err))
		}
	}
	return nil
}

// openBank opens the sandbox in a file. If there is no file, it creates one with a few links. It
// calls forgets when the file cannot be written.
func openBank(ctx context.Context, file string, forgets func()) (*bank, *moneykit.Client, error) {
	settings := sandbox.Default()
	settings.World.Seed = rand.Uint64() //nolint:gosec // G404: it only makes IDs differ between databases.
	settings.World.History = history
	settings.Delivery.Transport = delivery.Network()
	ctx, cancel := context.WithCancel(ctx)
	quiet := func(string, ...any) {}
	b := &bank{Sandbox: sandbox.New(ctx, settings, sandbox.Reports{Errorf: quiet, Logf: quiet}), cancel: cancel}
	var err error
	b.state, err = b.Keep(file, sandbox.Wanted{}, func(error) { forgets() })
	if err != nil {
		cancel()
		if errors.Is(err, journal.ErrLocked) {
			return nil, nil, fmt.Errorf("another run of this program uses the sandbox %s: wait until it ends, or stop it", file)
		}
		return nil, nil, fmt.Errorf("the sandbox cannot be opened: %w", err)
	}
	b.World.Do(func(w *world.World, now time.Time) {
		if len(w.Order) > 0 {
			return
		}
		for _, spec := range sandboxLinks() {
			w.AddLink(spec, now)
		}
	})
	client, err := b.serve(ctx, settings)
	if err != nil {
		b.close()
		return nil, nil, fmt.Errorf("the sandbox cannot be used: %w", err)
	}
	return b, client, nil
}

// serve serves the sandbox to this program only.
func (b *bank) serve(ctx context.Context, settings sandbox.Settings) (*moneykit.Client, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.server.Handler, b.server.ReadHeaderTimeout = b.Handler(nil), 10*time.Second
	go func() { _ = b.server.Serve(listener) }() // It ends with close.
	return moneykit.NewClient(settings.API.ClientID, settings.API.ClientSecret, moneykit.WithBaseURL("http://"+listener.Addr().String()))
}

// close writes the file to the disk.
func (b *bank) close() {
	b.cancel()
	_ = b.server.Close()
	_ = b.state.Close() // The file is complete already.
}

// links returns the users of the links.
func (b *bank) links() map[string]string {
	users := map[string]string{}
	b.World.Do(func(w *world.World, _ time.Time) {
		for id, link := range w.Links {
			users[id] = link.User
		}
	})
	return users
}

// announce sets the webhook URL of all links in the sandbox.
func (b *bank) announce(url string) {
	b.World.Do(func(w *world.World, _ time.Time) {
		for _, link := range w.Links {
			link.Webhook = url
			w.Touch(link)
		}
	})
	go b.Courier.RunByLink()
}

// play causes an event at the bank of a link.
func (b *bank) play(linkID string) {
	b.World.Do(func(w *world.World, now time.Time) {
		_ = w.Refresh(linkID, []moneykit.Product{moneykit.ProductTransactions}, now) // The link may be deleted.
	})
}
