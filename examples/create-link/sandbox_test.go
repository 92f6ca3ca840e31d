package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// The links of a database work with the sandbox of another process.
func TestRestore(t *testing.T) {
	t.Parallel()
	testRestore(t, "sqlite", "file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "links.db")))
}

func testRestore(t *testing.T, driver, source string) {
	t.Helper()
	process := func(seed uint64) *site {
		s, err := openStore(t.Context(), driver, source)
		require.NoError(t, err)
		t.Cleanup(s.close)
		return newSiteOn(t, s, moneykittest.WithSeed(seed))
	}
	first := process(1)
	b := first.visit()
	require.NoError(t, b.frontEnd().Link(moneykittest.Play{
		Institution: moneykittest.CredentialsBank, Decline: []moneykit.Product{moneykit.ProductTransactions},
		NewAccounts: []moneykit.Account{{Name: "Shoebox", Type: "depository.checking"}},
	}))
	second := b.link(moneykittest.InstantBank)
	require.Equal(t, http.StatusNoContent, b.call(http.MethodPost, "/api/sandbox/break", `{"link": "`+second.Link+`"}`, nil))
	before := b.links()

	for seed := range uint64(2) {
		again := process(seed + 2)
		later := &browser{site: again, client: http.Client{Jar: b.client.Jar}, cookie: b.cookie}
		after := later.links()
		require.Len(t, after.Links, 2)
		assert.Equal(t, before.Totals, after.Totals)
		assert.Equal(t, before.Links[0].Accounts, after.Links[0].Accounts)
		assert.True(t, after.Links[1].Fix)
		if seed == 0 {
			continue
		}
		require.NoError(t, later.frontEnd().Relink(after.Links[1].Link, moneykittest.Play{}))
		assert.False(t, later.links().Links[1].Fix)
		assert.Equal(t, http.StatusConflict, later.call(http.MethodPost, "/api/sandbox/transactions", `{"link": "`+after.Links[0].Link+`"}`, nil))
		for _, link := range after.Links {
			require.Equal(t, http.StatusNoContent, later.call(http.MethodPost, "/connect/disconnect", `{"link": "`+link.Link+`"}`, nil))
		}
		assert.Empty(t, later.links().Links)
	}
	assert.Empty(t, process(9).sandboxLinks())
}

// Each test user has the effect that the README describes.
func TestUsersOfReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	users := world.TestUsers()
	for _, user := range users {
		assert.Contains(t, string(readme), "| `"+user.Name+"` |")
	}
	assert.Equal(t, len(users), strings.Count(string(readme), "| `user_"))
	s := newSite(t)
	for name, accounts := range map[string]int{"user_good": 4, "user_custom": 2, "user_more": 4, "user_none": 0, "user_locked": 0, "user_down": 0} {
		b := s.visit()
		err := b.frontEnd().Link(moneykittest.Play{Institution: moneykittest.CredentialsBank, Username: name})
		links := b.links().Links
		if accounts == 0 {
			require.ErrorIs(t, err, moneykit.ErrConnectExited, name)
			assert.Empty(t, links, name)
			continue
		}
		require.NoError(t, err, name)
		assert.Len(t, links[0].Accounts, accounts, name)
	}
}

// sandboxLinks returns the rows of the table of the sandbox.
func (s *site) sandboxLinks() (ids []string) {
	rows, err := s.app.store.db.QueryContext(s.t.Context(), "SELECT link_id FROM sandbox_links")
	require.NoError(s.t, err)
	defer rows.Close()
	for rows.Next() {
		var id string
		require.NoError(s.t, rows.Scan(&id))
		ids = append(ids, id)
	}
	require.NoError(s.t, rows.Err())
	return ids
}
