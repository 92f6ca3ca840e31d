package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// runSync is the command sync.
func runSync(ctx context.Context, p *program, flags *flag.FlagSet, args []string) error {
	user := flags.String("user", "", "store the links of this `id` of a user first, and sync only those")
	parallel, pageSize := syncFlags(p, flags)
	if err := parse(flags, args, true); err != nil {
		return err
	}
	a, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	if *user != "" {
		if err := a.adopt(ctx, *user); err != nil {
			return err
		}
	}
	links, err := a.links(ctx, *user, flags.Args())
	if err != nil {
		return err
	}
	s := &syncer{app: a, parallel: *parallel, pageSize: *pageSize}
	return s.all(ctx, links)
}

// syncFlags defines the flags of all commands that sync.
func syncFlags(p *program, flags *flag.FlagSet) (parallel, pageSize *int) {
	flags.BoolVar(&p.json, "json", false, "print one JSON object a link")
	return flags.Int("parallel", 4, "sync this `number` of links concurrently"),
		flags.Int("page-size", 0, "`rows` a page, 1 to 500; 0 leaves it to MoneyKit")
}

// adopt stores all links of a user at MoneyKit.
func (a *app) adopt(ctx context.Context, userID string) error {
	found, err := a.kit.client.Users.Links(ctx, userID)
	if err != nil {
		return fmt.Errorf("the links of the user cannot be read: %w", err)
	}
	for _, link := range found.Links {
		if err := a.store.SaveLink(ctx, userID, &link); err != nil {
			return fmt.Errorf("the link %s cannot be stored: %w", link.ID, a.words(err))
		}
	}
	return nil
}

// links returns the links with these IDs. Without IDs it returns all links except deleted ones,
// which have no new transactions.
func (a *app) links(ctx context.Context, userID string, ids []string) (links []sqlstore.Link, err error) {
	for _, id := range ids {
		link, err := a.store.Link(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("the link %s is not in the database: sync the links of its user with sync -user ID", clean(id))
		}
		if err != nil {
			return nil, a.words(err)
		}
		links = append(links, link)
	}
	if len(ids) > 0 {
		return links, nil
	}
	all := a.store.AllLinks(ctx)
	if userID != "" {
		all = a.store.Links(ctx, userID)
	}
	for link, err := range all {
		if err != nil {
			return nil, a.words(err)
		}
		if link.State != moneykit.LinkStateDeleted {
			links = append(links, link)
		}
	}
	if len(links) == 0 {
		return nil, errors.New("there are no links to sync: store the links of a user with sync -user ID")
	}
	return links, nil
}

// outcome is the result of a link's sync.
type outcome struct {
	LinkID      string             `json:"link_id"`
	UserID      string             `json:"user_id"`
	Institution string             `json:"institution"`
	State       moneykit.LinkState `json:"state"`
	Pages       int                `json:"pages"`
	Written     int                `json:"rows_written"`
	Removed     int                `json:"rows_removed"`
	Rebuilt     bool               `json:"rebuilt"` // MoneyKit did not accept the position
	Done        bool               `json:"done"`    // the copy is up to date
	Error       string             `json:"error,omitempty"`
	Action      moneykit.Action    `json:"action,omitempty"`

	err error
}

// syncer syncs links, several of them concurrently.
type syncer struct {
	app      *app
	parallel int
	pageSize int
	refresh  func(ctx context.Context, linkID string) error // before the sync, if it is not nil
}

// all syncs the links. An error of one does not stop the others.
func (s *syncer) all(ctx context.Context, links []sqlstore.Link) error {
	if s.parallel < 1 {
		return wrong("-parallel must be 1 or more")
	}
	asked := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	progress := newProgress(s.app.program, len(links))
	report := newReport(s.app.program, links)
	waiting := make(chan sqlstore.Link)
	outcomes := make(chan outcome)
	var workers sync.WaitGroup
	for range min(s.parallel, len(links)) {
		workers.Go(func() {
			for link := range waiting {
				outcomes <- s.one(ctx, link, progress.update)
			}
		})
	}
	go func() {
		defer close(outcomes)
		defer workers.Wait()
		defer close(waiting)
		for _, link := range links {
			select {
			case waiting <- link:
			case <-ctx.Done():
				return
			}
		}
	}()
	var failed error // of the output
	for o := range outcomes {
		progress.clear()
		if err := report.add(o); err != nil && failed == nil {
			failed = err
			cancel()
		}
		progress.finished(o)
	}
	progress.clear()
	if failed != nil {
		return failed
	}
	return report.end(asked)
}

// one syncs one link.
func (s *syncer) one(ctx context.Context, link sqlstore.Link, update func(string, moneykit.SyncProgress)) outcome {
	o := outcome{LinkID: link.ID, UserID: link.UserID, Institution: link.InstitutionName, State: link.State}
	var progress moneykit.SyncProgress
	progress, o.err = s.run(ctx, &o, func(p moneykit.SyncProgress) { update(link.ID, p) })
	o.Pages, o.Written, o.Removed = progress.Pages, progress.Upserted, progress.Removed
	o.Rebuilt, o.Done = progress.Restarts > 0, progress.Done
	if o.err != nil {
		o.Error, o.Action = s.app.words(o.err).Error(), moneykit.ActionFor(o.err)
	}
	return o
}

// run syncs the state of a link, and then its transactions.
func (s *syncer) run(ctx context.Context, o *outcome, update func(moneykit.SyncProgress)) (moneykit.SyncProgress, error) {
	current, err := s.app.kit.client.Links.Get(ctx, o.LinkID)
	if err != nil {
		return moneykit.SyncProgress{}, err
	}
	if err := s.app.store.SaveLink(ctx, o.UserID, current); err != nil {
		return moneykit.SyncProgress{}, err
	}
	o.State, o.Institution = current.State, cmp.Or(current.InstitutionName, o.Institution)
	if current.State == moneykit.LinkStateConnected && current.Products.Transactions == nil {
		return moneykit.SyncProgress{}, errNotShared
	}
	if s.refresh != nil {
		if err := s.refresh(ctx, o.LinkID); err != nil {
			return moneykit.SyncProgress{}, err
		}
	}
	opts := []moneykit.CallOption{moneykit.WithProgress(update)}
	if s.pageSize != 0 {
		opts = append(opts, moneykit.WithPageSize(s.pageSize))
	}
	return s.app.kit.client.SyncTransactions(ctx, o.LinkID, s.app.store, opts...)
}

// errNotShared means that a link has no transactions.
var errNotShared = fmt.Errorf("the user shares no transactions: relink with the product transactions: %w", moneykit.ErrForbidden)

// advise returns advice about an error, for the user of the program.
func advise(action moneykit.Action) string {
	switch action {
	case moneykit.ActionRelink:
		return "ask the user to connect the bank again: LinkSessions.Relink opens Connect for that"
	case moneykit.ActionUser:
		return "the user must do something at the bank, and then connect it again"
	case moneykit.ActionWait:
		return "the bank is being connected: sync again in a minute"
	case moneykit.ActionRetry:
		return "temporary: sync again later"
	case moneykit.ActionGone:
		return "the connection has ended: delete its copy with forget"
	case moneykit.ActionFix:
		return "check the keys and the settings"
	case moneykit.ActionSupport:
		return "ask MoneyKit's support"
	case moneykit.ActionNone:
	}
	return ""
}

// runRefresh is the command refresh.
func runRefresh(ctx context.Context, p *program, flags *flag.FlagSet, args []string) error {
	timeout := flags.Duration("timeout", 5*time.Minute, "how `long` to wait for each bank")
	parallel, pageSize := syncFlags(p, flags)
	if err := parse(flags, args, true); err != nil {
		return err
	}
	if *timeout <= 0 {
		return wrong("-timeout must be more than 0, such as 2m")
	}
	a, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	links, err := a.links(ctx, "", flags.Args())
	if err != nil {
		return err
	}
	s := &syncer{app: a, parallel: *parallel, pageSize: *pageSize}
	s.refresh = func(ctx context.Context, linkID string) error { return a.refresh(ctx, linkID, *timeout) }
	return s.all(ctx, links)
}

// refresh requests a refresh of a link's transactions, and waits until it ends.
func (a *app) refresh(ctx context.Context, linkID string, timeout time.Duration) error {
	products := []moneykit.Product{moneykit.ProductTransactions}
	before, err := a.kit.client.Products.Refresh(ctx, linkID, products)
	if err != nil {
		return tooEarly(err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err = a.kit.client.Products.Wait(ctx, before, products)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the bank has not responded within %s, and the refresh continues: sync again later: %w", timeout, err)
	}
	return err
}

// tooEarly adds the time of the next allowed refresh to an error.
func tooEarly(err error) error {
	var refused *moneykit.Error
	if errors.As(err, &refused) && errors.Is(err, moneykit.ErrRateLimited) && refused.RetryAfter > 0 {
		return fmt.Errorf("MoneyKit refreshes a link once an hour: refresh again in %s: %w", refused.RetryAfter.Round(time.Second), err)
	}
	return err
}

// runForget is the command forget.
func runForget(ctx context.Context, p *program, flags *flag.FlagSet, args []string) error {
	if err := parse(flags, args, true); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return wrong("name the links to forget")
	}
	d, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	for _, id := range flags.Args() {
		link, err := d.store.Link(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("the link %s is not in the database", clean(id))
		}
		if err == nil {
			err = d.store.DeleteLink(ctx, link.UserID, id)
		}
		if err != nil {
			return d.words(err)
		}
		fmt.Fprintf(p.stdout, "%s and its transactions are no longer in the database.\n", clean(id))
	}
	return nil
}
