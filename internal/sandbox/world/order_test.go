package world_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// many returns rows with ids and days in random order.
func many(n int, prefix string) []tx {
	r := rand.New(rand.NewPCG(uint64(n), 0))
	rows := make([]tx, n)
	for i := range rows {
		rows[i] = tx{
			ID: fmt.Sprintf("txn_%s%06d", prefix, r.Int64N(1<<30)*10+int64(i%10)), AccountID: fmt.Sprint("acc_", i%3), Pending: i%50 == 0,
			Date: moneykit.Date{Year: 2030, Month: 1, Day: 1}.AddDays(r.IntN(n/4 + 1)),
		}
	}
	return rows
}

func manyAccounts() []moneykit.Account {
	return []moneykit.Account{{ID: "acc_0", Type: "depository"}, {ID: "acc_1", Type: "depository"}, {ID: "acc_2", Type: "depository"}}
}

// TestPages reads all pages of random ledgers and compares them with a sorted list.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	var ledgers []*world.Ledger
	var rows []tx
	for i, n := range []int{0, 1, 7, 400} {
		link := add(t, w, world.LinkSpec{Accounts: manyAccounts()})
		added := many(n, fmt.Sprint("x", i))
		require.NoError(t, w.AddTransactions(link.ID, added, start))
		for range n / 20 {
			changed := transactions(t, w, link)[0]
			if changed.Pending {
				continue
			}
			changed.Date = changed.Date.AddDays(30)
			require.NoError(t, w.UpdateTransaction(link.ID, changed, start))
			gone := transactions(t, w, link)[1]
			if !gone.Pending {
				require.NoError(t, w.RemoveTransaction(link.ID, gone.ID, start))
			}
		}
		ledgers = append(ledgers, w.Ledger(link))
		rows = append(rows, transactions(t, w, link)...)
	}
	for name, s := range map[string]world.Span{
		"all":          {Size: 13},
		"big pages":    {Size: 1000},
		"some days":    {Size: 5, First: moneykit.Date{Year: 2030, Month: 1, Day: 20}, Last: moneykit.Date{Year: 2030, Month: 2, Day: 20}},
		"two accounts": {Size: 7, Accounts: []string{"acc_0", "acc_2"}},
		"no rows":      {Size: 7, First: moneykit.Date{Year: 2090, Month: 1, Day: 1}},
	} {
		var want []tx
		for _, row := range rows {
			if (len(s.Accounts) == 0 || slices.Contains(s.Accounts, row.AccountID)) &&
				(s.First.IsZero() || row.Date.Compare(s.First) >= 0) && (s.Last.IsZero() || row.Date.Compare(s.Last) <= 0) {
				want = append(want, row)
			}
		}
		slices.SortFunc(want, func(a, b tx) int { return cmp.Or(b.Date.Compare(a.Date), cmp.Compare(a.ID, b.ID)) })
		var got []tx
		for s.Page = 1; ; s.Page++ {
			page, total := world.PageOf(s, ledgers...)
			require.Equal(t, len(want), total, name)
			require.NotNil(t, page)
			if len(page) == 0 {
				break
			}
			require.LessOrEqual(t, len(page), s.Size)
			got = append(got, page...)
		}
		assert.Equal(t, want, got, name)
		s.Page = math.MaxInt
		page, _ := world.PageOf(s, ledgers...)
		assert.Empty(t, page)
	}
}

// Rows of two links may be equal in order.
func TestPagesOfEqualRows(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	var ledgers []*world.Ledger
	for range 3 {
		link := add(t, w, world.LinkSpec{Accounts: manyAccounts()})
		require.NoError(t, w.AddTransactions(link.ID, []tx{{ID: "txn_a"}, {ID: "txn_b"}, {ID: "txn_c", Pending: true}}, start))
		ledgers = append(ledgers, w.Ledger(link))
	}
	seen := map[string]int{}
	for n := range 9 {
		page, total := world.PageOf(world.Span{Page: n + 1, Size: 1}, ledgers...)
		require.Len(t, page, 1)
		require.Equal(t, 9, total)
		seen[page[0].ID]++
	}
	assert.Equal(t, map[string]int{"txn_a": 3, "txn_b": 3, "txn_c": 3}, seen)
}

// The memory of a page does not depend on the length of the list, because the rows are not copied.
//
//nolint:paralleltest // it measures the memory of the process
func TestPageOfManyRows(t *testing.T) {
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	link := add(t, w, world.LinkSpec{Accounts: manyAccounts()})
	require.NoError(t, w.AddTransactions(link.ID, many(50_000, ""), start))
	ledger := w.Ledger(link)
	span := world.Span{Page: 3, Size: 50}
	world.PageOf(span, ledger)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	page, _ := world.PageOf(span, ledger)
	runtime.ReadMemStats(&after)
	assert.Len(t, page, 50)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "a copy of all rows has 10 MiB")
}

// BenchmarkListing reads all pages of 100,000 rows.
func BenchmarkListing(b *testing.B) {
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	link, _ := w.AddLink(world.LinkSpec{Accounts: manyAccounts()}, start)
	require.NoError(b, w.AddTransactions(link.ID, many(100_000, ""), start))
	ledger := w.Ledger(link)
	for b.Loop() {
		read := 0
		for s := (world.Span{Page: 1, Size: 50}); ; s.Page++ {
			page, total := world.PageOf(s, ledger)
			if read += len(page); len(page) == 0 {
				require.Equal(b, total, read)
				break
			}
		}
	}
}

// BenchmarkLedger makes the transactions of links and reports their memory.
func BenchmarkLedger(b *testing.B) {
	w := newWorld()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, rows := 0, 0
	for b.Loop() {
		link, _ := w.AddLink(world.LinkSpec{}, start)
		_, total := world.PageOf(world.Span{Page: 1, Size: 50}, w.Ledger(link))
		n, rows = n+1, rows+total
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n)/1024, "KiB/link")
	b.ReportMetric(float64(rows)/float64(n), "rows/link")
	runtime.KeepAlive(w)
}
