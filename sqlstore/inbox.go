package sqlstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Receive records an event in the inbox and reports whether it is there for the first time. In a
// transaction of the caller that also inserts a job, key and job are stored together or not at all,
// so each event leads to one job although MoneyKit delivers it several times:
//
//	first, err := store.InTx(tx).Receive(ctx, event.Meta())
//
// While another transaction holds the same event, Receive waits until it ends. An event without an
// idempotency key is known by its body.
func (s *Store) Receive(ctx context.Context, meta moneykit.EventMeta) (first bool, err error) {
	key := meta.IdempotencyKey
	if key == "" {
		if len(meta.Raw) == 0 {
			return false, errors.New("sqlstore: the event has neither an idempotency key nor a body")
		}
		hash := sha256.Sum256(meta.Raw)
		key = "sha256:" + hex.EncodeToString(hash[:])
	}
	n, err := s.exec(ctx, `INSERT INTO moneykit_inbox (link_id, event_key, type, received_at)
		VALUES ($1, $2, $3, {now}) ON CONFLICT (link_id, event_key) DO NOTHING`,
		clean(meta.LinkID), clean(key), clean(string(meta.Type)))
	if err != nil {
		return false, fmt.Errorf("sqlstore: recording an event: %w", err)
	}
	return n == 1, nil
}

// ForgetEvents deletes the events that were received longer ago than olderThan. MoneyKit delivers
// an event for two hours; a day is a safe age.
func (s *Store) ForgetEvents(ctx context.Context, olderThan time.Duration) error {
	const most = 1000 // in one statement, so that others need not wait
	for {
		n, err := s.exec(ctx, `DELETE FROM moneykit_inbox WHERE (link_id, event_key) IN
			(SELECT link_id, event_key FROM moneykit_inbox WHERE received_at < {now} - $1 LIMIT $2)`, millis(olderThan), most)
		if err != nil {
			return fmt.Errorf("sqlstore: forgetting events: %w", err)
		}
		if n < most {
			return nil
		}
	}
}
