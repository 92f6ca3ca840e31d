package linkworkflow

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/moneykit/moneykit-go"
)

// Link keeps the copy of one link up to date. Its workflow ID is the link's ID, so a link has one
// workflow. The webhook handler calls SignalWithStartWorkflow with the signal "event", and returns
// nil when Temporal has accepted it.
func Link(ctx workflow.Context, linkID string) error {
	events := workflow.GetSignalChannel(ctx, "event")
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    time.Minute,
	})
	for {
		// Without an event the link is synced once a day, in case a webhook was lost.
		events.ReceiveWithTimeout(ctx, 24*time.Hour, nil)
		for events.ReceiveAsync(nil) {
			// One sync serves all events that are here.
		}
		err := workflow.ExecuteActivity(ctx, "Sync", linkID).Get(ctx, nil)
		var failed *temporal.ApplicationError
		switch {
		case errors.As(err, &failed) && failed.Type() == string(moneykit.ActionGone):
			return nil
		case failed != nil && failed.NonRetryable():
			workflow.GetLogger(ctx).Error("the sync waits for the next event", "error", failed.Error())
		case err != nil:
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() && events.Len() == 0 {
			return workflow.NewContinueAsNewError(ctx, Link, linkID)
		}
	}
}

// Activities holds what the activities need.
type Activities struct {
	Client *moneykit.Client
	Store  moneykit.TransactionStore // for example a *sqlstore.Store
}

// Sync brings the copy of a link's transactions up to date. Temporal retries it, and each attempt
// resumes where the last one failed.
func (a *Activities) Sync(ctx context.Context, linkID string) error {
	_, err := a.Client.SyncTransactions(ctx, linkID, a.Store, moneykit.WithProgress(func(p moneykit.SyncProgress) {
		activity.RecordHeartbeat(ctx, p)
	}))
	if err == nil {
		return nil
	}
	action := moneykit.ActionFor(err)
	options := temporal.ApplicationErrorOptions{Cause: err}
	switch action {
	case moneykit.ActionRelink, moneykit.ActionUser, moneykit.ActionGone, moneykit.ActionFix:
		options.NonRetryable = true
	default:
		if refused, ok := errors.AsType[*moneykit.Error](err); ok {
			options.NextRetryDelay = refused.RetryAfter
		}
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), string(action), options)
}
