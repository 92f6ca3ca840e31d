package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"

	"github.com/moneykit/moneykit-go"
)

// notices remembers which users have been asked to relink, so that they are asked once for each
// problem and not once for each event.
const notices = `
CREATE TABLE IF NOT EXISTS worker_notices (
	link_id TEXT PRIMARY KEY,
	reason  TEXT NOT NULL
)`

// noticeOnce asks the user of a link to relink, unless that was done for the same reason. Only the
// holder of the link's claim gets here, so two processes do not ask at once. If the process is
// killed between the notice and its row, the user is asked twice.
func (a *app) noticeOnce(ctx context.Context, linkID string, reason moneykit.LinkError) error {
	var known string
	err := a.database.db.QueryRowContext(ctx, `SELECT reason FROM worker_notices WHERE link_id = $1`, linkID).Scan(&known)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && known == string(reason) {
		return nil
	}
	if err := a.notify(ctx, linkID, reason); err != nil {
		return err
	}
	a.metrics.notices.Inc()
	_, err = a.database.db.ExecContext(ctx, `INSERT INTO worker_notices (link_id, reason) VALUES ($1, $2)
		ON CONFLICT (link_id) DO UPDATE SET reason = excluded.reason`, linkID, string(reason))
	return err
}

// forgetNotice makes the next problem of a link worth a notice again.
func (a *app) forgetNotice(ctx context.Context, linkID string) error {
	_, err := a.database.db.ExecContext(ctx, `DELETE FROM worker_notices WHERE link_id = $1`, linkID)
	return err
}

// notify is where an application writes a mail to the link's user, or shows a banner.
func (a *app) notify(ctx context.Context, linkID string, reason moneykit.LinkError) error {
	a.log.LogAttrs(ctx, slog.LevelWarn, "relink needed", slog.String("link_id", linkID),
		slog.String("reason", string(reason)), slog.String("message", reason.UserMessage()))
	return nil
}
