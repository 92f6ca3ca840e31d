package world_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestOAuth(t *testing.T) {
	t.Parallel()
	params := sessionParams()
	params.InstitutionID = world.OAuthBank
	for name, tt := range map[string]struct {
		change func(url string) string // changes the return URL
		wait   time.Duration
		play   world.Play
		err    string
	}{
		"back":     {},
		"too late": {wait: 30 * time.Minute, err: "expired_return"},
		"changed":  {change: func(url string) string { return url + "&" }, err: "changed_return"},
		"in time":  {wait: 30*time.Minute - 1},
		"refused":  {play: world.Play{Failure: moneykit.LinkErrorUserOAuthDenied}, err: "user_oauth_denied"},
		"left":     {play: world.Play{Leave: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			session := w.OpenSession(params, start)
			back, end := w.Authorize(session.Token, world.Play{Failure: tt.play.Failure}, start)
			require.Equal(t, world.Ending{}, end)
			assert.Contains(t, back, params.RedirectURI+"?")
			if tt.change != nil {
				back = tt.change(back)
			}
			end = w.Continue(session.Token, back, tt.play, start.Add(tt.wait))
			assert.False(t, end.Mistake)
			assert.Equal(t, name == "back" || name == "in time", end.LinkID != "")
			if tt.err != "" {
				require.NotNil(t, end.Err)
				assert.Equal(t, "moneykittest."+tt.err, end.Err.ID)
			}
			assert.Equal(t, "moneykittest.used_return", w.Continue(session.Token, back, tt.play, start).Err.ID)
		})
	}
}

func TestOAuthMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	params := sessionParams()
	params.InstitutionID = world.OAuthBank
	open := func() string { return w.OpenSession(params, start).Token }
	one, two := open(), open()
	back, _ := w.Authorize(one, world.Play{}, start)
	_, _ = w.Authorize(two, world.Play{}, start)
	authorize := func(token string, play world.Play) world.Ending {
		back, end := w.Authorize(token, play, start)
		assert.Empty(t, back)
		return end
	}
	elsewhere := w.OpenSession(sessionParams(), start).Token
	for name, tt := range map[string]struct {
		end     world.Ending
		err     string
		mistake bool
	}{
		"another session's URL": {w.Continue(two, back, world.Play{}, start), "other_return", false},
		"before the bank":       {w.Continue(open(), "https://app.example/oauth?x", world.Play{}, start), "no_return", true},
		"unknown session":       {w.Continue("x", back, world.Play{}, start), "unknown_session", true},
		"a bank without pages":  {authorize(elsewhere, world.Play{}), "no_bank", true},
		"a user who leaves":     {authorize(open(), world.Play{Leave: true}), "no_bank", true},
		"a used session":        {authorize(one, world.Play{}), "used_session", true},
		"nothing to refuse": {
			w.Connect(w.OpenSession(sessionParams(), start).Token, world.Play{Failure: moneykit.LinkErrorUserOAuthDenied}, start),
			"nothing_to_refuse", true,
		},
	} {
		require.NotNil(t, tt.end.Err, name)
		assert.Equal(t, "moneykittest."+tt.err, tt.end.Err.ID, name)
		assert.Equal(t, tt.mistake, tt.end.Mistake, name)
	}
}
