package world_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// mirror is a copy of a ledger that is kept up to date with Read.
type mirror struct {
	at   world.Place
	rows map[string]moneykit.Transaction
}

func newMirror(link *world.Link) *mirror {
	return &mirror{world.Place{Link: link.ID, Epoch: link.Ledger.Epoch}, map[string]moneykit.Transaction{}}
}

// follow reads all changes, in pages of a size. It first drops the old pending rows, as a sync
// does.
func (m *mirror) follow(t *testing.T, link *world.Link, size int) {
	t.Helper()
	if m.at.Version != link.Ledger.Version {
		maps.DeleteFunc(m.rows, func(_ string, row moneykit.Transaction) bool { return row.Pending })
	}
	for more := true; more; {
		var changes world.Changes
		require.True(t, link.Ledger.Has(link.ID, m.at))
		changes, m.at, more = link.Ledger.Read(m.at, size)
		assert.LessOrEqual(t, len(changes.Created)+len(changes.Updated)+len(changes.Removed), max(size, 2), "a settled row counts twice")
		for _, row := range append(changes.Created, changes.Updated...) {
			m.rows[row.ID] = row
		}
		for _, id := range changes.Removed {
			delete(m.rows, id)
		}
	}
}

func (m *mirror) sorted() []moneykit.Transaction {
	return slices.SortedFunc(maps.Values(m.rows), func(a, b moneykit.Transaction) int {
		return cmp.Compare(a.ID, b.ID)
	})
}

// TestLedgerModel changes a ledger at random and compares it with mirrors that read pages of
// different sizes.
func TestLedgerModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		w := newWorld(func(s *world.Settings) { s.Seed, s.History, s.SameID = seed/2, 48*time.Hour, seed%2 == 1 })
		link := add(t, w, world.LinkSpec{})
		w.Ledger(link)
		r := rand.New(rand.NewPCG(seed, 0))
		sizes := []int{1, 3, 500}
		mirrors := []*mirror{newMirror(link), newMirror(link), newMirror(link)}
		for step := range 40 {
			rows := transactions(t, w, link)
			posted := rows[r.IntN(len(rows))]
			var err error
			switch kind := r.IntN(6); {
			case kind == 0 && !posted.Pending:
				posted.Description = fmt.Sprint("step ", step)
				err = w.UpdateTransaction(link.ID, posted, start)
			case kind == 1 && !posted.Pending:
				err = w.RemoveTransaction(link.ID, posted.ID, start)
			case kind == 2:
				err = w.Settle(link.ID, start)
			case kind == 3:
				err = w.Refresh(link.ID, []moneykit.Product{moneykit.ProductTransactions}, start)
			default:
				err = w.AddTransactions(link.ID, []tx{{Pending: r.IntN(2) == 0}}, start)
			}
			require.NoError(t, err)
			i := r.IntN(len(mirrors))
			mirrors[i].follow(t, link, sizes[i])
			assert.Equal(t, transactions(t, w, link), mirrors[i].sorted())
		}
	}
}

func TestLedgerPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	link, other := add(t, w, world.LinkSpec{}), add(t, w, world.LinkSpec{})
	require.NoError(t, w.AddTransactions(link.ID, []tx{{}, {Pending: true}}, start))
	w.Ledger(other)
	_, end, more := link.Ledger.Read(world.Place{Link: link.ID}, 100)
	assert.False(t, more)
	good := func(at world.Place) bool { return link.Ledger.Has(link.ID, at) }
	assert.True(t, good(end))
	assert.False(t, other.Ledger.Has(other.ID, end))
	for name, change := range map[string]func(*world.Place){
		"without a link":          func(at *world.Place) { at.Link = "" },
		"of another epoch":        func(at *world.Place) { at.Epoch++ },
		"before the log":          func(at *world.Place) { at.Event = -1 },
		"beyond the log":          func(at *world.Place) { at.Event++ },
		"before the pending rows": func(at *world.Place) { at.Row = -1 },
		"beyond the pending rows": func(at *world.Place) { at.Row++ },
		"of an earlier version":   func(at *world.Place) { at.Version = -1 },
		"of an unknown version":   func(at *world.Place) { at.Version++ },
	} {
		at := end
		change(&at)
		assert.False(t, good(at), name)
	}
	require.NoError(t, w.ResetCursors(link.ID, start))
	assert.False(t, good(end))
	assert.True(t, good(world.Place{Link: link.ID, Epoch: 1}))
}

// A row that is updated twice is in a page once, in its last form.
func TestLedgerReadsUpdatesOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	link := add(t, w, world.LinkSpec{})
	require.NoError(t, w.AddTransactions(link.ID, []tx{{ID: "txn_a"}}, start))
	_, at, _ := link.Ledger.Read(world.Place{Link: link.ID}, 100)
	for _, text := range []string{"one", "two"} {
		require.NoError(t, w.UpdateTransaction(link.ID, tx{ID: "txn_a", Description: text}, start))
	}
	changes, _, _ := link.Ledger.Read(at, 100)
	require.Len(t, changes.Updated, 1)
	assert.Equal(t, "two", changes.Updated[0].Description)
	assert.Empty(t, changes.Created)
}

// TestSameID checks that pending rows keep their ids when they are posted.
func TestSameID(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History, s.SameID = 0, true })
	link := add(t, w, world.LinkSpec{})
	var rows []tx
	for i := range 20 {
		rows = append(rows, tx{ID: fmt.Sprintf("txn_%02d", i), Pending: true})
	}
	require.NoError(t, w.AddTransactions(link.ID, rows, start))
	_, seen, _ := link.Ledger.Read(world.Place{Link: link.ID}, 100)
	require.NoError(t, w.AddTransactions(link.ID, []tx{{ID: "txn_00"}}, start))
	require.NoError(t, w.Settle(link.ID, start))

	posted := transactions(t, w, link)
	assert.Greater(t, len(posted), 5, "most are posted")
	assert.Equal(t, "txn_00", posted[0].ID)
	byID := func(a, b tx) int { return cmp.Compare(a.ID, b.ID) }
	changes, _, more := link.Ledger.Read(seen, 100)
	assert.False(t, more)
	assert.Empty(t, changes.Created)
	assert.Empty(t, changes.Removed)
	assert.Equal(t, posted, slices.SortedFunc(slices.Values(changes.Updated), byID))

	// A reader that has not read the rows while they were pending gets each as created and as
	// updated.
	fresh, _, _ := link.Ledger.Read(world.Place{Link: link.ID}, 100)
	assert.Equal(t, posted, slices.SortedFunc(slices.Values(fresh.Updated), byID))
	for i := range fresh.Created {
		assert.True(t, fresh.Created[i].Pending)
		fresh.Created[i].Pending = false
	}
	assert.Equal(t, posted, slices.SortedFunc(slices.Values(fresh.Created), byID))
	require.ErrorContains(t, w.AddTransactions(link.ID, []tx{{ID: "txn_00"}}, start), "has been used")
}
