package moneykittest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
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

// *testing.T and *testing.B implement TB.
var (
	_ moneykittest.TB = (*testing.T)(nil)
	_ moneykittest.TB = (*testing.B)(nil)
)

func TestUnknownRoute(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/institution", "/links/", "//links/x", "/links/x/", "/links/x/../y", "/links/x/y"} {
		mk, tb := newFake(t)
		a := send(t, mk, http.MethodGet, path, "")
		assert.Equal(t, 404, a.status, path)
		assert.NotEmpty(t, a.field(t, "error_message"))
		require.Len(t, tb.errors, 1)
		assert.Contains(t, tb.errors[0], "GET "+path)
		assert.Empty(t, mk.Requests()[0].Operation)
	}
	mk, tb := newFake(t)
	a := send(t, mk, http.MethodPut, "/links/x", "")
	assert.Equal(t, 405, a.status)
	assert.Equal(t, "GET, HEAD, PATCH, DELETE", a.header.Get("Allow"))
	assert.Len(t, tb.errors, 1)
	// An escaped slash is part of an ID.
	assert.Equal(t, 404, send(t, mk, http.MethodGet, "/links/a%2Fb", "").status)
	assert.Len(t, tb.errors, 1)

	free := moneykittest.New()
	defer free.Close()
	assert.Equal(t, 404, send(t, free, http.MethodGet, "/nowhere", "").status)
}

func TestHandler(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	server := httptest.NewServer(mk.Handler())
	defer server.Close()
	link := mk.AddLink(moneykittest.LinkSpec{})
	id, secret := mk.Credentials()
	client, err := moneykit.NewClient(id, secret, moneykit.WithBaseURL(server.URL),
		moneykit.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	require.NoError(t, err)
	got, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, &link, got)

	// Connections also end with a handler. Without a connection the handler ends.
	mk.Fail("get_link", 1, moneykittest.Fault{Reset: moneykittest.ResetBefore})
	_, err = client.Links.Get(t.Context(), link.ID, moneykit.WithoutRetry())
	require.Error(t, err)
	mk.Fail("", 1, moneykittest.Fault{Reset: moneykittest.ResetBefore})
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
		mk.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/links/x", nil))
	})
}

func TestClient(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	// One of several options is refused.
	client := mk.Client(moneykit.WithUserAgent("test", "1"), moneykit.WithBaseURL("ftp://x"))
	require.Len(t, tb.errors, 1)
	_, err := client.Auth.Introspect(t.Context())
	require.ErrorContains(t, err, "the base URL")
	err = client.Do(t.Context(), http.MethodPost, "/link-session", map[string]any{}, nil)
	require.ErrorContains(t, err, "the base URL")
	assert.Empty(t, mk.Requests())

	client = mk.Client(moneykit.WithUserAgent("test", "1"), moneykit.WithBaseURL("https://moneykit.example/prefix"), moneykit.WithHeaderAuth())
	_, err = client.Auth.Introspect(t.Context(), moneykit.WithoutRetry())
	require.Error(t, err, "there is no TLS in memory")

	client = mk.Client(moneykit.WithUserAgent("test", "1"))
	_, err = client.Auth.Introspect(t.Context())
	require.NoError(t, err)
	requests := mk.Requests()
	assert.Contains(t, requests[len(requests)-1].Header.Get("User-Agent"), "test/1 ")
}

func TestClose(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	client := mk.Client(moneykit.WithHeaderAuth())
	address := mk.URL()
	assert.Equal(t, address, mk.URL())
	_, err := client.Auth.Introspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 200, send(t, mk, http.MethodGet, "/auth/introspect", "").status)

	// Close ends a connection that waits for a response.
	mk.Fail("", 1, moneykittest.Fault{Latency: time.Hour})
	ended := make(chan error)
	go func() {
		_, err := client.Auth.Introspect(context.Background(), moneykit.WithoutRetry())
		ended <- err
	}()
	require.Eventually(t, func() bool { return len(mk.Requests()) == 3 }, 10*time.Second, time.Millisecond)
	// Close ends an idle connection.
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(address, "http://"))
	require.NoError(t, err)
	defer conn.Close()

	tb.end()
	mk.Close()
	require.Error(t, <-ended)
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	_, err = client.Auth.Introspect(t.Context(), moneykit.WithoutRetry())
	require.ErrorContains(t, err, "the server is closed")
	_, err = mk.Client(moneykit.WithHeaderAuth()).Auth.Introspect(t.Context(), moneykit.WithoutRetry())
	require.ErrorContains(t, err, "the server is closed")
	_, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(address, "http://"))
	require.Error(t, err)

	// After the test nothing is reported.
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nowhere", nil)
	mk.Handler().ServeHTTP(httptest.NewRecorder(), req)
	assert.Empty(t, tb.errors)

	unused, _ := newFake(t)
	unused.Close()
	assert.Empty(t, unused.URL())
}

func TestString(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, nil, moneykittest.WithCredentials("sandbox_me", "canary"))
	assert.Equal(t, "moneykittest.Server(in memory)", mk.String())
	address := mk.URL()
	assert.Equal(t, "moneykittest.Server("+address+")", mk.String())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, value := range []any{mk, *mk, []any{mk}, struct{ S *moneykittest.Server }{mk}, struct{ s moneykittest.Server }{*mk}} {
			text := fmt.Sprintf(verb, value)
			assert.NotContains(t, text, "canary", verb)
			assert.NotContains(t, text, fmt.Sprintf("%x", "canary"), verb)
		}
	}
	assert.Equal(t, "moneykittest.Server(nil)", (*moneykittest.Server)(nil).String())
	assert.Equal(t, "moneykittest.Server(nil)", (&moneykittest.Server{}).GoString())
}

// TestBubble uses a server under synctest: time advances by itself. The bubble fails if a goroutine
// is left running.
func TestBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mk := moneykittest.NewServer(t)
		client := mk.Client()
		link := connect(t, mk, sessionParams(), moneykittest.Play{})
		mk.Fail("get_link", 2, moneykittest.Fault{Status: 503, Header: http.Header{"Retry-After": {"20"}}})
		mk.Fail("get_accounts", 1, moneykittest.Fault{Reset: moneykittest.ResetAfter})
		start := time.Now()
		_, err := client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, 40*time.Second, time.Since(start))
		_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
		require.NoError(t, err)

		// The server and the client have the same clock, so the client renews the token in time.
		before := operations(mk)["create_access_token"]
		<-time.After(2 * time.Hour)
		_, err = client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, before+1, operations(mk)["create_access_token"])
		for _, r := range mk.Requests() {
			assert.NotEqual(t, 401, r.Status)
		}
	})
}

// TestParallel is for the race detector.
func TestParallel(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, moneykittest.WithRateLimits())
	shared := mk.Client()
	tcp := mk.Client(moneykit.WithBaseURL(mk.URL()), moneykit.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	// one plays a whole flow and returns the link.
	one := func(client *moneykit.Client, user string) (string, error) {
		params := sessionParams()
		params.CustomerUser.ID = user
		session, err := client.LinkSessions.Create(t.Context(), params)
		if err != nil {
			return "", err
		}
		result, err := moneykit.ParseConnectResult(mk.Connect(session.Token, moneykit.ConnectAndroid, moneykittest.Play{}))
		if err != nil {
			return "", err
		}
		link, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
		if err != nil {
			return "", err
		}
		if _, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{}); err != nil {
			return "", err
		}
		mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
		_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
		if !errors.Is(err, moneykit.ErrRelinkRequired) {
			return "", fmt.Errorf("the broken link: %w", err)
		}
		mk.Fail("delete_link", 1, moneykittest.Fault{Latency: time.Millisecond})
		mk.AddLink(moneykittest.LinkSpec{})
		mk.Advance(time.Millisecond)
		_, _ = mk.Requests(), mk.String()
		return link.ID, client.Links.Delete(t.Context(), link.ID)
	}
	var wg sync.WaitGroup
	ids := make([]string, 50)
	for i := range ids {
		wg.Go(func() {
			client := shared
			if i%2 == 0 {
				client = tcp
			}
			id, err := one(client, fmt.Sprintf("user-%d", i))
			assert.NoError(t, err)
			ids[i] = id
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, id := range ids {
		assert.False(t, seen[id])
		seen[id] = true
	}
	assert.Equal(t, 50, operations(mk)["exchange_token"])
}

func TestNow(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	mk := moneykittest.NewServer(t, moneykittest.WithClock(func() time.Time { return start }))
	assert.Equal(t, start, mk.Now())
	mk.Advance(time.Hour)
	assert.Equal(t, start.Add(time.Hour), mk.Now())
}

func TestConcurrentSyncs(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, moneykittest.WithHistory(10*24*time.Hour), moneykittest.WithRefreshDelay(time.Millisecond))
	client := mk.Client(moneykit.WithHeaderAuth())
	ctx := t.Context()
	work := func(name string) error {
		link := mk.AddLink(moneykittest.LinkSpec{UserID: "shared"})
		store := &moneykittest.MemoryStore{}
		for range 4 {
			mk.AddTransactions(link.ID, moneykit.Transaction{Description: name})
			_, err1 := client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductTransactions, moneykit.ProductInvestments})
			_, err2 := client.Users.Transactions(ctx, "shared", moneykit.UserTransactionListParams{})
			_, err3 := client.Users.Accounts(ctx, "shared", moneykit.UserAccountListParams{})
			_, err4 := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
			_, err5 := client.SyncTransactions(ctx, link.ID, store, moneykit.WithPageSize(10))
			if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
				return err
			}
		}
		mk.Advance(time.Second) // The delayed refreshes end.
		if _, err := client.SyncTransactions(ctx, link.ID, store); err != nil {
			return err
		}
		if !assert.ObjectsAreEqual(mk.Transactions(link.ID), store.Transactions(link.ID)) {
			return errors.New("the copy differs")
		}
		return nil
	}
	failures := make(chan error, 6)
	for i := range cap(failures) {
		go func() { failures <- work(fmt.Sprint(i)) }()
	}
	for range cap(failures) {
		require.NoError(t, <-failures)
	}
}

// A body that is too large is also refused over TCP, while the client may still be writing it.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	body := `{"exchangeable_token":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, client := range []*moneykit.Client{mk.Client(), mk.Client(moneykit.WithHTTPClient(http.DefaultClient), moneykit.WithBaseURL(mk.URL()))} {
		err := client.Do(t.Context(), http.MethodPost, "/link-session/exchange-token", json.RawMessage(body), nil)
		var e *moneykit.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 413, e.StatusCode, "%v", err)
	}
}
