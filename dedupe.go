package moneykit

import (
	linked "container/list"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// Deduper remembers which events were handled, so that each event is handled once although MoneyKit
// delivers it several times. Implement it in a store that all instances of the receiver share, for
// example the database that the handler writes to. moneykittest.DeduperSuite tests an
// implementation. [MemoryDeduper] is for a receiver that runs in one process.
//
// A key has 1 to 255 characters of visible ASCII. Methods may be called concurrently.
type Deduper interface {
	// Claim returns [ClaimGranted] and a token if the event has not been handled and no other
	// caller holds a claim on it, else [ClaimDone] or [ClaimBusy]. Of several concurrent callers,
	// one gets the claim. A claim ends after lease, even if its owner is still running; the next
	// caller can then claim the event.
	Claim(ctx context.Context, key string, lease time.Duration) (token string, state ClaimState, err error)
	// Commit records that the event was handled. After it returns, Claim must return [ClaimDone]
	// for three hours, or for longer than the age given to [WithWebhookAge]. By default signatures
	// are accepted for 2 h 15 min. If the claim with the token has ended and another caller has
	// claimed the event, Commit changes nothing and returns [ErrClaimLost].
	Commit(ctx context.Context, key, token string) error
	// Release ends the claim, so that the next delivery can claim the event. It does nothing if the
	// claim with the token has already ended.
	Release(ctx context.Context, key, token string) error
}

// ClaimState is the outcome of a claim: granted, busy or done. The zero value is none of them.
type ClaimState int

// The states.
const (
	ClaimGranted ClaimState = iota + 1 // the caller handles the event, and then calls Commit or Release
	ClaimBusy                          // another caller is handling the event
	ClaimDone                          // the event was handled
)

// ErrClaimLost is returned by Commit of a [Deduper] when the claim has ended.
var ErrClaimLost = errors.New("moneykit: the claim on the event has ended")

// Defaults of a MemoryDeduper.
const (
	defaultDedupeLimit = 100_000
	defaultDedupeAge   = 3 * time.Hour
)

// MemoryDeduper is a [Deduper] in the memory of one process. The zero value is ready to use.
type MemoryDeduper struct {
	// Limit is the maximum number of events; zero means 100,000. Beyond it, the oldest handled
	// events are evicted. If all events are still being handled, Claim returns an error.
	Limit int
	// Age is how long handled events are remembered; zero means three hours. It must be longer than
	// the age that [WithWebhookAge] sets.
	Age time.Duration

	mu      sync.Mutex
	entries map[string]*dedupeEntry
	handled linked.List // of *dedupeEntry, oldest first
	claims  uint64
}

type dedupeEntry struct {
	key     string
	token   string
	until   time.Time       // when the claim ends or, if the event was handled, when it is evicted
	handled *linked.Element // nil while the event is claimed
}

// Claim implements [Deduper].
func (d *MemoryDeduper) Claim(ctx context.Context, key string, lease time.Duration) (token string, state ClaimState, err error) {
	if err := ctx.Err(); err != nil {
		return "", 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.forget(now)
	entry := d.entries[key]
	switch {
	case entry == nil:
	case entry.handled != nil:
		return "", ClaimDone, nil
	case now.Before(entry.until):
		return "", ClaimBusy, nil
	}
	if entry == nil {
		if err := d.makeRoom(now); err != nil {
			return "", 0, err
		}
		entry = &dedupeEntry{key: key}
		if d.entries == nil {
			d.entries = map[string]*dedupeEntry{}
		}
		d.entries[key] = entry
	}
	d.claims++
	entry.token, entry.until = strconv.FormatUint(d.claims, 36), now.Add(lease)
	return entry.token, ClaimGranted, nil
}

// Commit implements [Deduper].
func (d *MemoryDeduper) Commit(_ context.Context, key, token string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	entry := d.entries[key]
	if entry == nil || entry.handled != nil || entry.token != token {
		return ErrClaimLost
	}
	age := d.Age
	if age <= 0 {
		age = defaultDedupeAge
	}
	entry.until, entry.handled = time.Now().Add(age), d.handled.PushBack(entry)
	return nil
}

// Release implements [Deduper].
func (d *MemoryDeduper) Release(_ context.Context, key, token string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if entry := d.entries[key]; entry != nil && entry.handled == nil && entry.token == token {
		delete(d.entries, key)
	}
	return nil
}

// forget evicts the events that were handled longer than Age ago.
func (d *MemoryDeduper) forget(now time.Time) {
	for oldest := d.handled.Front(); oldest != nil; oldest = d.handled.Front() {
		if entry := oldest.Value.(*dedupeEntry); now.Before(entry.until) { //nolint:forcetypeassert // The list contains nothing else.
			return
		}
		d.drop(oldest)
	}
}

func (d *MemoryDeduper) drop(e *linked.Element) {
	delete(d.entries, d.handled.Remove(e).(*dedupeEntry).key) //nolint:forcetypeassert // The list contains nothing else.
}

// makeRoom makes room for one more event.
func (d *MemoryDeduper) makeRoom(now time.Time) error {
	limit := d.Limit
	if limit <= 0 {
		limit = defaultDedupeLimit
	}
	if len(d.entries) < limit {
		return nil
	}
	if oldest := d.handled.Front(); oldest != nil {
		d.drop(oldest)
		return nil
	}
	for key, entry := range d.entries {
		if !now.Before(entry.until) { // the claim has ended
			delete(d.entries, key)
			return nil
		}
	}
	return errors.New("moneykit: too many events are being handled at once")
}
