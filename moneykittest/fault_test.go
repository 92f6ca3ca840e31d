package moneykittest_test

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// A mistake is reported to the test, and a response with a status without a body has none.
func TestFail(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	mk.Fail("getLink", 1, moneykittest.Fault{})
	require.Len(t, tb.errors, 1)
	assert.Contains(t, tb.errors[0], `"getLink"`)
	mk.Fail("get_link", 1, moneykittest.Fault{Status: 204, Code: "x"})
	a := send(t, mk, http.MethodGet, "/links/mk_x", "")
	assert.Equal(t, 204, a.status)
	assert.Empty(t, a.body)
	mk.Fail("get_link", 1, moneykittest.Fault{
		Status: 418, Code: moneykit.ErrorCodeLinkBadState, LinkError: moneykit.LinkErrorNoAccounts,
		Header: http.Header{"Retry-After": {"7"}}, ContentType: "application/x+json",
	})
	a = send(t, mk, http.MethodGet, "/links/mk_x", "")
	assert.Equal(t, 418, a.status)
	assert.Equal(t, "no_accounts", a.field(t, "link_error_code"))
	assert.Equal(t, "7", a.header.Get("Retry-After"))
	assert.Equal(t, "application/x+json", a.header.Get("Content-Type"))
}

// TestConnectionFaults tests faults of connections over TCP and in memory.
func TestConnectionFaults(t *testing.T) {
	t.Parallel()
	for _, wire := range []string{"memory", "tcp"} {
		t.Run(wire, func(t *testing.T) {
			t.Parallel()
			server := func() (*moneykittest.Server, *moneykit.Client) {
				mk := moneykittest.NewServer(t)
				var opts []moneykit.Option
				if wire == "tcp" {
					opts = append(opts, moneykit.WithBaseURL(mk.URL()),
						moneykit.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
				}
				return mk, mk.Client(append(opts, moneykit.WithRetry(moneykit.RetryPolicy{MinWait: time.Millisecond}))...)
			}
			for name, fault := range map[string]moneykittest.Fault{
				"before":               {Reset: moneykittest.ResetBefore},
				"after":                {Reset: moneykittest.ResetAfter},
				"after, with a status": {Reset: moneykittest.ResetAfter, Status: 500},
				"truncate":             {Truncate: true},
			} {
				t.Run("get, "+name, func(t *testing.T) {
					t.Parallel()
					mk, client := server()
					link := mk.AddLink(moneykittest.LinkSpec{})
					mk.Fail("get_link", 2, fault)
					_, err := client.Links.Get(t.Context(), link.ID)
					require.NoError(t, err, "a GET is repeated")
					var got []int
					for _, r := range mk.Requests()[1:] {
						got = append(got, r.Status)
					}
					want := []int{0, 0, 200}
					if name == "truncate" {
						want = []int{200, 200, 200}
					}
					assert.Equal(t, want, got)
				})
				t.Run("exchange, "+name, func(t *testing.T) {
					t.Parallel()
					mk, client := server()
					result := play(t, mk, open(t, client, sessionParams()), moneykittest.Play{})
					mk.Fail("exchange_token", 1, fault)
					_, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
					require.ErrorIs(t, err, moneykit.ErrOutcomeUnknown)
					assert.Equal(t, 1, operations(mk)["exchange_token"], "an exchange is not repeated")
					link, err := client.Links.Get(t.Context(), result.LinkID)
					require.NoError(t, err)
					if name == "before" {
						assert.Equal(t, moneykit.LinkStateAwaitingTokenExchange, link.State)
						_, err = client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
						require.NoError(t, err)
						return
					}
					assert.Equal(t, moneykit.LinkStateConnected, link.State)
					_, err = client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
					isError(t, err, moneykit.ErrorCodeInvalidTokenExchange, 400)
				})
			}
			t.Run("get, once", func(t *testing.T) {
				t.Parallel()
				mk, client := server()
				link := mk.AddLink(moneykittest.LinkSpec{})
				_, err := client.Links.Get(t.Context(), link.ID)
				require.NoError(t, err)
				mk.Fail("get_link", 1, moneykittest.Fault{Reset: moneykittest.ResetBefore})
				_, err = client.Links.Get(t.Context(), link.ID, moneykit.WithoutRetry())
				require.Error(t, err, "net/http repeats it on connections that it uses again")
				assert.Equal(t, wire == "tcp", errors.Is(err, syscall.ECONNRESET), "%v", err)
			})
			t.Run("delete, after", func(t *testing.T) {
				t.Parallel()
				mk, client := server()
				link := mk.AddLink(moneykittest.LinkSpec{})
				mk.Fail("delete_link", 1, moneykittest.Fault{Reset: moneykittest.ResetAfter})
				isError(t, client.Links.Delete(t.Context(), link.ID), moneykit.ErrLinkDeleted, 410)
			})
		})
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mk := moneykittest.NewServer(t)
		client := mk.Client(moneykit.WithHeaderAuth())
		link := mk.AddLink(moneykittest.LinkSpec{})

		start := time.Now()
		mk.Fail("get_link", 1, moneykittest.Fault{Latency: 10 * time.Second})
		_, err := client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, 10*time.Second, time.Since(start))

		// The request ends before.
		start = time.Now()
		mk.Fail("delete_link", 1, moneykittest.Fault{Latency: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, client.Links.Delete(ctx, link.ID), context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(start))
		synctest.Wait()
		got, err := client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, moneykit.LinkStateConnected, got.State)
		<-time.After(2 * time.Hour)
		got, err = client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, moneykit.LinkStateConnected, got.State, "it is not handled later, either")

		// The server ends before.
		start = time.Now()
		mk.Fail("", -1, moneykittest.Fault{Latency: time.Hour})
		time.AfterFunc(time.Second, mk.Close)
		_, err = client.Links.Get(t.Context(), link.ID, moneykit.WithoutRetry())
		require.Error(t, err)
		assert.Equal(t, time.Second, time.Since(start))
	})
	synctest.Test(t, func(t *testing.T) {
		mk := moneykittest.NewServer(t)
		mk.Fail("", 1, moneykittest.Fault{Latency: time.Hour})
		time.AfterFunc(time.Second, mk.Close)
		start := time.Now()
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() { ask(t, mk, http.MethodGet, "/links/x", "") })
		assert.Equal(t, time.Second, time.Since(start), "connections that are not the server's do not end with it")
	})
}
