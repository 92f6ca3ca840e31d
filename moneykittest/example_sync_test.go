package moneykittest_test

import (
	"context"
	"fmt"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// Compare the copy of transactions with the transactions at the bank, after each change there.
func ExampleServer_Transactions() {
	ctx := context.Background()
	mk := moneykittest.New(moneykittest.WithHistory(0)) // in a test: moneykittest.NewServer(t, …)
	defer mk.Close()
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{})
	store := &moneykittest.MemoryStore{} // in a program: a database

	show := func() {
		if _, err := client.SyncTransactions(ctx, link.ID, store); err != nil {
			fmt.Println(err)
		}
		for _, tx := range store.Transactions(link.ID) {
			fmt.Println(tx.ID, tx.Description, tx.Pending)
		}
		fmt.Println(len(store.Transactions(link.ID)) == len(mk.Transactions(link.ID)))
	}
	mk.AddTransactions(link.ID,
		moneykit.Transaction{ID: "txn_1", Description: "Coffee"},
		moneykit.Transaction{ID: "txn_2", Description: "Hotel", Pending: true})
	show()
	mk.AddTransactions(link.ID, moneykit.Transaction{ID: "txn_2", Description: "Hotel and breakfast"})
	mk.RemoveTransaction(link.ID, "txn_1")
	show()

	// Output:
	// txn_1 Coffee false
	// txn_2 Hotel true
	// true
	// txn_2 Hotel and breakfast false
	// true
}
