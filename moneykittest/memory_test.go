package moneykittest_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// TestMemoryPerLink measures the memory of a link and its history: Connect, webhooks, the requests
// of a first sync and their record.
//
//nolint:paralleltest // it counts the memory of the process
func TestMemoryPerLink(t *testing.T) {
	const links = 200
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.GC() // The contents of pools survive the first collection.
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	grow := func(group string) uint64 {
		before := heap()
		for i := range links {
			params := sessionParams()
			params.CustomerUser.ID = fmt.Sprintf("%s_%d", group, i)
			params.Webhook = "https://app.example/webhooks"
			result := play(t, mk, open(t, client, params), moneykittest.Play{})
			link, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
			require.NoError(t, err)
			store := &moneykittest.MemoryStore{}
			syncAll(t, client, link.ID, store, 100)
			require.Len(t, store.Transactions(link.ID), len(mk.Transactions(link.ID)))
			_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
			require.NoError(t, err)
			collect(t, client.Investments.AllTransactions(t.Context(), link.ID, moneykit.InvestmentTransactionListParams{}))
		}
		return (heap() - before) / links
	}
	first, second := grow("first"), grow("second")
	t.Logf("%d bytes per link, then %d", first, second)
	assert.Less(t, first, uint64(64<<10))
	assert.Less(t, second, uint64(40<<10), "the rows of the first links are as many as are kept")
	runtime.KeepAlive(mk)
}
