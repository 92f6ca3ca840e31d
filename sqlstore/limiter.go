package sqlstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/keylock"
	"github.com/moneykit/moneykit-go/internal/ratelimit"
)

// budgetWindow is the time in which a slot serves one request. A request may spend some of the
// margin on its way to MoneyKit.
const budgetWindow = ratelimit.Window + 5*time.Second

// Limiter returns a limiter that all processes share, for [moneykit.WithLimiter]: together they
// send no more requests than MoneyKit's published limits of a link, a client and an application
// allow. It does not know the users that some limits are about. Operations without a published
// limit pass at once.
//
// Each request occupies one slot of each of its limits for 65 seconds, by the database's clock.
// Taking the slots costs one or two SQL statements. If no slot is free, Wait waits. If the
// context's deadline comes before a slot is free, Wait returns an error that matches
// [moneykit.ErrRateLimited], at once if it can. If the database fails, Wait returns its error and
// the request is not sent. Expired slots are deleted.
//
// Applications that share the database have budgets of their own only with [Store.Application].
func (s *Store) Limiter() moneykit.Limiter {
	outside := *s
	outside.tx = nil
	return &limiter{store: &outside}
}

type limiter struct {
	store *Store
	turns keylock.Locks // of budgets, so that each process has one waiter for each

	mu   sync.Mutex
	full map[string]time.Time // until when the waiter for a budget has found it full
}

// budget is a limit and the name of its slots.
type budget struct {
	name  string
	slots int
}

// budgets returns the limits that a request counts towards.
func (s *Store) budgets(operation, linkID string) (all []budget) {
	limits, _ := ratelimit.For(operation)
	if s.app != "" {
		operation = s.app + " " + operation
	}
	if limits.Link > 0 && linkID != "" {
		all = append(all, budget{clean(operation + " " + linkID), limits.Link})
	}
	if limits.Client > 0 {
		all = append(all, budget{operation + " client", limits.Client})
	}
	if limits.App > 0 {
		all = append(all, budget{operation, limits.App})
	}
	return all
}

// Wait implements [moneykit.Limiter].
func (l *limiter) Wait(ctx context.Context, operation, linkID string) error {
	all := l.store.budgets(operation, linkID)
	if len(all) == 0 {
		return nil
	}
	turn := all[0].name
	if wait := l.known(turn); tooLong(ctx, wait) {
		return refusal(wait)
	}
	release, err := l.turns.Acquire(ctx, turn)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return refusal(max(l.known(turn), firstPause))
		}
		return err
	}
	defer release()
	defer l.note(turn, 0)
	for try := 1; ; try++ {
		full, err := l.take(ctx, all)
		if err == nil && full == nil {
			l.forget(ctx)
			return nil
		}
		var wait time.Duration
		if err == nil {
			wait, err = l.free(ctx, *full)
		}
		if err != nil {
			return wrap(err, "waiting for a rate limit")
		}
		wait += backoff(min(try, 4))
		if tooLong(ctx, wait) {
			return refusal(wait)
		}
		l.note(turn, wait)
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// tooLong reports whether the deadline of ctx comes before the wait is over.
func tooLong(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && wait > 0 && time.Until(deadline) < wait
}

func refusal(wait time.Duration) error {
	return &moneykit.Error{Code: moneykit.ErrorCodeRateLimitExceeded, RetryAfter: wait}
}

// note tells those behind the waiter for a budget how long it waits, 0 when it does not any more.
func (l *limiter) note(turn string, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait == 0 {
		delete(l.full, turn)
		return
	}
	if l.full == nil {
		l.full = map[string]time.Time{}
	}
	l.full[turn] = time.Now().Add(wait)
}

// known returns how long the waiter for a budget will wait, 0 if there is none.
func (l *limiter) known(turn string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.full[turn]
	if !ok {
		return 0
	}
	return max(time.Until(until), 0)
}

// errFull undoes a transaction that has not got a slot of each budget.
var errFull = errors.New("a budget is full")

// take takes a slot of each budget, or none and returns a budget that has none.
func (l *limiter) take(ctx context.Context, all []budget) (full *budget, err error) {
	err = l.store.bounded(ctx, func(q querier) error {
		full = nil
		for i := range all {
			n, err := l.slot(ctx, q, all[i])
			if err != nil {
				return err
			}
			if n == 0 {
				full = &all[i]
				return errFull
			}
		}
		return nil
	})
	if errors.Is(err, errFull) {
		return full, nil
	}
	return nil, err
}

// slot takes a slot, and returns 0 if it got none. It tries one at random, which does while most
// are free, before it looks for a free one. A slot serves again only after the window, so within
// any window there are at most as many requests as slots, whatever the clocks of the processes say.
func (l *limiter) slot(ctx context.Context, q querier, b budget) (n int64, err error) {
	const ifFree = ` ON CONFLICT (budget, slot) DO UPDATE SET used_at = {now} WHERE moneykit_slots.used_at <= {now} - $3`
	n, err = affected(q.ExecContext(ctx, l.store.text(`INSERT INTO moneykit_slots (budget, slot, used_at) VALUES ($1, $2, {now})`+ifFree),
		b.name, rand.IntN(b.slots), millis(budgetWindow))) //nolint:gosec // no secret
	if err != nil || n > 0 {
		return n, err
	}
	return affected(q.ExecContext(ctx, l.store.text(`WITH RECURSIVE slots (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM slots WHERE n + 1 < $2)
		INSERT INTO moneykit_slots (budget, slot, used_at)
		SELECT $1, n, {now} FROM slots WHERE NOT EXISTS
			(SELECT 1 FROM moneykit_slots s WHERE s.budget = $1 AND s.slot = slots.n AND s.used_at > {now} - $3)
		ORDER BY random() LIMIT 1`+ifFree), b.name, b.slots, millis(budgetWindow)))
}

// free returns how long it takes until a slot is free, 0 if one is.
func (l *limiter) free(ctx context.Context, b budget) (time.Duration, error) {
	var used int
	var left int64
	err := l.store.row(ctx, []any{&used, &left}, `SELECT count(*), coalesce(min(used_at) + $2 - {now}, 0) FROM moneykit_slots
		WHERE budget = $1 AND used_at > {now} - $2`, b.name, millis(budgetWindow))
	if err != nil || used < b.slots {
		return 0, err
	}
	return time.Duration(max(left, 0)) * time.Millisecond, nil
}

// forget deletes some slots that have served, after one of many requests. If it fails, another one
// does it.
func (l *limiter) forget(ctx context.Context) {
	const often, most = 32, 200
	if rand.IntN(often) > 0 { //nolint:gosec // no secret
		return
	}
	query := `DELETE FROM moneykit_slots WHERE (budget, slot) IN (SELECT budget, slot FROM moneykit_slots WHERE used_at <= {now} - $1 LIMIT $2`
	if l.store.dialect == PostgreSQL {
		query += ` FOR UPDATE SKIP LOCKED`
	}
	_, _ = l.store.exec(ctx, query+`)`, millis(budgetWindow), most)
}
