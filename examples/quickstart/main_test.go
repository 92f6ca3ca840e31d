package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func env(vars map[string]string) func(string) string {
	return func(key string) string { return vars[key] }
}

func TestSandbox(t *testing.T) {
	var out, progress bytes.Buffer
	require.NoError(t, run(t.Context(), nil, env(nil), strings.NewReader(""), &out, &progress))
	assert.Contains(t, out.String(), "using the sandbox")
	assert.Regexp(t, `Link +mk_\w{22}\n`, out.String())
	assert.Regexp(t, `transactions +\d{4}-\d\d-\d\d`, out.String())
	assert.Regexp(t, `identity +not yet`, out.String())
	assert.GreaterOrEqual(t, strings.Count(out.String(), " USD\n"), 2, "at least two accounts")
	assert.Empty(t, progress.String())
}

func TestSandboxJSON(t *testing.T) {
	var out, progress bytes.Buffer
	args := []string{"-json", "-user", "user_0007", "-institution", moneykittest.CredentialsBank}
	require.NoError(t, run(t.Context(), args, env(nil), strings.NewReader(""), &out, &progress))
	var list moneykit.AccountList
	require.NoError(t, json.Unmarshal(out.Bytes(), &list))
	assert.Equal(t, moneykittest.CredentialsBank, list.Link.InstitutionID)
	assert.GreaterOrEqual(t, len(list.Accounts), 2)
	assert.Contains(t, progress.String(), "user_0007")
}

// TestMoneyKit runs the program with credentials, against a sandbox that stands in for MoneyKit.
func TestMoneyKit(t *testing.T) {
	sandbox := moneykittest.NewServer(t)
	id, secret := sandbox.Credentials()
	vars := env(map[string]string{"MONEYKIT_CLIENT_ID": id, "MONEYKIT_CLIENT_SECRET": secret})
	args := []string{"-base-url", sandbox.URL()}

	t.Run("a person goes through Connect", func(t *testing.T) {
		person := newPerson(t, sandbox)
		var progress bytes.Buffer
		require.NoError(t, run(t.Context(), args, vars, person, person, &progress))
		assert.Regexp(t, `Link +mk_`, person.screen.String())
		assert.NotContains(t, person.screen.String(), secret)
	})
	for name, stdin := range map[string]string{
		"nothing is pasted":       "",
		"an empty line is pasted": "\n",
		"a wrong token is pasted": "wrong\n",
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), args, vars, strings.NewReader(stdin), &out, &out)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "wrong\n")
		})
	}
}

// person reads the link session token from the screen, goes through Connect, and types the
// exchangeable token.
type person struct {
	t       *testing.T
	sandbox *moneykittest.Server
	screen  bytes.Buffer
	typed   io.Reader
}

func newPerson(t *testing.T, sandbox *moneykittest.Server) *person {
	t.Helper()
	return &person{t: t, sandbox: sandbox}
}

func (p *person) Write(text []byte) (int, error) { return p.screen.Write(text) }

func (p *person) Read(buf []byte) (int, error) {
	if p.typed == nil {
		_, after, _ := strings.Cut(p.screen.String(), "used once:\n\n   ")
		token, _, ok := strings.Cut(after, "\n")
		require.True(p.t, ok)
		result, err := moneykit.ParseConnectResult(p.sandbox.Connect(token, moneykit.ConnectIOS, moneykittest.Play{}))
		require.NoError(p.t, err)
		p.typed = strings.NewReader(result.ExchangeableToken + "\n")
	}
	return p.typed.Read(buf)
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		vars map[string]string
		want string
	}{
		{"an id without a secret", nil, map[string]string{"MONEYKIT_CLIENT_ID": "a"}, "set both"},
		{"a secret without an id", nil, map[string]string{"MONEYKIT_CLIENT_SECRET": "a"}, "set both"},
		{"a base URL without credentials", []string{"-base-url", "https://example.com"}, nil, "set both"},
		{"an unusable base URL", []string{"-base-url", "x"}, map[string]string{"MONEYKIT_CLIENT_ID": "a", "MONEYKIT_CLIENT_SECRET": "b"}, "base URL"},
		{"a user id that is too short", []string{"-user", "abc"}, nil, "customer_user.id must have 4 to 150 characters"},
		{"a redirect URI with a query", []string{"-redirect-uri", "https://example.com?a"}, nil, "redirect_uri must not have a query"},
		{"an unknown flag", []string{"-x"}, nil, "flag provided but not defined"},
		{"an argument", []string{"x"}, nil, "unexpected argument"},
		{"help", []string{"-h"}, nil, "help requested"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), tt.args, env(tt.vars), strings.NewReader(""), &out, &out)
			require.ErrorContains(t, err, tt.want)
		})
	}
}
