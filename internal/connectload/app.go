package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
)

// app is the application: the endpoints for its front ends and for MoneyKit's webhooks, and its
// store.
type app struct {
	client *moneykit.Client
	url    string
	host   string // the host of Connect's pages
	wrong  *discrepancies
	seed   uint64
	flaky  bool // whether the hooks fail at first
	failed atomic.Int64

	mu      sync.Mutex
	links   map[string]*record
	handled map[string]int // events, by idempotency key
}

// record is a link in the application's store.
type record struct {
	mu      sync.Mutex // locked while the link is read from MoneyKit, so that the newest state is stored last
	user    string     // "" before it is stored
	broken  bool
	told    chan struct{} // closed when the user must relink
	gone    bool          // the user has disconnected it
	excuses map[string]int
}

const cookieName = "session"

func (a *app) register(mux *http.ServeMux) error {
	handler, err := connect.NewHandler(a.client, connect.Config{
		RedirectURI: "https://app.example/oauth",
		User:        userFromCookie,
		PrepareLink: a.prepareLink,
		OnLinked:    a.linked,
		OnRelinked:  a.relinked,
		Host:        a.host,
		Logger:      slog.New(slog.DiscardHandler), // Most requests fail on purpose.

		OnDisconnected: a.disconnected,
	})
	if err != nil {
		return err
	}
	router := moneykit.Router{LinkStateChanged: a.linkStateChanged}
	handler.Register(mux)
	mux.Handle("POST /webhooks/{user}", a.client.Webhooks.Handler(a.once(router.Handle),
		moneykit.WithDedupe(&moneykit.MemoryDeduper{})))
	return nil
}

// userFromCookie returns the user of a front end.
func userFromCookie(r *http.Request) (moneykit.CustomerUser, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return moneykit.CustomerUser{}, err
	}
	return moneykit.CustomerUser{ID: cookie.Value}, nil
}

// webhook and tags return the settings of a user's links.
func (a *app) webhook(user string) string { return a.url + "/webhooks/" + user }

func tags(user string) []string { return []string{"load", "of-" + user} }

func (a *app) prepareLink(r *http.Request, params *moneykit.LinkSessionParams) error {
	user := params.CustomerUser.ID
	params.Webhook, params.Tags = a.webhook(user), tags(user)
	params.InstitutionID = r.URL.Query().Get("bank") // The front end may choose the bank.
	return nil
}

// record returns the stored record of a link.
func (a *app) record(linkID string) *record {
	a.mu.Lock()
	defer a.mu.Unlock()
	rec := a.links[linkID]
	if rec == nil {
		rec = &record{told: make(chan struct{}), excuses: map[string]int{}}
		a.links[linkID] = rec
	}
	return rec
}

var errExcuse = errors.New("the database is down")

// excuse makes a hook fail at first for some links. Which hook fails, and when, depends on the
// link.
func (a *app) excuse(rec *record, hook, linkID string) error {
	if !a.flaky {
		return nil
	}
	hash := fnv.New64a()
	fmt.Fprint(hash, a.seed, hook, linkID)
	often := max(0, int(hash.Sum64()%10)-7) // 0 for most links, otherwise 1 or 2
	if rec.excuses[hook] >= often {
		return nil
	}
	rec.excuses[hook]++
	a.failed.Add(1)
	return errExcuse
}

func (a *app) linked(_ context.Context, user string, link *moneykit.Link) error {
	rec := a.record(link.ID)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if err := a.excuse(rec, "before", link.ID); err != nil {
		return err
	}
	if rec.user != "" && rec.user != user {
		a.wrong.add("a hook reports the link %[2]s of %[3]s for %[1]s", user, link.ID, rec.user)
	}
	rec.user = user
	return a.excuse(rec, "after", link.ID) // stored, but the front end gets an error
}

func (a *app) relinked(_ context.Context, user string, link *moneykit.Link) error {
	rec := a.record(link.ID)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if err := a.excuse(rec, "relinked", link.ID); err != nil {
		return err
	}
	if rec.user != user {
		a.wrong.add("a hook reports that %s has relinked the link %s of %q", user, link.ID, rec.user)
	}
	rec.broken = false
	return nil
}

func (a *app) disconnected(_ context.Context, user, linkID string) error {
	rec := a.record(linkID)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if err := a.excuse(rec, "disconnected", linkID); err != nil {
		return err
	}
	if rec.user != user {
		a.wrong.add("a hook reports that %s has disconnected the link %s of %q", user, linkID, rec.user)
	}
	rec.gone = true
	return nil
}

// once counts handled events, and fails at first for some events.
func (a *app) once(handle func(context.Context, moneykit.Event) error) func(context.Context, moneykit.Event) error {
	return func(ctx context.Context, event moneykit.Event) error {
		if err := handle(ctx, event); err != nil {
			return err
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		key := event.Meta().IdempotencyKey
		if a.handled[key]++; a.handled[key] > 1 {
			a.wrong.add("an event of the link %s was handled %d times", event.Meta().LinkID, a.handled[key])
		}
		return nil
	}
}

// linkStateChanged reads the link, and tells the user to relink if it needs that.
func (a *app) linkStateChanged(ctx context.Context, event *moneykit.LinkStateChanged) error {
	rec := a.record(event.LinkID)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if err := a.excuse(rec, "event "+string(event.State), event.LinkID); err != nil {
		return err
	}
	link, err := a.client.Links.Get(ctx, event.LinkID)
	if errors.Is(err, moneykit.ErrLinkDeleted) {
		return nil
	}
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(event.LinkTags, func(tag string) bool { return strings.HasPrefix(tag, "of-") }) {
		a.wrong.add("an event of the link %s has the tags %v", event.LinkID, event.LinkTags)
	}
	rec.broken = link.Action() == moneykit.ActionRelink
	if rec.broken && moneykit.ActionForEvent(event) == moneykit.ActionRelink {
		select {
		case <-rec.told:
		default:
			close(rec.told)
		}
	}
	return nil
}
