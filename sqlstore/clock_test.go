//go:build unix

package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// testClocks lets a process whose clock is wrong, by decades or by ten minutes, share a database
// with one whose clock is right: a bubble of synctest begins in the year 2000. For SQLite the
// clock is that of the driver, so this is about PostgreSQL.
func testClocks(t *testing.T, d *database) {
	t.Helper()
	if d.dialect == sqlstore.SQLite {
		return
	}
	right := d.store(t)
	fetched := func(n *int) func(context.Context) (moneykit.Token, error) {
		return func(context.Context) (moneykit.Token, error) {
			*n++
			return moneykit.Token{AccessToken: "token", Expiry: time.Now().Add(time.Hour)}, nil
		}
	}
	var here, there int
	token, err := right.Tokens(fetched(&here)).Token(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "token", token.AccessToken)
	require.NoError(t, right.Request(t.Context(), "mk_1", "sync"))
	work, err := right.Begin(t.Context(), "mk_1", "sync", longLease)
	require.NoError(t, err)
	claim, _, err := right.Deduper().Claim(t.Context(), "busy", longLease)
	require.NoError(t, err)
	for range 4 {
		require.NoError(t, right.Limiter().Wait(t.Context(), "GET /links/{id}/accounts", "mk_1"))
	}

	const decades = 0
	now := time.Now()
	skews := []time.Duration{decades, -10 * time.Minute, 10 * time.Minute}
	for _, skew := range skews {
		synctest.Test(t, func(t *testing.T) {
			require.Equal(t, 2000, time.Now().Year())
			if skew != decades {
				<-time.After(time.Until(now.Add(skew)))
			}
			db, err := sql.Open(d.driver, d.source)
			require.NoError(t, err)
			defer db.Close()
			wrong, err := sqlstore.Open(t.Context(), db, d.dialect)
			require.NoError(t, err)
			token, err := wrong.Tokens(fetched(&there)).Token(t.Context(), "")
			require.NoError(t, err)
			assert.InDelta(t, time.Hour, time.Until(token.Expiry), float64(10*time.Minute), "the expiry is on the clock of the process")
			_, err = wrong.Begin(t.Context(), "mk_1", "sync", longLease)
			require.ErrorAs(t, err, new(*sqlstore.BusyError))
			_, state, err := wrong.Deduper().Claim(t.Context(), "busy", longLease)
			require.NoError(t, err)
			assert.Equal(t, moneykit.ClaimBusy, state)
			_, state, err = wrong.Deduper().Claim(t.Context(), fmt.Sprint("new", skew), longLease)
			require.NoError(t, err)
			assert.Equal(t, moneykit.ClaimGranted, state)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, wrong.Limiter().Wait(ctx, "GET /links/{id}/accounts", "mk_1"), moneykit.ErrRateLimited)
			_, err = wrong.Receive(t.Context(), moneykit.EventMeta{LinkID: "mk_1", IdempotencyKey: fmt.Sprint("key", skew)})
			require.NoError(t, err)
		})
	}
	assert.Equal(t, 1, here)
	assert.Zero(t, there)
	for _, skew := range skews {
		_, state, err := right.Deduper().Claim(t.Context(), fmt.Sprint("new", skew), longLease)
		require.NoError(t, err)
		assert.Equal(t, moneykit.ClaimBusy, state)
	}
	require.NoError(t, right.Deduper().Commit(t.Context(), "busy", claim))
	require.NoError(t, right.ForgetEvents(t.Context(), time.Hour))
	assert.Equal(t, len(skews), d.count(t, "SELECT count(*) FROM moneykit_inbox"))
	_, err = right.Finish(t.Context(), work)
	require.NoError(t, err)
}
