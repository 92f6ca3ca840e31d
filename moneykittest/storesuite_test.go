package moneykittest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// openMemory opens a MemoryStore whose ApplyUpdate is replaced.
func openMemory(
	wrap func(*moneykittest.MemoryStore) moneykit.TransactionStore,
) func() (moneykit.TransactionStore, func(string) ([]moneykit.Transaction, error)) {
	return func() (moneykit.TransactionStore, func(string) ([]moneykit.Transaction, error)) {
		store := &moneykittest.MemoryStore{}
		return wrap(store), func(linkID string) ([]moneykit.Transaction, error) { return store.Transactions(linkID), nil }
	}
}

func TestStoreSuite(t *testing.T) {
	t.Parallel()
	moneykittest.StoreSuite(t, openMemory(func(m *moneykittest.MemoryStore) moneykit.TransactionStore { return m }))

	// One store for all cases.
	one := &moneykittest.MemoryStore{}
	moneykittest.StoreSuite(t, func() (moneykit.TransactionStore, func(string) ([]moneykit.Transaction, error)) {
		return one, func(linkID string) ([]moneykit.Transaction, error) { return one.Transactions(linkID), nil }
	})
}

// TestStoreSuiteContext tests a store that waits for its context in another way.
func TestStoreSuiteContext(t *testing.T) {
	t.Parallel()
	moneykittest.StoreSuite(t, openMemory(func(m *moneykittest.MemoryStore) moneykit.TransactionStore {
		return broken{m, func(ctx context.Context, u *moneykit.SyncUpdate, next func(context.Context, *moneykit.SyncUpdate) error) error {
			for range 3 {
				select {
				case <-ctx.Done():
					return ctx.Err()
				default:
				}
			}
			return next(context.WithoutCancel(ctx), u)
		}, nil}
	}))
}

// broken is a store with a mistake.
type broken struct {
	*moneykittest.MemoryStore
	apply func(context.Context, *moneykit.SyncUpdate, func(context.Context, *moneykit.SyncUpdate) error) error
	load  func(moneykit.SyncPosition) (moneykit.SyncPosition, error)
}

func (b broken) ApplyUpdate(ctx context.Context, update *moneykit.SyncUpdate) error {
	if b.apply == nil {
		return b.MemoryStore.ApplyUpdate(ctx, update)
	}
	changed := *update
	return b.apply(ctx, &changed, b.MemoryStore.ApplyUpdate)
}

func (b broken) LoadPosition(ctx context.Context, linkID string) (moneykit.SyncPosition, error) {
	at, err := b.MemoryStore.LoadPosition(ctx, linkID)
	if err == nil && b.load != nil {
		return b.load(at)
	}
	return at, err
}

// apply is the correct ApplyUpdate, which a mistake may call.
type apply = func(context.Context, *moneykit.SyncUpdate) error

// showHalves writes an update's rows first, and the rest of the update a little later.
func showHalves(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	rows := moneykit.SyncUpdate{LinkID: u.LinkID, DropPending: u.DropPending, Upsert: u.Upsert, Position: u.Position}
	err := next(context.WithoutCancel(ctx), &rows)
	<-time.After(time.Millisecond) // the store takes its time between the halves
	u.DropPending, u.Upsert = false, nil
	return errors.Join(err, next(context.WithoutCancel(ctx), u))
}

func TestStoreSuiteFindsMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		finds string // part of a case's name
		apply func(context.Context, *moneykit.SyncUpdate, apply) error
		load  func(moneykit.SyncPosition) (moneykit.SyncPosition, error)
	}{
		"keeps pending rows": {"DropPending deletes", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			u.DropPending = false
			return next(ctx, u)
		}, nil},
		"drops pending rows last": {"before Upsert", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			if !u.DropPending {
				return next(ctx, u)
			}
			rest := moneykit.SyncUpdate{LinkID: u.LinkID, DropPending: true, Position: u.Position}
			u.DropPending = false
			return errors.Join(next(ctx, u), next(ctx, &rest))
		}, nil},
		"removes first": {"Remove comes after Upsert", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			first := moneykit.SyncUpdate{LinkID: u.LinkID, Remove: u.Remove, Position: u.Position}
			u.Remove = nil
			return errors.Join(next(ctx, &first), next(ctx, u))
		}, nil},
		"does not remove": {"Remove deletes", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			u.Remove = nil
			return next(ctx, u)
		}, nil},
		"keeps older rows": {"DropOlder deletes", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			u.DropOlder = false
			return next(ctx, u)
		}, nil},
		"drops older rows always": {"DropOlder deletes", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			u.DropOlder = true
			return next(ctx, u)
		}, nil},
		"skips updates without rows": {"without rows", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			if len(u.Upsert) == 0 {
				return nil
			}
			return next(ctx, u)
		}, nil},
		"inserts only": {"Upsert replaces", func() func(context.Context, *moneykit.SyncUpdate, apply) error {
			var mu sync.Mutex
			seen := map[string]bool{}
			return func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
				mu.Lock()
				defer mu.Unlock()
				var fresh []moneykit.Transaction
				for _, row := range u.Upsert {
					if !seen[row.ID] {
						fresh = append(fresh, row)
					}
					seen[row.ID] = true
				}
				u.Upsert = fresh
				return next(ctx, u)
			}
		}(), nil},
		"ignores the context": {"an ended context", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			return next(context.WithoutCancel(ctx), u)
		}, nil},
		"is not atomic": {"completely or not at all", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			rows := moneykit.SyncUpdate{LinkID: u.LinkID, Upsert: u.Upsert, Position: u.Position}
			return errors.Join(next(ctx, &rows), next(ctx, u))
		}, nil},
		"shows halves": {"half an update", showHalves, nil},
		"mixes links up": {"other links", func() func(context.Context, *moneykit.SyncUpdate, apply) error {
			var mu sync.Mutex
			links := map[string]moneykit.SyncPosition{}
			return func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
				mu.Lock()
				defer mu.Unlock()
				for id, at := range links {
					if u.DropPending && id != u.LinkID {
						_ = next(ctx, &moneykit.SyncUpdate{LinkID: id, DropPending: true, Previous: at, Position: at})
					}
				}
				err := next(ctx, u)
				if err == nil {
					links[u.LinkID] = u.Position
				}
				return err
			}
		}(), nil},
		"loses a digit": {"are read as they were", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			rows := append([]moneykit.Transaction{}, u.Upsert...)
			for i := range rows {
				d, err := moneykit.ParseDecimal(fmt.Sprintf("%.2f", rows[i].Amount.Float64()))
				if err != nil {
					return err
				}
				rows[i].Amount = d
			}
			u.Upsert = rows
			return next(ctx, u)
		}, nil},
		"loses the enrichment": {"are read as they were", func(ctx context.Context, u *moneykit.SyncUpdate, next apply) error {
			rows := append([]moneykit.Transaction{}, u.Upsert...)
			for i := range rows {
				rows[i].Enrichment = nil
			}
			u.Upsert = rows
			return next(ctx, u)
		}, nil},
		"loses Partial": {"are read as they were", nil, func(p moneykit.SyncPosition) (moneykit.SyncPosition, error) {
			p.Partial = false
			return p, nil
		}},
		"loses microseconds": {"are read as they were", nil, func(p moneykit.SyncPosition) (moneykit.SyncPosition, error) {
			p.RefreshedAt.Time = p.RefreshedAt.Truncate(time.Millisecond)
			return p, nil
		}},
		"has an error for none": {"before the first", nil, func(p moneykit.SyncPosition) (moneykit.SyncPosition, error) {
			if p.Cursor == "" {
				return p, errors.New("no rows")
			}
			return p, nil
		}},
		"fails": {"are read as they were", func(context.Context, *moneykit.SyncUpdate, apply) error { return errors.New("full") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tb := &fakeTB{}
			moneykittest.StoreSuite(tb, openMemory(func(m *moneykittest.MemoryStore) moneykit.TransactionStore {
				return broken{m, test.apply, test.load}
			}))
			require.NotEmpty(t, tb.errors)
			assert.Contains(t, strings.Join(tb.errors, "\n"), test.finds)
		})
	}
}

func TestStoreSuiteCannotRead(t *testing.T) {
	t.Parallel()
	tb := &fakeTB{}
	moneykittest.StoreSuite(tb, func() (moneykit.TransactionStore, func(string) ([]moneykit.Transaction, error)) {
		return &moneykittest.MemoryStore{}, func(string) ([]moneykit.Transaction, error) { return nil, errors.New("unplugged") }
	})
	assert.Contains(t, strings.Join(tb.errors, "\n"), "reading the rows: unplugged")
}
