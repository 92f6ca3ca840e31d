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

func TestFaultAnswers(t *testing.T) {
	t.Parallel()
	header := http.Header{"Retry-After": {"7"}, "x-custom": {"a", "b"}}
	tests := map[string]struct {
		fault  moneykittest.Fault
		status int
		code   string
		link   string
		body   string
		media  string
	}{
		"zero":                {status: 500, body: "Internal Server Error", media: "text/plain; charset=utf-8"},
		"status":              {fault: moneykittest.Fault{Status: 502}, status: 502, body: "Bad Gateway", media: "text/plain; charset=utf-8"},
		"no status":           {fault: moneykittest.Fault{Status: 101}, status: 500, body: "Internal Server Error", media: "text/plain; charset=utf-8"},
		"no such status":      {fault: moneykittest.Fault{Status: 4000, Code: "x"}, status: 500, code: "x"},
		"code":                {fault: moneykittest.Fault{Code: moneykit.ErrorCodeLinkUnauthorizedAccess}, status: 401, code: "link_error.unauthorized_access"},
		"code of an unknown":  {fault: moneykittest.Fault{Code: "x"}, status: 500, code: "x"},
		"code and status":     {fault: moneykittest.Fault{Status: 418, Code: moneykit.ErrorCodeLinkNotFound}, status: 418, code: "link_error.not_found"},
		"bad config":          {fault: moneykittest.Fault{Code: moneykit.ErrorCodeLinkBadConfig}, status: 400, code: "link_error.bad_config"},
		"link error":          {fault: moneykittest.Fault{LinkError: moneykit.LinkErrorNoAccounts}, status: 422, code: "link_error.bad_state", link: "no_accounts"},
		"header":              {fault: moneykittest.Fault{Status: 429, Header: header}, status: 429, body: "Too Many Requests", media: "text/plain; charset=utf-8"},
		"page":                {fault: moneykittest.Fault{Status: 503, Body: "<html>"}, status: 503, body: "<html>", media: "text/html; charset=utf-8"},
		"JSON":                {fault: moneykittest.Fault{Status: 503, Body: `{"a":1}`}, status: 503, body: `{"a":1}`, media: "application/json"},
		"type":                {fault: moneykittest.Fault{Status: 503, Body: `{"a":1}`, ContentType: "text/css"}, status: 503, body: `{"a":1}`, media: "text/css"},
		"no body":             {fault: moneykittest.Fault{Status: 204, Code: "x"}, status: 204},
		"the answer's body":   {fault: moneykittest.Fault{Body: "[]"}, status: 200, body: "[]", media: "application/json"},
		"the answer's header": {fault: moneykittest.Fault{Header: header, Body: "1"}, status: 200, body: "1", media: "application/json"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk := moneykittest.NewServer(t)
			link := mk.AddLink(moneykittest.LinkSpec{})
			mk.Fail("get_link", 1, tt.fault)
			a := send(t, mk, http.MethodGet, "/links/"+link.ID, "")
			assert.Equal(t, tt.status, a.status)
			switch {
			case tt.code != "":
				assert.Equal(t, tt.code, a.field(t, "error_code"))
				if tt.link != "" {
					assert.Equal(t, tt.link, a.field(t, "link_error_code"))
				}
			case tt.body != "":
				assert.Equal(t, tt.body, string(a.body))
				assert.Equal(t, tt.media, a.header.Get("Content-Type"))
			default:
				assert.Empty(t, a.body)
			}
			if tt.fault.Header != nil {
				assert.Equal(t, "7", a.header.Get("Retry-After"))
				assert.Equal(t, []string{"a", "b"}, a.header.Values("X-Custom"))
			}
			assert.Equal(t, tt.status, mk.Requests()[0].Status)
			assert.Equal(t, 200, send(t, mk, http.MethodGet, "/links/"+link.ID, "").status, "once was planned")
		})
	}
}

func TestFailQueue(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	link := mk.AddLink(moneykittest.LinkSpec{})
	statuses := func(n int) (out []int) {
		for range n {
			out = append(out, send(t, mk, http.MethodGet, "/links/"+link.ID, "").status)
		}
		return out
	}
	mk.Fail("get_link", 2, moneykittest.Fault{Status: 502})
	mk.Fail("get_link", 1, moneykittest.Fault{Status: 503})
	mk.Fail("", 1, moneykittest.Fault{Status: 504})
	mk.Fail("delete_link", -1, moneykittest.Fault{Status: 500})
	assert.Equal(t, []int{502, 502, 503, 504, 200}, statuses(5))
	assert.Equal(t, 500, send(t, mk, http.MethodDelete, "/links/"+link.ID, "").status)

	mk.Fail("get_link", -1, moneykittest.Fault{Status: 502})
	assert.Equal(t, []int{502, 502, 502}, statuses(3))
	mk.Fail("get_link", 0, moneykittest.Fault{})
	assert.Equal(t, []int{200}, statuses(1))
	mk.Fail("", -1, moneykittest.Fault{Status: 502})
	assert.Equal(t, []int{502, 502}, statuses(2))
	assert.Equal(t, 502, send(t, mk, http.MethodGet, "/nowhere", "").status)
	assert.Empty(t, tb.errors)
	mk.Fail("", 0, moneykittest.Fault{})
	assert.Equal(t, []int{200}, statuses(1))

	mk.Fail("getLink", 1, moneykittest.Fault{})
	require.Len(t, tb.errors, 1)
	assert.Contains(t, tb.errors[0], `"getLink"`)

	// The header is the test's again once Fail has returned.
	header := http.Header{"X-Custom": {"a"}}
	mk.Fail("get_link", 1, moneykittest.Fault{Header: header})
	header["X-Custom"][0] = "b"
	assert.Equal(t, "a", send(t, mk, http.MethodGet, "/links/"+link.ID, "").header.Get("X-Custom"))
}

// TestFaultsOfTheWire goes over TCP and in memory.
func TestFaultsOfTheWire(t *testing.T) {
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
