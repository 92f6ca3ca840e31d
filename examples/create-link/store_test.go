package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestStoreOnSQLite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a file?.db")
	open := func() *store {
		s, where, err := openDatabase(t.Context(), settings{db: file})
		require.NoError(t, err)
		assert.Contains(t, where, file)
		return s
	}
	s := open()
	testStore(t, s)
	s.close()
	require.FileExists(t, file)
	again := open()
	defer again.close()
	links, err := again.links(t.Context(), "user-b")
	require.NoError(t, err)
	assert.Len(t, links, 1, "links outlive the process")
}

// MoneyKit does not know links of the sandbox, and the sandbox does not know links of MoneyKit.
func TestDatabaseOfAnotherMoneyKit(t *testing.T) {
	t.Parallel()
	s := settings{db: filepath.Join(t.TempDir(), "links.db")}
	for range 2 {
		opened, _, err := openDatabase(t.Context(), s)
		require.NoError(t, err)
		opened.close()
	}
	s.real = true
	_, _, err := openDatabase(t.Context(), s)
	require.EqualError(t, err, "the database has links of the sandbox: name another one for MoneyKit itself (-db or DATABASE_URL)")
}

// testStore tests the store, and leaves one link of user-b in it.
func testStore(t *testing.T, s *store) {
	t.Helper()
	ctx := t.Context()
	link := moneykit.Link{ID: "mk_1", InstitutionID: "bank", InstitutionName: `"Bank" & Söhne`, State: moneykit.LinkStateConnected}
	other := moneykit.Link{ID: "mk_2", InstitutionID: "bank", InstitutionName: "Bank", State: moneykit.LinkStateConnected}
	require.NoError(t, s.put(ctx, "user-a", &link))
	require.NoError(t, s.put(ctx, "user-a", &link), "put is idempotent")
	require.NoError(t, s.put(ctx, "user-b", &other))
	require.NoError(t, s.put(ctx, "user-b", &link), "a link never changes its user")

	link.State, link.Error = moneykit.LinkStateError, moneykit.LinkErrorAuthExpired
	require.NoError(t, s.setState(ctx, &link))
	links, err := s.links(ctx, "user-a")
	require.NoError(t, err)
	require.Len(t, links, 1)
	assert.Equal(t, link.InstitutionName, links[0].institution)
	assert.Equal(t, moneykit.LinkStateError, links[0].state)
	assert.Equal(t, moneykit.LinkErrorAuthExpired, links[0].problem)
	found, err := s.byID(ctx, "mk_1")
	require.NoError(t, err)
	assert.Equal(t, "user-a", found.userID)

	require.NoError(t, s.remove(ctx, "mk_1"))
	require.NoError(t, s.remove(ctx, "mk_1"))
	_, err = s.byID(ctx, "mk_1")
	require.ErrorIs(t, err, errNoLink)
	links, err = s.links(ctx, "user-b")
	require.NoError(t, err)
	assert.Len(t, links, 1)
}
