package world_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld()
	link := add(t, w, world.LinkSpec{})
	before, holdings := append([]moneykit.Account{}, link.Accounts...), append([]moneykit.Holding{}, w.Portfolio(link).Holdings...)
	rows := transactions(t, w, link)
	require.NoError(t, w.Refresh(link.ID, nil, start))
	for _, name := range world.AllProducts() {
		p := link.Products[name]
		assert.Equal(t, start.Add(time.Microsecond), p.Refreshed, "later than before, although the clock has stopped")
		assert.Equal(t, p.Refreshed, p.Attempted)
	}
	for i, a := range link.Accounts {
		assert.NotEqual(t, before[i].Balances, a.Balances, a.Type)
		if l := a.Balances.Limit; l != nil {
			assert.Zero(t, l.Rat().Cmp(a.Balances.Available.Rat().Add(a.Balances.Available.Rat(), a.Balances.Current.Rat())))
		}
	}
	assert.NotEqual(t, holdings, w.Portfolio(link).Holdings)
	assert.NotEqual(t, rows, transactions(t, w, link))
}

func TestScheduleFails(t *testing.T) {
	t.Parallel()
	for reason, want := range map[moneykit.LinkError]moneykit.ProductError{
		moneykit.LinkErrorAuthExpired:      moneykit.ProductErrorAuthExpired,
		moneykit.LinkErrorInstitutionError: moneykit.ProductErrorInstitutionError,
		moneykit.LinkErrorNoAccounts:       moneykit.ProductErrorNoAccounts,
		moneykit.LinkErrorSystemError:      moneykit.ProductErrorUnknown,
	} {
		w := newWorld(func(s *world.Settings) { s.RefreshDelay = time.Minute })
		link := add(t, w, world.LinkSpec{})
		p := link.Products[moneykit.ProductIdentity]
		w.Schedule(link, []moneykit.Product{moneykit.ProductIdentity}, start)
		require.NoError(t, w.Break(link.ID, reason, start))
		w.Find(link.ID, start.Add(time.Minute-1))
		assert.Empty(t, p.Failure, "the refresh is not due")
		w.Find(link.ID, start.Add(time.Minute))
		assert.Equal(t, want, p.Failure)
		assert.Equal(t, start, p.Refreshed)
		assert.Equal(t, start.Add(time.Minute), p.Attempted)
		require.NoError(t, w.Refresh(link.ID, nil, start.Add(time.Hour)))
		assert.Empty(t, p.Failure)
		assert.Equal(t, start.Add(time.Hour), p.Refreshed)
	}
}
