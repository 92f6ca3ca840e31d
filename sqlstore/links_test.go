//go:build unix

package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
	"github.com/moneykit/moneykit-go/sqlstore"
)

// hooks proves that the methods fit connect.Config.
func hooks(s *sqlstore.Store) connect.Config {
	return connect.Config{OnLinked: s.SaveLink, OnRelinked: s.SaveLink, OnDisconnected: s.DeleteLink}
}

func testLinks(t *testing.T, d *database) {
	t.Helper()
	s, ctx := d.store(t), t.Context()
	require.NotNil(t, hooks(s).OnLinked)
	link := moneykit.Link{ID: "mk_1", InstitutionID: "chase", InstitutionName: "Chase", State: moneykit.LinkStateConnected}
	_, err := s.Link(ctx, "mk_1")
	require.ErrorIs(t, err, sql.ErrNoRows)
	for range 2 {
		require.NoError(t, s.SaveLink(ctx, "user-1", &link))
	}
	require.ErrorIs(t, s.SaveLink(ctx, "user-2", &link), sqlstore.ErrOtherUser)
	require.ErrorIs(t, s.DeleteLink(ctx, "user-2", "mk_1"), sqlstore.ErrOtherUser)
	for _, bad := range []*moneykit.Link{nil, {}} {
		require.Error(t, s.SaveLink(ctx, "user-1", bad))
	}
	require.Error(t, s.SaveLink(ctx, "", &link))
	got, err := s.Link(ctx, "mk_1")
	require.NoError(t, err)
	assert.Equal(t, "user-1", got.UserID)
	assert.Equal(t, link.ID, got.ID)
	assert.Equal(t, link.InstitutionID, got.InstitutionID)
	assert.Equal(t, link.InstitutionName, got.InstitutionName)
	assert.Equal(t, link.State, got.State)
	assert.Empty(t, got.Error)
	assert.False(t, got.CreatedAt.IsZero())
	assert.False(t, got.UpdatedAt.Before(got.CreatedAt))

	require.NoError(t, s.ApplyUpdate(ctx, update("mk_1", "", "a", rows(3)...)))
	require.NoError(t, s.ApplyUpdate(ctx, update("mk_2", "", "a", rows(2)...)))
	require.NoError(t, s.Request(ctx, "mk_1", "sync"))
	for range 2 {
		require.NoError(t, s.DeleteLink(ctx, "user-1", "mk_1"))
	}
	_, err = s.Link(ctx, "mk_1")
	require.ErrorIs(t, err, sql.ErrNoRows)
	for _, table := range []string{"links", "transactions", "work"} {
		assert.Zero(t, d.count(t, "SELECT count(*) FROM moneykit_"+table+" WHERE link_id = $1", "mk_1"), table)
	}
	assert.Equal(t, 2, d.count(t, "SELECT count(*) FROM moneykit_transactions"))
	require.ErrorIs(t, s.ApplyUpdate(ctx, update("mk_1", "a", "b", row(1))), moneykit.ErrSyncConflict, "a sync that was under way")
	require.ErrorIs(t, s.ApplyUpdate(ctx, update("mk_1", "", "b", row(1))), moneykit.ErrSyncConflict, "a first sync that was under way")
	require.NoError(t, s.DeleteLink(ctx, "user-1", "mk_new"))
	require.ErrorIs(t, s.ApplyUpdate(ctx, update("mk_new", "", "b", row(1))), moneykit.ErrSyncConflict, "a link that was not stored yet")

	next := update("mk_1", "", "b", row(1))
	next.Previous, err = s.LoadPosition(ctx, "mk_1")
	require.NoError(t, err)
	assert.Empty(t, next.Previous.Cursor)
	next.Position.Generation = next.Previous.Generation + 1
	require.NoError(t, s.ApplyUpdate(ctx, next), "a sync that began after the deletion")
}

// pausedStore calls before ahead of each update.
type pausedStore struct {
	*sqlstore.Store

	before func()
}

func (p pausedStore) ApplyUpdate(ctx context.Context, u *moneykit.SyncUpdate) error {
	p.before()
	return p.Store.ApplyUpdate(ctx, u)
}

// testDeleteInSync deletes a link between the moment that a sync reads a page and the moment that
// it stores it. Nothing of the link may come back.
func testDeleteInSync(t *testing.T, d *database) {
	t.Helper()
	s, ctx := d.store(t), t.Context()
	for _, page := range []int{1, 2} {
		mk := moneykittest.NewServer(t)
		client := mk.Client()
		link := mk.AddLink(moneykittest.LinkSpec{})
		require.NoError(t, s.SaveLink(ctx, "user", &link))
		n := 0
		_, err := client.SyncTransactions(ctx, link.ID, pausedStore{s, func() {
			if n++; n == page {
				require.NoError(t, client.Links.Delete(ctx, link.ID))
				require.NoError(t, s.DeleteLink(ctx, "user", link.ID))
			}
		}}, moneykit.WithPageSize(10))
		require.ErrorIs(t, err, moneykit.ErrLinkDeleted)
		assert.Zero(t, d.count(t, "SELECT count(*) FROM moneykit_transactions"), "page %d", page)
	}
}

func testLinkStates(t *testing.T, d *database) {
	t.Helper()
	s, ctx := d.store(t), t.Context()
	at := time.Date(2030, 1, 1, 12, 0, 0, 0, time.FixedZone("", 7200))
	require.ErrorIs(t, s.SetLinkState(ctx, "mk_1", moneykit.LinkStateError, "", at), sql.ErrNoRows)
	link := moneykit.Link{ID: "mk_1", State: moneykit.LinkStateConnected}
	require.NoError(t, s.SaveLink(ctx, "user-1", &link))
	for _, step := range []struct {
		state moneykit.LinkState
		at    time.Time
		want  moneykit.LinkState
	}{
		{moneykit.LinkStateError, at, moneykit.LinkStateError},
		{moneykit.LinkStateConnected, at.Add(-time.Microsecond).UTC(), moneykit.LinkStateError}, // earlier, though later as a text
		{moneykit.LinkStateConnected, at.Add(-24 * time.Hour), moneykit.LinkStateError},
		{moneykit.LinkStateConnected, at.Add(time.Microsecond), moneykit.LinkStateConnected},
		{moneykit.LinkStateDeleted, at.Add(time.Hour), moneykit.LinkStateDeleted},
	} {
		require.NoError(t, s.SetLinkState(ctx, "mk_1", step.state, moneykit.LinkErrorAuthExpired, step.at))
		got, err := s.Link(ctx, "mk_1")
		require.NoError(t, err)
		assert.Equal(t, step.want, got.State)
	}
}

func testManyLinks(t *testing.T, d *database) {
	t.Helper()
	s, ctx := d.store(t), t.Context()
	const n = 1100
	tx, err := d.open(t).BeginTx(ctx, nil)
	require.NoError(t, err)
	for i := range n {
		require.NoError(t, s.InTx(tx).SaveLink(ctx, fmt.Sprint("user-", i%2), &moneykit.Link{ID: fmt.Sprintf("mk_%04d", (i*7)%n)}))
	}
	require.NoError(t, tx.Commit())
	var mine, ids []string
	for link, err := range s.Links(ctx, "user-1") {
		require.NoError(t, err)
		assert.Equal(t, "user-1", link.UserID)
		mine = append(mine, link.ID)
	}
	assert.Len(t, mine, n/2)
	for link, err := range s.AllLinks(ctx) {
		require.NoError(t, err)
		ids = append(ids, link.ID)
	}
	require.Len(t, ids, n)
	assert.IsIncreasing(t, ids)
}
