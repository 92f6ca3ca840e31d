package moneykit_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const sessionCall = "create_link_session"

// TestRelinkKeeps checks the webhook and the tags of a link after a relink, for all combinations of
// params.
func TestRelinkKeeps(t *testing.T) {
	t.Parallel()
	const oldHook, newHook = "https://app.example/old", "https://app.example/new"
	oldTags, newTags := []string{"old", "team:7"}, []string{"new"}
	hooks := map[string]moneykit.Field[string]{
		"left": {}, "set": moneykit.Set(newHook), "cleared": moneykit.Clear[string](), "set to an empty value": moneykit.Set(""),
	}
	tags := map[string]moneykit.Field[[]string]{
		"left": {}, "set": moneykit.Set(newTags), "cleared": moneykit.Clear[[]string](), "set to an empty value": moneykit.Set([]string{}),
	}
	for _, hadHook := range []string{"", oldHook} {
		for _, hadTags := range [][]string{nil, oldTags} {
			for hookIs, hook := range hooks {
				for tagsAre, tag := range tags {
					name := fmt.Sprintf("webhook %q %s, tags %v %s", hadHook, hookIs, hadTags, tagsAre)
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						wantHook := map[string]string{"left": hadHook, "set": newHook}[hookIs]
						wantTags := map[string][]string{"left": hadTags, "set": newTags}[tagsAre]
						f := newFinishing(t)
						link := f.mk.AddLink(moneykittest.LinkSpec{
							UserID: finishUser, Error: moneykit.LinkErrorAuthExpired, Webhook: hadHook, Tags: hadTags,
						})
						params := relinkParams(finishUser)
						params.Webhook, params.Tags = hook, tag
						session, err := f.client.LinkSessions.Relink(t.Context(), link.ID, params)
						require.NoError(t, err)
						result := f.connect(t, session.Token, moneykit.ConnectAndroid, moneykittest.Play{})
						got, err := f.finish(t.Context(), finishUser, result)
						require.NoError(t, err)
						assert.Equal(t, moneykit.LinkStateConnected, got.State)
						assert.Equal(t, wantHook, got.Webhook)
						assert.ElementsMatch(t, wantTags, got.Tags)
					})
				}
			}
		}
	}
}

// TestRelinkByHand shows why Relink exists: a session that MoneyKit opens for a link removes the
// webhook and the tags that the session does not have.
func TestRelinkByHand(t *testing.T) {
	t.Parallel()
	f := newFinishing(t)
	link := f.mk.AddLink(moneykittest.LinkSpec{
		UserID: finishUser, Error: moneykit.LinkErrorAuthExpired, Webhook: "https://app.example/hook", Tags: []string{"a"},
	})
	_, err := f.client.LinkSessions.Create(t.Context(), moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: finishUser}, RedirectURI: "https://app.example/oauth", ExistingLinkID: link.ID,
	})
	require.NoError(t, err)
	got, err := f.client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Empty(t, got.Webhook)
	assert.Empty(t, got.Tags)
}

// relinkMock responds for a link of finishUser. It records the bodies of the opened sessions.
func relinkMock(t *testing.T, link string) (client *moneykit.Client, bodies *[]string) {
	t.Helper()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(http.StatusOK, link))
	mock.RegisterResponder(http.MethodGet, testBase+"/users/"+finishUser+"/links", answers(http.StatusOK, `{"links":{"mk_1":`+link+`}}`))
	bodies = new([]string)
	mock.RegisterResponder(http.MethodPost, testBase+"/link-session", func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		*bodies = append(*bodies, string(body))
		if err != nil {
			return nil, err
		}
		return answers(http.StatusCreated, `{"link_session_token":"`+sessionToken+`"}`)(r)
	})
	return newClient(t, mock), bodies
}

// TestRelinkSendsAllParams checks that all params are sent, and the tags of a link that has them in
// the deprecated member.
func TestRelinkSendsAllParams(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(linkJSON, `"connected"`, `"error","error_code":"auth_expired"`, 1)
	client, bodies := relinkMock(t, strings.Replace(broken, "{", `{"tags":["old"],`, 1))
	_, err := client.LinkSessions.Relink(t.Context(), "mk_1", relinkParams(finishUser))
	require.NoError(t, err)
	params := relinkParams(finishUser)
	params.CustomerUser.Email = &moneykit.CustomerUserEmail{Address: "jane@example.com"}
	params.Webhook, params.Tags = moneykit.Set("https://app.example/hook"), moneykit.Clear[[]string]()
	params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{Identity: &moneykit.ProductSettings{Required: true}}}
	params.ConnectFeatures = &moneykit.ConnectFeatures{IssueReporter: true}
	_, err = client.LinkSessions.Relink(t.Context(), "mk_1", params)
	require.NoError(t, err)
	require.Len(t, *bodies, 2)
	assert.JSONEq(t, `{"customer_user":{"id":"`+finishUser+`"},"redirect_uri":"https://app.example/oauth",
		"existing_link_id":"mk_1","link_tags":["old"]}`, (*bodies)[0])
	assert.JSONEq(t, `{"customer_user":{"id":"`+finishUser+`","email":{"address":"jane@example.com"}},
		"redirect_uri":"https://app.example/oauth","existing_link_id":"mk_1","webhook":"https://app.example/hook",
		"settings":{"products":{"identity":{"required":true}}},"connect_features":{"issue_reporter":true}}`, (*bodies)[1])
}

// TestRelinkAddsProducts adds a product to a connected link.
func TestRelinkAddsProducts(t *testing.T) {
	t.Parallel()
	f := newFinishing(t)
	link := f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, Products: []moneykit.Product{moneykit.ProductIdentity}, Tags: []string{"a"}})
	params := relinkParams(finishUser)
	params.Settings = &moneykit.LinkSessionSettings{
		Products: &moneykit.SessionProducts{Transactions: &moneykit.ProductSettings{Prefetch: true}},
	}
	session, err := f.client.LinkSessions.Relink(t.Context(), link.ID, params)
	require.NoError(t, err)
	result := f.connect(t, session.Token, moneykit.ConnectWeb, moneykittest.Play{})
	got, err := f.finish(t.Context(), finishUser, result)
	require.NoError(t, err)
	assert.NotNil(t, got.Products.Identity, "the old products stay")
	assert.NotNil(t, got.Products.Transactions)
	assert.Nil(t, got.Products.Investments)
	assert.Equal(t, []string{"a"}, got.Tags)
}

// TestRelinkRefuses checks that no session is opened for a link that cannot be relinked.
func TestRelinkRefuses(t *testing.T) {
	t.Parallel()
	extend := &moneykit.LinkSessionSettings{}
	type params = moneykit.RelinkParams
	tests := map[string]struct {
		link   moneykittest.LinkSpec
		delete bool
		id     string // of no link, in the place of the link's
		change func(*params)
		err    error // nil where it is allowed
	}{
		"broken":            {link: moneykittest.LinkSpec{UserID: finishUser, Error: moneykit.LinkErrorAuthExpired}},
		"institution error": {link: moneykittest.LinkSpec{UserID: finishUser, Error: moneykit.LinkErrorInstitutionError}},
		"connecting":        {link: moneykittest.LinkSpec{UserID: finishUser, State: moneykit.LinkStateConnecting}},
		"healthy":           {link: moneykittest.LinkSpec{UserID: finishUser}, err: moneykit.ErrRelinkNotNeeded},
		"connected, with settings": {
			link: moneykittest.LinkSpec{UserID: finishUser}, change: func(p *params) { p.Settings = extend },
		},
		"connected, with EvenConnected": {
			link: moneykittest.LinkSpec{UserID: finishUser}, change: func(p *params) { p.EvenConnected = true },
		},
		"deleted": { // it is not listed any more
			link: moneykittest.LinkSpec{UserID: finishUser}, delete: true, err: moneykit.ErrLinkNotOwned,
		},
		"deleted, with EvenConnected": {
			link: moneykittest.LinkSpec{UserID: finishUser}, delete: true,
			change: func(p *params) { p.EvenConnected = true }, err: moneykit.ErrLinkNotOwned,
		},
		"another's": {
			link: moneykittest.LinkSpec{UserID: finishOther, Error: moneykit.LinkErrorAuthExpired}, err: moneykit.ErrLinkNotOwned,
		},
		"another user's, with EvenConnected": {
			link:   moneykittest.LinkSpec{UserID: finishOther},
			change: func(p *params) { p.EvenConnected = true }, err: moneykit.ErrLinkNotOwned,
		},
		"another user's connected link": {link: moneykittest.LinkSpec{UserID: finishOther}, err: moneykit.ErrLinkNotOwned},
		"unknown":                       {id: "mk_none", err: moneykit.ErrLinkNotOwned},
		"dots":                          {id: "..", err: moneykit.ErrorCodeValidationFailed},
		"a path":                        {id: "../users/" + finishOther, err: moneykit.ErrorCodeValidationFailed},
		"no link":                       {id: "-", change: func(*params) {}, err: moneykit.ErrorCodeValidationFailed},
		"no user":                       {change: func(p *params) { p.CustomerUser.ID = "" }, err: moneykit.ErrorCodeValidationFailed},
		"a user id of 3":                {change: func(p *params) { p.CustomerUser.ID = "abc" }, err: moneykit.ErrorCodeValidationFailed},
		"no redirect URI": {
			link:   moneykittest.LinkSpec{UserID: finishUser, Error: moneykit.LinkErrorAuthExpired},
			change: func(p *params) { p.RedirectURI = "" }, err: moneykit.ErrorCodeValidationFailed,
		},
		"a bad webhook": {
			link:   moneykittest.LinkSpec{UserID: finishUser, Error: moneykit.LinkErrorAuthExpired},
			change: func(p *params) { p.Webhook = moneykit.Set("/hook") }, err: moneykit.ErrorCodeValidationFailed,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFinishing(t)
			id := f.mk.AddLink(tt.link).ID
			if tt.delete {
				require.NoError(t, f.client.Links.Delete(t.Context(), id))
			}
			if tt.id != "" {
				id = strings.TrimPrefix(tt.id, "-")
			}
			p := relinkParams(finishUser)
			if tt.change != nil {
				tt.change(&p)
			}
			session, err := f.client.LinkSessions.Relink(t.Context(), id, p)
			if tt.err == nil {
				require.NoError(t, err)
				assert.NotEmpty(t, session.Token)
				return
			}
			require.ErrorIs(t, err, tt.err)
			assert.Nil(t, session)
			assert.Zero(t, f.count(sessionCall))
			if tt.id == "" { // it is in the id in one of the tests
				keepsQuiet(t, err, nil)
			}
		})
	}
}

// TestRelinkReuse checks when a second call returns the same session.
func TestRelinkReuse(t *testing.T) {
	t.Parallel()
	type scene struct {
		*finishing
		*testing.T

		link  moneykit.Link
		token string // of the first session
	}
	finish := func(s *scene, result *moneykit.ConnectResult, want error) {
		s.Helper()
		_, err := s.client.LinkSessions.Finish(s.Context(), moneykit.FinishParams{Result: result, UserID: finishUser, LinkID: s.link.ID})
		require.ErrorIs(s, err, want)
	}
	tests := map[string]struct {
		prepare func(*scene)
		change  func(*moneykit.RelinkParams) // of the second call
		reused  bool
	}{
		"at once":               {reused: true},
		"almost a minute later": {prepare: func(*scene) { <-time.After(time.Minute - time.Nanosecond) }, reused: true},
		"a minute later":        {prepare: func(*scene) { <-time.After(time.Minute) }},
		"another webhook":       {change: func(p *moneykit.RelinkParams) { p.Webhook = moneykit.Set("https://app.example/new") }},
		"the same webhook":      {change: func(p *moneykit.RelinkParams) { p.Webhook = moneykit.Set("https://app.example/hook") }, reused: true},
		"no webhook":            {change: func(p *moneykit.RelinkParams) { p.Webhook = moneykit.Clear[string]() }},
		"other tags":            {change: func(p *moneykit.RelinkParams) { p.Tags = moneykit.Set([]string{"b"}) }},
		"other settings":        {change: func(p *moneykit.RelinkParams) { p.Settings = &moneykit.LinkSessionSettings{} }},
		"another redirect URI":  {change: func(p *moneykit.RelinkParams) { p.RedirectURI = "https://app.example/other" }},
		"an e-mail address": {change: func(p *moneykit.RelinkParams) {
			p.CustomerUser.Email = &moneykit.CustomerUserEmail{Address: "jane@example.com"}
		}},
		"the link's webhook changed": {prepare: func(s *scene) {
			_, err := s.client.Links.Update(s.Context(), s.link.ID, moneykit.LinkUpdateParams{Webhook: moneykit.Set("https://app.example/new")})
			require.NoError(s, err)
		}},
		"the link broke for another reason": {
			prepare: func(s *scene) { s.mk.Break(s.link.ID, moneykit.LinkErrorUserError) }, reused: true,
		},
		"after an exit": {prepare: func(s *scene) {
			finish(s, s.connect(s.T, s.token, moneykit.ConnectWeb, moneykittest.Play{Leave: true}), moneykit.ErrConnectExited)
		}},
		"after an exit without a link id": {prepare: func(s *scene) {
			result := s.connect(s.T, s.token, moneykit.ConnectWeb, moneykittest.Play{Leave: true})
			_, err := s.finish(s.Context(), finishUser, result)
			require.ErrorIs(s, err, moneykit.ErrConnectExited)
		}},
		"after a success": {prepare: func(s *scene) {
			finish(s, s.connect(s.T, s.token, moneykit.ConnectWeb, moneykittest.Play{}), nil)
			s.mk.Break(s.link.ID, moneykit.LinkErrorAuthExpired)
		}},
		"after a success and another failure": {prepare: func(s *scene) {
			result := s.connect(s.T, s.token, moneykit.ConnectWeb, moneykittest.Play{})
			s.mk.Break(s.link.ID, moneykit.LinkErrorAuthExpired)
			finish(s, result, context.DeadlineExceeded) // after half a minute
		}},
		"after another user's exit": {prepare: func(s *scene) {
			_, err := s.finish(s.Context(), finishOther, &moneykit.ConnectResult{Outcome: moneykit.ConnectExited})
			require.ErrorIs(s, err, moneykit.ErrConnectExited)
		}, reused: true},
		"after another user's success": {prepare: func(s *scene) {
			_, err := s.finish(s.Context(), finishOther, &moneykit.ConnectResult{Outcome: moneykit.ConnectRelinked, LinkID: s.link.ID})
			require.ErrorIs(s, err, moneykit.ErrLinkNotOwned)
		}, reused: true},
		"after an exit from another link": {prepare: func(s *scene) {
			other := s.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, Error: moneykit.LinkErrorAuthExpired})
			result := s.connect(s.T, s.relink(s.T, finishUser, other.ID), moneykit.ConnectWeb, moneykittest.Play{})
			_, err := s.finish(s.Context(), finishUser, result)
			require.NoError(s, err)
		}, reused: true},
		"with another client": {prepare: func(s *scene) { s.client = s.mk.Client() }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &scene{finishing: newFinishing(t), T: t}
				s.link = s.mk.AddLink(moneykittest.LinkSpec{
					UserID: finishUser, Error: moneykit.LinkErrorAuthExpired, Webhook: "https://app.example/hook", Tags: []string{"a"},
				})
				s.token = s.relink(t, finishUser, s.link.ID)
				if tt.prepare != nil {
					tt.prepare(s)
				}
				params := relinkParams(finishUser)
				if tt.change != nil {
					tt.change(&params)
				}
				before := s.count(sessionCall)
				session, err := s.client.LinkSessions.Relink(t.Context(), s.link.ID, params)
				require.NoError(t, err)
				if tt.reused {
					assert.Equal(t, s.token, session.Token)
					assert.Equal(t, before, s.count(sessionCall))
				} else {
					assert.NotEqual(t, s.token, session.Token)
					assert.Equal(t, before+1, s.count(sessionCall))
				}
			})
		})
	}
}

// TestRelinkSessionsAreSeparate checks that users and links have sessions of their own, and that
// Relink returns copies.
func TestRelinkSessionsAreSeparate(t *testing.T) {
	t.Parallel()
	f := newFinishing(t)
	tokens := map[string]bool{}
	for _, user := range []string{finishUser, finishOther} {
		for range 2 {
			link := f.mk.AddLink(moneykittest.LinkSpec{UserID: user, Error: moneykit.LinkErrorAuthExpired})
			session, err := f.client.LinkSessions.Relink(t.Context(), link.ID, relinkParams(user))
			require.NoError(t, err)
			tokens[session.Token] = true
			want := session.Token
			session.Token = "changed"
			assert.Equal(t, want, f.relink(t, user, link.ID))
		}
	}
	assert.Len(t, tokens, 4)
}

// TestRelinkConcurrently calls Relink in many goroutines.
func TestRelinkConcurrently(t *testing.T) {
	t.Parallel()
	f := newFinishing(t)
	link := f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, Error: moneykit.LinkErrorAuthExpired})
	var tokens sync.Map
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			session, err := f.client.LinkSessions.Relink(t.Context(), link.ID, relinkParams(finishUser))
			if assert.NoError(t, err) {
				tokens.Store(session.Token, true)
			}
		})
	}
	wg.Wait()
	n := 0
	tokens.Range(func(any, any) bool { n++; return true })
	assert.Equal(t, 1, n)
	assert.Equal(t, 1, f.count(sessionCall))
}

// TestRelinkWaiterCancels cancels a call that waits for another call for the same link.
func TestRelinkWaiterCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFinishing(t)
		link := f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, Error: moneykit.LinkErrorAuthExpired})
		f.mk.Fail(sessionCall, 1, moneykittest.Fault{Latency: 20 * time.Second})
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := f.client.LinkSessions.Relink(t.Context(), link.ID, relinkParams(finishUser))
			assert.NoError(t, err)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		session, err := f.client.LinkSessions.Relink(ctx, link.ID, relinkParams(finishUser))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Nil(t, session)
		keepsQuiet(t, err, nil)
		wg.Wait()
	})
}

// TestRelinkFails checks that a failed call is not remembered.
func TestRelinkFails(t *testing.T) {
	t.Parallel()
	for operation, fault := range map[string]moneykittest.Fault{
		"get_link":       {Status: http.StatusServiceUnavailable},
		"get_user_links": {Status: http.StatusServiceUnavailable},
		sessionCall:      {Code: moneykit.ErrorCodeLinkSessionForbiddenConfig},
	} {
		f := newFinishing(t)
		link := f.mk.AddLink(moneykittest.LinkSpec{UserID: finishUser, Error: moneykit.LinkErrorAuthExpired, Tags: []string{"a"}})
		f.mk.Fail(operation, 1, fault)
		session, err := f.client.LinkSessions.Relink(t.Context(), link.ID, relinkParams(finishUser))
		keepsQuiet(t, err, nil)
		assert.Nil(t, session)
		got, err := f.client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, []string{"a"}, got.Tags)
		assert.NotEmpty(t, f.relink(t, finishUser, link.ID))
	}
}

// TestRelinkMemoryIsLimited relinks for many users, and measures the memory a minute later.
func TestRelinkMemoryIsLimited(t *testing.T) { //nolint:paralleltest // it measures memory
	const users, size = 100, 100 << 10
	synctest.Test(t, func(t *testing.T) {
		broken := strings.Replace(linkJSON, `"connected"`, `"error"`, 1)
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(http.StatusOK, broken))
		mock.RegisterResponder(http.MethodGet, `=~/users/\w+/links$`, answers(http.StatusOK, `{"links":{"mk_1":`+broken+`}}`))
		mock.RegisterResponder(http.MethodPost, testBase+"/link-session", func(r *http.Request) (*http.Response, error) {
			return answers(http.StatusCreated, `{"link_session_token":"`+strings.Repeat("x", size)+`"}`)(r)
		})
		client := newClient(t, mock)
		relink := func(user int) {
			_, err := client.LinkSessions.Relink(t.Context(), "mk_1", relinkParams(fmt.Sprintf("user_%04d", user)))
			require.NoError(t, err)
		}
		heap := func() int64 {
			var stats runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&stats)
			return int64(stats.HeapAlloc)
		}
		relink(0)
		before := heap()
		for user := range users {
			relink(user)
		}
		assert.Greater(t, heap()-before, int64(users*size/2), "the sessions are kept for a minute")
		<-time.After(time.Minute)
		relink(users)
		assert.Less(t, heap()-before, int64(users*size/10))
		runtime.KeepAlive(client)
	})
}
