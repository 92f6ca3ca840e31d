package world_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// linkOne plays a link session from its creation to the end of Connect.
func linkOne(t *testing.T, w *world.World, institution string, now time.Time) (session, exchangeable string) {
	t.Helper()
	params := sessionParams()
	params.InstitutionID = institution
	session = w.OpenSession(params, now).Token
	var end world.Ending
	if institution == world.OAuthBank {
		back, _ := w.Authorize(session, world.Play{}, now)
		end = w.Continue(session, back, world.Play{}, now)
	} else {
		end = w.Connect(session, world.Play{}, now)
	}
	require.Nil(t, end.Err)
	require.NotNil(t, w.ExchangeToken(end.Token, now))
	return session, end.Token
}

// Only the last ended link sessions are kept, whether the clock moves or not.
func TestEndedSessionsAreDeleted(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{"the clock has stopped": 0, "the clock moves": time.Second} {
		w := newWorld(func(s *world.Settings) { s.History = 0 })
		now := start
		first, exchangeable := linkOne(t, w, world.OAuthBank, now)
		assert.Equal(t, "moneykittest.used_session", w.Connect(first, world.Play{}, now).Err.ID)
		for range 1200 {
			now = now.Add(step)
			session, token := linkOne(t, w, world.OAuthBank, now)
			require.True(t, w.IsSecret(session))
			require.True(t, w.IsSecret(token))
		}
		assert.LessOrEqual(t, len(w.Sessions)+len(w.Exchanges), 2000, name)
		assert.LessOrEqual(t, len(w.Returns), 2000, name)
		assert.LessOrEqual(t, len(w.Issued), 10_000, name)
		assert.LessOrEqual(t, len(w.Spent), 1000, name)
		assert.Equal(t, "moneykittest.unknown_session", w.Connect(first, world.Play{}, now).Err.ID)
		assert.Nil(t, w.ExchangeToken(exchangeable, now))
	}
}

// Unused sessions and exchanges are deleted some time after they expire.
func TestUnusedSessionsAreDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	now := start
	params := sessionParams()
	params.InstitutionID = world.OAuthBank
	for range 500 {
		now = now.Add(time.Minute)
		w.Authorize(w.OpenSession(params, now).Token, world.Play{}, now)
		w.Connect(w.OpenSession(sessionParams(), now).Token, world.Play{}, now)
	}
	assert.LessOrEqual(t, len(w.Returns), 61)
	assert.LessOrEqual(t, len(w.Exchanges), 61)
	assert.LessOrEqual(t, len(w.Issued), 200)
}

// Sessions and exchanges that can still be used are kept, however many are created after them.
func TestOpenSessionsAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.History = 0 })
	params := sessionParams()
	params.InstitutionID = world.OAuthBank
	unused := w.OpenSession(sessionParams(), start).Token
	away := w.OpenSession(params, start).Token
	back, _ := w.Authorize(away, world.Play{}, start)
	waiting := w.Connect(w.OpenSession(sessionParams(), start).Token, world.Play{}, start).Token
	for range 1200 {
		linkOne(t, w, world.InstantBank, start)
	}
	assert.Nil(t, w.Connect(unused, world.Play{}, start).Err)
	assert.Nil(t, w.Continue(away, back, world.Play{}, start).Err)
	link := w.ExchangeToken(waiting, start)
	require.NotNil(t, link)
	assert.Equal(t, moneykit.LinkStateConnected, link.State)
}
