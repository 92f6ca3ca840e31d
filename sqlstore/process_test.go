//go:build unix

package sqlstore_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// order says what a process does that a test starts of its own binary.
type order struct {
	Do      string
	Dialect sqlstore.Dialect
	Driver  string
	Source  string
	Pause   string // print a line and wait for one before a statement that contains this
	Skip    int    // but not before the first ones
	Stall   time.Duration
	URL     string // of MoneyKit

	ClientID, Secret string
	Update           moneykit.SyncUpdate
}

const orderVariable = "SQLSTORE_TEST_ORDER"

func TestMain(m *testing.M) {
	text, ok := os.LookupEnv(orderVariable)
	if !ok {
		os.Exit(m.Run())
	}
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = o.run(context.Background())
	}
	if errors.Is(err, moneykit.ErrSyncConflict) {
		err = errors.New("conflict")
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("done")
}

// wait prints a line and waits for one.
func wait(line string) {
	fmt.Println(line)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

func (o order) run(ctx context.Context) error {
	paused := false
	plain, err := sql.Open(o.Driver, o.Source)
	if err != nil {
		return err
	}
	db := sql.OpenDB(hookedConnector{plain.Driver(), o.Source, func(query string) {
		if o.Pause == "" || paused || !strings.Contains(query, o.Pause) {
			return
		}
		if o.Skip--; o.Skip < 0 {
			paused = true
			wait("paused")
		}
	}})
	s, err := sqlstore.Open(ctx, db, o.Dialect)
	if err != nil {
		return err
	}
	if o.Stall > 0 {
		sqlstore.SetStall(s, o.Stall)
	}
	switch o.Do {
	case "open":
		return nil
	case "apply":
		return s.ApplyUpdate(ctx, &o.Update)
	case "claim":
		if _, _, err := s.Deduper().Claim(ctx, "key", longLease); err != nil {
			return err
		}
		wait("paused")
		return nil
	case "limit":
		return s.Limiter().Wait(ctx, "GET /links/{id}/accounts/numbers", "mk_1")
	case "delete":
		return s.DeleteLink(ctx, "user", "mk_1")
	case "begin":
		if _, err := s.Begin(ctx, "mk_1", "sync", longLease); err != nil {
			return err
		}
		wait("paused")
		return nil
	case "sync":
		client, err := moneykit.NewClient(o.ClientID, o.Secret, moneykit.WithBaseURL(o.URL))
		if err != nil {
			return err
		}
		_, err = client.SyncTransactions(ctx, o.Update.LinkID, s, moneykit.WithPageSize(10))
		return err
	}
	return errors.New("unknown order " + o.Do)
}

// process is a process that has an order.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Writer
	lines *bufio.Scanner
}

// start starts a process on the database.
func (d *database) start(t *testing.T, o order) *process {
	t.Helper()
	o.Dialect, o.Driver, o.Source = d.dialect, d.driver, d.source
	text, err := json.Marshal(o)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), orderVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &process{t, cmd, stdin, bufio.NewScanner(stdout)}
}

// says waits for the next line.
func (p *process) says(want string) {
	p.t.Helper()
	require.True(p.t, p.lines.Scan(), "the process ended early")
	require.Contains(p.t, p.lines.Text(), want)
}

func (p *process) goOn() {
	p.t.Helper()
	_, err := io.WriteString(p.stdin, "\n")
	require.NoError(p.t, err)
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// kill ends the process at once.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	_ = p.cmd.Wait()
}

func testMigrationsAtOnce(t *testing.T, d *database) {
	t.Helper()
	var processes []*process
	for range 8 {
		processes = append(processes, d.start(t, order{Do: "open"}))
	}
	for _, p := range processes {
		p.says("done")
	}
	assert.Equal(t, 1, d.count(t, "SELECT count(*) FROM moneykit_schema"))
}

// testKillInMigration ends a process that has created half of the tables.
func testKillInMigration(t *testing.T, d *database) {
	t.Helper()
	for _, at := range []string{"CREATE TABLE moneykit_schema", "CREATE TABLE moneykit_work", "INSERT INTO moneykit_schema"} {
		p := d.start(t, order{Do: "open", Pause: at})
		p.says("paused")
		p.kill()
	}
	require.NoError(t, d.store(t).ApplyUpdate(t.Context(), update("mk_1", "", "a", row(1))))
	assert.Equal(t, 1, d.count(t, "SELECT count(*) FROM moneykit_schema"))
}

// testKillInClaim frees an event whose process was killed when its lease ends, and not before.
func testKillInClaim(t *testing.T, d *database) {
	t.Helper()
	s := d.store(t)
	p := d.start(t, order{Do: "claim"})
	p.says("paused")
	p.kill()
	_, state, err := s.Deduper().Claim(t.Context(), "key", longLease)
	require.NoError(t, err)
	require.Equal(t, moneykit.ClaimBusy, state)
	_, err = d.open(t).ExecContext(t.Context(), d.text("UPDATE moneykit_claims SET leased_to = leased_to - $1"), longLease.Milliseconds())
	require.NoError(t, err)
	_, state, err = s.Deduper().Claim(t.Context(), "key", longLease)
	require.NoError(t, err)
	require.Equal(t, moneykit.ClaimGranted, state)
}

// testKillInUpdate ends a process at each statement of an update.
func testKillInUpdate(t *testing.T, d *database) {
	t.Helper()
	s := d.store(t)
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", rows(60)...)))
	for _, at := range []string{"DELETE FROM moneykit_transactions WHERE link_id = $1 AND pending", "INSERT INTO moneykit_transactions", "COMMIT"} {
		u := update("mk_1", "a", "b", rows(120)...)
		u.DropPending, u.Remove = true, []string{row(1).ID}
		p := d.start(t, order{Do: "apply", Update: *u, Pause: d.text(at)})
		p.says("paused")
		p.kill()
		position, err := s.LoadPosition(t.Context(), "mk_1")
		require.NoError(t, err)
		assert.Equal(t, "a", position.Cursor)
		assert.Equal(t, 60, d.count(t, "SELECT count(*) FROM moneykit_transactions"))
	}
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "a", "c")), "the lock ends with the process")
}

// testStopBeforeUpdate stops a process before its update, and lets it go on when another one has
// synced the link.
func testStopBeforeUpdate(t *testing.T, d *database) {
	t.Helper()
	s := d.store(t)
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", rows(3)...)))
	p := d.start(t, order{Do: "apply", Update: *update("mk_1", "a", "late", rows(9)...), Pause: "BEGIN"})
	p.says("paused") // in Open
	p.goOn()
	p.says("done")
	require.ErrorIs(t, s.ApplyUpdate(t.Context(), update("mk_1", "a", "b")), moneykit.ErrSyncConflict)

	p = d.start(t, order{Do: "apply", Update: *update("mk_1", "late", "later", rows(12)...), Pause: "UPDATE moneykit_positions"})
	if d.dialect == sqlstore.SQLite { // It has the lock from its BEGIN.
		p.says("paused")
		p.kill()
		return
	}
	p.says("paused")
	p.signal(syscall.SIGSTOP)
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "late", "b")))
	p.signal(syscall.SIGCONT)
	p.goOn()
	p.says("failed: conflict")
	assert.Equal(t, 9, d.count(t, "SELECT count(*) FROM moneykit_transactions"))
}

// testStopInUpdate stops a process that holds the lock of the position: PostgreSQL ends its
// transaction after a while.
func testStopInUpdate(t *testing.T, d *database) {
	t.Helper()
	if d.dialect == sqlstore.SQLite { // Nothing but the end of a process takes a lock from it.
		return
	}
	s := d.store(t)
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", rows(3)...)))
	p := d.start(t, order{
		Do: "apply", Update: *update("mk_1", "a", "late", rows(9)...), Pause: "INSERT INTO moneykit_transactions",
		Stall: 200 * time.Millisecond,
	})
	p.says("paused")
	p.signal(syscall.SIGSTOP)
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "a", "b", row(20))))
	p.signal(syscall.SIGCONT)
	p.goOn()
	p.says("failed")
	got, err := all(t.Context(), s, "mk_1")
	require.NoError(t, err)
	assert.Len(t, got, 4)
}

// testStopInTransaction stops a process that holds a slot of a budget, and one that holds the
// rows of a link that it deletes: others do not wait for them.
func testStopInTransaction(t *testing.T, d *database) {
	t.Helper()
	if d.dialect == sqlstore.SQLite {
		return
	}
	s := d.store(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	stopped := func(o order) {
		t.Helper()
		o.Stall = 200 * time.Millisecond
		p := d.start(t, o)
		p.says("paused")
		p.signal(syscall.SIGSTOP)
	}
	stopped(order{Do: "limit", Pause: "INSERT INTO moneykit_slots", Skip: 1})
	for range 3 { // all slots of the link
		require.NoError(t, s.Limiter().Wait(ctx, "GET /links/{id}/accounts/numbers", "mk_1"))
	}
	require.NoError(t, s.ApplyUpdate(ctx, update("mk_1", "", "a", row(1))))
	stopped(order{Do: "delete", Pause: "DELETE FROM moneykit_transactions"})
	require.NoError(t, s.ApplyUpdate(ctx, update("mk_1", "a", "b", row(2))))
}

// testKillInWork frees the work of a process that was killed when its lease ends.
func testKillInWork(t *testing.T, d *database) {
	t.Helper()
	s := d.store(t)
	require.NoError(t, s.Request(t.Context(), "mk_1", "sync"))
	p := d.start(t, order{Do: "begin"})
	p.says("paused")
	p.kill()
	_, err := s.Begin(t.Context(), "mk_1", "sync", longLease)
	require.ErrorAs(t, err, new(*sqlstore.BusyError))
	_, err = d.open(t).ExecContext(t.Context(), d.text("UPDATE moneykit_work SET leased_to = leased_to - $1"), longLease.Milliseconds())
	require.NoError(t, err)
	_, err = s.Finish(t.Context(), begin(t.Context(), t, s))
	require.NoError(t, err)
}

// testKillInSync ends a process between two pages, and two others finish the sync at once.
func testKillInSync(t *testing.T, d *database) {
	t.Helper()
	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{})
	s := d.store(t)
	id, secret := mk.Credentials()
	o := order{Do: "sync", URL: mk.URL(), ClientID: id, Secret: secret, Update: moneykit.SyncUpdate{LinkID: link.ID}}
	paused := o
	paused.Pause = "UPDATE moneykit_positions" // of the second page
	p := d.start(t, paused)
	p.says("paused")
	p.kill()
	position, err := s.LoadPosition(t.Context(), link.ID)
	require.NoError(t, err)
	assert.True(t, position.Partial)
	first := d.start(t, o)
	second := d.start(t, o)
	first.says("done")
	second.says("done")
	same(t, mk, s, link.ID)
}

// same compares the copy with what MoneyKit has.
func same(t *testing.T, mk *moneykittest.Server, s *sqlstore.Store, linkID string) {
	t.Helper()
	var want, have []string
	for _, row := range mk.Transactions(linkID) {
		want = append(want, row.ID+" "+row.Amount.String())
	}
	got, err := all(t.Context(), s, linkID)
	require.NoError(t, err)
	for _, row := range got {
		have = append(have, row.ID+" "+row.Amount.String())
	}
	assert.ElementsMatch(t, want, have)
}
