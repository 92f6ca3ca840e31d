package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// site is the application, on a real listener and with a sandbox.
type site struct {
	t       *testing.T
	app     *app
	sandbox *moneykittest.Server
	server  *httptest.Server
}

func newSite(t *testing.T) *site {
	t.Helper()
	s, err := openStore(t.Context(), "sqlite", ":memory:")
	require.NoError(t, err)
	t.Cleanup(s.close)
	return newSiteOn(t, s)
}

func newSiteOn(t *testing.T, s *store, options ...moneykittest.Option) *site {
	t.Helper()
	sandbox := moneykittest.NewServer(t, append(options, moneykittest.WithAutoDelivery())...)
	server := httptest.NewUnstartedServer(nil)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	kit := moneyKit{client: sandbox.Client(), host: sandbox.URL(), sandbox: sandbox}
	application, err := newApp(kit, s, appConfig{origin: "http://localhost:" + port, script: []byte("// the script")})
	require.NoError(t, err)
	require.NoError(t, application.restore(t.Context()))
	server.Config.Handler = application
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(application.events.close)
	return &site{t, application, sandbox, server}
}

// browser is a visitor.
type browser struct {
	*site
	client http.Client
	cookie *http.Cookie
}

// visit opens the page in a new browser.
func (s *site) visit() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	b := &browser{site: s, client: http.Client{Jar: jar}}
	response := b.do(http.MethodGet, "/", "", nil)
	defer response.Body.Close()
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	require.Len(s.t, response.Cookies(), 1)
	b.cookie = response.Cookies()[0]
	return b
}

func (b *browser) do(method, path, body string, header http.Header) *http.Response {
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.app.config.origin+path, strings.NewReader(body))
	require.NoError(b.t, err)
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := b.client.Do(r)
	require.NoError(b.t, err)
	return response
}

// call returns the status of a response, and decodes its JSON if there is a destination.
func (b *browser) call(method, path, body string, into any) int {
	response := b.do(method, path, body, nil)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	if into != nil {
		require.NoError(b.t, json.Unmarshal(data, into), string(data))
	}
	return response.StatusCode
}

type listing struct {
	Links  []linkView  `json:"links"`
	Totals []totalView `json:"totals"`
}

func (b *browser) links() (list listing) {
	require.Equal(b.t, http.StatusOK, b.call(http.MethodGet, "/api/links", "", &list))
	return list
}

func (b *browser) frontEnd() *moneykittest.FrontEnd {
	return b.sandbox.FrontEnd(b.app, "", b.cookie)
}

// link links a bank and returns its view on the page.
func (b *browser) link(bank string) linkView {
	before := len(b.links().Links)
	require.NoError(b.t, b.frontEnd().Link(moneykittest.Play{Institution: bank}))
	links := b.links().Links
	require.Len(b.t, links, before+1)
	return links[before]
}

func TestLinkBreakFixDisconnect(t *testing.T) {
	s := newSite(t)
	b := s.visit()
	assert.Empty(t, b.links().Links)

	link := b.link(moneykittest.CredentialsBank)
	assert.Equal(t, "Credentials Bank", link.Institution)
	assert.Equal(t, "connected", link.State)
	assert.False(t, link.Fix)
	require.NotEmpty(t, link.Accounts)
	assert.NotEmpty(t, link.Accounts[0].Balance)
	list := b.links()
	require.NotEmpty(t, list.Totals)
	want := moneykit.Decimal{}
	for _, account := range link.Accounts {
		if account.Balance != "" && account.Currency == list.Totals[0].Currency {
			want = want.Add(moneykit.MustDecimal(account.Balance))
		}
	}
	assert.Equal(t, want.String(), list.Totals[0].Amount)

	named := fmt.Sprintf(`{"link": %q}`, link.Link)
	require.Equal(t, http.StatusNoContent, b.call(http.MethodPost, "/api/sandbox/break", named, nil))
	broken := b.links().Links[0]
	assert.True(t, broken.Fix)
	assert.Equal(t, "error", broken.State)
	assert.NotEmpty(t, broken.Notice)

	require.NoError(t, b.frontEnd().Relink(link.Link, moneykittest.Play{}))
	assert.False(t, b.links().Links[0].Fix)

	require.Equal(t, http.StatusNoContent, b.call(http.MethodPost, "/connect/disconnect", named, nil))
	assert.Empty(t, b.links().Links)
	assert.Equal(t, http.StatusNotFound, b.call(http.MethodPost, "/api/sandbox/break", named, nil))
}

func TestUsersAreSeparate(t *testing.T) {
	s := newSite(t)
	owner, stranger := s.visit(), s.visit()
	link := owner.link(moneykittest.InstantBank)
	assert.Empty(t, stranger.links().Links)
	rows, err := s.app.store.links(t.Context(), userID(t, owner))
	require.NoError(t, err)
	for _, name := range []string{link.Link, rows[0].id, connect.LinkHandle(userID(t, stranger), rows[0].id)} {
		named := fmt.Sprintf(`{"link": %q}`, name)
		assert.Equal(t, http.StatusNotFound, stranger.call(http.MethodGet, "/api/links/"+name+"/transactions", "", nil))
		assert.Equal(t, http.StatusNotFound, stranger.call(http.MethodPost, "/api/sandbox/break", named, nil))
		assert.Equal(t, http.StatusNotFound, stranger.call(http.MethodPost, "/connect/disconnect", named, nil))
	}
	assert.False(t, owner.links().Links[0].Fix)
	assert.Empty(t, s.app.events.after(userID(t, stranger), 0))
}

func userID(t *testing.T, b *browser) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.AddCookie(b.cookie)
	id, err := userOf(r)
	require.NoError(t, err)
	return id
}

func TestSession(t *testing.T) {
	s := newSite(t)
	b := s.visit()
	assert.True(t, b.cookie.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, b.cookie.SameSite)
	assert.NotContains(t, userID(t, b), b.cookie.Value)
	again := b.do(http.MethodGet, "/", "", nil)
	defer again.Body.Close()
	assert.Empty(t, again.Cookies(), "the second visit keeps the session")

	for _, value := range []string{"", "a", strings.Repeat("a", 26), strings.Repeat("A", 27)} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/links", nil)
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: value})
		for _, path := range []string{"/api/links", "/api/events", "/api/links/link_x/transactions"} {
			w := httptest.NewRecorder()
			r.URL = &url.URL{Path: path}
			s.app.ServeHTTP(w, r)
			assert.Equal(t, http.StatusUnauthorized, w.Code, path)
		}
	}
}

func TestOtherOriginsCannotPlay(t *testing.T) {
	s := newSite(t)
	b := s.visit()
	link := b.link(moneykittest.InstantBank)
	response := b.do(http.MethodPost, "/api/sandbox/break", fmt.Sprintf(`{"link": %q}`, link.Link),
		http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}})
	defer response.Body.Close()
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
}

func TestTransactionsArePaged(t *testing.T) {
	s := newSite(t)
	b := s.visit()
	link := b.link(moneykittest.InstantBank)
	require.Equal(t, http.StatusNoContent,
		b.call(http.MethodPost, "/api/sandbox/transactions", fmt.Sprintf(`{"link": %q}`, link.Link), nil))
	rows, err := s.app.store.links(t.Context(), userID(t, b))
	require.NoError(t, err)
	want := s.sandbox.Transactions(rows[0].id)

	var all []transactionView
	for page, more := 1, true; more; page++ {
		var list struct {
			Transactions []transactionView `json:"transactions"`
			More         bool              `json:"more"`
		}
		path := fmt.Sprintf("/api/links/%s/transactions?page=%d", link.Link, page)
		require.Equal(t, http.StatusOK, b.call(http.MethodGet, path, "", &list))
		assert.LessOrEqual(t, len(list.Transactions), pageSize)
		all, more = append(all, list.Transactions...), list.More
	}
	require.Len(t, all, len(want))
	signs := map[bool]int{}
	for i, row := range all {
		signs[strings.HasPrefix(row.Amount, "-")]++
		if i > 0 {
			assert.LessOrEqual(t, row.Date, all[i-1].Date, "newest first")
		}
	}
	assert.Len(t, signs, 2, "there are amounts of both signs")
	i := 0
	for all[i].Text != "Coffee at the corner" {
		i++
	}
	assert.True(t, all[i].Pending)
	assert.Equal(t, "-4.80", all[i].Amount)

	for _, page := range []string{"0", "-1", "x", "99999999999999999999"} {
		assert.Equal(t, http.StatusBadRequest, b.call(http.MethodGet, "/api/links/"+link.Link+"/transactions?page="+page, "", nil), page)
	}
}

func TestEventsStream(t *testing.T) {
	s := newSite(t)
	b := s.visit()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read := func(last string) (next func() event) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.app.config.origin+"/api/events", nil)
		require.NoError(t, err)
		r.Header.Set("Last-Event-ID", last)
		response, err := b.client.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { response.Body.Close() })
		assert.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
		lines := bufio.NewScanner(response.Body)
		return func() (e event) {
			for lines.Scan() {
				if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
					require.NoError(t, json.Unmarshal([]byte(data), &e))
					return e
				}
			}
			t.Fatal("the stream ended")
			return e
		}
	}
	next := read("")
	link := b.link(moneykittest.InstantBank)
	var seen []event
	until := func(source, name string) {
		for {
			e := next()
			seen = append(seen, e)
			if e.Source == source && e.Name == name {
				return
			}
		}
	}
	until("app", "linked")
	require.Equal(t, http.StatusNoContent, b.call(http.MethodPost, "/api/sandbox/break", fmt.Sprintf(`{"link": %q}`, link.Link), nil))
	until("webhook", string(moneykit.EventTypeLinkStateChanged))
	assert.Equal(t, "connect", seen[0].Source)

	again := read(fmt.Sprint(seen[1].ID))
	assert.Equal(t, seen[2].ID, again().ID, "a stream goes on where it was")
	s.app.events.close() // Like a shutdown. Otherwise the server's Close would wait forever.
}

// A webhook of a new link may arrive before the result of Connect.
func TestEventBeforeLink(t *testing.T) {
	s := newSite(t)
	b := s.visit()
	link := s.sandbox.AddLink(moneykittest.LinkSpec{UserID: userID(t, b)})
	early := &moneykit.TransactionsAvailable{EventMeta: moneykit.EventMeta{Type: moneykit.EventTypeTransactionsUpdatesAvailable, LinkID: link.ID}}
	require.NoError(t, s.app.available(t.Context(), early))
	assert.Empty(t, s.app.events.after(userID(t, b), 0))
	require.NoError(t, s.app.linked(t.Context(), userID(t, b), &link))
	shown := s.app.events.after(userID(t, b), 0)
	require.Len(t, shown, 2)
	assert.Equal(t, "linked", shown[0].Name)
	assert.Equal(t, "webhook", shown[1].Source)
	assert.Equal(t, "Instant Bank: New transactions", shown[1].Text)
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	l := newLog()
	for i := range 3 * keptEvents {
		l.add("user", event{Name: fmt.Sprint(i)})
	}
	kept := l.after("user", 0)
	require.Len(t, kept, keptEvents)
	assert.Equal(t, fmt.Sprint(3*keptEvents-1), kept[keptEvents-1].Name)
	for i := range maxUsers + 10 {
		l.add(fmt.Sprint("user", i), event{})
	}
	assert.Len(t, l.users, maxUsers)
	for i := range maxHeld + 10 {
		l.hold(fmt.Sprint("link", i), event{})
	}
	assert.LessOrEqual(t, len(l.held), maxHeld)
	for range maxStreams {
		stream, _ := l.subscribe("user")
		require.NotNil(t, stream)
	}
	stream, _ := l.subscribe("user")
	assert.Nil(t, stream)
}

func TestPage(t *testing.T) {
	s := newSite(t)
	b := s.visit()
	page := b.do(http.MethodGet, "/", "", nil)
	defer page.Body.Close()
	policy := page.Header.Get("Content-Security-Policy")
	for _, rule := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-src " + s.sandbox.URL(),
		"base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'",
	} {
		assert.Contains(t, policy, rule)
	}
	assert.NotContains(t, policy, "unsafe")
	text, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "style=")
	assert.NotRegexp(t, `<script[^>]*>[^<]`, string(text))
	for _, id := range []string{"connect", "events", "transactions", "theme", "scheme", "status"} {
		assert.Contains(t, string(text), `id="`+id+`"`)
	}
	for path, kind := range map[string]string{"/app.js": "text/javascript", "/style.css": "text/css", "/connect/connect.js": "text/javascript"} {
		response := b.do(http.MethodGet, path, "", nil)
		defer response.Body.Close()
		assert.Contains(t, response.Header.Get("Content-Type"), kind, path)
	}
	w := httptest.NewRecorder()
	s.app.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/", nil))
	assert.Equal(t, s.app.config.origin+"/", w.Header().Get("Location"))
}

// The page writes names only by textContent, so the server must not change them.
func TestNamesWithMarkup(t *testing.T) {
	s := newSite(t)
	b := s.visit()
	const name = `<img src=x onerror="alert(1)">`
	require.NoError(t, b.frontEnd().Link(moneykittest.Play{
		Institution: moneykittest.InstantBank,
		NewAccounts: []moneykit.Account{{Name: name, Type: "depository.checking"}},
	}))
	response := b.do(http.MethodGet, "/api/links", "", nil)
	defer response.Body.Close()
	assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "<img")
	names := []string{}
	for _, account := range b.links().Links[0].Accounts {
		names = append(names, account.Name)
	}
	assert.Contains(t, names, name)
	script, err := files.ReadFile("assets/app.js")
	require.NoError(t, err)
	for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
		assert.NotContains(t, string(script), sink)
	}
}

func TestThemeOfConnect(t *testing.T) {
	s := newSite(t)
	b := s.visit()
	for name, want := range map[string]bool{"playful": true, "serious": true, "default": false, "unknown": false, "": false} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/connect/session", strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		r.AddCookie(b.cookie)
		r.AddCookie(&http.Cookie{Name: "theme", Value: name})
		w := httptest.NewRecorder()
		s.app.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		assert.Equal(t, want, strings.Contains(w.Body.String(), `"theme"`), name)
	}
	for _, l := range looks() {
		if connectTheme := l.connectTheme(); connectTheme != nil {
			require.NoError(t, connectTheme.Validate(), l.Name)
		}
	}
}
