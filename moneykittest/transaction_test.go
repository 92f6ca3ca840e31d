package moneykittest_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// TestSyncFollows makes all kinds of changes, before and between the pages of a sync.
func TestSyncFollows(t *testing.T) {
	t.Parallel()
	for size := 1; size <= 7; size++ {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			mk := moneykittest.NewServer(t, stopped(), moneykittest.WithHistory(15*24*time.Hour), moneykittest.WithSeed(uint64(size)))
			client := mk.Client(moneykit.WithHeaderAuth())
			link := mk.AddLink(moneykittest.LinkSpec{})
			store := &moneykittest.MemoryStore{}
			posted := func() moneykit.Transaction {
				for _, tx := range mk.Transactions(link.ID) {
					if !tx.Pending {
						return tx
					}
				}
				return moneykit.Transaction{}
			}
			happens := []func(){
				func() {},
				func() { mk.Refresh(link.ID, moneykit.ProductTransactions) },
				func() { mk.Settle(link.ID) },
				func() { mk.Refresh(link.ID) },
				func() { mk.RemoveTransaction(link.ID, posted().ID) },
				func() {
					for range 3 { // twice in one page
						tx := posted()
						tx.Description += "!"
						mk.UpdateTransaction(link.ID, tx)
					}
				},
				func() {
					mk.AddTransactions(link.ID, moneykit.Transaction{ID: "txn_new"}, moneykit.Transaction{Pending: true},
						moneykit.Transaction{ID: "txn_wait", Pending: true})
				},
				func() { mk.AddTransactions(link.ID, moneykit.Transaction{ID: "txn_wait"}) },
				func() {
					mk.AddTransactions(link.ID, moneykit.Transaction{ID: "txn_gone"})
					mk.RemoveTransaction(link.ID, "txn_gone")
				},
				func() { mk.ResetCursors(link.ID) },
				func() {
					for _, tx := range mk.Transactions(link.ID) {
						if tx.Pending == (size%2 == 0) && tx.Enrichment != nil {
							_, err := client.Transactions.CorrectEnrichment(t.Context(), link.ID, tx.ID,
								moneykit.EnrichmentParams{Category: moneykit.CategoryCharity})
							require.NoError(t, err)
							return
						}
					}
				},
				func() { mk.Settle(link.ID) },
			}
			for i, happen := range happens {
				happen()
				syncAll(t, client, link.ID, store, size)
				require.Equal(t, mk.Transactions(link.ID), store.Transactions(link.ID), "after %d", i)
				// All transactions, by the list.
				require.Equal(t, mk.Transactions(link.ID),
					byID(collect(t, client.Transactions.All(t.Context(), link.ID, moneykit.TransactionListParams{Size: 100 * size}))))
			}

			// Refreshes come in between.
			pages := 0
			for _, happen := range []func(){happens[3], happens[11], happens[5]} {
				mk.Refresh(link.ID)
				progress := func(moneykit.SyncProgress) {
					if pages++; pages%3 == 0 && pages < 20 {
						happen()
					}
				}
				_, err := client.SyncTransactions(t.Context(), link.ID, store, moneykit.WithPageSize(size), moneykit.WithProgress(progress))
				require.NoError(t, err)
				syncAll(t, client, link.ID, store, size) // there may be changes after the last page
				require.Equal(t, mk.Transactions(link.ID), store.Transactions(link.ID))
			}
		})
	}
}

func TestSyncPages(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day(), moneykittest.WithHistory(0))
	link := mk.AddLink(moneykittest.LinkSpec{})
	path := "/links/" + link.ID + "/transactions/sync"
	type changes struct {
		Created []moneykit.Transaction `json:"created"`
		Updated []moneykit.Transaction `json:"updated"`
		Removed []string               `json:"removed"`
	}
	type syncPage struct {
		Transactions changes            `json:"transactions"`
		Accounts     []moneykit.Account `json:"accounts"`
		Cursor       moneykit.Cursor    `json:"cursor"`
		HasMore      bool               `json:"has_more"`
		Link         moneykit.Link      `json:"link"`
	}
	get := func(query string) syncPage {
		t.Helper()
		a := ask(t, mk, http.MethodGet, path+query, "")
		require.Equal(t, 200, a.status, "%s", a.body)
		var page syncPage
		decode(t, a, &page)
		assert.NotContains(t, string(a.body), "null,\"updated", "lists are never null")
		assert.NotEmpty(t, page.Cursor.Next)
		return page
	}
	empty := get("")
	assert.Equal(t, changes{
		Created: []moneykit.Transaction{}, Updated: []moneykit.Transaction{}, Removed: []string{},
	}, empty.Transactions)
	assert.Equal(t, []moneykit.Account{}, empty.Accounts)
	assert.False(t, empty.HasMore)
	assert.Equal(t, link, empty.Link)

	mk.AddTransactions(link.ID,
		moneykit.Transaction{ID: "txn_a", Amount: amount(t, "1.50")}, moneykit.Transaction{ID: "txn_b", Amount: amount(t, "2")},
		moneykit.Transaction{ID: "txn_p", Pending: true}, moneykit.Transaction{ID: "txn_q", Pending: true})
	mk.UpdateTransaction(link.ID, moneykit.Transaction{ID: "txn_a", Amount: amount(t, "7")})
	mk.UpdateTransaction(link.ID, moneykit.Transaction{ID: "txn_a", Amount: amount(t, "8")})
	mk.RemoveTransaction(link.ID, "txn_b")

	all := get("?cursor=" + empty.Cursor.Next)
	created := byID(all.Transactions.Created)
	require.Len(t, created, 4)
	assert.Equal(t, "1.50", created[0].Amount.String(), "as it was")
	require.Len(t, all.Transactions.Updated, 1)
	assert.Equal(t, "8", all.Transactions.Updated[0].Amount.String(), "as it is")
	assert.Equal(t, []string{"txn_b"}, all.Transactions.Removed)
	assert.Len(t, all.Accounts, 1)
	assert.False(t, all.HasMore)
	assert.True(t, all.Link.Products.Transactions.RefreshedAt.After(link.Products.Transactions.RefreshedAt.Time))
	assert.Equal(t, 3*time.Microsecond+time.Microsecond,
		all.Link.Products.Transactions.RefreshedAt.Sub(link.Products.Transactions.RefreshedAt.Time), "the clock stands still")
	assert.Empty(t, get("?cursor="+all.Cursor.Next).Transactions.Created)

	// Pending rows are last. A refresh between their pages starts over with them.
	first := get("?size=5&cursor=" + empty.Cursor.Next)
	assert.True(t, first.HasMore)
	second := get("?size=1&cursor=" + first.Cursor.Next)
	assert.True(t, second.HasMore)
	require.Len(t, second.Transactions.Created, 1)
	assert.True(t, second.Transactions.Created[0].Pending)
	mk.AddTransactions(link.ID, moneykit.Transaction{ID: "txn_r", Pending: true})
	third := get("?cursor=" + second.Cursor.Next)
	assert.Len(t, third.Transactions.Created, 3)
	assert.False(t, third.HasMore)

	// A correction is not a refresh.
	_, err := mk.Client().Transactions.CorrectEnrichment(t.Context(), link.ID, "txn_a", moneykit.EnrichmentParams{
		Category: moneykit.CategoryHome, Subcategory: moneykit.SubcategoryGardening,
	})
	require.NoError(t, err)
	fourth := get("?cursor=" + third.Cursor.Next)
	assert.Empty(t, fourth.Transactions.Created)
	require.Len(t, fourth.Transactions.Updated, 1)
	assert.Equal(t, "gardening", fourth.Transactions.Updated[0].Enrichment.Subcategory.Value)
	assert.Equal(t, third.Link, fourth.Link)

	// Pending rows are not updated even then: all are created again.
	_, err = mk.Client().Transactions.CorrectEnrichment(t.Context(), link.ID, "txn_q", moneykit.EnrichmentParams{Category: moneykit.CategoryHome})
	require.NoError(t, err)
	fifth := get("?cursor=" + fourth.Cursor.Next)
	assert.Empty(t, fifth.Transactions.Updated)
	require.Len(t, fifth.Transactions.Created, 3)
	assert.Equal(t, "home", byID(fifth.Transactions.Created)[1].Enrichment.Category.Value)
}

func TestSyncCursors(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	one, other := mk.AddLink(moneykittest.LinkSpec{}), mk.AddLink(moneykittest.LinkSpec{})
	cursorOf := func(id string) string {
		for batch, err := range mk.Client().Transactions.Sync(t.Context(), id, "") {
			require.NoError(t, err)
			if !batch.HasMore {
				return batch.Cursor
			}
		}
		return ""
	}
	good := cursorOf(one.ID)
	path := "/links/" + one.ID + "/transactions/sync?cursor="
	assert.Equal(t, 200, ask(t, mk, http.MethodGet, path+good, "").status)
	assert.Equal(t, 200, ask(t, mk, http.MethodGet, path, "").status)
	page := ask(t, mk, http.MethodGet, "/institutions", "").field(t, "cursors", "next")
	refused := []string{cursorOf(other.ID), "x", "e30", "!!!", good + "A", good[:len(good)-4], fmt.Sprint(page)}
	for _, place := range []string{`"event":-1`, `"event":9999`, `"version":-1`, `"version":9999`, `"row":-1`, `"version":1,"row":999`} {
		refused = append(refused, encode(`{"link":"`+one.ID+`",`+place+`}`))
	}
	for _, cursor := range refused {
		a := ask(t, mk, http.MethodGet, path+cursor, "")
		assert.Equal(t, 422, a.status, cursor)
		assert.Equal(t, "api_error.request.validation_failed", a.field(t, "error_code"))
		assert.Contains(t, string(a.body), `"location":["query","cursor"]`)
	}
	mk.ResetCursors(one.ID)
	assert.Equal(t, 422, ask(t, mk, http.MethodGet, path+good, "").status)
	assert.Equal(t, 200, ask(t, mk, http.MethodGet, path+cursorOf(one.ID), "").status)
	assert.Equal(t, 200, ask(t, mk, http.MethodGet, "/links/"+other.ID+"/transactions/sync?cursor="+cursorOf(other.ID), "").status)
}
