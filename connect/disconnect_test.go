package connect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// newDisconnectShop returns a shop that records disconnected links.
func newDisconnectShop(t *testing.T) *shop {
	t.Helper()
	var s *shop
	s = newShop(t, moneykittest.NewServer(t), func(c *connect.Config) {
		c.OnDisconnected = func(_ context.Context, user, linkID string) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.heard = append(s.heard, hookCall{hook: "disconnected", user: user, link: &moneykit.Link{ID: linkID}})
			return s.fail
		}
	})
	return s
}

// names returns the ways in which a front end names a link.
func names(user, linkID string) map[string]string {
	return map[string]string{
		"handle":       fmt.Sprintf(`{"link":%q}`, connect.LinkHandle(user, linkID)),
		"ID":           fmt.Sprintf(`{"link_id":%q}`, linkID),
		"ID as link":   fmt.Sprintf(`{"link":%q}`, linkID),
		"handle as ID": fmt.Sprintf(`{"link_id":%q}`, connect.LinkHandle(user, linkID)),
	}
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	for name := range names(me, "") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDisconnectShop(t)
			link := s.link(t, me)
			other := s.mk.AddLink(moneykittest.LinkSpec{UserID: me})
			for range 3 { // A front end may post again.
				w := s.post(t, me, "disconnect", names(me, link.ID)[name])
				assert.Equal(t, http.StatusNoContent, w.Code, w.Body)
				calls := s.calls()
				require.Len(t, calls, 1)
				assert.Equal(t, hookCall{hook: "disconnected", user: me, link: &moneykit.Link{ID: link.ID}}, calls[0])
			}
			assert.Equal(t, 1, s.asked("delete_link"))
			deleted, err := s.client.Links.Get(t.Context(), link.ID)
			require.NoError(t, err)
			assert.Equal(t, moneykit.LinkStateDeleted, deleted.State)
			_, err = s.client.Links.Get(t.Context(), other.ID)
			require.NoError(t, err)
		})
	}
}

func TestDisconnectProvesOwner(t *testing.T) {
	t.Parallel()
	s := newDisconnectShop(t)
	s.mk.AddLink(moneykittest.LinkSpec{UserID: me})
	theirs := s.mk.AddLink(moneykittest.LinkSpec{UserID: victim})
	answers := map[string]bool{}
	for _, body := range names(victim, theirs.ID) {
		for _, r := range []string{body, names(me, theirs.ID)["handle"], `{"link":"mk_nothing"}`, `{"link_id":"../%2e\u0000?"}`} {
			w := s.post(t, me, "disconnect", r)
			refused(t, w, http.StatusNotFound, "not_found")
			answers[w.Body.String()] = true
		}
	}
	assert.Len(t, answers, 1, "the response must not tell whether a link exists")
	assert.Empty(t, s.calls())
	assert.Zero(t, s.asked("delete_link"))

	// A handler does not mix up the deleted links of two users.
	assert.Equal(t, http.StatusNoContent, s.post(t, victim, "disconnect", names(victim, theirs.ID)["handle"]).Code)
	s.calls()
	for _, body := range names(victim, theirs.ID) {
		refused(t, s.post(t, me, "disconnect", body), http.StatusNotFound, "not_found")
	}
	assert.Empty(t, s.calls())
}

// MoneyKit no longer lists a deleted link, but the hook must still be called.
func TestDisconnectHookFails(t *testing.T) {
	t.Parallel()
	s := newDisconnectShop(t)
	link := s.link(t, me)
	s.setFail(errors.New("the database is down"))
	w := s.post(t, me, "disconnect", names(me, link.ID)["handle"])
	problem := refused(t, w, http.StatusInternalServerError, "not_stored")
	assert.Equal(t, moneykit.ActionRetry, problem.Action)
	assert.NotContains(t, w.Body.String(), "database")
	assert.Contains(t, s.log.String(), "OnDisconnected returned an error: link "+link.ID+": the database is down")
	s.setFail(nil)
	assert.Equal(t, http.StatusNoContent, s.post(t, me, "disconnect", names(me, link.ID)["ID"]).Code)
	assert.Len(t, s.calls(), 2)
}

func TestDisconnectOfDeletedLink(t *testing.T) {
	t.Parallel()
	s := newDisconnectShop(t)
	link := s.link(t, me)
	s.mk.Fail("delete_link", 1, moneykittest.Fault{Code: moneykit.ErrorCodeLinkDeleted})
	assert.Equal(t, http.StatusNoContent, s.post(t, me, "disconnect", names(me, link.ID)["handle"]).Code)
	assert.Len(t, s.calls(), 1)
}

func TestDisconnectWhileMoneyKitIsDown(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"get_user_links", "delete_link"} {
		s := newDisconnectShop(t)
		link := s.link(t, me)
		s.mk.Fail(operation, 1, moneykittest.Fault{Status: 503})
		problem := refused(t, s.post(t, me, "disconnect", names(me, link.ID)["handle"]), http.StatusBadGateway, "unavailable")
		assert.Equal(t, moneykit.ActionRetry, problem.Action)
		assert.Empty(t, s.calls())
		s.mk.Fail(operation, 1, moneykittest.Fault{Code: moneykit.ErrorCodeRateLimitExceeded, Header: http.Header{"Retry-After": {"7"}}})
		for range 3 {
			problem = refused(t, s.post(t, me, "disconnect", names(me, link.ID)["handle"]), http.StatusTooManyRequests, "rate_limited")
			assert.InDelta(t, 7, problem.RetryAfter, 1)
		}
		assert.Equal(t, 2, s.asked(operation)-map[string]int{"get_user_links": 1}[operation]) // One was for the new link.
		assert.Empty(t, s.calls())
	}
}

func TestDisconnectConcurrently(t *testing.T) {
	t.Parallel()
	s := newDisconnectShop(t)
	link := s.link(t, me)
	codes := make([]int, 8)
	var all sync.WaitGroup
	for i := range codes {
		r := newRequest(t, me, "disconnect", strings.NewReader(names(me, link.ID)["handle"]))
		all.Go(func() {
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, r)
			codes[i] = w.Code
		})
	}
	all.Wait()
	for _, code := range codes {
		assert.Equal(t, http.StatusNoContent, code)
	}
	assert.Equal(t, 1, s.asked("delete_link"))
}

func TestDisconnectAfterBrowserLeft(t *testing.T) {
	t.Parallel()
	s := newDisconnectShop(t)
	link := s.link(t, me)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := newRequest(t, me, "disconnect", strings.NewReader(names(me, link.ID)["handle"]))
	assert.Equal(t, http.StatusNoContent, s.serve(t, r.WithContext(ctx)).Code)
	assert.Len(t, s.calls(), 1)
}

func TestDisconnectWithoutHook(t *testing.T) {
	t.Parallel()
	s := newShop(t, moneykittest.NewServer(t), nil)
	link := s.mk.AddLink(moneykittest.LinkSpec{UserID: me})
	refused(t, s.post(t, me, "disconnect", names(me, link.ID)["ID"]), http.StatusNotFound, "not_found")
	assert.Empty(t, s.mk.Requests())
}

func TestDisconnectRefusesRequests(t *testing.T) {
	t.Parallel()
	s := newDisconnectShop(t)
	for _, body := range []string{"", "null", "[]", "{}", "{", `{"link":7}`, `{"link":""}`, `"mk_1"`} {
		problem := refused(t, s.post(t, me, "disconnect", body), http.StatusUnprocessableEntity, "invalid_request")
		assert.Equal(t, moneykit.ActionFix, problem.Action)
	}
	refused(t, s.post(t, "", "disconnect", `{"link":"mk_1"}`), http.StatusUnauthorized, "unauthenticated")
	refused(t, s.post(t, me, "disconnect", strings.Repeat(" ", 65<<10)), http.StatusRequestEntityTooLarge, "too_large")
	r := newRequest(t, me, "disconnect", strings.NewReader(`{"link":"mk_1"}`))
	r.Header.Set("Origin", "https://evil.example")
	refused(t, s.serve(t, r), http.StatusForbidden, "cross_origin")
	r = newRequest(t, me, "disconnect", nil)
	r.Method = http.MethodDelete
	refused(t, s.serve(t, r), http.StatusMethodNotAllowed, "method_not_allowed")
	for range 120 {
		s.post(t, victim, "event", `{"name":"open"}`)
	}
	refused(t, s.post(t, victim, "disconnect", `{"link":"mk_1"}`), http.StatusTooManyRequests, "rate_limited")
	assert.Empty(t, s.mk.Requests())
}

// MoneyKit has deleted the link, but all its responses are lost.
func TestDisconnectAfterLostResponses(t *testing.T) {
	t.Parallel()
	s := newDisconnectShop(t)
	link := s.link(t, me)
	s.mk.Fail("delete_link", -1, moneykittest.Fault{Reset: moneykittest.ResetAfter})
	refused(t, s.post(t, me, "disconnect", names(me, link.ID)["handle"]), http.StatusBadGateway, "unavailable")
	assert.Empty(t, s.calls())
	s.mk.Fail("delete_link", 0, moneykittest.Fault{})
	assert.Equal(t, http.StatusNoContent, s.post(t, me, "disconnect", names(me, link.ID)["handle"]).Code)
	assert.Len(t, s.calls(), 1)
}
