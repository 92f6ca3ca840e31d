package connect_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestLinkHandle(t *testing.T) {
	t.Parallel()
	handles := map[string]bool{}
	for _, pair := range [][2]string{
		{"user_0001", "mk_1"},
		{"user_0002", "mk_1"},
		{"user_0001", "mk_2"},
		{"user_0001mk_", "1"},
		{"", "user_0001mk_1"},
		{`user_0001": "`, `mk_1`},
		{"user_0001", `": "mk_1`},
	} {
		handle := connect.LinkHandle(pair[0], pair[1])
		assert.Regexp(t, `^link_[A-Za-z0-9_-]{24}$`, handle)
		assert.NotContains(t, handle, "mk_")
		handles[handle] = true
	}
	assert.Len(t, handles, 7)
	// Applications may store a handle, so it never changes.
	assert.Equal(t, "link_b9YPxPoBg8m15fnYTmGZzzir", connect.LinkHandle("user_0001", "mk_1"))
}

// The handle from a result is all that a front end needs to relink.
func TestRelinkByHandle(t *testing.T) {
	t.Parallel()
	for _, source := range sources() {
		for name := range names(me, "") {
			t.Run(string(source)+" "+name, func(t *testing.T) {
				t.Parallel()
				var prepared []string
				s := newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
					c.PrepareRelink = func(_ *http.Request, linkID string, _ *moneykit.RelinkParams) error {
						prepared = append(prepared, linkID)
						return nil
					}
				})
				w := s.post(t, me, "result", `{"result":`+s.play(t, me, source, moneykittest.Play{})+`}`)
				var got struct{ Link string }
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
				link := s.calls()[0].link
				require.Equal(t, connect.LinkHandle(me, link.ID), got.Link)
				assert.NotContains(t, w.Body.String(), link.ID)

				s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
				body := names(me, link.ID)[name]
				launch := s.launch(t, me, "relink", body)
				again := s.launch(t, me, "relink", body)
				assert.Equal(t, launch.Token, again.Token)
				w = s.post(t, me, "result", `{"result":null,`+body[1:])
				assert.JSONEq(t, `{"outcome":"exited"}`, w.Body.String())
				third := s.launch(t, me, "relink", body)
				assert.NotEqual(t, launch.Token, third.Token, "a session that the user left must not be returned again")

				payload := s.mk.Connect(third.Token, source, moneykittest.Play{})
				w = s.post(t, me, "result", `{"result":`+string(payload)+`,`+body[1:])
				require.Equal(t, http.StatusOK, w.Code, w.Body)
				var relinked struct{ Outcome, Link string }
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &relinked))
				assert.Equal(t, "relinked", relinked.Outcome)
				assert.Equal(t, got.Link, relinked.Link)
				for _, linkID := range prepared {
					assert.Equal(t, link.ID, linkID)
				}
				assert.Len(t, prepared, 3)
			})
		}
	}
}

func TestHandleOfAnotherUser(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	s.mk.AddLink(moneykittest.LinkSpec{UserID: me})
	theirs := s.mk.AddLink(moneykittest.LinkSpec{UserID: victim, Error: moneykit.LinkErrorAuthExpired})
	answers := map[string]bool{}
	for _, handle := range []string{
		connect.LinkHandle(victim, theirs.ID), connect.LinkHandle(me, theirs.ID), connect.LinkHandle(me, "mk_nothing"),
	} {
		w := s.post(t, me, "relink", `{"link":"`+handle+`"}`)
		problem := refused(t, w, http.StatusNotFound, "not_found")
		assert.Equal(t, moneykit.ActionGone, problem.Action)
		answers[w.Body.String()] = true
		w = s.post(t, me, "result", `{"result":{"institution":{"id":"a"},"accounts":[]},"link":"`+handle+`"}`)
		refused(t, w, http.StatusNotFound, "not_found")
		answers[w.Body.String()] = true
	}
	assert.Len(t, answers, 1, "the response must not tell whether a link exists")
	assert.Empty(t, s.calls())
	assert.Zero(t, s.asked("get_link"))
	assert.Zero(t, s.asked("create_link_session"))
}
