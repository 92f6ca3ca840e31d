//go:build unix

package main

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/postgrestest"
)

var postgres = flag.Bool("postgres", false, "also test the store on a PostgreSQL that the test starts with Debian's binaries")

// TestStores runs the suites on each database that was asked for.
func TestStores(t *testing.T) {
	sources := map[string]string{"sqlite": ":memory:"}
	if *postgres {
		sources["pgx"] = postgrestest.Start(t)
	}
	for driver, source := range sources {
		t.Run(driver, func(t *testing.T) {
			s, err := openStore(t.Context(), driver, source)
			require.NoError(t, err)
			defer s.close()
			testStore(t, s)
			_, err = s.db.ExecContext(t.Context(), "DELETE FROM links")
			require.NoError(t, err)
			if driver == "pgx" { // SQLite needs a file for that; see TestRestore.
				testRestore(t, driver, source)
			}
		})
	}
}
