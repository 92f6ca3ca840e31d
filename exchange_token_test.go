package moneykit_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// TestFinishWithoutToken posts the result of a new link without its token, as iOS 2.0 does. The
// link awaits its exchange, so Finish must fail at once.
func TestFinishWithoutToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		waiting := `{"link_id":"mk_1","state":"awaiting_token_exchange","institution_id":"chase"}`
		mock.RegisterResponder(http.MethodGet, testBase+"/users/user_0001/links", answers(200, `{"links":{"mk_1":`+waiting+`}}`))
		mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, waiting))
		client := newClient(t, mock)
		for _, posted := range []string{
			`{"linked":{"_0":{"institution":{"id":"chase"},"accounts":[],"linkIdentifier":{"value":"mk_1"}}}}`,
			`{"institution":{"id":"chase"},"accounts":[],"linkIdentifier":{"value":"mk_1"},"trackedScreens":[]}`,
			`{"link_id":"mk_1"}`,
		} {
			result, err := moneykit.ParseConnectResult([]byte(posted))
			require.NoError(t, err)
			start := time.Now()
			link, err := client.LinkSessions.Finish(t.Context(), moneykit.FinishParams{Result: result, UserID: "user_0001"})
			assert.Nil(t, link)
			require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed)
			require.ErrorContains(t, err, "must have the exchangeable token")
			assert.Equal(t, moneykit.ActionFix, moneykit.ActionFor(err))
			assert.Zero(t, time.Since(start), "it fails at once")
		}
	})
}

// TestRelinkDiscardsOneSession ends a relink of a link whose id is the prefix of another link's id.
func TestRelinkDiscardsOneSession(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	broken := func(id string) string {
		return `{"link_id":"` + id + `","state":"error","error_code":"auth_expired"}`
	}
	mock.RegisterResponder(http.MethodGet, testBase+"/users/user_0001/links",
		answers(200, `{"links":{"mk_1":`+broken("mk_1")+`,"mk_12":`+broken("mk_12")+`}}`))
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, broken("mk_1")))
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_12", answers(200, broken("mk_12")))
	opened := 0
	mock.RegisterResponder(http.MethodPost, testBase+"/link-session", func(r *http.Request) (*http.Response, error) {
		opened++
		return answers(201, `{"link_session_token":"session-`+string(rune('0'+opened))+`"}`)(r)
	})
	client := newClient(t, mock)
	relink := func(id string) string {
		session, err := client.LinkSessions.Relink(t.Context(), id, moneykit.RelinkParams{
			CustomerUser: moneykit.CustomerUser{ID: "user_0001"}, RedirectURI: "https://example.com/oauth",
		})
		require.NoError(t, err)
		return session.Token
	}
	exit := func(id string) {
		_, err := client.LinkSessions.Finish(t.Context(), moneykit.FinishParams{
			UserID: "user_0001", LinkID: id, Result: &moneykit.ConnectResult{Outcome: moneykit.ConnectExited},
		})
		require.ErrorIs(t, err, moneykit.ErrConnectExited)
	}
	first, second := relink("mk_1"), relink("mk_12")
	exit("mk_1")
	assert.Equal(t, second, relink("mk_12"), "the other link's session is still open")
	assert.NotEqual(t, first, relink("mk_1"))
	exit("") // Nobody says which link it was.
	third := relink("mk_12")
	assert.NotEqual(t, second, third, "all sessions of the user may have ended")
}

// TestFinishWithAnotherClient finishes a result with another client than the one that opened the
// session, as in a back end with several instances.
func TestFinishWithAnotherClient(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	session, err := mk.Client().LinkSessions.Create(t.Context(), validSession())
	require.NoError(t, err)
	result, err := moneykit.ParseConnectResult(mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{}))
	require.NoError(t, err)
	params := moneykit.FinishParams{Result: result, UserID: validSession().CustomerUser.ID}
	link, err := mk.Client().LinkSessions.Finish(t.Context(), params)
	require.NoError(t, err)
	again, err := mk.Client().LinkSessions.Finish(t.Context(), params)
	require.NoError(t, err)
	assert.Equal(t, link.ID, again.ID)
}
