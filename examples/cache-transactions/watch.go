package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
)

// The time between two syncs of all links, without and with webhooks. With webhooks they are still
// needed, because webhooks can get lost.
const (
	pollEvery     = 5 * time.Minute
	pollWithHooks = time.Hour
)

// runWatch is the command watch.
func runWatch(ctx context.Context, p *program, flags *flag.FlagSet, args []string) error {
	listen := flags.String("listen", "", "`address` to receive webhooks at, on the path /webhooks")
	every := flags.Duration("every", 0, "`time` between two syncs of all links (default 5m, with -listen 1h)")
	play := flags.Duration("play", 10*time.Second, "`time` between two events at the banks of the sandbox; 0 for none")
	parallel, pageSize := syncFlags(p, flags)
	if err := parse(flags, args, false); err != nil {
		return err
	}
	if *every < 0 || *play < 0 {
		return wrong("-every and -play must not be negative")
	}
	if *parallel < 1 {
		return wrong("-parallel must be 1 or more")
	}
	a, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	links, err := a.links(ctx, "", nil)
	if err != nil {
		return err
	}
	w := &watcher{
		app: a, syncer: &syncer{app: a, parallel: *parallel, pageSize: *pageSize}, queue: newQueue(), report: newReport(p, links),
		every: cmp.Or(*every, pollEvery), play: *play,
	}
	if *listen == "" {
		return w.run(ctx, nil)
	}
	w.every = cmp.Or(*every, pollWithHooks)
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", *listen)
	if err != nil {
		return fmt.Errorf("cannot listen at -listen %s: use a free port of this machine, such as localhost:8090: %w", *listen, err)
	}
	return w.run(ctx, listener)
}

// watcher keeps the copies up to date.
type watcher struct {
	app    *app
	syncer *syncer
	queue  *queue
	every  time.Duration
	play   time.Duration // 0 means never

	mu     sync.Mutex // guards the fields below
	report *report
	first  map[string]bool // links that were synced before
}

// run syncs until asked ends. If listener is nil, it receives no webhooks.
func (w *watcher) run(asked context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancelCause(asked)
	defer cancel(nil)
	var all sync.WaitGroup
	defer all.Wait()
	start := func(f func(context.Context) error) {
		all.Go(func() {
			if err := f(ctx); err != nil {
				cancel(err)
			}
		})
	}
	fmt.Fprintf(w.app.stderr, "Copies are in %s. All links are synced every %s. Stop with Ctrl-C.\n", w.app.place, short(w.every))
	if listener != nil {
		start(func(ctx context.Context) error { return w.serve(ctx, listener) })
	}
	for range w.syncer.parallel {
		start(w.work)
	}
	start(func(ctx context.Context) error { return repeat(ctx, w.every, w.wantAll) })
	if bank := w.app.kit.sandbox; bank != nil && w.play > 0 {
		start(w.playing)
	}
	<-ctx.Done()
	if asked.Err() == nil {
		return context.Cause(ctx)
	}
	fmt.Fprintln(w.app.stderr, "Stopped. The next run continues here.")
	return nil
}

// short formats a duration without trailing zeros, such as 1h.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// repeat runs f now, and then every d.
func repeat(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	ticks := time.NewTicker(d)
	defer ticks.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// wantAll queues all links, including those that other programs have stored meanwhile.
func (w *watcher) wantAll(ctx context.Context) error {
	links, err := w.app.links(ctx, "", nil)
	if err != nil {
		w.say(fmt.Sprintf("the links cannot be read now: %v", err))
		return nil // The database may be available again later.
	}
	for _, link := range links {
		w.queue.add(link.ID)
	}
	return nil
}

// work syncs the links of the queue, one after another.
func (w *watcher) work(ctx context.Context) error {
	for {
		id, ok := w.queue.next(ctx)
		if !ok {
			return nil
		}
		link, err := w.app.store.Link(ctx, id)
		if err == nil {
			w.tell(ctx, w.syncer.one(ctx, link, func(string, moneykit.SyncProgress) {}))
		} else if ctx.Err() == nil {
			w.say(fmt.Sprintf("the link %s cannot be read now: %v", id, w.app.words(err)))
		}
		w.queue.done(id)
	}
}

// tell prints an outcome, unless nothing has changed.
func (w *watcher) tell(ctx context.Context, o outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.err != nil && ctx.Err() != nil {
		return // The sync was interrupted, and the next run continues it.
	}
	again := w.first[o.LinkID]
	if w.first == nil {
		w.first = map[string]bool{}
	}
	w.first[o.LinkID] = true
	quiet := again && o.err == nil && o.Written == 0 && o.Removed == 0
	if quiet && !w.report.json {
		return
	}
	if !w.report.json {
		fmt.Fprint(w.app.stdout, w.report.screen.paint(faint, time.Now().Format("15:04:05")), "  ")
	}
	_ = w.report.add(o) // A closed output must not stop the syncs.
}

func (w *watcher) say(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintln(w.app.stderr, text)
}

// playing causes events at the banks of the sandbox, in turn.
func (w *watcher) playing(ctx context.Context) error {
	n := -1
	return repeat(ctx, w.play, func(ctx context.Context) error {
		if n++; n == 0 {
			return nil // The first sync comes before the first event.
		}
		links, err := w.app.links(ctx, "", nil)
		if err == nil {
			w.app.kit.sandbox.play(links[n%len(links)].ID)
		}
		return nil
	})
}

// serve receives webhooks.
func (w *watcher) serve(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	router := moneykit.Router{
		LinkStateChanged:      w.stateChanged,
		TransactionsAvailable: func(ctx context.Context, e *moneykit.TransactionsAvailable) error { return w.want(ctx, e.LinkID) },
		ProductRefreshed: func(ctx context.Context, e *moneykit.ProductRefreshed) error {
			if e.Product != moneykit.ProductTransactions || e.State != moneykit.ProductStateCompleted {
				return nil
			}
			return w.want(ctx, e.LinkID)
		},
	}
	mux.Handle("/webhooks", w.app.kit.client.Webhooks.Handler(router.Handle, moneykit.WithDedupe(w.app.store.Deduper())))
	server := http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(w.app.stderr, "Webhooks are received at http://%s/webhooks.\n", listener.Addr())
	if bank := w.app.kit.sandbox; bank != nil {
		bank.announce("http://" + reachable(listener.Addr()) + "/webhooks") //nolint:contextcheck // The sandbox has its own context.
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(limited)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-stopped; err != nil {
		return errors.Join(fmt.Errorf("some webhooks were not handled completely: %w", err), server.Close())
	}
	return nil
}

// reachable returns the address of a listener for programs on this machine.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return addr.String()
}

// want queues a link that has changes. The sync follows after the webhook is acknowledged. If the
// program ends before the sync, its next run begins with a sync of all links.
func (w *watcher) want(ctx context.Context, linkID string) error {
	_, err := w.app.store.Link(ctx, linkID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // The database has no copy of this link.
	}
	if err != nil {
		return err
	}
	w.queue.add(linkID)
	return nil
}

// stateChanged stores the state of a link, and queues it if it works again, because it may have
// changes.
func (w *watcher) stateChanged(ctx context.Context, e *moneykit.LinkStateChanged) error {
	err := w.app.store.SetLinkState(ctx, e.LinkID, e.State, e.Error, e.Timestamp.Time)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil || e.State != moneykit.LinkStateConnected {
		return err
	}
	return w.want(ctx, e.LinkID)
}
