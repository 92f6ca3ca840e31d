package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
)

// members are the members of a JSON object.
type members map[string]any

// use is a call of a verb with its parameters, as JSON and as flags. The values from prepare
// replace %LINK%, %TOKEN% and so on.
type use struct {
	verb    string
	prepare func(s *program) []string // returns names and values in turn
	json    string
	flags   []string
	check   func(t *testing.T, s *program, out members, names *strings.Replacer)
}

func withLink(s *program) []string { return []string{"%LINK%", s.link()} }

// linkIs returns a function that checks a member of the link in the result.
func linkIs(name string, want any) func(*testing.T, *program, members, *strings.Replacer) {
	return func(t *testing.T, _ *program, out members, names *strings.Replacer) {
		t.Helper()
		assert.Equal(t, names.Replace("%LINK%"), out["id"])
		assert.Equal(t, want, out[name])
	}
}

// rows returns the transactions of a link from the API.
func rows(t *testing.T, s *program, names *strings.Replacer) []any {
	t.Helper()
	page := s.call(http.DefaultClient, http.MethodGet, names.Replace("/links/%LINK%/transactions?size=500"), "")
	all, ok := page["transactions"].([]any)
	require.True(t, ok, "%v", page)
	return all
}

func uses() []use {
	return []use{
		{
			verb: "connect", json: `{"link_session_token": "%TOKEN%", "source": "ios", "play": {"username": "user_good"}}`,
			flags:   []string{"-token", "%TOKEN%", "-source", "ios", "-username", "user_good"},
			prepare: func(s *program) []string { return []string{"%TOKEN%", s.session("")} },
			check: func(t *testing.T, _ *program, out members, _ *strings.Replacer) {
				t.Helper()
				data, err := json.Marshal(out["result"])
				require.NoError(t, err)
				result, err := moneykit.ParseConnectResult(data)
				require.NoError(t, err)
				assert.Equal(t, moneykit.ConnectIOS, result.Source)
				assert.NotEmpty(t, out["events"])
			},
		},
		{
			verb: "authorize", json: `{"link_session_token": "%TOKEN%"}`, flags: []string{"-token", "%TOKEN%"},
			prepare: func(s *program) []string {
				return []string{"%TOKEN%", s.session(`, "institution_id": "moneykit-oauth-bank"`)}
			},
			check: func(t *testing.T, _ *program, out members, _ *strings.Replacer) {
				t.Helper()
				assert.Contains(t, out["return_url"], "https://app.example/back?")
			},
		},
		{
			verb: "continue", json: `{"link_session_token": "%TOKEN%", "return_url": "%URL%"}`,
			flags: []string{"-token", "%TOKEN%", "-return-url", "%URL%"},
			prepare: func(s *program) []string {
				token := s.session(`, "institution_id": "moneykit-oauth-bank"`)
				_, data := s.ask(http.MethodPost, "/control/authorize", `{"link_session_token": "`+token+`"}`)
				var out struct {
					URL string `json:"return_url"`
				}
				require.NoError(s.t, json.Unmarshal([]byte(data), &out))
				return []string{"%TOKEN%", token, "%URL%", out.URL}
			},
			check: func(t *testing.T, _ *program, out members, _ *strings.Replacer) {
				t.Helper()
				assert.NotEmpty(t, out["exchangeable_token"])
				assert.Contains(t, out["link_id"], "mk_")
			},
		},
		{
			verb: "link", json: `{"user_id": "user-7", "institution_id": "chase", "products": ["accounts", "identity"]}`,
			flags: []string{"-user", "user-7", "-institution", "chase", "-products", "accounts,identity"},
			check: func(t *testing.T, _ *program, out members, _ *strings.Replacer) {
				t.Helper()
				assert.Equal(t, "user-7", out["user_id"])
				assert.Equal(t, "Chase", out["institution"])
				assert.Equal(t, []any{"accounts", "identity"}, out["products"])
			},
		},
		{
			verb: "break", json: `{"link_id": "%LINK%", "reason": "auth_expired"}`, flags: []string{"-link", "%LINK%", "-reason", "auth_expired"},
			prepare: withLink, check: linkIs("error", "auth_expired"),
		},
		{
			verb: "reset", json: `{"link_id": "%LINK%"}`, flags: []string{"-link", "%LINK%"},
			prepare: withLink, check: linkIs("state", "connected"),
		},
		{
			verb: "transactions", json: `{"link_id": "%LINK%", "add": [{"transaction_id": "txn_new", "amount": 12.5, "description": "Coffee"}]}`,
			flags:   []string{"-link", "%LINK%", "-add", `[{"transaction_id": "txn_new", "amount": 12.5, "description": "Coffee"}]`},
			prepare: withLink,
			check: func(t *testing.T, s *program, _ members, names *strings.Replacer) {
				t.Helper()
				data, err := json.Marshal(rows(t, s, names))
				require.NoError(t, err)
				assert.Contains(t, string(data), "txn_new")
			},
		},
		{
			verb: "settle", json: `{"link_id": "%LINK%"}`, flags: []string{"-link", "%LINK%"},
			prepare: func(s *program) []string {
				link := s.link()
				_, data := s.ask(http.MethodPost, "/control/transactions",
					`{"link_id": "`+link+`", "add": [{"transaction_id": "txn_pending", "amount": 1, "pending": true}]}`)
				require.Contains(s.t, data, link)
				return []string{"%LINK%", link}
			},
			check: func(t *testing.T, s *program, _ members, names *strings.Replacer) {
				t.Helper()
				for _, row := range rows(t, s, names) {
					assert.NotEqual(t, "txn_pending", row.(map[string]any)["transaction_id"])
				}
			},
		},
		{
			verb: "refresh", json: `{"link_id": "%LINK%", "products": ["transactions"]}`,
			flags:   []string{"-link", "%LINK%", "-products", "transactions"},
			prepare: withLink,
			check: func(t *testing.T, s *program, _ members, names *strings.Replacer) {
				t.Helper()
				_, data := s.ask(http.MethodGet, "/control/deliveries", "")
				assert.Contains(t, data, names.Replace("%LINK%"))
				assert.Contains(t, data, "link.product_refresh")
			},
		},
		{
			verb: "trigger", json: `{"link_id": "%LINK%", "event": "link.state_changed", "idempotency_key": "key-1"}`,
			flags: []string{"-link", "%LINK%", "-event", "link.state_changed", "-key", "key-1"}, prepare: withLink,
			check: func(t *testing.T, s *program, out members, _ *strings.Replacer) {
				t.Helper()
				_, data := s.ask(http.MethodGet, "/control/deliveries", "")
				assert.Contains(t, data, `"key-1"`)
				assert.Contains(t, data, out["token"])
			},
		},
		{
			verb: "deliver", json: `{"duplicated": 2}`, flags: []string{"-duplicated", "2"},
			prepare: func(s *program) []string {
				link := s.link()
				s.ask(http.MethodPost, "/control/break", `{"link_id": "`+link+`", "reason": "auth_expired"}`)
				return []string{"%LINK%", link}
			},
			check: func(t *testing.T, _ *program, out members, names *strings.Replacer) {
				t.Helper()
				first, ok := out["list"].([]any)[0].(map[string]any)
				require.True(t, ok)
				assert.Equal(t, names.Replace("%LINK%"), first["link_id"])
				assert.Len(t, first["attempts"], 2)
			},
		},
		{
			verb: "resend", json: `{"token": "%TOKEN%"}`, flags: []string{"-token", "%TOKEN%"},
			prepare: func(s *program) []string {
				_, data := s.ask(http.MethodPost, "/control/trigger", `{"link_id": "`+s.link()+`", "event": "link.state_changed"}`)
				var out struct{ Token string }
				require.NoError(s.t, json.Unmarshal([]byte(data), &out))
				s.ask(http.MethodPost, "/control/deliver", `{}`)
				return []string{"%TOKEN%", out.Token}
			},
			check: func(t *testing.T, s *program, _ members, names *strings.Replacer) {
				t.Helper()
				_, data := s.ask(http.MethodPost, "/control/deliver", `{}`)
				assert.Contains(t, data, names.Replace("%TOKEN%"), "the webhook is due immediately")
			},
		},
		{
			verb: "sign", json: `{"url": "http://localhost:3000/hook", "body": {"a":  1}}`,
			flags: []string{"-url", "http://localhost:3000/hook", "-body", `{"a":  1}`},
			check: func(t *testing.T, _ *program, out members, _ *strings.Replacer) {
				t.Helper()
				assert.Equal(t, `{"a":1}`, out["body"])
				assert.Contains(t, out["header"], "Moneykit-Signature")
			},
		},
		{
			verb: "tamper", json: `{"url": "http://localhost:3000/hook", "body": {"a": 1}, "how": "unsigned"}`,
			flags: []string{"-url", "http://localhost:3000/hook", "-body", `{"a": 1}`, "-how", "unsigned"},
			check: func(t *testing.T, _ *program, out members, _ *strings.Replacer) {
				t.Helper()
				assert.NotContains(t, out["header"], "Moneykit-Signature")
			},
		},
		{
			verb: "rotate-keys", json: `{}`,
			check: func(t *testing.T, s *program, _ members, _ *strings.Replacer) {
				t.Helper()
				assert.Len(t, s.call(http.DefaultClient, http.MethodGet, "/.well-known/jwks.json", "")["keys"], 2)
			},
		},
		{
			verb: "fail", json: `{"operation": "get_institutions", "n": 1, "fault": {"status": 503, "header": {"Retry-After": ["7"]}}}`,
			flags: []string{"-operation", "get_institutions", "-n", "1", "-status", "503", "-header", `{"Retry-After": ["7"]}`},
			check: func(t *testing.T, s *program, _ members, _ *strings.Replacer) {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.info.API+"/institutions", nil)
				require.NoError(t, err)
				response, err := http.DefaultClient.Do(r)
				require.NoError(t, err)
				defer response.Body.Close()
				assert.Equal(t, 503, response.StatusCode)
				assert.Equal(t, "7", response.Header.Get("Retry-After"))
			},
		},
		{
			verb: "expire-tokens", json: `{}`,
			prepare: func(s *program) []string { return []string{"%TOKEN%", s.session("")} },
			check: func(t *testing.T, s *program, _ members, _ *strings.Replacer) {
				t.Helper()
				assert.NotEmpty(t, s.session(""), "clients can get a new access token")
			},
		},
		{
			verb: "advance", json: `{"by": "24h"}`, flags: []string{"-by", "24h"},
			check: func(t *testing.T, s *program, out members, _ *strings.Replacer) {
				t.Helper()
				assert.NotEmpty(t, out["now"])
				_, data := s.ask(http.MethodGet, "/control/state", "")
				assert.Contains(t, data, `"advance":"24h0m0s"`)
			},
		},
	}
}

// TestVerbs calls each verb over HTTP and as a subcommand.
func TestVerbs(t *testing.T) {
	t.Parallel()
	var tested, all []string
	for _, u := range uses() {
		tested = append(tested, u.verb)
		for _, way := range []string{"HTTP", "subcommand"} {
			t.Run(u.verb+" by "+way, func(t *testing.T) {
				t.Parallel()
				s := start(t, "-no-delivery")
				var pairs []string
				if u.prepare != nil {
					pairs = u.prepare(s)
				}
				names := strings.NewReplacer(pairs...)
				var data string
				if way == "HTTP" {
					status, body := s.ask(http.MethodPost, "/control/"+u.verb, names.Replace(u.json))
					require.Equal(t, http.StatusOK, status, body)
					data = body
				} else {
					args := []string{u.verb, "-json"}
					for _, flag := range u.flags {
						args = append(args, names.Replace(flag))
					}
					status, stdout, stderr := s.command(args...)
					require.Zero(t, status, stderr)
					data = stdout
				}
				if strings.HasPrefix(data, "[") {
					data = `{"list":` + data + `}`
				}
				var out members
				require.NoError(t, json.Unmarshal([]byte(data), &out))
				u.check(t, s, out, names)
				assert.Zero(t, s.stop())
			})
		}
	}
	for _, v := range control.Verbs() {
		all = append(all, v.Name)
	}
	assert.Equal(t, all, tested)
}

// TestLists reads each list over HTTP and as a subcommand, as JSON and as a table.
func TestLists(t *testing.T) {
	t.Parallel()
	s := start(t, "-no-delivery")
	token, link := s.session(""), s.link()
	s.ask(http.MethodPost, "/control/break", `{"link_id": "`+link+`", "reason": "auth_expired"}`)
	for name, want := range map[string]string{
		"state": s.info.API, "links": link, "sessions": token, "requests": "create_link_session", "deliveries": "link.state_changed",
		"tamperings": "unsigned", "test-users": "user_otp",
	} {
		status, data := s.ask(http.MethodGet, "/control/"+name, "")
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, data, want)
		exit, asJSON, _ := s.command(name, "-json")
		assert.Zero(t, exit)
		assert.JSONEq(t, stable(data), stable(asJSON), name)
		exit, table, _ := s.command(name)
		assert.Zero(t, exit)
		assert.Contains(t, table, want)
		assert.NotContains(t, table, "{", "%s is a table: %s", name, table)
	}
	assert.Len(t, control.Lists(), 7)
}

// stable removes the current time from the state.
func stable(data string) string {
	var value any
	if json.Unmarshal([]byte(data), &value) != nil {
		return data
	}
	if state, ok := value.(map[string]any); ok {
		delete(state, "now")
	}
	out, err := json.Marshal(value)
	if err != nil {
		return data
	}
	return string(out)
}
