package world_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// live makes every kind of change to the state, and returns everything that can be read.
func live(t *testing.T, w *world.World, now time.Time) []any {
	t.Helper()
	link, _ := w.AddLink(world.LinkSpec{UserID: "user-1", Webhook: hook, Tags: []string{"a"}}, now)
	broken, _ := w.AddLink(world.LinkSpec{Error: moneykit.LinkErrorAuthExpired}, now)
	require.NoError(t, w.AddTransactions(link.ID, []tx{{Description: "x"}, {Pending: true}}, now))
	require.NoError(t, w.Refresh(link.ID, nil, now))
	require.NoError(t, w.Settle(link.ID, now))
	w.Schedule(link, []moneykit.Product{moneykit.ProductIdentity}, now)

	params := sessionParams()
	params.InstitutionID = world.OAuthBank
	session := w.OpenSession(params, now)
	back, end := w.Authorize(session.Token, world.Play{}, now)
	require.Nil(t, end.Err)
	end = w.Continue(session.Token, back, world.Play{}, now)
	require.Nil(t, end.Err)
	require.NotNil(t, w.ExchangeToken(end.Token, now))
	params.ExistingLinkID = broken.ID
	failure := moneykit.ConnectError{ID: "x", DisplayedMessage: "Oh.", RequestID: "r"}
	w.Connect(w.OpenSession(params, now).Token, world.Play{Exit: &failure}, now)
	w.Tokens["token"] = world.AccessToken{Expires: now.Add(time.Hour), Scope: "a b"}
	imported := w.ImportLink(world.Import{
		User: "user-2", Institution: link.Institution, Accounts: []moneykit.AccountImport{{ID: "mine", Type: "depository", Name: "Mine"}},
	}, []moneykit.TransactionImport{{AccountID: "mine", Date: moneykit.DateOf(now)}}, now)
	w.Delete(imported, now)

	var out []any
	for _, l := range w.AllLinks(now) {
		portfolio, numbers, owners := w.Portfolio(l), []any{}, []any{}
		for _, a := range l.Accounts {
			numbers, owners = append(numbers, w.Numbers(l, a)), append(owners, w.Owners(l, a))
		}
		changes, _, _ := w.Ledger(l).Read(world.Place{Link: l.ID}, 1000)
		out = append(out, l.ID, l.Accounts, changes, w.Ledger(l).All(), portfolio.Holdings, portfolio.Transactions, numbers, owners)
	}
	return out
}

func TestSeed(t *testing.T) {
	t.Parallel()
	seeded := func(seed uint64) []any {
		return live(t, newWorld(func(s *world.Settings) { s.Seed = seed }), start)
	}
	one, other := seeded(1), seeded(2)
	assert.Equal(t, one, seeded(1))
	for i := range one {
		assert.NotEqual(t, one[i], other[i])
	}
}

// A world that was encoded as JSON and decoded behaves like the original.
func TestJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.RefreshDelay = time.Hour })
	live(t, w, start)
	data, err := json.Marshal(w)
	require.NoError(t, err)
	var again world.World
	require.NoError(t, json.Unmarshal(data, &again))
	second, err := json.Marshal(&again)
	require.NoError(t, err)
	assert.JSONEq(t, string(data), string(second))

	later := start.Add(2 * time.Hour) // the refresh is due
	assert.Equal(t, live(t, w, later), live(t, &again, later))
	assert.Len(t, again.TakeEvents(), len(w.TakeEvents()))
	assert.True(t, again.IsSecret("token"))
}

func TestIsSecret(t *testing.T) {
	t.Parallel()
	w := newWorld()
	params := sessionParams()
	params.InstitutionID = world.OAuthBank
	session := w.OpenSession(params, start)
	back, _ := w.Authorize(session.Token, world.Play{}, start)
	end := w.Continue(session.Token, back, world.Play{}, start)
	w.Tokens["access"] = world.AccessToken{Expires: start.Add(time.Hour)}
	for _, secret := range []string{session.Token, back, end.Token, "access"} {
		assert.True(t, w.IsSecret(secret))
	}
	for _, open := range []string{"", end.LinkID, session.ID, params.RedirectURI} {
		assert.False(t, w.IsSecret(open))
	}
	w.ExpireTokens()
	assert.True(t, w.IsSecret("access"), "issued tokens are secrets")
	assert.False(t, start.Before(w.Tokens["access"].Expires))
}

func TestStamp(t *testing.T) {
	t.Parallel()
	assert.True(t, world.Stamp(time.Time{}).IsZero())
	there := time.Date(2030, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600))
	assert.Equal(t, time.Date(2030, 1, 2, 2, 4, 5, 6000, time.UTC), world.Stamp(there).Time)
}

// TestIssueToken issues more access tokens than are kept.
func TestIssueToken(t *testing.T) {
	t.Parallel()
	w := world.New(world.Settings{})
	for i := range 10_001 {
		w.IssueToken(strconv.Itoa(i), world.AccessToken{Expires: start})
	}
	assert.Len(t, w.Tokens, 10_000)
	assert.NotContains(t, w.Tokens, "0")
	assert.Contains(t, w.Tokens, "10000")
}
