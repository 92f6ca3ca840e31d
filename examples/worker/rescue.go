package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/moneykit/moneykit-go/sqlstore"
)

// mostOrphans bounds how many jobs one sweep looks at.
const mostOrphans = 1000

// rescueOrphans queues the work again that a killed process has left behind. River would do so
// after -rescue, which must be longer than the longest job. A claim that its process does not
// extend shows within -lease that nobody is at work.
func (a *app) rescueOrphans(ctx context.Context) error {
	suspects, err := a.suspects(ctx)
	if err != nil {
		return err
	}
	for args, metadata := range suspects {
		queued := false
		err := a.database.inTx(ctx, func(tx *sql.Tx, store *sqlstore.Store) (err error) {
			queued, err = a.requeue(ctx, tx, store, args, metadata)
			return err
		})
		if err != nil {
			return err
		}
		if queued {
			a.metrics.rescued.Inc()
			a.log.LogAttrs(ctx, slog.LevelWarn, "queued work again that a process has left behind",
				slog.String("link_id", args.LinkID), slog.String("task", string(args.Task)))
		}
	}
	return nil
}

// suspects returns the work that has a claim or a running job. The values are metadata for new
// jobs.
func (a *app) suspects(ctx context.Context) (map[jobArgs][]byte, error) {
	suspects := map[jobArgs][]byte{}
	rows, err := a.database.db.QueryContext(ctx, `SELECT link_id, task FROM moneykit_work
		WHERE claim <> '' AND requested > done ORDER BY leased_to LIMIT $1`, mostOrphans)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err reports what matters.
	for rows.Next() {
		var args jobArgs
		if err := rows.Scan(&args.LinkID, &args.Task); err != nil {
			return nil, err
		}
		suspects[args] = jobMetadata(ctx)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	running, err := a.queue.JobList(ctx, river.NewJobListParams().Kinds(jobArgs{}.Kind()).
		States(rivertype.JobStateRunning).First(mostOrphans))
	if err != nil {
		return nil, err
	}
	for _, row := range running.Jobs {
		// A job that was fetched just now will claim its work.
		if row.AttemptedAt == nil || time.Since(*row.AttemptedAt) < a.lease {
			continue
		}
		var args jobArgs
		if err := json.Unmarshal(row.EncodedArgs, &args); err != nil {
			return nil, err
		}
		suspects[args] = jobMetadata(continueTrace(ctx, row.Metadata))
	}
	return suspects, nil
}

// requeue inserts a job if the work is requested and nobody holds it.
func (a *app) requeue(ctx context.Context, tx *sql.Tx, store *sqlstore.Store, args jobArgs, metadata []byte) (bool, error) {
	work, err := store.Begin(ctx, args.LinkID, string(args.Task), a.lease)
	var busy *sqlstore.BusyError
	switch {
	case errors.Is(err, sqlstore.ErrNoWork), errors.As(err, &busy):
		return false, nil
	case err != nil:
		return false, err
	}
	if err := store.Release(ctx, work); err != nil {
		return false, err
	}
	inserted, err := a.queue.InsertTx(ctx, tx, args, &river.InsertOpts{
		Metadata: metadata,
		// The job that was left behind stays until River finds it. One new job is enough.
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: max(a.lease, time.Second)},
	})
	return err == nil && !inserted.UniqueSkippedAsDuplicate, err
}

// forgetEvents deletes events from the inbox that MoneyKit does not deliver any more.
func (a *app) forgetEvents(ctx context.Context) error {
	return a.database.store.ForgetEvents(ctx, 7*24*time.Hour)
}
