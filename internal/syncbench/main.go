// Syncbench syncs many generated transactions over the loopback interface, with
// Client.SyncTransactions and with a loop written by hand, and prints the cost of each. The server
// and both clients are separate processes, so that the operating system accounts for them
// separately:
//
//	go run ./internal/syncbench -rows 1000000
//
// It runs only on Linux. It fails if the engine uses more memory than -max-mib above the idle
// client, or more processor time than -max-ratio times that of the loop by hand.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/usage"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "syncbench:", err)
		os.Exit(1)
	}
}

// roleVariable is the environment variable with the role of a child process.
const roleVariable = "SYNCBENCH_ROLE"

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("syncbench", flag.ContinueOnError)
	base := flags.String("url", "", "address of the server, for the processes that this one starts")
	rows := flags.Int("rows", 1_000_000, "transactions to sync")
	rounds := flags.Int("rounds", 3, "runs of each, in turn; the median counts")
	maxMiB := flags.Float64("max-mib", 32, "peak memory above the idle client")
	maxRatio := flags.Float64("max-ratio", 0.60, "processor time of the engine against the loop by hand")
	asJSON := flags.Bool("json", false, "print the comparison as JSON, whatever it says")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch os.Getenv(roleVariable) {
	case "serve":
		return serve(ctx, *rows, out)
	case "engine":
		return measure(ctx, out, func(ctx context.Context) (int, error) { return engine(ctx, *base) })
	case "hand":
		return measure(ctx, out, func(ctx context.Context) (int, error) { return hand(ctx, *base) })
	}
	c, err := compare(ctx, *rows, max(*rounds, 1))
	switch {
	case err != nil:
		return err
	case *asJSON:
		return json.NewEncoder(out).Encode(c)
	}
	c.print(out)
	if c.Ratio > *maxRatio || c.MiB > *maxMiB {
		return fmt.Errorf("more than %.2f or %.0f MiB", *maxRatio, *maxMiB)
	}
	return nil
}

// comparison contains the costs of the engine and of the loop by hand.
type comparison struct {
	Engine, Hand cost
	Ratio        float64   // of their processor times
	Ratios       []float64 // by round
	MiB          float64   // the peak of the engine above the idle client
}

func (c comparison) print(out io.Writer) {
	fmt.Fprintf(out, "%-8s %10s %12s %10s %12s %12s\n", "", "rows", "rows/s", "CPU s", "idle MiB", "peak MiB")
	for _, side := range []struct {
		name string
		cost cost
	}{{"engine", c.Engine}, {"hand", c.Hand}} {
		s := side.cost
		fmt.Fprintf(out, "%-8s %10d %12.0f %10.2f %12.1f %12.1f\n", side.name, s.Rows, float64(s.Rows)/s.Seconds, s.CPU, s.IdleMiB, s.PeakMiB)
	}
	fmt.Fprintf(out, "the engine's CPU is %.2f of the loop by hand; its peak is %.1f MiB above the idle client\n", c.Ratio, c.MiB)
}

// cost is the output of a client's process.
type cost struct {
	Rows    int
	Seconds float64 // on the clock
	CPU     float64 // seconds, user and system
	IdleMiB float64 // resident before the first request
	PeakMiB float64 // resident at most
}

// compare starts the server, and then both clients in turn.
func compare(ctx context.Context, rows, rounds int) (*comparison, error) {
	server := child(ctx, "serve", "-rows", strconv.Itoa(rows))
	said, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	address, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}

	costs := map[string][]cost{}
	for range rounds {
		for _, role := range []string{"engine", "hand"} {
			said, err := child(ctx, role, "-url", strings.TrimSpace(address)).Output()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", role, err)
			}
			var c cost
			if err := json.Unmarshal(said, &c); err != nil {
				return nil, err
			}
			if c.Rows != rows {
				return nil, fmt.Errorf("%s read %d rows, not %d", role, c.Rows, rows)
			}
			costs[role] = append(costs[role], c)
		}
	}
	c := &comparison{}
	for i := range rounds {
		c.Ratios = append(c.Ratios, costs["engine"][i].CPU/costs["hand"][i].CPU)
	}
	c.Engine, c.Hand = median(costs["engine"]), median(costs["hand"])
	c.Ratio, c.MiB = c.Engine.CPU/c.Hand.CPU, c.Engine.PeakMiB-c.Engine.IdleMiB
	return c, nil
}

// child returns the command that runs this program in another role.
func child(ctx context.Context, role string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	cmd := exec.CommandContext(ctx, self, args...) //nolint:gosec // this program itself
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// median returns the cost whose processor time is the median.
func median(costs []cost) cost {
	slices.SortFunc(costs, func(a, b cost) int { return int((a.CPU - b.CPU) * 1e6) })
	return costs[len(costs)/2]
}

// measure runs sync once and prints its cost as JSON.
func measure(ctx context.Context, out io.Writer, sync func(context.Context) (int, error)) error {
	idle, err := usage.Memory("VmRSS")
	if err != nil {
		return err
	}
	cpu, start := usage.CPU(), time.Now()
	rows, err := sync(ctx)
	if err != nil {
		return err
	}
	c := cost{Rows: rows, Seconds: time.Since(start).Seconds(), CPU: usage.CPU() - cpu, IdleMiB: idle}
	if c.PeakMiB, err = usage.Memory("VmHWM"); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(c)
}

// engine syncs with the SDK into a store that only counts.
func engine(ctx context.Context, base string) (int, error) {
	client, err := moneykit.NewClient("id", "secret", moneykit.WithBaseURL(base), moneykit.WithHeaderAuth())
	if err != nil {
		return 0, err
	}
	store := &counter{}
	_, err = client.SyncTransactions(ctx, "mk_1", store)
	return store.rows, err
}

// counter is a store that only counts rows.
type counter struct{ rows int }

func (*counter) LoadPosition(context.Context, string) (moneykit.SyncPosition, error) {
	return moneykit.SyncPosition{}, nil
}

func (c *counter) ApplyUpdate(_ context.Context, update *moneykit.SyncUpdate) error {
	c.rows += len(update.Upsert)
	return nil
}

// hand syncs without the SDK's engine, into the same types.
func hand(ctx context.Context, base string) (rows int, err error) {
	client := &http.Client{Timeout: time.Minute}
	cursor := ""
	for {
		target := base + "/links/mk_1/transactions/sync?size=500"
		if cursor != "" {
			target += "&cursor=" + url.QueryEscape(cursor)
		}
		answer, err := page(ctx, client, target)
		if err != nil {
			return rows, err
		}
		rows += len(answer.Transactions.Created) + len(answer.Transactions.Updated)
		if !answer.HasMore {
			return rows, nil
		}
		cursor = answer.Cursor.Next
	}
}

// syncPage is a page of changes.
type syncPage struct {
	Transactions struct {
		Created []moneykit.Transaction `json:"created"`
		Updated []moneykit.Transaction `json:"updated"`
		Removed []string               `json:"removed"`
	} `json:"transactions"`
	Accounts []moneykit.Account `json:"accounts"`
	Cursor   moneykit.Cursor    `json:"cursor"`
	HasMore  bool               `json:"has_more"`
	Link     moneykit.Link      `json:"link"`
}

func page(ctx context.Context, client *http.Client, target string) (*syncPage, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Client-Id", "id")
	req.Header.Set("X-Client-Secret", "secret")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	answer := new(syncPage)
	return answer, json.Unmarshal(data, answer)
}
