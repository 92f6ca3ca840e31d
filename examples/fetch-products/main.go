// Fetch-products prints the data of one product of a link, as a table or as JSON:
//
//	go run ./examples/fetch-products transactions
//	go run ./examples/fetch-products -json -link mk_… -start 2026-01-01 transactions
//
// The products are accounts, account-numbers, identity, transactions, enrichment, holdings and
// investment-transactions. If MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET are not set, it reads a
// link in a sandbox inside this program.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fetch-products:", err)
		os.Exit(1)
	}
}

// query selects the data to read.
type query struct {
	client     *moneykit.Client
	link       string
	start, end moneykit.Date
}

// table is the data of a product: the rows for the table, and the values for JSON.
type table struct {
	header []string
	rows   [][]string
	values any
}

// products returns the functions that read the products, by name.
func products() map[string]func(context.Context, query) (*table, error) {
	return map[string]func(context.Context, query) (*table, error){
		"accounts":                accounts,
		"account-numbers":         accountNumbers,
		"identity":                identity,
		"transactions":            transactions,
		"enrichment":              enrichment,
		"holdings":                holdings,
		"investment-transactions": investmentTransactions,
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var q query
	known := strings.Join(slices.Sorted(maps.Keys(products())), ", ")
	flags := flag.NewFlagSet("fetch-products", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: fetch-products [flags] product\n\nProducts: %s\n\n", known)
		flags.PrintDefaults()
	}
	baseURL := flags.String("base-url", "", "send requests to this `URL` instead of MoneyKit's")
	flags.StringVar(&q.link, "link", "", "`id` of the link")
	flags.TextVar(&q.start, "start", moneykit.Date{}, "first `day` of transactions, as YYYY-MM-DD")
	flags.TextVar(&q.end, "end", moneykit.Date{}, "last `day` of transactions, as YYYY-MM-DD")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	name := flags.Arg(0)
	if name == "" {
		name = "accounts"
	}
	fetch := products()[name]
	if fetch == nil || flags.NArg() > 1 {
		return fmt.Errorf("name one product after the flags: %s", known)
	}

	id, secret := getenv("MONEYKIT_CLIENT_ID"), getenv("MONEYKIT_CLIENT_SECRET")
	switch {
	case id == "" && secret == "" && *baseURL == "" && q.link == "":
		sandbox := moneykittest.New()
		defer sandbox.Close()
		fmt.Fprintln(stderr, "MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET are not set: reading the sandbox inside this program.")
		q.client, q.link = sandbox.Client(), sandbox.AddLink(moneykittest.LinkSpec{}).ID
	case id == "" || secret == "":
		return errors.New("set both MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET; for the sandbox set neither, and no -base-url or -link")
	case q.link == "":
		return errors.New("set the id of the link with -link")
	default:
		var opts []moneykit.Option
		if *baseURL != "" {
			opts = append(opts, moneykit.WithBaseURL(*baseURL))
		}
		var err error
		if q.client, err = moneykit.NewClient(id, secret, opts...); err != nil {
			return err
		}
	}

	t, err := fetch(ctx, q)
	if err != nil {
		return explain(err)
	}
	if *asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		return out.Encode(t.values)
	}
	return t.print(stdout)
}

// explain adds to an error what to do about it.
func explain(err error) error {
	switch {
	case errors.Is(err, moneykit.ErrRelinkRequired):
		return fmt.Errorf("ask the user to reconnect the bank: %w", err)
	case errors.Is(err, moneykit.ErrForbidden):
		return fmt.Errorf("the user did not permit this product: %w", err)
	case errors.Is(err, moneykit.ErrLinkDeleted), errors.Is(err, moneykit.ErrNotFound):
		return fmt.Errorf("delete this link from your database: %w", err)
	}
	return err
}

func (t *table) print(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, strings.Join(t.header, "\t"))
	for _, row := range t.rows {
		fmt.Fprintln(out, strings.Join(row, "\t"))
	}
	return out.Flush()
}

// amount returns the digits of d, right-aligned, or a dash if there is no amount.
func amount(d *moneykit.Decimal) string {
	if d == nil {
		return fmt.Sprintf("%14s", "-")
	}
	return fmt.Sprintf("%14s", d)
}
