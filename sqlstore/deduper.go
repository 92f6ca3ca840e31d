package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Deduper returns a [moneykit.Deduper] that all processes share, for [moneykit.WithDedupe].
//
// It remembers handled events for two days: do not set a longer age with [moneykit.WithWebhookAge].
// Each Commit deletes some older ones. Leases are measured on the database's clock.
//
// A receiver that only stores events for later needs no Deduper: see [Store.Receive].
func (s *Store) Deduper() moneykit.Deduper { return deduper{s} }

// keepHandled is how long handled events are remembered.
const keepHandled = 48 * time.Hour

type deduper struct{ store *Store }

// Claim implements [moneykit.Deduper].
func (d deduper) Claim(ctx context.Context, key string, lease time.Duration) (token string, state moneykit.ClaimState, err error) {
	token = rand.Text()
	for {
		n, err := d.store.exec(ctx, `INSERT INTO moneykit_claims (event_key, claim, done, leased_to)
			VALUES ($1, $2, false, {now} + $3)
			ON CONFLICT (event_key) DO UPDATE SET claim = excluded.claim, leased_to = {now} + $3
			WHERE NOT moneykit_claims.done AND moneykit_claims.leased_to <= {now}`, clean(key), token, millis(lease))
		if err != nil {
			return "", 0, wrap(err, "claiming an event")
		}
		if n == 1 {
			return token, moneykit.ClaimGranted, nil
		}
		var done bool
		err = d.store.row(ctx, []any{&done}, `SELECT done FROM moneykit_claims WHERE event_key = $1`, clean(key))
		switch {
		case errors.Is(err, sql.ErrNoRows): // It was released or forgotten between the statements.
			continue
		case err != nil:
			return "", 0, wrap(err, "claiming an event")
		case done:
			return "", moneykit.ClaimDone, nil
		}
		return "", moneykit.ClaimBusy, nil
	}
}

// Commit implements [moneykit.Deduper].
func (d deduper) Commit(ctx context.Context, key, token string) error {
	n, err := d.store.exec(ctx, `UPDATE moneykit_claims SET done = true, leased_to = {now}
		WHERE event_key = $1 AND claim = $2 AND NOT done`, clean(key), token)
	if err != nil {
		return wrap(err, "committing an event")
	}
	if n == 0 {
		return moneykit.ErrClaimLost
	}
	if d.store.tx == nil { // A failure there would undo the Commit.
		d.forget(ctx)
	}
	return nil
}

// forget deletes some claims that have long ended. If it fails, a later Commit deletes them.
func (d deduper) forget(ctx context.Context) {
	query := `DELETE FROM moneykit_claims WHERE event_key IN (SELECT event_key FROM moneykit_claims WHERE leased_to < {now} - $1 LIMIT 20`
	if d.store.dialect == PostgreSQL {
		query += ` FOR UPDATE SKIP LOCKED`
	}
	_, _ = d.store.exec(ctx, query+`)`, millis(keepHandled))
}

// Release implements [moneykit.Deduper].
func (d deduper) Release(ctx context.Context, key, token string) error {
	_, err := d.store.exec(ctx, `DELETE FROM moneykit_claims WHERE event_key = $1 AND claim = $2 AND NOT done`, clean(key), token)
	return wrap(err, "releasing an event")
}
