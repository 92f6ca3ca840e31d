package main

import (
	"context"
	"iter"
	"strings"

	"github.com/moneykit/moneykit-go"
)

func accounts(ctx context.Context, q query) (*table, error) {
	list, err := q.client.Accounts.List(ctx, q.link, moneykit.AccountListParams{})
	if err != nil {
		return nil, err
	}
	t := &table{header: []string{"ACCOUNT", "TYPE", "MASK", "       CURRENT", "     AVAILABLE", "CURRENCY"}, values: list.Accounts}
	for _, a := range list.Accounts {
		t.rows = append(t.rows, []string{a.Name, a.Type, a.Mask, amount(a.Balances.Current), amount(a.Balances.Available), a.Balances.Currency})
	}
	return t, nil
}

func accountNumbers(ctx context.Context, q query) (*table, error) {
	list, err := q.client.Accounts.Numbers(ctx, q.link)
	if err != nil {
		return nil, err
	}
	t := &table{header: []string{"ACCOUNT", "SYSTEM", "ACCOUNT NUMBER", "BANK"}, values: list.Accounts}
	for _, a := range list.Accounts {
		for _, n := range a.Numbers.ACH {
			t.rows = append(t.rows, []string{a.Name, "ACH", n.AccountNumber, n.RoutingNumber})
		}
		for _, n := range a.Numbers.EFT {
			t.rows = append(t.rows, []string{a.Name, "EFT", n.AccountNumber, n.InstitutionNumber + "-" + n.BranchNumber})
		}
		for _, n := range a.Numbers.BACS {
			t.rows = append(t.rows, []string{a.Name, "Bacs", n.AccountNumber, n.SortCode})
		}
		for _, n := range a.Numbers.International {
			t.rows = append(t.rows, []string{a.Name, "IBAN", n.IBAN, n.BIC})
		}
	}
	return t, nil
}

func identity(ctx context.Context, q query) (*table, error) {
	list, err := q.client.Identity.List(ctx, q.link, moneykit.IdentityListParams{})
	if err != nil {
		return nil, err
	}
	t := &table{header: []string{"ACCOUNT", "OWNER", "CITY", "PHONE", "EMAIL"}, values: list.Accounts}
	for _, a := range list.Accounts {
		for _, o := range a.Owners {
			row := []string{a.Name, strings.Join(o.Names, ", "), "", "", ""}
			if len(o.Addresses) > 0 {
				row[2] = o.Addresses[0].City
			}
			if len(o.PhoneNumbers) > 0 {
				row[3] = o.PhoneNumbers[0].Number
			}
			if len(o.Emails) > 0 {
				row[4] = o.Emails[0].Address
			}
			t.rows = append(t.rows, row)
		}
	}
	return t, nil
}

// all reads a list to its end and makes a row of each item.
func all[T any](seq iter.Seq2[T, error], header []string, row func(T) []string) (*table, error) {
	items := []T{}
	t := &table{header: header}
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		t.rows = append(t.rows, row(item))
	}
	t.values = items
	return t, nil
}

func transactions(ctx context.Context, q query) (*table, error) {
	seq := q.client.Transactions.All(ctx, q.link, moneykit.TransactionListParams{StartDate: q.start, EndDate: q.end})
	return all(seq, []string{"DATE", "        AMOUNT", "CURRENCY", "TYPE", "STATE", "DESCRIPTION"}, func(tx moneykit.Transaction) []string {
		state := "posted"
		if tx.Pending {
			state = "pending"
		}
		return []string{tx.Date.String(), amount(&tx.Amount), tx.Currency, string(tx.Type), state, tx.Description}
	})
}

func enrichment(ctx context.Context, q query) (*table, error) {
	seq := q.client.Transactions.All(ctx, q.link, moneykit.TransactionListParams{StartDate: q.start, EndDate: q.end})
	return all(seq, []string{"DATE", "DESCRIPTION", "MERCHANT", "CATEGORY", "SUBCATEGORY", "RECURS"}, func(tx moneykit.Transaction) []string {
		row := []string{tx.Date.String(), tx.Description, "", "", "", ""}
		e := tx.Enrichment
		if e == nil {
			return row
		}
		row[3] = e.Category.Value
		if e.Merchant != nil {
			row[2] = e.Merchant.Name
		}
		if e.Subcategory != nil {
			row[4] = e.Subcategory.Value
		}
		if e.Recurrence != nil {
			row[5] = e.Recurrence.Frequency
		}
		return row
	})
}

func holdings(ctx context.Context, q query) (*table, error) {
	list, err := q.client.Investments.Holdings(ctx, q.link, moneykit.HoldingListParams{})
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, s := range list.Securities {
		names[s.ID] = s.Name
	}
	t := &table{header: []string{"SECURITY", "      QUANTITY", "         PRICE", "         VALUE"}, values: list}
	for _, h := range list.Holdings {
		t.rows = append(t.rows, []string{names[h.SecurityID], amount(&h.Quantity), amount(h.Price), amount(h.Value)})
	}
	return t, nil
}

func investmentTransactions(ctx context.Context, q query) (*table, error) {
	seq := q.client.Investments.AllTransactions(ctx, q.link, moneykit.InvestmentTransactionListParams{StartDate: q.start, EndDate: q.end})
	return all(seq, []string{"DATE", "TYPE", "        AMOUNT", "      QUANTITY", "DESCRIPTION"}, func(tx moneykit.InvestmentTransaction) []string {
		return []string{tx.Date.String(), tx.Type, amount(&tx.Amount), amount(tx.Quantity), tx.Description}
	})
}
