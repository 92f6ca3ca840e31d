//go:build linux

package fleet

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/postgrestest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

var (
	speedRows   = flag.Int("rows", 50_000, "transactions that TestSpeed syncs")
	speedRounds = flag.Int("rounds", 3, "runs of each way, in turn; the medians count")
	mostCPU     = flag.Float64("max-ratio", 1.2, "processor time of the store against the loop by hand")
	mostMiB     = flag.Float64("max-mib", 64, "peak memory of the store above that of an idle program")
)

// roleVariable is the environment variable with the role of a child process of the tests.
const roleVariable = "FLEET_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(context.Background(), role); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// cost is the output of a process after its sync.
type cost struct {
	Rows     int
	Seconds  float64 // on the clock
	CPU      float64 // of the process, in seconds
	Database float64 // of PostgreSQL's process, in seconds
	MiB      float64 // at most, above the idle program
}

// TestSpeed syncs the same rows with sqlstore and with a loop by hand, into both databases.
func TestSpeed(t *testing.T) {
	server := serve(t, *speedRows)
	sources := map[string]string{"postgres": postgrestest.Start(t)}
	fmt.Printf("%-9s %-5s %9s %9s %8s %12s %9s\n", "database", "by", "rows", "rows/s", "CPU s", "database s", "MiB")
	for _, database := range []string{"sqlite", "postgres"} {
		costs := map[string][]cost{}
		for round := range *speedRounds {
			for _, by := range []string{"store", "hand"} {
				source := sources[database]
				if database == "postgres" {
					source = newDatabase(t, source, fmt.Sprintf("%s_%d", by, round))
				} else {
					source = "file:" + filepath.Join(t.TempDir(), "db") +
						"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
				}
				costs[by] = append(costs[by], child(t, by+" "+database, server, source))
			}
		}
		for _, by := range []string{"store", "hand"} {
			c := median(costs[by])
			fmt.Printf("%-9s %-5s %9d %9.0f %8.2f %12.2f %9.1f\n", database, by, c.Rows, float64(c.Rows)/c.Seconds, c.CPU, c.Database, c.MiB)
			assert.Equal(t, *speedRows, c.Rows)
		}
		store, hand := median(costs["store"]), median(costs["hand"])
		ratio, all := store.CPU/hand.CPU, (store.CPU+store.Database)/(hand.CPU+hand.Database)
		fmt.Printf("%-9s the store's CPU is %.2f of the loop by hand, with the database's %.2f\n", database, ratio, all)
		assert.LessOrEqual(t, ratio, *mostCPU, database)
		assert.LessOrEqual(t, all, *mostCPU, database)
		assert.LessOrEqual(t, store.MiB, *mostMiB, database)
	}
}

// newDatabase makes an empty database on the server, and returns its URL.
func newDatabase(t *testing.T, source, name string) string {
	t.Helper()
	db, err := sql.Open("pgx", source)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	return strings.Replace(source, "/postgres?", "/"+name+"?", 1)
}

// serve starts the server of internal/syncbench, and returns its address.
func serve(t *testing.T, rows int) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "syncbench")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/moneykit/moneykit-go/internal/syncbench")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	server := exec.CommandContext(t.Context(), program, "-rows", strconv.Itoa(rows)) // #nosec G204 -- built above
	server.Env = append(os.Environ(), "SYNCBENCH_ROLE=serve")
	said, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	address, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(address)
}

// child runs this program in a role, and returns its cost.
func child(t *testing.T, role, server, source string) cost {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) // #nosec G204 -- this program
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "FLEET_SERVER="+server, "FLEET_DATABASE="+source)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	require.NoError(t, err, role)
	var c cost
	require.NoError(t, json.Unmarshal(output, &c))
	return c
}

func median(costs []cost) cost {
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(a.CPU+a.Database, b.CPU+b.Database) })
	return costs[len(costs)/2]
}

// play syncs once as the role says, and prints the cost.
func play(ctx context.Context, role string) error {
	by, database, _ := strings.Cut(role, " ")
	driver := map[string]string{"sqlite": "sqlite", "postgres": "pgx"}[database]
	db, err := sql.Open(driver, os.Getenv("FLEET_DATABASE"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // so that one process of PostgreSQL does the work
	sync, err := map[string]func(context.Context, *sql.DB, string) (func() (int, error), error){"store": store, "hand": hand}[by](ctx, db, database)
	if err != nil {
		return err
	}
	idle, err := resident("VmRSS")
	if err != nil {
		return err
	}
	cpu, before, start := processorTime(), databaseTime(ctx, db, database), time.Now()
	rows, err := sync()
	if err != nil {
		return err
	}
	c := cost{
		Rows: rows, Seconds: time.Since(start).Seconds(),
		CPU: processorTime() - cpu, Database: databaseTime(ctx, db, database) - before,
	}
	peak, err := resident("VmHWM")
	if err != nil {
		return err
	}
	c.MiB = peak - idle
	return json.NewEncoder(os.Stdout).Encode(c)
}

// store syncs with the SDK into sqlstore.
func store(ctx context.Context, db *sql.DB, database string) (func() (int, error), error) {
	dialect := sqlstore.SQLite
	if database == "postgres" {
		dialect = sqlstore.PostgreSQL
	}
	store, err := sqlstore.Open(ctx, db, dialect)
	if err != nil {
		return nil, err
	}
	client, err := moneykit.NewClient("id", "secret", moneykit.WithBaseURL(os.Getenv("FLEET_SERVER")), moneykit.WithHeaderAuth())
	if err != nil {
		return nil, err
	}
	return func() (rows int, err error) {
		if _, err := client.SyncTransactions(ctx, "mk_1", store); err != nil {
			return 0, err
		}
		return rows, db.QueryRowContext(ctx, "SELECT count(*) FROM moneykit_transactions").Scan(&rows)
	}, nil
}
