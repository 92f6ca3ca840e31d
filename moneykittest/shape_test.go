package moneykittest_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// shapes are the options for other JSON shapes of MoneyKit.
func shapes() []moneykittest.Option {
	return []moneykittest.Option{
		moneykittest.WithNulls(), moneykittest.WithZonelessTimestamps(), moneykittest.WithSettling(moneykittest.SameID),
	}
}

// usual are the options for the default shapes.
func usual() []moneykittest.Option {
	return []moneykittest.Option{moneykittest.WithSettling(moneykittest.NewIDs)}
}

// TestShapesToTheSDK compares the SDK's results for the default shapes and for the others.
func TestShapesToTheSDK(t *testing.T) {
	t.Parallel()
	read := func(opts ...moneykittest.Option) []any {
		mk := moneykittest.NewServer(t, append(opts, day())...)
		link := mk.AddLink(moneykittest.LinkSpec{Tags: []string{"a"}, Products: []moneykit.Product{moneykit.ProductTransactions}})
		client := mk.Client()
		got, err := client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, link, *got)
		accounts, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
		require.NoError(t, err)
		users, err := client.Users.Accounts(t.Context(), "user_0001", moneykit.UserAccountListParams{})
		require.NoError(t, err)
		store := &moneykittest.MemoryStore{}
		syncAll(t, client, link.ID, store, 50)
		assert.Equal(t, mk.Transactions(link.ID), store.Transactions(link.ID))
		return []any{got, accounts, users, store.Transactions(link.ID)}
	}
	assert.Equal(t, read(usual()...), read(shapes()...))
}

func TestShapesOnTheWire(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	mk := moneykittest.NewServer(t, append(shapes(), moneykittest.WithReceiver(in))...)
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook})
	a := send(t, mk, http.MethodGet, "/links/"+link.ID, "")
	assert.Nil(t, a.field(t, "error_code"))
	assert.Nil(t, a.field(t, "link_tags"))
	zoneless := `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`
	assert.Regexp(t, zoneless, a.field(t, "products", "accounts", "refreshed_at"))
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	mk.Break(link.ID, "")
	mk.Deliver()
	event := in.take()[1].event(t)
	assert.Regexp(t, zoneless, event["webhook_timestamp"])
	assert.Contains(t, event, "error")
	assert.Nil(t, event["error"])
}

// TestWithSettling syncs before and after pending transactions are posted.
func TestWithSettling(t *testing.T) {
	t.Parallel()
	for mode, same := range map[moneykittest.Settling]bool{moneykittest.NewIDs: false, moneykittest.SameID: true} {
		mk := moneykittest.NewServer(t, moneykittest.WithHistory(0), moneykittest.WithSettling(mode))
		link := mk.AddLink(moneykittest.LinkSpec{})
		var rows []moneykit.Transaction
		for range 12 {
			rows = append(rows, moneykit.Transaction{Pending: true})
		}
		mk.AddTransactions(link.ID, rows...)
		pending := map[string]bool{}
		for _, tx := range mk.Transactions(link.ID) {
			pending[tx.ID] = true
		}
		read := func(cursor string) (created, updated int, next string) {
			for batch, err := range mk.Client().Transactions.Sync(t.Context(), link.ID, cursor) {
				require.NoError(t, err)
				assert.Empty(t, batch.Removed)
				for _, tx := range batch.Updated {
					assert.True(t, pending[tx.ID])
					assert.False(t, tx.Pending)
				}
				created, updated, next = created+len(batch.Created), updated+len(batch.Updated), batch.Cursor
			}
			return created, updated, next
		}
		created, updated, cursor := read("")
		assert.Equal(t, []int{12, 0}, []int{created, updated})
		mk.Settle(link.ID)
		posted := len(mk.Transactions(link.ID))
		assert.Greater(t, posted, 4)
		created, updated, _ = read(cursor)
		if same {
			assert.Equal(t, []int{0, posted}, []int{created, updated})
			created, updated, _ = read("")
			assert.Equal(t, []int{posted, posted}, []int{created, updated}, "one id is in both")
		} else {
			assert.Equal(t, []int{posted, 0}, []int{created, updated})
		}
	}
	tb := &fakeTB{}
	moneykittest.NewServer(tb, moneykittest.WithSettling("slowly"))
	assert.Equal(t, []string{`moneykittest: WithSettling: there is no mode "slowly"`}, tb.errors)
}

// TestWithRedirectOrigins reports a host without a scheme, which would refuse every redirect URI.
func TestWithRedirectOrigins(t *testing.T) {
	t.Parallel()
	tb := &fakeTB{}
	moneykittest.NewServer(tb, moneykittest.WithRedirectOrigins("https://app.example", "app.example"))
	assert.Equal(t, []string{
		`moneykittest: WithRedirectOrigins: "app.example" is not an origin such as https://app.example`,
	}, tb.errors)
}

// settleOne settles pending transactions until one is posted, which is txn_1 if it keeps its ID.
func settleOne(mk *moneykittest.Server, linkID string) {
	for len(mk.Transactions(linkID)) == 0 {
		mk.AddTransactions(linkID, moneykit.Transaction{ID: "txn_1", Pending: true})
		mk.Settle(linkID)
	}
}

//nolint:paralleltest // it sets a variable of the environment
func TestShapesOfTheEnvironment(t *testing.T) {
	for variable, want := range map[string][3]bool{
		"": {}, "nulls": {true, false, false}, "zoneless,same_id": {false, true, true}, " nulls , zoneless,same_id,": {true, true, true},
	} {
		t.Setenv("MONEYKITTEST_SHAPES", variable)
		mk := moneykittest.NewServer(t, moneykittest.WithHistory(0))
		link := mk.AddLink(moneykittest.LinkSpec{})
		a := send(t, mk, http.MethodGet, "/links/"+link.ID, "")
		settleOne(mk, link.ID)
		var got [3]bool
		_, got[0] = a.field(t).(map[string]any)["webhook"]
		got[1] = !regexp.MustCompile(`Z$`).MatchString(a.field(t, "last_synced_at").(string))
		got[2] = mk.Transactions(link.ID)[0].ID == "txn_1"
		assert.Equal(t, want, got, variable)
	}
	t.Setenv("MONEYKITTEST_SHAPES", "nulls,square")
	tb := &fakeTB{}
	moneykittest.NewServer(tb).Close()
	assert.Equal(t, []string{`moneykittest: MONEYKITTEST_SHAPES contains "square", which is not nulls, zoneless or same_id`}, tb.errors)

	// An option overrides the variable.
	t.Setenv("MONEYKITTEST_SHAPES", "same_id")
	mk := moneykittest.NewServer(t, moneykittest.WithHistory(0), moneykittest.WithSettling(moneykittest.NewIDs))
	link := mk.AddLink(moneykittest.LinkSpec{})
	settleOne(mk, link.ID)
	assert.NotEqual(t, "txn_1", mk.Transactions(link.ID)[0].ID)
}
