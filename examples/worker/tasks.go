package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
)

// task names work on a link. The names are in jobs, rows and metrics.
type task string

const (
	taskSync           task = "sync_transactions"
	taskLink           task = "read_link"
	taskAccounts       task = "read_accounts"
	taskAccountNumbers task = "read_account_numbers"
	taskIdentity       task = "read_identity"
	taskInvestments    task = "read_investments"
)

// tasksFor returns the tasks that an event asks for. Events arrive late and in any order, so the
// tasks read from MoneyKit what the link is like now.
func tasksFor(event moneykit.Event) []task {
	switch e := event.(type) {
	case *moneykit.LinkStateChanged:
		if e.State == moneykit.LinkStateConnected {
			return []task{taskLink, taskSync} // A link that works again has changes to sync.
		}
		return []task{taskLink}
	case *moneykit.TransactionsAvailable:
		return []task{taskSync}
	case *moneykit.ProductRefreshed:
		if e.State == moneykit.ProductStateCompleted {
			return tasksForProduct(e.Product)
		}
	}
	return nil // A type that is newer than this program, or progress that needs no work.
}

// tasksForProduct returns the tasks for a product that MoneyKit has refreshed.
func tasksForProduct(p moneykit.Product) []task {
	switch p {
	case moneykit.ProductTransactions, moneykit.ProductEnrichment:
		return []task{taskSync}
	case moneykit.ProductAccounts:
		return []task{taskAccounts}
	case moneykit.ProductAccountNumbers:
		return []task{taskAccountNumbers}
	case moneykit.ProductIdentity:
		return []task{taskIdentity}
	case moneykit.ProductInvestments:
		return []task{taskInvestments}
	}
	return nil
}

// perform does a task. It may be interrupted and done again at any point.
func (a *app) perform(ctx context.Context, t task, linkID string) error {
	switch t {
	case taskSync:
		return a.syncTransactions(ctx, linkID)
	case taskLink:
		return a.readLink(ctx, linkID)
	case taskAccounts:
		list, err := a.client.Accounts.List(ctx, linkID, moneykit.AccountListParams{}, patience())
		return a.keep(ctx, t, linkID, list, err)
	case taskAccountNumbers:
		list, err := a.client.Accounts.Numbers(ctx, linkID, patience())
		return a.keep(ctx, t, linkID, list, err)
	case taskIdentity:
		list, err := a.client.Identity.List(ctx, linkID, moneykit.IdentityListParams{}, patience())
		return a.keep(ctx, t, linkID, list, err)
	case taskInvestments:
		list, err := a.client.Investments.Holdings(ctx, linkID, moneykit.HoldingListParams{}, patience())
		return a.keep(ctx, t, linkID, list, err)
	}
	return errUnknownTask
}

// patience leaves longer waits to the queue, so that they hold up no other job: for the limiter,
// and for as long as MoneyKit asks to wait.
func patience() moneykit.CallOption { return moneykit.WithMaxWait(3 * time.Second) }

// errUnknownTask is the error of a job that another version of the program has queued.
var errUnknownTask = errors.New("this version of the program does not know the task")

// errProgress means that a sync ran out of time after it had stored some pages.
var errProgress = errors.New("the sync goes on in the next run")

// syncTransactions brings the copy of the link's transactions up to date.
func (a *app) syncTransactions(ctx context.Context, linkID string) error {
	progress, err := a.client.SyncTransactions(ctx, linkID, a.database.store, patience())
	a.log.LogAttrs(ctx, slog.LevelInfo, "synced transactions", slog.String("link_id", linkID),
		slog.Int("pages", progress.Pages), slog.Int("upserted", progress.Upserted),
		slog.Int("removed", progress.Removed), slog.Bool("done", progress.Done))
	if err != nil && progress.Pages > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errProgress
	}
	return err
}

// readLink stores what the link is like now, and asks its user to relink if that is needed.
func (a *app) readLink(ctx context.Context, linkID string) error {
	var resp moneykit.Response
	link, err := a.client.Links.Get(ctx, linkID, moneykit.CaptureResponse(&resp), patience())
	if err != nil {
		return err
	}
	if err := a.setLinkState(ctx, a.database.store, linkID, link.State, link.Error, respondedAt(&resp)); err != nil {
		return err
	}
	action := link.Action()
	a.log.LogAttrs(ctx, slog.LevelInfo, "read link", slog.String("link_id", linkID),
		slog.String("state", string(link.State)), slog.String("action", string(action)))
	switch action {
	case moneykit.ActionRelink, moneykit.ActionUser:
		return a.noticeOnce(ctx, linkID, link.Error)
	case moneykit.ActionNone, moneykit.ActionGone:
		return a.forgetNotice(ctx, linkID)
	default: // The state changes without the user, and another event will say so.
		return nil
	}
}

// respondedAt returns when MoneyKit responded, by MoneyKit's clock as far as possible. The stored
// state is compared with the times of events, which are by that clock too.
func respondedAt(resp *moneykit.Response) time.Time {
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}

// keep is where an application stores a product that was refreshed. This one has no use for it.
func (a *app) keep(ctx context.Context, t task, linkID string, _ any, err error) error {
	if err != nil {
		return err
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "read product", slog.String("link_id", linkID), slog.String("task", string(t)))
	return nil
}
