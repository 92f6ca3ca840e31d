package world_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

const page = "page"

// atBank opens Connect on the page and plays the user until the bank's own page.
func atBank(t *testing.T, w *world.World) *world.Session {
	t.Helper()
	s, _, ok := w.Begin(w.OpenSession(sessionParams(), start).Token, page, start)
	require.True(t, ok)
	chooseOAuth(t, w, s)
	return s
}

func chooseOAuth(t *testing.T, w *world.World, s *world.Session) {
	t.Helper()
	w.Act(s, world.Action{Name: "choose", Institution: world.OAuthBank}, start)
	w.Act(s, world.Action{Name: "permissions"}, start)
	w.Act(s, world.Action{Name: "oauth"}, start)
	require.Equal(t, world.ScreenOAuth, s.Screen)
}

func TestReturn(t *testing.T) {
	t.Parallel()
	const life = 30 * time.Minute
	for name, tt := range map[string]struct {
		prepare func(w *world.World, s *world.Session, back string) // changes before the return
		change  func(back string) string
		page    string
		wait    time.Duration
		refuse  bool
		screen  world.Screen // the next screen
		err     string       // error if the return is refused
	}{
		"back":                {screen: world.ScreenAccounts},
		"to another page":     {page: "other page", screen: world.ScreenAccounts},
		"in time":             {wait: life - 1, screen: world.ScreenAccounts},
		"refused":             {refuse: true, screen: world.ScreenError},
		"too late":            {wait: life, err: "expired_return"},
		"changed":             {change: func(back string) string { return back + "&" }, err: "changed_return"},
		"without the query":   {change: func(string) string { return sessionParams().RedirectURI }, err: "changed_return"},
		"of an earlier visit": {prepare: func(w *world.World, s *world.Session, _ string) { w.Answer(s, true, start) }, err: "changed_return"},
		"of another session":  {change: func(string) string { return "other" }, err: "other_return"},
		"reloaded":            {prepare: returned(page), screen: world.ScreenAccounts},
		"used on other page":  {prepare: returned("other page"), err: "used_return"},
		"after the end":       {prepare: func(w *world.World, s *world.Session, _ string) { w.Leave(s, start) }, err: "used_return"},
		"another bank chosen": {prepare: chooseAgain, err: "changed_return"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			s, other := atBank(t, w), atBank(t, w)
			elsewhere := w.Answer(other, true, start)
			back := w.Answer(s, !tt.refuse, start)
			if tt.prepare != nil {
				tt.prepare(w, s, back)
			}
			if tt.change != nil {
				back = tt.change(back)
			}
			if back == "other" {
				back = elsewhere
			}
			if tt.page == "" {
				tt.page = page
			}
			before, steps := s.Screen, len(s.Steps)
			got, end, ok := w.Return(s.Token, tt.page, back, start.Add(tt.wait))
			assert.Equal(t, tt.err == "", ok)
			assert.False(t, end.Mistake)
			if tt.err != "" {
				assert.Nil(t, got)
				require.NotNil(t, end.Err)
				assert.Equal(t, "moneykittest."+tt.err, end.Err.ID)
				assert.Equal(t, before, s.Screen, "the session stays at its screen")
				assert.Len(t, s.Steps, steps)
				return
			}
			assert.Same(t, s, got)
			assert.Equal(t, world.Ending{}, end)
			assert.Equal(t, tt.screen, s.Screen)
			assert.Equal(t, tt.page, s.Page)
			if tt.refuse {
				assert.Equal(t, "moneykittest.user_oauth_denied", s.Problem.ID)
			}
		})
	}
}

// returned returns a function that returns from the bank to a page.
func returned(page string) func(*world.World, *world.Session, string) {
	return func(w *world.World, s *world.Session, back string) { w.Return(s.Token, page, back, start) }
}

// chooseAgain goes back to the Finder and chooses a bank without its own pages.
func chooseAgain(w *world.World, s *world.Session, _ string) {
	for s.Screen != world.ScreenFinder {
		w.Act(s, world.Action{Name: "back"}, start)
	}
	w.Act(s, world.Action{Name: "choose", Institution: world.CredentialsBank}, start)
	w.Act(s, world.Action{Name: "permissions"}, start)
}

func TestReturnWithoutBank(t *testing.T) {
	t.Parallel()
	w := newWorld()
	back := w.Answer(atBank(t, w), true, start)
	_, end, ok := w.Return("no such token", page, back, start)
	assert.False(t, ok)
	assert.Equal(t, "moneykittest.unknown_session", end.Err.ID)
	assert.True(t, end.Mistake)
	unopened := w.OpenSession(sessionParams(), start)
	_, end, ok = w.Return(unopened.Token, page, "https://app.example/oauth?x", start)
	assert.False(t, ok)
	assert.Equal(t, "moneykittest.no_return", end.Err.ID)
	assert.True(t, end.Mistake)
	assert.False(t, unopened.Used)
}

// A user who has refused access can go to the bank again and allow it.
func TestAllowAfterRefusal(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := atBank(t, w)
	refused := w.Answer(s, false, start)
	_, _, ok := w.Return(s.Token, page, refused, start)
	require.True(t, ok)
	require.Equal(t, world.ScreenError, s.Screen)
	w.Act(s, world.Action{Name: "retry"}, start)
	require.Equal(t, world.ScreenOAuth, s.Screen)
	again := w.Answer(s, true, start)
	assert.NotEqual(t, refused, again)
	_, _, ok = w.Return(s.Token, page, refused, start)
	assert.False(t, ok, "the first return URL is no longer valid")
	_, _, ok = w.Return(s.Token, page, again, start)
	require.True(t, ok)
	assert.Equal(t, world.ScreenAccounts, s.Screen)
}

// An answer at one bank does not count for another bank.
func TestAnswerCountsForOneBank(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := atBank(t, w)
	back := w.Answer(s, false, start)
	chooseAgain(w, s, back)
	w.Act(s, world.Action{Name: "credentials", Username: "user_good", Password: "pass_good"}, start)
	assert.Equal(t, world.ScreenAccounts, s.Screen)
}

// Inputs at one bank are not used at the next bank.
func TestInputsCountForOneBank(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s, _, _ := w.Begin(w.OpenSession(sessionParams(), start).Token, page, start)
	w.Act(s, world.Action{Name: "choose", Institution: world.CredentialsBank}, start)
	w.Act(s, world.Action{Name: "permissions"}, start)
	for range 4 {
		w.Act(s, world.Action{Name: "credentials", Username: "user_none", Password: "x"}, start)
	}
	w.Act(s, world.Action{Name: "credentials", Username: "user_none", Password: "pass_good"}, start)
	require.Equal(t, world.ScreenError, s.Screen)
	w.Act(s, world.Action{Name: "restart"}, start)
	w.Act(s, world.Action{Name: "choose", Institution: "chase"}, start)
	w.Act(s, world.Action{Name: "permissions"}, start)
	assert.Empty(t, s.Username)
	w.Act(s, world.Action{Name: "credentials", Username: "user_good", Password: "x"}, start)
	assert.Equal(t, world.ScreenCredentials, s.Screen, "wrong passwords at the first bank do not count")
	w.Act(s, world.Action{Name: "back"}, start)
	w.Act(s, world.Action{Name: "back"}, start)
	w.Act(s, world.Action{Name: "choose", Institution: world.InstantBank}, start)
	w.Act(s, world.Action{Name: "permissions"}, start)
	assert.Equal(t, world.ScreenAccounts, s.Screen)
	assert.Len(t, s.Offered, 4)
}

func TestAtBank(t *testing.T) {
	t.Parallel()
	const life = 30 * time.Minute
	for name, tt := range map[string]struct {
		prepare func(w *world.World, s *world.Session)
		wait    time.Duration
		want    bool
	}{
		"at the bank": {want: true},
		"in time":     {wait: life - 1, want: true},
		"too late":    {wait: life},
		"after an answer, which extends the time": {
			func(w *world.World, s *world.Session) { w.Answer(s, true, start.Add(life-1)) }, life, true,
		},
		"too long after an answer": {func(w *world.World, s *world.Session) { w.Answer(s, true, start) }, life, false},
		"gone back":                {func(w *world.World, s *world.Session) { w.Act(s, world.Action{Name: "back"}, start) }, 0, false},
		"came back":                {func(w *world.World, s *world.Session) { w.Return(s.Token, page, w.Answer(s, true, start), start) }, 0, false},
		"left":                     {func(w *world.World, s *world.Session) { w.Leave(s, start) }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			s := atBank(t, w)
			if tt.prepare != nil {
				tt.prepare(w, s)
			}
			got := w.AtBank(s.Token, start.Add(tt.wait))
			assert.Equal(t, tt.want, got != nil)
			if tt.want {
				assert.Same(t, s, got)
			}
		})
	}
	assert.Nil(t, newWorld().AtBank("no such token", start))
}

// The answer at the OAuth Bank ends a relink: the link is connected with the same id, or keeps its
// error.
func TestRelinkAtOAuthBank(t *testing.T) {
	t.Parallel()
	for name, allow := range map[string]bool{"allowed": true, "refused": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			link := add(t, w, world.LinkSpec{InstitutionID: world.OAuthBank, Error: moneykit.LinkErrorAuthExpired})
			params := sessionParams()
			params.ExistingLinkID = link.ID
			s, _, ok := w.Begin(w.OpenSession(params, start).Token, page, start)
			require.True(t, ok)
			w.Act(s, world.Action{Name: "acknowledge"}, start)
			require.Equal(t, world.ScreenOAuth, s.Screen)
			_, _, ok = w.Return(s.Token, page, w.Answer(s, allow, start), start)
			require.True(t, ok)
			end := w.Leave(s, start)
			if allow {
				assert.Equal(t, link.ID, end.LinkID)
				assert.Equal(t, moneykit.LinkStateConnected, link.State)
				return
			}
			assert.Equal(t, "moneykittest.user_oauth_denied", end.Err.ID)
			assert.Equal(t, moneykit.LinkErrorUserOAuthDenied, link.Reason)
		})
	}
}
