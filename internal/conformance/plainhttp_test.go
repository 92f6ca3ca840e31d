package conformance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file tests HTTP itself: methods, paths, connections, versions and the framing of bodies.

// plainMethods sends each path of the document with methods that it does not have.
func plainMethods(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	fill := strings.NewReplacer("{", "x-", "}", "")
	for path, item := range p.oracle.doc.Paths.Map() {
		var allow []string
		for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"} {
			if item.GetOperation(method) != nil || method == "HEAD" && item.Get != nil {
				allow = append(allow, method)
			}
		}
		if path == "/links/import" { // which is also an id of a link
			allow = []string{"GET", "HEAD", "POST", "PATCH", "DELETE"}
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "LINK"} {
			r := p.ask(t, method, fill.Replace(path), "")
			if slices.Contains(allow, method) {
				assert.NotEqual(t, http.StatusMethodNotAllowed, r.status, "%s %s", method, path)
				assert.Empty(t, r.header["Allow"])
				continue
			}
			if method == http.MethodHead { // which has no body
				assert.Equal(t, http.StatusMethodNotAllowed, r.status)
			} else {
				r.isError(t, http.StatusMethodNotAllowed, "")
			}
			assert.Equal(t, []string{strings.Join(allow, ", ")}, r.header["Allow"], "%s %s", method, path)
		}
	}
}

// plainHeads checks that HEAD has the headers of GET, and no body.
func plainHeads(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	for _, id := range operationIDs(t) {
		a := p.prepare(t, s, id)
		if a.method != http.MethodGet {
			continue
		}
		got := p.try(t, a)
		got.success(t, http.StatusOK)
		a.method = http.MethodHead
		head := p.try(t, a)
		assert.Equal(t, http.StatusOK, head.status, id)
		assert.Empty(t, head.text)
		for _, name := range []string{"Content-Type", "Content-Length"} {
			assert.Equal(t, got.header[name], head.header[name], id)
		}
	}
	head := p.send(t, http.MethodHead, "/links", "")
	assert.Equal(t, http.StatusUnauthorized, head.status)
	assert.Empty(t, head.text)
}

// plainPaths sends other spellings of paths.
func plainPaths(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	for _, id := range operationIDs(t) {
		a := p.prepare(t, s, id)
		target := a.target
		for _, wrong := range []string{target + "/", "/" + target, target + "/%2F", "/v1" + target} {
			a.target = wrong
			if r := p.try(t, a); r.operation == "" {
				r.isError(t, http.StatusNotFound, "")
			} else { // it is an id
				assert.Equal(t, http.StatusNotFound, r.status, wrong)
			}
		}
		// Each byte may be written in hexadecimal.
		var b strings.Builder
		for _, segment := range strings.Split(target, "/")[1:] {
			segment, err := url.PathUnescape(segment)
			require.NoError(t, err)
			b.WriteString("/")
			for i := range len(segment) {
				fmt.Fprintf(&b, []string{"%%%02X", "%%%02x"}[i%2], segment[i])
			}
		}
		a.target = b.String()
		assert.Equal(t, a.status, p.try(t, a).status, a.target)
	}
	for _, user := range []string{"a/b", "a%b", "a b", "a+b", "ü@x.test", "..", "%2e", "a?b#c", "日本語の人"} {
		if len(user) < 4 {
			user += strings.Repeat("x", 4-len(user))
		}
		link := p.link(t, user, "", `{}`)
		links := p.ask(t, http.MethodGet, "/users/"+url.PathEscape(user)+"/links", "").success(t, 200)["links"].(object)
		assert.Len(t, links, 1, user)
		assert.Contains(t, links, link, user)
		accounts := p.ask(t, http.MethodGet, "/users/"+url.PathEscape(user)+"/accounts", "").success(t, 200)["links"].(object)
		assert.Contains(t, accounts, link, user)
	}
}

// plainBodiesFramed sends bodies with all ways of HTTP to frame them.
func plainBodiesFramed(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	build := func(t *testing.T, a attempt, body io.Reader) *http.Request {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), a.method, p.url+a.target, body)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+p.token)
		if a.media != "" {
			r.Header.Set("Content-Type", a.media)
		}
		return r
	}
	for _, id := range operationIDs(t) {
		a := p.prepare(t, s, id)
		if a.method == http.MethodGet {
			// The Ruby client says that every request is JSON. Others send a body along.
			a.media, a.body = "application/json", "{}"
			p.try(t, a).success(t, a.status)
			continue
		}
		r := build(t, a, struct{ io.Reader }{strings.NewReader(a.body)}) // of unknown length
		if a.body != "" {
			require.Zero(t, r.ContentLength)
		}
		p.do(t, r).success(t, a.status)

		a = p.prepare(t, s, id)
		r = build(t, a, strings.NewReader(a.body))
		r.Header.Set("Expect", "100-continue")
		p.do(t, r).success(t, a.status)
	}
	// A body that is too large is refused, in both ways.
	large := `{"exchangeable_token":"` + strings.Repeat("x", 1<<20) + `"}`
	a := attempt{method: http.MethodPost, target: "/link-session/exchange-token", media: "application/json"}
	for _, body := range []io.Reader{strings.NewReader(large), struct{ io.Reader }{strings.NewReader(large)}} {
		resp, err := p.http.Do(build(t, a, body))
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		answered{status: resp.StatusCode, header: resp.Header, text: text}.isError(t, http.StatusRequestEntityTooLarge, "")
	}
}

// oneConnection sends requests one after the other on a connection. net/http's transport would open
// another one when this is closed.
type oneConnection struct {
	conn   net.Conn
	reader *bufio.Reader
}

// RoundTrip sends a request.
func (c oneConnection) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(c.conn); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.reader, r)
}

// plainConnections keeps a connection through successes and errors of all operations.
func plainConnections(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	var attempts []attempt
	for _, id := range operationIDs(t) {
		attempts = append(attempts, p.prepare(t, s, id))
	}
	p.http = &http.Client{Transport: oneConnection{conn, bufio.NewReader(conn)}}
	for _, a := range attempts {
		p.try(t, a).success(t, a.status)
		p.try(t, a, "Authorization: Bearer wrong", "Content-Type: text/plain")
		a.target += "/"
		p.try(t, a)
		a.method = http.MethodOptions
		p.try(t, a)
	}
}

// plainTCP writes raw requests that no Go client sends.
func plainTCP(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	host := strings.TrimPrefix(p.url, "http://")
	link := "/links/" + s.link
	token := "Authorization: Bearer " + p.token + "\r\n"
	const session, length = `{"customer_user":{"id":"user"},"redirect_uri":"x://y"}`, 54
	require.Len(t, session, length)
	get := func(version, more string) string {
		return "GET " + link + " HTTP/" + version + "\r\n" + more + token + "\r\n"
	}
	chunks := fmt.Sprintf("%x;a=b\r\n%s\r\n%x\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n", 20, session[:20], length-20, session[20:])
	post := "POST /link-session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + token
	tests := map[string]struct {
		sent     string
		statuses []int
	}{
		"HTTP/1.0 without a host": {get("1.0", ""), []int{200}},
		"HTTP/1.0 kept alive":     {strings.Repeat(get("1.0", "Connection: keep-alive\r\n"), 2), []int{200, 200}},
		"HTTP/1.0 with a body": {strings.Replace(post, "1.1", "1.0", 1) +
			fmt.Sprintf("Content-Length: %d\r\n\r\n", length) + session, []int{201}},
		"names in small letters":    {strings.Replace(get("1.1", "host: x\r\n"), "Authorization", "authorization", 1), []int{200}},
		"names in capitals":         {strings.Replace(get("1.1", "HOST: x\r\n"), "Authorization", "AUTHORIZATION", 1), []int{200}},
		"spaces around values":      {"GET " + link + " HTTP/1.1\r\nHost:x\r\nAuthorization:  \t Bearer   " + p.token + " \r\n\r\n", []int{200}},
		"whole URL":                 {"GET " + p.url + link + " HTTP/1.1\r\nHost: " + host + "\r\n" + token + "\r\n", []int{200}},
		"two at once":               {strings.Repeat(get("1.1", "Host: x\r\n"), 2), []int{200, 200}},
		"an error and another":      {"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" + get("1.1", "Host: x\r\n"), []int{404, 200}},
		"chunks with extensions":    {post + "Transfer-Encoding: chunked\r\n\r\n" + chunks, []int{201}},
		"chunks that break off":     {post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", []int{400}},
		"no such transfer encoding": {post + "Transfer-Encoding: gzip\r\n\r\n", []int{501}},
		"unknown expectation":       {post + "Expect: a-miracle\r\nContent-Length: 0\r\n\r\n", []int{417}},
		"continued": {post + "Expect: 100-continue\r\n" +
			fmt.Sprintf("Content-Length: %d\r\n\r\n", length) + session, []int{100, 201}},
		"all of the server": {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", []int{200}},
		"no host":           {get("1.1", ""), []int{400}},
		"no HTTP":           {"hello\r\n\r\n", []int{400}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, tt.sent)
			require.NoError(t, err)
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			r := bufio.NewReader(conn)
			for _, want := range tt.statuses {
				resp, err := http.ReadResponse(r, nil)
				require.NoError(t, err)
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, want, resp.StatusCode, "%s", text)
				if want == 200 && strings.HasPrefix(tt.sent, "GET") {
					assert.Equal(t, s.link, decode(t, text)["link_id"])
				}
			}
			rest, err := io.ReadAll(r)
			require.NoError(t, err)
			assert.Empty(t, string(rest))
		})
	}
}
