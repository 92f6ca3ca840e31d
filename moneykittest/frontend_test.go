package moneykittest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// shop is an application with its own endpoints for Connect.
type shop struct {
	client *moneykit.Client
	links  []string // of all users
	posts  []string
	refuse map[string]string // by endpoint: the status and the body to respond with
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	endpoint := r.URL.Path
	user, err := r.Cookie("session")
	allowed := r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/json"
	if err != nil || !allowed || http.NewCrossOriginProtection().Check(r) != nil || r.Host != "app.example" || r.Header.Get("Sec-Fetch-Site") == "" {
		http.Error(w, `{"error":{"code":"unauthenticated"}}`, http.StatusUnauthorized)
		return
	}
	body, _ := io.ReadAll(r.Body)
	s.posts = append(s.posts, endpoint)
	if refusal := s.refuse[endpoint]; refusal != "" {
		var status int
		fmt.Sscan(refusal[:3], &status)
		w.WriteHeader(status)
		fmt.Fprint(w, refusal[3:])
		return
	}
	answer, err := s.answer(r, endpoint, user.Value, body)
	if err != nil {
		w.WriteHeader(moneykit.StatusFor(err))
		fmt.Fprintf(w, `{"error":{"code":"failed","message":"No.","action":%q,"retry_after":42}}`, moneykit.ActionFor(err))
		return
	}
	data, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(data)
}

func (s *shop) answer(r *http.Request, endpoint, user string, body []byte) (any, error) {
	var posted struct {
		LinkID string          `json:"link_id"`
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(body, &posted); err != nil {
		return nil, err
	}
	switch endpoint {
	case "/bank/session":
		session, err := s.client.LinkSessions.Create(r.Context(), moneykit.LinkSessionParams{
			CustomerUser: moneykit.CustomerUser{ID: user}, RedirectURI: "https://app.example/oauth",
		})
		if err != nil {
			return nil, err
		}
		return map[string]string{"call": "link", "link_session_token": session.Token}, nil
	case "/bank/relink":
		session, err := s.client.LinkSessions.Relink(r.Context(), posted.LinkID, moneykit.RelinkParams{
			CustomerUser: moneykit.CustomerUser{ID: user}, RedirectURI: "https://app.example/oauth",
		})
		if err != nil {
			return nil, err
		}
		return map[string]string{"call": "relink", "link_session_token": session.Token}, nil
	case "/bank/result":
		result, err := moneykit.ParseConnectResult(posted.Result)
		if err != nil {
			return nil, err
		}
		if result.Outcome != moneykit.ConnectExited {
			link, err := s.client.LinkSessions.Finish(r.Context(), moneykit.FinishParams{Result: result, UserID: user, LinkID: posted.LinkID})
			if err != nil {
				return nil, err
			}
			s.links = append(s.links, link.ID)
		}
		return map[string]any{"outcome": result.Outcome}, nil
	default:
		_, err := moneykit.ParseConnectEvent(body)
		return map[string]any{}, err
	}
}

func newShop(t *testing.T, mk *moneykittest.Server) *shop {
	t.Helper()
	return &shop{client: mk.Client(), refuse: map[string]string{}}
}

var cookie = &http.Cookie{Name: "session", Value: "user-42"}

func TestFrontEnd(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	app := newShop(t, mk)
	front := mk.FrontEnd(app, "/bank/", cookie)
	for _, institution := range []string{"", moneykittest.CredentialsBank, moneykittest.OAuthBank} {
		require.NoError(t, front.Link(moneykittest.Play{Institution: institution}))
	}
	require.Len(t, app.links, 3)
	assert.Equal(t, "/bank/session", app.posts[0])
	assert.Contains(t, app.posts, "/bank/event")
	assert.Equal(t, "/bank/result", app.posts[len(app.posts)-1])
	links, err := app.client.Users.Links(t.Context(), "user-42")
	require.NoError(t, err)
	assert.Len(t, links.Links, 3)

	mk.Break(app.links[0], moneykit.LinkErrorAuthExpired)
	require.NoError(t, front.Relink(app.links[0], moneykittest.Play{}))
	assert.Equal(t, app.links[0], app.links[3])
	link, err := app.client.Links.Get(t.Context(), app.links[0])
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateConnected, link.State)

	require.NoError(t, front.Leave())
	require.ErrorIs(t, front.Link(moneykittest.Play{Leave: true}), moneykit.ErrConnectExited)
	require.ErrorIs(t, front.Link(moneykittest.Play{Failure: moneykit.LinkErrorInvalidCredentials}), moneykit.ErrConnectExited)
	require.ErrorIs(t, front.Link(moneykittest.Play{Exit: &moneykit.ConnectError{ID: "x"}}), moneykit.ErrConnectExited)
	assert.Len(t, app.links, 4)
	assert.Equal(t, "/bank/result", app.posts[len(app.posts)-1], "exits are posted too")
	for _, path := range []string{"/bank", "bank", "bank/"} {
		require.NoError(t, mk.FrontEnd(app, path, cookie).Leave(), path)
	}
}

func TestFrontEndRefused(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	app := newShop(t, mk)
	front := mk.FrontEnd(app, "/bank/", cookie)
	refused := func(err error) moneykittest.FrontEndError {
		var e *moneykittest.FrontEndError
		require.ErrorAs(t, err, &e)
		return *e
	}
	e := refused(mk.FrontEnd(app, "/bank/", nil).Link(moneykittest.Play{}))
	assert.Equal(t, moneykittest.FrontEndError{Path: "/bank/session", Status: 401, Code: "unauthenticated"}, e)

	require.NoError(t, front.Link(moneykittest.Play{}))
	e = refused(front.Relink(app.links[0], moneykittest.Play{}))
	assert.Equal(t, "/bank/relink", e.Path)
	assert.Equal(t, "No.", e.Message)
	assert.Equal(t, 42*time.Second, e.RetryAfter)
	assert.Equal(t, "moneykittest: the application refuses POST /bank/relink: 409 failed", e.Error())
	e = refused(front.Relink("mk_x", moneykittest.Play{}))
	assert.Equal(t, 404, e.Status)

	app.refuse["/bank/event"] = "404"
	require.NoError(t, front.Link(moneykittest.Play{}), "an application may do without events")
	app.refuse["/bank/event"] = "500"
	assert.Equal(t, 500, refused(front.Link(moneykittest.Play{})).Status)
	delete(app.refuse, "/bank/event")
	app.refuse["/bank/result"] = "503<html>"
	assert.Equal(t, moneykittest.FrontEndError{Path: "/bank/result", Status: 503}, refused(front.Leave()))
	for answer, want := range map[string]string{
		`200{"outcome":"linked"}`: `the application says "linked" of a result that is "exited"`,
		`200<html>`:               "the response to POST /bank/result is not the JSON of the endpoint",
		`200{"outcome":"exited"}`: "",
	} {
		app.refuse["/bank/result"] = answer
		if err := front.Leave(); want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
	app.refuse["/bank/session"] = "200{}"
	require.ErrorContains(t, front.Leave(), "the response to POST /bank/session has no link_session_token")
	crash := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") })
	require.ErrorContains(t, mk.FrontEnd(crash, "", cookie).Leave(), "panicked: oh")
}

// A token of another server is reported as a mistake in the test.
func TestFrontEndOfAnotherServer(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	app := newShop(t, moneykittest.NewServer(t))
	require.ErrorIs(t, mk.FrontEnd(app, "/bank/", cookie).Link(moneykittest.Play{}), moneykit.ErrConnectExited)
	assert.Equal(t, []string{"moneykittest: Connect: the link session token is unknown"}, tb.errors)
}

func TestFrontEndHidesTheCookie(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	front := mk.FrontEnd(http.NotFoundHandler(), "", &http.Cookie{Name: "session", Value: "canary"})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		assert.NotContains(t, fmt.Sprintf(verb, front), "canary")
		assert.NotContains(t, fmt.Sprintf(verb, *front), "canary")
	}
	assert.Equal(t, "/connect/session", func() string {
		var e *moneykittest.FrontEndError
		require.ErrorAs(t, front.Leave(), &e)
		return e.Path
	}())
}

// TestReceive changes the receiver of a running server.
func TestReceive(t *testing.T) {
	t.Parallel()
	first, second := &inbox{}, &inbox{}
	mk := moneykittest.NewServer(t, moneykittest.WithReceiver(first))
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: hook})
	for _, step := range []struct {
		receive       http.Handler
		first, second int
	}{{nil, 1, 0}, {second, 0, 1}, {second, 0, 1}, {first, 1, 0}, {nil, 1, 0}} {
		mk.Receive(step.receive)
		mk.AddTransactions(link.ID, moneykit.Transaction{})
		mk.Deliver()
		assert.Len(t, first.take(), step.first)
		assert.Len(t, second.take(), step.second)
	}
}
