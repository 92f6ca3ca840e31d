package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
	"github.com/moneykit/moneykit-go/internal/sandbox"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
)

// options contains the values of the server's flags.
type options struct {
	listen, control string
	hosts           []string // host names of the control API
	tls             bool
	tlsDir          string
	tlsHosts        []string
	state           string // file with the state; "" for none
	seeded          bool   // the flag -seed is set
	anywhere        bool
	noDelivery      bool
	clock           time.Time // zero for the clock of the machine
	latency         time.Duration
	fail            *failure
	settings        sandbox.Settings
	version         bool
}

// failure is the value of the flag -fail.
type failure struct {
	operation string
	n, status int
}

const examples = `moneykit-sandbox is a fake MoneyKit on this machine.

Usage:

  moneykit-sandbox [flags]            serve
  moneykit-sandbox COMMAND [flags]    control a running sandbox

Examples:

  moneykit-sandbox                                serve with default settings
  moneykit-sandbox -listen :0 -seed 7             on any free port, with other ids and data
  moneykit-sandbox -limits -latency 200ms         slow, and with rate limits
  moneykit-sandbox -clock 2026-01-31T23:59:00Z    start the clock at another time
  moneykit-sandbox -state sandbox.state           keep the state in a file

  moneykit-sandbox links                          list the links
  moneykit-sandbox connect -token TOKEN           play a user in Connect
  moneykit-sandbox break -link mk_… -reason auth_expired
  moneykit-sandbox listen                         print webhooks as they are sent
  moneykit-sandbox tail                           print requests as they arrive

moneykit-sandbox COMMAND -h prints the flags of a command.
`

// parse reads the flags of the server.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{settings: sandbox.Default()}
	var clock, fail, settling, hosts, tlsHosts, origins string
	set := flag.NewFlagSet("moneykit-sandbox", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&o.listen, "listen", "localhost:8787", "`address` of the API and of Connect's pages; port 0 picks one")
	set.StringVar(&o.control, "control", "localhost:8788", "`address` of the control API and its page; port 0 picks one")
	set.StringVar(&hosts, "control-hosts", "", "additional host `names` of the control API, separated by commas")
	set.StringVar(&o.settings.API.ClientID, "client-id", o.settings.API.ClientID, "client `id` that the API accepts")
	set.StringVar(&o.settings.API.ClientSecret, "client-secret", o.settings.API.ClientSecret, "client `secret` that the API accepts")
	set.StringVar(&origins, "redirect-origins", "", "allowed `origins` of redirect URIs, separated by commas; empty means any")
	set.Uint64Var(&o.settings.World.Seed, "seed", 0, "`number` that determines all ids and made-up data")
	set.DurationVar(&o.settings.World.History, "history", o.settings.World.History, "how far back the transactions of a new link go")
	set.BoolVar(&o.settings.API.RateLimits, "limits", false, "enforce the rate limits that MoneyKit publishes")
	set.DurationVar(&o.latency, "latency", 0, "delay of each request")
	set.StringVar(&fail, "fail", "", "`[operation:]status[:n]`: make the next n requests fail, or all without n, such as 503:10 or get_accounts:500")
	set.StringVar(&clock, "clock", "", "`time` at which the clock begins, such as 2026-01-31T23:59:00Z")
	set.BoolVar(&o.settings.API.Nulls, "nulls", false, "write optional members without a value as null")
	set.BoolVar(&o.settings.API.Zoneless, "zoneless", false, "write times without a zone")
	set.StringVar(&settling, "settling", "new_ids", "ids of pending transactions when they are posted: `new_ids or same_id`")
	set.BoolVar(&o.noDelivery, "no-delivery", false, "send webhooks only when deliver is called")
	set.BoolVar(&o.anywhere, "deliver-anywhere", false, "deliver webhooks to any host, not only to this machine and private networks")
	set.BoolVar(&o.tls, "tls", false, "serve the API over TLS, with its own CA")
	set.StringVar(&o.tlsDir, "tls-dir", "", "`folder` of the CA (default: in the user's cache)")
	set.StringVar(&tlsHosts, "tls-hosts", "", "additional host `names` in the certificate, separated by commas")
	set.StringVar(&o.state, "state", "", "`file` with the links, sessions, tokens, webhooks and faults; created if it does not exist")
	set.BoolVar(&o.version, "version", false, "print the version")
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		help(set, stderr)
		return nil, err
	} else if err != nil {
		return nil, &usageError{err.Error()}
	}
	if set.NArg() > 0 {
		return nil, &usageError{"unexpected argument (a command comes before its flags): " + set.Arg(0)}
	}
	set.Visit(func(f *flag.Flag) { o.seeded = o.seeded || f.Name == "seed" })
	o.hosts, o.tlsHosts = words(strings.ToLower(hosts)), words(tlsHosts)
	for _, name := range append(slices.Clone(o.hosts), o.tlsHosts...) {
		if net.ParseIP(name) == nil && strings.ContainsAny(name, ":/ ") {
			return nil, &usageError{"-control-hosts and -tls-hosts must be names or addresses, without scheme and port"}
		}
	}
	if !o.tls && (o.tlsDir != "" || tlsHosts != "") {
		return nil, &usageError{"-tls-dir and -tls-hosts require -tls"}
	}
	var err error
	if clock != "" {
		if o.clock, err = time.Parse(time.RFC3339, clock); err != nil {
			return nil, &usageError{"-clock must be a time such as 2026-01-31T23:59:00Z"}
		}
	}
	if o.fail, err = parseFailure(fail); err != nil {
		return nil, err
	}
	switch settling {
	case "new_ids":
	case "same_id":
		o.settings.World.SameID = true
	default:
		return nil, &usageError{"-settling must be new_ids or same_id"}
	}
	if strings.Contains(o.settings.API.ClientID, ":") {
		return nil, &usageError{"-client-id must not contain a colon, because of Basic authentication"}
	}
	if o.settings.API.ClientID == "" || o.settings.API.ClientSecret == "" {
		return nil, &usageError{"-client-id and -client-secret must not be empty"}
	}
	if o.settings.World.History < 0 || o.latency < 0 {
		return nil, &usageError{"-history and -latency must not be negative"}
	}
	if origins != "" {
		for _, origin := range words(origins) {
			if len(api.Origins(origin)) == 0 {
				return nil, &usageError{"-redirect-origins must be origins such as https://app.example"}
			}
		}
		o.settings.API.Origins = api.Origins(words(origins)...)
	}
	o.settings.Delivery.Nulls, o.settings.Delivery.Zoneless = o.settings.API.Nulls, o.settings.API.Zoneless
	o.settings.Delivery.Transport = delivery.Nearby()
	if o.anywhere {
		o.settings.Delivery.Transport = delivery.Network()
	}
	return o, nil
}

// parseFailure reads the flag -fail.
func parseFailure(text string) (*failure, error) {
	if text == "" {
		return nil, nil
	}
	wrong := &usageError{"-fail must be a status such as 503, 503:10, get_accounts:503 or get_accounts:503:10"}
	f := &failure{n: -1}
	parts := strings.Split(text, ":")
	if _, err := strconv.Atoi(parts[0]); err != nil {
		f.operation, parts = parts[0], parts[1:]
	}
	if len(parts) == 0 || len(parts) > 2 {
		return nil, wrong
	}
	var err error
	if f.status, err = strconv.Atoi(parts[0]); err != nil || f.status < 400 || f.status > 599 {
		return nil, wrong
	}
	if len(parts) == 2 {
		if f.n, err = strconv.Atoi(parts[1]); err != nil || f.n < 1 {
			return nil, wrong
		}
	}
	return f, nil
}

// words splits a list at commas.
func words(list string) []string {
	var all []string
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word != "" {
			all = append(all, word)
		}
	}
	return all
}

func help(set *flag.FlagSet, w io.Writer) {
	fmt.Fprint(w, examples, "\nCommands:\n\n")
	for _, v := range control.Verbs() {
		fmt.Fprintf(w, "  %-13s %s\n", v.Name, v.Summary)
	}
	for _, l := range control.Lists() {
		fmt.Fprintf(w, "  %-13s %s\n", l.Name, l.Summary)
	}
	fmt.Fprintf(w, "  %-13s %s\n", "listen", "print webhooks as they are queued and sent, until interrupted")
	fmt.Fprintf(w, "  %-13s %s\n", "tail", "print requests as they arrive, without secrets, until interrupted")
	fmt.Fprintf(w, "  %-13s %s\n", "openapi", "print the OpenAPI document of the control API")
	fmt.Fprint(w, "\nFlags:\n\n")
	set.SetOutput(w)
	set.PrintDefaults()
}
