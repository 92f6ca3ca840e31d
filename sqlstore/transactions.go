package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/moneykit/moneykit-go"
)

// pageSize is how many rows the iterators read at once.
const pageSize = 500

// Transactions yields the stored transactions of a link, newest first. It reads them in pages of
// 500, and holds no connection while the loop runs. Each page is what the database holds when the
// loop reaches it: transactions that are written during the loop may be among them or not.
//
// An error ends the loop.
func (s *Store) Transactions(ctx context.Context, linkID string) iter.Seq2[moneykit.Transaction, error] {
	return pages(func(last *moneykit.Transaction) ([]moneykit.Transaction, error) {
		query, args := s.transactionsAfter(clean(linkID), last)
		list, err := collect(ctx, s, scanTransaction, query, args...)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: reading transactions: %w", err)
		}
		return list, nil
	})
}

// transactionsAfter returns a statement that reads a page: the first if last is nil.
func (s *Store) transactionsAfter(linkID string, last *moneykit.Transaction) (query string, args []any) {
	query = `SELECT id, account_id, type, amount, currency, date, datetime, original_id, pending, description, raw_description, enrichment, extra`
	none := ""
	if s.dialect == PostgreSQL {
		// Drivers do not agree on what these types are in Go, and the form of a date is a setting.
		query = `SELECT id, account_id, type, CAST(amount AS TEXT), currency, coalesce(to_char(date, 'YYYY-MM-DD'), ''), datetime, original_id,
			pending, description, raw_description, CAST(enrichment AS TEXT), CAST(extra AS TEXT)`
		none = "-infinity"
	}
	query += ` FROM moneykit_transactions WHERE link_id = $1`
	args = []any{linkID, pageSize}
	if last != nil {
		after := last.Date.String()
		if after == "" {
			after = none
		}
		date := "$3"
		if s.dialect == PostgreSQL {
			date = "CAST($3 AS DATE)"
		}
		query += ` AND (date, id) < (` + date + `, $4)`
		args = append(args, after, last.ID)
	}
	return query + ` ORDER BY date DESC, id DESC LIMIT $2`, args
}

func scanTransaction(rows *sql.Rows) (moneykit.Transaction, error) {
	var t moneykit.Transaction
	var amount string
	var originalID, enrichment, more sql.NullString
	if err := rows.Scan(&t.ID, &t.AccountID, &t.Type, &amount, &t.Currency, &t.Date, &t.Datetime, &originalID,
		&t.Pending, &t.Description, &t.RawDescription, &enrichment, &more); err != nil {
		return t, err
	}
	t.OriginalID = originalID.String
	if enrichment.Valid {
		if err := json.Unmarshal([]byte(enrichment.String), &t.Enrichment); err != nil {
			return t, errors.New("the column enrichment of a transaction is not what this package writes")
		}
	}
	var rest extra
	if more.Valid {
		if err := json.Unmarshal([]byte(more.String), &rest); err != nil {
			return t, errors.New("the column extra of a transaction is not what this package writes")
		}
	}
	t.Category = rest.Category
	var err error
	t.Amount, err = moneykit.ParseDecimal(cmp.Or(rest.Amount, amount))
	return t, err
}

// pages yields the values of one page after the other. read returns the page after a value, or the
// first page, and none after the last.
func pages[T any](read func(last *T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last *T
		for {
			page, err := read(last)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			last = &page[len(page)-1]
		}
	}
}

// collect reads all rows of a statement.
func collect[T any](ctx context.Context, s *Store, scan func(*sql.Rows) (T, error), query string, args ...any) (list []T, err error) {
	err = s.retry(ctx, func() error {
		list = nil
		rows, err := s.querier().QueryContext(ctx, s.text(query), args...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			value, err := scan(rows)
			if err != nil {
				return err
			}
			list = append(list, value)
		}
		return rows.Err()
	})
	return list, err
}
