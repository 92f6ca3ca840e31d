package world_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// take checks the common fields of the events since the last call, and returns a summary of each
// event.
func take(t *testing.T, w *world.World, link *world.Link) []string {
	t.Helper()
	var all []string
	for _, e := range w.TakeEvents() {
		assert.Equal(t, hook, e.URL)
		assert.Equal(t, link.ID, e.LinkID)
		assert.Equal(t, []string{"a", "b"}, e.Tags)
		assert.NotEmpty(t, e.Token)
		assert.NotEmpty(t, e.Key)
		assert.NotEqual(t, e.Token, e.Key)
		assert.False(t, e.At.IsZero())
		assert.Equal(t, e.Product == "", e.ChangedAt.IsZero())
		assert.Equal(t, e.HasHistory != nil, e.Name == moneykit.EventTypeTransactionsUpdatesAvailable)
		words := []string{string(e.Name), string(e.Product), e.State, string(e.Error), e.ErrorMessage}
		all = append(all, strings.Join(strings.Fields(strings.Join(words, " ")), " "))
	}
	return all
}

// Frequent events.
const (
	connected = "link.state_changed connected"
	expired   = "link.state_changed error auth_expired the link cannot be used: auth_expired"
	updates   = "transactions.updates_available"
)

func refreshed(p moneykit.Product) string { return fmt.Sprintf("link.product_refresh %s completed", p) }

// TestEvents changes a link step by step and checks the announced events.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.RefreshDelay = time.Minute })
	now := start
	link := add(t, w, world.LinkSpec{Webhook: hook, Tags: []string{"a", "b"}})
	relink := func(play world.Play) error {
		params := sessionParams()
		params.ExistingLinkID, params.Webhook, params.Tags = link.ID, hook, []string{"a", "b"}
		w.Connect(w.OpenSession(params, now).Token, play, now)
		return nil
	}
	broken := func(reason moneykit.LinkError) error { return w.Break(link.ID, reason, now) }
	schedule := func(products ...moneykit.Product) error { w.Schedule(link, products, now); return nil }
	for _, step := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"nothing", func() error { return nil }, nil},
		{"break", func() error { return broken(moneykit.LinkErrorAuthExpired) }, []string{expired}},
		{"break again", func() error { return broken(moneykit.LinkErrorAuthExpired) }, nil},
		{"fix", func() error { return broken("") }, []string{connected}},
		{"reset", func() error { w.Reset(link, now); return nil }, []string{expired}},
		{"relink that the user closes", func() error { return relink(world.Play{Leave: true}) }, nil},
		{"relink", func() error { return relink(world.Play{}) }, []string{connected}},
		{"relink of a connected link", func() error { return relink(world.Play{}) }, nil},
		{
			"refresh by the bank",
			func() error {
				return w.Refresh(link.ID, []moneykit.Product{moneykit.ProductTransactions, moneykit.ProductAccounts, moneykit.ProductAccounts}, now)
			},
			[]string{refreshed(moneykit.ProductAccounts), refreshed(moneykit.ProductTransactions), updates},
		},
		{"scheduled refresh", func() error { return schedule(moneykit.ProductInvestments, moneykit.ProductIdentity) }, nil},
		{
			"and done",
			func() error { now = now.Add(time.Minute); w.CatchUp(now); return nil },
			[]string{refreshed(moneykit.ProductIdentity), refreshed(moneykit.ProductInvestments)},
		},
		{
			"refresh that fails",
			func() error {
				_ = schedule(moneykit.ProductIdentity, moneykit.ProductIdentity)
				err := broken(moneykit.LinkErrorInstitutionError)
				now = now.Add(time.Minute)
				w.CatchUp(now)
				return err
			},
			[]string{
				"link.state_changed error institution_error the link cannot be used: institution_error",
				"link.product_refresh identity failed the refresh failed: institution_error",
			},
		},
		{"fix again", func() error { return broken("") }, []string{connected}},
		{"new", func() error { return w.AddTransactions(link.ID, []tx{{ID: "txn_mine"}}, now) }, []string{updates}},
		{"changed", func() error { return w.UpdateTransaction(link.ID, tx{ID: "txn_mine"}, now) }, []string{updates}},
		{
			"corrected",
			func() error {
				w.Correct(link, "txn_mine", moneykit.EnrichmentParams{Category: moneykit.CategoryBanking}, now)
				return nil
			},
			[]string{updates},
		},
		{"removed", func() error { return w.RemoveTransaction(link.ID, "txn_mine", now) }, []string{updates}},
		{"settled", func() error { return w.Settle(link.ID, now) }, []string{updates}},
		{"nothing to settle", func() error { return w.Settle(link.ID, now) }, nil},
		{"other cursors", func() error { return w.ResetCursors(link.ID, now) }, nil},
		{"read", func() error { _, err := w.Transactions(link.ID, now); return err }, nil},
		{"deleted", func() error { w.Delete(link, now); return nil }, []string{"link.state_changed deleted"}},
	} {
		require.NoError(t, step.do(), step.name)
		assert.Equal(t, step.want, take(t, w, link), step.name)
	}
}

func TestEventsWithoutWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld()
	link := add(t, w, world.LinkSpec{})
	w.Reset(link, start)
	assert.Empty(t, w.TakeEvents())
}

// TestAnnounceTest announces test events. Both names of a refresh announce the event of the
// settings.
func TestAnnounceTest(t *testing.T) {
	t.Parallel()
	for _, refresh := range []moneykit.EventType{"", moneykit.EventTypeLinkProductRefresh, moneykit.EventTypeProductStateChanged} {
		w := newWorld(func(s *world.Settings) { s.RefreshEvent = refresh })
		link := add(t, w, world.LinkSpec{
			Webhook: hook, Tags: []string{"a", "b"}, Error: moneykit.LinkErrorAuthExpired,
		})
		name := cmp.Or(refresh, moneykit.EventTypeLinkProductRefresh)
		for event, want := range map[moneykit.EventType]string{
			moneykit.EventTypeLinkStateChanged:             expired,
			moneykit.EventTypeLinkProductRefresh:           string(name) + " accounts completed",
			moneykit.EventTypeProductStateChanged:          string(name) + " accounts completed",
			moneykit.EventTypeTransactionsUpdatesAvailable: updates,
		} {
			token := w.AnnounceTest(link, event, "my key", start)
			require.Len(t, w.Events, 1)
			assert.Equal(t, "my key", w.Events[0].Key)
			assert.Equal(t, token, w.Events[0].Token)
			assert.Equal(t, []string{want}, take(t, w, link))
		}
	}
}

// TestFirstTransactions checks when the transactions of a new link with a webhook are announced.
func TestFirstTransactions(t *testing.T) {
	t.Parallel()
	products := func(prefetch bool) *moneykit.LinkSessionSettings {
		return &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{Transactions: &moneykit.ProductSettings{Prefetch: prefetch}}}
	}
	const days = 10 * 24 * time.Hour
	noTransactions := &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{}}
	for name, tt := range map[string]struct {
		settings *moneykit.LinkSessionSettings
		history  time.Duration
		play     world.Play
		want     []string // events after the exchange
		refresh  []string // events after a refresh of the transactions
	}{
		"fetched by default": {nil, days, world.Play{}, []string{connected, updates}, []string{refreshed("transactions"), updates}},
		"requested with prefetch": {
			products(true), days,
			world.Play{},
			[]string{connected, updates},
			[]string{refreshed("transactions"), updates},
		},
		"requested without prefetch": {products(false), days, world.Play{}, []string{connected}, []string{refreshed("transactions"), updates}},
		"not requested":              {noTransactions, days, world.Play{}, []string{connected}, nil},
		"not permitted":              {products(true), days, world.Play{Decline: []moneykit.Product{"transactions"}}, []string{connected}, nil},
		"no transactions":            {nil, 0, world.Play{}, []string{connected}, nil},
		"no account with payments":   {nil, days, world.Play{Accounts: []string{"investment"}}, []string{connected}, nil},
	} {
		w := newWorld(func(s *world.Settings) { s.History = tt.history })
		params := sessionParams()
		params.Webhook, params.Tags, params.Settings = hook, []string{"a", "b"}, tt.settings
		end := w.Connect(w.OpenSession(params, start).Token, tt.play, start)
		require.Nil(t, end.Err, name)
		assert.Empty(t, w.Events, "nothing is announced before the exchange: %s", name)
		link := w.ExchangeToken(end.Token, start)
		if len(w.Events) == 2 {
			require.NotNil(t, w.Events[1].HasHistory, name)
			assert.True(t, *w.Events[1].HasHistory, name)
		}
		assert.Equal(t, tt.want, take(t, w, link), name)
		if tt.refresh != nil {
			require.NoError(t, w.Refresh(link.ID, []moneykit.Product{"transactions"}, start), name)
			assert.Equal(t, tt.refresh, take(t, w, link), name)
		}
	}
}

// A relink that adds the product transactions announces them. Other relinks announce nothing.
func TestFirstTransactionsByRelink(t *testing.T) {
	t.Parallel()
	w := newWorld()
	link := add(t, w, world.LinkSpec{Products: []moneykit.Product{moneykit.ProductIdentity}})
	params := sessionParams()
	params.ExistingLinkID, params.Webhook, params.Tags = link.ID, hook, []string{"a", "b"}
	for _, want := range [][]string{{updates}, nil} {
		require.Nil(t, w.Connect(w.OpenSession(params, start).Token, world.Play{}, start).Err)
		assert.Equal(t, want, take(t, w, link))
	}
}

func TestNextDue(t *testing.T) {
	t.Parallel()
	w := newWorld(func(s *world.Settings) { s.RefreshDelay = time.Minute })
	_, ok := w.NextDue()
	assert.False(t, ok)
	first, second := add(t, w, world.LinkSpec{}), add(t, w, world.LinkSpec{})
	identity := []moneykit.Product{moneykit.ProductIdentity}
	w.Schedule(first, identity, start.Add(time.Second))
	w.Schedule(second, identity, start)
	due, ok := w.NextDue()
	assert.True(t, ok)
	assert.Equal(t, start.Add(time.Minute), due)
	w.CatchUp(due)
	due, _ = w.NextDue()
	assert.Equal(t, start.Add(time.Minute+time.Second), due)
	w.Delete(first, start)
	_, ok = w.NextDue()
	assert.False(t, ok, "a planned refresh of a deleted link is not due")
}
