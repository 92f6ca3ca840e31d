//go:build linux

package fleet

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// handRow is a transaction of the loop by hand.
type handRow struct {
	ID             string          `json:"transaction_id"`
	AccountID      string          `json:"account_id"`
	Amount         json.RawMessage `json:"amount"`
	Type           string          `json:"type"`
	Currency       string          `json:"currency"`
	Date           string          `json:"date"`
	Datetime       *string         `json:"datetime"`
	Description    string          `json:"description"`
	RawDescription string          `json:"raw_description"`
	Pending        bool            `json:"pending"`
	OriginalID     *string         `json:"original_id"`
	Enrichment     json.RawMessage `json:"enrichment"`
}

type handPage struct {
	Transactions struct {
		Created []handRow `json:"created"`
		Updated []handRow `json:"updated"`
		Removed []string  `json:"removed"`
	} `json:"transactions"`
	Cursor struct {
		Next string `json:"next"`
	} `json:"cursor"`
	HasMore bool `json:"has_more"`
}

// handColumns are the columns of sqlstore, without the generation.
const handColumns = "link_id, id, account_id, type, amount, currency, date, datetime, original_id, pending, description, " +
	"raw_description, category, subcategory, merchant, enrichment"

// hand syncs without the SDK: it reads a page, and stores it with the cursor in one transaction,
// with statements of 100 rows.
func hand(ctx context.Context, db *sql.DB, database string) (func() (int, error), error) {
	amount, object := "TEXT", "TEXT"
	if database == "postgres" {
		amount, object = "NUMERIC", "JSONB"
	}
	for _, statement := range []string{
		`CREATE TABLE hand (link_id TEXT NOT NULL, id TEXT NOT NULL, account_id TEXT NOT NULL, type TEXT NOT NULL, amount ` + amount + ` NOT NULL,
			currency TEXT NOT NULL, date DATE NOT NULL, datetime TEXT, original_id TEXT, pending BOOLEAN NOT NULL, description TEXT NOT NULL,
			raw_description TEXT NOT NULL, category TEXT, subcategory TEXT, merchant TEXT, enrichment ` + object + `, PRIMARY KEY (link_id, id))`,
		"CREATE INDEX hand_by_date ON hand (link_id, date, id)",
		"CREATE TABLE hand_cursor (link_id TEXT NOT NULL PRIMARY KEY, cursor TEXT NOT NULL)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	client := &http.Client{Timeout: time.Minute}
	return func() (rows int, err error) {
		for cursor, more := "", true; more; {
			page, err := handRead(ctx, client, cursor)
			if err != nil {
				return 0, err
			}
			if err := handWrite(ctx, db, page); err != nil {
				return 0, err
			}
			cursor, more = page.Cursor.Next, page.HasMore
		}
		return rows, db.QueryRowContext(ctx, "SELECT count(*) FROM hand").Scan(&rows)
	}, nil
}

func handRead(ctx context.Context, client *http.Client, cursor string) (*handPage, error) {
	target := os.Getenv("FLEET_SERVER") + "/links/mk_1/transactions/sync?size=500"
	if cursor != "" {
		target += "&cursor=" + url.QueryEscape(cursor)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Client-Id", "id")
	req.Header.Set("X-Client-Secret", "secret")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	page := new(handPage)
	return page, json.Unmarshal(data, page)
}

// handEnrichment is the part of the enrichment that has its own columns.
type handEnrichment struct {
	Category    struct{ Value *string }
	Subcategory *struct{ Value *string }
	Merchant    *struct{ Name *string }
}

func handWrite(ctx context.Context, db *sql.DB, page *handPage) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	rows := append(page.Transactions.Created, page.Transactions.Updated...)
	for len(rows) > 0 {
		n := min(100, len(rows))
		if err := handUpsert(ctx, tx, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	for _, id := range page.Transactions.Removed {
		if _, err := tx.ExecContext(ctx, "DELETE FROM hand WHERE link_id = 'mk_1' AND id = $1", id); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO hand_cursor (link_id, cursor) VALUES ('mk_1', $1)
		ON CONFLICT (link_id) DO UPDATE SET cursor = excluded.cursor`, page.Cursor.Next); err != nil {
		return err
	}
	return tx.Commit()
}

func handUpsert(ctx context.Context, tx *sql.Tx, rows []handRow) error {
	const columns = 16
	var query strings.Builder
	query.WriteString("INSERT INTO hand (" + handColumns + ") VALUES ")
	args := make([]any, 0, len(rows)*columns)
	for i := range rows {
		row := &rows[i]
		var e handEnrichment
		var category, subcategory, merchant, enrichment any
		if len(row.Enrichment) > 0 && string(row.Enrichment) != "null" {
			if err := json.Unmarshal(row.Enrichment, &e); err != nil {
				return err
			}
			category, enrichment = e.Category.Value, string(row.Enrichment)
			if e.Subcategory != nil {
				subcategory = e.Subcategory.Value
			}
			if e.Merchant != nil {
				merchant = e.Merchant.Name
			}
		}
		if i > 0 {
			query.WriteByte(',')
		}
		query.WriteByte('(')
		for c := range columns {
			if c > 0 {
				query.WriteByte(',')
			}
			fmt.Fprintf(&query, "$%d", i*columns+c+1)
		}
		query.WriteByte(')')
		args = append(args, "mk_1", row.ID, row.AccountID, row.Type, strings.Trim(string(row.Amount), `"`), row.Currency, row.Date,
			row.Datetime, row.OriginalID, row.Pending, row.Description, row.RawDescription, category, subcategory, merchant, enrichment)
	}
	query.WriteString(" ON CONFLICT (link_id, id) DO UPDATE SET ")
	for i, column := range strings.Split(handColumns, ", ")[2:] {
		if i > 0 {
			query.WriteString(", ")
		}
		query.WriteString(column + " = excluded." + column)
	}
	_, err := tx.ExecContext(ctx, query.String(), args...)
	return err
}
