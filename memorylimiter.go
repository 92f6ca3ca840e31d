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
// that MoneyKit publishes for links and for an application. It does not limit operations without a
// published limit. The zero value is ready to use. Use one MemoryLimiter for all clients of an
// application.
//
// Requests of the same operation are allowed in the order in which they arrive, unless the limit of
// their link delays them. A request fails at once, with [Error.RetryAfter], if its context's
// deadline ends before the limits allow it.
//
// MoneyKit does not say whether its minutes are fixed or sliding. The limits therefore apply to any
// 65 seconds: a minute, and a margin for requests that take longer to reach MoneyKit than later
// ones.
//
// MemoryLimiter does not cover two of MoneyKit's limits. The limit of link sessions for a user is
// one, because a Limiter does not know the user. The other is how often a product can be refreshed:
// see [ProductsService.Refresh].
type MemoryLimiter struct {
	// Processes is how many processes of the application call MoneyKit, each with its own
	// MemoryLimiter. Each gets an equal share of each limit, but at least one request. If a limit
	// is smaller than Processes, all processes together may therefore exceed it. Zero means 1.
	Processes int
	// Limits replaces the published limits, for an application with limits of its own. It returns
	// the requests a minute for one link and for the application; 0 means no limit. If ok is false,
	// the published limits of the operation apply. If Limits is nil, the published limits of all
	// operations apply.
	Limits func(operation string) (perLink, perApp int, ok bool)

	mu      sync.Mutex
	budgets map[budgetKey]*budget
	swept   time.Time // when idle budgets were last deleted
}

// limiterWindow is the time that a limit applies to.
const limiterWindow = ratelimit.Window + 5*time.Second

// budgetKey names a budget: an operation, for one link or, if linkID is empty, for the application.
type budgetKey struct{ operation, linkID string }

// budget counts the requests of one limit. A request takes a slot. The slot is free again one
// window after the request was allowed.
type budget struct {
	limit int
	users int         // number of calls of Wait that use the budget
	taken int         // number of slots taken by requests that still wait for another budget
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
	// The link's slot comes first: a request that waits for its link must not occupy a slot of the
	// application.
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

// takeAll waits for a slot of each budget. It then uses all slots at the same time, or none.
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

// limits returns how many requests this process may send in a window, for one link and in total. 0
// means no limit.
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

// budget returns the budget of key and counts one more user, which the caller must remove.
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

// forget deletes the idle budgets, at most once in a window. It makes a new map, because a map
// never frees its memory.
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

// refuse returns an error if the context's deadline ends before the budgets have free slots.
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
		why:        "the rate limit allows no request before the context's deadline",
	}
}

// take waits for a slot of b and takes it. It returns the error of ctx if ctx ends first.
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

// pause unlocks m and waits for wake, for the end of ctx or, if wait is not zero, for that time.
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

// wake wakes the first request in the queue, because a slot may be free.
func (b *budget) wake() {
	if front := b.queue.Front(); front != nil {
		select {
		case front.Value.(chan struct{}) <- struct{}{}: //nolint:forcetypeassert // The list contains nothing else.
		default: // It has a wake-up that it has not read yet.
		}
	}
}

// expire removes the requests that were allowed more than a window ago.
func (b *budget) expire(now time.Time) {
	n := 0
	for n < len(b.used) && now.Sub(b.used[n]) >= limiterWindow {
		n++
	}
	b.used = b.used[n:]
}

// next returns how long a request waits for a slot if ahead other requests are before it in the
// queue. A slot that is taken but not used yet counts as used now, so the real wait may be longer.
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
