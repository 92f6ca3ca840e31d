//go:build unix

package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// testExtremes stores what a column may not hold as it is, and refuses what could not be read
// again.
func testExtremes(t *testing.T, d *database) {
	t.Helper()
	s, ctx := d.store(t), t.Context()
	var list []moneykit.Transaction
	for _, amount := range []string{
		"1E5", "0.10", "-0", "-0.00", "0", "0e9", "1e-30", "-12.50", "123456789012345678901234567890.123456789012345678901234567890",
	} {
		list = append(list, moneykit.Transaction{Amount: moneykit.MustDecimal(amount)})
	}
	for _, date := range []moneykit.Date{{}, {Year: 1, Month: 1, Day: 1}, {Year: 9999, Month: 12, Day: 31}} {
		list = append(list, moneykit.Transaction{Date: date})
	}
	for _, at := range []time.Time{
		{},
		time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, zone(3600)),
		time.Date(9999, 12, 31, 23, 0, 0, 999_999_999, zone(-3600)), time.Date(2030, 1, 1, 0, 0, 0, 0, zone(86_399)),
	} {
		list = append(list, moneykit.Transaction{Datetime: moneykit.Timestamp{Time: at}})
	}
	for i := range list {
		list[i].ID = fmt.Sprint(i)
	}
	require.NoError(t, s.ApplyUpdate(ctx, update("mk_1", "", "a", list...)))
	got, err := all(ctx, s, "mk_1")
	require.NoError(t, err)
	require.Len(t, got, len(list))
	for _, row := range got {
		var n int
		_, err := fmt.Sscan(row.ID, &n)
		require.NoError(t, err)
		assert.Equal(t, list[n].Amount.String(), row.Amount.String())
		assert.Equal(t, list[n].Date, row.Date)
		assert.True(t, list[n].Datetime.Equal(row.Datetime.Time), "%v became %v", list[n].Datetime, row.Datetime)
	}

	early := time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)
	for want, bad := range map[string]moneykit.Transaction{
		"the years 1 to 9999":  {Datetime: moneykit.Timestamp{Time: early}},
		"offset below":         {Datetime: moneykit.Timestamp{Time: time.Date(2030, 1, 1, 0, 0, 0, 0, zone(24*3600))}},
		`"2030-02-30" is not`:  {Date: moneykit.Date{Year: 2030, Month: 2, Day: 30}},
		`"0000-01-01" is not `: {Date: moneykit.Date{Month: 1, Day: 1}},
	} {
		require.ErrorContains(t, s.ApplyUpdate(ctx, update("mk_1", "a", "b", bad)), want)
	}
	u := update("mk_1", "a", "b")
	u.Position.RefreshedAt = moneykit.Timestamp{Time: early}
	require.ErrorContains(t, s.ApplyUpdate(ctx, u), "in the years 1 to 9999 in UTC")
	position, err := s.LoadPosition(ctx, "mk_1")
	require.NoError(t, err)
	assert.Equal(t, "a", position.Cursor)
}

func zone(seconds int) *time.Location { return time.FixedZone("", seconds) }
