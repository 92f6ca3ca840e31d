package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// view is the result of the command show.
type view struct {
	Transactions []row   `json:"transactions"`
	Months       []month `json:"months"`
	Rows         int     `json:"rows"` // Transactions may contain only the newest of them

	anyLinks bool // whether the database has links
}

// row is a transaction in the output.
type row struct {
	ID          string           `json:"transaction_id"`
	LinkID      string           `json:"link_id"`
	AccountID   string           `json:"account_id"`
	Date        moneykit.Date    `json:"date"`
	Type        string           `json:"type"`
	Amount      moneykit.Decimal `json:"amount"`
	Currency    string           `json:"currency"`
	Pending     bool             `json:"pending"`
	Description string           `json:"description"`
	Category    string           `json:"category,omitempty"`
	Subcategory string           `json:"subcategory,omitempty"`
	Institution string           `json:"institution,omitempty"`
}

// balance returns the change of the account's balance: the amount with a sign.
func (r *row) balance() moneykit.Decimal {
	if r.Type == string(moneykit.TransactionTypeCredit) {
		return r.Amount
	}
	return r.Amount.Neg()
}

// where returns the filter as an SQL condition and its arguments. The columns are documented in
// sqlstore.
func (f *filter) where() (condition string, args []any) {
	conditions := []string{"TRUE"}
	add := func(text string, value any) {
		args = append(args, value)
		conditions = append(conditions, strings.ReplaceAll(text, "?", fmt.Sprintf("$%d", len(args))))
	}
	if f.link != "" {
		add("t.link_id = ?", f.link)
	}
	if f.account != "" {
		add("t.account_id = ?", f.account)
	}
	if f.category != "" {
		add("(t.category = ? OR t.subcategory = ?)", f.category)
	}
	if !f.since.IsZero() {
		add("t.date >= ?", f.since)
	}
	if !f.until.IsZero() {
		add("t.date <= ?", f.until)
	}
	return strings.Join(conditions, " AND "), args
}

// view reads the selected transactions one by one, and keeps only those to print.
func (d *database) view(ctx context.Context, f filter) (v *view, err error) {
	v = &view{Transactions: []row{}}
	if v.anyLinks, err = d.hasLinks(ctx); err != nil {
		return nil, err
	}
	condition, args := f.where()
	// The statement contains only constants; values are arguments.
	rows, err := d.db.QueryContext(ctx, `
		SELECT t.id, t.link_id, t.account_id, NULLIF(t.date, '-infinity'), t.type, t.amount, t.currency, t.pending, t.description,
			COALESCE(t.category, ''), COALESCE(t.subcategory, ''), COALESCE(l.institution_name, '')
		FROM moneykit_transactions t LEFT JOIN moneykit_links l ON l.link_id = t.link_id
		WHERE `+condition+`
		ORDER BY t.date DESC, t.pending DESC, t.id`, args...) // #nosec G202 -- see above
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var sums months
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		sums.add(&r)
		if v.Rows++; f.limit == 0 || len(v.Transactions) < f.limit {
			v.Transactions = append(v.Transactions, r)
		}
	}
	v.Months = sums.sorted()
	return v, rows.Err()
}

func scan(rows *sql.Rows) (row, error) {
	var r row
	err := rows.Scan(&r.ID, &r.LinkID, &r.AccountID, &r.Date, &r.Type, &r.Amount, &r.Currency, &r.Pending, &r.Description,
		&r.Category, &r.Subcategory, &r.Institution)
	return r, err
}

func (d *database) hasLinks(ctx context.Context) (found bool, err error) {
	if err = d.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM moneykit_links)`).Scan(&found); err != nil {
		return false, fmt.Errorf("the database cannot be read: %w", d.words(err))
	}
	return found, nil
}

// counts returns the number of transactions of each link, and how many of them are pending.
func (d *database) counts(ctx context.Context) (all, pending map[string]int, err error) {
	rows, err := d.db.QueryContext(ctx, `
		SELECT link_id, COUNT(*), COUNT(CASE WHEN pending THEN 1 END) FROM moneykit_transactions GROUP BY link_id`)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	all, pending = map[string]int{}, map[string]int{}
	for rows.Next() {
		var id string
		var n, waiting int
		if err := rows.Scan(&id, &n, &waiting); err != nil {
			return nil, nil, err
		}
		all[id], pending[id] = n, waiting
	}
	return all, pending, rows.Err()
}

// write prints the transactions, and the months of each currency.
func (v *view) write(w io.Writer, s screen) error {
	if v.Rows == 0 {
		text := "No transaction matches.\n"
		if !v.anyLinks {
			text = "The database has no links yet: cache-transactions sync fills it.\n"
		}
		_, err := io.WriteString(w, text)
		return err
	}
	if err := v.writeTransactions(w, s); err != nil {
		return err
	}
	for all := v.Months; len(all) > 0; {
		n := len(all)
		if i := slices.IndexFunc(all, func(m month) bool { return m.Currency != all[0].Currency }); i > 0 {
			n = i
		}
		fmt.Fprintln(w)
		if err := writeMonths(w, s, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (v *view) writeTransactions(w io.Writer, s screen) error {
	t := table{columns: []column{
		{title: "DATE"},
		{title: "AMOUNT", right: true},
		{title: "CUR"},
		{title: "DESCRIPTION", least: 8},
		{title: "CATEGORY", least: 10, spare: 1},
		{title: "BANK", least: 8, spare: 2},
	}}
	pending := false
	for _, r := range v.Transactions {
		look, mark := plain, ""
		switch {
		case r.Pending:
			look, mark, pending = faint, pendingMark, true
		case r.balance().Sign() > 0:
			look = green
		}
		category := r.Subcategory
		if category == "" {
			category = r.Category
		}
		t.add(cell{r.Date.String() + mark, plain}, cell{signed(r.balance(), r.Currency), look}, cell{clean(r.Currency), plain},
			cell{clean(r.Description), plain}, cell{clean(strings.ReplaceAll(category, "_", " ")), plain}, cell{clean(r.Institution), faint})
	}
	if err := t.write(w, s); err != nil {
		return err
	}
	if pending {
		fmt.Fprintln(w, s.paint(faint, pendingMark+" pending"))
	}
	if more := v.Rows - len(v.Transactions); more > 0 {
		fmt.Fprintln(w, s.paint(faint, "and "+plural(more, "older row")+"; -limit 0 shows all"))
	}
	return nil
}

// pendingMark follows the day of a pending transaction.
const pendingMark = "*"
