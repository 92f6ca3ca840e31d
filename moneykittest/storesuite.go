package moneykittest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
)

// StoreSuite tests that a [moneykit.TransactionStore] keeps its contract, and reports violations
// with tb.Errorf. Run it with -race.
//
//	func TestStore(t *testing.T) {
//		moneykittest.StoreSuite(t, func() (
//			moneykit.TransactionStore, func(linkID string) ([]moneykit.Transaction, error),
//		) {
//			store := newStore(t)
//			return store, store.Rows
//		})
//	}
//
// StoreSuite calls open for each case. open returns a store and a function that reads all rows of a
// link, in any order and in one transaction. It may return the same store each time, because every
// case uses its own links. A store may change the zone of times and the notation of decimals, but
// not their values. With an ended context it must not change anything.
func StoreSuite(tb TB, open func() (store moneykit.TransactionStore, rows func(linkID string) ([]moneykit.Transaction, error))) {
	tb.Helper()
	for i, sc := range storeCases() {
		s := &storeCase{tb: tb, name: sc.name, number: i, last: map[string]moneykit.SyncPosition{}}
		s.store, s.rows = open()
		sc.run(s)
	}
}

// storeCase is one running case.
type storeCase struct {
	tb     TB
	name   string
	number int
	store  moneykit.TransactionStore
	rows   func(linkID string) ([]moneykit.Transaction, error)

	mu   sync.Mutex
	last map[string]moneykit.SyncPosition // the last position of each link
}

type storeTest struct {
	name string
	run  func(*storeCase)
}

func storeCases() []storeTest {
	return []storeTest{
		{"before the first update the position is zero and there are no rows", (*storeCase).begins},
		{"rows and position are read as they were stored", (*storeCase).comesBack},
		{"an update without rows stores the position", (*storeCase).positions},
		{"Upsert replaces rows with the same id", (*storeCase).replaces},
		{"Remove deletes rows, and ignores ids that do not exist", (*storeCase).removes},
		{"DropPending deletes the pending rows, before Upsert", (*storeCase).dropsPending},
		{"Remove comes after Upsert", (*storeCase).removesLast},
		{"DropOlder deletes rows of older generations, after Upsert", (*storeCase).dropsOlder},
		{"other links do not change", (*storeCase).keepsLinksApart},
		{"an ended context changes nothing", (*storeCase).heedsContext},
		{"a failed update is applied completely or not at all", (*storeCase).isAtomic},
		{"readers never see half an update", (*storeCase).isIsolated},
		{"two links can be updated concurrently", (*storeCase).isConcurrent},
		{"an update from another position is refused", (*storeCase).fences},
		{"one of several updates from the same position is applied", (*storeCase).fencesAtOnce},
		{"a long random history", (*storeCase).followsModel},
	}
}

func (s *storeCase) errorf(format string, args ...any) {
	s.tb.Helper()
	s.tb.Errorf("moneykittest: %T: %s: "+format, append([]any{s.store, s.name}, args...)...)
}

// link returns the ID of a link that only this case uses.
func (s *storeCase) link(name string) string { return fmt.Sprintf("mk_suite%02d%s", s.number, name) }

// row returns a transaction that only this case uses.
func (s *storeCase) row(id string, pending bool) moneykit.Transaction {
	return moneykit.Transaction{
		ID: fmt.Sprintf("txn_suite%02d%s", s.number, id), AccountID: "acc_suite", Type: moneykit.TransactionTypeDebit,
		Amount: cents(len(id)*100 + 50), Currency: "USD", Date: moneykit.Date{Year: 2030, Month: time.May, Day: 17}, Pending: pending,
	}
}

// cents returns an amount that is not negative.
func cents(n int) moneykit.Decimal {
	d, err := moneykit.ParseDecimal(fmt.Sprintf("%d.%02d", n/100, n%100))
	if err != nil {
		panic(err) // cannot happen: the text is digits
	}
	return d
}

// update returns an update of a link to a new position.
func (s *storeCase) update(link string, generation int64, rows ...moneykit.Transaction) *moneykit.SyncUpdate {
	return &moneykit.SyncUpdate{
		LinkID: link, Upsert: rows, Position: moneykit.SyncPosition{Cursor: fmt.Sprintf("cursor %d", generation), Generation: generation},
	}
}

// apply applies updates, which must succeed.
func (s *storeCase) apply(updates ...*moneykit.SyncUpdate) {
	s.tb.Helper()
	for _, u := range updates {
		s.mu.Lock()
		u.Previous = s.last[u.LinkID]
		s.last[u.LinkID] = u.Position
		s.mu.Unlock()
		if err := s.store.ApplyUpdate(context.Background(), u); err != nil {
			s.errorf("ApplyUpdate: %v", err)
		}
	}
}

// holds reports how a link's copy differs from what is expected.
func (s *storeCase) holds(link string, position moneykit.SyncPosition, want ...moneykit.Transaction) {
	s.tb.Helper()
	if problem := s.differs(link, position, want); problem != "" {
		s.errorf("%s", problem)
	}
}

func (s *storeCase) differs(link string, position moneykit.SyncPosition, want []moneykit.Transaction) string {
	got, err := s.store.LoadPosition(context.Background(), link)
	if err != nil {
		return fmt.Sprintf("LoadPosition: %v", err)
	}
	if !got.RefreshedAt.Equal(position.RefreshedAt.Time) {
		return fmt.Sprintf("the position has RefreshedAt %s, want %s", got.RefreshedAt, position.RefreshedAt)
	}
	got.RefreshedAt, position.RefreshedAt = moneykit.Timestamp{}, moneykit.Timestamp{}
	if got != position {
		return fmt.Sprintf("the position is %+v, want %+v", got, position)
	}
	rows, err := s.rows(link)
	if err != nil {
		return fmt.Sprintf("reading the rows: %v", err)
	}
	return compareRows(rows, want)
}

// compareRows describes how two sets of rows differ. It returns "" if they are equal.
func compareRows(got, want []moneykit.Transaction) string {
	byID := func(a, b moneykit.Transaction) int { return cmp.Compare(a.ID, b.ID) }
	got, want = slices.SortedFunc(slices.Values(got), byID), slices.SortedFunc(slices.Values(want), byID)
	ids := func(rows []moneykit.Transaction) []string {
		list := []string{}
		for _, row := range rows {
			list = append(list, row.ID)
		}
		return list
	}
	if g, w := ids(got), ids(want); !slices.Equal(g, w) {
		return fmt.Sprintf("the rows are %v, want %v", g, w)
	}
	for i := range got {
		if got[i].Amount.Cmp(want[i].Amount) != 0 {
			return fmt.Sprintf("the amount of %s is %s, want %s", got[i].ID, got[i].Amount, want[i].Amount)
		}
		if g, w := written(got[i]), written(want[i]); g != w {
			return fmt.Sprintf("the row is %s, want %s", g, w)
		}
	}
	return ""
}

// written returns a row without its amount in a form to compare.
func written(row moneykit.Transaction) string {
	row.Amount = moneykit.Decimal{}
	if !row.Datetime.IsZero() {
		row.Datetime.Time = row.Datetime.UTC()
	}
	data, err := json.Marshal(row)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func (s *storeCase) begins() { s.holds(s.link("a"), moneykit.SyncPosition{}) }

func (s *storeCase) comesBack() {
	confidence := 87.5
	whole := s.row("a", false)
	whole.Type = moneykit.TransactionTypeCredit
	whole.Datetime = moneykit.Timestamp{Time: time.Date(2030, 5, 17, 23, 59, 58, 123456000, time.UTC)}
	whole.Description, whole.RawDescription, whole.OriginalID = "é “quoted” \\ 'x'", "RAW %s ?", "own-1"
	if d, err := moneykit.ParseDecimal("12345678901234567.12345678"); err == nil {
		whole.Amount = d
	}
	whole.Enrichment = &moneykit.TransactionEnrichment{
		Category:    moneykit.TransactionCategory{Value: "home", Confidence: &confidence},
		Subcategory: &moneykit.TransactionSubcategory{Value: "furniture"},
		Merchant:    &moneykit.TransactionMerchant{ID: "m", Name: "M", Logo: "https://m.example/l.png", Confidence: &confidence},
		Processor:   &moneykit.TransactionProcessor{Name: "P"},
		Recurrence:  &moneykit.TransactionRecurrence{Frequency: "monthly", NextPredictedDate: moneykit.Date{Year: 2030, Month: time.June, Day: 17}},
	}
	u := s.update(s.link("a"), 7, whole, s.row("b", true), s.row("c", false))
	u.Position = moneykit.SyncPosition{
		Cursor: "a b+/=é", Generation: 7, Rebuilding: true, Partial: true,
		RefreshedAt: moneykit.Timestamp{Time: time.Date(2030, 5, 18, 1, 2, 3, 456789000, time.UTC)},
	}
	s.apply(u)
	s.holds(u.LinkID, u.Position, u.Upsert...)
}

func (s *storeCase) positions() {
	link := s.link("a")
	first := s.update(link, 1, s.row("a", false))
	first.Position.Rebuilding, first.Position.Partial = true, true
	first.Position.RefreshedAt = moneykit.Timestamp{Time: time.Date(2030, 1, 1, 0, 0, 0, 1000, time.UTC)}
	second := s.update(link, 1)
	second.Position.Cursor = "another cursor"
	s.apply(first, second)
	s.holds(link, second.Position, first.Upsert...)
	third := s.update(s.link("b"), 1)
	s.apply(third)
	s.holds(third.LinkID, third.Position)
}

func (s *storeCase) replaces() {
	link := s.link("a")
	old := s.row("a", true)
	old.Description, old.OriginalID = "old", "gone afterwards"
	row := s.row("a", false)
	row.Date, row.Amount = row.Date.AddDays(1), cents(9999)
	last := s.update(link, 1, row)
	s.apply(s.update(link, 1, old, s.row("b", false)), last)
	s.holds(link, last.Position, row, s.row("b", false))
}

func (s *storeCase) removes() {
	link := s.link("a")
	u := s.update(link, 1)
	u.Remove = []string{s.row("b", false).ID, "txn_unknown"}
	s.apply(u, s.update(link, 1, s.row("a", false), s.row("b", false)), u)
	s.holds(link, u.Position, s.row("a", false))
}

func (s *storeCase) dropsPending() {
	link := s.link("a")
	u := s.update(link, 1, s.row("c", true), s.row("dd", true), s.row("e", false))
	u.DropPending = true
	s.apply(s.update(link, 1, s.row("a", false), s.row("b", true), s.row("c", true), s.row("e", true)), u)
	s.holds(link, u.Position, s.row("a", false), s.row("c", true), s.row("dd", true), s.row("e", false))
	u = s.update(link, 1)
	u.DropPending = true
	s.apply(u)
	s.holds(link, u.Position, s.row("a", false), s.row("e", false))
}

func (s *storeCase) removesLast() {
	u := s.update(s.link("a"), 1, s.row("a", false), s.row("b", false))
	u.Remove = []string{s.row("b", false).ID}
	s.apply(u)
	s.holds(u.LinkID, u.Position, s.row("a", false))
}

func (s *storeCase) dropsOlder() {
	link := s.link("a")
	s.apply(s.update(link, 1, s.row("a", false), s.row("b", false)), s.update(link, 2, s.row("c", true)))
	third := s.update(link, 3, s.row("b", false), s.row("dd", false))
	s.apply(third)
	s.holds(link, third.Position, s.row("a", false), s.row("b", false), s.row("c", true), s.row("dd", false))
	last := s.update(link, 3, s.row("a", false))
	last.DropOlder = true
	s.apply(last)
	s.holds(link, last.Position, s.row("a", false), s.row("b", false), s.row("dd", false))
	next := s.update(link, 4)
	next.DropOlder = true
	s.apply(next)
	s.holds(link, next.Position)
}

func (s *storeCase) keepsLinksApart() {
	one, other := s.link("a"), s.link("b")
	kept := s.update(other, 1, s.row("x", false), s.row("y", true))
	drop := s.update(one, 9, s.row("a", false))
	drop.DropPending, drop.DropOlder = true, true
	s.apply(kept, s.update(one, 1, s.row("b", true)), drop)
	s.holds(one, drop.Position, s.row("a", false))
	s.holds(other, kept.Position, kept.Upsert...)
}

func (s *storeCase) heedsContext() {
	link := s.link("a")
	before := s.update(link, 1, s.row("a", true))
	s.apply(before)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	u := s.update(link, 2, s.row("b", false))
	u.Previous, u.DropPending, u.DropOlder = before.Position, true, true
	if err := s.store.ApplyUpdate(ctx, u); err == nil {
		s.errorf("ApplyUpdate returns no error")
	}
	s.holds(link, before.Position, before.Upsert...)
}

// fences applies updates of a process that was paused, which continue an earlier position.
func (s *storeCase) fences() {
	link := s.link("a")
	first := s.update(link, 1, s.row("a", false), s.row("b", true))
	second := s.update(link, 2, s.row("c", false))
	second.Position.RefreshedAt = moneykit.Timestamp{Time: time.Date(2030, 5, 18, 1, 2, 3, 456789000, time.UTC)}
	second.Remove, second.DropPending = []string{s.row("a", false).ID}, true
	s.apply(first, second)
	later := moneykit.Timestamp{Time: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)}
	for name, previous := range map[string]moneykit.SyncPosition{
		"none":              {},
		"the one before":    first.Position,
		"another cursor":    {Cursor: "x", Generation: 2, RefreshedAt: second.Position.RefreshedAt},
		"another time":      {Cursor: second.Position.Cursor, Generation: 2, RefreshedAt: later},
		"another time zone": second.Position,
	} {
		late := s.update(link, 3, s.row("a", false), s.row("d", true))
		late.Previous, late.DropOlder, late.DropPending = previous, true, true
		if name == "another time zone" {
			late.Previous.RefreshedAt.Time = previous.RefreshedAt.In(time.FixedZone("", 3600))
			late.Upsert = second.Upsert
			late.Position = second.Position
			if err := s.store.ApplyUpdate(context.Background(), late); err != nil {
				s.errorf("an update that continues the position, with its time in another zone: %v", err)
			}
		} else if err := s.store.ApplyUpdate(context.Background(), late); !errors.Is(err, moneykit.ErrSyncConflict) {
			s.errorf("an update that continues %s: the error is %v, want moneykit.ErrSyncConflict", name, err)
		}
		s.holds(link, second.Position, second.Upsert...)
	}
	fresh := s.update(s.link("b"), 1, s.row("e", false))
	fresh.Previous = second.Position
	if err := s.store.ApplyUpdate(context.Background(), fresh); !errors.Is(err, moneykit.ErrSyncConflict) {
		s.errorf("an update of a link without rows that continues another's position: the error is %v", err)
	}
	s.holds(fresh.LinkID, moneykit.SyncPosition{})
}

// fencesAtOnce applies updates of several processes concurrently. All have read the same position.
func (s *storeCase) fencesAtOnce() {
	const processes, rounds = 8, 10
	link := s.link("a")
	previous := moneykit.SyncPosition{}
	for round := range rounds {
		var mu sync.Mutex
		var applied []*moneykit.SyncUpdate
		var group sync.WaitGroup
		for process := range processes {
			u := s.update(link, 1, s.row(fmt.Sprintf("%d-%d", round, process), true))
			u.Position.Cursor = fmt.Sprintf("cursor %d of %d", round, process)
			u.Previous, u.DropPending = previous, true
			group.Go(func() {
				err := s.store.ApplyUpdate(context.Background(), u)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					applied = append(applied, u)
				} else if !errors.Is(err, moneykit.ErrSyncConflict) {
					s.errorf("ApplyUpdate: %v", err)
				}
			})
		}
		group.Wait()
		if len(applied) != 1 {
			s.errorf("%d of %d updates that continue one position were applied", len(applied), processes)
			return
		}
		previous = applied[0].Position
		s.holds(link, previous, applied[0].Upsert...)
	}
}

// random returns numbers that are the same in every run.
func (s *storeCase) random(stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(s.number), stream)) //nolint:gosec // a test, no secrets
}
