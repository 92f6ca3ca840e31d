package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/moneykit/moneykit-go"
)

var _ moneykit.TransactionStore = (*Store)(nil)

// LoadPosition implements [moneykit.TransactionStore].
func (s *Store) LoadPosition(ctx context.Context, linkID string) (moneykit.SyncPosition, error) {
	var p moneykit.SyncPosition
	var cursor []byte
	err := s.row(ctx, []any{&cursor, &p.RefreshedAt, &p.Generation, &p.Rebuilding, &p.Partial},
		`SELECT cursor, refreshed_at, generation, rebuilding, partial FROM moneykit_positions WHERE link_id = $1`, clean(linkID))
	if errors.Is(err, sql.ErrNoRows) {
		return moneykit.SyncPosition{}, nil
	}
	if err != nil {
		return moneykit.SyncPosition{}, fmt.Errorf("sqlstore: loading a position: %w", err)
	}
	p.Cursor = string(cursor)
	return p, nil
}

// ApplyUpdate implements [moneykit.TransactionStore]. After an error nothing of the update is
// stored; in a transaction of the caller that holds too, and the transaction can go on, unless the
// connection is broken.
//
// On PostgreSQL, the server ends an update whose process pauses for longer than 30 seconds, so that
// others can sync the link. In a transaction of the caller it does not.
func (s *Store) ApplyUpdate(ctx context.Context, update *moneykit.SyncUpdate) error {
	err := s.within(ctx, func(q querier) error { return s.apply(ctx, q, update) })
	if err != nil && !errors.Is(err, moneykit.ErrSyncConflict) {
		return fmt.Errorf("sqlstore: applying an update: %w", err)
	}
	return err
}

func (s *Store) apply(ctx context.Context, q querier, u *moneykit.SyncUpdate) error {
	if err := s.move(ctx, q, u); err != nil {
		return err
	}
	linkID := clean(u.LinkID)
	if u.DropPending {
		if _, err := q.ExecContext(ctx, s.text(`DELETE FROM moneykit_transactions WHERE link_id = $1 AND pending`), linkID); err != nil {
			return err
		}
	}
	if err := s.upsert(ctx, q, u); err != nil {
		return err
	}
	if len(u.Remove) > 0 {
		var ids list
		ids.begin(s.dialect)
		for _, id := range u.Remove {
			ids.add(filled(id))
		}
		ids.end()
		which := `SELECT value FROM json_each($2)`
		if s.dialect == PostgreSQL {
			which = `SELECT unnest(CAST($2 AS TEXT[]))`
		}
		_, err := q.ExecContext(ctx, s.text(`DELETE FROM moneykit_transactions WHERE link_id = $1 AND id IN (`+which+`)`), linkID, string(ids.text))
		if err != nil {
			return err
		}
	}
	if !u.DropOlder {
		return nil
	}
	_, err := q.ExecContext(ctx, s.text(`DELETE FROM moneykit_transactions WHERE link_id = $1 AND generation < $2`), linkID, u.Position.Generation)
	return err
}

// move replaces the position if it is the one that the update continues. As the first statement it
// locks the position until the transaction ends, so that other updates of the link wait, and for
// SQLite it is a write. A link without a stored position is at the zero position.
func (s *Store) move(ctx context.Context, q querier, u *moneykit.SyncUpdate) error {
	from, to := u.Previous, u.Position
	before, err := moment(from.RefreshedAt)
	if err != nil {
		return err
	}
	after, err := moment(to.RefreshedAt)
	if err != nil {
		return err
	}
	const isPrevious = ` WHERE moneykit_positions.link_id = $1 AND moneykit_positions.cursor = $7 AND moneykit_positions.refreshed_at = $8
		AND moneykit_positions.generation = $9 AND moneykit_positions.rebuilding = $10 AND moneykit_positions.partial = $11`
	query := `UPDATE moneykit_positions SET cursor = $2, refreshed_at = $3, generation = $4, rebuilding = $5, partial = $6,
		updated_at = {stamp}` + isPrevious
	if from.Equal(moneykit.SyncPosition{}) {
		query = `INSERT INTO moneykit_positions (link_id, cursor, refreshed_at, generation, rebuilding, partial, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, {stamp})
		ON CONFLICT (link_id) DO UPDATE SET cursor = excluded.cursor, refreshed_at = excluded.refreshed_at,
		generation = excluded.generation, rebuilding = excluded.rebuilding, partial = excluded.partial,
		updated_at = excluded.updated_at` + isPrevious
	}
	query += ` RETURNING 1`
	if s.dialect == PostgreSQL && s.tx == nil {
		// A process that stops here would keep the lock for as long as its connection lives.
		query += fmt.Sprintf(`, set_config('idle_in_transaction_session_timeout', '%d', true)`, millis(s.stall))
	}
	rows, err := q.QueryContext(ctx, s.text(query), clean(u.LinkID), []byte(to.Cursor), after, to.Generation, to.Rebuilding, to.Partial,
		[]byte(from.Cursor), before, from.Generation, from.Rebuilding, from.Partial)
	if err != nil {
		return err
	}
	moved := rows.Next()
	err = errors.Join(rows.Close(), rows.Err())
	if err == nil && !moved {
		return moneykit.ErrSyncConflict
	}
	return err
}

// moment returns a time of a position as a text. Columns for times would round it, and then it
// would not be the one that the next update continues.
func moment(t moneykit.Timestamp) (string, error) {
	if t.IsZero() {
		return "", nil
	}
	text, err := stampText(t.UTC())
	if err != nil {
		return "", errors.New("the time of the position must be in the years 1 to 9999 in UTC")
	}
	return text, nil
}
