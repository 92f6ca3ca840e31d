// Package sqlstore lets several processes of a MoneyKit back end share one database, SQLite or
// PostgreSQL, through database/sql. A [Store] keeps
//
//   - the copy of transactions that [moneykit.Client.SyncTransactions] maintains,
//   - the links of users,
//   - an inbox of webhooks and counters of the work that they ask for,
//   - claims on events for [moneykit.WithDedupe],
//   - the access token, for [moneykit.WithTokenSource],
//   - the requests of the last minute, for [moneykit.WithLimiter].
//
// [Open] creates the tables. Their names begin with moneykit_, and README.md in the folder of this
// package describes them: read them with your own SQL, but let the package write them.
//
// All decisions about time are made on the database's clock, so the clocks of the processes may
// differ. For SQLite that is the clock of the machine, which all its processes share.
//
// # Databases
//
// The package needs PostgreSQL 12 or SQLite 3.38, and works with any driver. For SQLite, give the
// data source a busy timeout and the write-ahead log; with modernc.org/sqlite:
//
//	const source = "file:app.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"
//	db, err := sql.Open("sqlite", source)
//
// A transaction of your own that reads before it writes needs _txlock=immediate too, or another
// writer can make it fail. Each connection to an in-memory SQLite sees a database of its own: call
// db.SetMaxOpenConns(1). In PostgreSQL the tables are in the current schema, the first of
// search_path.
//
// # Transactions
//
// Every method runs in a transaction of its own. [Store.InTx] returns a Store whose methods take
// part in a transaction of the caller, for example to store an event and to enqueue a job at once:
//
//	tx, err := db.BeginTx(ctx, nil)
//	...
//	first, err := store.InTx(tx).Receive(ctx, event.Meta())
//	if first {
//		err = store.InTx(tx).Request(ctx, linkID, "sync")
//		// and insert a job with tx
//	}
//	err = tx.Commit()
//
// Outside of the caller's transactions, serialization failures, deadlocks and a locked SQLite are
// retried for ten seconds, or until the busy timeout of SQLite is over if that is longer. Do not
// call MoneyKit inside a transaction of your own: until it ends, nothing else can write to an
// SQLite, not even a new access token.
//
// # Texts
//
// PostgreSQL cannot store the character NUL, nor invalid UTF-8. Both databases get U+FFFD for them,
// in ids as well.
package sqlstore
