// Quickstart links a bank account, and prints the link and its accounts.
//
// Without credentials it uses a sandbox inside this program, and plays the user as well:
//
//	go run ./examples/quickstart
//
// If MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET are set, it calls MoneyKit. A person then goes
// through Connect and pastes the exchangeable token into the terminal.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// quickstart is the configuration from the flags and the environment.
type quickstart struct {
	user, institution, redirectURI string

	client *moneykit.Client
	// connect takes the user through Connect and returns the exchangeable token.
	connect func(*moneykit.LinkSession) (string, error)
	say     io.Writer // for progress messages
}

func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	q := quickstart{say: stdout}
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	baseURL := flags.String("base-url", "", "send requests to this `URL` instead of MoneyKit's")
	flags.StringVar(&q.user, "user", "quickstart-user", "your `id` of the user, 4 to 150 characters")
	flags.StringVar(&q.institution, "institution", "", "`id` of the institution to link; by default the user chooses")
	flags.StringVar(&q.redirectURI, "redirect-uri", "http://localhost:3000", "`URL` to which banks send the user back; its origin must be registered")
	asJSON := flags.Bool("json", false, "print the link and its accounts as JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *asJSON {
		q.say = stderr
	}

	id, secret := getenv("MONEYKIT_CLIENT_ID"), getenv("MONEYKIT_CLIENT_SECRET")
	switch {
	case id == "" && secret == "" && *baseURL == "":
		sandbox := moneykittest.New()
		defer sandbox.Close()
		q.useSandbox(sandbox)
	case id == "" || secret == "":
		return errors.New("set both MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET; for the sandbox set neither, and no -base-url")
	default:
		if err := q.useMoneyKit(id, secret, *baseURL, stdin); err != nil {
			return err
		}
	}

	accounts, err := q.link(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		return out.Encode(accounts)
	}
	return show(stdout, accounts)
}

// useSandbox makes q use a sandbox inside this program, and play the user.
func (q *quickstart) useSandbox(sandbox *moneykittest.Server) {
	fmt.Fprintln(q.say, "MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET are not set: using the sandbox inside this program.")
	fmt.Fprintln(q.say)
	q.client = sandbox.Client()
	q.connect = func(session *moneykit.LinkSession) (string, error) {
		posted := sandbox.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{})
		result, err := moneykit.ParseConnectResult(posted)
		switch {
		case err != nil:
			return "", err
		case result.Err != nil:
			return "", fmt.Errorf("%w: %s", result.Err, result.Err.DisplayedMessage)
		}
		fmt.Fprintf(q.say, "2. The user linked %d accounts at %s in Connect.\n", len(result.Accounts), result.Institution.Name)
		return result.ExchangeableToken, nil
	}
}

// useMoneyKit makes q call MoneyKit, with a person as the user.
func (q *quickstart) useMoneyKit(id, secret, baseURL string, stdin io.Reader) error {
	var opts []moneykit.Option
	if baseURL != "" {
		opts = append(opts, moneykit.WithBaseURL(baseURL))
	}
	client, err := moneykit.NewClient(id, secret, opts...)
	if err != nil {
		return err
	}
	q.client = client
	q.connect = func(session *moneykit.LinkSession) (string, error) {
		fmt.Fprintf(q.say, `2. Start Connect in a front end with this link session token, which can be used once:

   %s

   On the web, for example:

   new MoneyKit().link(token, (exchangeableToken) => console.log(exchangeableToken))

   Go through Connect, paste the exchangeable token here, and press Enter:
`, session.Token)
		line, err := bufio.NewReader(io.LimitReader(stdin, 64<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the exchangeable token: %w", err)
		}
		if line = strings.TrimSpace(line); line == "" {
			return "", errors.New("no exchangeable token was pasted")
		}
		return line, nil
	}
	return nil
}

// link opens a link session, lets the user go through Connect, and reads the accounts of the link.
func (q *quickstart) link(ctx context.Context) (*moneykit.AccountList, error) {
	session, err := q.client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
		CustomerUser:  moneykit.CustomerUser{ID: q.user},
		RedirectURI:   q.redirectURI,
		InstitutionID: q.institution,
		Settings: &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
			Transactions: &moneykit.ProductSettings{Prefetch: true, Reason: "show your spending"},
			Identity:     &moneykit.ProductSettings{Reason: "check that the accounts are yours"},
		}},
	})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(q.say, "1. Opened a link session for the user %s.\n", q.user)
	token, err := q.connect(session)
	if err != nil {
		return nil, err
	}
	link, err := q.client.LinkSessions.Exchange(ctx, token)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(q.say, "3. Exchanged the exchangeable token for a link.")
	accounts, err := q.client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(q.say, "4. Read its accounts.")
	return accounts, nil
}

// show prints the link, its products and its accounts.
func show(w io.Writer, list *moneykit.AccountList) error {
	link := list.Link
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nLink\t%s\nInstitution\t%s\nState\t%s\n", link.ID, link.InstitutionName, link.State)

	fmt.Fprint(table, "\nPRODUCT\tREFRESHED\n")
	for _, p := range []struct {
		name    moneykit.Product
		product *moneykit.LinkedProduct
	}{
		{moneykit.ProductAccounts, link.Products.Accounts},
		{moneykit.ProductAccountNumbers, link.Products.AccountNumbers},
		{moneykit.ProductIdentity, link.Products.Identity},
		{moneykit.ProductTransactions, link.Products.Transactions},
		{moneykit.ProductInvestments, link.Products.Investments},
		{moneykit.ProductEnrichment, link.Products.Enrichment},
	} {
		if p.product == nil {
			continue
		}
		refreshed := "not yet"
		if at := p.product.RefreshedAt; !at.IsZero() {
			refreshed = at.Format("2006-01-02 15:04:05 MST")
		}
		fmt.Fprintf(table, "%s\t%s\n", p.name, refreshed)
	}

	fmt.Fprintf(table, "\nACCOUNT\tTYPE\tMASK\t%12s\t%12s\tCURRENCY\n", "CURRENT", "AVAILABLE")
	for _, a := range list.Accounts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%12s\t%12s\t%s\n",
			a.Name, a.Type, a.Mask, amount(a.Balances.Current), amount(a.Balances.Available), a.Balances.Currency)
	}
	return table.Flush()
}

// amount returns the digits of d, or a dash if there is no amount.
func amount(d *moneykit.Decimal) string {
	if d == nil {
		return "-"
	}
	return d.String()
}
