package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
)

// TestRefused sends each kind of bad request to each verb.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := start(t, "-no-delivery")
	for _, v := range control.Verbs() {
		path := "/control/" + v.Name
		for name, tc := range map[string]struct {
			method, body string
			headers      []string
			status       int
			says         string
		}{
			"not JSON":              {"POST", `{"x`, nil, 400, "not valid JSON"},
			"not an object":         {"POST", `[1]`, nil, 400, "not valid JSON"},
			"data after the object": {"POST", `{} {}`, nil, 400, "unexpected data after the object"},
			"unknown member":        {"POST", `{"no_such_member": 1}`, nil, 400, "no_such_member"},
			"too large":             {"POST", strings.Repeat(" ", 8<<20+1), nil, 413, "8388608"},
			"a form":                {"POST", `a=b`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "application/json"},
			"another method":        {"PUT", `{}`, nil, 405, "POST"},
			"another site":          {"POST", `{}`, []string{"Origin", "https://evil.example"}, 403, "other sites"},
			"a site's page":         {"POST", `{}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "other sites"},
			"another name":          {"POST", `{}`, []string{"Host", "evil.example"}, 403, "names of this machine"},
			"an unknown host name":  {"POST", `{}`, []string{"Host", "localhost.evil.example:80"}, 403, "names of this machine"},
		} {
			status, data := s.ask(tc.method, path, tc.body, tc.headers...)
			assert.Equal(t, tc.status, status, "%s: %s", v.Name, name)
			assert.Contains(t, data, tc.says, "%s: %s", v.Name, name)
			assert.Contains(t, data, "error_message")
		}
		for _, f := range control.Fields(v.Params) {
			if f.Required {
				status, data := s.ask(http.MethodPost, path, `{}`)
				assert.Equal(t, 422, status, v.Name)
				assert.Contains(t, data, " is missing")
				exit, _, stderr := s.command(v.Name)
				assert.Equal(t, 2, exit, v.Name)
				assert.Contains(t, stderr, v.Name+" needs -")
				break
			}
		}
	}
	for verb, bodies := range map[string][]string{
		"connect": {
			`{"link_session_token": "no such"}`, `{"link_session_token": "x", "source": "windows"}`,
			`{"link_session_token": "x", "play": {"no": 1}}`,
		},
		"authorize": {`{"link_session_token": "no such"}`},
		"continue":  {`{"link_session_token": "no such", "return_url": "https://x"}`},
		"link": {
			`{"institution_id": "no bank"}`, `{"state": "happy"}`, `{"error": "bad mood"}`,
			`{"products": ["gold"]}`, `{"user_id": 7}`,
		},
		"break":   {`{"link_id": "mk_no"}`, `{"link_id": "mk_no", "reason": "bad mood"}`},
		"reset":   {`{"link_id": "mk_no"}`},
		"settle":  {`{"link_id": "mk_no"}`},
		"refresh": {`{"link_id": "mk_no"}`, `{"link_id": "mk_no", "products": ["gold"]}`},
		"transactions": {
			`{"link_id": "mk_no"}`, `{"link_id": "mk_no", "remove": "x", "add": [{"amount": 1}]}`,
			`{"link_id": "mk_no", "add": [{"amount": "x"}]}`,
		},
		"trigger": {`{"link_id": "mk_no", "event": "link.state_changed"}`, `{"link_id": "mk_no", "event": "party"}`},
		"deliver": {`{"duplicated": -1}`, `{"concurrently": 1000000}`},
		"resend":  {`{"token": "no such"}`},
		"sign":    {`{"url": "ftp://x", "body": {}}`},
		"tamper":  {`{"url": "http://x", "body": {}, "how": "gently"}`},
		"fail": {
			`{"operation": "no_such"}`, `{"fault": {"status": 99}}`, `{"fault": {"code": "x"}}`,
			`{"fault": {"latency": "soon"}}`, `{"fault": {"latency": "-1s"}}`,
		},
		"advance": {`{"by": "-1h"}`, `{"by": "soon"}`, `{"by": 7}`, `{"by": "900000000000h"}`},
	} {
		for _, body := range bodies {
			status, data := s.ask(http.MethodPost, "/control/"+verb, body)
			assert.True(t, status == 400 || status == 422, "%s %s: %d %s", verb, body, status, data)
			assert.Contains(t, data, "error_message", "%s %s", verb, body)
		}
	}
	_, data := s.ask(http.MethodPost, "/control/fail", `{"fault": {"status": "x"}}`)
	assert.Contains(t, data, "status must not have the type string", "the message uses the names of the JSON")
	_, data = s.ask(http.MethodGet, "/control/state", "")
	assert.Contains(t, data, `"links":0`, "no request changed anything")
	for path, want := range map[string]int{"/control/no-such": 404, "/nowhere": 404} {
		status, data := s.ask(http.MethodGet, path, "")
		assert.Equal(t, want, status)
		assert.Contains(t, data, "error_message")
	}
	status, _ := s.ask(http.MethodGet, "/control/links", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors")
	assert.Equal(t, 403, status, "reading, too")
	status, _ = s.ask(http.MethodGet, "/control/links", "", "Host", "[::1]")
	assert.Equal(t, 200, status)
}

// TestHosts checks that requests to the names of -control-hosts are served.
func TestHosts(t *testing.T) {
	t.Parallel()
	s := start(t, "-control-hosts", "Sandbox, other")
	for _, host := range []string{"sandbox:8788", "other", "LOCALHOST", "localhost.:8788", "127.0.0.1", "[::1]:8788"} {
		status, _ := s.ask(http.MethodGet, "/control/links", "", "Host", host)
		assert.Equal(t, 200, status, host)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-no-such-flag"},
		{"stray", "-x"},
		{"-limits", "stray"},
		{"-clock", "noon"},
		{"-fail", "teapot"},
		{
			"-fail",
			"get_accounts",
		},
		{"-fail", "200"},
		{"-fail", "503:0"},
		{"-fail", "a:503:1:2"},
		{"-settling", "never"},
		{"-client-id", ""},
		{"-history", "-1h"},
		{"-latency", "-1s"},
		{"-redirect-origins", "nonsense"},
		{"links", "-x"},
		{"links", "stray"},
		{"link", "-accounts", "x"},
		{"link", "-accounts", "@/no/such/file"},
		{"-tls-hosts", "sandbox"},
		{"-tls-dir", "x"},
		{"-tls", "-tls-hosts", "https://sandbox"},
		{"-control-hosts", "sandbox:8788"},
		{"-client-id", "a:b"},
		{"openapi", "-x"},
		{"openapi", "stray"},
		{"-fail", "no_such_operation:503", "-listen", "localhost:0", "-control", "localhost:0"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, 2, run(t.Context(), args, &stdout, &stderr), "%v: %s", args, &stderr)
		assert.Contains(t, stderr.String(), "moneykit-sandbox -h lists the commands and flags")
		assert.NotContains(t, stdout.String(), "ready")
	}
	for _, args := range [][]string{
		{"-h"}, {"help"}, {"-version"}, {"version"}, {"openapi"}, {"openapi", "-h"}, {"break", "-h"}, {"links", "-h"}, {"listen", "-h"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Zero(t, run(t.Context(), args, &stdout, &stderr), "%v", args)
		assert.NotEmpty(t, stdout.String()+stderr.String())
	}
	var out bytes.Buffer
	run(t.Context(), []string{"-h"}, &out, &out)
	for _, v := range control.Verbs() {
		assert.Contains(t, out.String(), v.Name)
	}
}

// TestPortsInUse starts the program on ports in use, and runs a subcommand without a running
// sandbox.
func TestPortsInUse(t *testing.T) {
	t.Parallel()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	defer l.Close()
	for _, args := range [][]string{
		{"-listen", l.Addr().String()},
		{"-listen", "localhost:0", "-control", l.Addr().String()},
	} {
		var out bytes.Buffer
		assert.Equal(t, 1, run(t.Context(), args, &out, &out))
		assert.Contains(t, out.String(), args[len(args)-2]+" sets another address")
	}
	var out bytes.Buffer
	const nobody = "localhost:1" // A port that was free a moment ago can be in use by another test.
	assert.Equal(t, 1, run(t.Context(), []string{"links", "-control", nobody}, &out, &out))
	assert.Contains(t, out.String(), "there is no sandbox at http://"+nobody+": start moneykit-sandbox")
}

// TestFlags starts the program with flags that change the behavior of the API.
func TestFlags(t *testing.T) {
	t.Parallel()
	s := start(t, "-seed", "7", "-nulls", "-zoneless", "-settling", "same_id", "-limits", "-history", "24h", "-latency",
		"1ms", "-clock", "2031-05-06T07:08:09Z",
		"-fail", "get_institutions:503:1", "-redirect-origins", "https://app.example")
	_, state := s.ask(http.MethodGet, "/control/state", "")
	assert.Contains(t, state, `"now":"2031-05-06T07:08:`)
	link := s.link()
	members := s.call(http.DefaultClient, http.MethodGet, "/links/"+link, "")
	assert.Contains(t, members["last_synced_at"], "2031-05-06T07:08:")
	assert.NotContains(t, members["last_synced_at"], "Z")
	assert.Contains(t, members, "webhook")
	other := start(t, "-seed", "8")
	assert.NotEqual(t, link, other.link(), "ids depend on the seed")
}

// TestDeliver checks that webhooks are delivered to this machine, and not to other hosts.
func TestDeliver(t *testing.T) {
	t.Parallel()
	received := make(chan *http.Request, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r }))
	defer receiver.Close()
	s := start(t)
	s.ask(http.MethodPost, "/control/link", `{"webhook": "`+receiver.URL+`/hook", "error": "auth_expired"}`)
	var links []struct{ ID string }
	_, data := s.ask(http.MethodGet, "/control/links", "")
	require.NoError(t, json.Unmarshal([]byte(data), &links))
	ctx, stop := context.WithCancel(t.Context())
	printed := newOutput()
	listening := make(chan int, 1)
	go func() {
		listening <- run(ctx, []string{"listen", "-control", s.info.Control}, printed, printed)
	}()
	printed.until(t, "delivered", func() {
		s.ask(http.MethodPost, "/control/trigger", `{"link_id": "`+links[0].ID+`", "event": "link.state_changed"}`)
		r := <-received
		assert.Equal(t, "/hook", r.URL.Path)
		assert.NotEmpty(t, r.Header.Get("MoneyKit-Signature"))
	})
	assert.Contains(t, printed.String(), "link.state_changed  link "+links[0].ID+"  to "+receiver.URL+"/hook  attempt 1: 200")
	stop()
	assert.Zero(t, <-listening)

	s.ask(http.MethodPost, "/control/link", `{"user_id": "far", "webhook": "http://192.0.2.1/hook"}`)
	_, data = s.ask(http.MethodGet, "/control/links", "")
	require.NoError(t, json.Unmarshal([]byte(data), &links))
	s.ask(http.MethodPost, "/control/trigger", `{"link_id": "`+links[1].ID+`", "event": "link.state_changed"}`)
	s.stderr.await(t, "the webhook is neither on this machine nor in a private network")
}

// TestTail checks that tail prints requests without secrets, and why they were refused.
func TestTail(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx, stop := context.WithCancel(t.Context())
	printed := newOutput()
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"tail", "-control", s.info.Control}, printed, printed) }()
	var token string
	printed.until(t, "POST /link-session", func() { token = s.session("") })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.info.API+"/no/such\x1bpath", nil)
	if err == nil {
		send(t, http.DefaultClient, r)
	}
	r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, s.info.API+"/no/such%1Bpath", nil)
	require.NoError(t, err)
	send(t, http.DefaultClient, r)
	printed.await(t, "refused: there is nothing at this path")
	s.stderr.await(t, "GET /no/such")
	s.stderr.await(t, "there is nothing at this path (404); at Go-http-client/1.1")
	for _, text := range []string{printed.String(), s.stderr.String()} {
		assert.NotContains(t, text, token)
		assert.NotContains(t, text, s.info.ClientSecret)
		assert.NotContains(t, text, "\x1b", "it would control a terminal")
	}
	stop()
	assert.Zero(t, <-ended)

	ended = make(chan int, 1)
	printed = newOutput()
	go func() {
		ended <- run(t.Context(), []string{"tail", "-json", "-control", s.info.Control}, printed, printed)
	}()
	printed.until(t, `"operation":"create_link_session"`, func() { s.session("") })
	assert.Zero(t, s.stop())
	assert.Equal(t, 1, <-ended)
	assert.Contains(t, printed.String(), "the connection to the sandbox ended")
}

// TestTLS connects with only the CA as trusted, and checks that the CA is the same after a restart.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	s := start(t, "-tls", "-tls-dir", dir, "-tls-hosts", "sandbox")
	assert.Equal(t, filepath.Join(dir, "ca.pem"), s.info.CA)
	assert.Contains(t, s.info.API, "https://localhost:")
	trust := func(s *program) *http.Client {
		roots := x509.NewCertPool()
		data, err := os.ReadFile(s.info.CA)
		require.NoError(t, err)
		require.True(t, roots.AppendCertsFromPEM(data))
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	}
	client := trust(s)
	assert.NotEmpty(t, s.call(client, http.MethodGet, "/institutions", "")["institutions"])
	for name, want := range map[string]bool{"sandbox": true, "127.0.0.1": true, "::1": true, "evil.example": false} {
		config := client.Transport.(*http.Transport).TLSClientConfig.Clone()
		config.ServerName = name
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.info.API, "https://"))
		assert.Equal(t, want, err == nil, name)
		if err == nil {
			require.NoError(t, conn.Close())
		}
	}
	own, err := moneykit.NewClient(s.info.ClientID, s.info.ClientSecret, moneykit.WithBaseURL(s.info.API), moneykit.WithHTTPClient(client))
	require.NoError(t, err)
	_, err = own.Institutions.Get(t.Context(), "chase")
	require.NoError(t, err)
	assert.Zero(t, s.stop())

	again := start(t, "-tls", "-tls-dir", dir)
	assert.NotEmpty(t, again.call(client, http.MethodGet, "/institutions", "")["institutions"])
	info, err := os.Stat(filepath.Join(dir, "ca-key.pem"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	info, err = os.Stat(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode().Perm(), "other users can read it")
	good, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	refused := func() {
		var out bytes.Buffer
		assert.Equal(t, 1, run(t.Context(), []string{"-tls", "-tls-dir", dir, "-listen", "localhost:0", "-control", "localhost:0"}, &out, &out))
		assert.Contains(t, out.String(), "remove ca.pem and ca-key.pem to get a new one")
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("damaged"), 0o600))
	refused()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), good, 0o600))
	require.NoError(t, os.Remove(filepath.Join(dir, "ca-key.pem")))
	refused() // Clients that trust the old CA would not trust a new one.
	left, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	assert.Equal(t, good, left)
}

// TestCAExpires checks that the CA is replaced before it expires.
func TestCAExpires(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	first, _, err := certify(dir, nil, now)
	require.NoError(t, err)
	second, _, err := certify(dir, nil, now.Add(caLife-leafLife-time.Hour))
	require.NoError(t, err)
	assert.Equal(t, first.Certificate[1], second.Certificate[1])
	third, _, err := certify(dir, nil, now.Add(caLife-leafLife+time.Hour))
	require.NoError(t, err)
	assert.NotEqual(t, first.Certificate[1], third.Certificate[1])
}
