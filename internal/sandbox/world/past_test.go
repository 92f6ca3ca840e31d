package world_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// TestPastIsRebuilt reads a link before and after its past was evicted from memory by the pasts of
// many other links.
func TestPastIsRebuilt(t *testing.T) {
	t.Parallel()
	w := newWorld()
	link := add(t, w, world.LinkSpec{UserID: "user-1", Accounts: []moneykit.Account{{Type: "depository.savings", Name: "Only"}}})
	var others []*world.Link
	for range 60 {
		others = append(others, add(t, w, world.LinkSpec{}))
	}
	now := start
	past := func(n int) moneykit.Transaction { // a posted row
		changes, _, _ := w.Ledger(link).Read(world.Place{Link: link.ID, Epoch: link.Ledger.Epoch}, 50)
		return changes.Created[n]
	}
	for _, step := range []struct {
		name   string
		change func() error
	}{
		{"begin", func() error { return nil }},
		{"another account", func() error {
			params := sessionParams()
			params.ExistingLinkID = link.ID
			more := []moneykit.Account{{Type: "depository.checking", Name: "New", Balances: moneykit.Balances{Currency: "EUR"}}}
			end := w.Connect(w.OpenSession(params, now).Token, world.Play{NewAccounts: more}, now)
			require.Len(t, end.Accounts, 2)
			return nil
		}},
		{"update", func() error { return w.UpdateTransaction(link.ID, tx{ID: past(3).ID, Description: "changed"}, now) }},
		{"remove", func() error { return w.RemoveTransaction(link.ID, past(5).ID, now) }},
		{"refresh", func() error { return w.Refresh(link.ID, nil, now) }},
		{"reset cursors", func() error { return w.ResetCursors(link.ID, now) }},
		{"remove again", func() error { return w.RemoveTransaction(link.ID, past(7).ID, now) }},
	} {
		now = now.Add(25 * time.Hour)
		require.NoError(t, step.change(), step.name)
		read := func() []any {
			g := w.Ledger(link)
			changes, place, more := g.Read(world.Place{Link: link.ID, Epoch: g.Epoch}, 1000)
			again, _, _ := g.Read(world.Place{Link: link.ID, Epoch: g.Epoch, Event: 9}, 20)
			page, total := world.PageOf(world.Span{Page: 2, Size: 20}, g)
			return []any{changes, place, more, again, page, total, transactions(t, w, link)}
		}
		before := read()
		for _, other := range others {
			require.NotEmpty(t, w.Ledger(other).All())
		}
		assert.Equal(t, before, read(), step.name)
	}
}

// heap returns the size of the heap in bytes.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // pools keep their content for one collection
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// The memory per user does not depend on the number of users.
//
//nolint:paralleltest // it measures the memory of the process
func TestMemoryPerUser(t *testing.T) {
	const users = 700
	w := newWorld()
	grow := func(group string) uint64 {
		before := heap()
		for i := range users {
			link := add(t, w, world.LinkSpec{UserID: fmt.Sprint(group, i), InstitutionID: world.OAuthBank})
			g := w.Ledger(link)
			rows := 0
			for at, more := (world.Place{Link: link.ID}), true; more; {
				var changes world.Changes
				changes, at, more = g.Read(at, 100)
				rows += len(changes.Created)
			}
			_, total := world.PageOf(world.Span{Page: 1, Size: 50}, g)
			require.Equal(t, total, rows)
			require.Greater(t, rows, 100)
		}
		after := heap()
		return (after - before) / users
	}
	first, second := grow("first"), grow("second")
	t.Logf("%d bytes per user, then %d", first, second)
	assert.Less(t, first, uint64(64<<10))
	assert.Less(t, second, uint64(8<<10), "pasts are evicted")
	runtime.KeepAlive(w)
}
