package moneykit

import (
	"cmp"
	linked "container/list"
	"context"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go/internal/ratelimit"
)

// MemoryLimiter is a [Limiter] in the memory of one process. It keeps requests within the limits
// that MoneyKit publishes for links and for an application, and lets operations without a published
// limit pass. The zero value is ready for use. Use one MemoryLimiter for all clients of an
// application.
//
// Requests of the same operation are allowed in the order in which they came, as far as their links
// allow. A request fails at once, with [Error.RetryAfter], if its context's deadline ends before
// the limits allow it.
//
// MoneyKit's minutes may be fixed or sliding. The limits therefore hold for any 65 seconds: a
// minute, and a margin for requests that take longer to reach MoneyKit than those after them.
//
// Two kinds of limits are not covered. MoneyKit limits the link sessions of a user, and a Limiter
// does not know the user. It also limits how often a product is refreshed, to once in an hour or a
// day for each product: see [ProductsService.Refresh].
type MemoryLimiter struct {
	// Processes is how many processes of the application call MoneyKit, each with its own
	// MemoryLimiter. Each is allowed an equal share of each limit, but at least one request. Where
	// a limit is smaller than Processes, all of them together may therefore exceed it. Zero means
	// 1.
	Processes int
	// Limits replaces the published limits of operations, for an application that MoneyKit has
	// given others. It returns the requests a minute for one link and for the application, where 0
	// is no limit. If ok is false, the published limits hold. nil means the published limits for
	// all operations.
	Limits func(operation string) (perLink, perApp int, ok bool)

	mu      sync.Mutex
	budgets map[budgetKey]*budget
	swept   time.Time // when idle budgets were last forgotten
}

// limiterWindow is the time in which a limit holds.
const limiterWindow = ratelimit.Window + 5*time.Second

// budgetKey names a budget: an operation, for one link or, if linkID is empty, for the application.
type budgetKey struct{ operation, linkID string }

// budget counts the requests of one limit. A request takes a slot, which is free again a window
// after the request was allowed.
type budget struct {
	limit int
	users int         // calls of Wait that use the budget
	taken int         // slots of requests that wait for another budget
	used  []time.Time // when requests were allowed within the last window, the earliest first
	queue linked.List // of chan struct{}: the requests that wait for a slot, the next one first
}

// Wait implements [Limiter].
func (m *MemoryLimiter) Wait(ctx context.Context, operation, linkID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	perLink, perApp := m.limits(operation)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(time.Now())
	// A link's slot comes first: a request that waits for it must not hold one of the application.
	var budgets []*budget
	if perLink > 0 && linkID != "" {
		budgets = append(budgets, m.budget(budgetKey{operation, linkID}, perLink))
	}
	if perApp > 0 {
		budgets = append(budgets, m.budget(budgetKey{operation, ""}, perApp))
	}
	err := m.takeAll(ctx, operation, budgets)
	for _, b := range budgets {
		b.users--
	}
	return err
}

// takeAll waits for a slot of each budget and uses all of them at the same time, or none.
func (m *MemoryLimiter) takeAll(ctx context.Context, operation string, budgets []*budget) error {
	for i, b := range budgets {
		err := refuse(ctx, operation, budgets[i:])
		if err == nil {
			err = m.take(ctx, b)
		}
		if err != nil {
			for _, b := range budgets[:i] {
				b.taken--
				b.wake()
			}
			return err
		}
	}
	now := time.Now()
	for _, b := range budgets {
		b.taken--
		b.used = append(b.used, now)
	}
	return nil
}

// limits returns how many requests this process may send in a window, for one link and in total.
// 0 is no limit.
func (m *MemoryLimiter) limits(operation string) (perLink, perApp int) {
	ok := false
	if m.Limits != nil {
		perLink, perApp, ok = m.Limits(operation)
	}
	if !ok {
		published, _ := ratelimit.For(operation)
		perLink, perApp = published.Link, cmp.Or(published.App, published.Client)
	}
	share := func(n int) int {
		if n <= 0 || m.Processes <= 1 {
			return n
		}
		return max(1, n/m.Processes)
	}
	return share(perLink), share(perApp)
}

// budget returns the budget of key, for a call of Wait.
func (m *MemoryLimiter) budget(key budgetKey, limit int) *budget {
	b := m.budgets[key]
	if b == nil {
		b = &budget{}
		m.budgets[key] = b
	}
	b.limit = limit
	b.users++
	return b
}

// forget drops the budgets that are as good as new. It does so once in a window, and makes another
// map, because a map never gives back its memory.
func (m *MemoryLimiter) forget(now time.Time) {
	if m.budgets != nil && now.Sub(m.swept) < limiterWindow {
		return
	}
	kept := map[budgetKey]*budget{}
	for key, b := range m.budgets {
		if b.expire(now); b.users > 0 || len(b.used) > 0 {
			kept[key] = b
		}
	}
	m.budgets, m.swept = kept, now
}

// refuse returns an error if the context ends before the budgets have slots.
func refuse(ctx context.Context, operation string, budgets []*budget) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	now := time.Now()
	wait := time.Duration(0)
	for _, b := range budgets {
		wait = max(wait, b.next(now, b.queue.Len()))
	}
	if wait == 0 || now.Add(wait).Before(deadline) {
		return nil
	}
	return &Error{
		Operation:  operation,
		RetryAfter: wait,
		class:      ErrRateLimited,
		why:        "the rate limit is used up until after the context's deadline",
	}
}

// take waits for a slot of b and takes it. It returns the error of ctx if that ends before.
func (m *MemoryLimiter) take(ctx context.Context, b *budget) error {
	wake := make(chan struct{}, 1)
	place := b.queue.PushBack(wake)
	defer func() {
		b.queue.Remove(place)
		b.wake()
	}()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		wait := time.Duration(0)
		if b.queue.Front() == place {
			if wait = b.next(time.Now(), 0); wait == 0 {
				b.taken++
				return nil
			}
		}
		m.pause(ctx, wake, wait)
	}
}

// pause unlocks m until wake or ctx says so, or until wait is over if it is not zero.
func (m *MemoryLimiter) pause(ctx context.Context, wake <-chan struct{}, wait time.Duration) {
	m.mu.Unlock()
	defer m.mu.Lock()
	var over <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-wake:
	case <-over:
	case <-ctx.Done():
	}
}

// wake tells the next in the queue that there may be a slot.
func (b *budget) wake() {
	if front := b.queue.Front(); front != nil {
		select {
		case front.Value.(chan struct{}) <- struct{}{}: //nolint:forcetypeassert // nothing else is in it
		default: // It has been told.
		}
	}
}

// expire drops what was allowed more than a window ago.
func (b *budget) expire(now time.Time) {
	n := 0
	for n < len(b.used) && now.Sub(b.used[n]) >= limiterWindow {
		n++
	}
	b.used = b.used[n:]
}

// next returns how long a request waits for a slot, with ahead others before it in the queue. A
// slot that is taken and not used yet counts as used now, so the wait may be longer.
func (b *budget) next(now time.Time, ahead int) time.Duration {
	b.expire(now)
	// Each request gets the slot of the one that is limit requests before it.
	free := b.limit - b.taken - len(b.used)
	wait := time.Duration(ahead/b.limit) * limiterWindow
	switch slot := ahead % b.limit; {
	case slot < free:
		return wait
	case slot-free < len(b.used):
		return wait + limiterWindow - now.Sub(b.used[slot-free])
	default:
		return wait + limiterWindow
	}
}
