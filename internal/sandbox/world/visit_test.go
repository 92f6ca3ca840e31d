package world_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestVisit(t *testing.T) {
	t.Parallel()
	w := newWorld()
	token := w.OpenSession(sessionParams(), start).Token
	s, _, ok := w.Begin(token, "page", start)
	require.True(t, ok)
	for _, step := range []struct {
		action world.Action
		want   world.Screen
		wrong  string
	}{
		{world.Action{Name: "choose", Institution: "no bank"}, world.ScreenFinder, "unknown_institution"},
		{world.Action{Name: "choose", Institution: "chase"}, world.ScreenPermissions, ""},
		{world.Action{Name: "back"}, world.ScreenFinder, ""},
		{world.Action{Name: "choose", Institution: "chase"}, world.ScreenPermissions, ""},
		{world.Action{Name: "permissions"}, world.ScreenCredentials, ""},
		{world.Action{Name: "credentials", Username: "user_good", Password: "x"}, world.ScreenCredentials, "invalid_credentials"},
		{world.Action{Name: "credentials", Username: "user_down", Password: "pass_good"}, world.ScreenError, ""},
		{world.Action{Name: "retry"}, world.ScreenCredentials, ""},
		{world.Action{Name: "credentials", Username: "user_good", Password: "pass_good"}, world.ScreenAccounts, ""},
		{world.Action{Name: "accounts"}, world.ScreenAccounts, "no_accounts"},
	} {
		w.Act(s, step.action, start)
		assert.Equal(t, step.want, s.Screen, step.action.Name)
		assert.Equal(t, step.wrong, s.Wrong, step.action.Name)
	}
	again, _, ok := w.Begin(token, "page", start)
	assert.True(t, ok, "the user reloaded the page")
	assert.Same(t, s, again)
	_, end, ok := w.Begin(token, "other page", start)
	assert.False(t, ok)
	assert.Equal(t, "moneykittest.used_session", end.Err.ID)

	w.Act(s, world.Action{Name: "accounts", Accounts: []string{s.Offered[0].ID}}, start)
	assert.Equal(t, world.ScreenSuccess, s.Screen)
	end = w.Leave(s, start)
	assert.Len(t, end.Accounts, 1)
	assert.Equal(t, moneykit.LinkStateAwaitingTokenExchange, w.Links[end.LinkID].State)
}
