//go:build unix

package sqlstore_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// update returns an update from one position to the next.
func update(linkID string, from, to string, rows ...moneykit.Transaction) *moneykit.SyncUpdate {
	position := func(cursor string) moneykit.SyncPosition {
		if cursor == "" {
			return moneykit.SyncPosition{}
		}
		return moneykit.SyncPosition{Cursor: cursor, Generation: 1}
	}
	return &moneykit.SyncUpdate{LinkID: linkID, Previous: position(from), Position: position(to), Upsert: rows}
}

// fill sets all fields below v to values other than zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch value := v.Addr().Interface().(type) {
	case *moneykit.Decimal:
		*value = moneykit.MustDecimal(fmt.Sprintf("%d.50", *n))
		return
	case *moneykit.Date:
		*value = moneykit.Date{Year: 2030, Month: time.May, Day: *n%28 + 1}
		return
	case *moneykit.Timestamp:
		value.Time = time.Date(2030, 5, 17, 1, 2, 3, *n, time.FixedZone("", 3600))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.25)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("a kind that this test does not know: " + v.Kind().String())
	}
}

// testWhole stores transactions with each field set, and with odd values.
func testWhole(t *testing.T, d *database) {
	s := d.store(t)
	n := 0
	whole := row(1)
	fill(reflect.ValueOf(&whole).Elem(), &n)
	require.Greater(t, n, 30)
	exponent := row(2)
	exponent.Amount = moneykit.MustDecimal("1.5E+300")
	small := row(3)
	small.Amount = moneykit.MustDecimal("1e-1000")
	long := row(4)
	long.Amount = moneykit.MustDecimal(strings.Repeat("9", 200) + ".10")
	empty := moneykit.Transaction{ID: "txn_empty", Amount: moneykit.MustDecimal("0"), Enrichment: &moneykit.TransactionEnrichment{}}
	odd := row(5)
	odd.Description = "tab\tnew\r\nline \x01 \" ' \\ {a,b} NULL é 𝄞 \u2028"
	odd.RawDescription = `\u0000 is a text`
	odd.Enrichment = &moneykit.TransactionEnrichment{Category: moneykit.TransactionCategory{Value: `\u0000 "x" {`}}
	first := row(6)
	first.Date = moneykit.Date{Year: 1, Month: time.January, Day: 1}
	last := row(7)
	last.Date = moneykit.Date{Year: 9999, Month: time.December, Day: 31}
	want := []moneykit.Transaction{whole, exponent, small, long, empty, odd, first, last}

	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", want...)))
	got, err := all(t.Context(), s, "mk_1")
	require.NoError(t, err)
	byID := map[string]moneykit.Transaction{}
	for _, row := range got {
		byID[row.ID] = row
	}
	require.Len(t, got, len(want))
	for _, w := range want {
		g := byID[w.ID]
		assert.True(t, g.Datetime.Equal(w.Datetime.Time))
		g.Datetime, w.Datetime = moneykit.Timestamp{}, moneykit.Timestamp{}
		assert.Equal(t, w, g)
	}
	assert.Equal(t, last.ID, got[0].ID, "newest first")
	assert.Equal(t, empty.ID, got[len(got)-1].ID, "without a date last")
}

// testReplaces stores what PostgreSQL cannot hold.
func testReplaces(t *testing.T, d *database) {
	s := d.store(t)
	odd := row(1)
	odd.ID, odd.Description = "txn_\x00", "a\x00b\xffc"
	odd.Enrichment = &moneykit.TransactionEnrichment{Merchant: &moneykit.TransactionMerchant{Name: "M\x00\\\x00"}}
	u := update("mk_\x00", "", "cursor\x00\xff", odd)
	require.NoError(t, s.ApplyUpdate(t.Context(), u))
	at, err := s.LoadPosition(t.Context(), "mk_\x00")
	require.NoError(t, err)
	assert.Equal(t, u.Position, at, "a cursor comes back as it was")
	got, err := all(t.Context(), s, "mk_\x00")
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, "txn_\ufffd", got[0].ID)
	assert.Equal(t, "a\ufffdb\ufffdc", got[0].Description)
	assert.Equal(t, "M\ufffd\\\ufffd", got[0].Enrichment.Merchant.Name)
	remove := update("mk_\x00", "", "b")
	remove.Previous, remove.Remove = at, []string{"txn_\x00", `txn_"{},\`}
	require.NoError(t, s.ApplyUpdate(t.Context(), remove))
	got, err = all(t.Context(), s, "mk_\x00")
	require.NoError(t, err)
	assert.Empty(t, got)
}

// testNanoseconds continues a position whose time is finer than that of any column.
func testNanoseconds(t *testing.T, d *database) {
	s := d.store(t)
	u := update("mk_1", "", "a")
	u.Position.RefreshedAt = moneykit.Timestamp{Time: time.Date(2030, 1, 1, 0, 0, 0, 123456789, time.UTC)}
	require.NoError(t, s.ApplyUpdate(t.Context(), u))
	next := update("mk_1", "a", "b")
	next.Previous = u.Position
	require.NoError(t, s.ApplyUpdate(t.Context(), next))
	require.ErrorIs(t, s.ApplyUpdate(t.Context(), next), moneykit.ErrSyncConflict)
}

// testPages reads more rows than a page has, and writes meanwhile.
func testPages(t *testing.T, d *database) {
	db := d.open(t)
	db.SetMaxOpenConns(1) // A loop that holds its connection would wait for itself.
	s, err := sqlstore.Open(t.Context(), db, d.dialect)
	require.NoError(t, err)
	const n = 2345
	list := rows(n)
	for i := range list[:700] {
		list[i].Date = moneykit.Date{}
	}
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", list...)))
	seen := map[string]bool{}
	var last moneykit.Transaction
	for row, err := range s.Transactions(t.Context(), "mk_1") {
		require.NoError(t, err)
		require.False(t, seen[row.ID])
		if len(seen) > 0 && !row.Date.IsZero() {
			require.LessOrEqual(t, row.Date.Compare(last.Date), 0)
		}
		if len(seen)%500 == 10 {
			require.NoError(t, s.ApplyUpdate(t.Context(), update(fmt.Sprint("mk_other", len(seen)), "", "a", list[0])))
		}
		seen[row.ID], last = true, row
	}
	assert.Len(t, seen, n)
	for range s.Transactions(t.Context(), "mk_1") {
		break
	}
}

// testInTx lets updates take part in a transaction of the caller.
func testInTx(t *testing.T, d *database) {
	db := d.open(t)
	s, err := sqlstore.Open(t.Context(), db, d.dialect)
	require.NoError(t, err)
	holds := func(want string, n int) {
		t.Helper()
		at, err := s.LoadPosition(t.Context(), "mk_1")
		require.NoError(t, err)
		assert.Equal(t, want, at.Cursor)
		assert.Equal(t, n, d.count(t, "SELECT count(*) FROM moneykit_transactions"))
	}
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, s.InTx(tx).ApplyUpdate(t.Context(), update("mk_1", "", "a", rows(3)...)))
	got, err := all(t.Context(), s.InTx(tx), "mk_1")
	require.NoError(t, err)
	assert.Len(t, got, 3)
	require.NoError(t, tx.Rollback())
	holds("", 0)

	tx, err = db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	in := s.InTx(tx)
	require.NoError(t, in.ApplyUpdate(t.Context(), update("mk_1", "", "a", rows(3)...)))
	require.ErrorIs(t, in.ApplyUpdate(t.Context(), update("mk_1", "x", "y", rows(9)...)), moneykit.ErrSyncConflict)
	broken := update("mk_1", "a", "b", rows(30)...)
	broken.Upsert[29].Date = moneykit.Date{Year: 2030, Month: 13, Day: 1}
	broken.DropPending, broken.Remove = true, []string{row(0).ID}
	require.ErrorContains(t, in.ApplyUpdate(t.Context(), broken), "transaction \"txn_000029\"")
	require.NoError(t, in.ApplyUpdate(t.Context(), update("mk_1", "a", "c", row(3))), "the transaction can go on")
	require.NoError(t, tx.Commit())
	holds("c", 4)

	require.Error(t, s.ApplyUpdate(t.Context(), broken))
	holds("c", 4)
}
