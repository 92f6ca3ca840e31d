package sqlstore_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

func TestMemory(t *testing.T) {
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	s, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite)
	require.NoError(t, err)
	moneykittest.StoreSuite(t, func() (moneykit.TransactionStore, func(string) ([]moneykit.Transaction, error)) {
		return s, func(linkID string) (all []moneykit.Transaction, err error) {
			for row, err := range s.Transactions(t.Context(), linkID) {
				if err != nil {
					return nil, err
				}
				all = append(all, row)
			}
			return all, nil
		}
	})
	moneykittest.DeduperSuite(t, s.Deduper)
}
