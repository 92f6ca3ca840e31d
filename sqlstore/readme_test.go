//go:build unix

package sqlstore_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// testReadme runs the queries of README.md, and looks for its tables and columns.
func testReadme(t *testing.T, d *database) {
	s, db := d.store(t), d.open(t)
	require.NoError(t, s.SaveLink(t.Context(), "user-1", &moneykit.Link{ID: "mk_1"}))
	require.NoError(t, s.ApplyUpdate(t.Context(), update("mk_1", "", "a", rows(40)...)))
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	other := map[sqlstore.Dialect]string{sqlstore.SQLite: "on PostgreSQL", sqlstore.PostgreSQL: "On SQLite"}[d.dialect]
	ran := 0
	for i, part := range strings.Split(string(text), "```sql\n") {
		if i == 0 {
			continue
		}
		before := strings.Split(strings.Split(string(text), "```sql\n")[i-1], "\n\n")
		query, _, _ := strings.Cut(part, "```")
		if strings.Contains(before[len(before)-2], other) || strings.Contains(before[len(before)-1], other) {
			continue
		}
		found, err := db.QueryContext(t.Context(), query)
		require.NoError(t, err, query)
		n := 0
		for found.Next() {
			n++
		}
		require.NoError(t, found.Err())
		require.NoError(t, found.Close())
		if !strings.Contains(query, "1 day") {
			assert.Positive(t, n, query)
		}
		ran++
	}
	assert.GreaterOrEqual(t, ran, 2)

	tables := "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'moneykit%'"
	if d.dialect == sqlstore.PostgreSQL {
		tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	}
	for _, table := range texts(t, d, tables) {
		assert.Contains(t, string(text), "`"+table+"`")
		if table != "moneykit_transactions" && table != "moneykit_positions" && table != "moneykit_links" {
			continue
		}
		found, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
		require.NoError(t, err)
		columns, err := found.Columns()
		require.NoError(t, err)
		require.NoError(t, found.Close())
		for _, column := range columns {
			assert.Contains(t, string(text), "`"+column+"`", table)
		}
	}
}

// texts returns the only column that a statement selects.
func texts(t *testing.T, d *database, query string) (list []string) {
	t.Helper()
	found, err := d.open(t).QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer found.Close()
	for found.Next() {
		var text string
		require.NoError(t, found.Scan(&text))
		list = append(list, text)
	}
	require.NoError(t, found.Err())
	require.NotEmpty(t, list, fmt.Sprint(d.dialect))
	return list
}
