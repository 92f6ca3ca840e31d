//go:build unix

package sqlstore_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/postgrestest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// pages and size of what a benchmark writes.
const benchSize = 500

// reportCPU reports the processor time of this process, which a busy machine distorts less.
func reportCPU(b *testing.B) (end func()) {
	b.Helper()
	used := func() time.Duration {
		var usage syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/1e6/float64(b.N), "cpu-ms/op") }
}

func benchRows(page int) []moneykit.Transaction {
	list := make([]moneykit.Transaction, benchSize)
	confidence := 87.0
	for i := range list {
		n := page*benchSize + i
		list[i] = row(n)
		list[i].ID = fmt.Sprintf("txn_%016x", uint64(n)*0x9e3779b97f4a7c15)
		list[i].RawDescription = fmt.Sprintf("POS PURCHASE COFFEE SHOP %d SEATTLE WA", n)
		list[i].Enrichment = &moneykit.TransactionEnrichment{
			Category:    moneykit.TransactionCategory{Value: "food_and_drinks", Confidence: &confidence},
			Subcategory: &moneykit.TransactionSubcategory{Value: "restaurants"},
			Merchant:    &moneykit.TransactionMerchant{ID: "mrc_1", Name: "Coffee Shop"},
		}
	}
	return list
}

func BenchmarkApply(b *testing.B) {
	kinds := []databases{{dialect: sqlstore.SQLite}}
	if *postgres {
		kinds = append(kinds, databases{sqlstore.PostgreSQL, postgrestest.New(b)})
	}
	for _, d := range kinds {
		b.Run(d.dialect.String()+"/store", func(b *testing.B) {
			s := d.fresh(b).store(b)
			defer reportCPU(b)()
			at := moneykit.SyncPosition{}
			for page := range b.N {
				next := moneykit.SyncPosition{Cursor: fmt.Sprint(page + 1), Generation: 1}
				rows := benchRows(page)
				require.NoError(b, s.ApplyUpdate(b.Context(), &moneykit.SyncUpdate{LinkID: "mk_1", Previous: at, Upsert: rows, Position: next}))
				at = next
			}
		})
		b.Run(d.dialect.String()+"/hand", func(b *testing.B) {
			db := d.fresh(b).open(b)
			handTable(b, db)
			defer reportCPU(b)()
			for page := range b.N {
				handApply(b, db, d.dialect, benchRows(page), fmt.Sprint(page))
			}
		})
	}
}

// handTable creates what an application would write by hand.
func handTable(b *testing.B, db *sql.DB) {
	b.Helper()
	for _, statement := range []string{
		`CREATE TABLE transactions (id TEXT PRIMARY KEY, link_id TEXT NOT NULL, account_id TEXT NOT NULL, type TEXT NOT NULL,
			amount NUMERIC NOT NULL, currency TEXT NOT NULL, date DATE NOT NULL, datetime TEXT, pending BOOLEAN NOT NULL,
			description TEXT NOT NULL, raw_description TEXT NOT NULL, category TEXT, enrichment TEXT, generation INTEGER NOT NULL)`,
		`CREATE INDEX transactions_link ON transactions (link_id, date)`,
		`CREATE TABLE positions (link_id TEXT PRIMARY KEY, position TEXT NOT NULL)`,
	} {
		_, err := db.ExecContext(b.Context(), statement)
		require.NoError(b, err)
	}
}

func handApply(b *testing.B, db *sql.DB, dialect sqlstore.Dialect, rows []moneykit.Transaction, position string) {
	b.Helper()
	const columns, perStatement = 14, 50
	tx, err := db.BeginTx(b.Context(), nil)
	require.NoError(b, err)
	defer tx.Rollback()
	for len(rows) > 0 {
		n := min(perStatement, len(rows))
		var text strings.Builder
		text.WriteString("INSERT INTO transactions VALUES ")
		args := make([]any, 0, n*columns)
		for i, t := range rows[:n] {
			if i > 0 {
				text.WriteString(", ")
			}
			text.WriteString("(")
			for c := range columns {
				if c > 0 {
					text.WriteString(", ")
				}
				if dialect == sqlstore.PostgreSQL {
					fmt.Fprintf(&text, "$%d", i*columns+c+1)
				} else {
					text.WriteString("?")
				}
			}
			text.WriteString(")")
			enrichment, err := json.Marshal(t.Enrichment)
			require.NoError(b, err)
			args = append(args, t.ID, "mk_1", t.AccountID, string(t.Type), t.Amount, t.Currency, t.Date, nil, t.Pending,
				t.Description, t.RawDescription, t.Enrichment.Category.Value, string(enrichment), 1)
		}
		text.WriteString(` ON CONFLICT (id) DO UPDATE SET link_id = excluded.link_id, account_id = excluded.account_id, type = excluded.type,
			amount = excluded.amount, currency = excluded.currency, date = excluded.date, datetime = excluded.datetime, pending = excluded.pending,
			description = excluded.description, raw_description = excluded.raw_description, category = excluded.category,
			enrichment = excluded.enrichment, generation = excluded.generation`)
		_, err := tx.ExecContext(b.Context(), text.String(), args...)
		require.NoError(b, err)
		rows = rows[n:]
	}
	placeholders := "?, ?"
	if dialect == sqlstore.PostgreSQL {
		placeholders = "$1, $2"
	}
	_, err = tx.ExecContext(b.Context(), `INSERT INTO positions VALUES (`+placeholders+`)
		ON CONFLICT (link_id) DO UPDATE SET position = excluded.position`, "mk_1", position)
	require.NoError(b, err)
	require.NoError(b, tx.Commit())
}
