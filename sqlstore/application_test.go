//go:build unix

package sqlstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// testApplications keeps the tokens and the budgets of applications apart.
func testApplications(t *testing.T, d *database) {
	t.Helper()
	s, ctx := d.store(t), t.Context()
	const operation = "GET /links/{id}/accounts"
	fetch := func(name string) func(context.Context) (moneykit.Token, error) {
		return func(context.Context) (moneykit.Token, error) {
			return moneykit.Token{AccessToken: "token of " + name, Expiry: time.Now().Add(time.Hour)}, nil
		}
	}
	fails := func(context.Context) (moneykit.Token, error) { return moneykit.Token{}, errors.New("fetched again") }
	for _, name := range []string{"", "one", "two"} {
		token, err := s.Application(name).Tokens(fetch(name)).Token(ctx, "")
		require.NoError(t, err)
		require.Equal(t, "token of "+name, token.AccessToken)
		limiter := s.Application(name).Limiter()
		for range 4 {
			require.NoError(t, limiter.Wait(ctx, operation, "mk_1"))
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		require.ErrorIs(t, limiter.Wait(short, operation, "mk_1"), moneykit.ErrRateLimited)
		cancel()
	}
	for _, name := range []string{"", "one", "two"} { // as another process
		token, err := d.store(t).Application(name).Tokens(fails).Token(ctx, "")
		require.NoError(t, err)
		assert.Equal(t, "token of "+name, token.AccessToken)
	}
}

// testLimiterQueue refuses a request at once that stands behind one that waits longer.
func testLimiterQueue(t *testing.T, d *database) {
	t.Helper()
	const operation = "GET /links/{id}/accounts"
	asked := make(chan struct{}, 100)
	s, err := sqlstore.Open(t.Context(), d.hooked(t, func(query string) {
		if strings.HasPrefix(query, "SELECT count") {
			asked <- struct{}{}
		}
	}), d.dialect)
	require.NoError(t, err)
	for len(asked) > 0 {
		<-asked
	}
	limiter := s.Limiter()
	for range 4 {
		require.NoError(t, limiter.Wait(t.Context(), operation, "mk_1"))
	}
	patient, give := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() { gaveUp <- limiter.Wait(patient, operation, "mk_1") }()
	<-asked
	for _, patience := range []time.Duration{50 * time.Millisecond, 20 * time.Second} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := limiter.Wait(ctx, operation, "mk_1")
		cancel()
		var refusal *moneykit.Error
		require.ErrorAs(t, err, &refusal)
		require.ErrorIs(t, err, moneykit.ErrRateLimited)
		assert.Positive(t, refusal.RetryAfter)
	}
	give()
	require.ErrorIs(t, <-gaveUp, context.Canceled)
}

// testLimiterFails sends no request while the database is down, and says why.
func testLimiterFails(t *testing.T, d *database) {
	t.Helper()
	db := d.open(t)
	s, err := sqlstore.Open(t.Context(), db, d.dialect)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	err = s.Limiter().Wait(t.Context(), "GET /links/{id}/accounts", "mk_1")
	require.ErrorContains(t, err, "sqlstore: waiting for a rate limit: ")
	require.NotErrorIs(t, err, moneykit.ErrRateLimited)
	require.NoError(t, s.Limiter().Wait(t.Context(), "GET /links/{id}/transactions", "mk_1"), "it has no limit")
}

// testTokenTrouble gives the claim back when a fetch panics, and keeps a token without expiry.
func testTokenTrouble(t *testing.T, d *database) {
	t.Helper()
	s, ctx := d.store(t), t.Context()
	_, err := s.Tokens(func(context.Context) (moneykit.Token, error) { panic("secret") }).Token(ctx, "")
	require.ErrorContains(t, err, "panicked")
	require.NotContains(t, err.Error(), "secret")
	long := strings.Repeat("token", 20_000)
	token, err := s.Tokens(func(context.Context) (moneykit.Token, error) { return moneykit.Token{AccessToken: long}, nil }).Token(ctx, "")
	require.NoError(t, err)
	require.True(t, token.Expiry.IsZero())
	token, err = d.store(t).Tokens(func(context.Context) (moneykit.Token, error) {
		return moneykit.Token{}, errors.New("fetched again")
	}).Token(ctx, "")
	require.NoError(t, err)
	assert.Len(t, token.AccessToken, len(long))
	assert.True(t, token.Expiry.IsZero())
}
