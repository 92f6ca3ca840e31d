//go:build unix

package main

import (
	"database/sql"
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/postgrestest"
)

var postgres = flag.Bool("postgres", false, "also run the program on a PostgreSQL that the test starts with Debian's binaries")

func TestFlowsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	if !*postgres {
		return
	}
	server := postgrestest.Start(t)
	db, err := sql.Open("pgx", server)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for name, flow := range flows() {
		t.Run(name, func(t *testing.T) {
			_, err := db.ExecContext(t.Context(), "CREATE SCHEMA flow_"+name)
			require.NoError(t, err)
			flow(&cli{t: t, env: map[string]string{"DATABASE_URL": server + "&search_path=flow_" + name}})
		})
	}
}
