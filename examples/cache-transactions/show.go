package main

import (
	"context"
	"encoding/json"
	"flag"
	"time"

	"github.com/moneykit/moneykit-go"
)

// filter selects transactions. Empty fields select all.
type filter struct {
	link, account, category string
	since, until            moneykit.Date
	limit                   int // of the printed rows; the sums include all
}

// runShow is the command show.
func runShow(ctx context.Context, p *program, flags *flag.FlagSet, args []string) error {
	var f filter
	flags.StringVar(&f.link, "link", "", "`id` of a link")
	flags.StringVar(&f.account, "account", "", "`id` of an account")
	flags.StringVar(&f.category, "category", "", "`name` of a category or subcategory, such as groceries")
	flags.TextVar(&f.since, "since", moneykit.Date{}, "first `day`, as YYYY-MM-DD")
	flags.TextVar(&f.until, "until", moneykit.Date{}, "last `day`, as YYYY-MM-DD")
	month := flags.String("month", "", "`month`, as YYYY-MM, instead of -since and -until")
	flags.IntVar(&f.limit, "limit", 10, "print this `number` of transactions, newest first; 0 prints all")
	flags.BoolVar(&p.json, "json", false, "print JSON")
	if err := parse(flags, args, false); err != nil {
		return err
	}
	if err := f.choose(*month); err != nil {
		return err
	}
	d, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	v, err := d.view(ctx, f)
	if err != nil {
		return d.words(err)
	}
	if p.json {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		return out.Encode(v)
	}
	return v.write(p.stdout, newScreen(p.stdout, p.getenv))
}

// choose applies -month, and validates the days.
func (f *filter) choose(month string) error {
	if month != "" {
		first, err := time.Parse("2006-01", month)
		if err != nil {
			return wrong("-month must be a month, such as 2026-10")
		}
		if !f.since.IsZero() || !f.until.IsZero() {
			return wrong("-month replaces -since and -until: use either")
		}
		f.since = moneykit.DateOf(first)
		f.until = moneykit.DateOf(first.AddDate(0, 1, -1))
	}
	if !f.since.IsZero() && !f.until.IsZero() && f.until.Compare(f.since) < 0 {
		return wrong("-until is before -since")
	}
	if f.limit < 0 {
		return wrong("-limit must not be negative")
	}
	return nil
}
