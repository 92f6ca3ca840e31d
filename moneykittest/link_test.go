package moneykittest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestTogether(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, moneykittest.WithHistory(10*24*time.Hour), moneykittest.WithRefreshDelay(time.Millisecond))
	client := mk.Client(moneykit.WithHeaderAuth())
	ctx := t.Context()
	work := func(name string) error {
		link := mk.AddLink(moneykittest.LinkSpec{UserID: "shared"})
		store := &moneykittest.MemoryStore{}
		for range 4 {
			mk.AddTransactions(link.ID, moneykit.Transaction{Description: name})
			_, err1 := client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductTransactions, moneykit.ProductInvestments})
			_, err2 := client.Users.Transactions(ctx, "shared", moneykit.UserTransactionListParams{})
			_, err3 := client.Users.Accounts(ctx, "shared", moneykit.UserAccountListParams{})
			_, err4 := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
			_, err5 := client.SyncTransactions(ctx, link.ID, store, moneykit.SyncOptions{PageSize: 10})
			if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
				return err
			}
		}
		mk.Advance(time.Second) // what is due happens
		if _, err := client.SyncTransactions(ctx, link.ID, store, moneykit.SyncOptions{}); err != nil {
			return err
		}
		if !assert.ObjectsAreEqual(mk.Transactions(link.ID), store.Transactions(link.ID)) {
			return errors.New("the copy differs")
		}
		return nil
	}
	failures := make(chan error, 6)
	for i := range cap(failures) {
		go func() { failures <- work(fmt.Sprint(i)) }()
	}
	for range cap(failures) {
		require.NoError(t, <-failures)
	}
}
