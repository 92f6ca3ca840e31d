package connect_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// userFromCookie takes the user from a cookie, as applications with sessions do.
func userFromCookie(r *http.Request) (moneykit.CustomerUser, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return moneykit.CustomerUser{}, err
	}
	return moneykit.CustomerUser{ID: cookie.Value}, nil
}

// TestFrontEnd lets moneykittest's front end use the handler.
func TestFrontEnd(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	s := newShop(t, mk, func(c *connect.Config) { c.User = userFromCookie })
	front := mk.FrontEnd(s.handler, "/connect/", &http.Cookie{Name: "session", Value: me})
	require.NoError(t, front.Link(moneykittest.Play{}))
	require.NoError(t, front.Leave())
	linkID := ""
	counts := map[string]int{}
	for _, call := range s.heard {
		counts[call.hook]++
		assert.Equal(t, me, call.user)
		if call.link != nil {
			linkID = call.link.ID
		}
	}
	assert.Equal(t, 1, counts["linked"])
	assert.Equal(t, 1, counts["exited"])
	assert.Positive(t, counts["event"])
	mk.Break(linkID, moneykit.LinkErrorAuthExpired)
	require.NoError(t, front.Relink(linkID, moneykittest.Play{}))
	require.ErrorIs(t, front.Link(moneykittest.Play{Leave: true}), moneykit.ErrConnectExited)

	var refused *moneykittest.FrontEndError
	require.ErrorAs(t, mk.FrontEnd(s.handler, "/connect/", nil).Link(moneykittest.Play{}), &refused)
	assert.Equal(t, http.StatusUnauthorized, refused.Status)
	require.ErrorAs(t, front.Relink(linkID, moneykittest.Play{}), &refused)
	assert.Equal(t, "not_needed", refused.Code)
	assert.Equal(t, moneykit.ActionNone, refused.Action)
}
