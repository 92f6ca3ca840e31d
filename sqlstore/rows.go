package sqlstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/plain"
)

// batch is how many rows a statement writes.
const batch = 1000

// columns are those of moneykit_transactions that a transaction fills, with their types in
// PostgreSQL.
func columns() [][2]string {
	return [][2]string{
		{"id", "TEXT"},
		{"account_id", "TEXT"},
		{"type", "TEXT"},
		{"amount", "NUMERIC"},
		{"currency", "TEXT"},
		{"date", "DATE"},
		{"datetime", "TEXT"},
		{"original_id", "TEXT"},
		{"pending", "BOOLEAN"},
		{"description", "TEXT"},
		{"raw_description", "TEXT"},
		{"category", "TEXT"},
		{"subcategory", "TEXT"},
		{"merchant", "TEXT"},
		{"enrichment", "JSONB"},
		{"extra", "JSONB"},
	}
}

// extra is what of a transaction has no column of its own.
type extra struct {
	Amount   string `json:"amount,omitempty"`   // as it was written, if NUMERIC cannot keep that
	Category string `json:"category,omitempty"` // the former kind of category
}

// upsertStatement returns the statement that writes n rows. Each value is an argument for SQLite,
// and each column one for PostgreSQL.
func upsertStatement(d Dialect, n int) string {
	var names, arrays, sets strings.Builder
	for i, c := range columns() {
		fmt.Fprintf(&names, ", %s", c[0])
		fmt.Fprintf(&sets, ", %s = excluded.%s", c[0], c[0])
		if i > 0 {
			arrays.WriteString(", ")
		}
		fmt.Fprintf(&arrays, "CAST($%d AS %s[])", i+3, c[1])
	}
	from := "SELECT $1, CAST($2 AS BIGINT), r.* FROM unnest(" + arrays.String() + ") r"
	if d == SQLite {
		one := "(?, ?" + strings.Repeat(", ?", len(columns())) + ")"
		from = "VALUES " + one + strings.Repeat(", "+one, n-1)
	}
	return "INSERT INTO moneykit_transactions (link_id, generation" + names.String() + ") " + from +
		" ON CONFLICT (link_id, id) DO UPDATE SET generation = excluded.generation" + sets.String()
}

// upsert writes the rows of an update.
func (s *Store) upsert(ctx context.Context, q querier, u *moneykit.SyncUpdate) error {
	write := s.writeArrays
	if s.dialect == SQLite {
		write = s.writeValues
	}
	for rows := range slices.Chunk(u.Upsert, batch) {
		if err := write(ctx, q, clean(u.LinkID), u.Position.Generation, rows); err != nil {
			return err
		}
	}
	return nil
}

// writeArrays sends each column as one array, so that PostgreSQL has few arguments to take apart.
func (s *Store) writeArrays(ctx context.Context, q querier, linkID string, generation int64, rows []moneykit.Transaction) error {
	lists := make([]list, len(columns()))
	for i := range lists {
		lists[i].begin(s.dialect)
	}
	rows = lastOfEach(rows)
	for i := range rows {
		cells, err := s.cells(&rows[i])
		if err != nil {
			return err
		}
		for j, c := range cells {
			lists[j].add(c)
		}
	}
	args := append(make([]any, 0, 2+len(lists)), linkID, generation)
	for i := range lists {
		lists[i].end()
		args = append(args, string(lists[i].text))
	}
	_, err := q.ExecContext(ctx, upsertStatement(s.dialect, len(rows)), args...)
	return err
}

// perStatement is how many rows a statement of SQLite writes. More would make it slower: drivers
// look up each argument.
const perStatement = 25

// writeValues sends a few rows at a time.
func (s *Store) writeValues(ctx context.Context, q querier, linkID string, generation int64, rows []moneykit.Transaction) error {
	full, err := q.PrepareContext(ctx, upsertStatement(s.dialect, perStatement))
	if err != nil {
		return err
	}
	defer func() { _ = full.Close() }() // There is nothing to do about it.
	for some := range slices.Chunk(rows, perStatement) {
		args := make([]any, 0, len(some)*(2+len(columns())))
		for i := range some {
			cells, err := s.cells(&some[i])
			if err != nil {
				return err
			}
			args = append(args, linkID, generation)
			for _, c := range cells {
				args = append(args, c.value())
			}
		}
		if len(some) == perStatement {
			_, err = full.ExecContext(ctx, args...)
		} else {
			_, err = q.ExecContext(ctx, upsertStatement(s.dialect, len(some)), args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lastOfEach returns the rows without those that a later row of the same id replaces: PostgreSQL
// does not write a row twice in one statement.
func lastOfEach(rows []moneykit.Transaction) []moneykit.Transaction {
	last := make(map[string]int, len(rows))
	for i := range rows {
		last[clean(rows[i].ID)] = i
	}
	if len(last) == len(rows) {
		return rows
	}
	kept := make([]moneykit.Transaction, 0, len(last))
	for i := range rows {
		if last[clean(rows[i].ID)] == i {
			kept = append(kept, rows[i])
		}
	}
	return kept
}

// cell is a value of a column as a text, the zero value for NULL.
type cell struct {
	text string
	ok   bool
}

// value returns the cell as an argument of a statement.
func (c cell) value() any {
	if !c.ok {
		return nil
	}
	return clean(c.text)
}

func filled(text string) cell   { return cell{text, true} }
func optional(text string) cell { return cell{text, text != ""} }

// cells returns the values of the columns, in their order.
func (s *Store) cells(t *moneykit.Transaction) (_ []cell, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("transaction %s: %w", plain.Quote(t.ID), err)
		}
	}()
	date, err := t.Date.MarshalText()
	if err != nil {
		return nil, err
	}
	if len(date) == 0 && s.dialect == PostgreSQL {
		date = []byte("-infinity")
	}
	var datetime cell
	if !t.Datetime.IsZero() {
		if datetime, err = local(t.Datetime.Time); err != nil {
			return nil, errors.New("the datetime must be in the years 1 to 9999, with an offset below 24 hours")
		}
	}
	pending := "0"
	if t.Pending {
		pending = "1"
	}
	rest := extra{Category: t.Category} //nolint:staticcheck // It is deprecated, but it is there.
	amount := t.Amount.String()
	if s.dialect == PostgreSQL && (strings.ContainsAny(amount, "eE") || (t.Amount.IsZero() && amount[0] == '-')) {
		rest.Amount = amount
	}
	var category, subcategory, merchant, enrichment cell
	if e := t.Enrichment; e != nil {
		category = optional(e.Category.Value)
		if e.Subcategory != nil {
			subcategory = optional(e.Subcategory.Value)
		}
		if e.Merchant != nil {
			merchant = optional(e.Merchant.Name)
		}
		if enrichment, err = document(e); err != nil {
			return nil, err
		}
	}
	var more cell
	if rest != (extra{}) {
		if more, err = document(rest); err != nil {
			return nil, err
		}
	}
	return []cell{
		filled(t.ID), filled(t.AccountID), filled(string(t.Type)), filled(amount), filled(t.Currency), filled(string(date)),
		datetime, optional(t.OriginalID), filled(pending), filled(t.Description), filled(t.RawDescription),
		category, subcategory, merchant, enrichment, more,
	}, nil
}

// local returns a time in RFC 3339, in its own time zone.
func local(t time.Time) (cell, error) {
	if _, offset := t.Zone(); offset%60 != 0 { // RFC 3339 has no seconds in an offset.
		t = t.UTC()
	}
	text, err := stampText(t)
	return filled(text), err
}

// stampText returns a time as a text that can be read again. RFC 3339 has the year 0, which package
// moneykit does not read, and MarshalText writes.
func stampText(t time.Time) (string, error) {
	text, err := t.MarshalText()
	if err == nil && t.Year() < 1 {
		err = errors.New("the year is before 1")
	}
	return string(text), err
}

// document returns a value as JSON that PostgreSQL accepts: it refuses the character NUL also where
// it is escaped.
func document(value any) (cell, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return cell{}, err
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if bytes.HasPrefix(text[i:], []byte(`\u0000`)) {
			copy(text[i:], `\ufffd`)
		}
		i++ // what is escaped
	}
	return filled(string(text)), nil
}

// list writes texts as an array: in JSON for SQLite, as a literal of an array for PostgreSQL.
type list struct {
	text []byte
	json bool
}

// begin begins the list, or a list within it.
func (l *list) begin(d Dialect) {
	l.json = d == SQLite
	l.separate()
	if l.json {
		l.text = append(l.text, '[')
	} else {
		l.text = append(l.text, '{')
	}
}

func (l *list) end() {
	if l.json {
		l.text = append(l.text, ']')
	} else {
		l.text = append(l.text, '}')
	}
}

func (l *list) separate() {
	if n := len(l.text); n > 0 && l.text[n-1] != '[' && l.text[n-1] != '{' {
		l.text = append(l.text, ',')
	}
}

// add appends a value.
func (l *list) add(c cell) {
	l.separate()
	if !c.ok {
		l.text = append(l.text, "null"...)
		return
	}
	l.text = append(l.text, '"')
	text := clean(c.text) // Rows of SQLite have the same ids.
	begin := 0            // of what is written as it is
	for i := range len(text) {
		switch b := text[i]; {
		case b == '"' || b == '\\':
			l.text = append(append(l.text, text[begin:i]...), '\\', b)
		case b < ' ' && l.json:
			l.text = fmt.Appendf(append(l.text, text[begin:i]...), `\u%04x`, b)
		default:
			continue
		}
		begin = i + 1
	}
	l.text = append(append(l.text, text[begin:]...), '"')
}
