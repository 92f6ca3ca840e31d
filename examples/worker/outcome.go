package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/riverqueue/river"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// outcome is what became of a run of a job.
type outcome string

const (
	outcomeDone      outcome = "done"
	outcomeNothing   outcome = "nothing"   // another job has done it
	outcomeBusy      outcome = "busy"      // another job is doing it
	outcomeAgain     outcome = "again"     // done, and queued again because of an event meanwhile
	outcomeContinued outcome = "continued" // out of time after some progress
	outcomeSnoozed   outcome = "snoozed"   // MoneyKit or the limiter asks to wait
	outcomeRelink    outcome = "relink"    // the user must act first
	outcomeGone      outcome = "gone"      // the link does not exist any more
	outcomeLost      outcome = "lost"      // another process took the claim over
	outcomeStopped   outcome = "stopped"   // interrupted because the process stops
	outcomeRetried   outcome = "retried"   // a temporary failure
	outcomeCancelled outcome = "cancelled" // a failure that no retry resolves
)

// failed reports whether an outcome is an error.
func (o outcome) failed() bool { return o == outcomeRetried || o == outcomeCancelled }

// settle decides what a result of a task means for the job. If the error that it returns is nil,
// the work counts as done.
func (a *app) settle(ctx context.Context, args jobArgs, err error) (outcome, error) {
	switch {
	case err == nil:
		return outcomeDone, nil
	case errors.Is(err, errProgress):
		return outcomeContinued, river.JobSnooze(0)
	}
	switch moneykit.ActionFor(err) {
	case moneykit.ActionRelink, moneykit.ActionUser:
		if args.Task == taskLink { // Its call works in every state of a link.
			return a.failure(ctx, err)
		}
		// The task read_link asks the user. A new event comes when the link works again.
		failed := a.database.inTx(ctx, func(tx *sql.Tx, store *sqlstore.Store) error {
			return a.enqueue(ctx, tx, store, args.LinkID, taskLink)
		})
		if failed != nil {
			return a.failure(ctx, failed)
		}
		return outcomeRelink, nil
	case moneykit.ActionGone:
		if failed := a.linkGone(ctx, args.LinkID, err); failed != nil {
			return a.failure(ctx, failed)
		}
		return outcomeGone, nil
	case moneykit.ActionNone:
		return outcomeDone, nil
	default:
		return a.failure(ctx, err)
	}
}

// linkGone notes that a link does not exist any more. Its transactions stay: whether to delete them
// is for the application to decide, with DeleteLink of the store.
func (a *app) linkGone(ctx context.Context, linkID string, reason error) error {
	a.log.LogAttrs(ctx, slog.LevelWarn, "the link is gone", slog.String("link_id", linkID), slog.String("error", reason.Error()))
	if !errors.Is(reason, moneykit.ErrLinkDeleted) {
		return nil
	}
	return a.setLinkState(ctx, a.database.store, linkID, moneykit.LinkStateDeleted, "", time.Now())
}

// setLinkState stores a state unless a newer one is known. An event may come before the application
// has stored the link, which it then does with the state of that moment.
func (a *app) setLinkState(ctx context.Context, store *sqlstore.Store, linkID string, state moneykit.LinkState,
	reason moneykit.LinkError, at time.Time,
) error {
	err := store.SetLinkState(ctx, linkID, state, reason, at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// failure decides when a job is tried again after an error.
func (a *app) failure(ctx context.Context, err error) (outcome, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return outcomeStopped, errors.Join(err, ctx.Err()) // River makes the job available at once.
	}
	var e *moneykit.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return outcomeSnoozed, river.JobSnooze(e.RetryAfter)
	}
	if poisoned(err) {
		return outcomeCancelled, river.JobCancel(err)
	}
	return outcomeRetried, err
}

// poisoned reports whether the work on this link fails in the same way however often it is retried.
// Refused credentials are not about the link: all jobs fail until somebody corrects them, and then
// none must be missing.
func poisoned(err error) bool {
	var e *moneykit.Error
	switch {
	case errors.Is(err, errUnknownTask):
		return false // The version of the program that queued it will do it.
	case errors.Is(err, moneykit.ErrUnauthorized) && !errors.Is(err, moneykit.ErrorCodeLinkUnauthorizedAccess):
		return false
	case errors.As(err, &e) && e.StatusCode >= http.StatusInternalServerError:
		return false
	}
	action := moneykit.ActionFor(err)
	return action == moneykit.ActionFix || action == moneykit.ActionSupport
}
