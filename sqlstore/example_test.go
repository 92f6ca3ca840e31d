package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"time"

	_ "modernc.org/sqlite"

	"github.com/moneykit/moneykit-go/moneykittest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

func ExampleOpen() {
	ctx := context.Background()
	mk := moneykittest.New(moneykittest.WithClock(func() time.Time {
		return time.Date(2026, time.January, 31, 12, 0, 0, 0, time.UTC)
	}))
	defer mk.Close()
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each connection to an in-memory SQLite has a database of its own

	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite) // or PostgreSQL, or a TransactionStore of your own
	if err != nil {
		log.Fatal(err)
	}
	progress, err := client.SyncTransactions(ctx, link.ID, store)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(progress.Done, progress.Upserted)

	again, err := client.SyncTransactions(ctx, link.ID, store)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Done, again.Upserted)
	// Output:
	// true 192
	// true 0
}
