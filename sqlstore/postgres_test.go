//go:build unix

package sqlstore_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/postgrestest"
	"github.com/moneykit/moneykit-go/moneykittest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

var postgres = flag.Bool("postgres", false, "also test with a PostgreSQL that the test starts with Debian's binaries")

// TestSQLite and TestPostgreSQL run the same tests.
func TestSQLite(t *testing.T) {
	t.Parallel()
	runAll(t, databases{dialect: sqlstore.SQLite})
}

// TestPostgreSQL needs the flag -postgres.
func TestPostgreSQL(t *testing.T) {
	if !*postgres {
		return
	}
	runAll(t, databases{sqlstore.PostgreSQL, postgrestest.New(t)})
}

func runAll(t *testing.T, d databases) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *database){
		"StoreSuite":        testStoreSuite,
		"DeduperSuite":      testDeduperSuite,
		"TokenSourceSuite":  testTokenSourceSuite,
		"Open":              testOpen,
		"RestrictedRole":    testRestrictedRole,
		"MigrationsAtOnce":  testMigrationsAtOnce,
		"Whole":             testWhole,
		"Replaces":          testReplaces,
		"Extremes":          testExtremes,
		"Texts":             testTexts,
		"ManyRows":          testManyRows,
		"Canceled":          testCanceled,
		"OneConnection":     testOneConnection,
		"Nanoseconds":       testNanoseconds,
		"Pages":             testPages,
		"InTx":              testInTx,
		"Statements":        testStatements,
		"Links":             testLinks,
		"LinkStates":        testLinkStates,
		"ManyLinks":         testManyLinks,
		"DeleteInSync":      testDeleteInSync,
		"Applications":      testApplications,
		"LimiterQueue":      testLimiterQueue,
		"LimiterFails":      testLimiterFails,
		"KillInMigration":   testKillInMigration,
		"KillInClaim":       testKillInClaim,
		"TokenTrouble":      testTokenTrouble,
		"Work":              testWork,
		"WorkLost":          testWorkLost,
		"WorkModel":         testWorkModel,
		"Inbox":             testInbox,
		"Limiter":           testLimiter,
		"TokenTakeover":     testTokenTakeover,
		"TokenRenewal":      testTokenRenewal,
		"DeduperForgets":    testDeduperForgets,
		"TwoWorkers":        testTwoWorkers,
		"Readme":            testReadme,
		"Clocks":            testClocks,
		"KillInUpdate":      testKillInUpdate,
		"KillInWork":        testKillInWork,
		"KillInSync":        testKillInSync,
		"StopBeforeUpdate":  testStopBeforeUpdate,
		"StopInUpdate":      testStopInUpdate,
		"StopInTransaction": testStopInTransaction,
	} {
		t.Run(name, func(t *testing.T) { test(t, d.fresh(t)) })
	}
	t.Run("Restart", func(t *testing.T) { testRestart(t, d.fresh(t)) }) // It ends all connections.
}

func testStoreSuite(t *testing.T, d *database) {
	t.Helper()
	s := d.store(t)
	moneykittest.StoreSuite(t, func() (moneykit.TransactionStore, func(string) ([]moneykit.Transaction, error)) {
		return s, func(linkID string) ([]moneykit.Transaction, error) { return all(t.Context(), s, linkID) }
	})
}

func testDeduperSuite(t *testing.T, d *database) {
	t.Helper()
	moneykittest.DeduperSuite(t, func() moneykit.Deduper { return d.store(t).Deduper() })
}

func testTokenSourceSuite(t *testing.T, d *database) {
	t.Helper()
	db := d.open(t)
	moneykittest.TokenSourceSuite(t, func() func(moneykittest.FetchToken) moneykit.TokenSource {
		d.store(t)
		_, err := db.ExecContext(t.Context(), "UPDATE moneykit_tokens SET access_token = '', claim = '', leased_to = 0")
		require.NoError(t, err)
		return func(fetch moneykittest.FetchToken) moneykit.TokenSource { return d.store(t).Tokens(fetch) }
	})
}
